"""``python -m benchmarks.detection``: writes RESULTS.md and results.json beside this file."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

import interlock
from benchmarks.detection import faults, tables
from benchmarks.detection.faults import Fault
from benchmarks.detection.tables import Table
from interlock import alerts, detect, profiles
from interlock.backtest.interval import wilson
from interlock.engines.duckdb import DuckDB
from interlock.names import Severity
from interlock.profiles.profile import Profile

HERE = Path(__file__).parent
RATE_FROM = 60
CASES_AT_ONCE = 400


def asked(table: Table) -> tuple[profiles.Dependency, ...]:
    """What the rows of the first seven partitions suggest, as the gate would find it in them."""
    first = pd.concat(list(table.partitions.values())[:7], ignore_index=True)
    columns = ", ".join(f'CAST("{c}" AS {t}) AS "{c}"' for c, t in table.types.items())
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection, DuckDB() as engine:
        path = Path(scratch) / "first.parquet"
        connection.register("first", first)
        connection.execute(f"COPY (SELECT {columns} FROM first) TO '{path}' (FORMAT parquet)")
        return detect.mine(engine, engine.relation(str(path)))


def profiled_frames(
    table: Table, frames: Mapping[str, pd.DataFrame], dependencies: tuple[profiles.Dependency, ...]
) -> Iterator[tuple[str, Profile]]:
    """Profiles of many frames, a few hundred in one pass, with the table's own column types."""
    names = list(frames)
    for start in range(0, len(names), CASES_AT_ONCE):
        chunk = names[start : start + CASES_AT_ONCE]
        number = {f"{i:06d}": name for i, name in enumerate(chunk)}
        stacked = pd.concat([frames[name].assign(case_=i) for i, name in number.items()], ignore_index=True)
        columns = ", ".join(f'CAST("{c}" AS {t}) AS "{c}"' for c, t in table.types.items())
        with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection, DuckDB() as engine:
            path = Path(scratch) / "cases.parquet"
            connection.register("stacked", stacked)
            connection.execute(f"COPY (SELECT {columns}, case_ FROM stacked) TO '{path}' (FORMAT parquet)")
            found = profiles.compute_by(
                engine,
                engine.relation(str(path)),
                "case_",
                segments=table.segments,
                key=table.key,
                dependencies=dependencies,
            )
            for case, profiled in found.items():
                kept = {k: v for k, v in profiled.columns.items() if k != "case_"}
                yield number[case], replace(profiled, columns=kept)


def replay(table: Table) -> tuple[dict[str, detect.History], dict[str, list[alerts.Alert]], float]:
    """History before each partition, the alerts each raised as it came, and seconds per judgement."""
    history, before, raised = detect.History.of([]), {}, {}
    profiled = dict(profiled_frames(table, table.partitions, asked(table)))
    began = time.process_time()
    for label in table.partitions:
        before[label] = history
        raised[label] = _alerts(history, profiled[label], label, table)
        history = history.append(label, detect.features(profiled[label]))
    return before, raised, (time.process_time() - began) / len(profiled)


def _alerts(history: detect.History, profiled: Profile, label: str, table: Table) -> list[alerts.Alert]:
    learned = detect.learn(history)
    found = alerts.group(
        learned.judge(profiled, label), table=table.name, label=label, learned=learned, profile=profiled
    )
    return [a for a in found if a.severity is not Severity.INFO]


def false_alarms(table: Table, raised: Mapping[str, list[alerts.Alert]]) -> dict[str, object]:
    clean = [(i, label) for i, label in enumerate(table.partitions) if label not in table.not_clean]
    late = [bool(raised[label]) for i, label in clean if i >= RATE_FROM]
    early = [bool(raised[label]) for i, label in clean if i < RATE_FROM]
    low, high = wilson(sum(late), len(late))
    began = len(_began(raised) & {label for i, label in clean if i >= RATE_FROM})
    return {
        "clean": len(late),
        "alarmed": sum(late),
        "began": began,
        "rate": sum(late) / len(late),
        "low": low,
        "high": high,
        "early_clean": len(early),
        "early_alarmed": sum(early),
    }


def _began(raised: Mapping[str, list[alerts.Alert]]) -> set[str]:
    """Partitions on which something broke that the partition before did not break."""
    found, before = set(), set()
    for label, now in raised.items():
        broken = {v.constraint for a in now for v in a.violations}
        if broken and not broken & before:
            found.add(label)
        before = broken
    return found


def recall(
    table: Table, before: Mapping[str, detect.History], planted: list[Fault], every: int, offset: int
) -> list[dict[str, object]]:
    """Each fault on each chosen clean date: caught, with the right column first or second, and in how many alerts."""
    labels = [
        label for i, label in enumerate(table.partitions) if i >= RATE_FROM and label not in table.not_clean
    ][offset::every]
    frames, cases, ids = {}, {}, count()
    for number, fault in enumerate(planted):
        for label in labels:
            name = f"{next(ids)}"
            rng = np.random.default_rng([number, list(table.partitions).index(label)])
            frames[name], cases[name] = fault.plant(table.partitions[label], rng), (fault, label)
    found = []
    for name, profiled in profiled_frames(table, frames, asked(table)):
        fault, label = cases[name]
        loud = _alerts(before[label], profiled, label, table)
        ranked = [c for a in loud for c in a.columns]
        found.append(
            {
                "kind": fault.kind,
                "columns": fault.columns,
                "label": label,
                "caught": bool(loud),
                "alerts": len(loud),
                "first": bool(loud) and (not fault.columns or bool(set(ranked[:1]) & set(fault.columns))),
                "two": bool(loud) and (not fault.columns or bool(set(ranked[:2]) & set(fault.columns))),
            }
        )
    return found


