"""Locks against everybody, kept long enough: renewed while a version that can be read needs what they are on."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.catalog import Reader, clock
from interlock.catalog.vault import copies, policy
from interlock.catalog.vault.copies import Copy
from interlock.errors import ObjectMissing, StoreRefused
from interlock.settings import current
from interlock.vault import layout
from interlock.vault.stores.opened import Stores
from interlock.vault.stores.protocol import Held, Store

_PAGE = 256
_SHORT_MAX = 1_000


@dataclass(slots=True)
class Renewed:
    """How many locks were made longer, and the objects a store did not lock as long as it was asked to."""

    renewed: int = 0
    short: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.short

    def to_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, "renewed": self.renewed, "short": self.short}


def until(rx: Reader, store: Store) -> dt.datetime | None:
    """Until when what is put into a store now is locked; None where it locks nothing."""
    return clock.now() + policy.get(rx).retention if store.locks else None


def locked(store: Store, held: Held, wanted: dt.datetime | None) -> Held:
    """An object that is there, locked at least until then, as the store itself says afterwards."""
    if wanted is None or (held.locked_until is not None and held.locked_until >= wanted):
        return held
    return replace(held, locked_until=store.retain(held.key, held.version, wanted))


def renew(stores: Stores) -> Renewed:
    """Lock for the whole retention whatever versions need that can be read, and is locked for less than half of it."""
    done = Renewed()
    for name, store in stores.each():
        if store.locks:
            _renew(stores, name, store, done)
    return done


def _renew(stores: Stores, name: str, store: Store, done: Renewed) -> None:
    with stores.catalog.read() as rx:
        length = policy.get(rx).retention
    now, after = clock.now(), ""
    wanted, soon = now + length, now + length / 2
    with ThreadPoolExecutor(current().vault_threads) as pool:
        while page := _page(stores, name, soon, after):
            after = page[-1].key
            needed = [c for c in page if layout.manifest_of(c.key) is None or _is_read(stores, c)]
            found = list(pool.map(lambda c: _retained(store, c, wanted), needed))
            with stores.catalog.write() as tx:
                for copy, until_ in zip(needed, found, strict=True):
                    copies.locked(tx, copy, until_)
                    if until_ is None or until_ < soon:
                        done.short += [f"{name}: {copy.key}"][: _SHORT_MAX - len(done.short)]
                    else:
                        done.renewed += 1


def _page(stores: Stores, name: str, soon: dt.datetime, after: str) -> list[Copy]:
    with stores.catalog.read() as rx:
        return copies.to_renew(rx, name, layout.VERSIONS, soon, after, _PAGE)


def _is_read(stores: Stores, copy: Copy) -> bool:
    of = layout.manifest_of(copy.key)
    with stores.catalog.read() as rx:
        return of is not None and bool(copies.digests(rx, [of]))


def _retained(store: Store, copy: Copy, wanted: dt.datetime) -> dt.datetime | None:
    try:
        return store.retain(copy.key, copy.version, wanted)
    except (StoreRefused, ObjectMissing):
        return None
