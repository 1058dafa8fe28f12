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


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """``name@alias`` stands for a version."""

    name: str
    alias: str
    version: int
    moved_at: dt.datetime
    who: str


class Action(StrEnum):
    """What the delete gate is asked for. All but `RESTORE` and `HOLD`, which lose nothing, can be refused."""

    DELETE = "delete"
    RESTORE = "restore"
    PURGE = "purge"
    ALIAS = "alias"
    OVERWRITE = "overwrite"
    RENAME = "rename"
    HOLD = "hold"
    RELEASE = "release"
    POLICY = "policy"
    KEY = "key"
    REPLICA = "replica"
    ERASE = "erase"


class RequestState(StrEnum):
    """How a request ended, or that it has not."""

    DONE = "done"  # done at once: nobody else was needed
    PENDING = "pending"  # nothing was done; a second person may approve it
    APPROVED = "approved"  # done after a second person's approval
    REFUSED = "refused"  # by the gate, beyond anybody's approval, or by a person
    UNDONE = "undone"  # done, and taken back whole
    EXPIRED = "expired"  # nobody decided in time


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What somebody asked the delete gate for. ``document`` says what exactly, versions by id.

    ``models`` is how many it affects; ``why`` says what kept it from being done at once.
    """

    id: int
    action: Action
    subject: str
    document: Mapping[str, Any]
    models: int
    state: RequestState
    who: str
    at: dt.datetime
    reason: str | None = None
    why: str | None = None
    decided_by: str | None = None
    decided_at: dt.datetime | None = None

    @property
    def ref(self) -> str:
        """``D17``"""
        return f"D{self.id}"


class HoldKind(StrEnum):
    """Why a version may not go."""

    LEGAL = "legal"  # somebody must be able to show it; released by a second person
    SERVICE = "service"  # something that runs reads it


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """``name``, or all names in that folder, is kept; ``version`` None: every version, also those to come."""

    id: int
    name: str
    version: int | None
    kind: HoldKind
    who: str
    reason: str
    at: dt.datetime
    released_at: dt.datetime | None = None
    released_by: str | None = None

    @property
    def ref(self) -> str:
        """``H4``"""
        return f"H{self.id}"

    def __str__(self) -> str:
        return f"{self.kind} hold {self.ref} by {self.who}: {self.reason}"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A second key for approvals: the salted digest of a secret that was shown once. ``who`` added it."""

    name: str
    salt: str
    digest: str
    who: str
    at: dt.datetime
    retired_at: dt.datetime | None = None
