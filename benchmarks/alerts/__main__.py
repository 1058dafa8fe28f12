"""``python -m benchmarks.alerts``: measures, then writes results/<date>.json and .md. See ../README.md."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.alerts import judged, misses, run, tables
from benchmarks.alerts.document import document
from benchmarks.alerts.packages import DATA
from benchmarks.alerts.page import render
from benchmarks.alerts.run import Measured
from benchmarks.alerts.tables import Table
from benchmarks.profile import machine

RESULTS = Path(__file__).resolve().with_name("results")
SEED = 20_130_208
PLANTED_IN = 10  # partitions of a table


def measured(table: Table, partitions: int, *, peers: bool, missed: bool) -> Measured:
    """The table replayed, and every fault planted in so many of its clean partitions judged by every method."""
    began = time.perf_counter()
    replay = judged.replayed(table)
    cases = judged.cases(table, replay, run.broken(table, partitions, SEED))
    found = run.measured(table, replay, cases, peers=peers)
    if missed and table.tuning:
        path = misses.written(table, replay, cases)
        print(misses.shown(table, replay, cases), f"each fault: {path}", sep="\n")
    print(f"{table.name}: {len(cases)} faults, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument(
        "--tables", nargs="+", default=[], help="names, `tuning` or `held-out`; all if left out"
    )
    parser.add_argument("--only", choices=["interlock"], help="without the peers; writes no page")
    parser.add_argument("--partitions", type=int, default=PLANTED_IN, help="broken partitions of each table")
    parser.add_argument("--resume", action="store_true", help="keep the tables that were measured before")
    a = parser.parse_args(arguments)
    facts = {"machine": machine.facts(), "load_at_start": machine.load(), "broken_partitions": a.partitions}
    whole, found = a.only is None, []
    for table in tables.chosen(a.tables):
        path = DATA / "measured" / f"{table.name}.{a.partitions}.pickle"
        if not (whole and a.resume and path.exists()):
            measured(table, a.partitions, peers=whole, missed=True).save(path)
        found.append(Measured.load(path))
    if whole:
        _write(document(found) | facts, DATA / "trial" if a.tables else RESULTS)


def _write(result: dict[str, object], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.datetime.now(datetime.UTC).date().isoformat()}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(render(result))
    print(path.with_suffix(".md"), file=sys.stderr)


if __name__ == "__main__":
    main()
