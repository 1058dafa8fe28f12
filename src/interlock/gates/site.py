"""Where a gate works: the workspace folder, its catalog, an engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from interlock import durable
from interlock.catalog import Catalog
from interlock.engines.duckdb import DuckDB


@dataclass(frozen=True, slots=True)
class Site:
    """``folder`` holds the catalog, ``data/`` what is published, the rest by the names below."""

    folder: Path
    catalog: Catalog
    engine: DuckDB

    @property
    def staging(self) -> Path:
        """Writes in progress; on the same file system as the data, so that moves are renames."""
        return self.folder / "staging"

    @property
    def quarantine(self) -> Path:
        """Files kept from readers."""
        return self.folder / "quarantine"

    def lock(self, name: str) -> Path:
        """The lock file of this name; its folder is made if need be."""
        folder = self.folder / "locks"
        durable.make_folder(folder)
        return folder / f"{file_name(name)}.lock"

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
