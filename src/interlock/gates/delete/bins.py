"""The delete of each kind of store: what `Store` has not, and only the collector (`collector`) may hold."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from dataclasses import dataclass
from typing import Protocol

from interlock import durable
from interlock.errors import UsageError
from interlock.vault.stores.local import TEMPORARY, LocalStore
from interlock.vault.stores.protocol import Store


class Bin(Protocol):
    """Removes from one store. Raises what its store raises."""

    def remove(self, key: str, version: str) -> bool:
        """Remove these very bytes. True where they are gone now, or were; False where others lie there, or a lock."""

    def sweep_temporary(self, before: dt.datetime) -> int:
        """Remove what puts that died left on the way, last written before then; returns how many."""


@dataclass(frozen=True, slots=True)
class LocalBin:
    """Of a `LocalStore`."""

    store: LocalStore

    def remove(self, key: str, version: str) -> bool:
        there = self.store.stat(key)
        if there is not None and there.version != version:
            return False
        durable.remove([self.store.root / key])
        return True

    def sweep_temporary(self, before: dt.datetime) -> int:
        swept = 0
        folder = self.store.root / TEMPORARY
        with durable.refusals(folder), contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(folder):
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime < before.timestamp():
                        os.unlink(entry.path)
                        swept += 1
        return swept


def of(store: Store) -> Bin:
    """The bin of a store."""
    if isinstance(store, LocalStore):
        return LocalBin(store)
    raise UsageError(f"nothing can be removed from {store.where}")
