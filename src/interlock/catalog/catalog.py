"""The workspace's catalog: one SQLite database, one commit point.

Several processes may open it at once. Readers see one consistent snapshot and
never wait; writers take turns (`BEGIN IMMEDIATE`) and wait up to
``settings.lock_timeout_s`` for each other.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from interlock import durable, settings
from interlock.catalog import migrations, storage
from interlock.catalog.schema import REVISION, VERSION_TABLE
from interlock.errors import WorkspaceError, WorkspaceNotFound, WorkspaceVersion

FILE_NAME = "catalog.sqlite"
DATA_FOLDER = "data"
DUCKLAKE_VERSION = "1.0"


class Reader:
    """One consistent view of the catalog, valid inside ``with catalog.read()``."""

    def __init__(self, catalog: Catalog, connection: Connection) -> None:
        self.catalog = catalog
        self.connection = connection


class Writer(Reader):
    """A transaction: everything done with it commits at the end of the block, or nothing does.

    ``uncited`` holds ids of partition versions that were added or changed and
    that no ledger entry of this transaction speaks of yet; `commit` writes one
    for those left.
    """

    def __init__(self, catalog: Catalog, connection: Connection) -> None:
        super().__init__(catalog, connection)
        self.now = dt.datetime.now(dt.UTC)
        self.uncited: dict[int, None] = {}


class Catalog:
    """See `create` and `open`. ``folder`` is the workspace folder, ``id`` its lasting UUID."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self._engine = engine
        self.id = ""

    @property
    def file(self) -> Path:
        return self.folder / FILE_NAME

    @property
    def data(self) -> Path:
        """Where published files lie; DuckLake's data path."""
        return self.folder / DATA_FOLDER

    @classmethod
    def create(cls, folder: str | os.PathLike[str]) -> Self:
        """A new catalog in ``folder``; opens the one that is already there."""
        place = Path(os.path.abspath(folder))
        durable.make_folder(place)
        catalog = cls(place, _engine(place / FILE_NAME))
        with catalog._closed_on_error():
            # The catalog is the first thing in the folder: whoever looks meanwhile sees a workspace.
            catalog._migrate()
            catalog._load()
        durable.make_folder(catalog.data)
        durable.sync_folder(place)
        return catalog

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """The catalog in ``folder``, brought to this version if older.

        Raises `WorkspaceNotFound`, `WorkspaceVersion` (newer than this
        Interlock, or not a workspace), `WorkspaceCorrupt`, `StorageFailed`.
        """
        place = Path(os.path.abspath(folder))
        if not (place / FILE_NAME).is_file():
            raise WorkspaceNotFound(f"no workspace in {folder}", hint="`interlock init` makes one")
        catalog = cls(place, _engine(place / FILE_NAME))
        with catalog._closed_on_error():
            if catalog._revision() != REVISION:
                catalog._migrate()
            catalog._load()
        return catalog

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def read(self) -> Iterator[Reader]:
        """A consistent snapshot; what others commit meanwhile is not seen."""
        with self._transaction("BEGIN") as connection:
            # SQLite fixes a snapshot at its first read, not at BEGIN.
            connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").close()
            yield Reader(self, connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Writer]:
        """A transaction that commits at the end of the block and rolls back on any error.

        Raises `WorkspaceBusy` when another writer doesn't let go in time.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            writer = Writer(self, connection)
            yield writer
            _finish(writer)

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with storage.errors(self.file):
            connection = self._engine.connect()
        try:
            with storage.errors(self.file):
                timeout_ms = int(settings.current().lock_timeout_s * 1000)
                connection.exec_driver_sql(f"PRAGMA busy_timeout={timeout_ms}")
                connection.exec_driver_sql(begin)
                yield connection
                connection.commit()
        finally:
            with contextlib.suppress(DBAPIError):
                connection.rollback()
            connection.close()

    @contextlib.contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _revision(self) -> str | None:
        with self.read() as rx:
            tables = {
                name
                for (name,) in rx.connection.exec_driver_sql(
                    "SELECT name FROM sqlite_master WHERE name IN (?, 'ducklake_metadata')", (VERSION_TABLE,)
                )
            }
            if not tables:
                return None
            if VERSION_TABLE not in tables:
                raise WorkspaceVersion(f"{self.file} is a DuckLake, but no Interlock workspace")
            return rx.connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()

    def _migrate(self) -> None:
        self._check_revision(self._revision())
        with self.write() as tx:
            migrations.upgrade(tx.connection)
            if tx.connection.exec_driver_sql("SELECT 1 FROM interlock_workspace").first() is None:
                _found(tx)

    def _check_revision(self, revision: str | None) -> None:
        if revision is not None and not (revision.isdecimal() and int(revision) <= int(REVISION)):
            raise WorkspaceVersion(
                f"{self.file} has catalog version {revision}; this Interlock knows up to {REVISION}",
                hint="upgrade Interlock",
            )

    def _load(self) -> None:
        with self.read() as rx:
            rows = rx.connection.exec_driver_sql("SELECT key, value FROM interlock_workspace")
            values = {row.key: row.value for row in rows}
            self.id = values["id"]
            version, data_path = (_lake_setting(rx, key) for key in ("version", "data_path"))
        if version != DUCKLAKE_VERSION:
            raise WorkspaceVersion(
                f"{self.file} is DuckLake {version}; this Interlock writes {DUCKLAKE_VERSION}"
            )
        if data_path != _data_path(self):
            self._follow_move()

    def _follow_move(self) -> None:
        """The folder was moved or copied: tell other DuckLake readers where the data is now."""
        with contextlib.suppress(WorkspaceError), self.write() as tx:
            tx.connection.execute(
                text("UPDATE ducklake_metadata SET value = :path WHERE key = 'data_path' AND scope IS NULL"),
                {"path": _data_path(self)},
            )


def inserted_id(result: CursorResult[Any]) -> int:
    """The integer primary key of the one row just inserted."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _lake_setting(rx: Reader, key: str) -> str | None:
    statement = "SELECT value FROM ducklake_metadata WHERE key = ? AND scope IS NULL"
    return rx.connection.exec_driver_sql(statement, (key,)).scalar()


