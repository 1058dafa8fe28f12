"""A store in a folder: one plain file an object, under its key.

Objects are written to ``tmp/``, synced, and linked to their name, so that a name never
stands for half an object. They are read-only, against accidents; a folder of the same
operating-system user protects against nothing else.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
import os
import stat
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from interlock import durable
from interlock.errors import ObjectCorrupt, ObjectMissing, ObjectTaken
from interlock.vault.copying import copied
from interlock.vault.hashing import in_order, opened, piece, sha256_of_file
from interlock.vault.stores.protocol import CHUNK_BYTES, Held, OnBytes, Taken

TEMPORARY = "tmp"
READ_ONLY = 0o444
_LOOKS, _LOOK_BYTES = 8, 4096  # where a file is compared with an object before it is copied


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Objects in the folder ``root``, which is made with the first of them."""

    root: Path

    @property
    def where(self) -> str:
        return str(self.root)

    @property
    def locks(self) -> bool:
        return False

    @property
    def versions(self) -> bool:
        return False

    def take(
        self, source: Path | BinaryIO, on_bytes: OnBytes | None = None, alike: Collection[str] = ()
    ) -> Taken:
        """Copies while it hashes: the bytes are synced to ``tmp/`` when this returns."""
        if isinstance(source, Path) and any(self._resembles(key, source) for key in alike):
            return Taken(source, *sha256_of_file(source, on_bytes), ours=False)
        folder = self.root / TEMPORARY
        durable.make_folder(folder)
        copy = folder / f"{uuid.uuid4().hex}{durable.TEMPORARY_SUFFIX}"
        try:
            with contextlib.ExitStack() as stack:
                read = stack.enter_context(opened(source)) if isinstance(source, Path) else source
                with durable.refusals(copy):
                    write = stack.enter_context(open(copy, "x+b", buffering=0))
                    pieces = iter(lambda: piece(read), b"")
                    by_kernel = read if isinstance(read, io.FileIO) else None
                    sha256, size = copied(pieces, write, on_bytes, source=by_kernel)
                    os.fchmod(write.fileno(), READ_ONLY)
                    os.fsync(write.fileno())
        except BaseException:
            durable.remove([copy])
            raise
        return Taken(copy, sha256, size, ours=True)

    def keep(self, taken: Taken, key: str, *, until: dt.datetime | None = None) -> Held:
        ours = taken if taken.ours else self._copy(taken)
        try:
            new = durable.link_new(ours.path, self.root / key)
            held = self._held(key) if new else self._same(key, ours.size_bytes)
        except BaseException:
            if ours is not taken:
                self.drop(ours)
            raise
        self.drop(ours)
        return held

    def drop(self, taken: Taken) -> None:
        if taken.ours:
            durable.remove([taken.path])

    def put(self, key: str, data: bytes, *, until: dt.datetime | None = None) -> Held:
        taken = self.take(io.BytesIO(data))
        try:
            held = self.keep(taken, key, until=until)
        finally:
            self.drop(taken)
        if b"".join(self.read(key)) != data:
            raise ObjectTaken(
                f"{self.root / key} holds something else already", hint="nothing was overwritten"
            )
        return held

    def read(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """As the protocol has it, but of any version: a folder that was copied back is to be read."""
        with self._opened(key) as file:
            if start == 0 and length is None:
                in_order(file)
            file.seek(start)
            left = length
            while left is None or left > 0:
                data = file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
                if not data:
                    return
                left = None if left is None else left - len(data)
                yield data

    def fetch(
        self, key: str, out: io.FileIO, on_bytes: OnBytes | None = None, *, version: str | None = None
    ) -> str:
        with self._opened(key) as file:
            in_order(file)
            pieces = iter(lambda: file.read(CHUNK_BYTES), b"")
            return copied(pieces, out, on_bytes, source=file)[0]

    def stat(self, key: str, *, version: str | None = None) -> Held | None:
        with durable.refusals(self.root / key):
            try:
                held = self._held(key)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return held if version in (None, held.version) else None

    def list(self, prefix: str = "") -> Iterator[Held]:
        folder, _, start = prefix.rpartition("/")
        with durable.refusals(self.root):
            yield from self._walk(folder, start)

    def retain(self, key: str, version: str, until: dt.datetime) -> dt.datetime | None:
        return None

    def mend(self, taken: Taken, key: str) -> Held:
        ours = taken if taken.ours else self._copy(taken)
        path = self.root / key
        try:
            if not self._is(key, ours.sha256):
                durable.move(ours.path, path)
        finally:
            self.drop(ours)
        return self._held(key)

    # --- files ------------------------------------------------------------------------

    def _resembles(self, key: str, source: Path) -> bool:
        """Whether a file of as many bytes as an object has the same ones where both are looked at."""
        with opened(source) as file, contextlib.suppress(ObjectMissing), self._opened(key) as other:
            size = os.fstat(other.fileno()).st_size
            return all(_some(file, at) == _some(other, at) for at in range(0, size, max(size // _LOOKS, 1)))
        return False

    @contextlib.contextmanager
    def _opened(self, key: str) -> Iterator[io.FileIO]:
        path = self.root / key
        with durable.refusals(path):
            try:
                file = open(path, "rb", buffering=0)  # noqa: SIM115
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise ObjectMissing(
                    f"{path} is gone", hint="`interlock vault scrub --repair` fetches it"
                ) from None
            with file:
                yield file

    def _walk(self, folder: str, start: str) -> Iterator[Held]:
        try:
            entries = sorted(os.scandir(self.root / folder), key=lambda e: e.name + "/" * e.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            name = f"{folder}/{entry.name}".lstrip("/")
            if not entry.name.startswith(start) or name == TEMPORARY:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(name, "")
            else:
                with contextlib.suppress(FileNotFoundError):
                    yield self._held(name)

    def _held(self, key: str) -> Held:
        found = os.stat(self.root / key)
        if not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError
        return Held(key, found.st_size, f"{found.st_mtime_ns:x}-{found.st_size:x}")

    def _same(self, key: str, size_bytes: int) -> Held:
        held = self._held(key)
        if held.size_bytes != size_bytes:
            raise ObjectTaken(
                f"{self.root / key} is there with {held.size_bytes:,} bytes, not {size_bytes:,}",
                hint="`interlock vault scrub --repair` mends it; nothing was overwritten",
            )
        return held

    def _copy(self, taken: Taken) -> Taken:
        copy = self.take(taken.path)
        if copy.sha256 != taken.sha256:
            self.drop(copy)
            raise ObjectCorrupt(
                f"{taken.path} changed while it was put", hint="put it again when it is whole"
            )
        return copy

    def _is(self, key: str, sha256: str) -> bool:
        hashed = hashlib.sha256()
        try:
            for data in self.read(key):
                hashed.update(data)
        except ObjectMissing:
            return False
        return hashed.hexdigest() == sha256


def _some(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    return piece(file, _LOOK_BYTES)
