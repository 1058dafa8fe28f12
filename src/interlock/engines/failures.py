"""What DuckDB and the operating system complain about, as Interlock's errors in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from interlock.errors import (
    DataNotFound,
    DataTypeUnsupported,
    DataUnreadable,
    InterlockError,
    QueryFailed,
    StorageFailed,
    StoreRefused,
    StoreUnreachable,
)

_STORAGE = re.compile(
    r"no space left|disk full|permission denied|read-only file system|cannot open file .*(?:for writing|no such file)"
    r"|could not write|max_temp_directory_size|failed to create directory",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^[A-Z][A-Za-z-]*(?: [A-Za-z-]+)* [Ee]rror: ")
_FORBIDDEN = re.compile(r'cannot open file "[^"]*": permission denied', re.IGNORECASE)
_BROKEN_FILE = re.compile(r"failed to read file|decompression fail|corrupt|thrift|TProtocol", re.IGNORECASE)
# What a file system written in Python raised: DuckDB gives its trace as the message of an error of its own.
_STORES: dict[str, type[InterlockError]] = {
    k.__name__: k for k in (StoreUnreachable, StoreRefused, StorageFailed)
}
_STORE = re.compile(rf"\b({'|'.join(_STORES)}): (.*?)(?: \(([^()]*)\))?$", re.MULTILINE)
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
_MESSAGE_LENGTH_MAX = 240


def one_line(error: BaseException) -> str:
    """The first line of a message without DuckDB's prefix, at most 240 characters.

    >>> one_line(ValueError("Invalid Input Error: No magic bytes\\n\\nLINE 1: …"))
    'No magic bytes'
    """
    text = str(error).strip() or type(error).__name__
    line = _csv(text) or _PREFIX.sub("", text.splitlines()[0].strip())
    return line if len(line) <= _MESSAGE_LENGTH_MAX else line[: _MESSAGE_LENGTH_MAX - 1] + "…"


def _csv(text: str) -> str | None:
    """What is wrong with a CSV, which DuckDB says lines later; never its line itself, which holds cells."""
    if "Error when sniffing file" in text:
        return "cannot be read as CSV: nothing in it looks like columns"
    where = _CSV_LINE.search(text)
    if where is None:
        return None
    rest = [
        line
        for line in text[where.end() :].splitlines()
        if line.strip() and not line.startswith("Original Line")
    ]
    return f"line {where[1]}: {rest[0].strip()}" if rest else f"line {where[1]}"


def _hint(text: str) -> str | None:
    folded = text.casefold()
    if "encoding" in folded or "utf-8" in folded or "utf8" in folded or "unicode" in folded:
        return "convert the text to UTF-8"
    if "out of memory" in folded:
        return "give it more memory with INTERLOCK_MEMORY_LIMIT_MB"
    return None


def translate(error: BaseException, *, what: str, reading: bool) -> InterlockError:
    """The Interlock error for a failure of ``what`` (a file, an object, a statement).

    ``reading`` says whether input data was being read: then an unexplained
    failure is the data's fault (`DataUnreadable`), otherwise the query's.
    """
    if isinstance(error, InterlockError):
        return error
    line, text = one_line(error), str(error)
    if found := _STORE.search(text):
        return _STORES[found[1]](found[2], hint=found[3])
    if isinstance(error, FileNotFoundError):
        return DataNotFound(f"{what}: no such file")
    if reading and _FORBIDDEN.search(text):
        return DataUnreadable(f"{what}: permission denied")
    if isinstance(error, OSError) or _STORAGE.search(text):
        return StorageFailed(f"{what}: {line}")
    if isinstance(error, duckdb.NotImplementedException):
        return DataTypeUnsupported(f"{what}: {line}")
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return StorageFailed(f"{what}: {line}", hint="give it more memory with INTERLOCK_MEMORY_LIMIT_MB")
    if isinstance(error, duckdb.IOException) and "No files found" in text:
        return DataNotFound(f"{what}: no file matches")
    if not reading and _BROKEN_FILE.search(text):
        return DataUnreadable(line, hint=_hint(text))
    if reading:
        return DataUnreadable(f"{what}: {line}", hint=_hint(text))
    return QueryFailed(f"{what}: {line}", hint=_hint(text))


@contextmanager
def translated(what: str, *, reading: bool) -> Iterator[None]:
    """Turn whatever the block raises into an `InterlockError`, without the trace behind it."""
    try:
        yield
    except InterlockError:
        raise
    except (duckdb.Error, OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        failure = translate(error, what=what, reading=reading)
    except Exception as error:  # an input object's own code may raise anything
        if not reading:
            raise
        failure = translate(error, what=what, reading=True)
    else:
        return
    raise failure from None
