"""Files as they lie where nobody put them for the vault: on this machine, or in a bucket.

An original is known by its address, ``at``, and by what tells its bytes from others there: the version id of
an object, else when and with how many bytes it was written last.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote, unquote

from sqlalchemy import exists, select

from interlock.catalog import Catalog, Reader, Writer
from interlock.catalog.s3 import is_s3
from interlock.catalog.vault import objects
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.marks import Copy
from interlock.catalog.vault.records import READABLE
from interlock.errors import DataUnreadable
from interlock.vault.hashing import sha256_of, sha256_of_file
from interlock.vault.manifest import File, Stored
from interlock.vault.pieces import as_file
from interlock.vault.stores import linked
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.opened import SPOOL
from interlock.vault.stores.protocol import Held, OnBytes, Store

if TYPE_CHECKING:
    from interlock.vault.stores.s3 import S3Store


_ORIGINAL = "original:"  # and a version id: the store, in the catalog's word, of a locked original


class Protection(StrEnum):
    """What keeps the bytes of an adopted file, the weakest last."""

    KEPT = "kept"  # they are in the vault's store
    LOCKED = "locked"  # where they are, against everybody
    PINNED = (
        "pinned"  # where they are, by a version that outlives a delete, but not whoever may delete versions
    )
    BARE = "bare"  # where they are, and nothing keeps them there


@dataclass(frozen=True, slots=True)
class Local:
    """A file of this machine."""

    path: Path

    @property
    def size_bytes(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def place(self) -> tuple[str, str]:
        """Address and version, as they are now. `DataUnreadable`."""
        try:
            return os.path.realpath(self.path), linked.version(os.stat(self.path))
        except OSError as error:
            raise DataUnreadable(f"{self.path}: {error.strerror}") from error

    def digest(self, on_bytes: OnBytes) -> tuple[str, int]:
        return sha256_of_file(self.path, on_bytes)

    def source(self) -> Path | BinaryIO:
        """What a store takes."""
        return self.path

    def protect(self, *, read_only: bool, until: dt.datetime | None) -> dt.datetime | None:
        """Take everybody's right to write from it, if so wanted. `DataUnreadable`."""
        if not read_only:
            return None
        try:
            os.chmod(self.path, os.stat(self.path).st_mode & ~0o222)
        except OSError as error:
            raise DataUnreadable(f"{self.path} cannot be made read-only: {error.strerror}") from error
        return None

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Remote:
    """An object of a bucket, in the version it had when it was listed."""

    store: S3Store
    query: str
    held: Held

    @property
    def size_bytes(self) -> int:
        return self.held.size_bytes

    def place(self) -> tuple[str, str]:
        key = quote(f"{self.store.at.prefix}{self.held.key}")
        return f"s3://{self.store.at.bucket}/{key}{self.query}", self.held.version

    def digest(self, on_bytes: OnBytes) -> tuple[str, int]:
        return sha256_of(self._bytes(), on_bytes)

    def source(self) -> Path | BinaryIO:
        return as_file(self._bytes())

    def protect(self, *, read_only: bool, until: dt.datetime | None) -> dt.datetime | None:
        """Lock this version until then, where the bucket locks; until when it is."""
        locks = until is not None and self.store.locks
        return self.store.retain(self.held.key, self.held.version, until) if locks and until else None

    def _bytes(self) -> Iterator[bytes]:
        return self.store.read(self.held.key, version=self.held.version)

    def __str__(self) -> str:
        return f"{self.store.where}/{self.held.key}"


Original = Local | Remote


def protection(catalog: Catalog, file: File) -> Protection:
    """What keeps a file of an adopted version."""
    if file.stored is not Stored.ADOPTED:
        return Protection.KEPT
    if not is_s3(file.at) or (file.at_version or '"').startswith('"'):
        return Protection.BARE
    store, _ = _where(catalog, file.at or "")
    return Protection.LOCKED if store.locks else Protection.PINNED


def pieces(catalog: Catalog, file: File) -> Iterator[bytes]:
    """An adopted file's bytes from where ``at`` says they are, not verified. `ObjectMissing`, and what S3 raises."""
    store, key = _where(catalog, file.at or "")
    yield from store.read(key, version=file.at_version)


def locked(tx: Writer, locks: Mapping[tuple[str, str], dt.datetime]) -> None:
    """Note until when originals, (at, version), are locked: `retain` makes it longer while a version needs them."""
    for (at, version), until in locks.items():
        objects.pin(tx, f"{_ORIGINAL}{version}", [(at, version, until)])


def to_renew(rx: Reader, before: dt.datetime) -> list[Copy]:
    """Locked originals that a version needs which can be read, and that are locked no longer than ``before``."""
    c, v = s.copies, s.versions
    used = exists().where(
        s.uses.c.key == c.c.key,
        s.uses.c.version_id == v.c.id,
        v.c.state.in_([state.value for state in READABLE]),
    )
    wanted = select(c.c.store, c.c.key, c.c.version, c.c.locked_until).where(
        c.c.store.startswith(_ORIGINAL), c.c.locked_until < before, used
    )
    return [Copy(*row) for row in rx.connection.execute(wanted.order_by(c.c.key))]


def retain(catalog: Catalog, copy: Copy, until: dt.datetime) -> dt.datetime | None:
    """Lock an original until then; as `Store.retain`."""
    store, key = _where(catalog, copy.key)
    return store.retain(key, copy.version, until)


def _where(catalog: Catalog, at: str) -> tuple[Store, str]:
    if not is_s3(at):
        return LocalStore(Path("/")), at
    address, mark, query = at.partition("?")
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket_at(f"s3://{bucket}{mark}{query}", catalog.folder / SPOOL), unquote(key)


@functools.lru_cache(maxsize=16)
def bucket_at(address: str, spool: Path) -> S3Store:
    """The objects at ``s3://BUCKET/PREFIX?…``. `UsageError`."""
    from interlock.vault.stores.s3 import S3Store

    return S3Store.of(address, spool)
