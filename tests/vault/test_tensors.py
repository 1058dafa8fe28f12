"""The header of a safetensors file, read as data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from interlock.vault.tensors import HEADER_BYTES_MAX, Header, Tensor, read_header
from tests.vault.model_files import Memory, described, tensor_file, with_header

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "uint16", "bool")
NAMES = st.text(st.characters(codec="utf-8"), max_size=12).filter(lambda name: name != "__metadata__")


def read(data: bytes) -> Header | None:
    return read_header(Memory(data))


def as_the_library_reads(data: bytes) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    found = safetensors.deserialize(data)
    return {name: (t["dtype"], tuple(t["shape"]), bytes(t["data"])) for name, t in found}


def as_we_read(data: bytes, header: Header) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    return {t.name: (t.dtype, t.shape, data[t.start : t.start + t.size_bytes]) for t in header.tensors}


@st.composite
def files(draw: st.DrawFn) -> bytes:
    shapes = st.lists(st.integers(0, 4), max_size=3)
    kinds = st.tuples(st.sampled_from(DTYPES), shapes)
    arrays = {
        name: np.arange(np.prod(shape), dtype="u1").astype(kind).reshape(shape)
        for name, (kind, shape) in draw(st.dictionaries(NAMES, kinds, min_size=1, max_size=5)).items()
    }
    return save(arrays, draw(st.none() | st.dictionaries(NAMES, NAMES, min_size=1, max_size=3)))


@given(files())
def test_what_the_library_wrote_is_read_as_the_library_reads_it(data: bytes) -> None:
    header = read(data)
    assert header is not None
    assert as_we_read(data, header) == as_the_library_reads(data)


@given(files(), st.data())
@settings(max_examples=80)
def test_what_is_read_of_a_damaged_file_the_library_reads_alike_and_nothing_raises(
    data: bytes, draw: st.DataObject
) -> None:
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + draw.draw(st.integers(0, 1))] = draw.draw(
            st.binary(max_size=3) | st.sampled_from([b"0", b"1", b"-", b'"', b",", b"]", b"\\u0061", b"1e1"])
        )
    header = read(bytes(damaged))
    if header is not None:
        assert as_we_read(bytes(damaged), header) == as_the_library_reads(bytes(damaged))


def test_places_are_counted_from_the_beginning_of_the_file() -> None:
    data = tensor_file({"a": np.zeros(3, np.float32), "b": np.ones((2, 2), np.int8)}, metadata={"by": "us"})
    header = read(data)
    assert header is not None
    start = header.size_bytes
    assert header.tensors == (Tensor("a", "F32", (3,), start, 12), Tensor("b", "I8", (2, 2), start + 12, 4))
    assert header.metadata == {"by": "us"}
    assert start + 16 == len(data)


F32 = described("F32", (2,), 0, 8)
MALFORMED: dict[str, Any] = {
    "an overlap": {"a": F32, "b": described("F32", (2,), 4, 12)},
    "a gap": {"a": F32, "b": described("F32", (2,), 12, 20)},
    "bytes behind the last tensor": {"a": described("F32", (1,), 0, 4)},
    "a tensor behind the end": {"a": described("F32", (4,), 0, 16)},
    "an end before its beginning": {"a": described("F32", (2,), 8, 0)},
    "a size that is not the shape's": {"a": described("F32", (3,), 0, 8)},
    "an unknown type": {"a": described("F31", (2,), 0, 8)},
    "a type that is no text": {"a": {**F32, "dtype": ["F32"]}},
    "a negative shape": {"a": described("F32", (-1, -2), 0, 8)},
    "a shape of fractions": {"a": {**F32, "shape": [2.0]}},
    "a shape of truths": {"a": {"dtype": "U8", "shape": [True] * 8, "data_offsets": [0, 8]}},
    "a shape that overflows": {"a": described("F32", (2**62, 2**62, 0), 0, 0), "b": F32},
    "three offsets": {"a": {**F32, "data_offsets": [0, 8, 8]}},
    "one key more": {"a": {**F32, "stride": 1}},
    "one key less": {"a": {"dtype": "F32", "shape": [2]}},
    "a tensor that is a number": {"a": 1},
    "metadata that is no text": {"__metadata__": {"a": 1}, "a": F32},
    "metadata that is a list": {"__metadata__": [], "a": F32},
    "half a character": {"\ud800": F32},
    "too many dimensions": {"a": described("F32", (1,) * 1000 + (2,), 0, 8)},
}


@pytest.mark.parametrize("document", [pytest.param(d, id=name) for name, d in MALFORMED.items()])
def test_a_malformed_header_is_no_header(document: dict[str, Any]) -> None:
    assert read(with_header(json.dumps({"a": F32}).encode(), bytes(8))) is not None
    assert read(with_header(json.dumps(document).encode(), bytes(8))) is None


@pytest.mark.parametrize("begin", [4, 12, 0], ids=["an overlap", "a gap", "the same bytes twice"])
def test_tensors_whose_sizes_add_up_must_lie_behind_each_other_too(begin: int) -> None:
    def two(second: int) -> bytes:
        tensors = {"a": F32, "b": described("F32", (2,), second, second + 8)}
        return with_header(json.dumps(tensors).encode(), bytes(16))

    assert read(two(8)) is not None
    assert read(two(begin)) is None


SPELT: dict[str, bytes] = {
    "a name twice": b'{"a":%b,"a":%b}' % ((b'{"dtype":"F32","shape":[2],"data_offsets":[0,8]}',) * 2),
    "a key twice": b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
    "a number of ten thousand digits": b'{"a":{"dtype":"F32","shape":[%b],"data_offsets":[0,8]}}'
    % (b"1" * 10_000),
    "no number": b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}',
    "ten thousand brackets": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "bytes that are no text": b'{"\xff":1}',
    "a list": b'[["a"]]',
    "JSON that breaks off": b'{"a":',
    "a space before": b' {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
}


@pytest.mark.parametrize("header", [pytest.param(h, id=name) for name, h in SPELT.items()])
def test_what_is_not_spelt_as_it_should_be_is_no_header(header: bytes) -> None:
    assert read(with_header(header, bytes(8))) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"\x02", (2).to_bytes(8, "little"), (2**64 - 1).to_bytes(8, "little") + b"{}", bytes(64)],
    ids=["empty", "seven bytes short", "no header", "a header of 2⁶⁴ bytes", "zeros"],
)
def test_a_file_without_room_for_its_header_has_none(data: bytes) -> None:
    assert read(data) is None


def test_a_header_that_would_take_too_much_memory_is_not_read() -> None:
    file = Memory(with_header(b"{" + b" " * HEADER_BYTES_MAX + b"}", b""))
    assert read_header(file) is None
    assert file.read_bytes == 8


def test_an_empty_header_and_no_tensors_is_a_file() -> None:
    assert read(with_header(b"{}", b"")) == Header(16, (), {})
