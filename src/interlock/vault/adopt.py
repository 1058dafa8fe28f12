"""Adopting what exists without moving it: hashed, recorded and, where that is possible, protected where it is.

Each version is recorded when it is whole; what was recorded stays, and adopting again goes on with the rest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from interlock.catalog.vault import copies, versions
from interlock.catalog.vault.records import VersionRecord
from interlock.errors import DataError, ObjectCorrupt, ObjectMissing, VaultError
from interlock.settings import current
from interlock.vault import intake, keeping, layout, materialise, originals
from interlock.vault.finding import Found
from interlock.vault.intake import Progress, Wanted
from interlock.vault.manifest import File, Stored
from interlock.vault.originals import Local, Original, Protection, protection
from interlock.vault.stores import linked
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.opened import MAIN, Stores
from interlock.vault.stores.protocol import Held, OnBytes, Store, Taken


@dataclass(frozen=True, slots=True)
class Way:
    """How files are protected. ``copy``: into the store, instead of a second name of the same bytes there.

    ``read_only`` takes everybody's right to write from the originals. ``until``: objects are locked where
    they are, if their bucket locks.
    """

    copy: bool = False
    read_only: bool = False
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was recorded, what already was, and what could not be; and by what recorded versions are protected.

    ``protection`` is that of the file with the weakest, by the version's ref.
    """

    versions: tuple[VersionRecord, ...] = ()
    known: tuple[VersionRecord, ...] = ()
    left_out: tuple[Found, ...] = ()
    protection: Mapping[str, Protection] = field(default_factory=dict)

    def by(self, protection: str) -> list[str]:
        """The versions of this protection."""
        return [ref for ref, found in self.protection.items() if found == protection]


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
        {v.record.ref: _weakest(stores, v) for v in done},
    )


def _weakest(stores: Stores, version: _Version) -> Protection:
    order = list(Protection)
    return max((protection(stores.catalog, f) for f in version.files.values()), key=order.index)


def _one(
    stores: Stores, wanted: Wanted, found: Found, way: Way, pool: ThreadPoolExecutor, on_bytes: OnBytes
) -> _Version:
    known = _newest(stores, wanted.name)
    if known is not None and _untouched(known, found, way):
        on_bytes(sum(file.size_bytes for file in known.files.values()))
        _protect(stores, found, way, pool)
        return known
    _protect(stores, found, way, pool)
    taken = _all_taken(stores.main, found, way, pool, on_bytes)
    try:
        files = {one.file.path: one.file for one in taken}
        if known is not None and _as_good(known.files, files):
            return known
        kept = {one.file.sha256: one for one in taken if one.file.key}
        with intake.staged(stores, wanted) as (version, lease):
            lease.cover({one.file.key or "": one.file.size_bytes for one in kept.values()})
            with stores.catalog.read() as rx:
                known_pins = copies.pinned(rx, MAIN, [one.file.key or "" for one in kept.values()])
            pins = list(
                pool.map(lambda one: _keep(stores.main, one, known_pins, wanted.until), kept.values())
            )
            away = [file.at or "" for file in files.values() if _bare(file)]
            record = intake.finish(stores, wanted, version, lease, files.values(), pins, away)
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
        (file.at, file.at_version) == found.files[path].place() and not (way.copy and _bare(file))
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
    original: Original
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


def _protect(stores: Stores, found: Found, way: Way, pool: ThreadPoolExecutor) -> None:
    """First of all: from here on nobody should change them."""
    files = list(found.files.values())
    until = list(pool.map(lambda o: o.protect(read_only=way.read_only, until=way.until), files))
    locks = {one.place(): end for one, end in zip(files, until, strict=True) if end is not None}
    if locks:
        with stores.catalog.write() as tx:
            originals.locked(tx, locks)


def _take(store: Store, path: str, original: Original, way: Way, on_bytes: OnBytes) -> _Taken:
    at, version = original.place()
    copy = store.take(original.source(), on_bytes) if way.copy else None
    sha256, size = (copy.sha256, copy.size_bytes) if copy else original.digest(on_bytes)
    stored = Stored.PLAIN if copy or _linkable(store, original) else Stored.ADOPTED
    taken = _Taken(File(path, sha256, size, stored, at, version), original, copy)
    if original.place() != (at, version):
        _drop(store, [taken])
        raise linked.changed(original)
    return taken


def _linkable(store: Store, original: Original) -> bool:
    if isinstance(store, LocalStore) and isinstance(original, Local):
        return linked.possible(store, original.path)
    return False


def _keep(store: Store, one: _Taken, pins: Mapping[str, str], until: dt.datetime | None) -> Held:
    file, key = one.file, layout.object_key(one.file.sha256)
    taken = one.copy
    if taken is None:
        assert isinstance(store, LocalStore)
        assert isinstance(one.original, Local)
        taken = linked.take(store, one.original.path, file.sha256, file.at_version or "")
    try:
        return keeping.kept(store, taken, key, pins.get(key), until=until)
    finally:
        store.drop(taken)


def _drop(store: Store, taken: Iterable[_Taken]) -> None:
    for one in taken:
        if one.copy is not None:
            store.drop(one.copy)


def _counting(found: Iterable[Found], progress: Progress | None) -> OnBytes:
    if progress is None:
        return lambda some: None
    total = sum(original.size_bytes for one in found for original in one.files.values())
    done = 0

    def on_bytes(some: int) -> None:
        nonlocal done
        done = min(done + some, total)
        progress(done, total)

    return on_bytes
