"""Files that are kept in chunks: the recipe that lists them, and whether one is what its name says."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interlock.errors import ExtraMissing
from interlock.verify.places import Place, read

_RECIPE_BYTES_MAX = 64 << 20
_CHUNK_BYTES_MAX = 16 << 20
_ROOM = 1 << 20
_SEAL = bytes.fromhex(
    "502a4d18 20000000"
)  # of a frame that zstd skips: it holds the BLAKE3 of the one before
_SEAL_BYTES = len(_SEAL) + 32


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file, named by the BLAKE3 of its bytes."""

    blake3: str
    size_bytes: int
    compressed: bool

    @property
    def key(self) -> str:
        return f"chunks/{self.blake3[:2]}/{self.blake3}{'.zst' if self.compressed else ''}"


def recipe_key(sha256: str) -> str:
    return f"recipes/{sha256[:2]}/{sha256}.json"


def recipe(main: Place, sha256: str, version: str | None) -> list[Chunk]:
    """The chunks of a recipe. `ValueError` says what is wrong with it."""
    data = read(main, recipe_key(sha256), version, _RECIPE_BYTES_MAX + 1)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError("is not the recipe that was put" if data else "is missing")
    made: Any = json.loads(data)
    if (made.get("format"), made.get("version")) != ("interlock-recipe", 1):
        raise ValueError("is no recipe that this version reads")
    found = [Chunk(name, size, how == "zstd") for name, size, how in made["chunks"]]
    if sum(chunk.size_bytes for chunk in found) != made["size_bytes"]:
        raise ValueError("its chunks do not add up")
    return found


def is_whole(main: Place, chunk: Chunk, version: str | None, on_bytes: Callable[[int], None]) -> bool:
    """Whether a chunk's bytes are those of its name."""
    data = read(main, chunk.key, version, _CHUNK_BYTES_MAX + _ROOM)
    on_bytes(len(data))
    if chunk.compressed:
        data, seal = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
        if seal != _SEAL + _library("blake3").blake3(data).digest():
            return False
        zstd = _library("zstandard")
        try:
            if not 0 <= zstd.frame_content_size(data) <= _CHUNK_BYTES_MAX:
                return False
            data = zstd.ZstdDecompressor().decompress(data)
        except zstd.ZstdError:
            return False
    return len(data) == chunk.size_bytes and _library("blake3").blake3(data).hexdigest() == chunk.blake3


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ExtraMissing(
            f"to read files that are kept in chunks takes {name}", hint="pip install 'interlock[dedup]'"
        ) from None
