"""One tool, once: started in the tool's own environment, writes what it measured as JSON.

Knows nothing of Interlock and runs on the standard library alone. Start-up, loading
and profiling are timed apart; a profile of the table's first rows comes before the
timed one, so that lazy imports are nobody's handicap.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUALITIES = ("exact", "deterministic", "approximate")


def timed(call: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    result = call(*arguments)
    return time.perf_counter() - began, result


def measure(module: str, option: str, data: Path, warm_up: Path, threads: int) -> dict[str, Any]:
    import_s, tool = timed(importlib.import_module, f"peers.{module}")
    warm_up_s, _ = timed(lambda: tool.profile(tool.load(str(warm_up), option), option, threads))
    load_s, table = timed(tool.load, str(data), option)
    profile_s, result = timed(tool.profile, table, option, threads)
    fingerprint = {"fingerprint": tool.fingerprint(result)} if hasattr(tool, "fingerprint") else {}
    return fingerprint | {
        "import_s": import_s,
        "warm_up_s": warm_up_s,
        "load_s": load_s,
        "profile_s": profile_s,
        "statistics": named(tool.NAMES, tool.found(result)),
        "answers": {name: float(value) for name, value in tool.answers(result).items()},
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in tool.PACKAGES},
    }


def named(names: dict[str, str], found: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Common name → the tool's own names and the least quality among them; names unknown stay as they are."""
    statistics: dict[str, dict[str, Any]] = {}
    for native, quality in found.items():
        for common in filter(None, names.get(native, native).split(", ")):
            entry = statistics.setdefault(common, {"native": [], "quality": "exact"})
            entry["native"].append(native)
            entry["quality"] = max(entry["quality"], quality, key=QUALITIES.index)
    return statistics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--option", default="")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--warm-up", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    a.out.write_text(json.dumps(measure(a.module, a.option, a.data, a.warm_up, a.threads)))


if __name__ == "__main__":
    main()
