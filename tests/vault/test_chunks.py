"""Files that are kept in chunks: where they are cut, what a next version costs, and how one comes out again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from interlock.errors import DataNotFound, DataUnreadable, ExtraMissing, StorageFailed
from interlock.vault import chunks, packing, recipes
from interlock.vault.chunks import Cut, plan
from interlock.vault.packing import CHUNK_BYTES_MAX
from interlock.vault.ranges import FileRanges
from interlock.vault.recipes import Recipe
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.protocol import Held, Taken
from tests.vault.model_files import Memory, noise, path_of, tensor_file, weights

MIB = 1 << 20


@dataclass
class Place:
    """A store, and what a catalog would know of it. ``before_lease`` happens when the next lease is asked for."""

    store: LocalStore
    folder: Path
    leased: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    before_lease: Callable[[Mapping[str, int]], None] = lambda sizes: None

    def of_these(self, keys: Collection[str]) -> Mapping[str, int]:
        return {key: self.known[key] for key in keys if key in self.known}

    def lease(self, sizes: Mapping[str, int]) -> Mapping[str, Held]:
        self.before_lease(sizes)
        self.leased |= sizes
        return {key: held for key in sizes if (held := self.store.stat(key))}

    def put(self, data: bytes) -> tuple[Recipe, int]:
        """The recipe of a file with these bytes, and how many bytes came into the store for it."""
        before = self.sizes()
        stored = chunks.store_in_chunks(
            self.store, path_of(self.folder, data), known=self.of_these, lease=self.lease
        )
        assert {held.key for held in stored.held} == set(stored.recipe.keys()) <= self.leased.keys()
        self.known |= {held.key: held.size_bytes for held in stored.held}
        return stored.recipe, sum(size for key, size in self.sizes().items() if key not in before)

    def sizes(self) -> dict[str, int]:
        return {held.key: held.size_bytes for held in self.store.list()}

    def read(self, recipe: Recipe) -> bytes:
        return b"".join(recipes.read(self.store, recipes.load(self.store, recipe.sha256)))

    def temporary(self) -> list[Path]:
        return list((self.store.root / "tmp").iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(LocalStore(tmp_path / "store"), tmp_path)


def cuts(data: bytes) -> list[Cut]:
    return chunks.cut(Memory(data))


# --- where a file is cut --------------------------------------------------------------


@given(st.integers(0, 6 * MIB), st.integers(0, 3))
@hypothesis_settings(max_examples=15, deadline=None)
def test_chunks_follow_each_other_and_fill_the_file(size_bytes: int, seed: int) -> None:
    data = noise(seed, size_bytes)
    end = 0
    for start, length in plan(Memory(data)):
        assert start == end
        assert 0 < length <= CHUNK_BYTES_MAX
        end += length
    assert end == size_bytes


def test_the_header_and_each_tensor_is_a_chunk_and_a_large_tensor_several() -> None:
    small, large = weights(1, 50_000), weights(2, CHUNK_BYTES_MAX // 4 * 2 + 5)
    data = tensor_file({"small": small, "large": large})
    header = len(data) - small.nbytes - large.nbytes
    assert [c.size_bytes for c in cuts(data)] == [header, small.nbytes, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX, 20]


def test_ten_thousand_scalars_are_a_few_chunks() -> None:
    data = tensor_file({f"scalar.{i}": np.array([i], np.float32) for i in range(10_000)})
    assert len(cuts(data)) == 2


def test_tensors_around_small_ones_stay_chunks_of_their_own() -> None:
    kernel, bias, other = weights(1, 50_000), weights(2, 7), weights(3, 60_000)
    data = tensor_file({"kernel": kernel, "bias": bias, "other": other})
    assert [c.size_bytes for c in cuts(data)][1:] == [kernel.nbytes, bias.nbytes, other.nbytes]


def test_one_of_many_small_tensors_that_grows_leaves_most_chunks_as_they_are() -> None:
    small = {f"bias.{i:04}": weights(i, 2_000) for i in range(2_000)}
    before = {c.blake3 for c in cuts(tensor_file(small))}
    after = {c.blake3 for c in cuts(tensor_file({**small, "bias.1000": weights(0, 2_001)}))}
    assert len(before) > 8
    assert len(after - before) <= 3  # the header, and one or two around it


# --- what a next version costs --------------------------------------------------------


def model(**changed: np.ndarray) -> dict[str, np.ndarray]:
    return {f"layer{i}": weights(i, MIB // 4) for i in range(16)} | changed


def test_a_renamed_tensor_costs_no_bytes_of_tensors(place: Place) -> None:
    place.put(tensor_file(model()))
    renamed = {name.replace("layer3", "block3"): array for name, array in model().items()}
    recipe, cost = place.put(tensor_file(renamed))
    assert cost < 10_000
    assert place.read(recipe) == tensor_file(renamed)


def test_a_longer_header_costs_no_bytes_of_tensors(place: Place) -> None:
    place.put(tensor_file(model()))
    longer = tensor_file(model(), metadata={"notes": "x" * 5_003})
    assert place.put(longer)[1] < 20_000


def test_one_sixteenth_changed_costs_at_most_a_twentieth_more_than_its_bytes(place: Place) -> None:
    place.put(tensor_file(model()))
    _, cost = place.put(tensor_file(model(layer5=weights(99, MIB // 4))))
    assert MIB <= cost <= 1.05 * MIB


def test_a_few_bytes_inserted_into_an_opaque_file_cost_a_few_chunks(place: Place) -> None:
    data = noise(1, 24 * MIB)
    place.put(data)
    inserted = data[: 12 * MIB] + b"inserted" + data[12 * MIB :]
    recipe, cost = place.put(inserted)
    assert cost < 5 * MIB
    assert place.read(recipe) == inserted


def test_the_same_file_again_writes_nothing(place: Place) -> None:
    first, cost = place.put(noise(1, 3 * MIB))
    again, nothing = place.put(noise(1, 3 * MIB))
    assert again.sha256 == first.sha256
    assert cost > 3 * MIB
    assert nothing == 0


def test_what_is_alike_within_a_file_is_kept_once(place: Place) -> None:
    once = weights(1, MIB // 4)
    _, cost = place.put(tensor_file({"a": once, "b": once, "c": once}))
    assert cost < 1.05 * MIB


def test_compression_is_kept_where_it_pays(place: Place) -> None:
    counts, tight = np.arange(MIB // 4, dtype=np.int32) // 100, weights(1, MIB // 4)
    recipe, cost = place.put(tensor_file({"counts": counts, "tight": tight}))
    assert [c.compressed for c in recipe.chunks[1:]] == [True, False]
    assert cost < 1.3 * MIB
    assert place.read(recipe) == tensor_file({"counts": counts, "tight": tight})


def test_what_compresses_only_at_its_ends_is_kept_as_it_is() -> None:
    data = bytes(64 << 10) + noise(1, 2 * MIB) + bytes(64 << 10)
    assert packing.pack(data) == (data, False)
    assert packing.pack(noise(1, 5_000)) == (noise(1, 5_000), False)
    assert packing.pack(b"") == (b"", False)


# --- in and out -----------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 100, 70_000, 300_000]), st.booleans()), max_size=5
    )
)
@hypothesis_settings(max_examples=15, deadline=None)
def test_what_was_put_comes_out(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    place = Place(LocalStore(folder / "store"), folder)
    opaque = b"".join(noise(seed, size) if tight else bytes(size) for seed, size, tight in parts)
    tensors = tensor_file({f"{i}": np.frombuffer(noise(s, n), np.uint8) for i, (s, n, _) in enumerate(parts)})
    for data in (opaque, tensors):
        recipe, _ = place.put(data)
        assert recipe.size_bytes == len(data)
        assert place.read(recipe) == data


def test_progress_ends_at_the_size_of_the_file(place: Place) -> None:
    alike = np.zeros(MIB // 4 + 1, np.int8)
    data = tensor_file({"a": alike, "b": alike, "c": weights(1, MIB // 4)})
    for _ in range(2):
        told: list[int] = []
        stored = chunks.store_in_chunks(
            place.store,
            path_of(place.folder, data),
            known=place.of_these,
            lease=place.lease,
            on_bytes=told.append,
        )
        assert sum(told) == len(data)
        place.known |= {held.key: held.size_bytes for held in stored.held}


def test_nothing_is_put_under_a_key_before_it_is_leased(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = LocalStore.keep

    def watched(store: LocalStore, taken: Taken, key: str, **options: object) -> Held:
        assert place.leased[key] == taken.size_bytes
        return keep(store, taken, key)

    monkeypatch.setattr(LocalStore, "keep", watched)
    place.put(tensor_file(model()))


def test_a_chunk_that_was_collected_before_the_lease_is_put_again(place: Place) -> None:
    recipe, _ = place.put(noise(1, 3 * MIB))
    gone = recipe.chunks[0].key

    def collect(sizes: Mapping[str, int]) -> None:
        (place.store.root / gone).unlink(missing_ok=True)
        place.before_lease = lambda sizes: None

    place.before_lease = collect
    again, _ = place.put(noise(1, 3 * MIB))
    assert gone in place.sizes()
    assert place.read(again) == noise(1, 3 * MIB)


def test_a_file_that_changes_while_it_is_put_leaves_no_chunk_that_is_not_its_name(place: Place) -> None:
    data = tensor_file(model())
    path = path_of(place.folder, data)

    def change(keys: Collection[str]) -> Mapping[str, int]:
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        return {}

    with pytest.raises(DataUnreadable, match="changed while"):
        chunks.store_in_chunks(place.store, path, known=change, lease=place.lease)
    assert all(packing.holds(key, (place.store.root / key).read_bytes()) for key in place.sizes())


def test_a_file_that_changes_where_its_chunks_are_known_is_refused_too(place: Place) -> None:
    data = noise(1, MIB)
    place.put(data)
    path = path_of(place.folder, data)
    place.before_lease = lambda sizes: path.write_bytes(data + b"more") and None
    with pytest.raises(DataUnreadable, match="changed while"):
        chunks.store_in_chunks(place.store, path, known=place.of_these, lease=place.lease)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = path_of(tmp_path, bytes(100))
    with FileRanges(path) as file:
        path.write_bytes(bytes(50))
        with pytest.raises(DataUnreadable, match="changed while"):
            list(file.read(0, 100))


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(place: Place) -> None:
    with pytest.raises(DataNotFound):
        chunks.store_in_chunks(place.store, place.folder / "none", known=place.of_these, lease=place.lease)
    with pytest.raises(DataUnreadable):
        chunks.store_in_chunks(place.store, place.folder, known=place.of_these, lease=place.lease)


def test_a_chunk_that_another_compressed_otherwise_meanwhile_is_shared(place: Place) -> None:
    data = bytes(range(256)) * 3_000 + noise(1, 10_000)

    def overtake(sizes: Mapping[str, int]) -> None:
        for key in sizes:
            if key.endswith(".zst"):
                place.store.put(key, packing.sealed(zstandard.ZstdCompressor(level=19).compress(data)))

    place.before_lease = overtake
    recipe, _ = place.put(data)
    assert place.read(recipe) == data


def test_a_broken_chunk_in_the_place_of_a_new_one_is_not_taken_for_it(place: Place) -> None:
    def spoil(sizes: Mapping[str, int]) -> None:
        for key in sizes:
            place.store.put(key, b"broken")

    place.before_lease = spoil
    recipe, _ = place.put(bytes(MIB))
    assert place.read(recipe) == bytes(MIB)


def test_a_put_that_fails_at_the_lease_leaves_no_temporary_file(place: Place) -> None:
    def fail(sizes: Mapping[str, int]) -> None:
        raise StorageFailed("the catalog's disk is full")

    place.before_lease = fail
    with pytest.raises(StorageFailed):
        place.put(tensor_file(model()))
    assert place.temporary() == []
    assert place.sizes() == {}


def test_many_new_chunks_are_put_in_batches(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_BATCH_BYTES", 3 * MIB)
    asked: list[int] = []
    place.before_lease = lambda sizes: asked.append(len(sizes))
    recipe, _ = place.put(tensor_file(model()))
    assert asked == [3, 3, 3, 3, 3, 2, 1]  # the header makes seventeen, then the recipe
    assert place.read(recipe) == tensor_file(model())


@pytest.mark.parametrize("library", ["blake3", "pyfastcdc", "zstandard"])
def test_without_the_extra_the_error_names_it(
    place: Place, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ExtraMissing) as refused:
        place.put(bytes(MIB))
    assert refused.value.hint == "pip install 'interlock[dedup]'"
