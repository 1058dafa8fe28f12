"""A shop's table with a past: faults that were stopped, dropped, released and let through."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import interlock
from interlock.workspace import Table, Workspace
from tests.report.browser import Browser, browser

DAYS = 40


def label(number: int) -> str:
    return f"2026-{1 + number // 28:02}-{1 + number % 28:02}"


def a_day(
    number: int, *, rows: int = 200, price: str = "price", city: str = "city"
) -> duckdb.DuckDBPyRelation:
    """One day's sales. ``price`` and ``city`` replace those columns."""
    return duckdb.sql(f"""
        SELECT day, id, {price} AS price, {city} AS city FROM (
            SELECT DATE '{label(number)}' AS day, {number + 1} * 10000 + i AS id,
                round(10 + (hash(i, {number}) % 1000) / 100, 2)::DOUBLE AS price,
                ['Ulm', 'Kiel', 'Köln'][1 + (hash(i, {number}, 'city') % 3)::INTEGER] AS city
            FROM range({rows}) t(i))
    """)


def days(first: int, last: int) -> duckdb.DuckDBPyRelation:
    found = a_day(first)
    for number in range(first + 1, last):
        found = found.union(a_day(number))
    return found


def past(folder: Path) -> None:
    """Forty days of sales.

    Day 0 lacks some cities, 34 was dropped and came again, 36 was released, 38 is in quarantine, 39 alerted.
    """
    with interlock.open(folder) as ws:
        sales = ws.table("sales", partition="day", key=["id"])
        sales.require("avg(price) < 16", block=False, severity="ticket", name="cheap")
        sales.require("price > 0", name="positive")
        unknown = a_day(0, city="CASE WHEN id < 10020 THEN NULL ELSE city END")
        sales.backfill(unknown.union(days(1, 34)))
        sales.write(a_day(34, price="-price"), label(34))
        sales.drop(label(34), "wrong sign")
        sales.write(a_day(34), label(34))
        sales.write(a_day(35), label(35))
        sales.write(a_day(36, price="CASE WHEN id % 20 = 0 THEN -price ELSE price END"), label(36))
        sales.release(label(36), "refunds")
        sales.write(a_day(37), label(37))
        sales.write(a_day(38, price="-price", city="'<b>Ulm</b>'"), label(38))
        sales.write(a_day(39, price="price + 1.5"), label(39))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "workspace"
    past(folder)
    return folder


@pytest.fixture
def ws(prepared: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of it of the test's own."""
    with interlock.open(Path(shutil.copytree(prepared, tmp_path / "workspace"))) as made:
        yield made


@pytest.fixture
def sales(ws: Workspace) -> Table:
    return ws.existing_table("sales")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One window for all tests; each opens its own page."""
    with browser(tmp_path_factory.mktemp("browser")) as made:
        yield made
