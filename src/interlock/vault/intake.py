"""Putting a version: its files become objects, then its manifest, then the catalog says so.

The last step is the acknowledgement. Whatever stops a put before it leaves objects that
nothing refers to, which a next put of the same files finds and the collector removes
otherwise. Every object is leased before anybody looks whether it is there already.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Self

from interlock.catalog import Catalog, Writer, outbox
from interlock.catalog.vault import copies, objects, versions
from interlock.catalog.vault.records import Kind, VersionRecord
from interlock.errors import InterlockError, UsageError, VaultError, WorkspaceBusy
from interlock.names import Digest
from interlock.settings import current
from interlock.vault import chunked, keeping, layout
from interlock.vault.manifest import File, Manifest
from interlock.vault.stores.opened import MAIN, Stores
from interlock.vault.stores.protocol import Held, OnBytes, Store, Taken

ENTRY = "vault"
LEASE = "v"  # and the id of the staged version it is for
Progress = Callable[[int, int], None]  # (bytes done, bytes in all)
Sources = Mapping[str, Path | BinaryIO]  # path in the version → where its bytes come from

_ALIKE_MAX = 16  # objects of one size that a file is compared with before it is copied
_ALIKE_BYTES_MIN = 256 << 10  # smaller files are as soon copied, and many may be of one size
_BATCH_FILES = 64
_BATCH_BYTES = 256 << 20  # of files hashed before their leases are taken together


class Dedup(StrEnum):
    """What is stored once: a file that is the same, or also a tensor or a stretch of one that is."""

    FILE = "file"
    TENSOR = "tensor"


def dedup(word: str) -> Dedup:
    """`UsageError` for a word that says none."""
    try:
        return Dedup(word)
    except ValueError:
        raise UsageError(f"dedup is {' or '.join(map(repr, map(str, Dedup)))}, not {word!r}") from None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is put: a version of ``name``. ``until``: locked until then where a store locks."""

    name: str
    kind: Kind
    who: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    of: Mapping[str, Any] = field(default_factory=dict)
    until: dt.datetime | None = None
    dedup: Dedup = Dedup.FILE


class Lease:
    """Keeps the objects of one put, and its staged version, from the collector until it ends."""

    def __init__(self, catalog: Catalog, id_: str) -> None:
        self.catalog = catalog
        self.id = id_
        self._renewed = time.monotonic()

    @classmethod
    def of(cls, tx: Writer, staged: VersionRecord) -> Self:
        """The lease of a version just reserved; without a living one the collector gives the version up."""
        lease = cls(tx.catalog, f"{LEASE}{staged.id}")
        manifest = layout.manifest_key(staged.name, staged.version)
        objects.begin(tx, lease.id, manifest, lease._end(tx.now))
        return lease

    def cover(self, sizes: Mapping[str, int]) -> None:
        """Lease these keys, waiting for those that are just being removed."""
        deadline = time.monotonic() + current().lock_timeout_s
        left = dict(sizes)
        while left:
            with self.catalog.write() as tx:
                going = objects.lease(tx, self.id, left, self._end(tx.now))
                objects.renew(tx, self.id, self._end(tx.now))
            self._renewed = time.monotonic()
            left = {key: left[key] for key in going}
            if left and time.monotonic() > deadline:
                raise WorkspaceBusy(
                    f"the collector is removing {next(iter(left))}",
                    hint="if none is at work, `interlock vault collect` finishes what one began",
                )
            time.sleep(0.05 if left else 0)

    def keep_up(self) -> None:
        """Renew it when a third of its time has passed; cheap to call often."""
        if time.monotonic() - self._renewed > current().vault_lease_s / 3:
            with self.catalog.write() as tx:
                objects.renew(tx, self.id, self._end(tx.now))
            self._renewed = time.monotonic()

    def _end(self, now: dt.datetime) -> dt.datetime:
        return now + dt.timedelta(seconds=current().vault_lease_s)


def put(stores: Stores, wanted: Wanted, sources: Sources, progress: Progress | None = None) -> VersionRecord:
    """Put files as the next version of a name; atomic, and lasting when it returns.

    Raises `NameRefused`, `DataNotFound`, `DataUnreadable`, `VaultError`, `ObjectCorrupt` where a source
    changed meanwhile, and what stores raise. A put that failed may simply be repeated: what it
    had stored is found.
    """
    if not sources:
        raise VaultError(f"nothing to put as {wanted.name}: there is no file")
    with staged(stores, wanted) as (version, lease):
        files, pins = _stored(stores, sources, lease, wanted, _counting(sources, progress))
        return finish(stores, wanted, version, lease, files, pins)


@contextlib.contextmanager
def staged(stores: Stores, wanted: Wanted) -> Iterator[tuple[VersionRecord, Lease]]:
    """A version's number and a lease, both given up where the block fails."""
    stores.found()
    with stores.catalog.write() as tx:
        version = versions.reserve(tx, wanted.name, wanted.kind, wanted.who)
        lease = Lease.of(tx, version)
    try:
        yield version, lease
    except BaseException:
        with contextlib.suppress(InterlockError), stores.catalog.write() as tx:
            versions.abandon(tx, [version.id])
            objects.release(tx, lease.id)
        raise


def finish(
    stores: Stores,
    wanted: Wanted,
    staged: VersionRecord,
    lease: Lease,
    files: Iterable[File],
    pins: Iterable[Held],
    pinned: Iterable[str] = (),
    check: Callable[[Writer], None] | None = None,
) -> VersionRecord:
    """Write the manifest and commit: from here on the version is acknowledged.

    ``pinned`` are the keys of what it needs that lies outside the store; ``check`` may still refuse.
    """
    made, held = sealed(stores, wanted, staged, files, pins)
    with stores.catalog.write() as tx:
        if check is not None:
            check(tx)
        return acknowledge(tx, staged, lease, made, held, pinned)


