"""Objects of S3 as a file system of DuckDB's, which reads the ranges of bytes that a query needs.

Objects never change: the end of each, where Parquet keeps what it holds, comes
with its size in one request and is kept for readers that open it again.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

from interlock.catalog.s3 import Part
from interlock.errors import StoreRefused, StoreUnreachable

TAIL_BYTES = 64 << 10  # the footer of most files, and all of a small one
TAILS_MAX = 512  # ends that are kept: 32 MiB

Fetch = Callable[[str, str], Part]


def filesystem(fetch: Fetch) -> Any:
    """What `duckdb.DuckDBPyConnection.register_filesystem` takes. ``fetch`` gives a range of bytes of a place."""
    from fsspec import AbstractFileSystem

    class Served(Ranges, AbstractFileSystem):  # type: ignore[misc]
        protocol = "s3"
        cachable = False

    return Served(fetch)


class Ranges:
    """What DuckDB asks of a file system written in Python."""

    def __init__(self, fetch: Fetch) -> None:
        super().__init__()
        self._fetch = fetch
        self._ends: dict[str, Part] = {}
        self._lock = threading.Lock()

    def glob(self, path: str, **_: Any) -> list[str]:
        """Names are never patterns here."""
        return [path]

    def exists(self, path: str, **_: Any) -> bool:
        return bool(self._end(path))

    def size(self, path: str) -> int:
        return self._end(path).size

    def modified(self, path: str) -> dt.datetime:
        return self._end(path).made_at

    def open(self, path: str, mode: str = "rb", **_: Any) -> Object:
        if mode != "rb":
            raise StoreRefused(f"{path} can only be read", hint="write() writes")
        return Object(path, self._fetch, self._end(path))

    def _end(self, path: str) -> Part:
        with self._lock:
            known = self._ends.get(path)
        if known is None:
            known = self._fetch(path, f"bytes=-{TAIL_BYTES}")
            with self._lock:
                if len(self._ends) >= TAILS_MAX:
                    self._ends.clear()
                self._ends[path] = known
        return known


class Object:
    """An open object, whose ``end`` is known."""

    def __init__(self, path: str, fetch: Fetch, end: Part) -> None:
        self._path, self._fetch, self._end = path, fetch, end
        self._at = 0
        self.closed = False

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._end.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, length: int = -1) -> bytes:
        """From here on; all there is if ``length`` is negative. `StoreUnreachable` where fewer bytes come."""
        start, end = self._at, self._end
        stop = end.size if length < 0 else min(start + length, end.size)
        if start >= stop:
            return b""
        kept = end.size - len(end.data)
        data = end.data[start - kept : stop - kept] if start >= kept else self._range(start, stop)
        self._at = stop
        return data

    def _range(self, start: int, stop: int) -> bytes:
        data = self._fetch(self._path, f"bytes={start}-{stop - 1}").data
        if len(data) != stop - start:
            raise StoreUnreachable(
                f"{self._path}: {len(data):,} of {stop - start:,} bytes came", hint="try again"
            )
        return data

    def close(self) -> None:
        self.closed = True
