"""A catalog in a schema of a PostgreSQL database: transactions, locks, and errors in our words.

Needs the extra ``interlock[postgres]`` and a server from version 14 on.

All locks that a thread holds belong to one connection, its *session*, and the
thread's next transactions run on that connection. So a commit can only succeed
while the locks under which it was prepared are still held: PostgreSQL gives
them up when the session ends, and with it the transaction.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.pool import QueuePool

from interlock import settings
from interlock.catalog import lake_schema
from interlock.catalog.address import Address
from interlock.catalog.types import quoted
from interlock.errors import (
    CommitUnknown,
    DatabaseRefused,
    DatabaseUnreachable,
    DataError,
    InterlockError,
    StorageFailed,
    WorkspaceBusy,
    WorkspaceCorrupt,
)

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.dialects import sqlite

VERSION_MIN = 14
CONNECT_S = 10
KEEPALIVE_S = 60
_KEPT_COMMITS = "1 hour"  # much longer than anybody waits to learn how a commit ended
_DEADLOCKS_MAX = 5


class _Session(threading.local):
    """A thread's locks and the connection they belong to."""

    connection: Connection | None = None
    writing = False

    def __init__(self) -> None:
        self.held: set[int] = set()


class Postgres:
    """The `Database` in a schema; its locks are advisory ones."""

    def __init__(self, address: Address) -> None:
        self.schema = address.schema
        self.options = address.options
        self.where = address.where
        self._session = _Session()
        self.engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",  # transactions begin and end where we say so
            use_native_hstore=False,
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=60,
        )

    def relations(self, connection: Connection) -> set[str]:
        statement = (
            "SELECT c.relname, has_schema_privilege(n.oid, 'USAGE')"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = :schema AND c.relkind IN ('r', 'p')"
        )
        found = connection.execute(text(statement), {"schema": self.schema}).all()
        if not all(usable for _, usable in found):  # whose tables would seem not to be there
            raise DatabaseRefused(f"{self.where}: permission denied for schema", hint=_RIGHTS)
        return {name for name, _ in found}

    def insert(self, table: Table) -> sqlite.Insert:
        return postgresql.insert(table)  # type: ignore[return-value]  # alike in all that is used

    def compact(self, tables: Iterable[str]) -> bool:
        """The tables are written anew: files of the old ones are removed."""
        try:
            with self.errors(), self.engine.connect() as connection:
                connection.exec_driver_sql(f"SET lock_timeout = {_wait_ms()}")
                try:
                    for table in tables:
                        name = f"{quoted(self.schema)}.{quoted(table)}"
                        connection.exec_driver_sql(f"VACUUM (FULL) {name}".replace("%", "%%"))
                finally:
                    connection.exec_driver_sql("RESET lock_timeout")
        except WorkspaceBusy:
            return False
        return True

    def user(self) -> str:
        with self.transaction(write=False) as connection:
            return str(connection.exec_driver_sql("SELECT session_user").scalar())

    def locks(self, folder: Path) -> _Locks:
        return _Locks(self, folder)

    def close(self) -> None:
        self.engine.dispose()

    # --- transactions -----------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self, *, write: bool, scratch: bool = False) -> Iterator[Connection]:
        if not write:
            # The snapshot is taken by the first statement, not by BEGIN.
            begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ{'' if scratch else ' READ ONLY'}; SELECT 1"
            with self._begun(begin, write=False) as connection:
                yield connection
            return
        token = uuid.uuid4()
        lake = ", ".join(lake_schema.WRITTEN)
        # Our own writers queue at the first lock. The second keeps stock DuckLake writers, who
        # know nothing of it, from taking the numbers of the snapshot and files we are to write.
        begin = (
            f"{self._begin_writing}; LOCK TABLE {lake} IN SHARE ROW EXCLUSIVE MODE;"
            f" INSERT INTO interlock_commit (token) VALUES ('{token}')"
        )
        with self._begun(begin, write=True, token=token) as connection:
            if token.int % 100 == 0:
                old = f"DELETE FROM interlock_commit WHERE at < now() - INTERVAL '{_KEPT_COMMITS}'"
                connection.exec_driver_sql(old)
            yield connection

    @contextlib.contextmanager
    def founding(self) -> Iterator[Connection]:
        with self._begun(self._begin_writing, write=True) as connection:
            there = text("SELECT 1 FROM pg_namespace WHERE nspname = :schema")
            if connection.execute(there, {"schema": self.schema}).first() is None:
                connection.exec_driver_sql(f"CREATE SCHEMA {quoted(self.schema)}".replace("%", "%%"))
            if "interlock_commit" not in self.relations(connection):
                connection.exec_driver_sql(
                    "CREATE TABLE interlock_commit"
                    " (token UUID PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())"
                )
            yield connection

    @property
    def _begin_writing(self) -> str:
        return (
            f"BEGIN; SET LOCAL lock_timeout = {_wait_ms()}; SELECT pg_advisory_xact_lock({self.key('write')})"
        )

    @contextlib.contextmanager
    def _begun(self, begin: str, *, write: bool, token: uuid.UUID | None = None) -> Iterator[Connection]:
        """A transaction begun so; on the session's connection where it writes and the thread holds locks."""
        session = self._session if write else None
        held = session.connection if session is not None else None
        if session is not None and session.writing:
            raise WorkspaceBusy(f"this thread is writing to {self.where} already")
        with self.errors():
            connection = self._alive(held) if held is not None else self.engine.connect()
        try:
            if session is not None:
                session.writing = True
            with self.errors():
                connection = self._start(connection, begin, mine=held is None)
                yield connection
                self._commit(connection, token)
        finally:
            if session is not None:
                session.writing = False
            with contextlib.suppress(DBAPIError):
                connection.rollback()
            if held is None:
                connection.close()

    def _start(self, connection: Connection, begin: str, *, mine: bool) -> Connection:
        """Run ``begin``; anew where a pooled connection had died meanwhile, or stock writers crossed our way."""
        for attempt in range(_DEADLOCKS_MAX):
            try:
                connection.exec_driver_sql(begin)
                break
            except DBAPIError as error:
                crossed = getattr(error.orig, "sqlstate", None) == "40P01"
                died = mine and error.connection_invalidated and attempt == 0
                if attempt == _DEADLOCKS_MAX - 1 or not (crossed or died):
                    raise
                connection.rollback()
        return connection

    def _commit(self, connection: Connection, token: uuid.UUID | None) -> None:
        try:
            connection.commit()
        except DBAPIError as error:
            if token is None or not error.connection_invalidated:
                raise
            if not self._took_place(token):
                raise DatabaseUnreachable(
                    f"lost {self.where} at the commit, which did not take place", hint="nothing was changed"
                ) from None

    def _took_place(self, token: uuid.UUID) -> bool:
        """Whether a commit whose answer was lost took place: whether its own row is there.

        Asked once the writers' lock is ours, so that the lost transaction is over either way.
        """
        until = time.monotonic() + settings.current().lock_timeout_s
        while True:
            try:
                with self.engine.connect() as connection:
                    connection.exec_driver_sql(self._begin_writing)
                    found = connection.execute(
                        text("SELECT 1 FROM interlock_commit WHERE token = :token"), {"token": token}
                    ).first()
                    connection.rollback()
                    return found is not None
            except (DBAPIError, TimeoutError, InterlockError):
                if time.monotonic() >= until:
                    raise CommitUnknown(
                        f"lost {self.where} at the commit; whether it took place is not known yet",
                        hint="the next start of the workspace finds out and puts it right",
                    ) from None
            time.sleep(0.05)

    # --- connections ------------------------------------------------------------------

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg
        from psycopg.types.string import TextLoader

        # A session that holds locks may be quiet for as long as a partition takes to judge.
        usual = {
            "connect_timeout": CONNECT_S,
            "application_name": "interlock",
            "keepalives_idle": KEEPALIVE_S,
        }
        options: dict[str, Any] = {**usual, **self.options, "client_encoding": "UTF8"}
        connection = psycopg.connect(**options, autocommit=True)
        connection.adapters.register_loader("interval", TextLoader)  # Python's have no months
        try:
            version = connection.info.server_version // 10_000
            if version < VERSION_MIN:
                raise DatabaseRefused(f"{self.where} is PostgreSQL {version}; {VERSION_MIN} is needed")
            if connection.info.parameter_status("server_encoding") != "UTF8":
                raise DatabaseRefused(f"{self.where} is not encoded in UTF-8")
            # A commit is on disk when it returns, whatever the database's default is.
            connection.execute(
                "SELECT set_config('search_path', %s, false), set_config('TimeZone', 'UTC', false),"
                " set_config('DateStyle', 'ISO', false), set_config('IntervalStyle', 'postgres', false),"
                " set_config('statement_timeout', '0', false), set_config('idle_session_timeout', '0', false),"
                " set_config('idle_in_transaction_session_timeout', '0', false),"
                " CASE current_setting('synchronous_commit') WHEN 'off'"
                " THEN set_config('synchronous_commit', 'on', false) END",
                [quoted(self.schema)],
            )
        except BaseException:
            connection.close()
            raise
        return connection

    def _alive(self, connection: Connection) -> Connection:
        """The session's connection, unless it was lost: SQLAlchemy would put another, without locks, in its place."""
        if connection.invalidated or connection.closed:
            raise DatabaseUnreachable(
                f"lost {self.where}, and with it the lock under which this was prepared",
                hint="nothing was changed; try again",
            )
        return connection

    # --- locks ------------------------------------------------------------------------

    def key(self, name: str) -> int:
        """The advisory lock of this name, among all of the database."""
        digest = hashlib.sha256(f"interlock\0{self.schema}\0{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    @contextlib.contextmanager
    def held(self, name: str, what: str, *, shared: bool, timeout_s: float) -> Iterator[None]:
        """Hold the advisory lock ``name`` in this thread's session; messages call it ``what``."""
        session, key = self._session, self.key(name)
        if key in session.held:
            raise WorkspaceBusy(f"this thread holds {what} already")
        with self.errors():
            if session.connection is None:
                session.connection = self.engine.connect()
            connection = self._alive(session.connection)
        try:
            with self.errors(what, timeout_s):
                connection = self._take(connection, key, shared=shared, timeout_s=timeout_s, what=what)
                session.connection = connection
            session.held.add(key)
            yield
        finally:
            session.held.discard(key)
            self._release(session, key, shared=shared)

    def _take(
        self, connection: Connection, key: int, *, shared: bool, timeout_s: float, what: str
    ) -> Connection:
        kind = "_shared" if shared else ""
        if timeout_s > 0:
            waiting = f"SET LOCAL lock_timeout = {_wait_ms(timeout_s)}; SELECT pg_advisory_lock{kind}({key})"
            return self._start(connection, waiting, mine=not self._session.held)
        self._start(connection, "SELECT 1", mine=not self._session.held)
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock{kind}({key})").scalar():
            raise WorkspaceBusy(f"another process holds {what}", hint="try again")
        return connection

    def _release(self, session: _Session, key: int, *, shared: bool) -> None:
        """Let go of a lock; of the connection with the last one. What was lost is released by the server."""
        connection = session.connection
        if connection is None:
            return
        done = (
            f"pg_advisory_unlock{'_shared' if shared else ''}({key})"
            if session.held
            else "pg_advisory_unlock_all()"
        )
        with contextlib.suppress(DBAPIError, InterlockError):
            if not connection.invalidated:
                connection.exec_driver_sql(f"SELECT {done}")
        if not session.held:
            session.connection = None
            with contextlib.suppress(DBAPIError):
                connection.rollback()
            connection.close()

    # --- errors -----------------------------------------------------------------------

    @contextlib.contextmanager
    def errors(self, what: str | None = None, waited_s: float | None = None) -> Iterator[None]:
        """Turn what PostgreSQL refuses into one-line errors; ``what`` names the lock that is asked for."""
        try:
            yield
        except DBAPIError as error:
            known = self._translated(error, what, waited_s)
            if known is None:
                raise
            raise known from None
        except TimeoutError as error:
            raise WorkspaceBusy("too many transactions at once in this process") from error

    def _translated(
        self, error: DBAPIError, what: str | None, waited_s: float | None
    ) -> InterlockError | None:
        state, said = getattr(error.orig, "sqlstate", None) or "", _said(error.orig)
        if state in ("55P03", "40P01", "57014"):
            wait = settings.current().lock_timeout_s if waited_s is None else waited_s
            holds = f"holds {what}" if what else f"is writing to {self.where}"
            return WorkspaceBusy(f"another process {holds}", hint=f"waited {wait:g} s; try again")
        for states, kind, hint in _MEANINGS:
            if state.startswith(states):
                return kind(f"{self.where}: {said}", hint=hint)
        kind_ = type(error.orig).__name__
        if not state and kind_ == "DataError":
            return DataError(f"{self.where}: {said}", hint="PostgreSQL holds no text with a NUL character")
        if (
            error.connection_invalidated
            or (not state and kind_ == "OperationalError")
            or state.startswith("08")
        ):
            return DatabaseUnreachable(f"cannot reach {self.where}: {said}", hint="what was begun is undone")
        return DatabaseRefused(f"{self.where}: {said}", hint="nothing was changed") if state else None


_RIGHTS = "docs/how-to/share-a-workspace.md lists the rights a role needs"
_MEANINGS: tuple[tuple[tuple[str, ...], type[InterlockError], str | None], ...] = (
    (("53100",), StorageFailed, "free some space and try again"),
    (("53300",), WorkspaceBusy, "the server has no connection left; try again"),
    (("53", "58"), StorageFailed, "ask who runs the database server"),
    (("42501",), DatabaseRefused, _RIGHTS),
    (("25006",), DatabaseRefused, "a standby takes no writes; give the address of the primary"),
    (
        ("XX001", "XX002"),
        WorkspaceCorrupt,
        "restore the database from a backup; the data files are untouched",
    ),
    (("42P01", "42703", "3F000"), WorkspaceCorrupt, "tables of the workspace are missing; restore a backup"),
)


@dataclass(frozen=True, slots=True)
class _Locks:
    """The `Locks` of a workspace whose files lie in ``folder``: the same name on every machine."""

    database: Postgres
    folder: Path

    def locked(self, path: Path, *, timeout_s: float) -> contextlib.AbstractContextManager[None]:
        return self.database.held(self._name(path), str(path), shared=False, timeout_s=timeout_s)

    def shared(self, path: Path, *, timeout_s: float) -> contextlib.AbstractContextManager[None]:
        return self.database.held(self._name(path), str(path), shared=True, timeout_s=timeout_s)

    def _name(self, path: Path) -> str:
        return f"file\0{path.relative_to(self.folder)}"


def _wait_ms(timeout_s: float | None = None) -> int:
    """For ``lock_timeout``, where 0 would be for ever."""
    wait_s = settings.current().lock_timeout_s if timeout_s is None else timeout_s
    return max(1, int(wait_s * 1000))


def _said(error: BaseException | None) -> str:
    return next(iter(str(error).strip().splitlines()), "no reason given").removeprefix("connection failed: ")
