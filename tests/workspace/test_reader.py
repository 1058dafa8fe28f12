"""Reading published data with SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock.errors import QueryFailed
from interlock.workspace import Workspace
from tests.gates.conftest import a_day, rows


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with interlock.open(tmp_path / "workspace") as made:
        made.table("flights", partition="day").write(a_day(0))
        made.table("empty", partition="day")
        yield made


def test_a_relation_goes_on_being_read_as_it_was(ws: Workspace) -> None:
    relation = ws.sql("SELECT count(*) FROM flights")
    ws.table("flights").write(a_day(0, rows=5))
    ws.table("flights").write(a_day(1))
    assert relation.fetchall() == [(30,)], "one consistent view"
    assert rows(ws, "SELECT count(*) FROM flights") == [(35,)]


def test_tables_are_joined_by_name(ws: Workspace) -> None:
    ws.table("carriers").write(a_day(0, rows=2, carrier=["AA", "UA"], id=None, delay=None, day=None))
    assert rows(ws, "SELECT count(*) FROM flights JOIN carriers USING (carrier)") == [(30,)]


@pytest.mark.parametrize(
    "query",
    [
        "DROP VIEW flights",
        "SELECT 1; SELECT 2",
        "COPY flights TO '/tmp/x.csv'",
        "INSERT INTO flights SELECT * FROM flights",
        "ATTACH 'x.db'",
        "",
        "SELECT nothing FROM flights",
        "SELECT * FROM empty",
        "SELEC",
    ],
)
def test_what_is_no_query_or_does_not_run_is_refused(ws: Workspace, query: str) -> None:
    with pytest.raises(QueryFailed):
        ws.sql(query).fetchall()
    assert rows(ws, "SELECT count(*) FROM flights") == [(30,)]
