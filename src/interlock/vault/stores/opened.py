"""The stores of one workspace's vault: the main one, and its replica under other credentials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import select

from interlock.catalog import Catalog, schema
from interlock.catalog.canonical import canonical
from interlock.catalog.catalog import Reader, Writer
from interlock.errors import UsageError
from interlock.vault import layout
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.protocol import Store

MAIN, REPLICA = "main", "replica"
FOLDER = "vault"


@dataclass(frozen=True, slots=True)
class Stores:
    """``replica`` is None until there is one. ``catalog`` says what should be in both."""

    catalog: Catalog
    main: Store
    replica: Store | None = None

    @classmethod
    def of(cls, catalog: Catalog) -> Self:
        """As the catalog says; the main store is the folder ``vault`` of the workspace unless it says otherwise."""
        with catalog.read() as rx:
            main, replica = address(rx, MAIN), address(rx, REPLICA)
        store = opened(main) if main else LocalStore(catalog.folder / FOLDER)
        return cls(catalog, store, opened(replica) if replica else None)

    def each(self) -> list[tuple[str, Store]]:
        """The stores with their names, the main one first."""
        return [(MAIN, self.main), *([(REPLICA, self.replica)] if self.replica else [])]

    def found(self) -> None:
        """Write the main store's format into it, once."""
        begin(self.main)


def begin(store: Store) -> None:
    """Say in a store what it is, so that whoever finds it knows how to read it."""
    if store.stat(layout.FORMAT_KEY) is None:
        store.put(layout.FORMAT_KEY, canonical({"format": "interlock-vault", "version": 1}))


def opened(address: str) -> Store:
    """The store at a folder's path, or ``s3://BUCKET/PREFIX``."""
    if address.startswith("s3://"):
        raise UsageError("a vault on S3 is not to be had yet")
    return LocalStore(Path(address))


def address(rx: Reader, store: str) -> str | None:
    """Where a store of this name lies; None where nobody said."""
    t = schema.workspace
    return rx.connection.scalar(select(t.c.value).where(t.c.key == f"vault_{store}"))


def set_address(tx: Writer, store: str, address: str) -> None:
    """Say where a store of this name lies."""
    row = tx.insert(schema.workspace).values(key=f"vault_{store}", value=address)
    tx.connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": address}))
