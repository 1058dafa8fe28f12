"""A workspace and tables of a few days."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import interlock
from interlock.gates import counterpart
from interlock.workspace import Table, Workspace

_count = itertools.count(1)
FIRST = dt.date(2013, 1, 1)


def label(number: int) -> str:
    """The label of the n-th day."""
    return (FIRST + dt.timedelta(days=number)).isoformat()


def a_day(number: int, rows: int = 30, **columns: Any) -> pd.DataFrame:
    """One day's rows: id, delay 0 … rows-1 and a carrier; other columns, or other values for these, by name."""
    values: dict[str, Any] = {
        "day": [FIRST + dt.timedelta(days=number)] * rows,
        "id": range(rows),
        "delay": [float(i) for i in range(rows)],
        "carrier": ["AA" if i % 3 else "UA" for i in range(rows)],
    }
    return pd.DataFrame({k: v for k, v in (values | columns).items() if v is not None})


@pytest.fixture
def ws(place: str) -> Iterator[Workspace]:
    with interlock.open(place) as made:
        yield made


@pytest.fixture
def flights(ws: Workspace) -> Iterator[Table]:
    """Partitioned by day, key id, and ``delay >= 0`` must hold.

    In a workspace in PostgreSQL it is a table there too, which holds what is published whatever a test does.
    """
    name = None if ws.site.catalog.local else f'"flights {next(_count)}"'
    yield ws.table("flights", partition="day", key=["id"], postgres=name).require("delay >= 0")
    assert not any(c.problems for c in counterpart.compared(ws.site, contents=True))


def rows(ws: Workspace, query: str) -> list[tuple[Any, ...]]:
    return ws.sql(query).fetchall()