SETS: tuple[tuple[str, Callable[[Table], Iterator[Fault]], int, int], ...] = (
    ("the issue's six kinds, dates seen while tuning", faults.issue, 24, 0),
    ("the issue's six kinds, held-out dates", faults.issue, 24, 12),
    ("smaller and other kinds, dates seen while tuning", faults.small, 24, 0),
    ("smaller and other kinds, held-out dates", faults.small, 24, 12),
    ("held-out kinds, held-out dates", faults.unseen, 24, 12),
)


def main() -> None:
    result: dict[str, object] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "interlock": interlock.__version__,
        "duckdb": duckdb.__version__,
        "numpy": np.__version__,
    }
    rates, sets, kinds = [], [], []
    for make in (*tables.TABLES, lambda: tables.real_flights(("carrier",))):
        table = make()
        before, raised, seconds = replay(table)
        rates.append({"table": table.name, "judgement_ms": seconds * 1000, **false_alarms(table, raised)})
        chosen = (
            SETS
            if table.name == "flights"
            else SETS[-1:]
            if table.segments
            else (("held-out table", faults.made, 12, 0),)
        )
        for title, plant, every, offset in chosen:
            found = recall(table, before, list(plant(table)), every, offset)
            low, high = wilson(sum(bool(f["caught"]) for f in found), len(found))
            sets.append(
                {
                    "table": table.name,
                    "set": title,
                    "faults": len(found),
                    "low": low,
                    "high": high,
                    **{k: float(np.mean([bool(f[k]) for f in found])) for k in ("caught", "first", "two")},
                    "alerts": float(np.mean([f["alerts"] for f in found if f["caught"]] or [0])),
                }
            )
            by_kind: dict[str, list[bool]] = {}
            for f in found:
                by_kind.setdefault(f"{f['kind']} {','.join(f['columns'])}", []).append(bool(f["caught"]))
            kinds += [
                {"table": table.name, "set": title, "fault": k, "caught": sum(v), "of": len(v)}
                for k, v in by_kind.items()
            ]
        if table.name == "flights":
            result["blizzard"] = {d: [str(a) for a in raised[d]] for d in ("2013-02-08", "2013-02-09")}
            result["false_alarm_days"] = {
                label: raised[label][0].title
                for i, label in enumerate(table.partitions)
                if i >= RATE_FROM and raised[label] and label not in table.not_clean
            }
        print(rates[-1], *[s for s in sets if s["table"] == table.name], sep="\n", file=sys.stderr)
    result |= {"false_alarms": rates, "recall": sets, "by_kind": kinds}
    (HERE / "results.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    (HERE / "RESULTS.md").write_text(markdown(result))


def markdown(result: dict[str, object]) -> str:
    lines = [
        "# Detection: results",
        "",
        "Made by `python -m benchmarks.detection`; all numbers, kind by kind, are in results.json.",
        f"{result['machine']}, Python {result['python']}, DuckDB {result['duckdb']}, numpy {result['numpy']}.",
        "",
        "## False alarms",
        "",
        "Clean partitions that raised a ticket or page as they came, each judged by those before it. The days of",
        "the flights held not clean were written down first (docs/decisions/0010-days-held-not-clean.md). A loud",
        "change that lasts alarms every day until someone accepts it, and here nobody does: *began* counts each once.",
        "",
        "| table | clean, from the 61st on | alarmed | rate | 95% interval | began that day "
        "| before: alarmed of clean | ms per judgement |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in result["false_alarms"]:  # type: ignore[attr-defined]
        lines.append(
            f"| {r['table']} | {r['clean']} | {r['alarmed']} | {r['rate']:.1%} "
            f"| {r['low']:.1%} – {r['high']:.1%} | {r['began']} "
            f"| {r['early_alarmed']} of {r['early_clean']} | {r['judgement_ms']:.0f} |"
        )
    lines += [
        "",
        "## Planted faults",
        "",
        "Planted into clean partitions from the 61st on. *Right column*: first, or among the first two, of all named.",
        "",
        "| table | set | faults | caught | 95% interval | right column first | among two | alerts each |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for s in result["recall"]:  # type: ignore[attr-defined]
        lines.append(
            f"| {s['table']} | {s['set']} | {s['faults']} | {s['caught']:.1%} | {s['low']:.1%} – {s['high']:.1%} "
            f"| {s['first']:.1%} | {s['two']:.1%} | {s['alerts']:.2f} |"
        )
    lines += ["", "## Not always caught", "", "| table | fault | caught |", "|---|---|---|"]
    merged: dict[tuple[str, str], list[int]] = {}
    for k in result["by_kind"]:  # type: ignore[attr-defined]
        pair = merged.setdefault((k["table"], k["fault"]), [0, 0])
        pair[0] += k["caught"]
        pair[1] += k["of"]
    lines += [f"| {t} | {f} | {c} of {n} |" for (t, f), (c, n) in merged.items() if c < n]
    lines += ["", "## The blizzard", ""]
    lines += [f"- {d}: " + ("; ".join(a) or "no alert") for d, a in result["blizzard"].items()]  # type: ignore[attr-defined]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
