"""The files of a log, as C2SP tlog-tiles lays them out, made from its entries alone.

A tile at level L holds up to 256 hashes of level 8·L: ``tile/0/000`` the hashes
of the first 256 entries, ``tile/1/000`` the roots of the first 256 full tiles of
level 0. The last, partial one of a level has its width in its name:
``tile/0/001.p/7``. ``tile/entries/…`` holds the entries themselves, each after
its length as a big-endian uint16.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.errors import LedgerTampered
from interlock.ledger import merkle

WIDTH = 256
ENTRIES = "entries"
CHECKPOINT = "checkpoint"
_CHECKPOINT = re.compile(rb"([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n")


def path(level: int | str, index: int, width: int = WIDTH) -> str:
    """The path of a tile: 1,234,067 is ``x001/x234/067``, partial ones get ``.p/<width>``."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    name = f"tile/{level}/{'/'.join(groups)}"
    return name if width == WIDTH else f"{name}.p/{width}"


def spans(count: int) -> Iterator[tuple[int, int]]:
    """(tile index, width) of the tiles that hold ``count`` items."""
    for index in range((count + WIDTH - 1) // WIDTH):
        yield index, min(WIDTH, count - index * WIDTH)


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The hashes stored at each tile level: leaf hashes, then the roots of full tiles, and so on."""
    found = [list(leaves)]
    while len(found[-1]) >= WIDTH:
        below = found[-1]
        full = len(below) // WIDTH
        found.append([merkle.root(below[i * WIDTH : (i + 1) * WIDTH]) for i in range(full)])
    return found


def bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of an entry bundle."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unbundle(data: bytes, name: str) -> list[bytes]:
    """The entries of a bundle; `LedgerTampered` where its lengths don't add up."""
    found: list[bytes] = []
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 2], "big")
        if place + 2 + length > len(data):
            raise LedgerTampered(
                f"{name}: entry {len(found)} of the bundle, at byte {place}, runs past its end"
            )
        found.append(data[place + 2 : place + 2 + length])
        place += 2 + length
    return found


def tile_bytes(stored: Sequence[Sequence[bytes]], entries: Sequence[bytes], name: str) -> bytes | None:
    """The bytes the file ``name`` must have in a log of these entries; None if it has no such file.

    ``stored`` is `levels` of the entries. Every partial tile of an earlier
    moment of the log has its bytes too.
    """
    place = parse_path(name)
    if place is None:
        return None
    level, index, width = place
    start, end = index * WIDTH, index * WIDTH + width
    if level == ENTRIES:
        return bundle(entries[start:end]) if end <= len(entries) else None
    assert isinstance(level, int)
    hashes: Sequence[bytes] = stored[level] if level < len(stored) else ()
    return b"".join(hashes[start:end]) if end <= len(hashes) else None


def required(size: int) -> Iterator[str]:
    """The paths of every tile and bundle of a log of this size."""
    for index, width in spans(size):
        yield path(ENTRIES, index, width)
    level = 0
    while size:
        for index, width in spans(size):
            yield path(level, index, width)
        size, level = size // WIDTH, level + 1


_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?"
)


def parse_path(name: str) -> tuple[int | str, int, int] | None:
    """(level, index, width) of a tile's path; None for anything `path` doesn't give."""
    match = _PATH.fullmatch(name)
    if match is None:
        return None
    level: int | str = match[1] if match[1] == ENTRIES else int(match[1])
    index = int(match[2].replace("x", "").replace("/", "") + match[3])
    width = int(match[4] or WIDTH)
    return (level, index, width) if path(level, index, width) == name else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root of a log at one moment: an unsigned C2SP checkpoint."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def of(cls, origin: str, leaves: Sequence[bytes]) -> Checkpoint:
        return cls(origin, len(leaves), merkle.root(leaves))

    def encode(self) -> bytes:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()

    @classmethod
    def decode(cls, data: bytes) -> Checkpoint:
        """`LedgerTampered` for anything but the one spelling `encode` gives."""
        match = _CHECKPOINT.fullmatch(data)
        if match is None:
            raise LedgerTampered(f"{CHECKPOINT}: not a checkpoint (origin, size and root, a line each)")
        try:
            origin = match[1].decode()
        except UnicodeDecodeError:
            raise LedgerTampered(f"{CHECKPOINT}: the origin is not text") from None
        found = cls(origin, int(match[2]), base64.b64decode(match[3]))
        if found.encode() != data:
            raise LedgerTampered(f"{CHECKPOINT}: the root is not written as it should be")
        return found
