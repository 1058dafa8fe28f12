"""What a profile costs on Spark in local mode: ``python -m benchmarks.spark --rows 50000000``.

The yardstick is Spark's own query that hashes every column, which reads every value once and keeps nothing. Both take
turns, after a first round that counts for neither. Writes the table (20 columns: whole numbers, floats with gaps,
decimals, texts, dates, moments, booleans) where ``--data`` says, once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyspark
from pyspark.sql import SparkSession

from benchmarks.profile import machine
from interlock import profiles
from interlock.engines.spark import Spark

RESULTS = Path(__file__).parent / "results.json"
COLUMNS = (
    "id",
    "CAST(pmod(xxhash64(id, 1), 1000) AS INT) AS i1",
    "CAST(pmod(xxhash64(id, 2), 100000) AS INT) AS i2",
    "CAST(pmod(xxhash64(id, 3), 7) AS SMALLINT) AS i3",
    "xxhash64(id, 4) AS l1",
    "pmod(xxhash64(id, 5), 1000000000) AS l2",
    *(f"rand({n}) * {10**n} AS f{n}" for n in range(1, 5)),
    "CASE WHEN pmod(id, 10) > 0 THEN randn(9) END AS f5",
    "CAST(rand(10) * 1000 AS DECIMAL(10, 2)) AS d1",
    "CAST(rand(11) * 1e9 AS DECIMAL(18, 4)) AS d2",
    "concat('user-', pmod(xxhash64(id, 6), 100000)) AS s1",
    "element_at(array('new', 'paid', 'sent', 'back'), CAST(pmod(id, 4) + 1 AS INT)) AS s2",
    "hex(xxhash64(id, 7)) AS s3",
    "date_add(DATE'2020-01-01', CAST(pmod(id, 365) AS INT)) AS day",
    "timestamp_seconds(1577836800 + pmod(xxhash64(id, 8), 31536000)) AS at",
    "pmod(id, 3) = 0 AS b1",
    "CASE WHEN pmod(id, 50) > 0 THEN pmod(id, 2) = 0 END AS b2",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", default="*")
    parser.add_argument("--memory", default="4g")
    parser.add_argument("--data", type=Path, help="A folder that keeps the table for the next time.")
    parser.add_argument("--dry", action="store_true", help="Write no results.")
    given = parser.parse_args()
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": given.memory,
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master(f"local[{given.threads}]").appName("benchmark")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(session, (given.data or Path(folder)) / f"rows-{given.rows}", given.rows, given.runs)
    for name, value in found.items():
        print(f"{name:<24} {value}")
    if not given.dry:
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    session.stop()


def measure(session: SparkSession, path: Path, rows: int, runs: int) -> dict[str, Any]:
    if not path.exists():
        session.range(rows).selectExpr(*COLUMNS).write.parquet(str(path))
    with Spark(session) as engine:
        relation = engine.relation(str(path))
        hashes = ", ".join(f"bit_xor(xxhash64(`{c.name}`))" for c in relation.schema)
        hashed = f"SELECT {hashes} FROM parquet.`{path}`"
        yardstick, core, ran, load = [], [], set(), machine.load()
        for _ in range(runs + 1):
            yardstick.append(timed(lambda: session.sql(hashed).collect()))
            before = jobs(session)
            core.append(timed(lambda: profiles.compute(engine, relation, more=False)))
            ran.add(jobs(session) - before)
    rounds = list(zip(yardstick, core, strict=True))[1:]
    return {
        "rows": rows,
        "columns": len(COLUMNS),
        "jobs": max(ran),
        "hash_every_column_s": round(statistics.median(a for a, _ in rounds), 2),
        "core_profile_s": round(statistics.median(b for _, b in rounds), 2),
        "times": round(statistics.median(b / a for a, b in rounds), 2),
        "runs": [[round(a, 2), round(b, 2)] for a, b in rounds],
        "spark": pyspark.__version__,
        "threads": session.sparkContext.defaultParallelism,
        "machine": machine.facts(),
        "load_before": load,
    }


def timed(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def jobs(session: SparkSession) -> int:
    """How many jobs have run."""
    scheduler: Any = session.sparkContext._jsc.sc().dagScheduler()
    return int(scheduler.nextJobId())


if __name__ == "__main__":
    main()
