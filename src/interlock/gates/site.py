"""Where a gate works: the workspace folder, its catalog, an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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

    @property
    def locks(self) -> Path:
        return self.folder / "locks"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"
