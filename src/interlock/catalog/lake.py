"""Writing and reading DuckLake tables: our own writer of the 1.0 layout.

Every function works inside the caller's transaction. A stock DuckDB with the
``ducklake`` extension reads what is written here, now and as of any snapshot.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update

from interlock.catalog import lake_schema as s
from interlock.catalog import lake_stats, schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import DataFile
from interlock.catalog.types import Field, LakeType, fits, number, quoted, to_lake_type, widens
from interlock.errors import ColumnMissing, DataError, SchemaIncompatible, WorkspaceCorrupt

Columns = Sequence[tuple[str, str]]
"""Column names and DuckDB types, in order."""


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
class Evolution:
    """What a schema would change: new columns and wider types, in a table's field ids."""

    added: tuple[Field, ...] = ()
    retyped: tuple[Field, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.retyped)


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A data file as the catalog lists it. ``path`` is absolute."""

    id: int
    path: Path
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
        raise WorkspaceCorrupt(f"{rx.catalog.file} holds no snapshot")
    return Snapshot(*row)


def create_table(tx: Writer, name: str, columns: Columns, partition: str | None = None) -> int:
    """A new DuckLake table, partitioned by the values of a column; returns its table id.

    Raises `DataTypeUnsupported`, `ColumnMissing` for the partition column, and
    `DataError` where two column names differ only in case.
    """
    fields = _numbered(columns, 1)
    key = None if partition is None else _field(fields, partition)
    before = latest(tx)
    table_id = before.next_catalog_id
    now = _commit(
        tx,
        replace(before, next_catalog_id=table_id + (2 if key else 1)),
        f'created_table:"main".{quoted(name)}',
        altered=table_id,
    )
    folder = name if name.isascii() and name.isidentifier() else str(uuid.uuid4())
    tx.connection.execute(
        insert(s.tables).values(
            table_id=table_id,
            table_uuid=str(uuid.uuid4()),
            begin_snapshot=now,
            schema_id=0,
            table_name=name,
            path=f"{folder}/",
            path_is_relative=1,
        )
    )
    _insert_fields(tx, table_id, fields, now)
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


def columns(rx: Reader, table: str, snapshot: int | None = None) -> tuple[Field, ...]:
    """The table's columns in order, with the field ids its files must carry."""
    return _fields(rx, _table_id(rx, table, snapshot), snapshot)


def folder(rx: Reader, table: str) -> Path:
    """Where the table's files lie; paths given to `publish` are relative to it."""
    t = s.tables
    path = rx.connection.scalar(
        select(t.c.path).where(t.c.table_name == table, t.c.schema_id == 0, t.c.end_snapshot.is_(None))
    )
    if path is None:
        raise WorkspaceCorrupt(f"{rx.catalog.file} lists no DuckLake table {table!r}")
    return rx.catalog.data / "main" / str(path)


def plan(rx: Reader, table: str, new: Columns) -> Evolution:
    """What `evolve` would do for data of these columns; nothing is changed.

    New columns are added. A column that so far held nothing but NULL takes any
    type; integers and floats widen. Data narrower than its column is no change:
    it is cast when staged. `SchemaIncompatible` for the rest.
    """
    old = columns(rx, table)
    by_name = {f.name.casefold(): f for f in old}
    table_id = _table_id(rx, table)
    next_id = _next_column_id(rx, table_id)
    added: list[Field] = []
    retyped: list[Field] = []
    _refuse_alike(new)
    for name, duckdb_type in new:
        wanted = to_lake_type(duckdb_type)
        known = by_name.get(name.casefold())
        if known is None:
            added.append(number(name, wanted, next_id))
            next_id += sum(1 for _ in added[-1].all())
        elif widens(known.type, wanted):
            retyped.append(replace(known, type=wanted))
        elif not fits(wanted, known.type) and duckdb_type.strip('"').upper() != "NULL":
            if known.children or wanted.children or lake_stats.has_values(rx, table_id, known.id):
                column = f"column {name!r} of table {table!r} is {known.type.duckdb}"
                hint = f"cast it to {known.type.duckdb}"
                raise SchemaIncompatible(f"{column}, and {duckdb_type} in the new data", hint=hint)
            retyped.append(replace(known, type=wanted))
    return Evolution(tuple(added), tuple(retyped))


