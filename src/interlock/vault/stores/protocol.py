"""What a store of the vault can do. *There is no delete*: what must not happen has no method.

Keys are relative and use ``/``; `interlock.vault.layout` makes them. An object is
immutable once it is there, and lasting when the call that put it returns. Only the
collector of the delete gate (`interlock.gates.delete.collector`) can remove one.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

OnBytes = Callable[[int], None]
"""Called with the number of bytes just done; for progress and rate limits."""

CHUNK_BYTES = 256 << 10  # of one read: stays in a core's cache while it is hashed and written


@dataclass(frozen=True, slots=True)
class Held:
    """An object that is there.

    ``version`` names these very bytes under this key, whatever is put there later: the
    version id of a bucket with versions, else whatever the store can tell them by.
    ``locked_until`` is the retention as the store itself says it, None without one.
    """

    key: str
    size_bytes: int
    version: str
    locked_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Bytes that were read once, hashed, and lie on this machine until they are kept or dropped.

    ``path`` may be the source itself where a store need not copy it first; ``ours`` says
    that it is a temporary file, which goes when it is dropped or kept.
    """

    path: Path
    sha256: str
    size_bytes: int
    ours: bool


class Readable(Protocol):
    """What reading takes of a store."""

    @property
    def where(self) -> str:
        """What messages call it; holds no secret."""

    def read(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """An object's bytes, or ``length`` of them from ``start`` on, in pieces, not verified. `ObjectMissing`."""


class Store(Readable, Protocol):
    """One place. Methods may be called from several threads at once.

    All raise `StorageFailed` (a folder) or `StoreUnreachable` and `StoreRefused` (S3).
    """

    @property
    def locks(self) -> bool:
        """Whether objects can be locked until a moment against everybody (S3 object lock)."""

    @property
    def versions(self) -> bool:
        """Whether the bytes of a version can be read although others were put under their key since."""

    def take(
        self, source: Path | BinaryIO, on_bytes: OnBytes | None = None, alike: Collection[str] = ()
    ) -> Taken:
        """Read ``source`` and hash it; nothing is in the store yet. `DataUnreadable`, `DataNotFound`.

        ``alike``: objects of as many bytes. A store that copies what it takes need not copy what looks like
        one of them, and only hashes it.
        """

    def keep(self, taken: Taken, key: str, *, until: dt.datetime | None = None) -> Held:
        """Put taken bytes under ``key`` unless an object is there, which is then returned as it is.

        What arrives is compared with ``taken.sha256``: `ObjectCorrupt` where the source changed
        meanwhile. An object of another size under the key is `ObjectTaken`. ``until``: locked until
        then, where the store locks; what was there already has its lock extended.
        """

    def drop(self, taken: Taken) -> None:
        """Forget taken bytes. After a `keep` that returned nothing is left to forget; may be called all the same."""

    def put(self, key: str, data: bytes, *, until: dt.datetime | None = None) -> Held:
        """Put a small object whole unless it is there. The same bytes again are no error; others are `ObjectTaken`."""

    def fetch(
        self, key: str, out: io.FileIO, on_bytes: OnBytes | None = None, *, version: str | None = None
    ) -> str:
        """Write an object into an empty file that can be read; SHA-256 of what the file holds. `ObjectMissing`."""

    def stat(self, key: str, *, version: str | None = None) -> Held | None:
        """The object under ``key``, its version of that name; None where there is none."""

    def list(self, prefix: str = "") -> Iterator[Held]:
        """Every object whose key begins with ``prefix``, by key; of a bucket with versions the newest."""

    def retain(self, key: str, version: str, until: dt.datetime) -> dt.datetime | None:
        """Lock an object until then or longer; the retention as *read back*, None without locks."""

    def mend(self, taken: Taken, key: str) -> Held:
        """Put taken bytes in the place of an object that is missing, or whose bytes are not ``taken.sha256``.

        Looks at what is there itself: whole bytes are never replaced, and are returned as they are.
        """
