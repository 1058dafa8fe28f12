"""A version's manifest: which files it is, in canonical JSON. The format is docs/formats/vault-v1.md."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from interlock import names
from interlock.catalog.canonical import canonical, parse
from interlock.catalog.vault.records import Kind
from interlock.errors import InterlockError, ObjectCorrupt
from interlock.names import Digest
from interlock.vault import layout

FORMAT, FORMAT_VERSION = "interlock-vault", 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Stored(StrEnum):
    """How a file's bytes are kept."""

    PLAIN = "plain"  # one object, named by the file's SHA-256
    RECIPE = "recipe"  # in chunks, which a recipe lists
    ADOPTED = "adopted"  # where it was before; ``at`` says where
    LAKE = "lake"  # a data file of a managed table; ``at`` is its path among the workspace's files


@dataclass(frozen=True, slots=True)
class File:
    """One file of a version. ``path`` is relative, with ``/``; ``at_version`` the version id of an adopted object.

    ``sha256`` is that of its bytes; where it is kept in chunks that of its recipe, which vouches for each.
    """

    path: str
    sha256: str
    size_bytes: int
    stored: Stored = Stored.PLAIN
    at: str | None = None
    at_version: str | None = None

    @property
    def key(self) -> str | None:
        """The object that stands for it in the vault's stores; None where its bytes lie elsewhere."""
        if self.stored is Stored.PLAIN:
            return layout.object_key(self.sha256)
        return layout.recipe_key(self.sha256) if self.stored is Stored.RECIPE else None

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "path": self.path,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "stored": self.stored.value,
        }
        found |= {} if self.at is None else {"at": self.at}
        return found | ({} if self.at_version is None else {"at_version": self.at_version})


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version is. ``of`` holds what only its kind has: a snapshot's ``table`` and ``snapshot_id``."""

    kind: Kind
    name: str
    number: int
    created_at: dt.datetime
    who: str
    files: tuple[File, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    of: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return layout.manifest_key(self.name, self.number)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def encode(self) -> bytes:
        """Its bytes, the same for the same manifest."""
        return canonical(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "kind": self.kind.value,
            "name": self.name,
            "number": self.number,
            "created_at": self.created_at.isoformat(timespec="microseconds"),
            "who": self.who,
            "files": [file.to_dict() for file in self.files],
            "metadata": dict(self.metadata),
            "lineage": dict(self.lineage),
            **({"of": dict(self.of)} if self.of else {}),
        }

    @classmethod
    def decode(cls, data: bytes, digest: str | None = None) -> Self:
        """The manifest these bytes are; `ObjectCorrupt` where they are none, or not those of ``digest``."""
        if digest is not None and Digest.of(data).hex != digest:
            raise ObjectCorrupt(
                "a manifest is not what was put", hint="`interlock vault scrub --repair` mends it"
            )
        try:
            return cls._read(parse(data))
        except (KeyError, TypeError, ValueError, AttributeError, InterlockError) as error:
            raise ObjectCorrupt(f"this is no manifest: {error}") from None

    @classmethod
    def _read(cls, value: Any) -> Self:
        if value["format"] != FORMAT or value["version"] != FORMAT_VERSION:
            raise ValueError(
                f"{value['format']} {value['version']}; this Interlock reads {FORMAT} {FORMAT_VERSION}"
            )
        return cls(
            Kind(value["kind"]),
            names.model_name(value["name"]),
            int(value["number"]),
            dt.datetime.fromisoformat(value["created_at"]),
            str(value["who"]),
            tuple(_file(one) for one in value["files"]),
            dict(value["metadata"]),
            dict(value["lineage"]),
            dict(value.get("of", {})),
        )


def _file(value: Mapping[str, Any]) -> File:
    if not _SHA256.fullmatch(value["sha256"]) or int(value["size_bytes"]) < 0:
        raise ValueError(f"{value['path']!r} has no digest or size")
    return File(
        names.file_path(value["path"]),
        value["sha256"],
        int(value["size_bytes"]),
        Stored(value["stored"]),
        value.get("at"),
        value.get("at_version"),
    )
