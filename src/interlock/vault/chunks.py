"""Cutting a file into chunks that its next version will share, and keeping those that are new.

What these numbers and rules decide is where a file is cut. They are no settings, since two who cut
differently share nothing.
"""

from __future__ import annotations

import datetime as dt
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from interlock.errors import UsageError
from interlock.vault import keeping
from interlock.vault.ahead import ahead
from interlock.vault.packing import CHUNK_BYTES_MAX, digest, extra, pack
from interlock.vault.ranges import FileRanges, Ranges, whole
from interlock.vault.recipes import RECIPE_BYTES_MAX, Chunk, Recipe
from interlock.vault.stores.protocol import Held, OnBytes, Store, Taken
from interlock.vault.tensors import read_header

# Smaller tensors beside each other are cut by content: ten thousand scalars are not as many objects.
TENSOR_BYTES_MIN = 64 << 10
CONTENT_BYTES = 1 << 20  # of a chunk that is cut by content, on average; at most four times as many
_BATCH_BYTES = 128 << 20  # taken, leased and kept together: bounds what lies in temporary files

Known = Callable[[Collection[str]], Mapping[str, int]]
"""Which of these keys are in the vault, with the size of the object; a hint, which may be out of date."""
Lease = Callable[[Mapping[str, int]], Mapping[str, Held]]
"""Takes a lease on keys, with their sizes, and returns the whole objects that are in the store *after* that."""
Keep = Callable[[Taken, str], Held]
"""Keeps leased bytes under their key, as `interlock.vault.keeping.kept`."""


class Cut(NamedTuple):
    """A place in a file, and the BLAKE3 of what is there."""

    start: int
    size_bytes: int
    blake3: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is in a store: its recipe, and all objects it needs, those that were there and those put now."""

    recipe: Recipe
    held: tuple[Held, ...]


def store_in_chunks(
    store: Store,
    path: Path,
    *,
    known: Known,
    lease: Lease,
    keep: Keep | None = None,
    until: dt.datetime | None = None,
    on_bytes: OnBytes | None = None,
) -> Stored:
    """Put a file as chunks and a recipe. Everything is read once, and what is new a second time.

    Each object is leased before its existence decides anything. ``on_bytes`` is told of half of
    each chunk's bytes when it is hashed and of the rest when it is in the store. Handles one file in many
    threads: call it for one after the other. `DataUnreadable` where the file changes meanwhile,
    `ExtraMissing`, and what stores raise; what was kept until then is for the collector.
    """
    told = on_bytes or (lambda size: None)
    keep = keep or partial(_kept_unpinned, store, until)
    with FileRanges(path) as file:
        cuts = cut(file, lambda size: told(size // 2))
        left = Counter[str]()
        for piece in cuts:
            left[piece.blake3] += piece.size_bytes - piece.size_bytes // 2
        distinct = list({piece.blake3: piece for piece in cuts}.values())
        there = _there(store, distinct, known, lease, until)
        told(sum(left[name] for name in there))
        for batch in _batches([piece for piece in distinct if piece.blake3 not in there]):
            there |= _kept(store, file, batch, lease, keep)
            told(sum(left[piece.blake3] for piece in batch))
        file.unchanged()
    recipe = Recipe(tuple(there[piece.blake3][0] for piece in cuts))
    if len(recipe.document) > RECIPE_BYTES_MAX:
        raise UsageError(f"{path} has too many chunks for a recipe", hint="put it without `dedup: tensor`")
    lease({recipe.key: len(recipe.document)})
    document = store.take(io.BytesIO(recipe.document))
    try:
        held = keep(document, recipe.key)
    finally:
        store.drop(document)
    return Stored(recipe, (*(held for _, held in there.values()), held))


# --- where a file is cut --------------------------------------------------------------


def plan(file: Ranges) -> Iterator[tuple[int, int]]:
    """Where each chunk starts and how long it is: they follow each other and fill the file.

    The header of a safetensors file is a chunk, and so is each tensor, or its pieces where it is
    large: neither a new name nor a longer header moves what is in the others.
    """
    header = read_header(file)
    if header is None:
        yield from _by_content(file, 0, file.size_bytes)
        return
    yield 0, header.size_bytes
    done = header.size_bytes
    for tensor in header.tensors:
        if tensor.size_bytes >= TENSOR_BYTES_MIN:
            yield from _by_content(file, done, tensor.start)
            done = tensor.start + tensor.size_bytes
            yield from _evenly(tensor.start, done)
    yield from _by_content(file, done, file.size_bytes)


def cut(file: Ranges, on_bytes: OnBytes | None = None) -> list[Cut]:
    """The chunks of a file by name, all of it read once."""
    cuts = []
    for piece in ahead(partial(_hashed, file), plan(file)):
        cuts.append(piece)
        if on_bytes is not None:
            on_bytes(piece.size_bytes)
    return cuts


def _hashed(file: Ranges, place: tuple[int, int]) -> Cut:
    return Cut(*place, digest(file.read(*place)))


def _evenly(start: int, end: int) -> Iterator[tuple[int, int]]:
    for at in range(start, end, CHUNK_BYTES_MAX):
        yield at, min(CHUNK_BYTES_MAX, end - at)


def _by_content(file: Ranges, start: int, end: int) -> Iterator[tuple[int, int]]:
    if start == end:
        return
    pieces = extra("pyfastcdc").FastCDC(CONTENT_BYTES).cut_stream(_Stream(file.read(start, end - start)))
    for piece in pieces:
        yield start + piece.offset, piece.length


class _Stream:
    """What the library reads from: pieces of bytes, one after the other."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._piece = pieces, memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        piece = self._piece or memoryview(next(self._pieces, b""))
        size = min(len(piece), len(buffer))
        buffer[:size] = piece[:size]
        self._piece = piece[size:]
        return size


