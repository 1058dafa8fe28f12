"""Constraint documents of a table, and which learned ones block (enforcement)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, func, select

from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer

EVERY = "*"


def put(tx: Writer, table: str, document: Mapping[str, Any]) -> None:
    """Store a constraint by its ``name``; a known name keeps its place in the order."""
    t = schema.constraints
    place = tx.connection.scalar(
        select(func.coalesce(func.max(t.c.position), 0) + 1).where(t.c.table_name == table)
    )
    statement = tx.insert(t).values(
        table_name=table, name=document["name"], position=place, document=dict(document)
    )
    replaced = {"document": statement.excluded.document}
    tx.connection.execute(
        statement.on_conflict_do_update(index_elements=["table_name", "name"], set_=replaced)
    )


def remove(tx: Writer, table: str, name: str) -> bool:
    """Forget a constraint; False where there was none of that name."""
    t = schema.constraints
    result = tx.connection.execute(delete(t).where(t.c.table_name == table, t.c.name == name))
    return result.rowcount > 0


def list_(rx: Reader, table: str) -> list[dict[str, Any]]:
    """The documents of a table's constraints, in the order they were first put."""
    t = schema.constraints
    statement = select(t.c.document).where(t.c.table_name == table).order_by(t.c.position)
    return list(rx.connection.scalars(statement))


def enforce(tx: Writer, table: str, names: Iterable[str] = (EVERY,)) -> None:
    """Let these learned constraints block; ``"*"`` is all of them, later ones too."""
    rows = [{"table_name": table, "name": name} for name in names]
    if rows:
        tx.connection.execute(tx.insert(schema.enforcements).on_conflict_do_nothing(), rows)


def shadow(tx: Writer, table: str, names: Iterable[str] | None = None) -> None:
    """Take enforcement back, for these names or altogether."""
    t = schema.enforcements
    statement = delete(t).where(t.c.table_name == table)
    tx.connection.execute(statement if names is None else statement.where(t.c.name.in_(list(names))))


def enforced(rx: Reader, table: str) -> frozenset[str]:
    """Names that block, ``"*"`` among them where all do."""
    t = schema.enforcements
    return frozenset(rx.connection.scalars(select(t.c.name).where(t.c.table_name == table)))
