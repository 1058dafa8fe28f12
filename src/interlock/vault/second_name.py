"""A file under another name without another copy of its bytes."""

from __future__ import annotations

from dataclasses import replace

from interlock.catalog.vault import versions
from interlock.catalog.vault.records import VersionRecord
from interlock.errors import ObjectMissing
from interlock.vault import intake, layout
from interlock.vault.intake import Wanted
from interlock.vault.manifest import File, Stored
from interlock.vault.stores.opened import Stores
from interlock.vault.stores.protocol import Held

_OURS = (layout.OBJECTS, layout.CHUNKS, layout.RECIPES)


def copy(stores: Stores, source: VersionRecord, file: File, wanted: Wanted) -> VersionRecord:
    """A file of a version as the next version of ``wanted.name``, over the same objects. `ObjectMissing`."""
    with stores.catalog.read() as rx:
        used = [file.key] if file.stored is Stored.PLAIN else versions.keys(rx, source.id)
    ours = [key for key in used if key is not None and key.startswith(_OURS)]
    elsewhere = [file.at] if file.stored is Stored.LAKE and file.at is not None else []
    with intake.staged(stores, wanted) as (version, lease):
        lease.cover(dict.fromkeys(ours, file.size_bytes))
        held = [_held(stores, key, wanted) for key in ours]
        named = replace(file, path=wanted.name.rpartition("/")[2])
        return intake.finish(stores, wanted, version, lease, [named], held, pinned=elsewhere)


def _held(stores: Stores, key: str, wanted: Wanted) -> Held:
    held = stores.main.stat(key)
    if held is None:
        raise ObjectMissing(f"{key} is gone", hint="`interlock vault scrub --repair` fetches it")
    if wanted.until is None:
        return held
    return replace(held, locked_until=stores.main.retain(key, held.version, wanted.until))
