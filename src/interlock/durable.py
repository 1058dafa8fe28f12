"""The only place that makes files last: fsync, atomic replacement, moves and links.

After a function here returns, its effect survives loss of power. Everything goes
through ``os.fsync``, ``os.replace``, ``os.rename``, ``os.link`` and ``os.unlink``,
so a test can stop the process at each of these boundaries. Whatever the
operating system refuses becomes `StorageFailed`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from interlock.errors import StorageFailed, WorkspaceBusy

TEMPORARY_SUFFIX = ".tmp"
_TRIES = 10

_HINTS = {
    errno.ENOSPC: "free some space and try again",
    errno.EDQUOT: "free some space and try again",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "check who owns the workspace folder",
    errno.EPERM: "check who owns the workspace folder",
    errno.EMFILE: "too many open files; raise the limit with `ulimit -n`",
}


def storage_failed(error: OSError, path: Path | str | None = None) -> StorageFailed:
    """The one-line error for what the operating system refused."""
    place = error.filename or path
    reason = error.strerror or str(error)
    return StorageFailed(f"{place}: {reason}" if place else reason, hint=_HINTS.get(error.errno or 0))


@contextlib.contextmanager
def refusals(path: Path | str | None = None) -> Iterator[None]:
    """Turn every `OSError` of the block into `StorageFailed`."""
    try:
        yield
    except OSError as error:
        raise storage_failed(error, path) from error


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's bytes last."""
    with refusals(path):
        _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Make the names in a folder last."""
    with refusals(path):
        _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def make_folder(path: Path) -> None:
    """Create a folder and its parents, and make their names last; nothing if it exists."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    with refusals(path):
        path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def _write_temporary(path: Path, data: bytes) -> Path:
    # Its own among all processes of all machines that share the folder.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{TEMPORARY_SUFFIX}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def write(path: Path, data: bytes) -> None:
    """Replace a file as a whole: a reader sees the old bytes or the new, never a mixture."""
    write_all({path: data})


def write_all(files: dict[Path, bytes]) -> None:
    """`write` for several files: each whole, in the order given, each folder synced once at the end."""
    for path, data in files.items():
        make_folder(path.parent)
        with refusals(path):
            os.replace(_write_temporary(path, data), path)
    for folder in dict.fromkeys(path.parent for path in files):
        sync_folder(folder)


def move(source: Path, target: Path) -> None:
    """Rename within one file system; the target's folder is made if need be."""
    move_all({source: target})


def move_all(pairs: Mapping[Path, Path]) -> None:
    """`move` for several files; each folder is synced once, after all of them."""
    for folder in dict.fromkeys(target.parent for target in pairs.values()):
        make_folder(folder)
    for source, target in pairs.items():
        with refusals(source):
            os.rename(source, target)
    for folder in dict.fromkeys((*(t.parent for t in pairs.values()), *(s.parent for s in pairs))):
        sync_folder(folder)


def link(source: Path, target: Path) -> None:
    """Give a file a second name. Nothing happens where ``target`` already is that file."""
    make_folder(target.parent)
    with refusals(source):
        try:
            os.link(source, target)
        except FileExistsError:
            if not os.path.samefile(source, target):
                raise
    sync_folder(target.parent)


def link_new(source: Path, target: Path) -> bool:
    """Give a file a second name unless something has it: False then, and nothing happens."""
    make_folder(target.parent)
    with refusals(target):
        try:
            os.link(source, target)
        except FileExistsError:
            return False
    sync_folder(target.parent)
    return True


def remove(paths: Iterable[Path]) -> None:
    """Remove files that are no longer referenced; those already gone don't matter."""
    folders: dict[Path, None] = {}
    for path in paths:
        with refusals(path), contextlib.suppress(FileNotFoundError):
            os.unlink(path)
            folders[path.parent] = None
    for folder in folders:
        sync_folder(folder)


@contextlib.contextmanager
def locked(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold an exclusive advisory lock on ``path``; `WorkspaceBusy` after ``timeout_s``.

    The lock goes with the process, so a killed holder never blocks the next one.
    The folder is made if need be.
    """
    with refusals(path):
        descriptor = _made_and_open(path)
    with _held(descriptor, path, fcntl.LOCK_EX, timeout_s):
        yield


def _made_and_open(path: Path) -> int:
    """A file to lock. Its folder is made again where another process removes it at this moment."""
    for _ in range(_TRIES):
        make_folder(path.parent)
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


@contextlib.contextmanager
def shared(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Keep out whoever wants `locked`, without writing; no lock where the file isn't there."""
    with refusals(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            descriptor = None
    if descriptor is None:
        yield
        return
    with _held(descriptor, path, fcntl.LOCK_SH, timeout_s):
        yield


@contextlib.contextmanager
def _held(descriptor: int, path: Path, kind: int, timeout_s: float) -> Iterator[None]:
    try:
        deadline = time.monotonic() + timeout_s
        while not _try_lock(descriptor, path, kind):
            if time.monotonic() >= deadline:
                raise WorkspaceBusy(
                    f"another process holds {path}", hint=f"waited {timeout_s:g} s; try again"
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, path: Path, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise storage_failed(error, path) from error
    return True
