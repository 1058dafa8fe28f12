"""What rules and marks cost who writes to PostgreSQL: ``python -m benchmarks.postgres``.

Starts a server of its own, as the tests do. Prints a table and writes ``results.json`` beside it with the machine.
Every variant is measured in turn, so that what else the machine does falls on all of them; medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.wide.__main__ import machine
from interlock import profiles
from interlock.constraints import parse
from interlock.constraints.table_contract import TableContract
from interlock.engines import postgres as engine
from interlock.engines.postgres.engine import PostgreSQL
from interlock.gates import native
from interlock.gates.native import standing
from tests import postgres as servers
from tests.postgres import Server

RESULTS = Path(__file__).parent / "results.json"
RULES = (
    "amount > 0",
    "amount < 100000",
    "status IN ('new', 'paid', 'sent')",
    "price >= 0",
    "quantity BETWEEN 0 AND 1000",
    "id > 0",
    "day >= DATE '2020-01-01'",
    "price * quantity < 1e9",
    "length(code) = 6",
    "contains(email, '@')",
)
PATTERN = r"regexp_matches(email, '^[a-z0-9]+@[a-z]+\.com$')"  # in the place of the last
COLUMNS = "id bigint, day date, amount numeric(10, 2), status text, price float8, quantity int, code text, email text"
HERE = "postgresql://"
LOADS: dict[str, TableContract] = {
    "bare": TableContract(),
    "rules": TableContract(constraints=tuple(map(parse, RULES))),
    "marks": TableContract(attach=HERE, partition="day"),
    "rules_and_marks": TableContract(attach=HERE, partition="day", constraints=tuple(map(parse, RULES))),
    "with_a_pattern": TableContract(
        attach=HERE, partition="day", constraints=tuple(map(parse, (*RULES[:-1], PATTERN)))
    ),
}
ACCOUNTS = tuple(map(parse, ("abalance > -1000000000", "aid > 0")))
BENCHES: dict[str, TableContract] = {
    "bare": TableContract(),
    "rules": TableContract(constraints=ACCOUNTS),
    "marks": TableContract(attach=HERE, partition="bid"),
    "rules_and_marks": TableContract(attach=HERE, partition="bid", constraints=ACCOUNTS),
}
BATCH_ROWS, CLIENTS = 10_000, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="Of one COPY.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="Of one run of pgbench.")
    parser.add_argument("--dry", action="store_true", help="Write no results.")
    given = parser.parse_args()
    with servers.cluster("fsync=on", "shared_buffers=512MB", "max_wal_size=4GB") as server:
        found = {
            **loads(server, given.rows, given.rounds),
            **judgements(server, given.rows, given.rounds),
            **benches(server, given.rounds, given.seconds),
        }
        with server.connect() as db:
            version = db.info.server_version
    for name, value in found.items():
        print(f"{name:<40} {value}")
    if not given.dry:
        about = {
            "machine": machine(),
            "postgres": version,
            **{k: v for k, v in vars(given).items() if k != "dry"},
        }
        RESULTS.write_text(json.dumps({**about, **found}, indent=2) + "\n")


def loads(server: Server, rows: int, rounds: int) -> dict[str, Any]:
    """One COPY of all rows, and the same in batches: seconds of the clock, and of the server's processor."""
    data = list(_lines(rows))
    one, batches = ["".join(data).encode()], ["".join(b).encode() for b in _batched(data, BATCH_ROWS)]
    found: dict[str, Any] = {}
    with server.connect() as db:
        db.execute(f"CREATE TABLE loaded ({COLUMNS})")
        for way, parts in (("copy", one), ("batches", batches)):
            took: dict[str, list[tuple[float, float]]] = {name: [] for name in LOADS}
            for _ in range(rounds):
                for name, contract in LOADS.items():
                    guarded(db, "loaded", contract)
                    db.execute(b"TRUNCATE loaded; CHECKPOINT")
                    took[name].append(timed(db, lambda parts=parts: load(db, parts)))  # type: ignore[misc]
            for name, each in took.items():
                for i, clock in enumerate(("s", "server_cpu_s")):
                    found[f"{way}_{name}_{clock}"] = round(statistics.median(t[i] for t in each), 2)
            compared(found, way, ("s", "server_cpu_s"), LOADS)
    return found


