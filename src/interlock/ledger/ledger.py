"""The ledger's files: catching them up with the outbox, and reading them.

The k-th entry of the outbox, in commit order, has ledger index k. `Ledger.project`
writes the files for entries that have none yet, then the checkpoint, then tells
the catalog. It may die anywhere: the next call finds the files behind the
catalog, or ahead of what the catalog knows, and goes on with the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock import durable, settings
from interlock.catalog import Catalog, Locks, outbox
from interlock.catalog.canonical import parse
from interlock.errors import LedgerError, LedgerTampered, WorkspaceBusy
from interlock.ledger import merkle, tiles
from interlock.ledger.tiles import CHECKPOINT, ENTRIES, WIDTH, Checkpoint

LOCK = ".lock"


def origin_of(workspace: str) -> str:
    """The name a workspace's log goes by in checkpoints."""
    return f"interlock/{workspace}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log and its place."""

    index: int
    data: bytes

    @property
    def value(self) -> dict[str, Any]:
        """The entry as JSON: ``v``, ``kind``, ``at``, ``workspace`` and its body."""
        found = parse(self.data)
        if not isinstance(found, dict):
            raise LedgerTampered(f"entry {self.index} is not a JSON object")
        return found


class Ledger:
    """The log in a folder, read and extended. ``locks`` are those of its workspace."""

    def __init__(self, folder: str | os.PathLike[str], locks: Locks = durable) -> None:
        self.folder = Path(folder)
        self._locks = locks
        self._swept = False

    def checkpoint(self) -> Checkpoint | None:
        """The size and root the log last settled on; None before its first entry."""
        path = self.folder / CHECKPOINT
        with durable.refusals(path):
            data = path.read_bytes() if path.exists() else None
        return None if data is None else Checkpoint.decode(data)

    @property
    def size(self) -> int:
        """Entries under the checkpoint."""
        found = self.checkpoint()
        return found.size if found else 0

    def project(self, catalog: Catalog) -> int:
        """Bring the files up to the catalog's outbox; returns how many entries were added.

        Idempotent, and safe in several processes at once. Raises
        `LedgerTampered` where files and catalog contradict each other, and
        `WorkspaceBusy` where another process doesn't finish in time.
        """
        durable.make_folder(self.folder)
        with catalog.locks.locked(self.folder / LOCK, timeout_s=settings.current().lock_timeout_s):
            with catalog.read() as rx:
                placed, pending = outbox.count_placed(rx), outbox.pending(rx)
                before = self.checkpoint() or Checkpoint(origin_of(catalog.id), 0, merkle.EMPTY_ROOT)
                self._check(before, catalog, placed, placed + len(pending))
                first = before.size - before.size % WIDTH
                entries = outbox.entries(rx, first)
            if not self._swept:
                self._sweep(before.size)
            if len(entries) > before.size - first:
                self._extend(before, first, entries)
            self._swept = True
            if pending:
                with catalog.write() as tx:
                    outbox.place(tx, [row.id for row in pending], placed)
        return len(pending)

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """The entries ``start`` ≤ index < ``end``, read from the files."""
        with self._still():
            size = self.size
            stop = size if end is None else min(end, size)
            chosen = range(start // WIDTH, (stop + WIDTH - 1) // WIDTH)
            names = [tiles.path(ENTRIES, index, min(WIDTH, size - index * WIDTH)) for index in chosen]
            bundles = [self._read(name) for name in names]
        for index, name, bundle in zip(chosen, names, bundles, strict=True):
            for place, data in enumerate(tiles.unbundle(bundle, name), index * WIDTH):
                if start <= place < stop:
                    yield Entry(place, data)

    def leaf_hashes(self, size: int | None = None) -> list[bytes]:
        """The hashes of the first ``size`` entries, read from the level-0 tiles."""
        found: list[bytes] = []
        with self._still():
            for index, width in tiles.spans(self.size):
                found += _hashes(self._read(tiles.path(0, index, width)))
        return found if size is None else found[:size]

    def prove_inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The proof that entry ``index`` is in the log of ``size`` entries (default: all)."""
        return merkle.inclusion_proof(self.leaf_hashes(size), index)

    def prove_consistency(self, old_size: int, size: int | None = None) -> list[bytes]:
        """The proof that the log of ``old_size`` entries is a prefix of the log of ``size``."""
        return merkle.consistency_proof(self.leaf_hashes(size), old_size)

    def _still(self) -> AbstractContextManager[None]:
        """Nobody extends the log, and so removes partial tiles, meanwhile."""
        return self._locks.shared(self.folder / LOCK, timeout_s=settings.current().lock_timeout_s)

    def _check(self, before: Checkpoint, catalog: Catalog, placed: int, total: int) -> None:
        what = f"{self.folder / CHECKPOINT} speaks of {before.size:,} entries"
        if before.origin != origin_of(catalog.id):
            raise LedgerTampered(f"{self.folder / CHECKPOINT} belongs to another workspace: {before.origin}")
        if before.size < placed and catalog.one_folder:
            raise LedgerTampered(
                f"{what}; {placed:,} had been written", hint="the folder was rolled back or emptied"
            )
        if before.size > total:
            raise LedgerTampered(f"{what}; the catalog holds {total:,}", hint="the catalog was rolled back")

    def _extend(self, before: Checkpoint, first: int, entries: Sequence[bytes]) -> None:
        """Write what ``entries``, from index ``first`` on, adds to the log of ``before``."""
        old = before.size - first
        frontier = _Frontier.read(self, before.size, [merkle.leaf_hash(e) for e in entries[:old]])
        if frontier.root() != before.root:
            raise LedgerTampered(
                f"{self.folder}: the catalog's entries do not lead to the checkpoint's root",
                hint="`interlock ledger verify` finds the place",
            )
        made = frontier.append([merkle.leaf_hash(e) for e in entries[old:]])
        bundles: dict[str, bytes] = {}
        for index, width in tiles.spans(len(entries)):
            part = entries[index * WIDTH : index * WIDTH + width]
            bundles[tiles.path(ENTRIES, first // WIDTH + index, width)] = tiles.bundle(part)
        # In this order, each durable before the next, so that nothing ever speaks of what is not there.
        for files in (bundles, made):
            durable.write_all({self.folder / name: data for name, data in files.items()})
        size = first + len(entries)
        after = Checkpoint(before.origin, size, frontier.root())
        if (self.checkpoint() or before) != before:
            # Only where the lock was lost with its connection, and another took our place.
            raise WorkspaceBusy(
                f"another process has extended {self.folder}", hint="nothing is lost; try again"
            )
        durable.write(self.folder / CHECKPOINT, after.encode())
        self._remove_partials(before.size, size)

    def _remove_partials(self, old_size: int, new_size: int) -> None:
        """Drop partial tiles that a wider one has replaced."""
        replaced = set(_partials(old_size)) - set(_partials(new_size))
        durable.remove(self.folder / name for name in sorted(replaced))

    def _sweep(self, size: int) -> None:
        """Drop what an interrupted projection left: temporary files and partial tiles not in use."""
        used = {self.folder / name for name in _partials(size)}
        stale = [
            path
            for path in self.folder.rglob("*")
            if path.name.endswith(durable.TEMPORARY_SUFFIX)
            or (path.parent.suffix == ".p" and path not in used)
        ]
        durable.remove(stale)

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise LedgerError(f"{self.folder / name}: {error.strerror}") from error


class _Frontier:
    """The last, partial tile of every level: all it takes to extend a log."""

    def __init__(self, levels: list[tuple[int, list[bytes]]]) -> None:
        self.levels = levels  # (index of the tile, its hashes)

    @classmethod
    def read(cls, ledger: Ledger, size: int, leaves: list[bytes]) -> _Frontier:
        """The frontier of the log's files; level 0 is given, since the catalog knows those entries."""
        levels = [(size // WIDTH, leaves)]
        count = size // WIDTH
        while count:
            index, width = divmod(count, WIDTH)
            name = tiles.path(len(levels), index, width)
            levels.append((index, _hashes(ledger._read(name)) if width else []))
            count //= WIDTH
        return cls(levels)

    def root(self) -> bytes:
        below: list[bytes] = []
        for _, hashes in self.levels:
            nodes = hashes + below
            below = [merkle.root(nodes)] if nodes else []
        return below[0] if below else merkle.EMPTY_ROOT

    def append(self, leaves: Sequence[bytes]) -> dict[str, bytes]:
        """Add leaves; returns the tiles, path → bytes, that are new."""
        made: dict[str, bytes] = {}
        rising, level = list(leaves), 0
        while rising:
            if level == len(self.levels):
                self.levels.append((0, []))
            index, hashes = self.levels[level]
            nodes, rising = hashes + rising, []
            while len(nodes) >= WIDTH:
                made[tiles.path(level, index)] = b"".join(nodes[:WIDTH])
                rising.append(merkle.root(nodes[:WIDTH]))
                nodes, index = nodes[WIDTH:], index + 1
            if nodes:
                made[tiles.path(level, index, len(nodes))] = b"".join(nodes)
            self.levels[level] = (index, nodes)
            level += 1
        return made


def _partials(size: int) -> Iterator[str]:
    """The partial tiles of a log of this size."""
    if size % WIDTH:
        yield tiles.path(ENTRIES, size // WIDTH, size % WIDTH)
    level = 0
    while size:
        index, width = divmod(size, WIDTH)
        if width:
            yield tiles.path(level, index, width)
        size, level = index, level + 1


def _hashes(data: bytes) -> list[bytes]:
    return [data[i : i + merkle.HASH_BYTES] for i in range(0, len(data), merkle.HASH_BYTES)]
