"""A person's rows are erased: from the table, its past, its snapshots and whatever quotes them; others' rows stay."""

from __future__ import annotations

import datetime as dt
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import MetaData, text

from interlock.gates import counterpart
from interlock.gates.delete import approval
from interlock.gates.erase import erase
from interlock.workspace import Table, Workspace
from tests import places
from tests.catalog.stock import stock
from tests.gates.conftest import FIRST, label, rows

__all__ = ["stock"]

BOTH = pytest.mark.parametrize("place", places.KINDS, indirect=True)
TOM, WHERE = 7_700_000_000_042, "user_id = 7700000000042"
EMAIL, NAME = "tom.sawyer.7f31@example.com", "Thomas Sawyer"
_count = itertools.count(1)
TRACES = (str(TOM), EMAIL, NAME)


def a_day(number: int, *, tom: int = 0, amount: float = 1.0, others: int = 40) -> pd.DataFrame:
    """A day's visits: 40 of others, and so many of Tom."""
    ids = [*range(100, 100 + others), *[TOM] * tom]
    return pd.DataFrame(
        {
            "day": [FIRST + dt.timedelta(days=number)] * len(ids),
            "user_id": ids,
            "email": [EMAIL if i == TOM else f"user{i}@example.com" for i in ids],
            "name": [NAME if i == TOM else f"Name {i % 7}" for i in ids],
            "amount": [amount if i == TOM else float(i % 9) for i in ids],
        }
    )


@pytest.fixture
def visits(ws: Workspace) -> Iterator[Table]:
    """Days 0 to 4; Tom is in days 1 and 3, in an older version of day 2, and in day 5, which is quarantined."""
    name = None if ws.site.catalog.local else f'"visits {next(_count)}"'
    table = ws.table("visits", partition="day", key=["user_id"], postgres=name).require("amount >= 0")
    for number in range(5):
        table.write(a_day(number, tom={1: 2, 2: 1, 3: 1}.get(number, 0)))
    table.write(a_day(2))
    table.write(a_day(5, tom=3, amount=-1.0))
    yield table
    assert not any(c.problems for c in counterpart.compared(ws.site, contents=True))


def approve(ws: Workspace, ref: str) -> None:
    approval.approve(replace(ws.vault.gate, who="a second person"), ref)


def erased(ws: Workspace, where: str = WHERE, **how: Any) -> erase.Erasure:
    return ws.erase("visits", where, "request 2024-17", **how)


def traces(ws: Workspace, *tokens: str) -> set[str]:
    """Where in the workspace any of these is: in bytes, in cells of data files, in rows of the catalog."""
    found = set()
    for path in sorted(p for p in ws.path.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".parquet":
            cells = duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()
            data += repr(cells).encode()
        elif path.suffix == ".npz":
            loaded = np.load(path, allow_pickle=False)
            data += b"".join(repr(loaded[name].tolist()).encode() for name in loaded.files)
        found |= {path.relative_to(ws.path).as_posix() for t in tokens if t.encode() in data}
    return found | {f"table {name}" for name, held in catalog(ws) if any(t in held for t in tokens)}


def catalog(ws: Workspace) -> Iterator[tuple[str, str]]:
    """Every row of every table of the catalog, unpacked; and of the counterparts."""
    with ws.site.catalog.read() as rx:
        seen = MetaData()
        seen.reflect(rx.connection)
        for table in seen.sorted_tables:
            for row in rx.connection.execute(table.select()):
                yield table.name, repr([unpacked(value) for value in row])
        for one in counterpart.compared(ws.site, contents=False):
            for row in rx.connection.execute(text(f'SELECT * FROM "{one.name.schema}"."{one.name.table}"')):
                yield str(one.name), repr(tuple(row))


def unpacked(value: Any) -> Any:
    try:
        return zlib.decompress(bytes(value)) if isinstance(value, bytes | memoryview) else value
    except zlib.error:
        return bytes(value)


@BOTH
def test_readers_see_everybody_but_the_person_at_once_and_others_as_they_were(
    ws: Workspace, visits: Table
) -> None:
    before = rows(ws, f"SELECT * FROM visits WHERE NOT ({WHERE}) ORDER BY ALL")
    done = erased(ws)
    assert rows(ws, "SELECT * FROM visits ORDER BY ALL") == before
    assert (done.rows, done.partitions, done.versions) == (6, (label(1), label(3), label(5)), 4)
    assert [p.rows for p in visits.partitions()] == [40] * 5
    assert ws.verify_ledger().ok
    assert [f for f in ws.doctor(data=True) if not f.ok] == []


@BOTH
def test_after_approval_and_collection_nothing_of_the_person_is_left_anywhere(
    ws: Workspace, visits: Table
) -> None:
    ws.vault.snapshot("train", "visits")
    for number in range(6, 26):  # enough to be learned from, and kept
        visits.write(a_day(number))
    visits.drop(label(5), "not needed")
    visits.write(a_day(26, tom=1, amount=-2.0))
    visits.release(label(26), "his amounts are refunds")
    where = traces(ws, *TRACES)
    assert {"catalog.sqlite"} <= where or not ws.site.catalog.local
    assert {"table interlock_verdict", "table interlock_profile"} <= where
    assert {"table ducklake_file_column_stats", "table ducklake_table_column_stats"} <= where
    assert len([path for path in where if path.endswith(".parquet")]) == 6
    before = rows(ws, f"SELECT * FROM visits WHERE NOT ({WHERE}) ORDER BY ALL")
    done = erased(ws)
    assert done.request is not None
    kept = traces(ws, *TRACES)
    old = {"learned/visits.npz", "table interlock_profile", "catalog.sqlite", "catalog.sqlite-wal"}
    assert len([path for path in kept if path.endswith(".parquet")]) == 6  # until a second person lets go
    assert {path for path in kept if not path.endswith(".parquet")} <= old
    approve(ws, done.request.ref)
    assert ws.vault.collect().erased == 6
    assert traces(ws, *TRACES) == set()
    assert rows(ws, "SELECT * FROM visits ORDER BY ALL") == before
    assert ws.verify_ledger().ok
    assert [f for f in ws.doctor(data=True) if not f.ok] == []
    assert erased(ws) == erase.Erasure("visits")
