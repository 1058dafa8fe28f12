"""Rows of a PostgreSQL query as a Parquet file: what judges files judges them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from interlock.engines.failures import translated
from interlock.engines.parquet import literal, quoted
from interlock.engines.schema import Column, Kind, Schema

if TYPE_CHECKING:
    import psycopg

_VALUE_BYTES_MAX = 64 << 20  # of one line of text
# How values are written, whatever the role or the database would have them written.
PLAIN = (
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL datestyle = 'ISO'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
)


def fetch(connection: psycopg.Connection[Any], source: str, columns: Schema, into: Path) -> None:
    """Write the rows of ``source`` (what follows FROM, read as SQL) to ``into``, nested values and intervals as text.

    One statement, so one moment. Raises `DataUnreadable` for a value that DuckDB has no place for, a number that
    is not one in a column of decimals.
    """
    lines = into.with_suffix(".csv")
    listed = ", ".join(("1", *map(_written, columns)))  # a line of one NULL alone would be an empty one
    try:
        with connection.transaction():
            for setting in PLAIN:
                connection.execute(setting)
            with (
                lines.open("wb") as file,
                connection.cursor().copy(
                    f"COPY (SELECT {listed} FROM {source}) TO STDOUT (FORMAT csv)"
                ) as copy,
            ):
                for block in copy:
                    file.write(block)
        _to_parquet(lines, columns, into)
    finally:
        lines.unlink(missing_ok=True)


def _written(column: Column) -> str:
    """A text without the blanks that fill a ``char(n)`` up; everything else as its type writes it."""
    name = quoted(column.name)
    if column.type == "VARCHAR":
        return f"CAST({name} AS text)"
    return f"encode({name}, 'hex')" if column.kind is Kind.BINARY else name


def _to_parquet(lines: Path, columns: Schema, into: Path) -> None:
    types = ", ".join(
        ("'one': 'INTEGER'", *(f"{literal(f'c{i}')}: {literal(_read(c))}" for i, c in enumerate(columns)))
    )
    named = ", ".join(
        f"{f'unhex(c{i})' if c.kind is Kind.BINARY else f'c{i}'} AS {quoted(c.name)}"
        for i, c in enumerate(columns)
    )
    with duckdb.connect() as connection, translated("rows of the table", reading=True):
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT {named} FROM read_csv({literal(str(lines))}, columns = {{{types}}}, header = false,"
            " delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, auto_detect = false,"
            f" parallel = false, max_line_size = {_VALUE_BYTES_MAX}, encoding = 'utf-8'))"
            f" TO {literal(str(into))} (FORMAT parquet)"
        )


def _read(column: Column) -> str:
    if column.kind in (Kind.BINARY, Kind.NESTED, Kind.INTERVAL) or column.type == "ENUM":
        return "VARCHAR"
    if column.kind is Kind.OTHER:
        return "UUID" if column.type == "UUID" else "VARCHAR"
    return "DOUBLE" if column.type == "NUMERIC" else column.type
