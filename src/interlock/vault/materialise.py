"""Getting files out again: verified while they are written, from the replica where the main store fails."""

from __future__ import annotations

import io
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeVar

from interlock import durable
from interlock.catalog.vault.records import VersionRecord
from interlock.errors import (
    DataNotFound,
    HealthWarning,
    InterlockError,
    ObjectCorrupt,
    ObjectMissing,
    StorageFailed,
    StoreRefused,
    StoreUnreachable,
    VersionNotFound,
    nearest,
)
from interlock.settings import current
from interlock.vault import layout, originals, recipes
from interlock.vault.copying import copied, written
from interlock.vault.hashing import sha256_of, sha256_of_file
from interlock.vault.manifest import File, Manifest, Stored
from interlock.vault.stores.opened import MAIN, Pinned, Stores
from interlock.vault.stores.protocol import CHUNK_BYTES, OnBytes

Progress = Callable[[int, int], None]
T = TypeVar("T")
OUTSIDE = (Stored.LAKE, Stored.ADOPTED)  # of the stores


def manifest(stores: Stores, record: VersionRecord) -> Manifest:
    """A version's manifest, as it was put. `ObjectMissing`, `ObjectCorrupt`."""
    key = layout.manifest_key(record.name, record.version)
    return _first(stores, key, lambda store: Manifest.decode(b"".join(store.read(key)), record.manifest))


def get(
    stores: Stores,
    record: VersionRecord,
    into: Path,
    *,
    paths: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write a version's files, or those of ``paths``, into a folder; returns where they are.

    Each file appears whole and verified or not at all; one that is there already with the right
    bytes is left as it is. Raises `ObjectCorrupt`, `ObjectMissing`, `VersionNotFound` for a path
    that is not in it, `StorageFailed`.
    """
    wanted = [f for f in manifest(stores, record).files if paths is None or f.path in set(paths)]
    if paths is not None and len(wanted) < len(set(paths)):
        missing = next(p for p in paths if p not in {f.path for f in wanted})
        raise VersionNotFound(f"{record.ref} holds no file {missing!r}")
    on_bytes = _counting(sum(f.size_bytes for f in wanted), progress)

    def write(file: File) -> Path:
        return _write(stores, file, into / file.path, on_bytes)

    # One in chunks takes many threads, and their memory, by itself.
    at = {file.path: write(file) for file in wanted if file.stored is Stored.RECIPE}
    with ThreadPoolExecutor(current().vault_threads) as pool:
        others = [file for file in wanted if file.path not in at]
        at |= zip((file.path for file in others), pool.map(write, others), strict=True)
    return [at[file.path] for file in wanted]


def open_(stores: Stores, record: VersionRecord, path: str | None = None) -> BinaryIO:
    """A file's bytes to read from, verified before the first is handed out. The only file, or that at ``path``."""
    file = find(manifest(stores, record), record, path)
    spooled = tempfile.TemporaryFile(prefix="interlock-", buffering=0)  # noqa: SIM115
    try:
        _copy(stores, file, spooled, None)
    except BaseException:
        spooled.close()
        raise
    spooled.seek(0)
    return io.BufferedReader(spooled)


def find(made: Manifest, record: VersionRecord, path: str | None) -> File:
    """The file at ``path``, or the only one. `VersionNotFound`."""
    by_path = {file.path: file for file in made.files}
    if path is None and len(made.files) == 1:
        return made.files[0]
    if path is None or path not in by_path:
        what = f"no file {path!r}" if path else f"{len(made.files)} files"
        hint = (
            nearest(path or "", by_path) or f"name one: {record.ref}/{made.files[0].path}"
            if made.files
            else None
        )
        raise VersionNotFound(f"{record.ref} holds {what}", hint=hint)
    return by_path[path]


def pieces(stores: Stores, store: Pinned, file: File) -> Iterator[bytes]:
    """A file's bytes from one store, not verified as a whole.

    What lies outside the main store is read where it is; the replica has a plain object of it.
    """
    if _is_object(store, file):
        yield from store.read(layout.object_key(file.sha256))
    elif file.stored is Stored.RECIPE:
        yield from recipes.read(store, recipes.load(store, file.sha256))
    elif file.stored is Stored.LAKE:
        yield from _of_lake(stores, file.at or "")
    elif file.stored is Stored.ADOPTED:
        yield from originals.pieces(stores.catalog, file)
    else:
        raise ObjectMissing(f"{file.path} is kept in a way this Interlock does not read: {file.stored}")


def _is_object(store: Pinned, file: File) -> bool:
    return file.stored is Stored.PLAIN or (file.stored in OUTSIDE and store.name != MAIN)


def unsound(stores: Stores, files: Sequence[File]) -> list[File]:
    """Those of the files of a snapshot that are not, where they are, what was put."""
    main = stores.pinned()[0]

    def sound(file: File) -> bool:
        try:
            return sha256_of(pieces(stores, main, file))[0] == file.sha256
        except ObjectMissing:
            return False

    with ThreadPoolExecutor(current().vault_threads) as pool:
        return [file for file, whole in zip(files, pool.map(sound, files), strict=True) if not whole]


def _of_lake(stores: Stores, path: str) -> Iterator[bytes]:
    try:
        with stores.catalog.files.read(path) as source:
            yield from iter(lambda: source.read(CHUNK_BYTES), b"")
    except StorageFailed as error:
        raise ObjectMissing(
            f"a data file is not to be read: {error.message}",
            hint="`interlock vault scrub --repair` fetches it",
        ) from None


def _write(stores: Stores, file: File, target: Path, on_bytes: OnBytes | None) -> Path:
    if _there(target, file):
        if on_bytes is not None:
            on_bytes(file.size_bytes)
        return target
    durable.make_folder(target.parent)
    temporary = target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex[:12]}{durable.TEMPORARY_SUFFIX}")
    try:
        with durable.refusals(temporary), open(temporary, "x+b", buffering=0) as out:
            _copy(stores, file, out, on_bytes)
        durable.sync_file(temporary)
        durable.move(temporary, target)
    except BaseException:
        durable.remove([temporary])
        raise
    return target


