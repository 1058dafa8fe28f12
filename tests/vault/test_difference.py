"""What differs between two versions: files, tensors, and by how much."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from interlock.errors import ObjectCorrupt
from interlock.vault import chunks
from interlock.vault.difference import (
    Difference,
    FileChange,
    Measured,
    Side,
    TensorsDifference,
    difference,
    tensors_difference,
)
from interlock.vault.ranges import ObjectRanges, Ranges
from interlock.vault.recipes import RecipeRanges
from interlock.vault.stores.local import LocalStore
from tests.vault.model_files import Memory, described, noise, path_of, tensor_file, weights, with_header


def between(before: bytes | Ranges, after: bytes | Ranges) -> TensorsDifference:
    sides = [Memory(side) if isinstance(side, bytes) else side for side in (before, after)]
    found = tensors_difference(*sides)
    assert found is not None
    return found


def measured(before: np.ndarray, after: np.ndarray, *, bf16: bool = False) -> Measured:
    found = between(tensor_file({"w": before}, bf16=bf16), tensor_file({"w": after}, bf16=bf16))
    (change,) = found.changed
    assert change.measured is not None
    return change.measured


# --- tensors --------------------------------------------------------------------------


def test_tensors_are_added_removed_and_changed() -> None:
    a, b, c = weights(1, 10), weights(2, 10), weights(3, 10)
    found = between(tensor_file({"a": a, "b": b, "old": c}), tensor_file({"new": c, "a": a, "b": b + 1}))
    assert [t.name for t in found.added] == ["new"]
    assert [t.name for t in found.removed] == ["old"]
    assert [t.after.name for t in found.changed] == ["b"]
    assert found.unchanged == 1
    assert found.header


def test_a_tensor_of_another_shape_or_type_is_not_measured() -> None:
    a = np.zeros(6, np.float32)
    for after in (a.reshape(2, 3), a.astype(np.float16), np.zeros(7, np.float32)):
        (change,) = between(tensor_file({"a": a}), tensor_file({"a": after})).changed
        assert (change.measured, change.before.shape, change.after.shape) == (None, (6,), after.shape)


def test_a_type_that_nobody_measures_is_compared_all_the_same() -> None:
    header = b'{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}'
    (change,) = between(with_header(header, b"abcd"), with_header(header, b"abce")).changed
    assert change.measured is None
    assert between(with_header(header, b"abcd"), with_header(header, b"abcd")).changed == ()


def test_the_least_example() -> None:
    found = measured(np.array([3, 4, 0, 0], np.float32), np.array([3, 4, 0, -2], np.float32))
    assert found == Measured(4, 1, 0, 0, 2.0, 0.4)
    assert found.share_changed == 0.25


FLOATS = st.sampled_from([np.float64, np.float32, np.float16])
INTEGERS = st.sampled_from([np.int64, np.int32, np.int16, np.int8, np.uint64, np.uint32, np.uint8, np.bool_])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    dtype = np.dtype(draw(FLOATS | INTEGERS))
    size = draw(st.integers(1, 20))
    arrays = hnp.arrays(dtype, size)
    before, after = draw(arrays), draw(arrays)
    return before, np.where(draw(hnp.arrays(np.bool_, size)), before, after).astype(dtype)


@given(pairs())
@hypothesis_settings(max_examples=80, deadline=None)
def test_what_is_measured_is_what_python_makes_of_the_elements(pair: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = pair
    if before.tobytes() == after.tobytes():
        return
    found = measured(before, after)
    elements = [(x.tobytes() != y.tobytes(), x.item(), y.item()) for x, y in zip(before, after, strict=True)]
    assert found.elements == len(elements)
    assert found.changed == sum(differs for differs, _, _ in elements)
    assert found.nan_before == sum(x != x for _, x, _ in elements)
    assert found.nan_after == sum(y != y for _, _, y in elements)
    far = [abs(y - x) for differs, x, y in elements if differs and x == x and y == y]
    assert found.max_abs == float(max(far, default=0))
    with np.errstate(over="ignore"):
        moved, norm = (
            sum(float(d) ** 2 if d < 1e150 else math.inf for d in far),
            sum(float(x) ** 2 if abs(x) < 1e150 else math.inf for _, x, _ in elements if x == x),
        )
    if found.relative_l2 is not None:
        assert found.relative_l2 == pytest.approx(math.sqrt(moved / norm), rel=1e-9)
    else:
        assert norm == 0 or math.isinf(moved) or math.isinf(norm) or norm < 1e-300


def test_bfloat16_is_measured_as_the_float32_it_is_the_half_of() -> None:
    before = np.array([0x3F80, 0x4000, 0x7FC0], np.uint16)  # 1, 2, NaN
    after = np.array([0x3F80, 0x4040, 0x7FC0], np.uint16)  # 1, 3, NaN
    assert measured(before, after, bf16=True) == Measured(3, 1, 1, 1, 1.0, math.sqrt(1 / 5))


def test_what_becomes_infinite_moved_infinitely_and_what_stays_so_not_at_all() -> None:
    before = np.array([1, np.inf, -np.inf], np.float32)
    found = measured(before, np.array([np.inf, np.inf, -np.inf], np.float32))
    assert (found.changed, found.max_abs, found.relative_l2) == (1, math.inf, None)


def test_minus_zero_is_a_change_of_no_size() -> None:
    assert measured(np.array([0.0]), np.array([-0.0])) == Measured(1, 1, 0, 0, 0.0, None)


def test_a_tensor_of_many_blocks_is_measured_as_a_whole() -> None:
    before = weights(1, 700_001)
    after = before.copy()
    after[::1000] += 1
    found = measured(before, after)
    exact = (after.astype(np.float64) - before)[after != before]
    assert (found.elements, found.changed) == (700_001, 701)
    assert found.max_abs == np.abs(exact).max()
    assert found.relative_l2 == pytest.approx(
        np.linalg.norm(exact) / np.linalg.norm(before.astype(np.float64)), rel=1e-12
    )


# --- stores ---------------------------------------------------------------------------


def kept_in_chunks(store: LocalStore, data: bytes) -> RecipeRanges:
    path = path_of(store.root.parent, data)
    return RecipeRanges(
        store, chunks.store_in_chunks(store, path, known=lambda keys: {}, lease=lambda sizes: {}).recipe
    )


def test_plain_objects_and_chunks_differ_alike(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    layers: dict[str, Any] = {f"layer{i}": weights(i, 40_000) for i in range(6)}
    one, other = tensor_file(layers), tensor_file(layers | {"layer4": weights(9, 40_000)})
    expected = between(one, other)
    assert [c.after.name for c in expected.changed] == ["layer4"]
    plain = []
    for number, data in enumerate((one, other)):
        store.put(f"objects/{number}", data)
        plain.append(ObjectRanges(store, f"objects/{number}", len(data)))
    in_chunks = [kept_in_chunks(store, data) for data in (one, other)]
    for before in (plain[0], in_chunks[0]):
        for after in (plain[1], in_chunks[1]):
            assert between(before, after) == expected


def test_chunks_that_both_share_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path / "store")
    layers = {f"layer{i}": weights(i, 40_000) for i in range(6)}
    before = kept_in_chunks(store, tensor_file(layers))
    after = kept_in_chunks(store, tensor_file(layers | {"layer4": weights(9, 40_000)}))
    read, keys = LocalStore.read, set[str]()

    def watched(self: LocalStore, key: str, **options: Any) -> Any:
        keys.add(key)
        return read(self, key, **options)

    monkeypatch.setattr(LocalStore, "read", watched)
    between(before, after)
    assert len(keys) == 3  # the header, which is the same, and one tensor on either side


def test_an_object_that_ends_too_early_is_corrupt(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    store.put("objects/x", bytes(100))
    with pytest.raises(ObjectCorrupt, match="ends at 100 bytes"):
        list(ObjectRanges(store, "objects/x", 200).read(0, 200))


# --- files ----------------------------------------------------------------------------


def side(data: bytes, identity: str) -> Side:
    return Side(identity, len(data), lambda: Memory(data))


def test_files_are_added_removed_and_changed() -> None:
    def refuse() -> Ranges:
        raise AssertionError("a file of the same identity was read")

    same = Side("same", 5, refuse)
    before = {"kept": same, "old": same, "notes": side(b"one", "1"), "model": side(b"x" * 9, "3")}
    after = {"kept": same, "new": same, "notes": side(b"two!", "2"), "model": side(b"x" * 9, "4")}
    assert difference(before, after) == Difference(("new",), ("old",), (FileChange("notes", 3, 4, None),))


def test_a_safetensors_file_is_looked_into_and_any_other_is_not() -> None:
    one, other = tensor_file({"a": weights(1, 9)}), tensor_file({"a": weights(2, 9)})
    (change,) = difference({"m": side(one, "1")}, {"m": side(other, "2")}).changed
    assert change.tensors is not None
    assert len(change.tensors.changed) == 1
    (change,) = difference({"m": side(one, "1")}, {"m": side(noise(1, len(one)), "2")}).changed
    assert change.tensors is None


def test_the_same_tensors_kept_in_another_way_are_no_change() -> None:
    data = tensor_file({"a": weights(1, 9)})
    assert difference({"m": side(data, "1")}, {"m": side(data, "2")}).changed == ()
    renamed = tensor_file({"b": weights(1, 9)})
    assert difference({"m": side(data, "1")}, {"m": side(renamed, "2")}).changed != ()


def test_metadata_alone_is_a_change_of_the_header() -> None:
    one = tensor_file({"a": weights(1, 9)}, metadata={"epoch": "1"})
    other = tensor_file({"a": weights(1, 9)}, metadata={"epoch": "2"})
    (change,) = difference({"m": side(one, "1")}, {"m": side(other, "2")}).changed
    assert change.tensors == TensorsDifference(True, (), (), (), 1)


def test_tensors_of_no_elements_are_the_same() -> None:
    empty = with_header(b'{"a":%s}' % str(described("F32", (0,), 0, 0)).replace("'", '"').encode(), b"")
    assert between(empty, empty).unchanged == 1
