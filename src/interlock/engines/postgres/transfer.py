"""Rows between PostgreSQL and DuckDB: CSV whose columns' types are known, so that no value is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from interlock import durable
from interlock.engines.duckdb import DuckDB
from interlock.engines.parquet import literal, quoted
from interlock.engines.protocol import Relation, Target
from interlock.engines.schema import Column, Kind, Schema
from interlock.errors import DataTypeUnsupported

if TYPE_CHECKING:
    import psycopg

_LINE_BYTES_MAX = 64 << 20
# How values are written, whatever the role or the database would have them written.
PLAIN = (
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
)
_LAST_MOMENT = "'294000-01-01 00:00:00'"  # DuckDB's end a little before PostgreSQL's
_BEFORE = r"'^(\S+)(.*) BC$', '\1 (BC)\2'"  # years before the first, as DuckDB writes them
_STORED: dict[str, str] = {  # DuckDB's types as PostgreSQL's that hold each of their values
    "TINYINT": "smallint",
    "UTINYINT": "smallint",
    "SMALLINT": "smallint",
    "USMALLINT": "integer",
    "INTEGER": "integer",
    "UINTEGER": "bigint",
    "BIGINT": "bigint",
    "UBIGINT": "numeric(20,0)",
    "HUGEINT": "numeric(39,0)",
    "UHUGEINT": "numeric(39,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "VARCHAR": "text",
    "UUID": "uuid",
    "BLOB": "bytea",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "INTERVAL": "interval",
}


def stored_type(column: Column) -> str:
    """PostgreSQL's type for a column. Raises `DataTypeUnsupported`."""
    if column.kind is Kind.DECIMAL:
        return column.type.replace("DECIMAL", "numeric")
    if column.type.startswith("ENUM"):
        return "text"
    found = _STORED.get(column.type)
    if found is None:
        raise DataTypeUnsupported(f"column {column.name!r}: no PostgreSQL type for {column.type}")
    return found


def definition(schema: Schema) -> str:
    return ", ".join(f"{quoted(c.name)} {stored_type(c)}" for c in schema)


def targets(schema: Schema, columns: Sequence[Target] | None) -> list[exp.Expr]:
    """What a copy within the database selects."""
    if columns is None:
        return [exp.column(c.name, quoted=True) for c in schema]
    present = {c.name for c in schema}
    made: list[exp.Expr] = []
    for target in columns:
        value = target.expression or (
            exp.column(target.name, quoted=True) if target.name in present else exp.null()
        )
        cast = exp.Cast(this=value.copy(), to=exp.DataType.build(target.type, dialect="duckdb"))
        made.append(exp.alias_(cast, target.name, quoted=True))
    return made


# --- from PostgreSQL ----------------------------------------------------------------------


def bring(
    connection: psycopg.Connection[Any], local: DuckDB, query: str, schema: Schema, *, hashed: bool = False
) -> Relation:
    """The rows of a query that selects `items`; ``hashed``: with one more column, which is left out.

    One statement, so one moment; its session writes values as `PLAIN` says. Raises `DataUnreadable` for a value that
    DuckDB has no place for.
    """
    path = local.temporary().with_suffix(".csv")
    try:
        with (
            durable.refusals(path),
            path.open("wb") as file,
            connection.cursor() as cursor,
            cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as copy,
        ):
            for block in copy:
                file.write(block)
        return _read(local, path, schema, hashed=hashed)
    finally:
        path.unlink(missing_ok=True)


def items(schema: Schema) -> str:
    """Each column as a text that DuckDB reads as the value it is; a 1 first: a line of one NULL would be empty."""
    return ", ".join(("1", *map(_sent, schema)))


def _sent(column: Column) -> str:
    name = quoted(column.name)
    if column.type == "NUMERIC":  # without a precision: as a float, beyond which it is infinite
        return (
            f"CASE WHEN abs({name}) <= 1.7e308 OR {name} = 'NaN' THEN {name}::float8"
            f" WHEN {name} > 0 THEN 'Infinity' WHEN {name} < 0 THEN '-Infinity' END"
        )
    if column.kind is Kind.BINARY:
        return f"encode({name}, 'hex')"
    if column.kind in (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
        value = f"{name} AT TIME ZONE 'UTC'" if column.kind is Kind.TIMESTAMPTZ else name
        zone = " || '+00'" if column.kind is Kind.TIMESTAMPTZ else ""
        late = (
            f" WHEN {value} > {_LAST_MOMENT} THEN {_LAST_MOMENT}{zone}"
            if column.kind is not Kind.DATE
            else ""
        )
        return (
            f"CASE WHEN NOT isfinite({name}) THEN {name}::text{late}"
            f" WHEN {value} < '0001-01-01' THEN regexp_replace(({value})::text, {_BEFORE}){zone}"
            f" ELSE ({value})::text{zone} END"
        )
    # A text without the blanks that fill a char(n) up; the rest as its type writes it: a cast may be its owner's code.
    return f"{name}::text" if column.type == "VARCHAR" else name


def _read(local: DuckDB, path: Path, schema: Schema, *, hashed: bool) -> Relation:
    names = [f"c{i}" for i in range(len(schema))]
    columns = {"one": "INTEGER"} | {name: _carried(c) for name, c in zip(names, schema, strict=True)}
    if hashed:
        columns["hashed"] = "BIGINT"
    given = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in columns.items())
    item = (
        f"read_csv({literal(str(path))}, columns = {{{given}}}, header = false, auto_detect = false, delim = ',',"
        " quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, new_line = '\\n', parallel = false,"
        f" max_line_size = {_LINE_BYTES_MAX})"
    )
    taken = [f"{_received(name, c)} AS {quoted(c.name)}" for name, c in zip(names, schema, strict=True)]
    return local.materialized(f"SELECT {', '.join(taken) or 'one'} FROM {item}")


def unchanged(column: Column) -> bool:
    """Whether a column has the same type here as there."""
    return _carried(column) == column.type


def _carried(column: Column) -> str:
    """The type a column has on the way."""
    if column.kind in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.BOOLEAN):
        return "DOUBLE" if column.type == "NUMERIC" else column.type
    if column.kind in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP) or column.type == "UUID":
        return column.type
    return column.type if column.kind is Kind.TIMESTAMPTZ else "VARCHAR"


def _received(name: str, column: Column) -> str:
    if column.kind is Kind.BINARY:
        return f"unhex({name})"
    return name


# --- to PostgreSQL ------------------------------------------------------------------------


def write(local: DuckDB, relation: Relation, path: Path, more: str = "") -> None:
    """A relation of `local` as the CSV that ``COPY … FROM`` reads; ``more``: items of a SELECT after its columns."""
    sent = ", ".join(f"{_given(c)} AS {quoted(c.name)}" for c in relation.schema)
    local.export(
        f"SELECT {sent}{more} FROM {local.source(relation).sql(dialect='duckdb')}",
        path,
        "FORMAT csv, HEADER false, NULLSTR '', FORCE_QUOTE *",
    )


def _given(column: Column) -> str:
    name = quoted(column.name)
    if column.kind is Kind.BINARY:
        return f"'\\x' || lower(hex({name}))"
    if column.kind is Kind.TIMESTAMPTZ:
        moment = f"make_timestamp(epoch_us({name}))::VARCHAR || '+00'"
        return f"CASE WHEN isfinite({name}) THEN {moment} ELSE {name}::VARCHAR END"
    return f"to_json({name})" if column.kind is Kind.NESTED else name
