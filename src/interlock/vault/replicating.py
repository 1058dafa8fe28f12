"""Copying versions to the replica: their objects, verified on the way, and then their manifests."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from interlock.catalog.vault import copies, objects, versions
from interlock.catalog.vault.records import READABLE, VersionRecord
from interlock.errors import ObjectCorrupt, ObjectMissing, ObjectTaken, StorageFailed
from interlock.settings import current
from interlock.vault import content, layout, outside, retention
from interlock.vault.intake import Lease
from interlock.vault.manifest import File, Manifest
from interlock.vault.pieces import as_file
from interlock.vault.retention import Renewed
from interlock.vault.stores.opened import MAIN, REPLICA, Stores
from interlock.vault.stores.protocol import Held, OnBytes, Store

_BATCH_FILES, _BATCH_BYTES = 256, 256 << 20  # copied between two notes of what is there
_FAILURES_MAX = 1_000


@dataclass(slots=True)
class Copied:
    """What was brought to the replica. ``failed``: a version → why it could not be; the first of them.

    ``locks`` is what became of the locks of both stores.
    """

    versions: int = 0
    objects: int = 0
    size_bytes: int = 0
    locks: Renewed = field(default_factory=Renewed)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.failed and self.locks.ok

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "versions": self.versions,
            "objects": self.objects,
            "size_bytes": self.size_bytes,
            "locks": self.locks.to_dict(),
            "failed": self.failed,
        }


def bring(stores: Stores, replica: Store, ids: Sequence[int], done: Copied, on_bytes: OnBytes) -> None:
    """Copy these versions, as far as they can be read and are not there; add to ``done`` what was."""
    lease = Lease(stores.catalog, uuid.uuid4().hex)

    def counted(some: int) -> None:
        lease.keep_up()
        on_bytes(some)

    try:
        with ThreadPoolExecutor(current().vault_threads) as pool:
            _Batch(stores, replica, lease, pool, counted, done).run(ids)
    finally:
        with stores.catalog.write() as tx:
            objects.release(tx, lease.id)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An object that is to be in the replica: the main store's ``version`` of it, or a ``file`` that lies outside."""

    key: str
    size_bytes: int
    version: str | None = None
    file: File | None = None


@dataclass(frozen=True, slots=True)
class _Version:
    """A version to copy: its manifest, and the objects the replica is to hold for it."""

    record: VersionRecord
    manifest: bytes
    wanted: tuple[_Wanted, ...]

    @property
    def key(self) -> str:
        return layout.manifest_key(self.record.name, self.record.version)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some versions on their way. ``lost``: objects that could not be copied, and why."""

    stores: Stores
    replica: Store
    lease: Lease
    pool: Executor
    on_bytes: OnBytes
    done: Copied
    lost: dict[str, str] = field(default_factory=dict)

    def run(self, ids: Sequence[int]) -> None:
        with self.stores.catalog.read() as rx:
            records = [r for r in versions.get(rx, ids) if r.state in READABLE]
            until = retention.until(rx, self.replica)
        going = [v for v in self.pool.map(self._version, records) if v is not None]
        wanted = {w.key: w for version in going for w in version.wanted}
        with self.stores.catalog.read() as rx:
            there = copies.pinned(rx, REPLICA, wanted)
        for some in _batches(w for w in wanted.values() if w.key not in there):
            self._copy_all(some, until)
        whole = []
        for version in going:
            why = next((self.lost[w.key] for w in version.wanted if w.key in self.lost), None)
            if why is None:
                whole.append(version)
            else:
                self._failed(version.record, why)
        held = list(self.pool.map(lambda v: self._put(v, until), whole))
        with self.stores.catalog.write() as tx:
            still = {
                r.id for r in versions.get(tx, ids) if r.state in READABLE
            }  # others may have been purged
            for version, put in zip(whole, held, strict=True):
                if put is not None and version.record.id in still:
                    objects.pin(tx, REPLICA, [(put.key, put.version, put.locked_until)])
                    copies.need(tx, version.record.id, [w.key for w in version.wanted if w.file is not None])
                    self.done.versions += 1

    def _version(self, record: VersionRecord) -> _Version | None:
        main, key = self.stores.main, layout.manifest_key(record.name, record.version)
        try:
            data = b"".join(_read(main, key, None))
            manifest = Manifest.decode(data, record.manifest)
        except (ObjectMissing, ObjectCorrupt) as error:
            self._failed(record, error.message)
            return None
        away = {outside.key_of(f): f for f in outside.files(manifest)}
        with self.stores.catalog.read() as rx:
            needed = [k for k in versions.keys(rx, record.id) if layout.is_object(k)]
            pins, sizes = copies.pinned(rx, MAIN, needed), copies.sizes(rx, needed)
        wanted = [_Wanted(k, sizes.get(k, 0), pins.get(k)) for k in needed if k in pins or k not in away]
        wanted += [_Wanted(k, f.size_bytes, file=f) for k, f in away.items() if k not in pins]
        return _Version(record, data, tuple(wanted))

    def _copy_all(self, some: Sequence[_Wanted], until: dt.datetime | None) -> None:
        self.lease.cover({w.key: w.size_bytes for w in some})
        held = [h for h in self.pool.map(lambda w: self._copy(w, until), some) if h is not None]
        with self.stores.catalog.write() as tx:
            objects.pin(tx, REPLICA, [(h.key, h.version, h.locked_until) for h in held])
        self.done.objects += len(held)
        self.done.size_bytes += sum(h.size_bytes for h in held)

    def _copy(self, wanted: _Wanted, until: dt.datetime | None) -> Held | None:
        """The object in the replica; None, and a word in ``lost``, where its bytes are not to be had."""
        key, replica = wanted.key, self.replica
        try:
            there = replica.stat(key)
            if there is not None and content.look(key, replica.read(key, version=there.version)).whole:
                self.on_bytes(wanted.size_bytes)
                return retention.locked(replica, there, until)
            taken = replica.take(as_file(self._pieces(wanted)), self.on_bytes)
            try:
                if not content.look_at(key, taken).whole:
                    raise ObjectCorrupt(f"{key} is not what was put")
                if there is None:
                    return replica.keep(taken, key, until=until)
                return retention.locked(replica, replica.mend(taken, key), until)
            finally:
                replica.drop(taken)
        except (ObjectMissing, ObjectCorrupt) as error:
            self.lost[key] = error.message
            return None

    def _pieces(self, wanted: _Wanted) -> Iterator[bytes]:
        if wanted.file is not None:
            return outside.read(self.stores, wanted.file)
        return _read(self.stores.main, wanted.key, wanted.version)

    def _put(self, version: _Version, until: dt.datetime | None) -> Held | None:
        try:
            return self.replica.put(version.key, version.manifest, until=until)
        except ObjectTaken as error:
            self._failed(version.record, error.message)
            return None

    def _failed(self, record: VersionRecord, why: str) -> None:
        if len(self.done.failed) < _FAILURES_MAX:
            self.done.failed[record.ref] = why


def _read(store: Store, key: str, version: str | None) -> Iterator[bytes]:
    """As `Store.read`; what cannot be read there counts as missing: it is the other store that must not fail."""
    try:
        yield from store.read(key, version=version)
    except StorageFailed as error:
        raise ObjectMissing(f"{key} cannot be read: {error.message}") from error


def _batches(wanted: Iterable[_Wanted]) -> Iterator[list[_Wanted]]:
    batch: list[_Wanted] = []
    size = 0
    for one in wanted:
        batch.append(one)
        size += one.size_bytes
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
