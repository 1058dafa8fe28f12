"""SHA-256 of files, and how a source is read."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from interlock.errors import DataNotFound, DataUnreadable
from interlock.vault.stores.protocol import CHUNK_BYTES, OnBytes


def sha256_of(pieces: Iterable[bytes], on_bytes: OnBytes | None = None) -> tuple[str, int]:
    """SHA-256 in hexadecimal, and number, of these bytes."""
    hashed, size = hashlib.sha256(), 0
    for data in pieces:
        hashed.update(data)
        size += len(data)
        if on_bytes is not None:
            on_bytes(len(data))
    return hashed.hexdigest(), size


def sha256_of_file(path: Path, on_bytes: OnBytes | None = None) -> tuple[str, int]:
    """As `sha256_of`, of a file. `DataNotFound`, `DataUnreadable`."""
    with opened(path) as file:
        return sha256_of(iter(lambda: piece(file), b""), on_bytes)


def in_order(file: io.FileIO | BinaryIO) -> None:
    """Say that a file is read from here to its end: a disk that may run far ahead is up to four times as fast."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):  # a pipe
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)


@contextlib.contextmanager
def opened(source: Path, *, buffering: int = 0) -> Iterator[BinaryIO]:
    """A file to read from. `DataNotFound`, `DataUnreadable`."""
    try:
        file = open(source, "rb", buffering=buffering)  # noqa: SIM115
    except FileNotFoundError:
        raise DataNotFound(f"{source} is not there") from None
    except OSError as error:
        raise DataUnreadable(f"{source}: {error.strerror}") from error
    with file:
        in_order(file)
        yield file


def piece(source: BinaryIO, size: int = CHUNK_BYTES) -> bytes:
    """The next bytes of a source, none at its end. `DataUnreadable`."""
    try:
        return source.read(size)
    except OSError as error:
        raise DataUnreadable(f"{getattr(source, 'name', 'the source')}: {error.strerror}") from error
