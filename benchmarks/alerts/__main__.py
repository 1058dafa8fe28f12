"""``python -m benchmarks.alerts``: measures, then writes results/<date>.json and .md. See ../README.md."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import interlock
from benchmarks.alerts import catalogue, contaminated, judged, misses, run, slow
from benchmarks.alerts.document import document
from benchmarks.alerts.faults import Broken
from benchmarks.alerts.packages import DATA
from benchmarks.alerts.page import render
from benchmarks.alerts.run import Measured
from benchmarks.alerts.tables import TUNING, Table
from benchmarks.profile import machine
from benchmarks.profile.environments import NotInstallable

RESULTS = Path(__file__).resolve().with_name("results")
SEED = 20_130_208
PLANTED_IN = 10  # partitions of a table


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


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument(
        "--tables", nargs="+", default=[], help="names, `tuning`, `held-out` or `reserve`: a trial"
    )
    parser.add_argument("--only", choices=["interlock"], help="without the peers; writes no page")
    parser.add_argument("--partitions", type=int, default=PLANTED_IN, help="broken partitions of each table")
    names = [library.name for library in slow.LIBRARIES]
    parser.add_argument("--without", nargs="+", default=[], choices=names, help="leave these slow ones out")
    parser.add_argument("--resume", action="store_true", help="keep the tables that were measured before")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="tables measured at a time")
    a = parser.parse_args(arguments)
    facts = {"machine": machine.facts(), "load_at_start": machine.load(), "broken_partitions": a.partitions}
    chosen = catalogue.chosen(a.tables)
    if a.only:
        for table in chosen:
            measured(table, a.partitions, peers=False)
        return
    paths = [DATA / "measured" / f"{t.name}.{a.partitions}.{_code()}.pickle" for t in chosen]
    left = [(t, path) for t, path in zip(chosen, paths, strict=True) if not (a.resume and path.exists())]
    for table in chosen:
        table.path  # noqa: B018 - fetched and prepared once, before processes share it
    with ProcessPoolExecutor(a.jobs, multiprocessing.get_context("spawn")) as pool:
        done = [pool.submit(_saved, t.name, path, a.partitions, a.without) for t, path in left]
        bad = [pool.submit(_contaminated, t.name) for t in chosen if contaminated.fits(t)]
        for one in done:
            one.result()
        result = document([Measured.load(path) for path in paths]) | facts
        if bad:
            result["contaminated"] = contaminated.summed([one.result() for one in bad])
    _write(result, DATA / "trial" if a.tables else RESULTS)


def _saved(name: str, path: Path, partitions: int, without: Sequence[str]) -> None:
    (table,) = catalogue.chosen([name])
    measured(table, partitions, peers=True, without=without).save(path)


def _contaminated(name: str) -> dict[str, Any]:
    (table,) = catalogue.chosen([name])
    return contaminated.compared(table, SEED)


def _code() -> str:
    """A digest of everything a measurement follows from: `--resume` never mixes two states of the code."""
    here = Path(__file__).resolve().parent
    files = [*sorted(Path(interlock.__file__).parent.rglob("*.py")), *sorted(here.rglob("*.py"))]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files if f.name != "page.py")).hexdigest()[:12]


def _write(result: dict[str, object], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.datetime.now(datetime.UTC).date().isoformat()}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(render(result))
    print(path.with_suffix(".md"), file=sys.stderr)


if __name__ == "__main__":
    main()
