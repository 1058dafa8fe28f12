"""The workspace's catalog: tables of a database, one commit point.

The database is a SQLite file in the workspace's folder, or a schema of a
PostgreSQL database. The data files lie in the folder, or on S3. Several processes
may open it at once. Readers see one consistent snapshot and never wait; writers
take turns and wait up to ``settings.lock_timeout_s`` for each other.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, CursorResult, Table, insert, select, update

from interlock import durable
from interlock.catalog import clock, home, migrations, s3, schema
from interlock.catalog import lake_schema as s
from interlock.catalog.address import Address, is_address
from interlock.catalog.database import Database, Locks
from interlock.catalog.files import DATA, Files, Folder
from interlock.catalog.s3 import S3
from interlock.catalog.schema import REVISION, VERSION_TABLE
from interlock.catalog.sqlite import SQLite
from interlock.errors import UsageError, WorkspaceError, WorkspaceNotFound, WorkspaceVersion

if TYPE_CHECKING:
    from sqlalchemy.dialects import sqlite

FILE_NAME = "catalog.sqlite"
DUCKLAKE_VERSION = "1.0"

Place = str | os.PathLike[str]


class Reader:
    """One consistent view of the catalog, valid inside ``with catalog.read()``."""

    def __init__(self, catalog: Catalog, connection: Connection) -> None:
        self.catalog = catalog
        self.connection = connection

    def relations(self) -> set[str]:
        """The names of the tables in the catalog."""
        return self.catalog.database.relations(self.connection)


class Writer(Reader):
    """A transaction: everything done with it commits at the end of the block, or nothing does.

    ``uncited`` holds ids of partition versions that were added or changed and
    that no ledger entry of this transaction speaks of yet, ``changed_versions`` those of
    the vault's, ``changed_guards`` what protects these; entries are written at the commit for those left.
    """

    def __init__(self, catalog: Catalog, connection: Connection) -> None:
        super().__init__(catalog, connection)
        self.now = clock.now()
        self.uncited: dict[int, None] = {}
        self.changed_versions: dict[int, None] = {}
        self.changed_guards: dict[tuple[str, str], None] = {}

    def insert(self, table: Table) -> sqlite.Insert:
        """An INSERT that knows ``on_conflict_do_update`` and ``on_conflict_do_nothing``."""
        return self.catalog.database.insert(table)


class Catalog:
    """See `create` and `open`. ``id`` is the workspace's lasting UUID.

    ``files`` are its data files. ``folder`` holds the rest: writes in progress, the
    ledger, what is learned, and the files too unless they are on S3.
    """

    def __init__(self, database: Database, folder: Path | None) -> None:
        self.database = database
        self.id = ""
        self._folder = folder
        self._files: Files | None = None

    @property
    def folder(self) -> Path:
        assert self._folder is not None, "known once the catalog is loaded"
        return self._folder

    @property
    def where(self) -> str:
        """What messages call the catalog."""
        return self.database.where

    @property
    def local(self) -> bool:
        """Whether the catalog is a file in the folder."""
        return isinstance(self.database, SQLite)

    @property
    def files(self) -> Files:
        return self._files or Folder(self.folder)

    @property
    def one_folder(self) -> bool:
        """Whether everybody has the same folder; else each machine has its own, which may be behind."""
        return self._files is None

    @property
    def locks(self) -> Locks:
        """Who may do what in the folder, among all processes that have this workspace open."""
        return self.database.locks(self.folder)

    @classmethod
    def create(cls, place: Place, data: Place | None = None) -> Self:
        """A new catalog; opens the one that is already there.

        ``place`` is a folder, or the address of a PostgreSQL database; its files then lie
        in ``data``, a folder or ``s3://BUCKET/PREFIX``. Raises as `open` does, and `UsageError`
        where a new one has no ``data``, or one that holds another workspace's files.
        """
        if is_address(place):
            return cls._create_shared(place, data)
        folder = Path(os.path.abspath(place))
        durable.make_folder(folder)
        catalog = cls(SQLite(folder / FILE_NAME), folder)
        with catalog._closed_on_error():
            # The catalog is the first thing in the folder: whoever looks meanwhile sees a workspace.
            catalog._migrate()
            catalog._load()
        durable.make_folder(folder / DATA)
        durable.sync_folder(folder)
        return catalog

    @classmethod
    def open(cls, place: Place, data: Place | None = None) -> Self:
        """The catalog at ``place``, brought to this version if older.

        ``data`` is where this machine finds the files of a shared workspace, if not where
        the catalog says. Raises `WorkspaceNotFound`, `WorkspaceVersion` (newer than this
        Interlock, or not a workspace), `WorkspaceCorrupt`, `StorageFailed`, `FolderMissing`,
        `StoreUnreachable`, `StoreRefused` and the errors of databases.
        """
        if is_address(place):
            return cls._open_shared(place, data)
        folder = Path(os.path.abspath(place))
        if not (folder / FILE_NAME).is_file():
            raise WorkspaceNotFound(f"no workspace in {place}", hint="`interlock init` makes one")
        catalog = cls(SQLite(folder / FILE_NAME), folder)
        with catalog._closed_on_error():
            if catalog._revision() != REVISION:
                catalog._migrate()
            catalog._load()
        return catalog

    @classmethod
    def _create_shared(cls, place: Place, data: Place | None) -> Self:
        catalog, given = cls._shared(place, data)
        with catalog._closed_on_error():
            if catalog._revision() is None:
                if given is None:
                    raise UsageError(
                        f"no workspace in {catalog.where} yet, and no place for its files",
                        hint="give a folder that every machine reaches, or s3://BUCKET/PREFIX: "
                        'interlock.open(…, data="/mnt/share/lake"), or interlock init --data-folder FOLDER',
                    )
                catalog._keep_in(given)
            catalog._migrate()
            catalog._load(given)
            if catalog.one_folder:
                durable.make_folder(catalog.folder / DATA)
        return catalog

    @classmethod
    def _open_shared(cls, place: Place, data: Place | None) -> Self:
        catalog, given = cls._shared(place, data)
        with catalog._closed_on_error():
            revision = catalog._revision()
            if revision is None:
                raise WorkspaceNotFound(
                    f"no workspace in {catalog.where}",
                    hint="`interlock init --data-folder FOLDER` makes one",
                )
            if revision != REVISION:
                catalog._migrate()
            catalog._load(given)
        return catalog

    @classmethod
    def _shared(cls, place: Place, data: Place | None) -> tuple[Self, Path | S3 | None]:
        from interlock.catalog import postgres  # imports much that a workspace in a folder does not need

        address = Address.of(os.fspath(place))
        given = data if data is not None else address.data
        return cls(postgres.Postgres(address), None), None if given is None else _place_of_files(given)

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def read(self, *, scratch: bool = False) -> Iterator[Reader]:
        """A consistent snapshot; what others commit meanwhile is not seen. ``scratch``: with temporary tables."""
        with self.database.transaction(write=False, scratch=scratch) as connection:
            yield Reader(self, connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Writer]:
        """A transaction that commits at the end of the block and rolls back on any error.

        Raises `WorkspaceBusy` when another writer doesn't let go in time, and
        `CommitUnknown` where a connection was lost at the commit and did not come back.
        """
        with self.database.transaction(write=True) as connection:
            writer = Writer(self, connection)
            yield writer
            _finish(writer)

    @contextlib.contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _revision(self) -> str | None:
        with self.database.transaction(write=False) as connection:
            return self._revision_in(connection)

    def _revision_in(self, connection: Connection) -> str | None:
        tables = self.database.relations(connection) & {VERSION_TABLE, "ducklake_metadata"}
        if not tables:
            return None
        if VERSION_TABLE not in tables:
            raise WorkspaceVersion(f"{self.where} is a DuckLake, but no Interlock workspace")
        return connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()

    def _migrate(self) -> None:
        self._check_revision(self._revision())
        with self.database.founding() as connection:
            migrations.upgrade(connection)
            if connection.execute(select(schema.workspace.c.key)).first() is None:
                _found(Writer(self, connection))

    def _check_revision(self, revision: str | None) -> None:
        if revision is not None and not (revision.isdecimal() and int(revision) <= int(REVISION)):
            raise WorkspaceVersion(
                f"{self.where} has catalog version {revision}; this Interlock knows up to {REVISION}",
                hint="upgrade Interlock",
            )

    def _keep_in(self, place: Path | S3) -> None:
        if isinstance(place, S3):
            self._files = place
        else:
            self._folder = place

    def _load(self, given: Path | S3 | None = None) -> None:
        with self.read() as rx:
            t = schema.workspace
            values = {row.key: row.value for row in rx.connection.execute(select(t.c.key, t.c.value))}
            self.id = values["id"]
            version, data_path = (_lake_setting(rx, key) for key in ("version", "data_path"))
        if version != DUCKLAKE_VERSION:
            raise WorkspaceVersion(
                f"{self.where} is DuckLake {version}; this Interlock writes {DUCKLAKE_VERSION}"
            )
        if "folder" in values:
            self._find(values["folder"], given)
        elif data_path != _data_path(self):
            self._follow_move()

    def _find(self, stored: str, given: Path | S3 | None) -> None:
        """The files of a shared workspace, ``given`` or as ``stored``, and the folder that goes with them."""
        if given is not None and isinstance(given, S3) != s3.is_s3(stored):
            raise UsageError(f"the files of this workspace are in {stored}", hint="leave out data=")
        if s3.is_s3(stored):
            files = given if isinstance(given, S3) else S3.of(stored)
            files.check(self.id)
            self._files, self._folder = files, home.of_machine(self.id)
        else:
            assert not isinstance(given, S3)
            self._folder = home.found(stored, given, self.id)

    def _follow_move(self) -> None:
        """The folder was moved or copied: tell other DuckLake readers where the data is now."""
        with contextlib.suppress(WorkspaceError), self.write() as tx:
            m = s.metadata
            moved = update(m).where(m.c.key == "data_path", m.c.scope.is_(None))
            tx.connection.execute(moved.values(value=_data_path(self)))


def inserted_id(result: CursorResult[Any]) -> int:
    """The integer primary key of the one row just inserted."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _lake_setting(rx: Reader, key: str) -> str | None:
    m = s.metadata
    return rx.connection.scalar(select(m.c.value).where(m.c.key == key, m.c.scope.is_(None)))


