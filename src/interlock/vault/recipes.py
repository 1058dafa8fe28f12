"""A file that is kept in chunks: the recipe that lists them, and reading the file by it.

A recipe is an object named by the SHA-256 of its own bytes, and lists the digests of its chunks:
whoever knows the recipe's name can verify each chunk as it comes, and with them the whole file.
It comes from a store, and is read as data from a stranger.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import itertools
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from interlock.catalog.canonical import canonical, parse
from interlock.errors import InterlockError, LedgerError, ObjectCorrupt
from interlock.vault import layout, packing
from interlock.vault.ahead import ahead
from interlock.vault.stores.protocol import Readable

FORMAT, VERSION = "interlock-recipe", 1
RECIPE_BYTES_MAX = 64 << 20  # three quarters of a million chunks
_REPAIR = "`interlock vault scrub --repair` mends it"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ENCODINGS = {"raw": False, "zstd": True}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file: the BLAKE3 and number of its bytes, and whether they are stored compressed."""

    blake3: str
    size_bytes: int
    compressed: bool

    @property
    def key(self) -> str:
        return layout.chunk_key(self.blake3, compressed=self.compressed)


@dataclass(frozen=True)
class Recipe:
    """The chunks that make up a file, in order."""

    chunks: tuple[Chunk, ...]

    @functools.cached_property
    def size_bytes(self) -> int:
        """Of the file."""
        return sum(chunk.size_bytes for chunk in self.chunks)

    @functools.cached_property
    def document(self) -> bytes:
        """The recipe's own bytes: canonical JSON."""
        named = {compressed: name for name, compressed in _ENCODINGS.items()}
        chunks = [[c.blake3, c.size_bytes, named[c.compressed]] for c in self.chunks]
        return canonical(
            {"format": FORMAT, "version": VERSION, "size_bytes": self.size_bytes, "chunks": chunks}
        )

    @functools.cached_property
    def sha256(self) -> str:
        """The name of the recipe, not of the file."""
        return hashlib.sha256(self.document).hexdigest()

    @property
    def key(self) -> str:
        return layout.recipe_key(self.sha256)

    def keys(self) -> list[str]:
        """All objects that the file needs: the recipe and its chunks, each once."""
        return [self.key, *dict.fromkeys(chunk.key for chunk in self.chunks)]


def load(store: Readable, sha256: str, *, version: str | None = None) -> Recipe:
    """The recipe of this name. `ObjectMissing`, `ObjectCorrupt`."""
    key = layout.recipe_key(sha256)
    data = _bounded(store, key, RECIPE_BYTES_MAX, version)
    if data is None or hashlib.sha256(data).hexdigest() != sha256:
        raise ObjectCorrupt(f"{store.where}/{key} is not the recipe that was put there", hint=_REPAIR)
    recipe = parsed(data)
    if recipe is None:
        raise ObjectCorrupt(
            f"{store.where}/{key} is not a recipe that this version reads", hint="a newer Interlock may"
        )
    return recipe


def parsed(data: bytes) -> Recipe | None:
    """The recipe that these bytes are; None where they break a rule of docs/formats/vault-v1.md."""
    try:
        document = parse(data)
    except LedgerError:
        return None
    if not isinstance(document, dict) or document.keys() != {"format", "version", "size_bytes", "chunks"}:
        return None
    listed = document["chunks"]
    if not isinstance(listed, list) or not all(map(_is_chunk, listed)):
        return None
    recipe = Recipe(tuple(Chunk(name, size, _ENCODINGS[how]) for name, size, how in listed))
    return recipe if recipe.document == data else None


def _is_chunk(entry: Any) -> bool:
    if not isinstance(entry, list) or [type(part) for part in entry] != [str, int, str]:
        return False
    name, size, how = entry
    return bool(_DIGEST.fullmatch(name)) and 0 < size <= packing.CHUNK_BYTES_MAX and how in _ENCODINGS


def read(store: Readable, recipe: Recipe) -> Iterator[bytes]:
    """The file's bytes, each verified before it is handed out; several chunks are fetched at once."""
    return ahead(lambda chunk: read_chunk(store, chunk), recipe.chunks)


def read_chunk(store: Readable, chunk: Chunk) -> bytes:
    """The bytes of one chunk. `ObjectMissing`; `ObjectCorrupt` where they are not those of its name."""
    stored = _bounded(store, chunk.key, chunk.size_bytes, None)
    data = stored and packing.unpack(stored, compressed=chunk.compressed, size_max=chunk.size_bytes)
    if not data or len(data) != chunk.size_bytes or packing.digest([data]) != chunk.blake3:
        raise ObjectCorrupt(f"{store.where}/{chunk.key} is not the chunk that was put there", hint=_REPAIR)
    return data


def _bounded(store: Readable, key: str, size_max: int, version: str | None) -> bytes | None:
    """An object of at most so many bytes, whatever lies there; None of a larger one."""
    data = b"".join(store.read(key, version=version, length=size_max + 1))
    return data if len(data) <= size_max else None


class RecipeRanges:
    """A file that is kept in chunks, read from anywhere in it; the chunk read last stays in memory."""

    def __init__(self, store: Readable, recipe: Recipe) -> None:
        self._store, self._recipe = store, recipe
        self._starts = list(itertools.accumulate((c.size_bytes for c in recipe.chunks), initial=0))
        self._last: tuple[int, bytes] = (-1, b"")

    @property
    def name(self) -> str:
        return f"{self._store.where}/{self._recipe.key}"

    @property
    def size_bytes(self) -> int:
        return self._recipe.size_bytes

    def read(self, start: int, length: int) -> Iterator[bytes]:
        end = start + length
        if not 0 <= start <= end <= self.size_bytes:
            raise InterlockError(f"{self.name} has no bytes {start:,} to {end:,}")
        while start < end:
            number = bisect.bisect_right(self._starts, start) - 1
            data = self._chunk(number)
            first = start - self._starts[number]
            piece = data[first : first + end - start]
            start += len(piece)
            yield piece

    def fingerprint(self, start: int, length: int) -> Hashable | None:
        first, after = (
            bisect.bisect_left(self._starts, start),
            bisect.bisect_left(self._starts, start + length),
        )
        if self._starts[first] != start or self._starts[after] != start + length:
            return None
        return tuple(chunk.blake3 for chunk in self._recipe.chunks[first:after])

    def _chunk(self, number: int) -> bytes:
        last, data = self._last
        if last != number:
            data = read_chunk(self._store, self._recipe.chunks[number])
            self._last = (number, data)
        return data
