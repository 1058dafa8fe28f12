"""A PostgreSQL table that only writers of one workspace change: made, given the columns it needs, filled, compared.

Every function works inside the caller's transaction, on a connection whose first schema is the workspace's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from interlock.engines.duckdb import DuckDB
from interlock.engines.failures import one_line, translated
from interlock.engines.parquet import literal, quoted
from interlock.engines.postgres import transfer
from interlock.engines.protocol import Relation
from interlock.engines.schema import Column, Kind, Schema
from interlock.errors import NameRefused, ValueRefused

if TYPE_CHECKING:
    import psycopg

VERSION = "_interlock_partition_id"  # the column that says which version of a partition a row belongs to
GUARD = "interlock_gate"  # the trigger on every such table, and its function in the workspace's schema
NAME_BYTES_MAX = 63  # of a PostgreSQL identifier; longer ones it cuts off
_SYSTEM = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", VERSION})
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Name:
    """What a table is called."""

    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.table)}"


@dataclass(frozen=True, slots=True)
class Found:
    """A relation of a name: whether it is a table with the workspace's guard, on duty, and its columns' types."""

    ours: bool
    guarded: bool
    columns: Mapping[str, str]


def own_schema(connection: Connection) -> str:
    """The workspace's."""
    return str(connection.scalar(text("SELECT current_schema()")))


def named(connection: Connection, written: str) -> Name | None:
    """What ``written`` names in SQL, in ``public`` where it names no schema; None where it is no name."""
    if "\0" in written:
        return None
    try:
        parts = connection.scalar(text("SELECT parse_ident(:written)"), {"written": written})
    except DBAPIError:
        return None
    if len(parts) not in (1, 2) or any(len(p.encode()) > NAME_BYTES_MAX for p in parts):
        return None
    return Name(*(parts if len(parts) == 2 else ["public", *parts]))


def found(connection: Connection, name: Name) -> Found | None:
    """What there is of that name, by whoever it was made."""
    row = connection.execute(
        text(
            "SELECT c.oid, c.relkind = 'r' AND t.oid IS NOT NULL, coalesce(t.tgenabled IN ('O', 'A'), false)"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_trigger t"
            " ON t.tgrelid = c.oid AND t.tgname = :guard AND t.tgfoid = to_regproc(:function)"
            " WHERE n.nspname = :schema AND c.relname = :table"
        ),
        {"guard": GUARD, "function": _function(connection), "schema": name.schema, "table": name.table},
    ).first()
    if row is None:
        return None
    columns = connection.execute(
        text(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = :oid AND attnum > 0 AND NOT attisdropped"
        ),
        {"oid": row[0]},
    )
    return Found(row[1], row[2], {str(name): str(type_) for name, type_ in columns})


