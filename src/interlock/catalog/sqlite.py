"""A catalog in a SQLite file: its connection settings, transactions, and errors in our words."""

from __future__ import annotations

import contextlib
import os
import pwd
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.pool import QueuePool

from interlock import durable, settings
from interlock.catalog.database import Locks
from interlock.errors import InterlockError, StorageFailed, WorkspaceBusy, WorkspaceCorrupt


class SQLite:
    """The `Database` in a file; its locks are files in the workspace's folder."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.engine = create_engine(
            "sqlite://", creator=lambda: connect(file), poolclass=QueuePool, pool_size=4, max_overflow=60
        )

        @event.listens_for(self.engine, "connect")
        def _prepare(connection: Any, _: object) -> None:
            prepare(connection, file)

    @property
    def where(self) -> str:
        return str(self.file)

    @contextlib.contextmanager
    def transaction(self, *, write: bool, scratch: bool = False) -> Iterator[Connection]:
        with errors(self.file):
            connection = self.engine.connect()
        try:
            with errors(self.file):
                timeout_ms = int(settings.current().lock_timeout_s * 1000)
                connection.exec_driver_sql(f"PRAGMA busy_timeout={timeout_ms}")
                connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
                if not write:
                    # SQLite fixes a snapshot at its first read, not at BEGIN.
                    connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").close()
                yield connection
                connection.commit()
        finally:
            with contextlib.suppress(DBAPIError):
                connection.rollback()
            connection.close()

    def founding(self) -> contextlib.AbstractContextManager[Connection]:
        return self.transaction(write=True)

    def relations(self, connection: Connection) -> set[str]:
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        return set(found.scalars())

    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)

    def compact(self, tables: Iterable[str]) -> bool:
        """The file is written anew without its free pages and its log emptied, unless others read just now."""
        try:
            with errors(self.file), contextlib.closing(connect(self.file)) as connection:
                prepare(connection, self.file)
                connection.execute(f"PRAGMA busy_timeout={int(settings.current().lock_timeout_s * 1000)}")
                connection.execute("VACUUM")
                (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy
        except WorkspaceBusy:
            return False

    def user(self) -> str:
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return str(os.getuid())

    def locks(self, folder: Path) -> Locks:
        return durable

    def close(self) -> None:
        self.engine.dispose()


def connect(file: Path) -> sqlite3.Connection:
    """A connection that begins and ends transactions only when told to."""
    return sqlite3.connect(file, isolation_level=None, check_same_thread=False)


def prepare(connection: sqlite3.Connection, file: Path) -> None:
    """Readers don't block the writer (WAL); a commit is on disk when it returns (FULL)."""
    with errors(file):
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch the file's journal; SQLite doesn't wait for another's lock here, so we try again."""
    deadline = time.monotonic() + settings.current().lock_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() >= deadline:
                raise
        time.sleep(0.01)


@contextlib.contextmanager
def errors(file: Path) -> Iterator[None]:
    """Turn what SQLite and the operating system refuse into one-line workspace errors."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        original = error.orig if isinstance(error, DBAPIError) else error
        known = _translated(original, file)
        if known is None:
            raise
        raise known from error
    except TimeoutError as error:
        raise WorkspaceBusy("too many transactions at once in this process") from error


def _translated(error: BaseException | None, file: Path) -> InterlockError | None:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return WorkspaceBusy(f"another process is writing to {file}", hint="wait for it to end and try again")
    if name == "SQLITE_FULL":
        return StorageFailed(f"{file}: no space left on device", hint="free some space and try again")
    if name.startswith("SQLITE_READONLY"):
        return StorageFailed(f"{file} is read-only", hint="check who owns the workspace folder")
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StorageFailed(f"{file}: {error}", hint="check the disk and who owns the workspace folder")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return WorkspaceCorrupt(
            f"{file}: {error}", hint="restore it from a backup; the data files are untouched"
        )
    return None
