"""``python -m benchmarks.alerts``: measures, then writes results/<date>.json and .md. See ../README.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from benchmarks.alerts import faults, judged, misses, tables
from benchmarks.alerts.judged import Case, Replay
from benchmarks.alerts.tables import Table

SEED = 20_130_208
PLANTED_IN = 10  # partitions of a table; 5 in a trial


def measured(table: Table, partitions: int) -> tuple[Replay, list[Case]]:
    """The table replayed, and every fault planted in so many of its clean partitions judged."""
    began = time.perf_counter()
    replay = judged.replayed(table)
    planted = list(faults.planted(table, faults.spread(table.clean, partitions, SEED), SEED))
    cases = judged.cases(table, replay, planted)
    print(f"{table.name}: {len(cases)} faults, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return replay, cases


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument(
        "--tables", nargs="+", default=[], help="names, `tuning` or `held-out`; all if left out"
    )
    parser.add_argument("--only", choices=["interlock"], help="without the peers; writes no page")
    parser.add_argument("--partitions", type=int, default=PLANTED_IN, help="broken partitions of each table")
    a = parser.parse_args(arguments)
    for table in tables.chosen(a.tables):
        replay, cases = measured(table, a.partitions)
        if table.tuning:
            path = misses.written(table, replay, cases)
            print(misses.shown(table, replay, cases), f"each fault: {path}", sep="\n")


if __name__ == "__main__":
    main()
