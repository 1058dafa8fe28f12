"""Aliases: ``ranker@champion`` stands for a version until it is moved."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select

from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import guards
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.guards import Guard
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.records import AliasRecord


def put(tx: Writer, name: str, alias: str, version: int, who: str) -> None:
    """Let an alias stand for a version, whatever it stood for before."""
    put_all(tx, [(name, alias, version)], who)


def put_all(tx: Writer, wanted: Iterable[tuple[str, str, int]], who: str) -> None:
    """Let aliases (name, alias, version) stand for these versions, whatever they stood for before."""
    made = tx.insert(s.aliases)
    newer = {key: made.excluded[key] for key in ("version", "moved_at", "who")}
    statement = made.on_conflict_do_update(index_elements=["name", "alias"], set_=newer)
    for some in parts(wanted):
        rows = [{"name": n, "alias": a, "version": v, "moved_at": tx.now, "who": who} for n, a, v in some]
        tx.connection.execute(statement, rows)
        guards.changed(tx, Guard.ALIAS, *(f"{n}@{a}" for n, a, _ in some))


def remove(tx: Writer, name: str, alias: str) -> None:
    """The alias stands for nothing any more."""
    remove_all(tx, [(name, alias)])


def remove_all(tx: Writer, wanted: Iterable[tuple[str, str]]) -> None:
    """These aliases (name, alias) stand for nothing any more."""
    a = s.aliases.c
    statement = delete(s.aliases).where(a.name == bindparam("of_name"), a.alias == bindparam("of_alias"))
    for some in parts(wanted):
        tx.connection.execute(statement, [{"of_name": name, "of_alias": alias} for name, alias in some])
        guards.changed(tx, Guard.ALIAS, *(f"{name}@{alias}" for name, alias in some))


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