def sealed(
    stores: Stores, wanted: Wanted, staged: VersionRecord, files: Iterable[File], pins: Iterable[Held]
) -> tuple[Manifest, list[Held]]:
    """The manifest, in the store, and with it all that is there of the version."""
    made = Manifest(
        wanted.kind,
        wanted.name,
        staged.version,
        staged.created_at,
        wanted.who,
        tuple(sorted(files, key=lambda file: file.path)),
        wanted.metadata,
        wanted.lineage,
        wanted.of,
    )
    return made, [*pins, stores.main.put(made.key, made.encode(), until=wanted.until)]


def acknowledge(
    tx: Writer,
    staged: VersionRecord,
    lease: Lease,
    made: Manifest,
    held: Sequence[Held],
    pinned: Iterable[str] = (),
) -> VersionRecord:
    """The version of a manifest that was written becomes live with this transaction."""
    record = versions.commit(
        tx,
        staged,
        manifest=Digest.of(made.encode()).hex,
        size_bytes=made.size_bytes,
        files=len(made.files),
        keys=[*(h.key for h in held if h.key != made.key), *pinned],
        sha256=made.files[0].sha256 if made.kind is Kind.FILE else None,
        metadata=made.metadata,
        lineage=made.lineage,
    )
    objects.pin(tx, MAIN, [(h.key, h.version, h.locked_until) for h in held])
    objects.release(tx, lease.id)
    said = {"action": "put", "who": made.who, "of": made.kind.value, "files": len(made.files)}
    outbox.append(tx, ENTRY, {**said, "name": made.name, "version": staged.version})
    return record


def _stored(
    stores: Stores, sources: Sources, lease: Lease, wanted: Wanted, on_bytes: OnBytes | None
) -> tuple[list[File], list[Held]]:
    """The files as they are listed, and the objects that hold them."""
    files: list[File] = []
    pins: dict[str, Held] = {}
    store, until = stores.main, wanted.until

    def counted(done: int) -> None:
        lease.keep_up()
        if on_bytes is not None:
            on_bytes(done)

    large = _large(sources) if wanted.dedup is Dedup.TENSOR else {}
    for path, source in large.items():
        file, kept = chunked.store(stores.catalog, store, path, source, lease, until, counted)
        files.append(file)
        pins |= {one.key: one for one in kept}
    with ThreadPoolExecutor(current().vault_threads) as pool:
        for batch in _batches({path: source for path, source in sources.items() if path not in large}):
            taken: list[Taken] = []
            try:
                alike = _of_the_same_size(stores.catalog, batch)
                waiting = [pool.submit(store.take, s, counted, alike.get(p, ())) for p, s in batch.items()]
                taken = _all_of(waiting, store)
                by_key = {layout.object_key(t.sha256): t for t in taken}
                lease.cover({key: t.size_bytes for key, t in by_key.items()})
                with stores.catalog.read() as rx:
                    known = copies.pinned(rx, MAIN, by_key)
                keeps = [
                    pool.submit(keeping.kept, store, t, k, known.get(k), until=until)
                    for k, t in by_key.items()
                ]
                pins |= {held.key: held for held in (one.result() for one in keeps)}
            finally:
                for one in taken:
                    store.drop(one)
            files += [File(path, t.sha256, t.size_bytes) for path, t in zip(batch, taken, strict=True)]
    return files, list(pins.values())


def _large(sources: Sources) -> dict[str, Path]:
    """Files that are kept in chunks, if any are."""
    paths = {path: source for path, source in sources.items() if isinstance(source, Path)}
    return {path: source for path, source in paths.items() if source.stat().st_size >= chunked.SIZE_BYTES_MIN}


def _all_of(waiting: Iterable[Any], store: Store) -> list[Taken]:
    """Every result, or, where one failed, its error once nothing taken is left."""
    done: list[Taken] = []
    failed: BaseException | None = None
    for one in waiting:
        try:
            done.append(one.result())
        except BaseException as error:
            failed = failed or error
    if failed is not None:
        for taken in done:
            store.drop(taken)
        raise failed
    return done


def _of_the_same_size(catalog: Catalog, batch: Sources) -> dict[str, list[str]]:
    """Objects, if not many, that a file may be, by its path."""
    sizes = {path: s.stat().st_size for path, s in batch.items() if isinstance(s, Path) and s.is_file()}
    large = {path: size for path, size in sizes.items() if size >= _ALIKE_BYTES_MIN}
    with catalog.read() as rx:
        return {path: objects.of_size(rx, layout.OBJECTS, size, _ALIKE_MAX) for path, size in large.items()}


def _batches(sources: Sources) -> Iterator[dict[str, Path | BinaryIO]]:
    batch: dict[str, Path | BinaryIO] = {}
    size = 0
    for path, source in sources.items():
        batch[path] = source
        size += source.stat().st_size if isinstance(source, Path) and source.is_file() else 0
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch


def _counting(sources: Sources, progress: Progress | None) -> OnBytes | None:
    if progress is None:
        return None
    total = sum(s.stat().st_size for s in sources.values() if isinstance(s, Path) and s.is_file())
    done = 0

    def on_bytes(some: int) -> None:
        nonlocal done
        done += some
        progress(min(done, total), total)

    return on_bytes
