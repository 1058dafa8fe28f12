"""Random tables as a hypothesis strategy: columns of every kind, and the values that engines disagree about."""

from __future__ import annotations

import datetime as dt
import string
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from hypothesis import strategies as st

from interlock.engines.schema import Column, Kind, Schema
from interlock.testing import expressions

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

Rows = list[tuple[Any, ...]]

COLUMNS: Schema = (
    *expressions.COLUMNS,
    Column("SELECT", "SMALLINT", Kind.INTEGER),
    Column('a"b', "UTINYINT", Kind.INTEGER),
    Column("a`b", "USMALLINT", Kind.INTEGER),
    Column("a.b", "UINTEGER", Kind.INTEGER),
    Column("o'x; --", "DECIMAL(38,10)", Kind.DECIMAL),
    Column("${env:HOME} \\", "BLOB", Kind.BINARY),
    Column("日本" * 10, "VARCHAR", Kind.TEXT),
)
_ROWS_MAX = 8  # before some come again
_LONG = ("x" * 5_000, "ß" * 999, "🦆" * 300)
_LETTERS = st.one_of(
    st.sampled_from(string.printable), st.characters(exclude_categories=["Cs"], exclude_characters="\0")
)
_ZONED = dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)  # noqa: DTZ001 - a zone may be a day from UTC
_INTEGERS = {
    "TINYINT": (-(2**7), 2**7 - 1),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INTEGER": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1),
    "UTINYINT": (0, 2**8 - 1),
    "USMALLINT": (0, 2**16 - 1),
    "UINTEGER": (0, 2**32 - 1),
    "UBIGINT": (0, 2**64 - 1),
}


@st.composite
def tables(draw: DrawFn, without: Collection[Kind] = ()) -> tuple[Schema, Rows]:
    """Columns and rows; none of the kinds ``without``. Few values a column, NULLs, rows that come again."""
    schema = tuple(c for c in COLUMNS if c.kind not in without)
    pools = [draw(st.lists(_values(c), min_size=1, max_size=4)) for c in schema]
    row = st.tuples(*(st.none() | st.sampled_from(pool) for pool in pools))
    rows = draw(st.lists(row, max_size=_ROWS_MAX))
    again = draw(st.lists(st.sampled_from(rows), max_size=4)) if rows else []
    return schema, rows + again


def _values(column: Column) -> SearchStrategy[Any]:
    """Awkward values of a column, and any others of its type."""
    known = expressions.VALUES.get(column.name)
    any_ = _any(column)
    return any_ if known is None else st.sampled_from(known) | any_


def _any(column: Column) -> SearchStrategy[Any]:
    kind, type_ = column.kind, column.type
    if kind is Kind.INTEGER:
        low, high = _INTEGERS[type_]
        return st.sampled_from((low, high, 0)) | st.integers(low, high)
    if kind is Kind.DECIMAL:
        digits, places = map(int, type_.removeprefix("DECIMAL(").removesuffix(")").split(","))
        most = 10**digits - 1
        return st.integers(-most, most).map(lambda n: Decimal(f"{n}E-{places}"))
    if kind is Kind.TIMESTAMPTZ:
        return st.datetimes(*_ZONED, timezones=st.just(dt.UTC))
    return {
        Kind.FLOAT: st.floats(width=32 if type_ == "FLOAT" else 64),
        Kind.BOOLEAN: st.booleans(),
        Kind.TEXT: st.text(_LETTERS, max_size=20) | st.sampled_from(_LONG),
        Kind.BINARY: st.binary(max_size=20),
        Kind.DATE: st.dates(),
        Kind.TIMESTAMP: st.datetimes(),
        Kind.TIME: st.times(),
    }[kind]


def written(schema: Schema, rows: Rows, path: Path) -> Path:
    """The table as a Parquet file."""
    columns = ", ".join(f"{_quoted(c.name)} {c.type}" for c in schema)
    values = ", ".join(f"?::{c.type}" for c in schema)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE t ({columns})")
        if rows:
            connection.executemany(f"INSERT INTO t VALUES ({values})", rows)
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
