"""Holds: what keeps versions from being deleted and purged, beside aliases and lineage."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from interlock.catalog.catalog import Reader, Writer, inserted_id
from interlock.catalog.vault import guards
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.guards import Guard
from interlock.catalog.vault.records import HoldKind, HoldRecord

_H = s.holds


def add(tx: Writer, name: str, version: int | None, kind: HoldKind, who: str, reason: str) -> HoldRecord:
    """A hold from now on."""
    values = {"name": name, "version": version, "who": who, "reason": reason, "at": tx.now}
    id_ = inserted_id(tx.connection.execute(insert(_H).values(kind=kind.value, **values)))
    guards.changed(tx, Guard.HOLD, str(id_))
    return HoldRecord(id_, name, version, kind, who, reason, tx.now)


def release(tx: Writer, id_: int, who: str) -> None:
    """A hold ends; its row stays."""
    ended = update(_H).where(_H.c.id == id_, _H.c.released_at.is_(None))
    tx.connection.execute(ended.values(released_at=tx.now, released_by=who))
    guards.changed(tx, Guard.HOLD, str(id_))


def get(rx: Reader, id_: int) -> HoldRecord | None:
    row = rx.connection.execute(select(_H).where(_H.c.id == id_)).first()
    return None if row is None else _record(row)


def list_(rx: Reader, *, released: bool = False) -> list[HoldRecord]:
    """Holds in the order they were made; those released too where asked for."""
    wanted = select(_H).order_by(_H.c.id)
    if not released:
        wanted = wanted.where(_H.c.released_at.is_(None))
    return [_record(row) for row in rx.connection.execute(wanted)]


def _record(row: Row[Any]) -> HoldRecord:
    values = dict(row._mapping)
    values["kind"] = HoldKind(values["kind"])
    return HoldRecord(**values)
