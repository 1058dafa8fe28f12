"""Reading a file by its recipe: what was tampered with, bent or lost is told before a byte of it is handed out."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from interlock.catalog.canonical import canonical
from interlock.errors import InterlockError, ObjectCorrupt, ObjectMissing
from interlock.vault import chunks, layout, packing, recipes
from interlock.vault.ranges import as_file, whole
from interlock.vault.recipes import Chunk, Recipe, RecipeRanges
from interlock.vault.stores.local import LocalStore
from tests.vault.model_files import noise, path_of, tensor_file, weights

MIB = 1 << 20
DATA = tensor_file(
    {"counts": np.arange(60_000, dtype=np.int32) // 50, "tight": weights(1, 60_000), "bias": weights(2, 9)}
)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def put(store: LocalStore, data: bytes) -> Recipe:
    path = path_of(store.root.parent, data)
    return chunks.store_in_chunks(store, path, known=lambda keys: {}, lease=lambda sizes: {}).recipe


def replace(store: LocalStore, key: str, change: Callable[[bytes], bytes]) -> None:
    path = store.root / key
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(change(data))


def chunk_of(data: bytes, *, compressed: bool = False) -> Chunk:
    return Chunk(packing.digest([data]), len(data), compressed)


def read_as(store: LocalStore, chunk: Chunk, stored: bytes) -> bytes:
    store.put(chunk.key, stored)
    return recipes.read_chunk(store, chunk)


# --- chunks ---------------------------------------------------------------------------


@given(st.data())
@hypothesis_settings(max_examples=40, deadline=None)
def test_any_flipped_bit_is_found_by_whoever_reads_and_by_whoever_only_knows_the_key(
    tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject
) -> None:
    store = LocalStore(tmp_path_factory.mktemp("store") / "store")
    recipe = put(store, DATA)
    assert {c.compressed for c in recipe.chunks} == {True, False}
    key = draw.draw(st.sampled_from(recipe.keys()))
    size = (store.root / key).stat().st_size
    at, bit = draw.draw(st.integers(0, size - 1)), draw.draw(st.integers(0, 7))
    replace(store, key, lambda data: data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
    with pytest.raises(ObjectCorrupt, match=key):
        b"".join(recipes.read(store, recipes.load(store, recipe.sha256)))
    assert key == recipe.key or not packing.holds(key, (store.root / key).read_bytes())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data[:-1], id="truncated"),
        pytest.param(lambda data: b"", id="emptied"),
        pytest.param(lambda data: data + b"x", id="longer"),
        pytest.param(lambda data: noise(9, len(data)), id="other bytes"),
    ],
)
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_bent_chunk_is_corrupt(store: LocalStore, change: Callable[[bytes], bytes], number: int) -> None:
    chunk = put(store, DATA).chunks[number]
    replace(store, chunk.key, change)
    with pytest.raises(ObjectCorrupt, match=chunk.blake3):
        recipes.read_chunk(store, chunk)


def test_a_lost_chunk_is_missing_and_those_before_it_come_first(store: LocalStore) -> None:
    recipe = put(store, DATA)
    (store.root / recipe.chunks[-1].key).unlink()
    read = recipes.read(store, recipe)
    assert [next(read) for _ in recipe.chunks[:-1]]
    with pytest.raises(ObjectMissing, match=recipe.chunks[-1].blake3):
        next(read)


def test_chunks_that_were_swapped_are_corrupt(store: LocalStore) -> None:
    first, second = noise(1, 1000), noise(2, 1000)
    with pytest.raises(ObjectCorrupt):
        read_as(store, chunk_of(first), second)


def compressed(data: bytes, **options: Any) -> bytes:
    return packing.sealed(zstandard.ZstdCompressor(**options).compress(data))


def test_a_bomb_is_not_set_off(store: LocalStore) -> None:
    bomb = zstandard.ZstdCompressor().compressobj(size=512 * MIB)
    frame = b"".join(bomb.compress(bytes(MIB)) for _ in range(512)) + bomb.flush()
    assert len(frame) < 100_000
    chunk = Chunk("0" * 64, packing.CHUNK_BYTES_MAX, True)
    tracemalloc.start()
    with pytest.raises(ObjectCorrupt):
        read_as(store, chunk, packing.sealed(frame))
    assert not packing.holds(chunk.key, packing.sealed(frame))
    assert tracemalloc.get_traced_memory()[1] < 20 * MIB
    tracemalloc.stop()


def test_a_frame_that_holds_more_than_it_says_is_corrupt(store: LocalStore) -> None:
    data = bytes(100_000)
    frame = bytearray(zstandard.ZstdCompressor().compress(data))
    said = zstandard.frame_content_size(bytes(frame))
    at = bytes(frame).index((said).to_bytes(4, "little"))
    frame[at : at + 4] = (1_000).to_bytes(4, "little")
    assert zstandard.frame_content_size(bytes(frame)) == 1_000
    with pytest.raises(ObjectCorrupt):
        read_as(store, chunk_of(data[:1_000], compressed=True), packing.sealed(bytes(frame)))


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(compressed(b"a" * 1000, write_content_size=False), id="of unknown size"),
        pytest.param(packing.sealed(b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"), id="skippable"),
        pytest.param(packing.sealed(b"a" * 100), id="none at all"),
        pytest.param(compressed(b"a" * 1000)[:-40], id="without its seal"),
    ],
)
def test_a_frame_of_another_make_is_corrupt(store: LocalStore, stored: bytes) -> None:
    with pytest.raises(ObjectCorrupt):
        read_as(store, chunk_of(b"a" * 1000, compressed=True), stored)


def test_zstd_itself_reads_a_compressed_chunk() -> None:
    stored, is_compressed = packing.pack(DATA)
    assert is_compressed
    with zstandard.ZstdDecompressor().stream_reader(stored, read_across_frames=True) as reader:
        assert reader.read() == DATA


def test_a_chunk_is_told_from_others_by_its_key_alone() -> None:
    data = b"a" * 1000
    plain, packed = chunk_of(data).key, chunk_of(data, compressed=True).key
    assert packing.holds(plain, data)
    assert packing.holds(packed, compressed(data))
    assert not packing.holds(plain, compressed(data))
    assert not packing.holds(packed, data)
    assert not packing.holds(plain.replace("chunks/", "objects/"), data)


# --- recipes --------------------------------------------------------------------------


def test_a_recipe_is_named_by_its_own_bytes_which_are_canonical() -> None:
    recipe = Recipe((Chunk("a" * 64, 5, False), Chunk("b" * 64, 7, True)))
    assert recipe.document == (
        b'{"chunks":[["%b",5,"raw"],["%b",7,"zstd"]],"format":"interlock-recipe","size_bytes":12,"version":1}'
        % (b"a" * 64, b"b" * 64)
    )
    assert recipes.parsed(recipe.document) == recipe
    assert recipe.keys() == [recipe.key, f"chunks/aa/{'a' * 64}", f"chunks/bb/{'b' * 64}.zst"]


def test_an_empty_file_has_a_recipe_of_no_chunks(store: LocalStore) -> None:
    recipe = put(store, b"")
    assert recipe.chunks == ()
    assert b"".join(recipes.read(store, recipes.load(store, recipe.sha256))) == b""


GOOD: dict[str, Any] = {
    "format": "interlock-recipe",
    "version": 1,
    "size_bytes": 12,
    "chunks": [["a" * 64, 5, "raw"], ["b" * 64, 7, "zstd"]],
}
TAMPERED: dict[str, Any] = {
    "of another format": {**GOOD, "format": "interlock-vault"},
    "of another version": {**GOOD, "version": 2},
    "of another size": {**GOOD, "size_bytes": 13},
    "with one key more": {**GOOD, "more": 1},
    "with one key less": {k: v for k, v in GOOD.items() if k != "version"},
    "with chunks that are no list": {**GOOD, "chunks": {}},
    "with a chunk that is no list": {**GOOD, "chunks": ["a"]},
    "with a name that leaves the folder": {**GOOD, "chunks": [["../" * 20 + "etc0", 12, "raw"]]},
    "with a name in capitals": {**GOOD, "chunks": [["A" * 64, 12, "raw"]]},
    "with a chunk of no bytes": {**GOOD, "chunks": [*GOOD["chunks"], ["c" * 64, 0, "raw"]]},
    "with a chunk of fewer than none": {**GOOD, "chunks": [["a" * 64, 13, "raw"], ["c" * 64, -1, "raw"]]},
    "with a size that is true": {**GOOD, "size_bytes": 1, "chunks": [["a" * 64, True, "raw"]]},
    "with a chunk too large to hold": {**GOOD, "size_bytes": 2**40, "chunks": [["a" * 64, 2**40, "raw"]]},
    "with an unknown encoding": {**GOOD, "chunks": [["a" * 64, 12, "lz4"]]},
    "that is a list": [],
}


@pytest.mark.parametrize("document", [pytest.param(d, id=name) for name, d in TAMPERED.items()])
def test_a_recipe_that_breaks_a_rule_is_refused(store: LocalStore, document: Any) -> None:
    assert recipes.parsed(canonical(GOOD)) is not None
    data = canonical(document)
    assert recipes.parsed(data) is None
    name = hashlib.sha256(data).hexdigest()
    store.put(layout.recipe_key(name), data)
    with pytest.raises(ObjectCorrupt):
        recipes.load(store, name)


@pytest.mark.parametrize(
    "data",
    [json.dumps(GOOD).encode(), b"", b"{", b"[" * 100_000, b"\xff"],
    ids=["spaces", "", "{", "deep", "bytes"],
)
def test_what_is_not_canonical_json_is_no_recipe(data: bytes) -> None:
    assert recipes.parsed(data) is None


def test_another_whole_recipe_in_the_place_of_one_is_corrupt(store: LocalStore) -> None:
    one, other = put(store, noise(1, 100)), put(store, noise(2, 100))
    replace(store, one.key, lambda data: other.document)
    with pytest.raises(ObjectCorrupt, match="is not the recipe"):
        recipes.load(store, one.sha256)
    (store.root / other.key).unlink()
    with pytest.raises(ObjectMissing):
        recipes.load(store, other.sha256)


# --- ranges ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ranges(tmp_path_factory: pytest.TempPathFactory) -> RecipeRanges:
    store = LocalStore(tmp_path_factory.mktemp("ranges") / "store")
    return RecipeRanges(store, put(store, DATA))


@given(st.data())
@hypothesis_settings(max_examples=60, deadline=None)
def test_any_range_of_a_file_in_chunks_is_that_of_the_file(ranges: RecipeRanges, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(DATA)))
    length = draw.draw(st.integers(0, len(DATA) - start))
    assert whole(ranges, start, length) == DATA[start : start + length]


def test_a_range_outside_of_the_file_is_refused(ranges: RecipeRanges) -> None:
    for start, length in ((len(DATA), 1), (-1, 1), (0, len(DATA) + 1)):
        with pytest.raises(InterlockError, match="has no bytes"):
            whole(ranges, start, length)


def test_whole_chunks_have_a_fingerprint_and_parts_of_them_none(store: LocalStore) -> None:
    recipe = put(store, DATA)
    ranges = RecipeRanges(store, recipe)
    first, second = recipe.chunks[:2]
    assert ranges.fingerprint(0, len(DATA)) == tuple(c.blake3 for c in recipe.chunks)
    assert ranges.fingerprint(first.size_bytes, second.size_bytes) == (second.blake3,)
    assert ranges.fingerprint(first.size_bytes, second.size_bytes - 1) is None
    assert ranges.fingerprint(1, first.size_bytes) is None


def test_a_file_in_chunks_can_be_sought_in(ranges: RecipeRanges) -> None:
    file = as_file(ranges)
    assert file.read(10) == DATA[:10]
    assert file.seek(-9, 2) == len(DATA) - 9
    assert file.read() == DATA[-9:]
    assert file.read(1) == b""
    assert file.seek(300_000) == 300_000
    assert file.read(7) == DATA[300_000:300_007]
