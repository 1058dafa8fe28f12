"""Re-deriving the whole log from its entries, read-only, and comparing.

Every byte of every file is accounted for: bundles must hold canonical entries,
tiles and checkpoint must be what those entries give. With the catalog at hand,
the rows that matter are compared with the entries that vouch for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from interlock import durable, settings
from interlock.catalog import Catalog
from interlock.catalog.canonical import parse
from interlock.errors import LedgerError, LedgerTampered
from interlock.ledger import merkle, tiles
from interlock.ledger.compare import compare
from interlock.ledger.ledger import LOCK, origin_of
from interlock.ledger.report import Problem, Report
from interlock.ledger.tiles import CHECKPOINT, ENTRIES, WIDTH, Checkpoint


def verify(folder: str | os.PathLike[str], catalog: Catalog | None = None) -> Report:
    """Check a ledger's files against themselves and, where given, against the catalog.

    Nothing is written; a projection under way elsewhere is waited for. The
    report names the file and the entry or byte of each problem. `StorageFailed` where a file cannot be read at all.
    """
    check = _Check(Path(folder))
    locks = durable if catalog is None else catalog.locks
    with locks.shared(check.folder / LOCK, timeout_s=settings.current().lock_timeout_s):
        check.run()
        problems, notes = check.problems, check.notes
        if catalog is not None:
            problems += compare(catalog, check.entries, check.size)
            if check.checkpoint is not None and check.checkpoint.origin != origin_of(catalog.id):
                problems.append(Problem(CHECKPOINT, "belongs to another workspace"))
    size = min(check.size, len(check.entries))
    root = merkle.root([merkle.leaf_hash(e or b"") for e in check.entries[:size]])
    return Report(size, root.hex(), tuple(problems), tuple(notes))


class _Check:
    """One run over the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.checkpoint: Checkpoint | None = None
        self.entries: list[bytes | None] = []
        self.names: dict[str, None] = {}

    @property
    def size(self) -> int:
        return self.checkpoint.size if self.checkpoint else 0

    def run(self) -> None:
        self.names = dict.fromkeys(self._list())
        self._read_checkpoint()
        self._read_entries()
        self._check_entries()
        self._check_files(self._trusted_leaves())

    def _problem(
        self, file: str, message: str, *, entry: int | None = None, offset: int | None = None
    ) -> None:
        self.problems.append(Problem(file, message, entry, offset))

    def _list(self) -> Iterator[str]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_symlink() or not path.is_dir():
                yield path.relative_to(self.folder).as_posix()

    def _bytes(self, name: str) -> bytes:
        with durable.refusals(self.folder / name):
            return (self.folder / name).read_bytes()

    def _read_checkpoint(self) -> None:
        if CHECKPOINT not in self.names:
            if any(name.startswith("tile/") for name in self.names):
                self.notes.append("no checkpoint yet")
            return
        try:
            self.checkpoint = Checkpoint.decode(self._bytes(CHECKPOINT))
        except LedgerTampered as error:
            self._problem(CHECKPOINT, error.message.removeprefix(f"{CHECKPOINT}: "))

    def _read_entries(self) -> None:
        """All entries, also those written ahead of the checkpoint: the widest bundle of each index.

        None stands for each entry of a bundle that is missing or cannot be taken apart.
        """
        for index in range(10**9):
            name = self._widest(index)
            wanted = max(0, min(WIDTH, self.size - index * WIDTH))
            if name is None and not wanted:
                break
            found = self._unbundle(name) if name is not None else None
            self.entries += found if found is not None else [None] * wanted
            if len(self.entries) < (index + 1) * WIDTH:
                break

    def _unbundle(self, name: str) -> list[bytes] | None:
        try:
            found = tiles.unbundle(self._bytes(name), name)
        except LedgerTampered as error:
            self._problem(name, error.message.removeprefix(f"{name}: "))
            return None
        place = tiles.parse_path(name)
        if place is not None and len(found) != place[2]:
            self._problem(name, f"holds {len(found)} entries; its name says {place[2]}")
            return None
        return found

    def _widest(self, index: int) -> str | None:
        full = tiles.path(ENTRIES, index)
        if full in self.names:
            return full
        stem = f"{full}.p/"
        widths = [int(n[len(stem) :]) for n in self.names if n.startswith(stem) and tiles.parse_path(n)]
        return f"{stem}{max(widths)}" if widths else None

    def _check_entries(self) -> None:
        origins: set[str] = set()
        strays: list[int] = []
        for index, entry in enumerate(self.entries):
            if entry is None:
                continue
            name = self._bundle_of(index)
            try:
                value = parse(entry)
            except LedgerError as error:
                self._problem(name, error.message, entry=index)
                continue
            for complaint in _shape_complaints(value):
                self._problem(name, complaint, entry=index)
            origin = origin_of(str(value.get("workspace"))) if isinstance(value, dict) else ""
            origins.add(origin)
            if self.checkpoint is not None and origin != self.checkpoint.origin:
                strays.append(index)
        if self.checkpoint is not None and origins and self.checkpoint.origin not in origins:
            self._problem(CHECKPOINT, "belongs to another workspace than its entries")
            return
        for index in strays:
            self._problem(self._bundle_of(index), "belongs to another workspace", entry=index)

    def _bundle_of(self, index: int) -> str:
        return self._widest(index // WIDTH) or tiles.path(ENTRIES, index // WIDTH)

    def _trusted_leaves(self) -> list[bytes]:
        """The leaf hashes to hold everything else against.

        Those of the entries, unless the checkpoint says that the level-0 tiles
        are the true ones: then the entries that differ are the problem.
        """
        leaves = [b"" if entry is None else merkle.leaf_hash(entry) for entry in self.entries]
        if self.checkpoint is None:
            return leaves
        if len(leaves) >= self.size and merkle.root(leaves[: self.size]) == self.checkpoint.root:
            if len(leaves) > self.size:
                self.notes.append(f"{len(leaves) - self.size} entries are written ahead of the checkpoint")
            return leaves
        if merkle.root(leaves) == self.checkpoint.root:
            self._problem(CHECKPOINT, f"says {self.size:,} entries; its root is that of {len(leaves):,}")
            return leaves
        stored = self._stored_leaves()
        if merkle.root(stored) != self.checkpoint.root:
            if not self._disagree(leaves, stored):
                self._problem(CHECKPOINT, "its root is not the one the entries give")
            return leaves
        for index, (found, true) in enumerate(zip(leaves, stored, strict=False)):
            if found and found != true:
                self._problem(
                    self._bundle_of(index),
                    f"its hash is not the one in {tiles.path(0, index // WIDTH)}",
                    entry=index,
                    offset=self._offset_of(index),
                )
        return stored + leaves[self.size :]

    def _disagree(self, leaves: Sequence[bytes], stored: Sequence[bytes]) -> bool:
        """Whether entries and level-0 tiles differ, so that the checkpoint is not the one to blame."""
        return list(leaves[: self.size]) != list(stored)

    def _stored_leaves(self) -> list[bytes]:
        """The hashes in the level-0 tiles, as far as they have their proper length."""
        found: list[bytes] = []
        for index, width in tiles.spans(self.size):
            name = tiles.path(0, index, width)
            data = self._bytes(name) if name in self.names else b""
            if len(data) != width * merkle.HASH_BYTES:
                return []
            found += [data[i : i + merkle.HASH_BYTES] for i in range(0, len(data), merkle.HASH_BYTES)]
        return found

    def _offset_of(self, entry: int) -> int:
        start = entry - entry % WIDTH
        return sum(2 + len(e) for e in self.entries[start:entry] if e is not None)

    def _check_files(self, leaves: Sequence[bytes]) -> None:
        stored = tiles.levels(leaves)
        for name in tiles.required(self.size):
            if name not in self.names:
                self._problem(name, "is missing")
        for name in self.names:
            if name == LOCK:
                if self._bytes(name):
                    self._problem(name, "is a lock and must be empty")
            elif name.endswith(durable.TEMPORARY_SUFFIX):
                self.notes.append(f"{name} is left from an interrupted write")
            elif name != CHECKPOINT:
                self._check_file(name, stored)

    def _check_file(self, name: str, stored: Sequence[Sequence[bytes]]) -> None:
        place = tiles.parse_path(name)
        if place is None:
            self._problem(name, "does not belong to the ledger")
            return
        if any(problem.file == name for problem in self.problems):
            return
        expected = self._expected(name, place, stored)
        if expected is None:
            self._problem(name, "speaks of entries that are not there")
            return
        found = self._bytes(name)
        if found == expected:
            return
        pairs = zip(found, expected, strict=False)
        offset = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(found), len(expected)))
        entry = place[1] * WIDTH + offset // merkle.HASH_BYTES if place[0] == 0 else None
        self._problem(name, "is not what the entries give", entry=entry, offset=offset)

    def _expected(
        self, name: str, place: tuple[int | str, int, int], stored: Sequence[Sequence[bytes]]
    ) -> bytes | None:
        level, index, width = place
        if level != ENTRIES:
            return tiles.tile_bytes(stored, (), name)
        whole = [entry for entry in self.entries[index * WIDTH : index * WIDTH + width] if entry is not None]
        return tiles.bundle(whole) if len(whole) == width else None


def _shape_complaints(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield "is not a JSON object"
        return
    if value.get("v") != 1:
        yield f"has the unknown version {value.get('v')!r}"
    if missing := {"kind", "at", "workspace"} - value.keys():
        yield f"lacks {', '.join(sorted(missing))}"


__all__ = ["Problem", "Report", "verify"]
