"""The tensors of a safetensors file, from its header read as data.

A file begins with eight bytes, little-endian: the length of a JSON object that follows, padded with
spaces, and gives each tensor its type, shape and place. The tensors fill the rest without a gap.
Whatever departs from that is no safetensors file to us: it is then kept and shown as any other file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never

from interlock.vault.ranges import Ranges, whole

HEADER_BYTES_MAX = 10 << 20  # of a hundred thousand tensors; Python takes ten times as much to parse it
RANK_MAX = 64
_TOO_MANY = 2**63
_LENGTH_BYTES = 8
_METADATA = "__metadata__"

BITS: Mapping[str, int] = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}
"""Bits of one element, by the type's name."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its bytes are the file's from ``start`` on."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """``tensors`` in the order of their bytes; they fill the file from ``size_bytes`` to its end."""

    size_bytes: int
    tensors: tuple[Tensor, ...]
    metadata: Mapping[str, str]


def read_header(file: Ranges) -> Header | None:
    """The header of a safetensors file, None of anything else."""
    if file.size_bytes < _LENGTH_BYTES:
        return None
    length = int.from_bytes(whole(file, 0, _LENGTH_BYTES), "little")
    if not 2 <= length <= min(HEADER_BYTES_MAX, file.size_bytes - _LENGTH_BYTES):
        return None
    if whole(file, _LENGTH_BYTES, 1) != b"{":
        return None
    try:
        document = _parse(whole(file, _LENGTH_BYTES, length))
        metadata = _metadata(document.pop(_METADATA, {}))
        tensors = [_tensor(name, entry, _LENGTH_BYTES + length) for name, entry in document.items()]
        return Header(
            _LENGTH_BYTES + length, _in_order(tensors, _LENGTH_BYTES + length, file.size_bytes), metadata
        )
    except (ValueError, RecursionError):
        return None


def _parse(data: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        return entries if len(entries) == len(pairs) else _refuse("a name stands twice")

    def constant(name: str) -> Never:
        _refuse(f"{name} is no number")

    document = json.loads(data.decode(), object_pairs_hook=once, parse_constant=constant)
    return document if isinstance(document, dict) else _refuse("no object")


def _refuse(why: str) -> Never:
    raise ValueError(why)


def _metadata(found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        _refuse("metadata is texts by name")
    return {_text(name): _text(text) for name, text in found.items()}


def _text(found: str) -> str:
    found.encode()  # JSON can spell half a character, which nobody could print
    return found


def _tensor(name: str, entry: Any, data_start: int) -> Tensor:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        _refuse(f"{name} is not described")
    dtype, shape, offsets = entry["dtype"], _whole_numbers(entry["shape"]), entry["data_offsets"]
    begin, end = _whole_numbers(offsets, 2)
    if not isinstance(dtype, str) or dtype not in BITS:
        _refuse(f"{name} has an unknown type")
    if len(shape) > RANK_MAX or math.prod(side or 1 for side in shape) >= _TOO_MANY:
        _refuse(f"{name} has more elements than can be counted")
    if math.prod(shape) * BITS[dtype] != (end - begin) * 8:
        _refuse(f"{name} has not the size of its shape")
    return Tensor(_text(name), dtype, shape, data_start + begin, end - begin)


def _whole_numbers(found: Any, count: int | None = None) -> tuple[int, ...]:
    if not isinstance(found, list) or count not in (None, len(found)):
        _refuse("not a list of numbers")
    if not all(type(number) is int and 0 <= number < _TOO_MANY for number in found):
        _refuse("not a list of whole numbers")
    return tuple(found)


def _in_order(tensors: list[Tensor], start: int, end: int) -> tuple[Tensor, ...]:
    tensors.sort(key=lambda t: (t.start, t.size_bytes))
    for tensor in tensors:
        if tensor.start != start:
            _refuse(f"{tensor.name} overlaps another, or leaves a gap")
        start += tensor.size_bytes
    if start != end:
        _refuse("the file is not as long as its tensors")
    return tuple(tensors)