# --- what is new is kept --------------------------------------------------------------

_Placed = dict[str, tuple[Chunk, Held]]  # by the chunk's name


def _there(
    store: Store, cuts: Sequence[Cut], known: Known, lease: Lease, until: dt.datetime | None
) -> _Placed:
    """The chunks that are in the store already, under a lease, and locked as long as the new ones."""
    either = [Chunk(c.blake3, c.size_bytes, compressed) for c in cuts for compressed in (True, False)]
    sizes = known([chunk.key for chunk in either])
    likely = {chunk.key: chunk for chunk in either if chunk.key in sizes}
    held = lease({key: sizes[key] for key in likely}) if likely else {}
    found = {chunk.blake3: (chunk, held[key]) for key, chunk in likely.items() if key in held}
    if until is None:
        return found

    def extended(chunk: Chunk, held: Held) -> tuple[Chunk, Held]:
        return chunk, replace(held, locked_until=store.retain(held.key, held.version, until))

    return dict(zip(found, ahead(lambda pair: extended(*pair), found.values()), strict=True))


def _batches(cuts: Sequence[Cut]) -> Iterator[list[Cut]]:
    batch, size_bytes = list[Cut](), 0
    for piece in cuts:
        if size_bytes + piece.size_bytes > _BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
        batch.append(piece)
        size_bytes += piece.size_bytes
    if batch:
        yield batch


def _kept(store: Store, file: FileRanges, cuts: list[Cut], lease: Lease, keep: Keep) -> _Placed:
    """New chunks are put, but for those that another put meanwhile."""
    taken: list[tuple[Chunk, Taken]] = []
    try:
        taken.extend(ahead(partial(_taken, store, file), cuts))
        lease({chunk.key: got.size_bytes for chunk, got in taken})
        held = ahead(lambda one: keep(one[1], one[0].key), taken)
        return {chunk.blake3: (chunk, held) for (chunk, _), held in zip(taken, held, strict=True)}
    finally:
        for _, got in taken:
            store.drop(got)


def _taken(store: Store, file: FileRanges, piece: Cut) -> tuple[Chunk, Taken]:
    data = whole(file, piece.start, piece.size_bytes)
    if digest([data]) != piece.blake3:
        raise file.changed()
    stored, compressed = pack(data)
    return Chunk(piece.blake3, piece.size_bytes, compressed), store.take(io.BytesIO(stored))


def _kept_unpinned(store: Store, until: dt.datetime | None, taken: Taken, key: str) -> Held:
    return keeping.kept(store, taken, key, None, until=until)