def evolve(tx: Writer, table: str, new: Columns) -> Evolution:
    """Add the columns and widen the types that data of these columns needs; see `plan`."""
    evolution = plan(tx, table, new)
    if not evolution:
        return evolution
    table_id = _table_id(tx, table)
    now = _commit(tx, latest(tx), f"altered_table:{table_id}", altered=table_id)
    ended = [f.id for f in evolution.retyped]
    t = s.columns
    if ended:
        tx.connection.execute(
            update(t)
            .where(t.c.table_id == table_id, t.c.column_id.in_(ended), t.c.end_snapshot.is_(None))
            .values(end_snapshot=now)
        )
        lake_stats.forget(tx, table_id, ended)
    _insert_fields(tx, table_id, (*evolution.added, *evolution.retyped), now)
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
    `folder`. Replaced files stay readable as of earlier snapshots.
    """
    table_id = _table_id(tx, table)
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


def files(rx: Reader, table: str, snapshot: int | None = None) -> list[LakeFile]:
    """The data files of a table, now or as of a snapshot, in the order they were added.

    Files alone are not the whole truth where another DuckLake writer deleted
    rows or keeps some in the catalog: `scan.query` reads those right.
    """
    table_id = _table_id(rx, table, snapshot)
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
        LakeFile(id_, base / path if relative else Path(path), count, size, begin)
        for id_, path, relative, count, size, begin in rows
    ]


def alive(table: Any, snapshot: int | None) -> Any:
    """The condition that a row counts as of a snapshot (None: now)."""
    if snapshot is None:
        return table.c.end_snapshot.is_(None)
    ended = or_(table.c.end_snapshot.is_(None), table.c.end_snapshot > snapshot)
    return and_(table.c.begin_snapshot <= snapshot, ended)


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
            snapshot_time=tx.now.strftime("%Y-%m-%d %H:%M:%S.%f+00"),
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
                "path_is_relative": 1,
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
    lake_stats.add_files(tx, table_id, ids, add, _fields(tx, table_id, None))


def _end_files(tx: Writer, table_id: int, ids: Sequence[int], now: int) -> None:
    t = s.data_files
    lake_stats.subtract_files(tx, table_id, ids)
    for start in range(0, len(ids), 500):
        some = list(ids[start : start + 500])
        mine = (t.c.table_id == table_id, t.c.data_file_id.in_(some), t.c.end_snapshot.is_(None))
        ended = tx.connection.execute(update(t).where(*mine).values(end_snapshot=now))
        if ended.rowcount != len(set(some)):
            raise WorkspaceCorrupt(
                f"of the data files {some} not all are current", hint="`interlock doctor` says more"
            )
        d = s.delete_files
        tx.connection.execute(
            update(d)
            .where(d.c.table_id == table_id, d.c.data_file_id.in_(some), d.c.end_snapshot.is_(None))
            .values(end_snapshot=now)
        )


def _table_id(rx: Reader, table: str, snapshot: int | None = None) -> int:
    t = s.tables
    found = rx.connection.scalar(
        select(t.c.table_id).where(t.c.table_name == table, t.c.schema_id == 0, alive(t, snapshot))
    )
    if found is None:
        when = "" if snapshot is None else f" as of snapshot {snapshot}"
        raise WorkspaceCorrupt(f"{rx.catalog.file} lists no DuckLake table {table!r}{when}")
    return int(found)


def _partition_id(rx: Reader, table_id: int) -> int | None:
    t = s.partition_info
    return rx.connection.scalar(
        select(t.c.partition_id).where(t.c.table_id == table_id, t.c.end_snapshot.is_(None))
    )


def _next_column_id(rx: Reader, table_id: int) -> int:
    t = s.columns
    return int(rx.connection.scalar(select(func.max(t.c.column_id)).where(t.c.table_id == table_id)) or 0) + 1


def _numbered(columns: Columns, first_id: int) -> tuple[Field, ...]:
    _refuse_alike(columns)
    fields: list[Field] = []
    for name, duckdb_type in columns:
        fields.append(number(name, to_lake_type(duckdb_type), first_id))
        first_id += sum(1 for _ in fields[-1].all())
    return tuple(fields)


def _refuse_alike(columns: Columns) -> None:
    seen: dict[str, str] = {}
    for name, _ in columns:
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            raise DataError(f"columns {other!r} and {name!r} differ only in case", hint="rename one of them")


def _field(fields: Sequence[Field], name: str) -> Field:
    for field in fields:
        if field.name == name:
            return field
    raise ColumnMissing(f"no column {name!r} to partition by")


def _insert_fields(tx: Writer, table_id: int, fields: Sequence[Field], now: int) -> None:
    rows: list[dict[str, Any]] = []

    def visit(field: Field, parent: int | None) -> None:
        rows.append(
            {
                "column_id": field.id,
                "begin_snapshot": now,
                "table_id": table_id,
                "column_order": field.id,
                "column_name": field.name,
                "column_type": field.type.name,
                "default_value": "NULL",
                "nulls_allowed": 1,
                "parent_column": parent,
                "default_value_type": "" if field.children else "literal",
                "default_value_dialect": "duckdb",
            }
        )
        for child in field.children:
            visit(child, field.id)

    for field in fields:
        visit(field, None)
    if rows:
        tx.connection.execute(insert(s.columns), rows)


def _fields(rx: Reader, table_id: int, snapshot: int | None) -> tuple[Field, ...]:
    t = s.columns
    rows = rx.connection.execute(
        select(t.c.column_id, t.c.column_name, t.c.column_type, t.c.parent_column)
        .where(t.c.table_id == table_id, alive(t, snapshot))
        .order_by(t.c.column_order, t.c.column_id)
    ).all()
    below: dict[int | None, list[Any]] = {}
    for row in rows:
        below.setdefault(row.parent_column, []).append(row)

    def build(row: Any) -> Field:
        children = tuple(build(child) for child in below.get(row.column_id, ()))
        kind = LakeType(row.column_type, tuple((child.name, child.type) for child in children))
        return Field(row.column_id, row.column_name, kind, children)

    return tuple(build(row) for row in below.get(None, ()))
