"""Keeping bytes under the key that names them, whatever lies there already.

An object is believed to be what its key says where it is in the version that is pinned: whether those
bytes are still whole is for scrubbing. What nobody pinned, such as a file that somebody put into the
store's folder or the leftover of a put that was killed, is read first.
"""

from __future__ import annotations

import contextlib
import datetime as dt

from interlock.errors import ObjectMissing, ObjectTaken
from interlock.vault import content, retention
from interlock.vault.stores.protocol import Held, Store, Taken


def there(store: Store, key: str, pin: str | None) -> Held | None:
    """The object under a key that is its digest; None where there is none, or other bytes."""
    held = store.stat(key)
    return held if held is not None and _is(store, held, pin) else None


def kept(store: Store, taken: Taken, key: str, pin: str | None, *, until: dt.datetime | None = None) -> Held:
    """Keep taken bytes under the key that is their digest, locked until then; other bytes there are mended.

    As `Store.keep`, but that the caller drops what was taken.
    """
    held = store.stat(key)
    if held is None:
        # Taken by somebody who put it meanwhile, maybe shrunk to another size.
        with contextlib.suppress(ObjectTaken):
            return store.keep(taken, key, until=until)
        held = store.stat(key)
    if held is None or not _is(store, held, pin):
        held = store.mend(taken, key)
    return retention.locked(store, held, until)


def _is(store: Store, held: Held, pin: str | None) -> bool:
    """Whether an object is what its key says: the version that is pinned, or read and found so."""
    if held.version == pin:
        return True
    try:
        return content.look(held.key, store.read(held.key, version=held.version)).whole
    except ObjectMissing:
        return False
