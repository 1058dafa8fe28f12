"""Rows of the catalog by plain SQL, in one snapshot, read-only: of a SQLite file, or a schema of PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from interlock.errors import DatabaseUnreachable, ExtraMissing, WorkspaceCorrupt, WorkspaceNotFound
from interlock.settings import current

Row = tuple[Any, ...]


class Rows(Protocol):
    """One snapshot of the catalog."""

    def each(self, sql: str, *given: Any) -> Iterator[Row]:
        """The rows of a SELECT, ``?`` standing for what is given, fetched a few at a time."""


@contextlib.contextmanager
def opened(where: str) -> Iterator[Rows]:
    """The catalog of the workspace at a folder, or at ``postgresql://USER@HOST/DATABASE?schema=NAME``."""
    if "://" in where:
        with _postgres(where) as found:
            yield found
    else:
        with _sqlite(Path(where) / "catalog.sqlite") as found:
            yield found


class _SQLite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def each(self, sql: str, *given: Any) -> Iterator[Row]:
        yield from self._connection.execute(sql, given)


@contextlib.contextmanager
def _sqlite(file: Path) -> Iterator[Rows]:
    if not file.is_file():
        raise WorkspaceNotFound(f"no workspace in {file.parent}", hint="`interlock init` makes one")
    name = urllib.parse.quote(str(file.absolute()))
    try:
        connection = sqlite3.connect(f"file:{name}?mode=ro", uri=True, isolation_level=None)
        with contextlib.closing(connection):
            connection.execute(f"PRAGMA busy_timeout={int(current().lock_timeout_s * 1000)}")
            connection.execute("BEGIN")
            yield _SQLite(connection)
    except sqlite3.DatabaseError as error:
        raise WorkspaceCorrupt(f"{file}: {error}", hint="restore it from a backup") from error


class _Postgres:
    def __init__(self, connection: Any) -> None:
        self._connection, self._count = connection, 0

    def each(self, sql: str, *given: Any) -> Iterator[Row]:
        self._count += 1
        with self._connection.cursor(f"interlock_verify_{self._count}") as cursor:
            for row in cursor.execute(sql.replace("?", "%s"), given):
                yield tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)


@contextlib.contextmanager
def _postgres(where: str) -> Iterator[Rows]:
    try:
        import psycopg
        from psycopg import sql
    except ImportError:
        raise ExtraMissing("PostgreSQL needs psycopg", hint="pip install 'interlock[postgres]'") from None
    base, schema = _without_ours(where)
    try:
        with psycopg.connect(base, connect_timeout=current().connect_timeout_s) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
            yield _Postgres(connection)
    except psycopg.Error as error:
        said = str(error).strip().splitlines()[0]
        raise DatabaseUnreachable(f"the catalog cannot be read: {said}") from None


def _without_ours(where: str) -> tuple[str, str]:
    """The address as PostgreSQL knows it, and the schema."""
    base, _, query = where.partition("?")
    given = [part for part in query.split("&") if part]
    theirs = [part for part in given if part.partition("=")[0] not in ("schema", "data")]
    schema = next((p.partition("=")[2] for p in given if p.startswith("schema=")), "interlock_workspace")
    return f"{base}?{'&'.join(theirs)}" if theirs else base, urllib.parse.unquote(schema)
