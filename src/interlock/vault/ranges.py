"""Bytes that can be read from anywhere in them: of a file on this machine, or of an object in a store."""

from __future__ import annotations

import io
import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, cast

from interlock.errors import DataNotFound, DataUnreadable, ObjectCorrupt
from interlock.vault.stores.protocol import CHUNK_BYTES, Readable


class Ranges(Protocol):
    """Anything of a known size that is read by ranges. May be read from several threads at once."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def size_bytes(self) -> int: ...

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Exactly ``length`` bytes from ``start`` on, in pieces; an error where there are fewer."""

    def fingerprint(self, start: int, length: int) -> Hashable | None:
        """What equals another's only where the bytes do, if that is known without reading them; else None."""


def whole(ranges: Ranges, start: int, length: int) -> bytes:
    """`Ranges.read` in one piece."""
    return b"".join(ranges.read(start, length))


class FileRanges:
    """A file on this machine. `DataNotFound`, `DataUnreadable`; the latter too where it shrinks meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise DataNotFound(f"{path} is not there") from None
        except OSError as error:
            raise DataUnreadable(f"{path}: {error.strerror}") from error
        self.size_bytes, self.changed_ns = self._stat()

    @property
    def name(self) -> str:
        return str(self.path)

    def __enter__(self) -> FileRanges:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def read(self, start: int, length: int) -> Iterator[bytes]:
        end = start + length
        while start < end:
            try:
                data = os.pread(self._descriptor, min(CHUNK_BYTES, end - start), start)
            except OSError as error:
                raise DataUnreadable(f"{self.path}: {error.strerror}") from error
            if not data:
                raise self.changed()
            start += len(data)
            yield data

    def fingerprint(self, start: int, length: int) -> Hashable | None:
        return None

    def unchanged(self) -> None:
        """`DataUnreadable` where the file was written to since it was opened."""
        if self._stat() != (self.size_bytes, self.changed_ns):
            raise self.changed()

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns

    def changed(self) -> DataUnreadable:
        """The error of a file that is not what it was a moment ago."""
        return DataUnreadable(f"{self.path} changed while it was read", hint="put it again when it is whole")


@dataclass(frozen=True, slots=True)
class ObjectRanges:
    """A plain object of a store. A range of it cannot be verified: `interlock vault scrub` reads it whole."""

    store: Readable
    key: str
    size_bytes: int
    version: str | None = None

    @property
    def name(self) -> str:
        return f"{self.store.where}/{self.key}"

    def read(self, start: int, length: int) -> Iterator[bytes]:
        left = length
        if left:
            for data in self.store.read(self.key, version=self.version, start=start, length=length):
                left -= len(data)
                yield data
        if left:
            raise ObjectCorrupt(
                f"{self.name} ends at {start + length - left:,} bytes of {self.size_bytes:,}",
                hint="`interlock vault scrub --repair` mends it",
            )

    def fingerprint(self, start: int, length: int) -> Hashable | None:
        return None


def as_file(ranges: Ranges) -> io.BufferedReader:
    """A file object that reads ahead a little, for whoever wants one to seek in."""
    return io.BufferedReader(_File(ranges), buffer_size=CHUNK_BYTES)


class _File(io.RawIOBase):
    def __init__(self, ranges: Ranges) -> None:
        self._ranges, self._at = ranges, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._ranges.size_bytes}[whence]
        if origin + offset < 0:
            raise OSError(f"cannot seek to {origin + offset}")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        length = max(0, min(len(view), self._ranges.size_bytes - self._at))
        for data in self._ranges.read(self._at, length) if length else ():
            view[: len(data)] = data
            view = view[len(data) :]
        self._at += length
        return length
