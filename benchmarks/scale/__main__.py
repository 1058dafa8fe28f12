"""What a partition costs, and how the catalog grows: ``python -m benchmarks.scale``.

Writes partitions of tables of 10, 100 and 1,000 columns one after the other into workspaces of their own, and hourly
ones of a narrow table into another. Prints a table and writes ``results.json`` with the machine and the versions.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import interlock
from benchmarks.wide.__main__ import machine, rss

RESULTS = Path(__file__).parent / "results.json"
ROWS = 500
START = np.datetime64("2025-01-01T00", "h")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, nargs="+", default=[10, 100, 1_000])
    parser.add_argument("--partitions", type=int, default=40)
    parser.add_argument("--hours", type=int, default=2_000)
    parser.add_argument("--dry", action="store_true", help="Write no results.")
    given = parser.parse_args()
    found = {
        "columns": {str(c): written(c, given.partitions, [given.partitions // 2]) for c in given.columns},
        "hourly": written(10, given.hours, [given.hours // 20, given.hours // 4, given.hours // 2]),
        "peak_rss_mib": rss(),
    }
    print(json.dumps(found, indent=2))
    if not given.dry:
        RESULTS.write_text(json.dumps({"machine": machine(), "rows": ROWS, **found}, indent=2) + "\n")


def written(columns: int, partitions: int, marks: list[int]) -> dict[str, Any]:
    """Bytes of a partition by where they lie, after the first mark; seconds of a write around each mark."""
    marks = [*marks, partitions]
    sizes, seconds = {}, []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ws"
        with interlock.open(path) as ws:
            table = ws.table("t", partition="hour")
            for n, frame in enumerate(frames(columns, partitions), start=1):
                began = time.process_time()
                table.write(frame)
                seconds.append(time.process_time() - began)
                if n in (marks[0], partitions):
                    sizes[n] = measured(path)
        between = partitions - marks[0]
        grown = {name: (sizes[partitions][name] - sizes[marks[0]][name]) // between for name in sizes[partitions]}
        rows = counted(path)
    last = {f"cpu_s_at_{mark}": round(float(np.median(seconds[mark - 10 : mark])), 4) for mark in marks}
    return {"partitions": partitions, "bytes_per_partition": grown, **last, "catalog_rows": rows}


def frames(columns: int, partitions: int) -> Iterator[pd.DataFrame]:
    """Floats with nulls, whole numbers and texts of few values, in turn."""
    random = np.random.default_rng(0)
    for n in range(partitions):
        made: dict[str, Any] = {"hour": np.full(ROWS, START + n).astype("datetime64[us]")}
        for c in range(columns - 1):
            if c % 3 == 0:
                made[f"f{c}"] = np.where(random.random(ROWS) < 0.02, np.nan, random.normal(c, 1 + c, ROWS).round(3))
            elif c % 3 == 1:
                made[f"i{c}"] = random.integers(0, 1000 + c, ROWS)
            else:
                made[f"s{c}"] = random.choice(["red", "green", "blue", "grey"], ROWS)
        yield pd.DataFrame(made)


def measured(path: Path) -> dict[str, int]:
    """Bytes of the catalog, of the ledger's files and of the data's."""
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = {"catalog": (path / "catalog.sqlite").stat().st_size}
    for name in ("ledger", "data"):
        found[name] = sum(f.stat().st_size for f in (path / name).rglob("*") if f.is_file())
    return found


def counted(path: Path) -> dict[str, int]:
    """Rows of the catalog's larger tables."""
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {n: connection.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for n in names}
    return {n: r for n, r in sorted(rows.items(), key=lambda item: -item[1])[:6]}


if __name__ == "__main__":
    sys.exit(main())
