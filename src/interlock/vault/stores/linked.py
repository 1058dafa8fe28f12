"""Keeping a file in a store's folder without a copy: as a second name of the same bytes.

Whoever removes the file then removes nothing of the store; who writes into it writes there too.
"""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path

from interlock import durable
from interlock.errors import DataNotFound, DataUnreadable, ObjectCorrupt
from interlock.vault.stores.local import TEMPORARY, LocalStore
from interlock.vault.stores.protocol import Taken

_IMPOSSIBLE = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}


def possible(store: LocalStore, source: Path) -> bool:
    """Whether the file system, and who owns the file, allow it. `DataNotFound`, `DataUnreadable`."""
    name = _linked(store, source)
    if name is not None:
        os.unlink(name)
    return name is not None


def take(store: LocalStore, source: Path, sha256: str, seen: str) -> Taken:
    """Take a file whose bytes have this digest, and were ``seen`` when they were hashed (`version`).

    Without a copy, but as `Store.take`. `ObjectCorrupt` where the file is another by now.
    """
    name = _linked(store, source)
    if name is None:
        raise changed(source)
    facts = os.stat(name)
    taken = Taken(name, sha256, facts.st_size, ours=True)
    if version(facts) != seen:
        store.drop(taken)
        raise changed(source)
    durable.sync_file(name)
    return taken


def version(facts: os.stat_result) -> str:
    """What tells a file's bytes from those it had before somebody wrote to it."""
    return f"{facts.st_mtime_ns:x}-{facts.st_size:x}"


def changed(source: object) -> ObjectCorrupt:
    return ObjectCorrupt(f"{source} changed while it was adopted", hint="again, when nobody writes to it")


def _linked(store: LocalStore, source: Path) -> Path | None:
    """Another name of the file among the store's temporary ones; None where there can be none."""
    folder = store.root / TEMPORARY
    durable.make_folder(folder)
    name = folder / f"{uuid.uuid4().hex}{durable.TEMPORARY_SUFFIX}"
    try:
        os.link(os.path.realpath(source), name)
    except FileNotFoundError:
        raise DataNotFound(f"{source} is not there") from None
    except OSError as error:
        if error.errno in _IMPOSSIBLE:
            return None
        raise DataUnreadable(f"{source}: {error.strerror}") from error
    return name
