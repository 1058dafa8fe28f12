"""Adopting what exists without moving it: hashed, recorded and, where that is possible, protected where it is.

Each version is recorded when it is whole; what was recorded stays, and adopting again goes on with the rest.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from interlock.catalog.vault import versions
from interlock.catalog.vault.records import VersionRecord
from interlock.errors import DataError, DataUnreadable, ObjectCorrupt, ObjectMissing, VaultError
from interlock.settings import current
from interlock.vault import intake, layout, materialise
from interlock.vault.finding import Found
from interlock.vault.hashing import sha256_of_file
from interlock.vault.intake import Progress, Wanted
from interlock.vault.manifest import File, Stored
from interlock.vault.stores import linked
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.opened import Stores
from interlock.vault.stores.protocol import Held, OnBytes, Store, Taken


@dataclass(frozen=True, slots=True)
class Way:
    """How files are protected. ``copy``: into the store, instead of a second name of the same bytes there.

    ``read_only`` takes everybody's right to write from the originals.
    """

    copy: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was recorded, what already was, and what could not be.

    ``unprotected`` are those of ``versions`` and ``known`` with bytes that lie where they were and nowhere else.
    """

    versions: tuple[VersionRecord, ...] = ()
    known: tuple[VersionRecord, ...] = ()
    left_out: tuple[Found, ...] = ()
    unprotected: tuple[VersionRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class _Version:
    """A version with its files by path; ``new`` where it was recorded just now."""

    record: VersionRecord
    files: Mapping[str, File]
    new: bool = False


def adopt(
    stores: Stores,
    wanted: Callable[[str], Wanted],
    found: Iterable[Found],
    way: Way,
    progress: Progress | None = None,
) -> Adopted:
    """Record each of ``found`` as the next version of its name, unless the newest version is just that.

    What cannot be read, changes meanwhile or cannot be so named is left out and told. Raises what stores raise.
    """
    chosen = [one for one in found if one.files or one.problem]
    on_bytes = _counting(chosen, progress)
    done: list[_Version] = []
    left_out: list[Found] = []
    with ThreadPoolExecutor(current().vault_threads) as pool:
        for one in chosen:
            if one.problem is not None:
                left_out.append(one)
                continue
            try:
                done.append(_one(stores, wanted(one.name), one, way, pool, on_bytes))
            except (DataError, VaultError) as error:
                left_out.append(replace(one, problem=error.message))
    return Adopted(
        tuple(v.record for v in done if v.new),
        tuple(v.record for v in done if not v.new),
        tuple(left_out),
        tuple(v.record for v in done if any(f.stored is Stored.ADOPTED for f in v.files.values())),
    )


def _one(
    stores: Stores, wanted: Wanted, found: Found, way: Way, pool: ThreadPoolExecutor, on_bytes: OnBytes
) -> _Version:
    known = _newest(stores, wanted.name)
    if known is not None and _untouched(known, found, way):
        on_bytes(sum(file.size_bytes for file in known.files.values()))
        return known
    taken = _all_taken(stores.main, found, way, pool, on_bytes)
    try:
        files = {one.file.path: one.file for one in taken}
        if known is not None and _as_good(known.files, files):
            return known
        kept = {one.file.sha256: one for one in taken if one.file.key}
        with intake.staged(stores, wanted) as (version, lease):
            lease.cover({one.file.key or "": one.file.size_bytes for one in kept.values()})
            pins = list(pool.map(lambda one: _keep(stores.main, one, wanted.until), kept.values()))
            record = intake.finish(stores, wanted, version, lease, files.values(), pins)
    finally:
        _drop(stores.main, taken)
    return _Version(record, files, new=True)


def _newest(stores: Stores, name: str) -> _Version | None:
    """The newest live version of a name, None where it has none that can be read."""
    with stores.catalog.read() as rx:
        record = versions.newest(rx, name)
    if record is None:
        return None
    try:
        made = materialise.manifest(stores, record)
    except (ObjectMissing, ObjectCorrupt):
        return None
    return _Version(record, {file.path: file for file in made.files})


def _untouched(known: _Version, found: Found, way: Way) -> bool:
    """Whether the files are those recorded, as far as can be told without reading them."""
    if known.files.keys() != found.files.keys():
        return False
    return all(
        (file.at, file.at_version) == _place(found.files[path]) and not (way.copy and _bare(file))
        for path, file in known.files.items()
    )


def _as_good(known: Mapping[str, File], now: Mapping[str, File]) -> bool:
    """Whether what is known has the same bytes, and protects them as well."""
    return {p: f.sha256 for p, f in known.items()} == {p: f.sha256 for p, f in now.items()} and all(
        _bare(now[path]) or not _bare(file) for path, file in known.items()
    )


def _bare(file: File) -> bool:
    return file.stored is Stored.ADOPTED


@dataclass(frozen=True, slots=True)
class _Taken:
    """A file that was hashed. ``copy`` is what was taken of it where it is copied."""

    file: File
    source: Path
    copy: Taken | None = None


def _all_taken(
    store: Store, found: Found, way: Way, pool: ThreadPoolExecutor, on_bytes: OnBytes
) -> list[_Taken]:
    """Each file, hashed; nothing is left where one fails."""
    waiting = [pool.submit(_take, store, path, at, way, on_bytes) for path, at in found.files.items()]
    wait(waiting)
    failed = next((error for one in waiting if (error := one.exception()) is not None), None)
    if failed is not None:
        _drop(store, [one.result() for one in waiting if one.exception() is None])
        raise failed
    return [one.result() for one in waiting]


def _take(store: Store, path: str, source: Path, way: Way, on_bytes: OnBytes) -> _Taken:
    at, version = _place(source)
    if way.read_only:
        _protect(source)
    copy = store.take(source, on_bytes) if way.copy else None
    sha256, size = (copy.sha256, copy.size_bytes) if copy else sha256_of_file(source, on_bytes)
    linkable = copy is None and isinstance(store, LocalStore) and linked.possible(store, source)
    stored = Stored.PLAIN if copy or linkable else Stored.ADOPTED
    taken = _Taken(File(path, sha256, size, stored, at, version), source, copy)
    if _place(source) != (at, version):
        _drop(store, [taken])
        raise linked.changed(source)
    return taken


def _keep(store: Store, taken: _Taken, until: dt.datetime | None) -> Held:
    file, key = taken.file, layout.object_key(taken.file.sha256)
    if taken.copy is not None:
        return store.keep(taken.copy, key, until=until)
    assert isinstance(store, LocalStore)
    return linked.keep(store, taken.source, file.sha256, file.at_version or "", key)


def _drop(store: Store, taken: Iterable[_Taken]) -> None:
    for one in taken:
        if one.copy is not None:
            store.drop(one.copy)


def _place(source: Path) -> tuple[str, str]:
    """Where a file really is, and what tells its bytes from others there."""
    try:
        return os.path.realpath(source), linked.version(os.stat(source))
    except OSError as error:
        raise DataUnreadable(f"{source}: {error.strerror}") from error


def _protect(source: Path) -> None:
    try:
        os.chmod(source, os.stat(source).st_mode & ~0o222)
    except OSError as error:
        raise DataUnreadable(f"{source} cannot be made read-only: {error.strerror}") from error


def _counting(found: Iterable[Found], progress: Progress | None) -> OnBytes:
    if progress is None:
        return lambda some: None
    total = sum(_size(path) for one in found for path in one.files.values())
    done = 0

    def on_bytes(some: int) -> None:
        nonlocal done
        done = min(done + some, total)
        progress(done, total)

    return on_bytes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
