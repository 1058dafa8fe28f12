"""PostgreSQL: a connection, and what a relation there holds.

Needs the extra ``interlock[postgres]`` (psycopg 3) and a server from version 14 on.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock import settings
from interlock.engines.schema import Column, Kind, Schema
from interlock.errors import (
    DatabaseBusy,
    DatabaseRefused,
    DatabaseUnreachable,
    ExtraMissing,
    RelationNotFound,
    UsageError,
)

if TYPE_CHECKING:
    import psycopg

VERSION_MIN = 14

_TYPES: dict[str, tuple[str, Kind]] = {
    "int2": ("SMALLINT", Kind.INTEGER),
    "int4": ("INTEGER", Kind.INTEGER),
    "int8": ("BIGINT", Kind.INTEGER),
    "float4": ("FLOAT", Kind.FLOAT),
    "float8": ("DOUBLE", Kind.FLOAT),
    "bool": ("BOOLEAN", Kind.BOOLEAN),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "citext"), ("VARCHAR", Kind.TEXT)),
    "uuid": ("UUID", Kind.OTHER),
    "bytea": ("BLOB", Kind.BINARY),
    "date": ("DATE", Kind.DATE),
    "time": ("TIME", Kind.TIME),
    "timestamp": ("TIMESTAMP", Kind.TIMESTAMP),
    "timestamptz": ("TIMESTAMP WITH TIME ZONE", Kind.TIMESTAMPTZ),
    "interval": ("INTERVAL", Kind.INTERVAL),
}
_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")


@dataclass(frozen=True, slots=True)
class Part:
    """A relation that holds some of another's rows, or whose own parts do. ``kind`` as in ``pg_class.relkind``."""

    oid: int
    schema: str
    name: str
    kind: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of a database. ``kind`` as in ``pg_class.relkind``; ``partition``: it is part of another.

    A numeric column without a precision is written ``NUMERIC`` and computed as a float. ``parts`` are those of a
    partitioned table, at every level, ``generated`` the columns that PostgreSQL computes from others.
    """

    oid: int
    schema: str
    name: str
    kind: str
    partition: bool
    inherited: bool
    owner: str
    columns: Schema
    parts: tuple[Part, ...] = ()
    generated: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@contextlib.contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    """One connection, each statement a transaction of its own unless one is opened; closed at the end.

    What PostgreSQL has against a statement becomes one of `InterlockError`; a password is in none of them.
    """
    try:
        import psycopg
        from psycopg import conninfo, errors
    except ImportError:
        raise ExtraMissing("PostgreSQL needs psycopg", hint="pip install 'interlock[postgres]'") from None
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise UsageError(
            "this is no PostgreSQL address", hint="write postgresql://USER@HOST:PORT/DATABASE"
        ) from None
    host, database = str(given.get("host") or "the local socket"), str(given.get("dbname") or "of the user")
    if "@" in host + database:  # part of a password
        raise UsageError(
            "this address has more than one @", hint="write @, / and : of a password as %40, %2F and %3A"
        )
    where = f"{host}, database {database}"
    usual = {"connect_timeout": settings.current().connect_timeout_s, "application_name": "interlock"}
    options: dict[str, Any] = {**usual, **given, "client_encoding": "UTF8"}
    try:
        connection = psycopg.connect(**options, autocommit=True)
    except psycopg.Error as error:
        raise DatabaseUnreachable(f"cannot connect to {where}: {_said(error)}") from None
    with connection:
        version = connection.info.server_version // 10_000
        if version < VERSION_MIN:
            raise DatabaseRefused(f"{where} is PostgreSQL {version}; {VERSION_MIN} is needed")
        if connection.info.parameter_status("server_encoding") != "UTF8":
            raise DatabaseRefused(f"{where} is not encoded in UTF-8")
        try:
            yield connection
        except (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected) as error:
            raise DatabaseBusy(
                f"{where}: {_said(error)}",
                hint="nothing was changed; try again when long transactions are over",
            ) from None
        except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
            raise DatabaseRefused(f"{where}: {_said(error)}", hint="nothing was changed") from None
        except psycopg.OperationalError as error:
            raise DatabaseUnreachable(f"lost {where}: {_said(error)}") from None
        except psycopg.Error as error:
            raise DatabaseRefused(f"{where}: {_said(error)}", hint="nothing was changed") from None


def _said(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no reason given").removeprefix("connection failed: ")


def relation(connection: psycopg.Connection[Any], name: str) -> Relation:
    """What is known of a relation; ``name`` may have a schema before a point, and quotes as in SQL.

    Raises `RelationNotFound`.
    """
    import psycopg

    try:
        found = connection.execute("SELECT to_regclass(%s)::oid", [name]).fetchone()
    except (psycopg.errors.SyntaxError, psycopg.errors.InvalidName, psycopg.errors.FeatureNotSupported):
        found = None
    if found is None or found[0] is None:
        raise RelationNotFound(
            f"no relation {name}", hint="names with capitals or signs are quoted: --relation '\"Orders\"'"
        )
    return relation_of(connection, found[0])


def relation_of(connection: psycopg.Connection[Any], oid: int) -> Relation:
    """The relation of that number, which keeps it whatever it is called."""
    row = connection.execute(
        "SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relispartition, c.relkind = 'r' AND EXISTS"
        " (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid), pg_get_userbyid(c.relowner)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %s",
        [oid],
    ).fetchone()
    assert row is not None
    oid, schema, named, kind, partition, inherited, owner = row
    columns, parts = _columns(connection, oid), _parts(connection, oid)
    made = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND attgenerated <> ''", [oid]
    ).fetchall()
    generated = frozenset(str(name) for (name,) in made)
    return Relation(oid, schema, named, kind, partition, inherited, owner, columns, parts, generated)


def _parts(connection: psycopg.Connection[Any], oid: int) -> tuple[Part, ...]:
    rows = connection.execute(
        "SELECT c.oid, n.nspname, c.relname, c.relkind::text FROM pg_partition_tree(%(oid)s) t"
        " JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid <> %(oid)s ORDER BY t.level, 2, 3",
        {"oid": oid},
    ).fetchall()
    return tuple(Part(*row) for row in rows)


def _columns(connection: psycopg.Connection[Any], oid: int) -> Schema:
    """Domains as what they are made of. A type of somebody's own is none of those known, whatever it is called."""
    rows = connection.execute(
        """
        WITH RECURSIVE made (num, name, type, modifier) AS (
            SELECT attnum, attname, atttypid, atttypmod FROM pg_attribute
            WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
            UNION ALL
            SELECT num, name, t.typbasetype, t.typtypmod FROM made JOIN pg_type t ON t.oid = made.type
            WHERE t.typtype = 'd'
        )
        SELECT name, CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace OR EXISTS (
                SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = t.oid AND deptype = 'e'
            ) THEN t.typname END, t.typtype::text, t.typcategory::text, format_type(t.oid, modifier)
        FROM made JOIN pg_type t ON t.oid = made.type WHERE t.typtype <> 'd' ORDER BY num
        """,
        [oid],
    ).fetchall()
    return tuple(_column(*row) for row in rows)


def _column(name: str, type_name: str | None, form: str, category: str, written: str) -> Column:
    if type_name == "numeric":
        return _number(name, written)
    if type_name in _TYPES:
        return Column(name, *_TYPES[type_name])
    if form == "e":
        return Column(name, "ENUM", Kind.TEXT)
    return Column(name, written, Kind.NESTED if category in "AC" else Kind.OTHER)


def _number(name: str, written: str) -> Column:
    match = _NUMERIC.fullmatch(written)
    if match and 0 <= int(match[2]) <= int(match[1]) <= 38:
        return Column(name, f"DECIMAL({match[1]},{match[2]})", Kind.DECIMAL)
    return Column(name, "NUMERIC", Kind.FLOAT)
