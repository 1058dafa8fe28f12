"""Model files for the vault's tests: written by hand, so that they can be wrong, and read from memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

_NAMES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "bool": "BOOL",
}

Arrays = Mapping[str, npt.NDArray[np.generic]]


def tensor_file(arrays: Arrays, *, bf16: bool = False, metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file with these tensors in this order. ``bf16``: those of 16 bits without a sign are that."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    data, end = [], 0
    for name, array in arrays.items():
        dtype = "BF16" if bf16 and array.dtype == np.uint16 else _NAMES[array.dtype.name]
        data.append(array.tobytes())
        header[name] = described(dtype, array.shape, end, end := end + array.nbytes)
    return with_header(json.dumps(header).encode(), b"".join(data))


def described(dtype: str, shape: tuple[int, ...], begin: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def with_header(header: bytes, data: bytes) -> bytes:
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


def noise(seed: int, size_bytes: int) -> bytes:
    """Bytes that do not compress."""
    return np.random.default_rng(seed).bytes(size_bytes)


def weights(seed: int, count: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(count, dtype=np.float32)


def path_of(folder: Path, data: bytes, name: str = "model.bin") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


class Memory:
    """Ranges of bytes in memory; ``read_bytes`` adds up what was read, in pieces of an odd size."""

    name = "memory"

    def __init__(self, data: bytes) -> None:
        self.data, self.read_bytes = data, 0

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> Iterator[bytes]:
        assert 0 <= start <= start + length <= len(self.data)
        self.read_bytes += length
        for at in range(start, start + length, 10_007):
            yield self.data[at : min(at + 10_007, start + length)]

    def fingerprint(self, start: int, length: int) -> None:
        return None
