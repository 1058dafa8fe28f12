"""Whether bytes are what their key says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from interlock.vault import layout, packing
from interlock.vault.hashing import sha256_of
from interlock.vault.stores.protocol import CHUNK_BYTES, OnBytes, Taken

CHUNK_OBJECT_BYTES_MAX = packing.CHUNK_BYTES_MAX + (
    1 << 20
)  # zstd makes what it cannot shrink a little longer


@dataclass(frozen=True, slots=True)
class Found:
    """Bytes that lie under a key: whether they are ``whole``, and under which ``keys`` they would be so."""

    whole: bool
    size_bytes: int
    sha256: str = ""
    keys: tuple[str, ...] = ()


def look(
    key: str, pieces: Iterable[bytes], digest: str | None = None, on_bytes: OnBytes | None = None
) -> Found:
    """Judge the bytes under ``key``. ``digest`` is their SHA-256 where the key does not name it: of a manifest."""
    if key.startswith(layout.CHUNKS):
        return _look_at_chunk(key, pieces, on_bytes)
    return _judged(key, *sha256_of(pieces, on_bytes), digest)


def look_at(key: str, taken: Taken, digest: str | None = None) -> Found:
    """As `look`, of bytes that were taken to be put under ``key``, and hashed on the way."""
    if key.startswith(layout.CHUNKS):
        with open(taken.path, "rb", buffering=0) as file:
            return _look_at_chunk(key, iter(lambda: file.read(CHUNK_BYTES), b""), None)
    return _judged(key, taken.sha256, taken.size_bytes, digest)


def _judged(key: str, sha256: str, size_bytes: int, digest: str | None) -> Found:
    keys = (layout.object_key(sha256), layout.recipe_key(sha256))
    return Found(sha256 == digest if digest is not None else key in keys, size_bytes, sha256, keys)


def _look_at_chunk(key: str, pieces: Iterable[bytes], on_bytes: OnBytes | None) -> Found:
    data, size = b"", 0
    for piece in pieces:
        size += len(piece)
        data = data + piece if size <= CHUNK_OBJECT_BYTES_MAX else b""
        if on_bytes is not None:
            on_bytes(len(piece))
    if packing.holds(key, data):
        return Found(True, size)
    sha256 = hashlib.sha256(data).hexdigest()
    return Found(False, size, sha256, (*_judged(key, sha256, size, "").keys, *_chunk_keys(data)))


def _chunk_keys(data: bytes) -> Iterator[str]:
    for compressed in (False, True):
        chunk = packing.unpack(data, compressed=compressed) if data else None
        if chunk is not None:
            yield layout.chunk_key(packing.digest([chunk]), compressed=compressed)
