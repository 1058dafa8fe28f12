"""Aliases: ``ranker@champion`` stands for a version until it is moved."""

from __future__ import annotations

from sqlalchemy import delete, select

from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.records import AliasRecord


def put(tx: Writer, name: str, alias: str, version: int, who: str) -> None:
    """Let an alias stand for a version, whatever it stood for before."""
    values = {"version": version, "moved_at": tx.now, "who": who}
    row = tx.insert(s.aliases).values(name=name, alias=alias, **values)
    tx.connection.execute(row.on_conflict_do_update(index_elements=["name", "alias"], set_=values))


def remove(tx: Writer, name: str, alias: str) -> None:
    """The alias stands for nothing any more."""
    tx.connection.execute(delete(s.aliases).where(s.aliases.c.name == name, s.aliases.c.alias == alias))


def get(rx: Reader, name: str, alias: str) -> AliasRecord | None:
    a = s.aliases
    row = rx.connection.execute(select(a).where(a.c.name == name, a.c.alias == alias)).first()
    return None if row is None else AliasRecord(**row._mapping)


def list_(rx: Reader, name: str | None = None) -> list[AliasRecord]:
    """Aliases of a name, or all, by name and alias."""
    wanted = select(s.aliases).order_by(s.aliases.c.name, s.aliases.c.alias)
    if name is not None:
        wanted = wanted.where(s.aliases.c.name == name)
    return [AliasRecord(**row._mapping) for row in rx.connection.execute(wanted)]
