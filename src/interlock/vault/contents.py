"""What a model file is, by its bytes, and what can be told of it as data. Nothing in it is run or imported."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO, cast

from interlock.vault.pickles import Import, Imports, imports
from interlock.vault.ranges import Ranges, as_file, whole
from interlock.vault.tensors import Header, read_header

_BEGINNING_BYTES = 512
_LIST_BYTES_MAX = 16 << 20  # of a zip's list of members: some two hundred thousand of them
_MEMBER_BYTES_MAX = 1 << 30  # of a pickle in a zip, whose tensors are members of their own

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"GGUF", "gguf"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x93NUMPY", "npy"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
)
_ZLIB = re.compile(rb"x[\x01\x5e\x9c\xda]")  # joblib's own compression
_ONNX = re.compile(
    rb"\x08[\x01-\x20][\x12\x1a\x22\x28\x32\x3a\x42]"
)  # ir_version, then any of the next fields
_JSON = re.compile(rb"\s*[{\[]\s*[\"{\[\]}0-9tfn-]")
# What zipfile raises of a broken, encrypted or unknown zip.
_BROKEN = (
    *(zipfile.BadZipFile, RuntimeError, ValueError, LookupError),
    *(OSError, EOFError, OverflowError, zlib.error, struct.error),
)
_UNREAD = frozenset({"gzip", "bzip2", "xz", "zstd", "lz4", "zlib"})


@dataclass(frozen=True, slots=True)
class Contents:
    """``kind`` as ``safetensors``, ``pickle``, ``torch``, ``onnx``, or ``unknown``.

    ``header`` is there for safetensors. ``imports`` are those of every pickle in the file, whose list
    is complete where ``whole``: a compressed file is not looked into, and one that breaks off
    or goes on as something else, as joblib's, only so far.
    """

    kind: str
    header: Header | None = None
    imports: tuple[Import, ...] = ()
    whole: bool = True


def contents(file: Ranges) -> Contents:
    """What a file is. What no kind is known for is read as a pickle: the oldest have no mark."""
    header = read_header(file)
    if header is not None:
        return Contents("safetensors", header)
    beginning = whole(file, 0, min(_BEGINNING_BYTES, file.size_bytes))
    kind = _kind(beginning)
    if kind == "zip":
        return _zip(file)
    if kind is not None:
        return Contents(kind, whole=kind not in _UNREAD)
    found = imports(as_file(file))
    marked = re.match(rb"\x80[\x02-\x05]", beginning)
    if not marked and not found.whole:
        return Contents("unknown")
    joblib = any(name.name.startswith("joblib.numpy_pickle") for name in found.found)
    return Contents("joblib" if joblib else "pickle", None, found.found, found.whole)


def _kind(beginning: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if beginning.startswith(magic):
            return kind
    for pattern, kind in ((_ZLIB, "zlib"), (_ONNX, "onnx"), (_JSON, "json")):
        if pattern.match(beginning):
            return kind
    return None


class _Bounded(io.BufferedReader):
    """A file that `zipfile` can be let loose on: it believes what a zip says of the size of its list."""

    def read(self, size: int | None = -1, /) -> bytes:
        size = _LIST_BYTES_MAX + 1 if size is None or size < 0 else size
        if size > _LIST_BYTES_MAX + 1 or len(data := super().read(size)) > _LIST_BYTES_MAX:
            raise ValueError("too large")
        return data


def _zip(file: Ranges) -> Contents:
    try:
        with zipfile.ZipFile(_Bounded(as_file(file).detach())) as archive:
            names = archive.namelist()
            found = [_member(archive, name) for name in names if name.endswith((".pkl", ".pickle"))]
    except _BROKEN:
        return Contents("zip", whole=False)
    all_ = sorted({name for each in found for name in each.found})
    return Contents(_of_members(names), None, tuple(all_), all(each.whole for each in found))


def _of_members(names: list[str]) -> str:
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return "torch"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    if "config.json" in names and any(name.endswith(".weights.h5") for name in names):
        return "keras"
    return "skops" if "schema.json" in names else "zip"


def _member(archive: zipfile.ZipFile, name: str) -> Imports:
    if archive.getinfo(name).file_size > _MEMBER_BYTES_MAX:
        return Imports((), whole=False)
    try:
        with archive.open(name) as member:
            return imports(cast(BinaryIO, member))
    except _BROKEN:
        return Imports((), whole=False)
