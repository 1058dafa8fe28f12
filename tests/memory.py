"""Temporary files in memory, where there is room: tests count what is synced, and need not wait for a disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_PREFIX = "interlock-tests-"
_ROOM_BYTES = 8 << 30
_OTHERS = (Path("/var/tmp"), Path("/tmp"), Path(__file__).parents[1], _MEMORY)


def begin() -> None:
    """From here on temporary files are in memory; whoever set ``TMPDIR`` is left alone."""
    if "TMPDIR" in os.environ or not _roomy():
        return
    for left in _MEMORY.glob(f"{_PREFIX}*"):  # by a run that was killed
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_MEMORY))
    folder.chmod(0o1777)  # as /tmp: some tests are somebody else
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None


def end() -> None:
    """Nothing of it is left."""
    for folder in _MEMORY.glob(f"{_PREFIX}{os.getpid()}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def elsewhere(than: Path) -> Path | None:
    """A folder that can be written to and is on another file system."""
    for folder in _OTHERS:
        if folder.is_dir() and os.access(folder, os.W_OK) and folder.stat().st_dev != than.stat().st_dev:
            return folder
    return None


def _roomy() -> bool:
    try:
        free = os.statvfs(_MEMORY)
        available = next(
            int(line.split()[1]) << 10
            for line in Path("/proc/meminfo").read_text().splitlines()
            if line.startswith("MemAvailable:")
        )
    except (OSError, StopIteration):
        return False
    return os.access(_MEMORY, os.W_OK) and min(free.f_bavail * free.f_frsize, available) >= _ROOM_BYTES
