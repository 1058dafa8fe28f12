"""Copies: which bytes under which key are ours in each store, and when they were last read and found right.

The copies of a store are what should be in it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, delete, exists, func, or_, select, update

from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.objects import DELETING
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.records import READABLE

_C, _O, _V = s.copies, s.objects, s.versions
_READABLE = _V.c.state.in_([state.value for state in READABLE])


@dataclass(frozen=True, slots=True)
class Copy:
    """``version`` is as `Held.version`; ``size_bytes`` is None for a manifest, whose size nobody noted."""

    store: str
    key: str
    version: str
    locked_until: dt.datetime | None = None
    verified_at: dt.datetime | None = None
    size_bytes: int | None = None


# --- what is to be read again -------------------------------------------------------------


def due(rx: Reader, store: str, before: dt.datetime, after: str, limit: int) -> list[Copy]:
    """Copies not found right since ``before``, by key, from the one ``after`` on."""
    wanted = _rows().where(_of(store), _unverified(before), _C.c.key > after).order_by(_C.c.key).limit(limit)
    return [_copy(row) for row in rx.connection.execute(wanted)]


def count_due(rx: Reader, store: str, before: dt.datetime) -> tuple[int, int]:
    """How many `due` gives in all, and their bytes."""
    size = func.coalesce(func.sum(_O.c.size_bytes), 0)
    wanted = select(func.count(), size).select_from(_C.outerjoin(_O, _O.c.key == _C.c.key))
    count, size_bytes = rx.connection.execute(wanted.where(_of(store), _unverified(before))).one()
    return int(count), int(size_bytes)


def standing(rx: Reader, store: str) -> tuple[int, int, int, dt.datetime | None]:
    """Copies of a store and their bytes; how many were never found right, and since when all others were."""
    never = func.coalesce(func.sum(case((_C.c.verified_at.is_(None), 1), else_=0)), 0)
    size = func.coalesce(func.sum(_O.c.size_bytes), 0)
    wanted = select(func.count(), size, never, func.min(_C.c.verified_at))
    found = wanted.select_from(_C.outerjoin(_O, _O.c.key == _C.c.key)).where(_of(store))
    count, size_bytes, unread, since = rx.connection.execute(found).one()
    return int(count), int(size_bytes), int(unread), since


def one(rx: Reader, store: str, key: str) -> Copy | None:
    """The copy of a key in a store, unless it is being removed."""
    stays = or_(_O.c.state.is_(None), _O.c.state != DELETING)
    row = rx.connection.execute(_rows().where(_of(store), _C.c.key == key, stays)).first()
    return None if row is None else _copy(row)


def verified(tx: Writer, some: Iterable[Copy], at: dt.datetime) -> None:
    """These were found right at that moment, unless other bytes were pinned meanwhile."""
    mine = and_(_of(bindparam("of")), _C.c.key == bindparam("at_key"), _C.c.version == bindparam("pin"))
    rows = [{"of": c.store, "at_key": c.key, "pin": c.version, "now": at} for c in some]
    if rows:
        tx.connection.execute(update(_C).where(mine).values(verified_at=bindparam("now")), rows)


def moved(tx: Writer, copy: Copy, version: str, locked_until: dt.datetime | None) -> None:
    """Where ``copy`` was other bytes are pinned now, or locked for another time; they were found right."""
    values = {"version": version, "locked_until": locked_until, "verified_at": tx.now}
    tx.connection.execute(update(_C).where(_is(copy)).values(**values))


def damaged(tx: Writer, store: str, keys: Iterable[str]) -> None:
    """These are not right: the next scrub begins with them, also one that goes on where another stopped."""
    for some in parts(keys):
        tx.connection.execute(update(_C).where(_of(store), _C.c.key.in_(some)).values(verified_at=None))


# --- what is where ------------------------------------------------------------------------


def pins(rx: Reader, key: str) -> dict[str, str]:
    """The version of an object that is ours, by store."""
    rows = rx.connection.execute(select(_C.c.store, _C.c.version).where(_C.c.key == key))
    return {row.store: row.version for row in rows}


def pinned(rx: Reader, store: str, keys: Iterable[str]) -> dict[str, str]:
    """Those of ``keys`` that should be in a store, and the version of each that is ours."""
    found: dict[str, str] = {}
    for some in parts(keys):
        rows = select(_C.c.key, _C.c.version).where(_of(store), _C.c.key.in_(some))
        found |= {row.key: row.version for row in rx.connection.execute(rows)}
    return found


def sizes(rx: Reader, keys: Iterable[str]) -> dict[str, int]:
    """The bytes of those of ``keys`` that were put."""
    found: dict[str, int] = {}
    for some in parts(keys):
        rows = select(_O.c.key, _O.c.size_bytes).where(_O.c.key.in_(some))
        found |= {row.key: row.size_bytes for row in rx.connection.execute(rows)}
    return found


def known(rx: Reader, keys: Iterable[str]) -> set[str]:
    """Those of ``keys`` that were put, or are being put."""
    found: set[str] = set()
    for some in parts(keys):
        found.update(rx.connection.scalars(select(_O.c.key).where(_O.c.key.in_(some))))
    return found


def needing(rx: Reader, key: str, limit: int) -> list[str]:
    """Versions that need an object and can be read, as ``ranker@v41``; at most so many."""
    wanted = (
        select(_V.c.name, _V.c.version)
        .join(s.uses, s.uses.c.version_id == _V.c.id)
        .where(s.uses.c.key == key, _READABLE)
        .order_by(_V.c.name, _V.c.version)
        .limit(limit)
    )
    return [f"{row.name}@v{row.version}" for row in rx.connection.execute(wanted)]


def holding(rx: Reader, manifest: str) -> str | None:
    """A version whose manifest has this SHA-256."""
    row = rx.connection.execute(select(_V.c.name, _V.c.version).where(_V.c.manifest == manifest)).first()
    return None if row is None else f"{row.name}@v{row.version}"


def digests(rx: Reader, of: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The SHA-256 of the manifests of these versions, (name, number), as far as they can be read."""
    wanted = set(of)
    found: dict[tuple[str, int], str] = {}
    for some in parts({name for name, _ in wanted}):
        rows = select(_V.c.name, _V.c.version, _V.c.manifest).where(_V.c.name.in_(some), _READABLE)
        for row in rx.connection.execute(rows):
            if (row.name, row.version) in wanted:
                found[row.name, row.version] = row.manifest
    return found