def _data_path(catalog: Catalog) -> str:
    return f"{catalog.data}{os.sep}"


def _finish(writer: Writer) -> None:
    from interlock.catalog import outbox

    outbox.cite_rest(writer)


def _found(tx: Writer) -> None:
    """Snapshot 0 of an empty DuckLake, and the workspace's name."""
    moment = tx.now.strftime("%Y-%m-%d %H:%M:%S.%f+00")
    run = tx.connection.exec_driver_sql
    run(
        "INSERT INTO interlock_workspace VALUES ('id', ?), ('created_at', ?)",
        (str(uuid.uuid4()), tx.now.isoformat()),
    )
    metadata = {
        "version": DUCKLAKE_VERSION,
        "created_by": "Interlock",
        "data_path": _data_path(tx.catalog),
        "encrypted": "false",
        # Rows written past the gate should be files like all others, not rows of the catalog.
        "data_inlining_row_limit": "0",
    }
    for key, value in metadata.items():
        run("INSERT INTO ducklake_metadata VALUES (?, ?, NULL, NULL)", (key, value))
    run("INSERT INTO ducklake_snapshot VALUES (0, ?, 0, 1, 0)", (moment,))
    run("""INSERT INTO ducklake_snapshot_changes VALUES (0, 'created_schema:"main"', NULL, NULL, NULL)""")
    run("INSERT INTO ducklake_schema VALUES (0, ?, 0, NULL, 'main', 'main/', 1)", (str(uuid.uuid4()),))
    run("INSERT INTO interlock_snapshot VALUES (0, 1, ?)", (tx.now.isoformat(),))


def _engine(file: Path) -> Engine:
    engine = create_engine(
        "sqlite://", creator=lambda: storage.connect(file), poolclass=QueuePool, pool_size=4, max_overflow=60
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        storage.prepare(connection, file)

    return engine
