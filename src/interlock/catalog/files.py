"""Where a workspace's data files lie: in its folder, or under a prefix of an S3 bucket.

Their paths are relative to that place and use ``/``: ``data/main/orders/x.parquet``.
What is in ``data`` is published, what is in ``quarantine`` is kept from readers.
Nothing else asks which kind of place it is; `Folder` and `s3.S3` are the two.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from interlock import durable
from interlock.errors import StorageFailed

if TYPE_CHECKING:
    import duckdb

DATA, QUARANTINE = "data", "quarantine"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is there; ``changed_at`` in seconds since 1970."""

    size_bytes: int
    changed_at: float


class Files(Protocol):
    """The data files of one workspace. `InterlockError` where the place does not answer, or refuses."""

    @property
    def where(self) -> str:
        """What messages call the place; holds no secret."""

    def place(self, path: str) -> str:
        """Where a file lies, as DuckDB reads it; that of another writer, which is absolute, as it is."""

    def put(self, files: Mapping[Path, str]) -> None:
        """Bring local files here, each whole, and lasting when this returns. They may be gone from where they were."""

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files that are no longer referenced; those already gone don't matter."""

    def wipe(self, paths: Iterable[str]) -> dict[str, str]:
        """Remove files in every version the place keeps of them; those that are left, and why."""

    def listed(self) -> dict[str, Stored]:
        """Every Parquet file that is here, whoever put it here."""

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """Those of these files that are here, and their sizes in bytes."""

    def read(self, path: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """A file's bytes. `StorageFailed` where it is not there."""

    def local(self, path: str, copy: Path) -> Path:
        """The file on this machine: itself, or a ``copy`` made there."""

    def retire(self, path: str) -> None:
        """Nobody refers to the file any more: what grace it has begins now, where the place can tell."""

    def serve(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let a connection of DuckDB read what is here by its `place`."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Files in a folder of this machine, or of a disk that it mounts."""

    root: Path

    @property
    def where(self) -> str:
        return str(self.root)

    def place(self, path: str) -> str:
        return str(self.root / path)

    def put(self, files: Mapping[Path, str]) -> None:
        """A rename: ``files`` must be on the same file system."""
        durable.move_all({source: self.root / path for source, path in files.items()})

    def remove(self, paths: Iterable[str]) -> None:
        durable.remove(self.root / path for path in paths)

    def wipe(self, paths: Iterable[str]) -> dict[str, str]:
        left = {}
        for path in paths:
            try:
                self.remove([path])
            except StorageFailed as error:
                left[path] = error.message
        return left

    def listed(self) -> dict[str, Stored]:
        found = {}
        for part in (DATA, QUARANTINE):
            for file in (self.root / part).rglob("*.parquet"):
                with contextlib.suppress(OSError):
                    facts = file.stat()
                    path = file.relative_to(self.root).as_posix()
                    found[path] = Stored(facts.st_size, facts.st_mtime)
        return found

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        found = {}
        for path in paths:
            with contextlib.suppress(OSError):
                found[path] = (self.root / path).stat().st_size
        return found

    @contextlib.contextmanager
    def read(self, path: str) -> Iterator[BinaryIO]:
        with durable.refusals(self.root / path), (self.root / path).open("rb") as file:
            yield file

    def local(self, path: str, copy: Path) -> Path:
        return self.root / path

    def retire(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.utime(self.root / path)

    def serve(self, connection: duckdb.DuckDBPyConnection) -> None:
        """DuckDB reads folders by itself."""
