"""Finding a version by what people write: ``ranker``, ``ranker@v41``, ``ranker@champion``, ``ranker@v41/a.bin``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from interlock import names
from interlock.catalog.catalog import Reader
from interlock.catalog.vault import aliases, versions
from interlock.catalog.vault.records import READABLE, VersionRecord, VersionState
from interlock.errors import VersionDeleted, VersionNotFound, nearest

_NEAR_MAX = 1_000  # names looked through for one that is spelled alike


@dataclass(frozen=True, slots=True)
class Reference:
    """``name``, and perhaps ``@version``, and perhaps the ``path`` of a file in it."""

    name: str
    at: str | None = None
    path: str | None = None

    @classmethod
    def of(cls, text: str) -> Self:
        """What ``text`` says; `NameRefused` where it can name nothing."""
        name, _, rest = text.partition("@")
        at, _, path = rest.partition("/")
        if at and names.version_number(at) is None:
            names.alias(at)
        return cls(names.model_name(name), at or None, path or None)

    def __str__(self) -> str:
        return self.name + (f"@{self.at}" if self.at else "") + (f"/{self.path}" if self.path else "")


def resolve(rx: Reader, text: str, *, deleted: bool = False) -> VersionRecord:
    """The version ``text`` names; without ``@`` the newest that is live.

    Raises `VersionNotFound`, with the nearest name; `VersionDeleted` unless ``deleted``.
    """
    reference = Reference.of(text)
    found = _found(rx, reference)
    if found is None or found.state not in READABLE:
        raise _missing(rx, reference, found)
    if found.state is VersionState.DELETED and not deleted:
        raise VersionDeleted(
            f"{found.ref} was deleted by {found.deleted_by}"
            + (f" on {found.deleted_at:%Y-%m-%d %H:%M} UTC" if found.deleted_at else ""),
            hint=f"`interlock vault restore {found.ref}` brings it back",
        )
    return found


def _found(rx: Reader, reference: Reference) -> VersionRecord | None:
    if reference.at is None:
        return versions.newest(rx, reference.name) or versions.newest(rx, reference.name, READABLE)
    number = names.version_number(reference.at)
    if number is None:
        known = aliases.get(rx, reference.name, reference.at)
        number = None if known is None else known.version
    return None if number is None else versions.one(rx, reference.name, number)


def _missing(rx: Reader, reference: Reference, found: VersionRecord | None) -> VersionNotFound:
    if found is not None and found.state is VersionState.PURGED:
        return VersionNotFound(
            f"{found.ref} was purged", hint="`interlock ledger log` says by whom; it is gone"
        )
    if found is not None:
        return VersionNotFound(f"{found.ref} is still being put", hint="wait until it is there")
    if versions.kind_of(rx, reference.name) is None:
        near = nearest(reference.name, versions.names(rx, limit=_NEAR_MAX))
        return VersionNotFound(
            f"the vault holds no {reference.name!r}", hint=near or "`interlock vault ls` lists it"
        )
    known = [a.alias for a in aliases.list_(rx, reference.name)]
    near = nearest(reference.at or "", known) if reference.at else None
    hint = near or f"`interlock vault ls {reference.name}` lists its versions"
    return VersionNotFound(f"{reference.name} has no {reference.at or 'version'}", hint=hint)
