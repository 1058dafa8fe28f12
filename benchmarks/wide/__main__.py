"""How a wide table is learned and judged: ``python -m benchmarks.wide``.

Prints a table and writes ``results.json`` beside it with the machine and the versions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

import interlock
from benchmarks.wide import table
from interlock import alerts, detect
from interlock.profiles.profile import Profile

RESULTS = Path(__file__).parent / "results.json"
SENSITIVITIES: tuple[detect.Sensitivity, ...] = ("normal", "high")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=1_000)
    parser.add_argument("--partitions", type=int, default=365)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="Write no results.")
    given = parser.parse_args()
    found = measure(given.columns, given.partitions, given.runs)
    for name, value in found.items():
        print(f"{name:<40} {value}")
    if not given.dry:
        document = {"machine": machine(), "columns": given.columns, "partitions": given.partitions, **found}
        RESULTS.write_text(json.dumps(document, indent=2) + "\n")


def measure(columns: int, partitions: int, runs: int) -> dict[str, Any]:
    base = table.profile(columns)
    stored = [(r.label, r.features.pack()) for r in table.year(base, partitions)]
    found: dict[str, Any] = {
        "features": len(detect.features(base).keys),
        "stored_mib": mib(sum(len(v) + len(json.dumps(d)) for _, (_, v, d) in stored)),
        "rss_before_mib": rss(),
    }

    def rows() -> list[detect.Row]:
        return [detect.Row(label, detect.Features.unpack(*packed)) for label, packed in stored]

    history = timed(found, "learn_s", lambda: learned(detect.History.of(rows())), 1)
    bytes_ = timed(found, "memory_dump_s", history.memory, 1)
    found["memory_mib"] = mib(len(bytes_))
    timed(found, "memory_load_s", lambda: learned(detect.History.of(rows(), memory=bytes_)), runs)
    today = table.on(base, partitions)
    for sensitivity in SENSITIVITIES:
        timed(
            found,
            f"learn_at_{sensitivity}_s",
            lambda s=sensitivity: detect.learn(history, sensitivity=s),
            runs,
        )
        known = detect.learn(history, sensitivity=sensitivity)
        for name, profile in (("clean", today), ("broken", table.broken(today, 30))):
            judged = timed(
                found,
                f"decide_{name}_{sensitivity}_s",
                lambda k=known, p=profile: decide(k, p, partitions),
                runs,
            )
            found[f"alerts_{name}_{sensitivity}"] = judged
    timed(found, "append_s", lambda: history.append(table.label(partitions), detect.features(today)), runs)
    found["peak_rss_mib"] = rss()
    return found


def learned(history: detect.History) -> detect.History:
    history.watch()
    return history


def decide(known: detect.Learned, profile: Profile, day: int) -> int:
    """From the profile to the alerts, as the gate does it; how many there are."""
    violations = known.judge(profile, table.label(day))
    return len(alerts.group(violations, table="wide", label=table.label(day), learned=known, profile=profile))


def timed(into: dict[str, Any], name: str, act: Callable[[], Any], runs: int) -> Any:
    """Medians of the time that passed and of the processor's, which a busy machine does not lengthen."""
    took, worked = [], []
    for _ in range(runs):
        began, began_cpu = time.perf_counter(), time.process_time()
        result = act()
        took.append(time.perf_counter() - began)
        worked.append(time.process_time() - began_cpu)
    into[name] = round(statistics.median(took), 4)
    into[name.removesuffix("_s") + "_cpu_s"] = round(statistics.median(worked), 4)
    return result


def rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def mib(size: int) -> float:
    return round(size / 2**20, 1)


def machine() -> dict[str, Any]:
    names = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")]
    return {
        "cpu": names[0].partition(": ")[2] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load": [round(x, 2) for x in os.getloadavg()],
        "python": platform.python_version(),
        "interlock": interlock.__version__,
        "numpy": np.__version__,
        "duckdb": duckdb.__version__,
        "measured": time.strftime("%Y-%m-%d"),
    }


if __name__ == "__main__":
    sys.exit(main())
