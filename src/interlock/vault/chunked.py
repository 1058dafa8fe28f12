"""Putting the files of a version in chunks, as `interlock.vault.chunks` cuts them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.catalog import Catalog
from interlock.catalog.vault import copies
from interlock.vault import chunks, keeping
from interlock.vault.ahead import ahead
from interlock.vault.manifest import File, Stored
from interlock.vault.stores.opened import MAIN
from interlock.vault.stores.protocol import Held, OnBytes, Store, Taken

if TYPE_CHECKING:
    from interlock.vault.intake import Lease

SIZE_BYTES_MIN = 1 << 20  # a smaller file is one chunk or few: a plain object is simpler to recover


def store(
    catalog: Catalog,
    store: Store,
    path: str,
    source: Path,
    lease: Lease,
    until: dt.datetime | None,
    on_bytes: OnBytes | None,
) -> tuple[File, tuple[Held, ...]]:
    """Keep ``source`` in chunks; the file as a manifest lists it, and the objects that hold it."""

    def known(keys: Collection[str]) -> Mapping[str, int]:
        with catalog.read() as rx:
            return copies.sizes(rx, keys)

    def leased(sizes: Mapping[str, int]) -> dict[str, Held]:
        lease.cover(sizes)
        with catalog.read() as rx:
            pins.update(copies.pinned(rx, MAIN, sizes))
        found = ahead(lambda key: keeping.there(store, key, pins.get(key)), sizes)
        return {held.key: held for held in found if held is not None}

    def keep(taken: Taken, key: str) -> Held:
        return keeping.kept(store, taken, key, pins.get(key), until=until)

    pins: dict[str, str] = {}
    kept = chunks.store_in_chunks(
        store, source, known=known, lease=leased, keep=keep, until=until, on_bytes=on_bytes
    )
    return File(path, kept.recipe.sha256, kept.recipe.size_bytes, Stored.RECIPE), kept.held
