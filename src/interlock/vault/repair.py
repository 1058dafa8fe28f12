"""Putting right bytes in the place of damaged ones: from the same store, where they lie under others, or from another.

Whole bytes are never replaced, and nothing is put that is not what the key says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from interlock.catalog.vault.copies import Copy
from interlock.errors import ObjectMissing, StorageFailed, StoreRefused, StoreUnreachable
from interlock.vault import content
from interlock.vault.pieces import as_file
from interlock.vault.stores.opened import Stores
from interlock.vault.stores.protocol import Held, Store

Pins = Mapping[str, str]  # name of a store → version of the object that is pinned there
_SILENT = (StorageFailed, StoreUnreachable, StoreRefused)


def mend(stores: Stores, name: str, key: str, digest: str | None, pins: Pins) -> tuple[Held, str]:
    """Put an object right in the store of this name; what lies there then, read again, and whose bytes they are.

    `ObjectMissing` where no store holds it whole; `StorageFailed`, `StoreUnreachable`, `StoreRefused`.
    """
    target = dict(stores.each())[name]
    for label, store, version in _sources(stores, name, key, pins):
        held = _mended(target, key, digest, store, version)
        if held is not None:
            return held, label
    raise ObjectMissing(f"no store holds {key} whole")


def lock_again(store: Store, copy: Copy) -> Held:
    """Lock a copy as long as it was. `StoreRefused` where the store says that it did not."""
    assert copy.locked_until is not None
    until = store.retain(copy.key, copy.version, copy.locked_until)
    if until is None or until < copy.locked_until:
        raise StoreRefused(f"{store.where} does not lock {copy.key}")
    held = store.stat(copy.key, version=copy.version)
    if held is None:
        raise ObjectMissing(f"{copy.key} is gone")
    return replace(held, locked_until=until)


def _sources(stores: Stores, name: str, key: str, pins: Pins) -> Iterator[tuple[str, Store, str | None]]:
    """Where right bytes may be: under what lies over them in the same store, else in the other one."""
    wanted: list[tuple[str, Store, str | None]] = []
    for label, store in stores.each():
        pin = pins.get(label)
        if label != name:
            wanted += [(label, store, version) for version in dict.fromkeys((pin, None))]
        elif store.versions and pin is not None:
            wanted.insert(0, (label, store, pin))
    for label, store, version in wanted:
        there = _there(store, key, version)
        if there is not None:
            yield label, store, there.version


def _there(store: Store, key: str, version: str | None) -> Held | None:
    try:
        return store.stat(key, version=version)
    except _SILENT:
        return None


def _read(store: Store, key: str, version: str | None) -> Iterator[bytes]:
    """As `Store.read`; what cannot be read there counts as missing, so that another store is asked."""
    try:
        yield from store.read(key, version=version)
    except _SILENT as error:
        raise ObjectMissing(f"{key} cannot be read: {error.message}") from error


def _mended(target: Store, key: str, digest: str | None, source: Store, version: str | None) -> Held | None:
    """The object as it lies in ``target`` now; None where these bytes are not right."""
    try:
        taken = target.take(as_file(_read(source, key, version)))
    except ObjectMissing:
        return None
    try:
        if not content.look_at(key, taken, digest).whole:
            return None
        held = target.mend(taken, key)
    finally:
        target.drop(taken)
    if not content.look(key, target.read(key, version=held.version), digest).whole:
        raise StorageFailed(f"{target.where}/{key} is not what was just put there", hint="look at the disk")
    return held
