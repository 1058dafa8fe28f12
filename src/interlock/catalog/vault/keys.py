"""Second keys for approvals, as the catalog holds them."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update

from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import guards
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.guards import Guard
from interlock.catalog.vault.records import KeyRecord

_K = s.keys


def add(tx: Writer, name: str, salt: str, digest: str, who: str) -> None:
    """A key that counts from now on."""
    row = {"name": name, "salt": salt, "digest": digest, "who": who, "at": tx.now}
    tx.connection.execute(insert(_K).values(**row))
    guards.changed(tx, Guard.KEY, name)


def retire(tx: Writer, name: str) -> None:
    """A key counts no longer. Its row stays, so that no key after it is the first."""
    tx.connection.execute(update(_K).where(_K.c.name == name).values(retired_at=tx.now))
    guards.changed(tx, Guard.KEY, name)


def get(rx: Reader, name: str) -> KeyRecord | None:
    row = rx.connection.execute(select(_K).where(_K.c.name == name)).first()
    return None if row is None else KeyRecord(**row._mapping)


def list_(rx: Reader) -> list[KeyRecord]:
    """Every key there ever was, by name."""
    return [KeyRecord(**row._mapping) for row in rx.connection.execute(select(_K).order_by(_K.c.name))]


def count(rx: Reader) -> int:
    """How many keys there ever were."""
    return int(rx.connection.scalar(select(func.count()).select_from(_K)) or 0)
