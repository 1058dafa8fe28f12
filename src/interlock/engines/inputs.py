"""What a caller may hand over as data, told apart before anything is read.

A path or glob (or several) of Parquet, CSV or JSON files, or an object: pandas,
Polars, PyArrow, a DuckDB relation, anything with the Arrow PyCapsule interface.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from interlock.errors import DataNotFound, DataTypeUnsupported, DataUnreadable


class Format(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


_ENDINGS = {
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".txt": Format.CSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSON,
    ".ndjson": Format.JSON,
}
_COMPRESSED = (".gz", ".zst")


@dataclass(frozen=True, slots=True)
class Files:
    """Files of one format, sorted by name."""

    paths: tuple[Path, ...]
    format: Format

    def __str__(self) -> str:
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"{self.paths[0]}{more}"


@dataclass(frozen=True, slots=True)
class Frame:
    """An object DuckDB can scan once it is registered."""

    value: object
    name: str

    def __str__(self) -> str:
        return self.name


class _Capsule:
    """Shows DuckDB nothing but the Arrow stream, whatever else an object can do."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._value.__arrow_c_stream__(requested_schema)  # type: ignore[attr-defined]


def recognise(data: object) -> Files | Frame:
    """Tell what ``data`` is without reading its rows.

    Raises `DataNotFound` where no file matches, `DataTypeUnsupported` for an
    object of another sort, `DataUnreadable` for files of several formats.
    """
    if isinstance(data, str | os.PathLike):
        return _files((data,))
    if (
        isinstance(data, list | tuple | set | frozenset)
        and data
        and all(isinstance(d, str | os.PathLike) for d in data)
    ):
        return _files(data)
    return _frame(data)


def _frame(data: object) -> Frame:
    module = type(data).__module__.partition(".")[0]
    name = type(data).__qualname__
    if module == "pandas" and name == "DataFrame":
        return Frame(data, "pandas.DataFrame")  # DuckDB reads its blocks directly, without PyArrow
    if module == "polars" and name == "LazyFrame":
        return _frame(data.collect())  # type: ignore[attr-defined]
    if hasattr(data, "__arrow_c_stream__"):
        return Frame(_Capsule(data) if module in ("duckdb", "_duckdb") else data, f"{module}.{name}")
    raise DataTypeUnsupported(
        f"cannot take in a {module}.{name}",
        hint="give a pandas, Polars or PyArrow table, or the path of Parquet, CSV or JSON files",
    )


def _files(given: Iterable[str | os.PathLike[str]]) -> Files:
    paths = tuple(path for item in given for path in _matches(os.fspath(item)))
    formats = {_format(path) for path in paths}
    if len(formats) > 1:
        raise DataUnreadable(f"files of several formats at once: {', '.join(sorted(formats))}")
    return Files(paths, formats.pop())


def _matches(text: str) -> list[Path]:
    if not text or "\x00" in text:
        raise DataNotFound("a path is empty or holds a NUL character")
    if "://" in text and not text.startswith("file://"):
        raise DataTypeUnsupported(f"{text}: only local files can be read so far", hint="copy the file first")
    path = Path(text.removeprefix("file://"))
    try:
        if path.is_file():
            return [path]
        if path.is_dir():
            raise DataNotFound(f"{path} is a directory", hint=f"did you mean {str(path / '*.parquet')!r}?")
        found = sorted(p for p in map(Path, glob.iglob(str(path), recursive=True)) if p.is_file())
    except OSError as error:  # a name too long, no permission on the way
        raise DataNotFound(f"{text[:200]}: {error.strerror}") from None
    if not found:
        raise DataNotFound(f"no file matches {text}")
    return found


def _format(path: Path) -> Format:
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    known = _ENDINGS.get(suffixes[-1]) if suffixes else None
    return known or _sniff(path)


def _sniff(path: Path) -> Format:
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise DataUnreadable(f"{path}: {error.strerror}") from None
    if start.startswith(b"PAR1"):
        return Format.PARQUET
    return Format.JSON if start.lstrip()[:1] in (b"{", b"[") else Format.CSV
