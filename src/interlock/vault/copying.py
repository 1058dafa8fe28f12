"""Bytes written to a file and hashed, about as fast as they can be copied.

The digest is of what the file holds, not of what went in: another thread reads it back, from memory, some
steps behind the writing. And what was written starts for the disk at once, so that little is left for a sync.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from interlock.errors import StorageFailed
from interlock.vault.stores.protocol import CHUNK_BYTES, OnBytes

STEP_BYTES = 8 << 20  # hashed at a time: threads that meet seldom do not wait for one another
BEHIND = 8  # steps that hashing may lag: what was written must still be in memory then


def copied(
    pieces: Iterable[bytes],
    out: io.FileIO,
    on_bytes: OnBytes | None = None,
    *,
    source: io.FileIO | None = None,
) -> tuple[str, int]:
    """Write pieces into an empty file that can be read; SHA-256 in hexadecimal, and number, of its bytes.

    ``source`` is the file that ``pieces`` reads, if it is one: the kernel copies what it can by itself.
    Nothing is synced. Raises `OSError` where the file cannot be written, and what ``pieces`` raises.
    """
    hashed, size = hashlib.sha256(), 0
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1) as behind:
        for begin, size in _steps(pieces, out, source, on_bytes):
            waiting.append(behind.submit(_hash, out, begin, size, hashed))
            if len(waiting) > BEHIND:
                waiting.popleft().result()
        for one in waiting:
            one.result()
    return hashed.hexdigest(), size


def written(pieces: Iterable[bytes], out: io.FileIO, on_bytes: OnBytes | None = None) -> None:
    """As `copied`, of pieces that were verified each: nothing is hashed."""
    for _ in _steps(pieces, out, None, on_bytes):
        pass


def _steps(
    pieces: Iterable[bytes], out: io.FileIO, source: io.FileIO | None, on_bytes: OnBytes | None
) -> Iterator[tuple[int, int]]:
    """Where each step of what was written begins and ends; it is on its way to the disk."""
    size = begun = 0
    for done in _written(pieces, out, source):
        size += done
        if on_bytes is not None:
            on_bytes(done)
        if size - begun >= STEP_BYTES:
            _start_for_the_disk(out, begun, size)
            yield begun, size
            begun = size
    if size > begun:
        yield begun, size


def _written(pieces: Iterable[bytes], out: io.FileIO, source: io.FileIO | None) -> Iterator[int]:
    """Bytes written, each time there were some. What the kernel will not copy, or fails at, is read in pieces."""
    if source is not None and hasattr(os, "copy_file_range"):
        with contextlib.suppress(OSError):
            while done := os.copy_file_range(source.fileno(), out.fileno(), CHUNK_BYTES):
                yield done
    for data in pieces:
        left = memoryview(data)
        while left:  # a disk that is nearly full takes less than all, and says so of the rest only
            left = left[out.write(left) :]
        yield len(data)


def _start_for_the_disk(out: io.FileIO, begin: int, end: int) -> None:
    if hasattr(os, "posix_fadvise"):  # Linux begins to write what is dirty, and forgets only what is not
        os.posix_fadvise(out.fileno(), begin, end - begin, os.POSIX_FADV_DONTNEED)


def _hash(out: io.FileIO, begin: int, end: int, hashed: hashlib._Hash) -> None:
    buffer = memoryview(bytearray(min(CHUNK_BYTES, end - begin)))
    while begin < end:
        read = os.preadv(out.fileno(), [buffer[: end - begin]], begin)
        if not read:
            raise StorageFailed("a file was cut short while it was written")
        hashed.update(buffer[:read])
        begin += read