def _data_path(catalog: Catalog) -> str:
    return f"{catalog.files.place(DATA)}/"


def _place_of_files(given: Place) -> Path | S3:
    if is_address(given):
        return S3.of(os.fspath(given))
    return Path(os.path.abspath(given))


def _finish(writer: Writer) -> None:
    from interlock.catalog import outbox

    outbox.cite_rest(writer)


def _found(tx: Writer) -> None:
    """Snapshot 0 of an empty DuckLake, and the workspace's name."""
    facts = {"id": str(uuid.uuid4()), "created_at": tx.now.isoformat()}
    if not tx.catalog.local:
        files = tx.catalog.files
        facts["folder"] = files.where
        if isinstance(files, S3):
            files.claim(facts["id"])
        else:
            home.claim(tx.catalog.folder, facts["id"])
    run = tx.connection.execute
    run(insert(schema.workspace), [{"key": key, "value": value} for key, value in facts.items()])
    metadata = {
        "version": DUCKLAKE_VERSION,
        "created_by": "Interlock",
        "data_path": _data_path(tx.catalog),
        "encrypted": "false",
        # Rows written past the gate should be files like all others, not rows of the catalog.
        "data_inlining_row_limit": "0",
    }
    run(insert(s.metadata), [{"key": key, "value": value} for key, value in metadata.items()])
    first = {"snapshot_id": 0, "schema_version": 0, "next_catalog_id": 1, "next_file_id": 0}
    run(insert(s.snapshots).values(**first, snapshot_time=tx.now))
    run(insert(s.changes).values(snapshot_id=0, changes_made='created_schema:"main"'))
    main = {"schema_id": 0, "schema_name": "main", "path": "main/", "path_is_relative": True}
    run(insert(s.schemas).values(**main, schema_uuid=str(uuid.uuid4()), begin_snapshot=0))
    run(insert(schema.snapshots).values(snapshot_id=0, ours=1, seen_at=tx.now))
