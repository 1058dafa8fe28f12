"""Objects the vault has put, or is putting, into its stores; and leases, which keep the collector from them.

A lease is taken on a key before anybody looks whether its object is there. The
collector removes only what is neither used nor leased, and says so first by the
state ``deleting``: whoever wants a lease on that waits until it is gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import case, delete, func, select, update

from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.parts import parts

HELD, DELETING = "held", "deleting"


def begin(tx: Writer, id_: str, key: str, expires_at: dt.datetime) -> None:
    """Begin a lease with a key that is new, so that nobody can be removing it."""
    tx.connection.execute(tx.insert(s.leases).values(id=id_, key=key, expires_at=expires_at))


def lease(tx: Writer, id_: str, sizes: Mapping[str, int], expires_at: dt.datetime) -> list[str]:
    """Lease these keys (key → bytes of its object); returns those being removed, which must be asked for again."""
    going: list[str] = []
    for some in parts(sizes):
        wanted = select(s.objects.c.key).where(s.objects.c.key.in_(some), s.objects.c.state == DELETING)
        going += tx.connection.scalars(wanted)
    free = [key for key in sizes if key not in set(going)]
    for some in parts(free):
        rows = [{"key": k, "size_bytes": sizes[k], "kept_at": tx.now, "state": HELD} for k in some]
        again = tx.insert(s.objects).on_conflict_do_update(index_elements=["key"], set_={"marked_at": None})
        tx.connection.execute(again, rows)  # whoever needs it last begins its grace anew
        leased = tx.insert(s.leases).on_conflict_do_nothing()
        tx.connection.execute(leased, [{"id": id_, "key": key, "expires_at": expires_at} for key in some])
    return going


def renew(tx: Writer, id_: str, expires_at: dt.datetime) -> None:
    """A lease lasts longer."""
    tx.connection.execute(update(s.leases).where(s.leases.c.id == id_).values(expires_at=expires_at))


def release(tx: Writer, id_: str) -> None:
    """A lease ends."""
    tx.connection.execute(delete(s.leases).where(s.leases.c.id == id_))


def leased(rx: Reader, id_: str, now: dt.datetime) -> int:
    """How many keys a lease covers still."""
    lease = s.leases.c
    wanted = select(func.count()).where(lease.id == id_, lease.expires_at > now)
    return int(rx.connection.scalar(wanted) or 0)


def of_size(rx: Reader, prefix: str, size_bytes: int, limit: int) -> list[str]:
    """Keys with this beginning of objects that have this many bytes, those that were put last first."""
    o = s.objects.c
    wanted = select(o.key).where(o.size_bytes == size_bytes, o.key.startswith(prefix, autoescape=True))
    return list(rx.connection.scalars(wanted.order_by(o.kept_at.desc(), o.key).limit(limit)))


def pin(tx: Writer, store: str, versions: Sequence[tuple[str, str, dt.datetime | None]]) -> None:
    """Which bytes under a key are ours: (key, version, locked until), in the store of this name."""
    rows = [{"store": store, "key": k, "version": v, "locked_until": until} for k, v, until in versions]
    made = tx.insert(s.copies)
    new = made.excluded
    # Other bytes were never read.
    verified_at = case((s.copies.c.version == new.version, s.copies.c.verified_at))
    newer = {"version": new.version, "locked_until": new.locked_until, "verified_at": verified_at}
    statement = made.on_conflict_do_update(index_elements=["store", "key"], set_=newer)
    for some in parts(rows):
        tx.connection.execute(statement, list(some))


def pinned(rx: Reader, store: str, key: str) -> str | None:
    """The version of an object in a store that is ours."""
    c = s.copies
    return rx.connection.scalar(select(c.c.version).where(c.c.store == store, c.c.key == key))
