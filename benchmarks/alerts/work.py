"""All that is done with one table, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.alerts import catalogue, judged, misses, run, slow
from benchmarks.alerts import contaminated as contamination
from benchmarks.alerts.faults import Broken
from benchmarks.alerts.run import Measured
from benchmarks.alerts.tables import TUNING, Table
from benchmarks.profile.environments import NotInstallable

SEED = 20_130_208


def measured(table: Table, partitions: int, *, peers: bool, without: Sequence[str] = ()) -> Measured:
    """The table replayed, and every fault planted in so many of its clean partitions judged by every method."""
    began = time.perf_counter()
    replay, broken = judged.replayed(table), run.broken(table, partitions, SEED)
    cases = judged.cases(table, replay, broken)
    found = run.measured(table, replay, cases, peers=peers)
    if table.group == TUNING:
        path = misses.written(table, replay, cases)
        print(misses.shown(table, replay, cases), f"each fault: {path}", sep="\n")
    print(f"{table.name}: {len(cases)} faults, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return replace(found, slow=_slow(table, found, broken, without)) if peers else found


def _slow(
    table: Table, found: Measured, broken: Sequence[Broken], without: Sequence[str]
) -> dict[str, Measured]:
    """The libraries that take long; one that cannot be had or fails is named with the reason and left out."""
    beside = {}
    for library in (one for one in slow.LIBRARIES if one.name not in without):
        began = time.perf_counter()
        try:
            beside[library.name] = slow.beside(library, table, found, broken, SEED)
            print(f"  {library.name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
        except (NotInstallable, subprocess.SubprocessError) as failed:
            print(f"  {library.name} left out: {failed}", file=sys.stderr)
    return beside


def saved(name: str, path: Path, partitions: int, without: Sequence[str]) -> None:
    (table,) = catalogue.chosen([name])
    measured(table, partitions, peers=True, without=without).save(path)


def contaminated(name: str) -> dict[str, Any]:
    (table,) = catalogue.chosen([name])
    return contamination.compared(table, SEED)
