"""Where a gate works: the workspace folder, its catalog, an engine."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from interlock.catalog import Catalog, Files, Locks

if TYPE_CHECKING:
    from interlock.engines.duckdb import DuckDB


@dataclass(frozen=True)
class Site:
    """``folder`` holds what is named below, the catalog if it is a file, and the data `files` unless they are on S3."""

    folder: Path
    catalog: Catalog

    @functools.cached_property
    def engine(self) -> DuckDB:
        """Of this process; made when it is first needed, which much of what people do never does."""
        from interlock.engines.duckdb import DuckDB

        return DuckDB(self.catalog.files)

    def close(self) -> None:
        """Let go of the engine, if there is one, and of the catalog. May be called twice."""
        if "engine" in self.__dict__:
            self.engine.close()
        self.catalog.close()

    @property
    def files(self) -> Files:
        """Published files, and those kept from readers."""
        return self.catalog.files

    @property
    def staging(self) -> Path:
        """Writes in progress; where files lie in the folder too, on the same file system, so that moves are renames."""
        return self.folder / "staging"

    @property
    def locks(self) -> Locks:
        return self.catalog.locks

    def lock(self, name: str) -> Path:
        """The lock of this name; see `locks`."""
        return self.folder / "locks" / f"{file_name(name)}.lock"

    def memory(self, table: str) -> Path:
        """What a table's history taught, kept as a cache; the file need not be there."""
        return self.folder / "learned" / f"{file_name(table)}.npz"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"


FILE_NAME_LENGTH_MAX = 120  # with what is added to it, below the 255 bytes file systems allow


def file_name(text: str) -> str:
    """A file name for a table or partition: readable, safe, its own for every text."""
    safe = quote(text, safe="")
    if len(safe) <= FILE_NAME_LENGTH_MAX:
        return safe
    return f"{safe[: FILE_NAME_LENGTH_MAX - 33]}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
