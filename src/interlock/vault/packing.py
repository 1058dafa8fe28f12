"""One chunk of a file as it lies in a store: named by the BLAKE3 of its bytes, compressed where that pays.

A compressed one is a zstd frame and, in a frame that zstd skips, the BLAKE3 of the first: without it some
bits of a frame could flip and nobody would be told, since the same bytes come out.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from interlock.errors import ExtraMissing
from interlock.vault import layout

CHUNK_BYTES_MAX = 8 << 20  # of the format: what a reader must be ready to hold, several times over
PAYS_BELOW = 0.9  # a chunk is kept compressed where it is then at most this share of its size
LEVEL = 1  # weights shrink no further at higher ones, which take longer
_SEAL = bytes.fromhex("502a4d18 20000000")  # a skippable frame of 32 bytes
_SEAL_BYTES = len(_SEAL) + 32
_SAMPLE_BYTES = 64 << 10  # of the beginning, middle and end each, to tell whether compression pays


def extra(module: str) -> Any:
    """A library of the extra ``dedup``; `ExtraMissing` where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ExtraMissing(
            f"files that are kept in chunks need {module}", hint="pip install 'interlock[dedup]'"
        ) from None


def digest(pieces: Iterable[bytes | memoryview]) -> str:
    """BLAKE3: a chunk that is there already is found by hashing it, so hashing is what a put takes."""
    hashed = extra("blake3").blake3()
    for piece in pieces:
        hashed.update(piece)
    return str(hashed.hexdigest())


def pack(data: bytes) -> tuple[bytes, bool]:
    """What is stored, and whether that is compressed."""
    sample = _sample(data)
    if len(_frame(sample)) > PAYS_BELOW * len(sample):
        return data, False
    packed = sealed(_frame(data))
    return (packed, True) if len(packed) <= PAYS_BELOW * len(data) else (data, False)


def sealed(frame: bytes) -> bytes:
    """A zstd frame with its seal."""
    return frame + _seal(frame)


def _seal(frame: bytes | memoryview) -> bytes:
    return _SEAL + bytes.fromhex(digest([frame]))


def unpack(stored: bytes, *, compressed: bool, size_max: int = CHUNK_BYTES_MAX) -> bytes | None:
    """The chunk's bytes; None where they would be more than ``size_max``, or ``stored`` is no whole sealed frame.

    What a frame says of its size is believed only so far as room for it goes: nothing is made before.
    """
    if not compressed:
        return stored if len(stored) <= size_max else None
    zstd, frame = extra("zstandard"), memoryview(stored)[:-_SEAL_BYTES]
    if stored[-_SEAL_BYTES:] != _seal(frame):
        return None
    try:
        if not 0 <= zstd.frame_content_size(frame) <= size_max:
            return None
        return bytes(zstd.ZstdDecompressor().decompress(frame))
    except zstd.ZstdError:
        return None


def holds(key: str, stored: bytes) -> bool:
    """Whether ``stored`` is what the key of a chunk says; for whoever has no recipe that names it."""
    name = key.rpartition("/")[2]
    blake3 = name.removesuffix(".zst")
    compressed = name != blake3
    data = unpack(stored, compressed=compressed)
    return (
        key == layout.chunk_key(blake3, compressed=compressed)
        and data is not None
        and digest([data]) == blake3
    )


def _sample(data: bytes) -> bytes:
    if len(data) <= 3 * _SAMPLE_BYTES:
        return data
    middle = (len(data) - _SAMPLE_BYTES) // 2
    return data[:_SAMPLE_BYTES] + data[middle : middle + _SAMPLE_BYTES] + data[-_SAMPLE_BYTES:]


def _frame(data: bytes) -> bytes:
    return bytes(extra("zstandard").ZstdCompressor(level=LEVEL, write_content_size=True).compress(data))
