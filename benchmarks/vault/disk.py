"""What all tools are given and made to do alike: cold files before, files on the disk after."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


def forget(*trees: Path) -> None:
    """No byte of these files stays in the page cache (they are synced first, since dirty pages stay)."""
    for path in _files(*trees):
        with _open(path) as fd:
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def read(tree: Path) -> None:
    """Every byte of these files is in the page cache, as after they were written."""
    for path in _files(tree):
        with _open(path) as fd:
            while os.read(fd, 1 << 20):
                pass


def settle(*trees: Path) -> None:
    """Every file and folder of these trees is on the disk."""
    for path in (*_files(*trees), *_folders(*trees)):
        with _open(path) as fd:
            os.fsync(fd)


def occupied(tree: Path) -> int:
    """Bytes a tree takes up, as `du` counts."""
    return sum(os.lstat(path).st_blocks * 512 for path in (*_files(tree), *_folders(tree)))


def remove(tree: Path) -> None:
    """The tree is gone, and what its removal costs the disk is over."""
    shutil.rmtree(tree, ignore_errors=True)
    os.sync()


def system(path: Path) -> str:
    """The kind of file system that holds a path."""
    done = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True)
    return done.stdout.strip()


def _files(*trees: Path) -> Iterator[Path]:
    for tree in trees:
        yield from (Path(at) / name for at, _, names in os.walk(tree) for name in names)


def _folders(*trees: Path) -> Iterator[Path]:
    for tree in trees:
        yield from (Path(at) for at, _, _ in os.walk(tree))


@contextlib.contextmanager
def _open(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)
