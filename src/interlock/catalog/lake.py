"""Writing and reading DuckLake tables: our own writer of the 1.0 layout.

Every function works inside the caller's transaction. A stock DuckDB with the
``ducklake`` extension reads what is written here, now and as of any snapshot.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from sqlalchemy import delete, func, insert, select, update

from interlock.catalog import lake_schema as s
from interlock.catalog import lake_stats, schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.files import DATA
from interlock.catalog.lake_columns import (
    Columns,
    Evolution,
    alive,
    columns,
    fields_of,
    id_of,
    insert_fields,
    numbered,
    plan,
)
from interlock.catalog.records import DataFile
from interlock.catalog.types import Field, quoted
from interlock.errors import ColumnMissing, WorkspaceCorrupt

_MAIN = PurePosixPath(DATA) / "main"

__all__ = [
    "Columns",
    "Evolution",
    "LakeFile",
    "Published",
    "Snapshot",
    "columns",
    "create_table",
    "every_place",
    "evolve",
    "files",
    "folder",
    "latest",
    "listed",
    "located",
    "new_folder",
    "partition_files",
    "plan",
    "publish",
    "rewrite",
]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest commit of the lake, and the next free numbers."""

    id: int
    schema_version: int
    next_catalog_id: int
    next_file_id: int


