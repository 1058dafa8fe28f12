"""What tells whether a file is still the one that was judged.

Of files that belong to the workspace the SHA-256 of their bytes; of files that
belong to somebody else, which may change at any time, when they last did.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from interlock import durable

_CONTENT, _TIME = "sha256:", "mtime:"
_BLOCK_BYTES = 1 << 20


def of_content(path: Path) -> str:
    """``sha256:`` and the digest of a file's bytes. Raises `StorageFailed` where it cannot be read."""
    with durable.refusals(path), path.open("rb") as file:
        return of_bytes(file)


def of_bytes(stream: BinaryIO) -> str:
    """`of_content` of what a stream still holds."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
    return _CONTENT + digest.hexdigest()


def of_time(facts: os.stat_result) -> str:
    """``mtime:`` and when a file last changed, in nanoseconds since 1970."""
    return f"{_TIME}{facts.st_mtime_ns}"


def is_of_time(digest: str | None) -> bool:
    """Whether it is that of somebody else's file."""
    return digest is not None and digest.startswith(_TIME)
