"""What a catalog needs of its database, and what SQLite and PostgreSQL do each in their own way.

`sqlite.SQLite` and `postgres.Postgres` are the two. What differs in a statement
is in `constructs`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, Engine, Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import sqlite


class Locks(Protocol):
    """Who may do what in the workspace's folder; `WorkspaceBusy` after ``timeout_s``.

    ``path`` is where the lock's file lies, or would lie: what it is called. A lock
    goes with its holder, so a killed one never blocks the next. `durable` locks files.
    """

    def locked(self, path: Path, *, timeout_s: float) -> AbstractContextManager[None]:
        """Be alone at ``path``."""

    def shared(self, path: Path, *, timeout_s: float) -> AbstractContextManager[None]:
        """Keep out whoever wants `locked`."""


class Database(Protocol):
    """One workspace's tables, in one schema."""

    @property
    def where(self) -> str:
        """What messages call it; holds no secret."""

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's."""

    def transaction(self, *, write: bool, scratch: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that commits at the end of the block and rolls back on any error.

        Readers see one snapshot and never wait; writers take turns, wait up to
        ``settings.lock_timeout_s`` for each other, and see what is newest. ``scratch``:
        a reader that makes temporary tables, which are gone with it.
        """

    def founding(self) -> AbstractContextManager[Connection]:
        """A writer's transaction in a database that may be empty, or older."""

    def relations(self, connection: Connection) -> set[str]:
        """The names of its tables."""

    def insert(self, table: Table) -> sqlite.Insert:
        """An INSERT that knows ON CONFLICT."""

    def compact(self, tables: Iterable[str]) -> bool:
        """Leave nothing behind of rows of these tables that were removed or changed; whether that could be done now.

        What the database writes elsewhere (PostgreSQL's log, backups) is not its tables.
        """

    def user(self) -> str:
        """Who is at work: the operating-system user, or the role that is connected."""

    def locks(self, folder: Path) -> Locks:
        """The locks of a workspace whose files lie in ``folder``."""

    def close(self) -> None:
        """Let go of every connection. May be called twice."""
