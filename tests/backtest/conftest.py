"""A made table of sixty days, published through the gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import interlock

DAYS = 60
ROWS = 400


def rows(first: int, last: int, a_day: int = ROWS) -> str:
    """Orders: whole and broken numbers, words, a code, a moment, some nulls; ``a_day`` of them."""
    return (
        (
            "SELECT DATE '2024-01-01' + d AS day, d * 100000 + i AS id, 10 + (hash(i, d) % 80)::INTEGER AS age,"
            " round((hash(i, d, 'a') % 10000) / 100 + 1, 2)::DOUBLE AS amount,"
            " ['Ulm', 'Kiel', 'Bonn'][1 + (hash(i, d, 'c') % 3)::INTEGER] AS city,"
            " CASE WHEN hash(i, d, 'n') % 4 > 0 THEN 'A' || (hash(i, d, 't') % 90 + 10) END AS code,"
            " TIMESTAMP '2024-01-01' + to_days(d) + to_minutes((hash(i, d, 'm') % 1440)::INTEGER) AS moment"
            f" FROM range({first}, {last}) t(d), range({a_day}) u(i)"
        )
        .replace("+ d AS day", "+ d::INTEGER AS day")
        .replace("to_days(d)", "to_days(d::INTEGER)")
    )


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[interlock.Table]:
    with (
        interlock.open(tmp_path_factory.mktemp("orders") / "workspace") as workspace,
        duckdb.connect() as connection,
    ):
        table = workspace.table("orders", partition="day", key=["id"])
        table.backfill(connection.sql(rows(0, DAYS)))
        yield table


@pytest.fixture(scope="session")
def files(orders: interlock.Table) -> list[Path]:
    """The published files, in order."""
    return [orders._site.catalog.folder / p.path for p in orders.partitions()]
