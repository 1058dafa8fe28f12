"""An engine's own folder for what it stages: gone when it closes, swept when its process was killed.

The folder holds a lock file that its process keeps locked. A folder whose lock
is free belongs to a process that is gone; the next engine removes it, so that
staged data does not lie about for ever.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "interlock-"
LOCK = "lock"


class Scratch:
    """A locked temporary folder, readable by this user alone."""

    def __init__(self) -> None:
        sweep()
        making = Path(tempfile.mkdtemp(prefix="." + PREFIX))
        self._lock = os.open(making / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # The name others sweep is taken only now that the lock is held.
        self.path = making.rename(making.with_name(making.name.removeprefix(".")))

    def close(self) -> None:
        """Remove the folder. May be called twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def sweep() -> None:
    """Remove the folders of this user's processes that are gone. Failing to is no harm."""
    for folder in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        with suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
