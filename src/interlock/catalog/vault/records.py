"""What the catalog holds of the vault, as frozen values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a name in the vault stands for."""

    MODEL = "model"  # each version is a set of files
    FILE = "file"  # one file, written by its path; each overwrite is a version
    SNAPSHOT = "snapshot"  # a table as it was


class VersionState(StrEnum):
    """Where a version stands. Only ``live`` and ``deleted`` can be read; ``purged`` is the end."""

    STAGED = "staged"  # its number is taken, its files are on their way
    LIVE = "live"
    DELETED = "deleted"  # a tombstone: restored at once, or purged after retention and approval
    PURGED = "purged"


READABLE = (VersionState.LIVE, VersionState.DELETED)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of a name.

    ``manifest`` is the SHA-256 of its manifest's bytes, None while staged; ``sha256`` that of the
    file's bytes where the kind is `Kind.FILE`. ``request_id`` is the request that deleted it.
    """

    id: int
    name: str
    version: int
    kind: Kind
    state: VersionState
    manifest: str | None
    size_bytes: int
    files: int
    sha256: str | None
    who: str
    created_at: dt.datetime
    metadata: Mapping[str, Any]
    lineage: Mapping[str, Any]
    deleted_at: dt.datetime | None = None
    deleted_by: str | None = None
    request_id: int | None = None
    purge_after: dt.datetime | None = None

    @property
    def ref(self) -> str:
        """``ranker@v41``"""
        return f"{self.name}@v{self.version}"

    def fact(self) -> dict[str, Any]:
        """What the ledger says of it; the last fact of an id is what the catalog must hold."""
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "state": self.state.value,
            "manifest": self.manifest,
        }


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """``name@alias`` stands for a version."""

    name: str
    alias: str
    version: int
    moved_at: dt.datetime
    who: str
