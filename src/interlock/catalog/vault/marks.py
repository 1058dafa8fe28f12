"""What the collector asks and notes of objects: which nothing needs, since when, and which are going.

An object is needed where a version uses it, or a lease covers it; a manifest where its version was not purged.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update

from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.objects import DELETING, HELD
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.records import VersionState

_O, _C = s.objects, s.copies


@dataclass(frozen=True, slots=True)
class Copy:
    """The bytes under a key in the store of this name that are ours."""

    store: str
    key: str
    version: str
    locked_until: dt.datetime | None


def unneeded(rx: Reader, now: dt.datetime, manifests: str) -> list[str]:
    """Keys of objects that are held and that nothing needs, but for manifests (keys that begin so)."""
    wanted = select(_O.c.key).where(_O.c.state == HELD, ~_O.c.key.startswith(manifests, autoescape=True))
    return list(rx.connection.scalars(wanted.where(_free(now)).order_by(_O.c.key)))


def free_of(rx: Reader, keys: Iterable[str], now: dt.datetime) -> set[str]:
    """Those of ``keys`` that are held, and that no version uses and no lease covers."""
    found: set[str] = set()
    for some in parts(keys):
        found.update(
            rx.connection.scalars(select(_O.c.key).where(_O.c.key.in_(some), _O.c.state == HELD, _free(now)))
        )
    return found


def marked(rx: Reader, before: dt.datetime | None = None) -> list[str]:
    """Keys marked as not needed; those marked at ``before`` or earlier."""
    wanted = select(_O.c.key).where(_O.c.state == HELD, _O.c.marked_at.is_not(None)).order_by(_O.c.key)
    if before is not None:
        wanted = wanted.where(_O.c.marked_at <= before)
    return list(rx.connection.scalars(wanted))


def marked_of(rx: Reader, keys: Iterable[str]) -> set[str]:
    """Those of ``keys`` that are marked."""
    found: set[str] = set()
    for some in parts(keys):
        wanted = select(_O.c.key).where(_O.c.key.in_(some), _O.c.marked_at.is_not(None))
        found.update(rx.connection.scalars(wanted.where(_O.c.state == HELD)))
    return found


def going(rx: Reader) -> list[str]:
    """Keys of objects that are being removed."""
    return list(rx.connection.scalars(select(_O.c.key).where(_O.c.state == DELETING).order_by(_O.c.key)))


def known(rx: Reader, keys: Sequence[str]) -> set[str]:
    """Those of ``keys`` that have a row."""
    found: set[str] = set()
    for some in parts(keys):
        found.update(rx.connection.scalars(select(_O.c.key).where(_O.c.key.in_(some))))
    return found


def sizes(rx: Reader, keys: Iterable[str]) -> dict[str, int]:
    """Bytes by key."""
    found: dict[str, int] = {}
    for some in parts(keys):
        wanted = select(_O.c.key, _O.c.size_bytes).where(_O.c.key.in_(some))
        found |= {row.key: row.size_bytes for row in rx.connection.execute(wanted)}
    return found


def copies(rx: Reader, keys: Iterable[str]) -> list[Copy]:
    """What is pinned under these keys, in every store."""
    found: list[Copy] = []
    for some in parts(keys):
        rows = rx.connection.execute(
            select(_C.c.store, _C.c.key, _C.c.version, _C.c.locked_until).where(_C.c.key.in_(some))
        )
        found += [Copy(*row) for row in rows]
    return found


def manifests_needed(rx: Reader, names: Iterable[str]) -> set[tuple[str, int]]:
    """(name, number) of every version of these names that was not purged."""
    found: set[tuple[str, int]] = set()
    v = s.versions
    for some in parts(dict.fromkeys(names)):
        wanted = select(v.c.name, v.c.version).where(
            v.c.name.in_(some), v.c.state != VersionState.PURGED.value
        )
        found.update((row.name, row.version) for row in rx.connection.execute(wanted))
    return found


def given(rx: Reader, names: Iterable[str]) -> dict[str, int]:
    """The next number of each of these names; a name the catalog never had is not in it."""
    found: dict[str, int] = {}
    for some in parts(dict.fromkeys(names)):
        wanted = select(s.names.c.name, s.names.c.next_version).where(s.names.c.name.in_(some))
        found |= {row.name: row.next_version for row in rx.connection.execute(wanted)}
    return found


def abandoned(rx: Reader, now: dt.datetime, lease_of: str) -> list[int]:
    """Ids of staged versions whose lease, called ``lease_of`` and the id, is over."""
    v, lease = s.versions, s.leases
    staged = list(rx.connection.scalars(select(v.c.id).where(v.c.state == VersionState.STAGED.value)))
    alive: set[str] = set()
    for some in parts(f"{lease_of}{id_}" for id_ in staged):
        held = select(lease.c.id).where(lease.c.id.in_(some), lease.c.expires_at > now)
        alive.update(rx.connection.scalars(held))
    return [id_ for id_ in staged if f"{lease_of}{id_}" not in alive]


# --- noting -------------------------------------------------------------------------------


def add(tx: Writer, sizes: Mapping[str, int]) -> None:
    """Objects found in a store that no row knew, marked as of now."""
    rows = [{"key": k, "size_bytes": n, "kept_at": tx.now, "state": HELD} for k, n in sizes.items()]
    for some in parts(rows):
        tx.connection.execute(tx.insert(_O).on_conflict_do_nothing(), some)


def mark(tx: Writer, keys: Iterable[str]) -> int:
    """Nothing needs these as of now, or of when that was noted before; returns how many are new."""
    new = 0
    for some in parts(keys):
        done = update(_O).where(_O.c.key.in_(some), _O.c.state == HELD, _O.c.marked_at.is_(None))
        new += tx.connection.execute(done.values(marked_at=tx.now)).rowcount
    return new


def backdate(tx: Writer, keys: Iterable[str], since: dt.datetime) -> None:
    """Those of ``keys`` that nothing needs count as marked since then: no grace is left to them."""
    for some in parts(free_of(tx, keys, tx.now)):
        tx.connection.execute(update(_O).where(_O.c.key.in_(some)).values(marked_at=since))


def unmark(tx: Writer, keys: Iterable[str]) -> None:
    """Something needs these again."""
    for some in parts(keys):
        tx.connection.execute(update(_O).where(_O.c.key.in_(some)).values(marked_at=None))


def to_deleting(tx: Writer, keys: Iterable[str]) -> None:
    """From here on nobody gets a lease on these until they are gone or held again."""
    for some in parts(keys):
        tx.connection.execute(update(_O).where(_O.c.key.in_(some), _O.c.state == HELD).values(state=DELETING))


def to_held(tx: Writer, keys: Iterable[str]) -> None:
    """These could not be removed; they stay marked as of now."""
    for some in parts(keys):
        held = {"state": HELD, "marked_at": tx.now}
        tx.connection.execute(update(_O).where(_O.c.key.in_(some), _O.c.state == DELETING).values(**held))


def forget(tx: Writer, keys: Iterable[str]) -> None:
    """These are gone from every store."""
    for some in parts(keys):
        tx.connection.execute(delete(_C).where(_C.c.key.in_(some)))
        tx.connection.execute(delete(_O).where(_O.c.key.in_(some), _O.c.state == DELETING))


def forget_copies(tx: Writer, gone: Iterable[Copy]) -> None:
    """These copies are gone, other stores' may not be."""
    for some in parts(gone):
        for copy in some:
            is_it = and_(_C.c.store == copy.store, _C.c.key == copy.key, _C.c.version == copy.version)
            tx.connection.execute(delete(_C).where(is_it))


def forget_uses(tx: Writer, version_ids: Iterable[int]) -> None:
    """Purged versions need their objects no longer."""
    for some in parts(version_ids):
        tx.connection.execute(delete(s.uses).where(s.uses.c.version_id.in_(some)))


def forget_leases(tx: Writer) -> None:
    """Leases that are over."""
    tx.connection.execute(delete(s.leases).where(s.leases.c.expires_at <= tx.now))


def _free(now: dt.datetime) -> ColumnElement[bool]:
    used = exists().where(s.uses.c.key == _O.c.key)
    leased = exists().where(s.leases.c.key == _O.c.key, s.leases.c.expires_at > now)
    return ~or_(used, leased)
