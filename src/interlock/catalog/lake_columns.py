"""Columns of DuckLake tables: their field ids, and how they may change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, func, insert, or_, select

from interlock.catalog import lake_schema as s
from interlock.catalog import lake_stats
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.types import Field, LakeType, fits, number, to_lake_type, widens
from interlock.errors import DataError, SchemaIncompatible, WorkspaceCorrupt

Columns = Sequence[tuple[str, str]]
"""Column names and DuckDB types, in order."""


@dataclass(frozen=True, slots=True)
class Evolution:
    """What a schema would change: new columns and wider types, in a table's field ids."""

    added: tuple[Field, ...] = ()
    retyped: tuple[Field, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.retyped)


def columns(rx: Reader, table: str, snapshot: int | None = None) -> tuple[Field, ...]:
    """The table's columns in order, with the field ids its files must carry."""
    return fields_of(rx, id_of(rx, table, snapshot), snapshot)


def plan(rx: Reader, table: str, new: Columns) -> Evolution:
    """What `evolve` would do for data of these columns; nothing is changed.

    New columns are added. A column that so far held nothing but NULL takes any
    type; integers and floats widen. Data narrower than its column is no change:
    it is cast when staged. `SchemaIncompatible` for the rest.
    """
    old = columns(rx, table)
    by_name = {f.name.casefold(): f for f in old}
    table_id = id_of(rx, table)
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


def alive(table: Any, snapshot: int | None) -> Any:
    """The condition that a row counts as of a snapshot (None: now)."""
    if snapshot is None:
        return table.c.end_snapshot.is_(None)
    ended = or_(table.c.end_snapshot.is_(None), table.c.end_snapshot > snapshot)
    return and_(table.c.begin_snapshot <= snapshot, ended)


def id_of(rx: Reader, table: str, snapshot: int | None = None) -> int:
    t = s.tables
    found = rx.connection.scalar(
        select(t.c.table_id).where(t.c.table_name == table, t.c.schema_id == 0, alive(t, snapshot))
    )
    if found is None:
        when = "" if snapshot is None else f" as of snapshot {snapshot}"
        raise WorkspaceCorrupt(f"{rx.catalog.where} lists no DuckLake table {table!r}{when}")
    return int(found)


def _next_column_id(rx: Reader, table_id: int) -> int:
    t = s.columns
    return int(rx.connection.scalar(select(func.max(t.c.column_id)).where(t.c.table_id == table_id)) or 0) + 1


def numbered(columns: Columns, first_id: int) -> tuple[Field, ...]:
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


def insert_fields(tx: Writer, table_id: int, fields: Sequence[Field], now: int) -> None:
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
                "nulls_allowed": True,
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


def fields_of(rx: Reader, table_id: int, snapshot: int | None) -> tuple[Field, ...]:
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