def judgements(server: Server, rows: int, rounds: int) -> dict[str, Any]:
    """The profile of a partition after its commit, beside scans that touch every column, by PostgreSQL's own hash.

    ``hash_of_every_column``: of each column by itself, as a profile is; ``hash_of_every_row``: of the row at once.
    """
    names = [part.split()[0] for part in re.split(r",\s(?=[a-z])", COLUMNS)]
    each = ", ".join(f"bit_xor(hash_record_extended(ROW({name}), 0))" for name in names)
    found: dict[str, Any] = {}
    with server.connect() as db:
        db.execute("DROP TABLE IF EXISTS loaded")
        db.execute(f"CREATE TABLE loaded ({COLUMNS})")
        load(db, ["".join(_lines(rows)).encode()])
        db.execute("VACUUM ANALYZE loaded")
        with PostgreSQL(db) as there:
            relation = there.relation(engine.relation(db, "loaded"))
            acts: dict[str, Callable[[], object]] = {
                "hash_of_every_column": lambda: db.execute(f"SELECT {each} FROM loaded".encode()).fetchall(),
                "hash_of_every_row": lambda: db.execute(
                    "SELECT bit_xor(hash_record_extended(l, 0)) FROM loaded l"
                ).fetchall(),
                "profile": lambda: profiles.compute(there, relation),
            }
            took: dict[str, list[float]] = {name: [] for name in acts}
            for _ in range(rounds):
                for name, act in acts.items():
                    began = time.perf_counter()
                    act()
                    took[name].append(time.perf_counter() - began)
    for name, each_s in took.items():
        found[f"judge_{name}_s"] = round(statistics.median(each_s), 2)
    for name in list(acts)[:2]:
        found[f"judge_profile_to_{name}_ratio"] = round(
            found["judge_profile_s"] / found[f"judge_{name}_s"], 2
        )
    return found


def benches(server: Server, rounds: int, seconds: int) -> dict[str, Any]:
    """pgbench with its busiest table guarded: transactions a second."""
    program = servers.programs() / "pgbench"
    subprocess.run([program, "-i", "-q", "-s", "10", server.url()], check=True, capture_output=True)
    per_s: dict[str, list[float]] = {name: [] for name in BENCHES}
    errors = 0
    with server.connect() as db:
        for _ in range(rounds):
            for name, contract in BENCHES.items():
                guarded(db, "pgbench_accounts", contract)
                run = [program, "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), server.url()]
                done = subprocess.run(run, check=False, capture_output=True, text=True)
                errors += done.returncode != 0 or "deadlock" in done.stderr
                match = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
                per_s[name].append(float(match[1]) if match else float("nan"))
    found: dict[str, Any] = {f"pgbench_{name}_tps": round(statistics.median(t)) for name, t in per_s.items()}
    for name in list(BENCHES)[1:]:
        found[f"pgbench_{name}_ratio"] = round(found["pgbench_bare_tps"] / found[f"pgbench_{name}_tps"], 2)
    return {**found, "pgbench_errors": errors}


def guarded(db: psycopg.Connection[Any], table: str, contract: TableContract) -> None:
    """Let stand on the table what the contract says and nothing else, without marks of before."""
    relation = engine.relation(db, table)
    native.change(db, lambda: native.uninstall(standing.of(db, relation)))
    plan = native.plan(table, contract, relation)
    native.change(db, lambda: native.install(plan, (), standing.functions_there(db)))


def load(db: psycopg.Connection[Any], parts: list[bytes]) -> None:
    for part in parts:
        with db.cursor().copy("COPY loaded FROM STDIN") as copy:
            for at in range(0, len(part), 1 << 20):
                copy.write(part[at : at + (1 << 20)])


def timed(db: psycopg.Connection[Any], act: Callable[[], None]) -> tuple[float, float]:
    began, began_cpu = time.perf_counter(), _cpu_s(db.info.backend_pid)
    act()
    return time.perf_counter() - began, _cpu_s(db.info.backend_pid) - began_cpu


def _cpu_s(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def compared(
    found: dict[str, Any], way: str, clocks: tuple[str, ...], names: dict[str, TableContract]
) -> None:
    for name in list(names)[1:]:
        for clock in clocks:
            ratio = found[f"{way}_{name}_{clock}"] / found[f"{way}_bare_{clock}"]
            found[f"{way}_{name}_{clock.removesuffix('s')}ratio"] = round(ratio, 2)


def _lines(rows: int) -> Iterator[str]:
    for i in range(1, rows + 1):
        yield (
            f"{i}\t2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}\t{i % 9000 + 1}.50\t{('new', 'paid', 'sent')[i % 3]}"
            f"\t{(i % 1000) / 7}\t{i % 1000}\tc{i % 90000 + 10000}\tu{i % 99999}@shop.com\n"
        )


def _batched(lines: list[str], size: int) -> Iterator[list[str]]:
    for at in range(0, len(lines), size):
        yield lines[at : at + size]


if __name__ == "__main__":
    sys.exit(main())
