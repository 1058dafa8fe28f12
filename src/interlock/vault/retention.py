"""Locks against everybody, kept long enough: renewed while a version that can be read needs what they are on."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.catalog import Reader, clock
from interlock.catalog.vault import copies, policy
from interlock.catalog.vault.copies import Copy
from interlock.errors import ObjectMissing, StoreRefused, StoreUnreachable
from interlock.settings import current
from interlock.vault import layout, originals
from interlock.vault.stores.opened import Stores
from interlock.vault.stores.protocol import Held, Store

_PAGE = 256
_SHORT_MAX = 1_000


@dataclass(slots=True)
class Renewed:
    """How many locks were made longer, and the objects, (store, key), that are not locked as long as they should be."""

    renewed: int = 0
    short: list[tuple[str, str]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.short

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "renewed": self.renewed,
            "short": [{"store": store, "key": key} for store, key in self.short],
        }


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
    _renew_originals(stores, done)
    return done


def _renew(stores: Stores, name: str, store: Store, done: Renewed) -> None:
    with stores.catalog.read() as rx:
        length = policy.get(rx).retention
    now, after = clock.now(), ""
    wanted, soon = now + length, now + length / 2
    with ThreadPoolExecutor(current().vault_threads) as pool:
        while page := _page(stores, name, soon, after):
            after = page[-1].key
            needed = _needed(stores, page)
            found = list(pool.map(lambda c: _retained(store, c, wanted), needed))
            with stores.catalog.write() as tx:
                for copy, until_ in zip(needed, found, strict=True):
                    copies.locked(tx, copy, until_)
            short = [
                c.key for c, until_ in zip(needed, found, strict=True) if until_ is None or until_ < soon
            ]
            done.renewed += len(needed) - len(short)
            done.short += [(name, key) for key in short[: _SHORT_MAX - len(done.short)]]


def _renew_originals(stores: Stores, done: Renewed) -> None:
    """Adopted objects are locked where they are."""
    with stores.catalog.read() as rx:
        now, length = clock.now(), policy.get(rx).retention
        needed = originals.to_renew(rx, now + length / 2)
    for copy in needed:
        try:
            until = originals.retain(stores.catalog, copy, now + length)
        except (StoreRefused, StoreUnreachable, ObjectMissing):
            until = None
        if until is None:
            done.short += [("original", copy.key)][: _SHORT_MAX - len(done.short)]
            continue
        with stores.catalog.write() as tx:
            originals.locked(tx, {(copy.key, copy.version): until})
        done.renewed += 1


def _page(stores: Stores, name: str, soon: dt.datetime, after: str) -> list[Copy]:
    with stores.catalog.read() as rx:
        return copies.to_renew(rx, name, layout.VERSIONS, soon, after, _PAGE)


def _needed(stores: Stores, page: list[Copy]) -> list[Copy]:
    """Without the manifests of versions that cannot be read any more."""
    of = {c.key: layout.manifest_of(c.key) for c in page}
    with stores.catalog.read() as rx:
        read = copies.digests(rx, [version for version in of.values() if version is not None])
    return [c for c in page if (version := of[c.key]) is None or version in read]


def _retained(store: Store, copy: Copy, wanted: dt.datetime) -> dt.datetime | None:
    try:
        return store.retain(copy.key, copy.version, wanted)
    except (StoreRefused, ObjectMissing):
        return None
