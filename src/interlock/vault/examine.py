"""Looking at one object in a store: is it there, is it what was put, is it locked as it was?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from interlock.catalog.vault.copies import Copy
from interlock.errors import ObjectMissing, StorageFailed
from interlock.vault import content, layout, outside
from interlock.vault.content import Found
from interlock.vault.damage import What
from interlock.vault.manifest import File, Manifest
from interlock.vault.stores.protocol import Held, OnBytes, Store


@dataclass(frozen=True, slots=True)
class Seen:
    """A copy as it was found. ``what`` is None where all is well; ``held`` is then what lies there.

    ``outside`` are the files of a manifest that lie outside the stores.
    """

    copy: Copy
    held: Held | None = None
    what: What | None = None
    detail: str = ""
    found: Found | None = None
    outside: tuple[File, ...] = ()


def examine(
    store: Store, copy: Copy, digest: str | None, now: dt.datetime, on_bytes: OnBytes | None = None
) -> Seen:
    """Read a copy and judge it. ``digest`` is as in `content.look`. Raises only where the store does not answer."""
    try:
        return _examine(store, copy, digest, now, on_bytes)
    except ObjectMissing:
        return Seen(copy, None, What.MISSING, "it is gone")
    except StorageFailed as error:
        return Seen(copy, None, What.CORRUPT, f"it cannot be read: {error.message}")


def _examine(
    store: Store, copy: Copy, digest: str | None, now: dt.datetime, on_bytes: OnBytes | None
) -> Seen:
    newest = store.stat(copy.key)
    ours = newest is not None and newest.version == copy.version
    if not ours and copy.version and store.stat(copy.key, version=copy.version):
        return Seen(
            copy, newest, What.HIDDEN, "other bytes lie over it" if newest else "a delete marker lies over it"
        )
    if newest is None:
        return Seen(copy, None, What.MISSING, "it is gone")
    found, files = _look(store, newest, digest, on_bytes)
    if not found.whole:
        return Seen(copy, newest, What.CORRUPT, _shape(copy, found), found)
    if _unlocked(copy, newest, now):
        until = f"until {newest.locked_until:%Y-%m-%d %H:%M} UTC" if newest.locked_until else "not at all"
        return Seen(
            copy,
            newest,
            What.UNLOCKED,
            f"it is locked {until}, not until {copy.locked_until:%Y-%m-%d %H:%M} UTC",
        )
    return Seen(copy, newest, outside=files)


def _look(
    store: Store, held: Held, digest: str | None, on_bytes: OnBytes | None
) -> tuple[Found, tuple[File, ...]]:
    pieces = store.read(held.key, version=held.version)
    if not held.key.startswith(layout.VERSIONS):
        return content.look(held.key, pieces, digest, on_bytes), ()
    data = b"".join(pieces)
    found = content.look(held.key, [data] if data else [], digest, on_bytes)
    if not found.whole:
        return found, ()
    return found, outside.files(Manifest.decode(data))


def _shape(copy: Copy, found: Found) -> str:
    size = copy.size_bytes
    if size and found.size_bytes < size:
        return f"it was cut off: {found.size_bytes:,} of {size:,} bytes"
    if size and found.size_bytes > size:
        return f"it has grown: {found.size_bytes:,} bytes, not {size:,}"
    return "its bytes were changed"


def _unlocked(copy: Copy, held: Held, now: dt.datetime) -> bool:
    if copy.locked_until is None or copy.locked_until <= now:
        return False
    return held.locked_until is None or held.locked_until < copy.locked_until
