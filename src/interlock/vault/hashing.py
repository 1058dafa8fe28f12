"""SHA-256 of files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

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
    try:
        with open(path, "rb", buffering=0) as file:
            return sha256_of(iter(lambda: file.read(CHUNK_BYTES), b""), on_bytes)
    except FileNotFoundError:
        raise DataNotFound(f"{path} is not there") from None
    except OSError as error:
        raise DataUnreadable(f"{path}: {error.strerror}") from error