def _there(target: Path, file: File) -> bool:
    try:
        if file.stored is Stored.RECIPE or target.stat().st_size != file.size_bytes:
            return False
        return sha256_of_file(target)[0] == file.sha256
    except (OSError, DataNotFound):
        return False


def _copy(stores: Stores, file: File, out: io.FileIO, on_bytes: OnBytes | None) -> None:
    """Write a file's bytes, all of them right; from the next store where one fails."""

    def from_(store: Pinned) -> None:
        try:
            _copy_from(stores, store, file, out, on_bytes)
        except (ObjectMissing, ObjectCorrupt):
            inside = layout.object_key(file.sha256)  # where scrub --repair has taken in what was lost outside
            if file.stored not in OUTSIDE or store.name != MAIN or stores.main.stat(inside) is None:
                raise
            _copy_from(stores, store, replace(file, stored=Stored.PLAIN), out, on_bytes)

    _first(stores, file.path, from_)


def _copy_from(stores: Stores, store: Pinned, file: File, out: io.FileIO, on_bytes: OnBytes | None) -> None:
    out.seek(0)
    out.truncate()
    if file.stored is Stored.RECIPE:  # whose chunks are verified each
        written(pieces(stores, store, file), out, on_bytes)
        return
    if _is_object(store, file):
        sha256 = store.fetch(layout.object_key(file.sha256), out, on_bytes)
    else:
        sha256, _ = copied(pieces(stores, store, file), out, on_bytes)
    if sha256 != file.sha256:
        raise _corrupt(file, store)


def _corrupt(file: File, store: Pinned) -> ObjectCorrupt:
    return ObjectCorrupt(
        f"{file.path} in {file.at or store.where} is not what was put",
        hint="`interlock vault scrub --repair` mends it from the replica",
    )


def _first(stores: Stores, what: str, read: Callable[[Pinned], T]) -> T:
    """What the main store gives, else the replica; the main store's error where both fail."""
    failed: InterlockError | None = None
    for store in stores.pinned():
        try:
            found = read(store)
        except (ObjectMissing, ObjectCorrupt, StorageFailed, StoreUnreachable, StoreRefused) as error:
            failed = failed or error
            continue
        if failed is not None:
            said = f"{what} was read from the replica: {failed.message}; `interlock vault scrub --repair` mends it"
            warnings.warn(HealthWarning(said), stacklevel=2)
        return found
    assert failed is not None
    raise failed


def _counting(total: int, progress: Progress | None) -> OnBytes | None:
    if progress is None:
        return None
    done = 0

    def on_bytes(some: int) -> None:
        nonlocal done
        done = min(done + some, total)
        progress(done, total)

    return on_bytes
