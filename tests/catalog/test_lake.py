"""Our own writer and reader of DuckLake tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from interlock import errors
from interlock.catalog import Catalog, ColumnStats, DataFile, Reader, lake, scan
from interlock.catalog.lake_stats import text_of
from tests.catalog.conftest import Parquet

COLUMNS = (("day", "DATE"), ("delay", "INTEGER"), ("note", "VARCHAR"))


def a_day(number: int, rows: int = 3, start: int = 0) -> str:
    return (
        f"SELECT DATE '2013-01-{number:02}' AS day, (i + {start})::INTEGER AS delay, 'n' || i AS note"
        f" FROM range({rows}) t(i)"
    )


def publish(catalog: Catalog, parquet: Parquet, days: Sequence[int], **more: object) -> lake.Published:
    with catalog.write() as tx:
        files = [parquet.write(tx, "flights", a_day(d), dt.date(2013, 1, d)) for d in days]
        return lake.publish(tx, "flights", files, **more)  # type: ignore[arg-type]


@pytest.fixture
def flights(catalog: Catalog) -> Catalog:
    with catalog.write() as tx:
        lake.create_table(tx, "flights", COLUMNS, "day")
    return catalog


def read(rx: Reader, parquet: Parquet, columns: str, snapshot: int | None = None) -> list[tuple[object, ...]]:
    return parquet.rows(f"SELECT {columns} FROM ({scan.query(rx, 'flights', snapshot)})")


def bounds(rx: Reader) -> dict[int, tuple[object, ...]]:
    rows = rx.connection.exec_driver_sql(
        "SELECT column_id, contains_null, contains_nan, min_value, max_value FROM ducklake_table_column_stats"
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def test_published_rows_can_be_read(flights: Catalog, parquet: Parquet) -> None:
    publish(flights, parquet, [1, 2])
    with flights.read() as rx:
        assert read(rx, parquet, "count(*), sum(delay), max(day)") == [(6, 6, dt.date(2013, 1, 2))]


def test_an_empty_table_has_its_columns_and_no_rows(flights: Catalog, parquet: Parquet) -> None:
    with flights.read() as rx:
        described = parquet.rows(f"DESCRIBE {scan.query(rx, 'flights')}")
        assert [(name, kind) for name, kind, *_ in described] == list(COLUMNS)
        assert read(rx, parquet, "*") == []


def test_a_replaced_file_stays_readable_as_of_before(flights: Catalog, parquet: Parquet) -> None:
    first = publish(flights, parquet, [1, 2])
    with flights.write() as tx:
        file = parquet.write(tx, "flights", a_day(1, start=100), dt.date(2013, 1, 1))
        second = lake.publish(tx, "flights", [file], first.data_file_ids[:1], "ann", "corrected")
    with flights.read() as rx:
        assert read(rx, parquet, "min(delay), max(delay), count(*)") == [(0, 102, 6)]
        assert read(rx, parquet, "max(delay)", first.snapshot_id) == [(2,)]
        assert [f.id for f in lake.files(rx, "flights")] == [first.data_file_ids[1], *second.data_file_ids]
        assert [f.id for f in lake.files(rx, "flights", first.snapshot_id)] == list(first.data_file_ids)
        assert lake.partition_files(rx, "flights", dt.date(2013, 1, 1)) == list(second.data_file_ids)
        assert lake.partition_files(rx, "flights", None) == []
        total = rx.connection.exec_driver_sql(
            "SELECT record_count, next_row_id FROM ducklake_table_stats"
        ).one()
        assert tuple(total) == (6, 9)


def test_a_transaction_that_fails_publishes_nothing(flights: Catalog, parquet: Parquet) -> None:
    with pytest.raises(errors.WorkspaceCorrupt), flights.write() as tx:  # noqa: PT012 (one step works, the next not)
        lake.publish(tx, "flights", [parquet.write(tx, "flights", a_day(1), dt.date(2013, 1, 1))])
        lake.publish(tx, "no such table")
    with flights.read() as rx:
        assert lake.files(rx, "flights") == []
        assert lake.latest(rx).id == 1


def test_new_columns_are_null_in_old_rows_and_types_widen(flights: Catalog, parquet: Parquet) -> None:
    before = publish(flights, parquet, [1])
    wider = (
        ("day", "DATE"),
        ("delay", "BIGINT"),
        ("note", "VARCHAR"),
        ("gate", "STRUCT(n INTEGER, l VARCHAR[])"),
    )
    with flights.write() as tx:
        evolution = lake.evolve(tx, "flights", wider)
        assert [f.name for f in evolution.added] == ["gate"]
        assert [(f.name, f.type.duckdb) for f in evolution.retyped] == [("delay", "BIGINT")]
        query = "SELECT DATE '2013-01-02' AS day, 5000000000 AS delay, 'x' AS note, {n: 1::INTEGER, l: ['a']} AS gate"
        lake.publish(tx, "flights", [parquet.write(tx, "flights", query, dt.date(2013, 1, 2))])
    with flights.read() as rx:
        assert read(rx, parquet, "max(delay), count(gate), count(*)") == [(5_000_000_000, 1, 4)]
        assert [f.id for f in lake.columns(rx, "flights")] == [1, 2, 3, 4]
        assert [f.name for f in lake.columns(rx, "flights", before.snapshot_id)] == ["day", "delay", "note"]
        assert not lake.plan(rx, "flights", wider)
        assert not lake.plan(rx, "flights", COLUMNS), "fewer columns and narrower types need no change"


def test_a_type_that_would_lose_values_is_refused(flights: Catalog, parquet: Parquet) -> None:
    publish(flights, parquet, [1])
    with (
        flights.read() as rx,
        pytest.raises(errors.SchemaIncompatible, match="'delay' of table 'flights' is INTEGER"),
    ):
        lake.plan(rx, "flights", (("delay", "VARCHAR"),))


def test_a_column_without_a_value_so_far_takes_any_type(catalog: Catalog, parquet: Parquet) -> None:
    with catalog.write() as tx:
        lake.create_table(tx, "flights", (("a", "INTEGER"), ("n", '"NULL"')))
        lake.publish(
            tx, "flights", [parquet.write(tx, "flights", "SELECT 1::INTEGER AS a, NULL::INTEGER AS n")]
        )
        evolution = lake.evolve(tx, "flights", (("a", "INTEGER"), ("n", "VARCHAR")))
        assert [f.type.duckdb for f in evolution.retyped] == ["VARCHAR"]
        lake.publish(tx, "flights", [parquet.write(tx, "flights", "SELECT 2::INTEGER AS a, 'x' AS n")])
        assert not lake.plan(tx, "flights", (("a", "INTEGER"), ("n", '"NULL"')))
        with pytest.raises(errors.SchemaIncompatible):
            lake.plan(tx, "flights", (("n", "DATE"),))
    with catalog.read() as rx:
        assert sorted(read(rx, parquet, "a, n")) == [(1, None), (2, "x")]


def test_column_names_that_differ_only_in_case_are_refused(catalog: Catalog) -> None:
    with catalog.write() as tx, pytest.raises(errors.DataError, match="'a' and 'A' differ only in case"):
        lake.create_table(tx, "flights", (("a", "INTEGER"), ("A", "INTEGER")))


def test_a_table_is_partitioned_by_a_column_it_has(catalog: Catalog) -> None:
    with catalog.write() as tx, pytest.raises(errors.ColumnMissing, match="month"):
        lake.create_table(tx, "flights", COLUMNS, "month")


@pytest.mark.parametrize("name", ["select", "Flüge", 'quo"te', "with space", "../up", "CON"])
def test_any_name_has_a_folder_below_the_data(catalog: Catalog, parquet: Parquet, name: str) -> None:
    with catalog.write() as tx:
        lake.create_table(tx, name, (("x y", "INTEGER"),))
        lake.publish(tx, name, [parquet.write(tx, name, 'SELECT 1::INTEGER AS "x y"')])
        assert Path(lake.folder(tx, name)).parent == Path("data/main")
    with catalog.read() as rx:
        assert parquet.rows(scan.query(rx, name)) == [(1,)]


def test_table_bounds_hold_for_every_file_there_ever_was(flights: Catalog) -> None:
    def file(name: str, low: str, high: str, nulls: int = 0) -> DataFile:
        return DataFile(name, 9, 1, 1, {2: ColumnStats(1, 9 - nulls, nulls, low, high)}, dt.date(2013, 1, 1))

    with flights.write() as tx:
        first = lake.publish(tx, "flights", [file("a", "9", "10"), file("b", "-3", "2")])
        assert bounds(tx)[2] == (0, None, "-3", "10")
        lake.publish(tx, "flights", [file("c", "0", "100", nulls=1)], first.data_file_ids)
        assert bounds(tx)[2] == (1, None, "-3", "100")


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("INTEGER", "-2147483648", "2147483647"),
        ("UTINYINT", "0", "255"),
        ("DECIMAL(5,2)", "-999.99", "999.99"),
        ("DOUBLE", "-inf", "inf"),
        ("DATE", "-infinity", "infinity"),
        ("VARCHAR", "", "\U0010ffff" * 4),
        ("BLOB", None, None),
    ],
)
def test_unknown_bounds_are_the_limits_of_the_type(catalog: Catalog, kind: str, low: str, high: str) -> None:
    known = {"INTEGER": "7", "UTINYINT": "7", "DECIMAL(5,2)": "7.00", "DOUBLE": "7.0", "DATE": "2013-01-01"}
    with catalog.write() as tx:
        lake.create_table(tx, "flights", (("c", kind),))
        sure = ColumnStats(1, 9, 0, known.get(kind, "x"), known.get(kind, "x"), False)
        lake.publish(tx, "flights", [DataFile("a", 9, 1, 1, {1: sure})])
        lake.publish(tx, "flights", [DataFile("b", 9, 1, 1, {1: ColumnStats(1, 9, 0, None, None, False)})])
        assert bounds(tx)[1][2:] == (low, high)
        lake.publish(tx, "flights", [DataFile("c", 9, 1, 1, {1: sure})])
        assert bounds(tx)[1][2:] == (low, high)


def test_years_beyond_four_digits_have_no_text_order(flights: Catalog) -> None:
    stats = ColumnStats(1, 9, 0, "2013-01-01", "10000-01-01")
    with flights.write() as tx:
        lake.publish(tx, "flights", [DataFile("a", 9, 1, 1, {1: stats})])
        assert bounds(tx)[1][2:] == ("2013-01-01", "infinity")


def test_nan_anywhere_is_on_record(catalog: Catalog) -> None:
    with catalog.write() as tx:
        lake.create_table(tx, "flights", (("c", "DOUBLE"),))
        for nan, expected in ((False, 0), (True, 1), (False, 1), (None, None), (True, None)):
            stats = ColumnStats(1, 9, 0, "1.0", "2.0", nan)
            lake.publish(tx, "flights", [DataFile("a", 9, 1, 1, {1: stats})])
            assert bounds(tx)[1][1] == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (dt.date(2013, 1, 2), "2013-01-02"),
        (
            dt.datetime(2013, 1, 2, 3, 4),  # noqa: DTZ001
            "2013-01-02 03:04:00",
        ),
        (
            dt.datetime(2013, 1, 2, 3, 4, 5, 120000),  # noqa: DTZ001
            "2013-01-02 03:04:05.12",
        ),
        (dt.datetime(2013, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=1))), "2013-01-02 02:00:00+00"),
        (7, "7"),
        (True, "true"),
        ("é", "é"),
        (None, None),
    ],
)
def test_a_partition_value_is_written_as_duckdb_casts_it(value: object, text: str | None) -> None:
    assert text_of(value) == text
