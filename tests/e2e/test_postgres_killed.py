"""``kill -9`` of the server while guarded tables are written: no row lost, none half counted, marks caught up."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

import interlock
from interlock import settings
from interlock.workspace import watch
from tests import postgres as servers
from tests.gates.marked import contract, install
from tests.postgres import Server
from tests.processes import ENDED, Nursery, Running, Tell

CRASHES = int(os.environ.get("INTERLOCK_TEST_CRASHES", "5"))
WRITERS, ACKNOWLEDGED = 3, 12  # processes; transactions each has told before the server dies
DAYS = 5


def write(tell: Tell, url: str, writer: int, first: int) -> None:
    """Transactions of two statements, each told once it is committed, until the server is gone."""
    random = Random(writer * 1_000_003 + first)
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as db:
        for n in range(first, first + 100_000):
            day, other = (f"2024-01-{random.randint(1, DAYS):02d}" for _ in range(2))
            with contextlib.suppress(psycopg.errors.CheckViolation):
                with db.transaction():
                    db.execute(
                        "INSERT INTO orders SELECT %s, %s, g, %s FROM generate_series(1, 3) g",
                        [writer, n, day],
                    )
                    last = 0 if n % 5 == 0 else 4  # a rule that is broken rolls both back
                    db.execute("INSERT INTO orders VALUES (%s, %s, %s, %s)", [writer, n, last, other])
                tell([n, day, other])


def counted(db: psycopg.Connection[Any], query: str) -> dict[str, int]:
    return {str(day): int(n) for day, n in db.execute(query.encode()).fetchall() if n}


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_marks_say_what_is_there(nursery: Nursery, tmp_path: Path) -> None:
    with servers.cluster("fsync=on", "wal_sync_method=fdatasync") as kept:
        with kept.connect() as db:
            db.execute("CREATE TABLE orders (writer int, n int, part int, day date) PARTITION BY RANGE (day)")
            db.execute(
                "CREATE TABLE early PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2024-01-03')"
            )
            db.execute("CREATE TABLE late PARTITION OF orders DEFAULT")
            install(db, contract("part > 0"))
        acknowledged: list[tuple[int, int, str, str]] = []
        with settings.override(postgres_url=kept.url()), interlock.open(tmp_path / "workspace") as ws:
            table, judged = ws.attach("orders", "postgresql://"), Counter[str]()
            for crash in range(CRASHES):
                writers = [
                    nursery.start(write, url=kept.url(), writer=w, first=crash * 1_000_000 + 1)
                    for w in range(WRITERS)
                ]
                crashed(kept, writers)
                for w, writer in enumerate(writers):
                    ending = writer.wait()
                    assert ending.how == ENDED, ending.why
                    acknowledged += [(w, n, day, other) for n, day, other in ending.told]
                with kept.connect() as db:
                    whole(db, acknowledged)
                    rows = counted(db, "SELECT day, count(*) FROM orders GROUP BY 1")
                    marked = "SELECT label, sum(added - removed) FROM interlock.mark GROUP BY 1"
                    told = Counter(counted(db, marked))
                    assert judged + told == rows, "marks and rows tell different stories"
                    for round_ in watch.rounds([table], kept.url(), once=True):
                        found = {v.partition: v.profile.rows for v in round_.verdicts}
                        assert found == {day: rows[day] for day in told}, (
                            "a partition that changed was not judged"
                        )
                    judged = Counter(rows)
                    assert db.execute("SELECT count(*) FROM interlock.mark").fetchone() == (0,)
            assert {p.label: p.rows for p in table.partitions()} == dict(judged)
            assert len(judged) == DAYS
            assert ws.verify_ledger().ok


def crashed(server: Server, writers: list[Running]) -> None:
    """Kill every process of the server at once while all write, and start it again."""
    for writer in writers:
        writer.until_told(ACKNOWLEDGED)
    server.kill(signal.SIGKILL)
    server.start()


def whole(db: psycopg.Connection[Any], acknowledged: list[tuple[int, int, str, str]]) -> None:
    """Every acknowledged transaction is there with its four rows, and none with fewer."""
    found = db.execute("SELECT writer, n, count(*) FROM orders GROUP BY 1, 2").fetchall()
    assert {rows for _, _, rows in found} <= {4}
    lost = {(w, n) for w, n, *_ in acknowledged} - {(w, n) for w, n, _ in found}
    assert not lost
    assert not [n for _, n, _ in found if n % 5 == 0], "a refused transaction left rows"
