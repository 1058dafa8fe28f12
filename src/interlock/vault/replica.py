"""The second store: every object and manifest that a version needs which can be read, under other credentials.

A manifest is put into the replica last: a version whose manifest is pinned there is there as a whole.
Files that lie outside the main store are objects in the replica, named by their SHA-256.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from interlock.catalog import Catalog, Reader, Writer, outbox
from interlock.catalog.vault import copies, versions
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.records import VersionRecord
from interlock.errors import UsageError, VaultError
from interlock.vault import layout, retention
from interlock.vault.hashing import sha256_of
from interlock.vault.intake import ENTRY
from interlock.vault.pace import Pace
from interlock.vault.replicating import Copied, bring
from interlock.vault.stores import opened
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.opened import REPLICA, Stores
from interlock.vault.stores.protocol import Store

AT_ONCE = 64  # versions brought between two notes of what is there
_PAGE = 500  # versions looked at together


@dataclass(frozen=True, slots=True)
class Lag:
    """Versions that are not in the replica yet, and the bytes of their files."""

    versions: int = 0
    size_bytes: int = 0

    def to_dict(self) -> dict[str, int]:
        return {"versions": self.versions, "size_bytes": self.size_bytes}


# --- which store it is --------------------------------------------------------------------


def establish(stores: Stores, where: str, who: str) -> Stores:
    """Say where the replica is, once. To change it later is the delete gate's business, which calls `change`.

    Raises `VaultError` where there is one already, and as `checked`.
    """
    place = checked(stores, where)
    with stores.catalog.write() as tx:
        if opened.address(tx, REPLICA) not in (None, place):
            raise VaultError("the vault has a replica already", hint="another one needs a second person")
        change(tx, place)
        outbox.append(tx, ENTRY, {"action": "replica", "who": who})
    return Stores.of(stores.catalog)


def checked(stores: Stores, where: str) -> str:
    """The address of a place that can be the replica, which then says what it is.

    `UsageError` for one that cannot: the main store's, or one that holds another vault's versions.
    """
    place = where if "://" in where else os.path.abspath(where)
    store = opened.opened(place, stores.catalog.folder / opened.SPOOL)
    _refuse_same(stores.main, store)
    _refuse_foreign(stores.catalog, store)
    opened.begin(store)
    return place


def change(tx: Writer, place: str | None) -> None:
    """The replica is there from now on, or there is none. Where it moved nothing counts as copied any more."""
    if opened.address(tx, REPLICA) != place:
        copies.forget(tx, REPLICA)
        opened.set_address(tx, REPLICA, place)


def _refuse_same(main: Store, other: Store) -> None:
    one, two = (f"{_place(store)}/" for store in (main, other))
    if one.startswith(two) or two.startswith(one):
        raise UsageError("the replica would lie where the main store is", hint="give it a place of its own")


def _place(store: Store) -> str:
    return os.path.realpath(store.root) if isinstance(store, LocalStore) else store.where


def _refuse_foreign(catalog: Catalog, store: Store) -> None:
    first = next(store.list(layout.VERSIONS), None)
    if first is None:
        return
    of, digest = layout.manifest_of(first.key), sha256_of(store.read(first.key))[0]
    with catalog.read() as rx:
        ours = of is not None and copies.digests(rx, [of]).get(of) == digest
    if not ours:
        raise UsageError(
            f"{store.where} holds versions of another vault", hint="give each vault its own replica"
        )


# --- what is not there yet ----------------------------------------------------------------


def lag(rx: Reader) -> Lag:
    """How far the replica is behind."""
    found = list(_behind(rx))
    return Lag(len(found), sum(size for _, size in found))


def _behind(rx: Reader) -> Iterator[tuple[int, int]]:
    """Ids of the versions that are not there, and the bytes of their files."""
    after = 0
    while page := versions.readable(rx, after, _PAGE):
        after = page[-1].id
        keys = [layout.manifest_key(r.name, r.version) for r in page]
        there = copies.pinned(rx, REPLICA, keys)
        yield from ((r.id, r.size_bytes) for r, key in zip(page, keys, strict=True) if key not in there)


# --- bringing it there --------------------------------------------------------------------


def replicate(stores: Stores, who: str, progress: Callable[[int, int], None] | None = None) -> Copied:
    """Copy to the replica what is not there; goes on where an earlier one was stopped.

    What is damaged in the main store is not copied: its versions are among ``failed``. Raises
    `VaultError` without a replica, and what stores raise that do not answer.
    """
    if stores.replica is None:
        raise VaultError("the vault has no replica", hint="`interlock vault replica set ADDRESS`")
    opened.begin(stores.replica)
    with stores.catalog.read() as rx:
        behind = list(_behind(rx))
    done = Copied()
    pace = Pace(sum(size for _, size in behind), progress=progress)
    for some in parts((id_ for id_, _ in behind), AT_ONCE):
        bring(stores, stores.replica, some, done, pace)
    done.locks = retention.renew(stores)
    if done.versions:
        with stores.catalog.write() as tx:
            said = {"versions": done.versions, "objects": done.objects, "size_bytes": done.size_bytes}
            outbox.append(tx, ENTRY, {"action": "replicate", "who": who, **said})
    return done


def follow(stores: Stores, records: Sequence[VersionRecord]) -> Copied:
    """Bring versions that were just put to the replica; nothing without one. Raises as `replicate` does."""
    done = Copied()
    if stores.replica is not None:
        bring(stores, stores.replica, [r.id for r in records], done, lambda _: None)
    return done
