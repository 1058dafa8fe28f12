"""Tables of a workspace."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import Mode, TableRecord
from interlock.errors import TableConflict, TableNotFound, nearest


def put(tx: Writer, record: TableRecord) -> None:
    """Store a table, replacing what was known of it.

    `TableConflict` where another table's name differs only in case: DuckDB,
    which reads the same catalog, does not tell them apart.
    """
    t = schema.tables
    folded = record.name.encode().lower().decode()  # letters of ASCII alone, as DuckDB folds them
    alike = select(t.c.name).where(func.lower(t.c.name) == folded, t.c.name != record.name)
    if (other := tx.connection.scalar(alike)) is not None:
        raise TableConflict(f"table {other!r} exists already", hint="table names differ in more than case")
    values = {
        "name": record.name,
        "mode": record.mode.value,
        "partition": record.partition,
        "key": list(record.key),
        "location": record.location,
        "settings": dict(record.settings),
        "created_at": record.created_at,
        "lake_table_id": record.lake_table_id,
    }
    statement = tx.insert(t).values(values)
    changed = {name: value for name, value in values.items() if name != "name"}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


def find(rx: Reader, name: str) -> TableRecord | None:
    """The table, or None."""
    row = rx.connection.execute(select(schema.tables).where(schema.tables.c.name == name)).first()
    return None if row is None else _record(row)


def get(rx: Reader, name: str) -> TableRecord:
    """The table; `TableNotFound`, with the nearest name, where there is none."""
    if (record := find(rx, name)) is not None:
        return record
    known = [record.name for record in list_(rx)]
    raise TableNotFound(
        f"no table {name!r}", hint=nearest(name, known) or ("tables: " + ", ".join(known) if known else None)
    )


def list_(rx: Reader) -> list[TableRecord]:
    """All tables by name."""
    return [
        _record(row) for row in rx.connection.execute(select(schema.tables).order_by(schema.tables.c.name))
    ]


def _record(row: Row[Any]) -> TableRecord:
    m = row._mapping
    return TableRecord(
        name=m["name"],
        mode=Mode(m["mode"]),
        partition=m["partition"],
        key=tuple(m["key"]),
        location=m["location"],
        settings=m["settings"],
        created_at=m["created_at"],
        lake_table_id=m["lake_table_id"],
    )
