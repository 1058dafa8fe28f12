"""``python -m benchmarks.alerts``: measures, then writes results/<date>.json and .md. See ../README.md."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import interlock
from benchmarks.alerts import catalogue, contaminated, slow, work
from benchmarks.alerts.document import document
from benchmarks.alerts.packages import DATA
from benchmarks.alerts.page import render
from benchmarks.alerts.run import Measured
from benchmarks.profile import machine

RESULTS = Path(__file__).resolve().with_name("results")
PLANTED_IN = 10  # partitions of a table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("--tables", nargs="+", default=[], help="names, `tuning` or `held-out`: a trial")
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
            work.measured(table, a.partitions, peers=False)
        return
    paths = [DATA / "measured" / f"{t.name}.{a.partitions}.{_code()}.pickle" for t in chosen]
    left = [(t, path) for t, path in zip(chosen, paths, strict=True) if not (a.resume and path.exists())]
    # Asking prepares each table, before processes share it.
    fit = [t.name for t in chosen if contaminated.fits(t)]
    with ProcessPoolExecutor(a.jobs, multiprocessing.get_context("spawn")) as pool:
        done = [pool.submit(work.saved, t.name, path, a.partitions, a.without) for t, path in left]
        bad = [pool.submit(work.contaminated, name) for name in fit]
        for one in done:
            one.result()
        result = document([Measured.load(path) for path in paths]) | facts
        if bad:
            result["contaminated"] = contaminated.summed([one.result() for one in bad])
    _write(result, DATA / "trial" if a.tables else RESULTS)


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
