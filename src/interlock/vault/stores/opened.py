"""The stores of one workspace's vault: the main one, and its replica under other credentials."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import delete, select

from interlock.catalog import Catalog, schema
from interlock.catalog.canonical import canonical
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import objects
from interlock.vault import layout
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.protocol import OnBytes, Store

MAIN, REPLICA = "main", "replica"
FOLDER = "vault"
FORMAT = canonical({"format": "interlock-vault", "version": 1})
SPOOL = "spool"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A store as it is read: of each object the very bytes that were put, whatever was put over them since."""

    catalog: Catalog
    name: str
    store: Store

    @property
    def where(self) -> str:
        return self.store.where

    def read(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """As `Store.read`; of the pinned version unless another is asked for."""
        pinned = version or self._version(key)
        return self.store.read(key, version=pinned, start=start, length=length)

    def fetch(self, key: str, out: io.FileIO, on_bytes: OnBytes | None = None) -> str:
        """As `Store.fetch`."""
        return self.store.fetch(key, out, on_bytes, version=self._version(key))

    def _version(self, key: str) -> str | None:
        if not self.store.versions:
            return None
        with self.catalog.read() as rx:
            return objects.pinned(rx, self.name, key)


@dataclass(frozen=True, slots=True)
class Stores:
    """``replica`` is None until there is one. ``catalog`` says what should be in both."""

    catalog: Catalog
    main: Store
    replica: Store | None = None

    @classmethod
    def of(cls, catalog: Catalog) -> Self:
        """As the catalog says; the main store is ``vault`` beside the workspace's data unless it says otherwise."""
        with catalog.read() as rx:
            main, replica = address(rx, MAIN), address(rx, REPLICA)
        spool = catalog.folder / SPOOL
        store = opened(main or catalog.files.place(FOLDER), spool)
        return cls(catalog, store, opened(replica, spool) if replica else None)

    def each(self) -> list[tuple[str, Store]]:
        """The stores with their names, the main one first."""
        return [(MAIN, self.main), *([(REPLICA, self.replica)] if self.replica else [])]

    def pinned(self) -> list[Pinned]:
        """The stores as they are read, the main one first."""
        return [Pinned(self.catalog, name, store) for name, store in self.each()]

    def found(self) -> None:
        """Write the main store's format into it, once."""
        begin(self.main)


def begin(store: Store) -> None:
    """Say in a store what it is, so that whoever finds it knows how to read it."""
    if store.stat(layout.FORMAT_KEY) is None:
        store.put(layout.FORMAT_KEY, FORMAT)


def opened(address: str, spool: Path) -> Store:
    """The store at a folder's path, or ``s3://BUCKET/PREFIX``; ``spool`` is for what is on its way there."""
    if address.startswith("s3://"):
        from interlock.vault.stores.s3 import S3Store

        return S3Store.of(address, spool)
    return LocalStore(Path(address))


def address(rx: Reader, store: str) -> str | None:
    """Where a store of this name lies; None where nobody said."""
    t = schema.workspace
    return rx.connection.scalar(select(t.c.value).where(t.c.key == f"vault_{store}"))


def set_address(tx: Writer, store: str, address: str | None) -> None:
    """Say where a store of this name lies; None: nowhere."""
    t, key = schema.workspace, f"vault_{store}"
    if address is None:
        tx.connection.execute(delete(t).where(t.c.key == key))
        return
    row = tx.insert(t).values(key=key, value=address)
    tx.connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": address}))
