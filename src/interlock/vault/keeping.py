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
    return held if held is None or held.version == pin or _whole(store, held) else None


def kept(store: Store, taken: Taken, key: str, pin: str | None, *, until: dt.datetime | None = None) -> Held:
    """Keep taken bytes under the key that is their digest, locked until then; other bytes there are mended.

    As `Store.keep`, but that the caller drops what was taken.
    """
    held = store.stat(key)
    if held is None:
        with contextlib.suppress(
            ObjectTaken
        ):  # by somebody who put it meanwhile, maybe shrunk to another size
            return store.keep(taken, key, until=until)
        held = store.stat(key)
    if held is None or (held.version != pin and not _whole(store, held)):
        held = store.mend(taken, key)
    return retention.locked(store, held, until)


def _whole(store: Store, held: Held) -> bool:
    try:
        return content.look(held.key, store.read(held.key, version=held.version)).whole
    except ObjectMissing:
        return False
