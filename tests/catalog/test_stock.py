"""A stock DuckDB reads what we write, and what it writes past the gate we read right and report."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from interlock.catalog import Catalog, foreign, lake, scan
from interlock.catalog.catalog import FILE_NAME
from interlock.catalog.postgres import Postgres
from tests import places
from tests.catalog.conftest import Parquet
from tests.catalog.stock import Stock, stock
from tests.postgres import Server

__all__ = ["stock"]

COLUMNS = (
    ("day", "DATE"),
    ("delay", "INTEGER"),
    ("note", "VARCHAR"),
    ("gate", "STRUCT(n INTEGER, l VARCHAR[])"),
    ("tags", "MAP(VARCHAR, INTEGER)"),
    ("fare", "DOUBLE"),
    ("at", "TIMESTAMP WITH TIME ZONE"),
)
ROWS = 100


def a_day(number: int) -> str:
    return (
        f"SELECT DATE '2013-01-01' + {number} AS day, (i + {number * ROWS})::INTEGER AS delay, 'n' || i AS note,"
        " {n: i::INTEGER, l: ['a', NULL]} AS gate, MAP {'k': i::INTEGER} AS tags, i * 1.5 AS fare,"
        f" TIMESTAMPTZ '2013-01-01 12:00:00+01' + INTERVAL (i) SECOND AS at FROM range({ROWS}) t(i)"
    )


@pytest.fixture
def flights(catalog: Catalog, parquet: Parquet) -> Catalog:
    """Four days in snapshots 2 to 5."""
    with catalog.write() as tx:
        lake.create_table(tx, "flights", COLUMNS, "day")
        for number in range(4):
            day = dt.date(2013, 1, 1 + number)
            lake.publish(tx, "flights", [parquet.write(tx, "flights", a_day(number), day)])
    return catalog


def evolved(catalog: Catalog, parquet: Parquet) -> None:
    """Day 4 is replaced after a type was widened and a column added (snapshots 6 and 7)."""
    wider = tuple((n, "BIGINT" if n == "delay" else t) for n, t in COLUMNS) + (("remark", "VARCHAR"),)
    query = (
        f"SELECT * REPLACE (delay::BIGINT + 5000000000 AS delay), 'r' AS remark FROM ({a_day(3)}) LIMIT 50"
    )
    with catalog.write() as tx:
        lake.evolve(tx, "flights", wider)
        file = parquet.write(tx, "flights", query, dt.date(2013, 1, 4))
        lake.publish(
            tx, "flights", [file], lake.partition_files(tx, "flights", dt.date(2013, 1, 4)), "ann", "again"
        )


def whole(snapshot: int | None = None) -> str:
    when = "" if snapshot is None else f" AT (VERSION => {snapshot})"
    return f"SELECT to_json(t)::VARCHAR FROM (SELECT * FROM lake.flights{when}) t ORDER BY 1"


def ours(catalog: Catalog, parquet: Parquet, snapshot: int | None = None) -> list[list[Any]]:
    with catalog.read() as rx:
        query = scan.query(rx, "flights", snapshot)
    parquet.rows("SET TimeZone = 'UTC'")
    return [list(row) for row in parquet.rows(f"SELECT to_json(t)::VARCHAR FROM ({query}) t ORDER BY 1")]


def test_it_reads_the_same_rows_now_and_as_of_every_snapshot(
    flights: Catalog, parquet: Parquet, stock: Stock
) -> None:
    evolved(flights, parquet)
    snapshots = [None, *range(1, 8)]
    seen = stock.run(flights, [whole(s) for s in snapshots])
    assert [len(rows) for rows in seen] == [350, 0, 100, 200, 300, 400, 400, 350]
    for snapshot, rows in zip(snapshots, seen, strict=True):
        assert rows == ours(flights, parquet, snapshot), snapshot


def test_it_reads_only_the_files_a_filter_needs(flights: Catalog, parquet: Parquet, stock: Stock) -> None:
    evolved(flights, parquet)
    filters = ("day = DATE '2013-01-02'", "delay BETWEEN 120 AND 130", "note = 'n7'", "delay > 4000000000")
    plans = stock.run(flights, [f"EXPLAIN ANALYZE SELECT * FROM lake.flights WHERE {f}" for f in filters])
    read = [int(str(plan).split("Total Files Read: ")[1].split()[0]) for plan in plans]
    assert read == [1, 1, 4, 1]


def test_its_optimizer_believes_true_bounds_only(flights: Catalog, parquet: Parquet, stock: Stock) -> None:
    evolved(flights, parquet)
    insert = "INSERT INTO lake.flights BY NAME SELECT DATE '2013-01-02' AS day, 7 AS delay"
    count = "SELECT count(*) FROM lake.flights WHERE delay IN (101, 5000000301) AND fare < 99 AND note >= 'n'"
    before, _, after = stock.run(flights, [count, insert, count])
    assert before == after == [[2]]


def test_it_shows_who_committed_what(flights: Catalog, parquet: Parquet, stock: Stock) -> None:
    evolved(flights, parquet)
    newest = "FROM lake.snapshots() ORDER BY snapshot_id DESC LIMIT 1"
    statement = f"SELECT author, commit_message, changes::VARCHAR {newest}"
    ((author, message, changes),) = stock.run(flights, [statement])[0]
    assert (author, message) == ("ann", "again")
    assert "tables_inserted_into=[1]" in changes


@places.IN_A_FOLDER
def test_it_attaches_a_moved_workspace(flights: Catalog, stock: Stock, tmp_path: Path) -> None:
    flights.close()
    shutil.move(flights.folder, tmp_path / "moved")
    place = tmp_path / "moved"
    override = f"DATA_PATH '{place / 'data'}/', OVERRIDE_DATA_PATH true"
    assert stock.run(place / FILE_NAME, ["SELECT count(*) FROM lake.flights"], override) == [[[400]]]
    Catalog.open(place).close()
    assert stock.run(place / FILE_NAME, ["SELECT count(*) FROM lake.flights"]) == [[[400]]]


@pytest.mark.parametrize("name", ["select", "Flüge", 'quo"te', "with space"])
def test_it_reads_tables_and_columns_of_any_name(
    catalog: Catalog, parquet: Parquet, stock: Stock, name: str
) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    with catalog.write() as tx:
        lake.create_table(tx, name, ((name, "INTEGER"),), name)
        lake.publish(tx, name, [parquet.write(tx, name, f"SELECT 1::INTEGER AS {quoted}", 1)])
    assert stock.run(catalog, [f"SELECT {quoted} FROM lake.{quoted}"]) == [[[1]]]


PAST_THE_GATE = (
    "INSERT INTO lake.flights BY NAME SELECT DATE '2013-01-02' AS day, 7 AS delay FROM range(30)",
    "CALL lake.set_option('data_inlining_row_limit', 10, table_name => 'flights')",
    "INSERT INTO lake.flights BY NAME SELECT DATE '2013-01-02' AS day, 8 AS delay, 'it''s: \\x' AS note,"
    " {n: 1, l: ['a', 'b']} AS gate, MAP {'q': 1} AS tags, 'nan'::DOUBLE AS fare,"
    " TIMESTAMPTZ '2013-01-01 00:00:00+00' AS at",
    "DELETE FROM lake.flights WHERE delay IN (101, 8)",
    "ALTER TABLE lake.flights RENAME COLUMN remark TO comment",
    "ALTER TABLE lake.flights ADD COLUMN photo BLOB",
    "INSERT INTO lake.flights BY NAME SELECT DATE '2013-01-03' AS day, 19 AS delay, '\\xFF\\x00'::BLOB AS photo",
    "DELETE FROM lake.flights WHERE delay BETWEEN 110 AND 150",
    "DELETE FROM lake.flights WHERE delay = 160",
    "DELETE FROM lake.flights WHERE delay BETWEEN 170 AND 190",
    "DELETE FROM lake.flights WHERE day = '2013-01-03'",
    "UPDATE lake.flights SET fare = 99 WHERE delay = 5000000303",
    "CREATE TABLE lake.other AS SELECT 1 AS x",
)


def test_what_it_writes_past_the_gate_is_read_right_now_and_as_of_earlier(
    flights: Catalog, parquet: Parquet, stock: Stock
) -> None:
    evolved(flights, parquet)
    stock.run(flights, PAST_THE_GATE)
    snapshots = [None, 8, 9, 10, 13, 14, 15, 17]
    # Apart: one connection of 1.5.5 mixes up the schemas of a table some of whose rows it inlined.
    seen = stock.run_apart(flights, [whole(s) for s in snapshots])
    for snapshot, rows in zip(snapshots, seen, strict=True):
        assert rows == ours(flights, parquet, snapshot), snapshot


def test_what_it_writes_past_the_gate_is_reported_once(
    flights: Catalog, parquet: Parquet, stock: Stock
) -> None:
    evolved(flights, parquet)
    with flights.read() as rx:
        assert foreign.unseen(rx) == []
    stock.run(flights, PAST_THE_GATE)
    with flights.write() as tx:
        found = foreign.unseen(tx)
        foreign.mark_seen(tx, [f.snapshot_id for f in found])
        assert foreign.unseen(tx) == []
        assert foreign.seen(tx) == [f.snapshot_id for f in found]
    assert len(found) == len(PAST_THE_GATE) - 1, "setting an option makes no snapshot"
    assert [f.tables for f in found] == [("flights",)] * (len(found) - 1) + [("other",)]
    assert len(found[0].files_added) == 1
    assert (found[1].rows_inlined, found[2].rows_inlined) == (1, 3)
    assert sum(f.delete_files for f in found) == 2
    assert any(f.files_removed for f in found)


def test_we_go_on_writing_after_it_did(flights: Catalog, parquet: Parquet, stock: Stock) -> None:
    evolved(flights, parquet)
    stock.run(flights, PAST_THE_GATE)
    day = dt.date(2013, 1, 2)
    with flights.write() as tx:
        columns = [(f.name, f.type.duckdb) for f in lake.columns(tx, "flights")]
        assert columns[-1] == ("photo", "BLOB")
        query = f"SELECT *, NULL::VARCHAR AS comment, NULL::BLOB AS photo FROM ({a_day(1)})"
        query = f"SELECT * REPLACE (delay::BIGINT AS delay) FROM ({query})"
        file = parquet.write(tx, "flights", query, day)
        lake.publish(tx, "flights", [file], lake.partition_files(tx, "flights", day))
    (rows, counted) = stock.run(
        flights,
        [whole(), "SELECT count(*), min(delay), max(delay) FROM lake.flights WHERE day = '2013-01-02'"],
    )
    assert rows == ours(flights, parquet)
    assert counted == [[ROWS, 100, 199]]


def test_files_it_adds_by_name_are_read_by_name(flights: Catalog, parquet: Parquet, stock: Stock) -> None:
    path = flights.folder / "extra" / "day=2013-01-09" / "x.parquet"
    path.parent.mkdir(parents=True)
    parquet.rows(f"COPY (SELECT 'x' AS note) TO '{path}' (FORMAT parquet)")
    options = "allow_missing => true, hive_partitioning => true"
    add = f"CALL ducklake_add_data_files('lake', 'flights', '{path}', {options})"
    rows = stock.run(flights, [add, whole()])[1]
    assert rows == ours(flights, parquet)
    assert json.loads(rows[-1][0])["day"] == "2013-01-09"


@places.IN_A_FOLDER
def test_the_ducklake_tables_are_those_it_makes_itself(
    catalog: Catalog, stock: Stock, tmp_path: Path
) -> None:
    stock.run(tmp_path / "theirs.sqlite", [], f"DATA_PATH '{tmp_path / 'theirs'}/'")

    def layout(file: Path) -> dict[str, list[tuple[str, str, int, int]]]:
        import sqlite3

        with sqlite3.connect(file) as con:
            names = [n for (n,) in con.execute("SELECT name FROM sqlite_master WHERE name LIKE 'ducklake%'")]
            columns = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?)'
            return {name: con.execute(columns, (name,)).fetchall() for name in sorted(names)}

    assert layout(catalog.folder / FILE_NAME) == layout(tmp_path / "theirs.sqlite")


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_the_ducklake_tables_in_postgres_are_those_it_makes_itself(
    catalog: Catalog, stock: Stock, tmp_path: Path, postgres: Server
) -> None:
    theirs = f"DATA_PATH '{tmp_path / 'theirs'}/', METADATA_SCHEMA 'theirs'"
    stock.run(f"postgres:{postgres.url()}", [], theirs)

    def layout(schema: str) -> dict[str, set[tuple[object, ...]]]:
        """By table: columns with type and whether NULL is refused, in order; and what is indexed."""
        with postgres.connect() as connection:
            columns = connection.execute(
                "SELECT table_name, ordinal_position, column_name, data_type, is_nullable"
                " FROM information_schema.columns WHERE table_schema = %s",
                [schema],
            ).fetchall()
            indexes = connection.execute(
                "SELECT tablename, split_part(indexdef, ' USING ', 2), indexdef LIKE 'CREATE UNIQUE%%' FROM pg_indexes"
                " WHERE schemaname = %s",
                [schema],
            ).fetchall()
        found: dict[str, set[tuple[object, ...]]] = {}
        for name, *rest in (*columns, *indexes):
            if name.startswith("ducklake"):
                found.setdefault(name, set()).add(tuple(rest))
        return found

    database = catalog.database
    assert isinstance(database, Postgres)
    assert layout(database.schema) == layout("theirs")


def test_it_merges_and_cleans_up_what_we_wrote(flights: Catalog, parquet: Parquet, stock: Stock) -> None:
    stock.run(
        flights,
        ["CALL lake.merge_adjacent_files()", "INSERT INTO lake.flights BY NAME SELECT 1 AS delay"],
    )
    assert stock.run(flights, [whole()])[0] == ours(flights, parquet)
