"""How the vault stands, from the catalog alone: what stores should hold, how far the replica is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from interlock.catalog import Reader
from interlock.catalog.vault import copies
from interlock.vault import replica, scrub
from interlock.vault.replica import Lag
from interlock.vault.stores.opened import Stores


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """``objects`` that should be in a store, manifests among them, and their ``size_bytes``.

    ``unread`` of them were not read since they were put, or were not right; all others were since ``read_since``.
    """

    name: str
    where: str
    objects: int
    size_bytes: int
    unread: int
    read_since: dt.datetime | None

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Status:
    """``lag`` is None without a replica; ``scrubbed`` is how the last scrub ended, empty before the first."""

    stores: tuple[StoreStatus, ...]
    lag: Lag | None
    scrubbed: dict[str, Any]
    unfinished: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        return {
            "stores": [s.to_dict() for s in self.stores],
            "lag": None if self.lag is None else self.lag.to_dict(),
            "last_scrub": self.scrubbed or None,
            "unfinished_scrub": self.unfinished or None,
        }


def status(stores: Stores) -> Status:
    """As the catalog says; no store is asked."""
    with stores.catalog.read() as rx:
        each = tuple(_store(rx, name, store.where) for name, store in stores.each())
        lag = replica.lag(rx) if stores.replica is not None else None
        memo = copies.memo(rx, scrub.MEMO)
    return Status(each, lag, memo.get("last", {}), memo.get("began_at", {}))


def _store(rx: Reader, name: str, where: str) -> StoreStatus:
    objects, size_bytes, unread, since = copies.standing(rx, name)
    return StoreStatus(name, where, objects, size_bytes, unread, since)
