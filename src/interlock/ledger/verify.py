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

from interlock import durable
from interlock.catalog import Catalog
from interlock.catalog.canonical import parse
from interlock.errors import LedgerError, LedgerTampered
from interlock.ledger import merkle, tiles
from interlock.ledger.compare import compare
from interlock.ledger.ledger import LOCK, Ledger, origin_of
from interlock.ledger.report import Problem, Report
from interlock.ledger.tiles import CHECKPOINT, ENTRIES, WIDTH, Checkpoint


def verify(folder: str | os.PathLike[str], catalog: Catalog | None = None) -> Report:
    """Check a ledger's files against themselves and, where given, against the catalog.

    Nothing is written. The report names the file and the entry or byte of each
    problem. `StorageFailed` where a file cannot be read at all.
    """
    check = _Check(Path(folder))
    check.run()
    problems, notes = check.problems, check.notes
    if catalog is not None:
        problems += compare(catalog, check.entries, check.size)
        if check.checkpoint is not None and check.checkpoint.origin != origin_of(catalog.id):
            problems.append(Problem(CHECKPOINT, "belongs to another workspace"))
    size = min(check.size, len(check.entries))
    root = merkle.root([merkle.leaf_hash(e) for e in check.entries[:size]])
    return Report(size, root.hex(), tuple(problems), tuple(notes))


class _Check:
    """One run over the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.checkpoint: Checkpoint | None = None
        self.entries: list[bytes] = []
        self.names: dict[str, None] = {}

    @property
    def size(self) -> int:
        return self.checkpoint.size if self.checkpoint else 0

    def run(self) -> None:
        self.names = dict.fromkeys(self._list())
        self._read_checkpoint()
        self._read_entries()
        self._check_entries()
        self._check_tiles()
        self._check_root()

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
        """All entries, also those written ahead of the checkpoint: the widest bundle of each index."""
        for index in range(10**9):
            name = self._widest(index)
            if name is None:
                break
            try:
                found = tiles.unbundle(self._bytes(name), name)
            except LedgerTampered as error:
                self._problem(name, error.message.removeprefix(f"{name}: "))
                break
            place = tiles.parse_path(name)
            assert place is not None
            if len(found) != place[2]:
                self._problem(name, f"holds {len(found)} entries; its name says {place[2]}")
                break
            self.entries += found
            if len(found) < WIDTH:
                break

    def _widest(self, index: int) -> str | None:
        full = tiles.path(ENTRIES, index)
        if full in self.names:
            return full
        stem = f"{full}.p/"
        widths = [int(n[len(stem) :]) for n in self.names if n.startswith(stem) and tiles.parse_path(n)]
        return f"{stem}{max(widths)}" if widths else None

    def _check_entries(self) -> None:
        for index, entry in enumerate(self.entries):
            name = self._bundle_of(index)
            try:
                value = parse(entry)
            except LedgerError as error:
                self._problem(name, error.message, entry=index)
                continue
            for complaint in _shape_complaints(value, self.checkpoint):
                self._problem(name, complaint, entry=index)

    def _bundle_of(self, index: int) -> str:
        return self._widest(index // WIDTH) or tiles.path(ENTRIES, index // WIDTH)

    def _check_tiles(self) -> None:
        leaves = [merkle.leaf_hash(entry) for entry in self.entries]
        stored = tiles.levels(leaves)
        for name in tiles.required(self.size):
            if name not in self.names:
                self._problem(name, "is missing")
        for name in self.names:
            if name == CHECKPOINT:
                continue
            if name == LOCK:
                if self._bytes(name):
                    self._problem(name, "is a lock and must be empty")
            elif name.endswith(durable.TEMPORARY_SUFFIX):
                self.notes.append(f"{name} is left from an interrupted write")
            else:
                self._check_tile(name, stored)

    def _check_tile(self, name: str, stored: Sequence[Sequence[bytes]]) -> None:
        expected = tiles.tile_bytes(stored, self.entries, name)
        place = tiles.parse_path(name)
        if place is None:
            self._problem(name, "does not belong to the ledger")
            return
        found = self._bytes(name)
        if expected is None:
            if not self.problems:
                self._problem(name, "speaks of entries that are not there")
            elif not any(p.file == name for p in self.problems):
                self.notes.append(f"{name} could not be checked")
            return
        if found == expected:
            return
        offset = next(
            (i for i, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b),
            min(len(found), len(expected)),
        )
        self._blame(name, place, found, offset)

    def _blame(self, name: str, place: tuple[int | str, int, int], found: bytes, offset: int) -> None:
        """Say which side is wrong: the tile, or the entries it was compared with."""
        level, index, _ = place
        if level == 0 and len(found) % merkle.HASH_BYTES == 0 and self._is_true_level(found, index):
            entry = index * WIDTH + offset // merkle.HASH_BYTES
            self._problem(
                self._bundle_of(entry),
                f"its hash is not the one in {name}",
                entry=entry,
                offset=self._offset_of(entry),
            )
        elif level == 0:
            entry = index * WIDTH + offset // merkle.HASH_BYTES
            self._problem(name, "is not the hash of its entry", entry=entry, offset=offset)
        else:
            self._problem(name, "is not what the entries give", offset=offset)

    def _is_true_level(self, found: bytes, index: int) -> bool:
        """Whether this level-0 tile, with the others, leads to the checkpoint's root."""
        if self.checkpoint is None:
            return False
        hashes: list[bytes] = []
        for i, width in tiles.spans(self.size):
            name = tiles.path(0, i, width)
            data = found if i == index else self._bytes(name) if name in self.names else b""
            hashes += [data[j : j + 32] for j in range(0, len(data), 32)]
        return merkle.root(hashes[: self.size]) == self.checkpoint.root

    def _offset_of(self, entry: int) -> int:
        start = entry - entry % WIDTH
        return sum(2 + len(e) for e in self.entries[start:entry])

    def _check_root(self) -> None:
        if self.checkpoint is None:
            return
        if len(self.entries) < self.size:
            self._problem(
                CHECKPOINT, f"speaks of {self.size:,} entries; the bundles hold {len(self.entries):,}"
            )
            return
        leaves = [merkle.leaf_hash(entry) for entry in self.entries[: self.size]]
        if merkle.root(leaves) != self.checkpoint.root and not self.problems:
            self._problem(CHECKPOINT, "its root is not the one the entries give")
        if len(self.entries) > self.size:
            self.notes.append(f"{len(self.entries) - self.size} entries are written ahead of the checkpoint")


def _shape_complaints(value: Any, checkpoint: Checkpoint | None) -> Iterator[str]:
    if not isinstance(value, dict):
        yield "is not a JSON object"
        return
    if value.get("v") != 1:
        yield f"has the unknown version {value.get('v')!r}"
    missing = {"kind", "at", "workspace"} - value.keys()
    if missing:
        yield f"lacks {', '.join(sorted(missing))}"
    elif checkpoint is not None and origin_of(str(value["workspace"])) != checkpoint.origin:
        yield "belongs to another workspace than the checkpoint"


__all__ = ["Ledger", "Problem", "Report", "verify"]