def make(connection: Connection, name: Name, columns: Schema, comment: str) -> None:
    """A new table with these columns and `VERSION`, and its guard."""
    function = _function(connection)
    if connection.scalar(text("SELECT to_regproc(:name)"), {"name": function}) is None:
        body = _BODY.format(commits=f"{quoted(own_schema(connection))}.interlock_commit")
        _run(
            connection,
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog"
            f" AS {literal(body)}; REVOKE EXECUTE ON FUNCTION {function}() FROM PUBLIC",
        )
    listed = "".join(f"{_item(c)}, " for c in columns)
    _run(connection, f"CREATE TABLE {name.sql} ({listed}{VERSION} bigint NOT NULL)")
    _run(connection, f"CREATE INDEX ON {name.sql} ({VERSION})")
    _run(
        connection,
        f"CREATE TRIGGER {GUARD} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name.sql}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    )
    _run(connection, f"COMMENT ON TABLE {name.sql} IS {literal(comment)}")


def evolve(connection: Connection, name: Name, held: Mapping[str, str], columns: Schema) -> None:
    """Add the columns it lacks, and widen the types that grew."""
    changes = []
    for column in columns:
        this, type_ = quoted(column.name), published_type(column)
        if column.name not in held:
            changes.append(f"ADD COLUMN {_item(column)}")
        elif held[column.name] != type_:
            # Numbers widen as they are; a column that takes another type held nothing but NULL so far.
            through = "" if {held[column.name], type_} <= _NUMBERS else "::text"
            changes.append(f"ALTER COLUMN {this} TYPE {type_} USING {this}{through}::{type_}")
    if changes:
        _run(connection, f"ALTER TABLE {name.sql} {', '.join(changes)}")


def remove(connection: Connection, name: Name, versions: Sequence[int]) -> None:
    """Take the rows of these versions away."""
    if versions:
        listed = ", ".join(map(str, versions))
        _run(connection, f"DELETE FROM {name.sql} WHERE {VERSION} = ANY (ARRAY[{listed}]::bigint[])")


def fill(connection: Connection, local: DuckDB, name: Name, rows: Relation, version: int) -> None:
    """Add rows of ``local`` as those of a version. Raises `ValueRefused` for one that PostgreSQL has no place for."""
    into = f"{name.sql} ({', '.join([*(quoted(c.name) for c in rows.schema), VERSION])})"
    _copy(connection, local, rows, into, str(name), f", {version:d}")


def counts(connection: Connection, name: Name) -> dict[int, int]:
    """How many rows each version has."""
    counted = _run(connection, f"SELECT {VERSION}, count(*) FROM {name.sql} GROUP BY 1")
    return {int(version): int(rows) for version, rows in counted}


def differences(connection: Connection, local: DuckDB, name: Name, rows: Relation, version: int) -> int:
    """Rows of a version that are not among those of ``local``, which are as many."""
    stand_in = f"pg_temp.{GUARD}"
    names = ", ".join(quoted(c.name) for c in rows.schema)
    _run(connection, f"CREATE TEMP TABLE {GUARD} AS SELECT {names} FROM {name.sql} WHERE false")
    _copy(connection, local, rows, stand_in, str(name), "")
    items = ", ".join(f"{quoted(c.name)}{'::text' if c.type == 'JSON' else ''}" for c in rows.schema)
    (row,) = _run(
        connection,
        f"SELECT count(*) FROM (SELECT {items} FROM {name.sql} WHERE {VERSION} = {version:d}"
        f" EXCEPT ALL SELECT {items} FROM {stand_in}) changed",
    )
    _run(connection, f"DROP TABLE {stand_in}")
    return int(row[0])


# --- types ----------------------------------------------------------------------------

_NUMBERS = frozenset({"smallint", "integer", "bigint", "real", "double precision", "numeric(20,0)"})
_TYPES = {  # as PostgreSQL itself writes them; beside those that rows travel in
    "TIME": "time without time zone",
    "TIME WITH TIME ZONE": "time with time zone",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"), "timestamp without time zone"),
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "JSON": "json",  # keeps the text as it is
}


def published_type(column: Column) -> str:
    """PostgreSQL's type for readers of a column; ``jsonb`` for nested ones. Raises `DataTypeUnsupported`."""
    if column.kind is Kind.NESTED:
        return "jsonb"
    return _TYPES.get(column.type) or transfer.stored_type(column)


def _item(column: Column) -> str:
    """A column as it is defined. Raises `NameRefused`, and as `published_type`."""
    if len(column.name.encode()) > NAME_BYTES_MAX or column.name in _SYSTEM:
        raise NameRefused(f"{column.name!r} cannot name a column in PostgreSQL", hint="rename it in the data")
    return f"{quoted(column.name)} {published_type(column)}"


# --- within ---------------------------------------------------------------------------

# A writer's transaction has put a row of its own into interlock_commit, and nobody else may.
_BODY = """
BEGIN
    IF NOT EXISTS (SELECT FROM {commits} WHERE xmin = pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION '%.% is written by Interlock alone', TG_TABLE_SCHEMA, TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', HINT = 'interlock write puts rows there that pass the gate';
    END IF;
    RETURN NULL;
END
"""


def _function(connection: Connection) -> str:
    return f"{quoted(own_schema(connection))}.{GUARD}"


def _copy(connection: Connection, local: DuckDB, rows: Relation, into: str, where: str, more: str) -> None:
    path = local.temporary().with_suffix(".csv")
    try:
        with translated(where, reading=True):
            transfer.write(local, rows, path, more)
        driver: psycopg.Connection[object] = connection.connection.driver_connection  # type: ignore[assignment]
        with _refusing(driver, where):
            _send(driver, path, into)
    finally:
        path.unlink(missing_ok=True)


def _send(driver: psycopg.Connection[object], path: Path, into: str) -> None:
    with (
        path.open("rb") as file,
        driver.cursor() as cursor,
        cursor.copy(f"COPY {into} FROM STDIN (FORMAT csv)".encode()) as copy,
    ):
        while block := file.read(_BLOCK):
            copy.write(block)


@contextlib.contextmanager
def _refusing(driver: psycopg.Connection[object], where: str) -> Iterator[None]:
    """What PostgreSQL has against a value as `ValueRefused`; the rest as SQLAlchemy would raise it."""
    import psycopg

    try:
        yield
    except psycopg.DataError as error:
        raise ValueRefused(
            f"{where} has no place for a value: {one_line(error)}",
            hint="nothing was published; PostgreSQL has no text with a NUL character, and no NaN in nested values",
        ) from None
    except psycopg.Error as error:
        raise DBAPIError("COPY", None, error, connection_invalidated=driver.closed) from error


def _run(connection: Connection, statement: str) -> list[tuple[int, ...]]:
    result = connection.exec_driver_sql(statement.replace("%", "%%"))
    return [tuple(row) for row in result] if result.returns_rows else []
