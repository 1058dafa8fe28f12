"""What the read gate costs: an aggregate over a million rows, through the view and past it.

    python benchmarks/postgres_reads.py postgresql://owner@127.0.0.1/scratch

Makes a table of its own in that database and drops it. Each query runs in turns on the table, through the view with
nothing broken, with its column broken, and with another column broken; the medians are compared, and the plan shown.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time

import psycopg

from interlock.engines import postgres
from interlock.gates import native
from interlock.gates.native import reads, standing
from interlock.gates.native.reads import Mark
from interlock.names import GuardReads

ROWS = 1_000_000
RUNS = 7
TABLE = "interlock_bench_reads"
QUERIES = {
    "avg of integers": "SELECT avg(dep_time) FROM {}",
    "avg, min, max, count": "SELECT avg(dep_time), min(dep_time), max(dep_time), count(dep_time) FROM {}",
    "grouped, filtered": "SELECT carrier, avg(dep_time) FROM {} WHERE dep_time > 100 GROUP BY carrier",
    "avg of numerics": "SELECT avg(price) FROM {}",
}
MADE = f"""
CREATE TABLE {TABLE} AS SELECT i AS id, i % 2400 AS dep_time, i % 16 AS carrier, (i % 900)::numeric(10, 2) AS price,
    repeat('x', 40) AS note FROM generate_series(1, {ROWS}) i
"""


def main(url: str) -> None:
    with postgres.connected(url) as db:
        db.execute(MADE)
        db.execute(f"VACUUM ANALYZE {TABLE}")
        relation = postgres.relation(db, TABLE)
        try:
            native.change(db, lambda: reads.guarded(db, relation, GuardReads.VIEW))
            measure(db, relation)
        finally:
            taken_off = reads.unguarded(reads.of(db, relation))
            native.change(db, lambda: native.uninstall(standing.of(db, relation), taken_off))
            db.execute(f"DROP TABLE {TABLE}")


def measure(db: psycopg.Connection, relation: postgres.Relation) -> None:
    version = db.info.server_version
    print(f"{platform.platform()}, {os.cpu_count()} cores, PostgreSQL {version // 10_000}.{version % 10_000}")
    print(f"{ROWS:,} rows, medians of {RUNS} runs in turns\n")
    print(f"{'query':24}{'table':>12}{'view':>20}{'another broken':>20}{'broken':>20}")
    for name, query in QUERIES.items():
        column = "price" if "price" in query else "dep_time"
        states = {
            "view": [],
            "another broken": [Mark("note", "today", "x")],
            "broken": [Mark(column, "today", "x")],
        }
        times: dict[str, list[float]] = {"table": [], **{state: [] for state in states}}
        for _ in range(RUNS):
            for state, marks in states.items():
                reads.clear(db, relation)
                reads.mark(db, relation, TABLE, marks)
                timed(db, query.format(f"{TABLE}_checked"))  # the view was just written anew
                times[state].append(timed(db, query.format(f"{TABLE}_checked")))
            times["table"].append(timed(db, query.format(TABLE)))
        bare = statistics.median(times["table"])
        shown = [f"{bare * 1000:9.1f} ms"]
        for state in states:
            took = statistics.median(times[state])
            shown.append(f"{took * 1000:9.1f} ms ({took / bare:4.2f})")
        print(f"{name:24}{shown[0]:>12}" + "".join(f"{s:>20}" for s in shown[1:]))
    print()
    for (line,) in db.execute(f"EXPLAIN (COSTS off) {QUERIES['avg of numerics'].format(TABLE + '_checked')}"):
        print(line)


def timed(db: psycopg.Connection, query: str) -> float:
    since = time.perf_counter()
    db.execute(query).fetchall()
    return time.perf_counter() - since


if __name__ == "__main__":
    main(sys.argv[1])