def need(tx: Writer, version_id: int, keys: Iterable[str]) -> None:
    """A version needs these objects too."""
    for some in parts(keys):
        rows = [{"version_id": version_id, "key": key} for key in some]
        tx.connection.execute(tx.insert(s.uses).on_conflict_do_nothing(), rows)


def forget(tx: Writer, store: str) -> None:
    """Nothing is pinned in a store of this name any more."""
    tx.connection.execute(delete(_C).where(_of(store)))


# --- locks --------------------------------------------------------------------------------


def to_renew(
    rx: Reader, store: str, manifests: str, before: dt.datetime, after: str, limit: int
) -> list[Copy]:
    """Copies locked no longer than ``before`` that a version needs which can be read, by key, from ``after`` on.

    All manifests, whose keys begin with ``manifests``, are among them: `digests` tells whose version is gone.
    """
    used = exists().where(s.uses.c.key == _C.c.key, s.uses.c.version_id == _V.c.id, _READABLE)
    short = or_(_C.c.locked_until.is_(None), _C.c.locked_until < before)
    manifest = _C.c.key.startswith(manifests, autoescape=True)
    wanted = _rows().where(_of(store), short, or_(used, manifest), _C.c.key > after)
    return [_copy(row) for row in rx.connection.execute(wanted.order_by(_C.c.key).limit(limit))]


def locked(tx: Writer, copy: Copy, until: dt.datetime | None) -> None:
    """A copy is locked until then, as the store itself says."""
    tx.connection.execute(update(_C).where(_is(copy)).values(locked_until=until))


# --- what a scrub remembers ---------------------------------------------------------------


def memo(rx: Reader, name: str) -> dict[str, Any]:
    """A small document kept under this name; empty where there is none."""
    t = schema.workspace
    return dict(json.loads(rx.connection.scalar(select(t.c.value).where(t.c.key == name)) or "{}"))


def set_memo(tx: Writer, name: str, document: dict[str, Any]) -> None:
    """Keep a small document under this name, whatever was there."""
    value = json.dumps(document)
    row = tx.insert(schema.workspace).values(key=name, value=value)
    tx.connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def _of(store: str | ColumnElement[str]) -> ColumnElement[bool]:
    return _C.c.store.op("=", is_comparison=True)(store)


def _is(copy: Copy) -> ColumnElement[bool]:
    return and_(_of(copy.store), _C.c.key == copy.key, _C.c.version == copy.version)


def _unverified(before: dt.datetime) -> ColumnElement[bool]:
    return or_(_C.c.verified_at.is_(None), _C.c.verified_at < before)


def _rows() -> Any:
    return select(_C, _O.c.size_bytes).outerjoin(_O, _O.c.key == _C.c.key)


def _copy(row: Row[Any]) -> Copy:
    return Copy(**row._mapping)
