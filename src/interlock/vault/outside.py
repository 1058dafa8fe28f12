"""Files of versions that lie outside the stores: of a managed table's snapshot, or adopted where they were.

Where one was lost, its bytes are taken into the main store from the replica, under their SHA-256: the
version can be read again. What lies outside is never written to.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from interlock.catalog import Writer, outbox
from interlock.catalog.vault import copies, objects, versions
from interlock.catalog.vault.records import READABLE
from interlock.errors import (
    ObjectCorrupt,
    ObjectMissing,
    StorageFailed,
    StoreRefused,
    StoreUnreachable,
)
from interlock.vault import layout, materialise, repair
from interlock.vault.damage import Finding, What
from interlock.vault.hashing import sha256_of
from interlock.vault.intake import ENTRY, Lease
from interlock.vault.manifest import File, Manifest
from interlock.vault.stores.opened import MAIN, Stores
from interlock.vault.stores.protocol import OnBytes

_REFS = 5


def files(made: Manifest) -> tuple[File, ...]:
    """The files of a version that lie outside the stores."""
    return tuple(file for file in made.files if file.stored in materialise.OUTSIDE)


def key_of(file: File) -> str:
    """The object that such a file is in a store which has taken it in."""
    return layout.object_key(file.sha256)


def read(stores: Stores, file: File) -> Iterator[bytes]:
    """The bytes where they were, not verified. `ObjectMissing` where they cannot be had."""
    try:
        yield from materialise.pieces(stores, stores.pinned()[0], file)
    except (StorageFailed, StoreUnreachable, StoreRefused) as error:
        raise ObjectMissing(error.message) from error


def examine(stores: Stores, file: File, on_bytes: OnBytes | None = None) -> tuple[What, str] | None:
    """What is wrong with a file where it was; None where it is what was put."""
    try:
        sha256, size = sha256_of(read(stores, file), on_bytes)
    except (ObjectMissing, ObjectCorrupt) as error:
        return What.MISSING, error.message
    if sha256 == file.sha256:
        return None
    if size == file.size_bytes:
        return What.CORRUPT, "its bytes were changed"
    return What.CORRUPT, f"it has {size:,} bytes, not {file.size_bytes:,}"


@dataclass(frozen=True, slots=True)
class Outside:
    """The part of a scrub that looks after such files. Those many versions share are read once."""

    stores: Stores
    who: str
    pool: Executor
    on_bytes: OnBytes
    repair: bool
    _whole: set[tuple[str | None, str]] = field(default_factory=set)

    def look_after(self, listed: Sequence[tuple[str, File]]) -> list[Finding]:
        """Findings among these files, each given with the key of the manifest that lists it.

        A file that the main store has taken in needs no looking at: its version needs that object now.
        """
        with self.stores.catalog.read() as rx:
            inside = copies.pinned(rx, MAIN, [key_of(file) for _, file in listed])
        taken_in = [(manifest, key_of(f)) for manifest, f in listed if key_of(f) in inside]
        if taken_in:
            with self.stores.catalog.write() as tx:
                _need(tx, taken_in)
        new = {(f.at, f.sha256): f for _, f in listed if key_of(f) not in inside}
        todo = {place: file for place, file in new.items() if place not in self._whole}
        results = self.pool.map(lambda file: examine(self.stores, file, self.on_bytes), todo.values())
        findings: list[Finding] = []
        for (place, file), wrong in zip(todo.items(), results, strict=True):
            if wrong is None:
                self._whole.add(place)
            else:
                manifests = [m for m, f in listed if (f.at, f.sha256) == place]
                findings += self._lost(file, manifests, *wrong)
        return findings

    def _lost(self, file: File, manifests: Sequence[str], what: What, detail: str) -> Iterator[Finding]:
        with self.stores.catalog.read() as rx:
            of = [m for m in map(layout.manifest_of, manifests) if m is not None]
            needing = copies.digests(rx, of)
        if not needing:
            return  # purged while we looked
        refs = tuple(f"{name}@v{number}" for name, number in sorted(needing)[:_REFS])
        finding = Finding(file.stored.value, file.at or file.path, what, detail, refs)
        if self.repair:
            finding = self._taken_in(file, manifests, finding)
        if finding.left:
            with self.stores.catalog.write() as tx:
                copies.damaged(tx, MAIN, manifests)
        yield finding

    def _taken_in(self, file: File, manifests: Sequence[str], finding: Finding) -> Finding:
        key, catalog = key_of(file), self.stores.catalog
        lease = Lease(catalog, uuid.uuid4().hex)
        lease.cover({key: file.size_bytes})
        try:
            with catalog.read() as rx:
                pins = copies.pins(rx, key)
            held, source = repair.mend(self.stores, MAIN, key, None, pins)
        except (ObjectMissing, StorageFailed, StoreRefused) as error:
            return replace(finding, why=error.message)
        else:
            repaired = replace(finding, repaired=source)
            with catalog.write() as tx:
                objects.pin(tx, MAIN, [(key, held.version, held.locked_until)])
                _need(tx, [(manifest, key) for manifest in manifests])
                outbox.append(tx, ENTRY, repaired.entry(self.who))
            return repaired
        finally:
            with catalog.write() as tx:
                objects.release(tx, lease.id)


def _need(tx: Writer, pairs: Sequence[tuple[str, str]]) -> None:
    """The versions of these manifests need these objects, too."""
    for manifest, key in pairs:
        of = layout.manifest_of(manifest)
        record = versions.one(tx, *of) if of else None
        if record is not None and record.state in READABLE:
            copies.need(tx, record.id, [key])
