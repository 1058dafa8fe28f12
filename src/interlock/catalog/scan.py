"""Reading a DuckLake table right, whoever wrote to it.

`query` gives the DuckDB statement that reads a table from plain Parquet, by
field id, without the ``ducklake`` extension. What stock writers may leave is
taken into account: delete files, rows and deletions kept in the catalog
("inlined"), files mapped by column name.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text

from interlock.catalog import lake
from interlock.catalog import lake_schema as s
from interlock.catalog.catalog import Reader
from interlock.catalog.lake_columns import alive, columns, fields_of, id_of
from interlock.catalog.types import Field, quoted
from interlock.errors import QueryFailed

_ROW = "file_row_number"
_SNAPSHOT = "_ducklake_internal_snapshot_id"


@dataclass(frozen=True, slots=True)
class _File:
    id: int
    path: str
    mapping_id: int | None
    delete_file: str | None
    deletes_partial: bool
    deleted_rows: tuple[int, ...]

    @property
    def simple(self) -> bool:
        """All its rows count, and it carries field ids."""
        return self.mapping_id is None and self.delete_file is None and not self.deleted_rows


def query(rx: Reader, table: str, snapshot: int | None = None, without: Collection[int] = frozenset()) -> str:
    """A DuckDB SELECT of all columns and rows of a table, now or as of a snapshot.

    Data files with an id in ``without`` are left out.

    Raises `QueryFailed` for what only the extension can read: encrypted files,
    deletion vectors, and files merged from several snapshots seen as of one of them.
    """
    fields = columns(rx, table, snapshot)
    table_id = id_of(rx, table, snapshot)
    files = [f for f in _files(rx, table, table_id, snapshot) if f.id not in without]
    simple = [f for f in files if f.simple]
    parts = [_plain(fields, [f.path for f in simple])] if simple else []
    parts += [_with_deletions(rx, fields, f, snapshot) for f in files if f not in simple]
    parts += list(_inlined(rx, table_id, fields, snapshot))
    return "\nUNION ALL BY NAME\n".join(parts) or _nothing(fields)


def plain(fields: Sequence[Field], places: Sequence[str]) -> str:
    """A DuckDB SELECT of these columns and all rows of Parquet files that carry their field ids."""
    return _plain(fields, places) if places else _nothing(fields)


def is_plain(rx: Reader, table: str) -> bool:
    """Whether a table is its data files: no row of them deleted, none in the catalog, no columns by name."""
    table_id = id_of(rx, table)
    files = _files(rx, table, table_id, None)
    inlined = _inlined(rx, table_id, columns(rx, table), None)
    return all(f.simple for f in files) and next(inlined, None) is None


def _files(rx: Reader, table: str, table_id: int, snapshot: int | None) -> list[_File]:
    base = lake.folder(rx, table)
    deletions = _delete_files(rx, base, table_id, snapshot)
    positions = _inlined_deletions(rx, table_id, snapshot)
    t = s.data_files
    wanted = (
        t.c.data_file_id,
        t.c.path,
        t.c.path_is_relative,
        t.c.mapping_id,
        t.c.encryption_key,
        t.c.partial_max,
    )
    order = (func.coalesce(t.c.file_order, t.c.data_file_id), t.c.data_file_id)
    rows = rx.connection.execute(
        select(*wanted).where(t.c.table_id == table_id, alive(t, snapshot)).order_by(*order)
    )
    found = []
    for id_, path, relative, mapping_id, key, partial_max in rows:
        place = lake.located(rx, base, path, relative)
        if key is not None:
            raise QueryFailed(f"{place} is encrypted; only the ducklake extension reads it")
        if partial_max is not None and snapshot is not None and snapshot < partial_max:
            raise QueryFailed(
                f"{place} was merged later; only the ducklake extension reads it as of {snapshot}"
            )
        delete_file, partial = deletions.get(id_, (None, False))
        found.append(_File(id_, place, mapping_id, delete_file, partial, positions.get(id_, ())))
    return found


def _delete_files(rx: Reader, base: str, table_id: int, snapshot: int | None) -> dict[int, tuple[str, bool]]:
    t = s.delete_files
    wanted = (
        t.c.data_file_id,
        t.c.path,
        t.c.path_is_relative,
        t.c.format,
        t.c.encryption_key,
        t.c.partial_max,
    )
    found: dict[int, tuple[str, bool]] = {}
    for id_, path, relative, kind, key, partial_max in rx.connection.execute(
        select(*wanted).where(t.c.table_id == table_id, alive(t, snapshot))
    ):
        place = lake.located(rx, base, path, relative)
        if key is not None or kind not in (None, "parquet"):
            raise QueryFailed(f"{place} ({kind}) can only be read by the ducklake extension")
        found[id_] = (place, partial_max is not None)
    return found


def _inlined_deletions(rx: Reader, table_id: int, snapshot: int | None) -> dict[int, tuple[int, ...]]:
    """Rows of files that are deleted by rows of the catalog: data file id → positions."""
    name = f"ducklake_inlined_delete_{table_id}"
    if name not in rx.relations():
        return {}
    where = "" if snapshot is None else f" WHERE begin_snapshot <= {snapshot:d}"
    found: dict[int, list[int]] = {}
    for file_id, row in rx.connection.exec_driver_sql(
        f"SELECT file_id, row_id FROM {name}{where} ORDER BY 1, 2"
    ):
        found.setdefault(file_id, []).append(row)
    return {file_id: tuple(rows) for file_id, rows in found.items()}


def _plain(fields: Sequence[Field], paths: Sequence[str], *, rows: bool = False) -> str:
    option = f", {_ROW} = true" if rows else ""
    return f"SELECT {_names(fields)} FROM read_parquet({_list(paths)}, schema = {_schema(fields)}{option})"


def _with_deletions(rx: Reader, fields: Sequence[Field], file: _File, snapshot: int | None) -> str:
    source = _plain(fields, [file.path], rows=True) if file.mapping_id is None else _by_name(rx, fields, file)
    gone = []
    if file.delete_file is not None:
        when = f" WHERE {_SNAPSHOT} <= {snapshot:d}" if file.deletes_partial and snapshot is not None else ""
        gone.append(f"SELECT pos FROM read_parquet({_list([file.delete_file])}){when}")
    if file.deleted_rows:
        gone.append(f"SELECT unnest([{', '.join(map(str, file.deleted_rows))}])")
    return source + (f" WHERE {_ROW} NOT IN ({' UNION ALL '.join(gone)})" if gone else "")


def _by_name(rx: Reader, fields: Sequence[Field], file: _File) -> str:
    """Files added without field ids carry a map from their column names."""
    t = s.name_mappings
    mapped = {
        field_id: (source, bool(hive))
        for source, field_id, hive in rx.connection.execute(
            select(t.c.source_name, t.c.target_field_id, t.c.is_partition).where(
                t.c.mapping_id == file.mapping_id, t.c.parent_column.is_(None)
            )
        )
    }
    items = []
    for field in fields:
        source = quoted(mapped[field.id][0]) if field.id in mapped else "NULL"
        items.append(f"CAST({source} AS {field.type.duckdb}) AS {quoted(field.name)}")
    hive = str(any(hive for _, hive in mapped.values())).lower()
    options = f"{_ROW} = true, hive_partitioning = {hive}"
    return f"SELECT {', '.join(items)} FROM read_parquet({_list([file.path])}, {options})"


def _inlined(rx: Reader, table_id: int, fields: Sequence[Field], snapshot: int | None) -> Iterator[str]:
    """Rows that live in the catalog, as literals."""
    t = s.inlined_tables
    tables = rx.connection.execute(
        select(t.c.table_name, t.c.schema_version)
        .where(t.c.table_id == table_id)
        .order_by(t.c.schema_version)
    ).all()
    for name, version in tables:
        names = _names_as_of(rx, table_id, version)
        wanted = [quoted(names[f.id]) if f.id in names else "NULL" for f in fields]
        counts = "end_snapshot IS NULL"
        if snapshot is not None:
            counts = (
                f"begin_snapshot <= {snapshot:d} AND (end_snapshot IS NULL OR end_snapshot > {snapshot:d})"
            )
        statement = f"SELECT {', '.join(wanted)} FROM {quoted(name)} WHERE {counts} ORDER BY row_id"
        for row in rx.connection.execute(text(statement.replace(":", "\\:"))):
            items = (
                f"CAST({_literal(value, field)} AS {field.type.duckdb}) AS {quoted(field.name)}"
                for value, field in zip(row, fields, strict=True)
            )
            yield f"SELECT {', '.join(items)}"


def _names_as_of(rx: Reader, table_id: int, schema_version: int) -> dict[int, str]:
    """Field id → name of the top columns when the schema had this version."""
    t = s.snapshots
    snapshot = rx.connection.scalar(
        select(t.c.snapshot_id).where(t.c.schema_version == schema_version).limit(1)
    )
    return {field.id: field.name for field in fields_of(rx, table_id, snapshot)}


def _literal(value: Any, field: Field) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        if field.type.name != "blob":  # PostgreSQL's text holds no NUL, so texts are bytes there
            return _quote(value.decode())
        return "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    return _quote(str(value))


def _schema(fields: Sequence[Field]) -> str:
    entries = (
        f"{f.id}: {{name: {_quote(f.name)}, type: {_quote(f.type.duckdb)}, default_value: NULL}}"
        for f in fields
    )
    return f"MAP {{{', '.join(entries)}}}"


def _nothing(fields: Sequence[Field]) -> str:
    items = ", ".join(f"CAST(NULL AS {f.type.duckdb}) AS {quoted(f.name)}" for f in fields)
    return f"SELECT {items} WHERE false"


def _names(fields: Sequence[Field]) -> str:
    return ", ".join(quoted(f.name) for f in fields)


def _list(paths: Sequence[str]) -> str:
    return f"[{', '.join(map(_quote, paths))}]"


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
