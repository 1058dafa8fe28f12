"""What differs between two versions: files, and in safetensors files the tensors and by how much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from interlock.vault.ranges import Ranges, whole
from interlock.vault.tensors import Header, Tensor, read_header

_BLOCK_BYTES = 1 << 20  # compared at once; as doubles, eight times as much is in memory, several times over

# fmt: off
_NUMPY: Mapping[str, str] = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "u1",
}
# fmt: on
"""How numpy reads the elements of a type; those of others are compared, but not measured."""


@dataclass(frozen=True, slots=True)
class Side:
    """A file in one of the two versions: what it is named by in the store, its size, and how to read it."""

    identity: str
    size_bytes: int
    open: Callable[[], Ranges]


@dataclass(frozen=True, slots=True)
class Measured:
    """How far a tensor moved.

    An element has changed where its bits have. Elements that are NaN before or after are counted
    and left out of the rest. ``max_abs`` is the largest |after − before|, infinite where one became or
    ceased to be so; ``relative_l2`` is ‖after − before‖₂ / ‖before‖₂, None where that is no finite number.
    """

    elements: int
    changed: int
    nan_before: int
    nan_after: int
    max_abs: float
    relative_l2: float | None

    @property
    def share_changed(self) -> float:
        return self.changed / self.elements


@dataclass(frozen=True, slots=True)
class TensorChange:
    """A tensor of both files whose bytes, type or shape differ; measured where type and shape are the same."""

    before: Tensor
    after: Tensor
    measured: Measured | None


@dataclass(frozen=True, slots=True)
class TensorsDifference:
    """``header`` says whether the header's bytes differ, as they also do where tensors only moved."""

    header: bool
    added: tuple[Tensor, ...]
    removed: tuple[Tensor, ...]
    changed: tuple[TensorChange, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of both versions whose bytes differ; ``tensors`` where it is a safetensors file in both."""

    path: str
    before_bytes: int
    after_bytes: int
    tensors: TensorsDifference | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Files by path; those in none of the three are the same in both versions."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[FileChange, ...]


def difference(before: Mapping[str, Side], after: Mapping[str, Side]) -> Difference:
    """What it takes to come from one version's files to the other's. Reads only files that may differ."""
    both = sorted(before.keys() & after.keys())
    changes = (_file(path, before[path], after[path]) for path in both)
    return Difference(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(before.keys() - after.keys())),
        tuple(change for change in changes if change is not None),
    )


def _file(path: str, before: Side, after: Side) -> FileChange | None:
    if before.identity == after.identity:
        return None
    old, new = before.open(), after.open()
    tensors = tensors_difference(old, new)
    if tensors is None:
        same = old.size_bytes == new.size_bytes and _same(old, 0, new, 0, old.size_bytes)
    else:
        same = not (tensors.header or tensors.changed)
    return None if same else FileChange(path, before.size_bytes, after.size_bytes, tensors)


def tensors_difference(before: Ranges, after: Ranges) -> TensorsDifference | None:
    """The tensors that differ between two safetensors files; None where one of them is something else."""
    old, new = read_header(before), read_header(after)
    if old is None or new is None:
        return None
    olds, news = _named(old), _named(new)
    both = [(tensor, news[name]) for name, tensor in olds.items() if name in news]
    changed = [_tensor(before, b, after, a) for b, a in both if not _equal(before, b, after, a)]
    return TensorsDifference(
        header=whole(before, 0, old.size_bytes) != whole(after, 0, new.size_bytes),
        added=tuple(tensor for name, tensor in news.items() if name not in olds),
        removed=tuple(tensor for name, tensor in olds.items() if name not in news),
        changed=tuple(changed),
        unchanged=len(both) - len(changed),
    )


def _named(header: Header) -> dict[str, Tensor]:
    return {tensor.name: tensor for tensor in header.tensors}


def _alike(before: Tensor, after: Tensor) -> bool:
    return (before.dtype, before.shape) == (after.dtype, after.shape)


def _equal(old: Ranges, before: Tensor, new: Ranges, after: Tensor) -> bool:
    return _alike(before, after) and _same(old, before.start, new, after.start, before.size_bytes)


def _same(old: Ranges, old_start: int, new: Ranges, new_start: int, size_bytes: int) -> bool:
    known = old.fingerprint(old_start, size_bytes)
    if known is not None and known == new.fingerprint(new_start, size_bytes):
        return True
    pairs = zip(_blocks(old, old_start, size_bytes), _blocks(new, new_start, size_bytes), strict=True)
    return all(one == other for one, other in pairs)


def _blocks(ranges: Ranges, start: int, size_bytes: int) -> Iterator[bytes]:
    """The bytes in blocks of one size, in whatever pieces they come."""
    block = bytearray()
    for piece in ranges.read(start, size_bytes):
        view = memoryview(piece)
        while view:
            room = _BLOCK_BYTES - len(block)
            block += view[:room]
            view = view[room:]
            if len(block) == _BLOCK_BYTES:
                yield bytes(block)
                block.clear()
    if block:
        yield bytes(block)


# --- how far a tensor moved -----------------------------------------------------------


def _tensor(old: Ranges, before: Tensor, new: Ranges, after: Tensor) -> TensorChange:
    measurable = _alike(before, after) and before.dtype in _NUMPY
    return TensorChange(before, after, _measure(old, before, new, after) if measurable else None)


def _measure(old: Ranges, before: Tensor, new: Ranges, after: Tensor) -> Measured:
    size_bytes, dtype = before.size_bytes, before.dtype
    elements = changed = nan_before = nan_after = 0
    largest = moved = norm = 0.0
    for one, other in zip(
        _blocks(old, before.start, size_bytes), _blocks(new, after.start, size_bytes), strict=True
    ):
        a, b = np.frombuffer(one, _NUMPY[dtype]), np.frombuffer(other, _NUMPY[dtype])
        bits = f"u{a.itemsize}"
        differs = a.view(bits) != b.view(bits)
        x, y = _values(a, dtype), _values(b, dtype)
        elements, changed = elements + len(a), changed + int(np.count_nonzero(differs))
        nan_before, nan_after = nan_before + _nans(x), nan_after + _nans(y)
        with np.errstate(invalid="ignore", over="ignore"):
            base = x.astype(np.float64)
            far = _far(x[differs], y[differs])
            norm += float(np.nansum(base * base))
            moved += float(np.sum(far * far))
        largest = max(largest, float(far.max(initial=0.0)))
    share = moved / norm if norm > 0 else math.inf
    relative = math.sqrt(share) if math.isfinite(share) else None
    return Measured(elements, changed, nan_before, nan_after, largest, relative)


def _values(raw: npt.NDArray[Any], dtype: str) -> npt.NDArray[Any]:
    """Elements as doubles, or where they are whole numbers in 64 bits."""
    if dtype == "BF16":
        return (raw.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return raw.astype({"f": np.float64, "i": np.int64, "u": np.uint64}[raw.dtype.kind])


def _nans(values: npt.NDArray[Any]) -> int:
    return int(np.count_nonzero(np.isnan(values))) if values.dtype.kind == "f" else 0


def _far(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """|y − x| without those that are NaN. Of whole numbers exact before it becomes a double."""
    far: npt.NDArray[np.float64]
    if x.dtype.kind == "f":
        numbers = ~(np.isnan(x) | np.isnan(y))
        far = np.abs(y[numbers] - x[numbers])
    else:
        low, high = np.minimum(x, y).view(np.uint64), np.maximum(x, y).view(np.uint64)
        far = (high - low).astype(np.float64)
    return far