@dataclass(frozen=True, slots=True)
class Published:
    """What `publish` made: the snapshot, and the file ids in the order the files were given."""

    snapshot_id: int
    data_file_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A data file as the catalog lists it. ``place`` is where DuckDB reads it."""

    id: int
    place: str
    rows: int
    size_bytes: int
    begin_snapshot: int


def latest(rx: Reader) -> Snapshot:
    """The newest snapshot."""
    t = s.snapshots
    row = rx.connection.execute(
        select(t.c.snapshot_id, t.c.schema_version, t.c.next_catalog_id, t.c.next_file_id)
        .order_by(t.c.snapshot_id.desc())
        .limit(1)
    ).first()
    if row is None:
        raise WorkspaceCorrupt(f"{rx.catalog.where} holds no snapshot")
    return Snapshot(*row)


def create_table(
    tx: Writer, name: str, columns: Columns, partition: str | None = None, folder: str | None = None
) -> int:
    """A new DuckLake table, partitioned by the values of a column; returns its table id.

    ``folder`` is where its files lie, or will, as `new_folder` gives it. Raises
    `DataTypeUnsupported`, `ColumnMissing` for the partition column, and `DataError`
    where two column names differ only in case.
    """
    fields = numbered(columns, 1)
    key = None if partition is None else _field(fields, partition)
    before = latest(tx)
    table_id = before.next_catalog_id
    now = _commit(
        tx,
        replace(before, next_catalog_id=table_id + (2 if key else 1)),
        f'created_table:"main".{quoted(name)}',
        altered=table_id,
    )
    path = PurePosixPath(folder or new_folder(name)).relative_to(_MAIN)
    tx.connection.execute(
        insert(s.tables).values(
            table_id=table_id,
            table_uuid=str(uuid.uuid4()),
            begin_snapshot=now,
            schema_id=0,
            table_name=name,
            path=f"{path}/",
            path_is_relative=True,
        )
    )
    insert_fields(tx, table_id, fields, now)
    if key is not None:
        partition_id = table_id + 1
        tx.connection.execute(
            insert(s.partition_info).values(partition_id=partition_id, table_id=table_id, begin_snapshot=now)
        )
        tx.connection.execute(
            insert(s.partition_columns).values(
                partition_id=partition_id,
                table_id=table_id,
                partition_key_index=0,
                column_id=key.id,
                transform="identity",
            )
        )
    return table_id


def new_folder(name: str) -> str:
    """Where the files of a new table shall lie; see `folder`."""
    own = name if name.isascii() and name.isidentifier() else str(uuid.uuid4())
    return f"{_MAIN}/{own}"


def folder(rx: Reader, table: str) -> str:
    """Where among the workspace's files the table's lie; paths given to `publish` are relative to it."""
    t = s.tables
    path = rx.connection.scalar(
        select(t.c.path).where(t.c.table_name == table, t.c.schema_id == 0, t.c.end_snapshot.is_(None))
    )
    if path is None:
        raise WorkspaceCorrupt(f"{rx.catalog.where} lists no DuckLake table {table!r}")
    return _folder(path)


def _folder(path: str) -> str:
    return str(_MAIN / PurePosixPath(path))


def located(rx: Reader, folder: str | None, path: str, relative: bool) -> str:
    """Where DuckDB reads a file that the lake lists with this path."""
    return rx.catalog.files.place(f"{folder}/{path}" if relative and folder is not None else path)


def evolve(tx: Writer, table: str, new: Columns) -> Evolution:
    """Add the columns and widen the types that data of these columns needs; see `plan`."""
    evolution = plan(tx, table, new)
    if not evolution:
        return evolution
    table_id = id_of(tx, table)
    now = _commit(tx, latest(tx), f"altered_table:{table_id}", altered=table_id)
    ended = [f.id for f in evolution.retyped]
    t = s.columns
    if ended:
        tx.connection.execute(
            update(t)
            .where(t.c.table_id == table_id, t.c.column_id.in_(ended), t.c.end_snapshot.is_(None))
            .values(end_snapshot=now)
        )
        lake_stats.retype(tx, table_id, evolution.retyped)
    insert_fields(tx, table_id, (*evolution.added, *evolution.retyped), now)
    lake_stats.admit_null(tx, table_id, [leaf.id for f in evolution.added for leaf in f.leaves()])
    return evolution


def publish(
    tx: Writer,
    table: str,
    add: Sequence[DataFile] = (),
    replace: Sequence[int] = (),
    author: str | None = None,
    message: str | None = None,
) -> Published:
    """One snapshot in which files appear and others (by data file id) disappear.

    The files must be durable, carry the field ids of `columns`, and lie under
    `folder`. Replaced files stay readable as of earlier snapshots. One that
    somebody else already ended is no error: it is gone either way.
    """
    table_id = id_of(tx, table)
    before = latest(tx)
    after = _Snapshot(
        before.id, before.schema_version, before.next_catalog_id, before.next_file_id + len(add)
    )
    made = [f"inserted_into_table:{table_id}"] * bool(add) + [f"deleted_from_table:{table_id}"] * bool(
        replace
    )
    now = _commit(tx, after, ",".join(made) or None, author=author, message=message)
    ids = tuple(range(before.next_file_id, after.next_file_id))
    if replace:
        _end_files(tx, table_id, replace, now)
    if add:
        _insert_files(tx, table_id, ids, add, now)
    return Published(now, ids)


_Snapshot = Snapshot


def listed(rx: Reader, table: str, ids: Sequence[int]) -> set[int]:
    """Those of these data files, by id, that some snapshot of the table lists."""
    t = s.data_files
    mine = (t.c.table_id == id_of(rx, table), t.c.data_file_id.in_(list(ids)))
    return set(rx.connection.scalars(select(t.c.data_file_id).where(*mine)))


def rewrite(tx: Writer, table: str, by: Mapping[int, DataFile], message: str) -> int:
    """Let other files stand for data files, by id, in every snapshot that lists those; returns a new one's id.

    For rows that must be gone from the past as well: nothing but this changes what a snapshot
    holds. A file that others deleted rows of is no longer listed at all where it had ended:
    its successor's rows lie elsewhere.
    """
    table_id = id_of(tx, table)
    before = latest(tx)
    after = _Snapshot(before.id, before.schema_version, before.next_catalog_id, before.next_file_id)
    now = _commit(tx, after, None, author="interlock", message=message)
    t, d = s.data_files, s.delete_files
    leaves = [leaf for field in fields_of(tx, table_id, None) for leaf in field.leaves()]
    for id_, file in by.items():
        lake_stats.replace_file(tx, table_id, id_, file, leaves)
        values = {"path": file.path, "record_count": file.rows, "file_size_bytes": file.size_bytes}
        values["footer_size"] = file.footer_size
        mine = (t.c.table_id == table_id, t.c.data_file_id == id_)
        tx.connection.execute(update(t).where(*mine).values(**values))
        theirs = (d.c.table_id == table_id, d.c.data_file_id == id_)
        if tx.connection.execute(delete(d).where(*theirs)).rowcount:
            tx.connection.execute(delete(t).where(*mine, t.c.end_snapshot.is_not(None)))
    lake_stats.narrow(tx, table_id, leaves)
    return now


def files(rx: Reader, table: str, snapshot: int | None = None) -> list[LakeFile]:
    """The data files of a table, now or as of a snapshot, in the order they were added.

    Files alone are not the whole truth where another DuckLake writer deleted
    rows or keeps some in the catalog: `scan.query` reads those right.
    """
    table_id = id_of(rx, table, snapshot)
    t = s.data_files
    rows = rx.connection.execute(
        select(
            t.c.data_file_id,
            t.c.path,
            t.c.path_is_relative,
            t.c.record_count,
            t.c.file_size_bytes,
            t.c.begin_snapshot,
        )
        .where(t.c.table_id == table_id, alive(t, snapshot))
        .order_by(func.coalesce(t.c.file_order, t.c.data_file_id), t.c.data_file_id)
    )
    base = folder(rx, table)
    return [
        LakeFile(id_, located(rx, base, path, relative), count, size, begin)
        for id_, path, relative, count, size, begin in rows
    ]


def every_place(rx: Reader) -> set[str]:
    """Where DuckDB reads every file some snapshot lists, of any table that ever was, by whoever it was written."""
    t = s.tables
    folders = {
        row.table_id: _folder(row.path) for row in rx.connection.execute(select(t.c.table_id, t.c.path))
    }
    found = set()
    for f in (s.data_files, s.delete_files):
        for table_id, path, relative in rx.connection.execute(
            select(f.c.table_id, f.c.path, f.c.path_is_relative)
        ):
            found.add(located(rx, folders.get(table_id), path, relative))
    return found


def partition_files(rx: Reader, table: str, value: object) -> list[int]:
    """Ids of the current files of one partition value, also those written past the gate."""
    table_id = id_of(rx, table)
    f, v = s.data_files, s.partition_values
    wanted = lake_stats.text_of(value)
    same = v.c.partition_value.is_(None) if wanted is None else v.c.partition_value == wanted
    return list(
        rx.connection.scalars(
            select(f.c.data_file_id)
            .join(v, v.c.data_file_id == f.c.data_file_id)
            .where(f.c.table_id == table_id, f.c.end_snapshot.is_(None), same)
            .order_by(f.c.data_file_id)
        )
    )


def _commit(
    tx: Writer,
    after: Snapshot,
    changes: str | None,
    *,
    altered: int | None = None,
    author: str | None = None,
    message: str | None = None,
) -> int:
    """Insert the snapshot that follows ``after.id``; ``altered`` names a table whose schema changes."""
    now = after.id + 1
    version = after.schema_version + (1 if altered is not None else 0)
    tx.connection.execute(
        insert(s.snapshots).values(
            snapshot_id=now,
            snapshot_time=tx.now,
            schema_version=version,
            next_catalog_id=after.next_catalog_id,
            next_file_id=after.next_file_id,
        )
    )
    tx.connection.execute(
        insert(s.changes).values(snapshot_id=now, changes_made=changes, author=author, commit_message=message)
    )
    tx.connection.execute(insert(schema.snapshots).values(snapshot_id=now, ours=1, seen_at=tx.now))
    if altered is not None:
        tx.connection.execute(
            insert(s.schema_versions).values(begin_snapshot=now, schema_version=version, table_id=altered)
        )
    return now


def _insert_files(tx: Writer, table_id: int, ids: Sequence[int], add: Sequence[DataFile], now: int) -> None:
    partition_id = _partition_id(tx, table_id)
    row_id = lake_stats.take_row_ids(tx, table_id, add)
    rows = []
    for file_id, file in zip(ids, add, strict=True):
        rows.append(
            {
                "data_file_id": file_id,
                "table_id": table_id,
                "begin_snapshot": now,
                "path": file.path,
                "path_is_relative": True,
                "file_format": "parquet",
                "record_count": file.rows,
                "file_size_bytes": file.size_bytes,
                "footer_size": file.footer_size,
                "row_id_start": row_id,
                "partition_id": partition_id,
            }
        )
        row_id += file.rows
    tx.connection.execute(insert(s.data_files), rows)
    if partition_id is not None:
        values = [
            {
                "data_file_id": file_id,
                "table_id": table_id,
                "partition_key_index": 0,
                "partition_value": lake_stats.text_of(file.partition_value),
            }
            for file_id, file in zip(ids, add, strict=True)
        ]
        tx.connection.execute(insert(s.partition_values), values)
    lake_stats.add_files(tx, table_id, ids, add, fields_of(tx, table_id, None))


def _end_files(tx: Writer, table_id: int, ids: Sequence[int], now: int) -> None:
    t = s.data_files
    lake_stats.subtract_files(tx, table_id, ids)
    for start in range(0, len(ids), 500):
        some = list(ids[start : start + 500])
        mine = (t.c.table_id == table_id, t.c.data_file_id.in_(some), t.c.end_snapshot.is_(None))
        tx.connection.execute(update(t).where(*mine).values(end_snapshot=now))
        d = s.delete_files
        tx.connection.execute(
            update(d)
            .where(d.c.table_id == table_id, d.c.data_file_id.in_(some), d.c.end_snapshot.is_(None))
            .values(end_snapshot=now)
        )


def _partition_id(rx: Reader, table_id: int) -> int | None:
    t = s.partition_info
    return rx.connection.scalar(
        select(t.c.partition_id).where(t.c.table_id == table_id, t.c.end_snapshot.is_(None))
    )


def _field(fields: Sequence[Field], name: str) -> Field:
    for field in fields:
        if field.name == name:
            return field
    raise ColumnMissing(f"no column {name!r} to partition by")
