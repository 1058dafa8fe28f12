"""The ledger's files, by docs/formats/ledger-v1.md: every byte of them is accounted for.

The tree is folded leaf by leaf, as the writers do not: what they hash level by level must come out the same.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from interlock.verify.report import Report

_CHECKPOINT = re.compile(rb"([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n")
_TILE = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_WIDTH, _HASH = 256, 32
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Log:
    """What the files hold: ``size`` entries under ``root``, and each one's leaf hash, one after the other."""

    size: int = 0
    root: str = ""
    leaves: bytearray = field(default_factory=bytearray)

    def leaf(self, index: int) -> bytes:
        return bytes(self.leaves[index * _HASH : (index + 1) * _HASH])


def leaf_of(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def read(folder: Path, workspace: str, report: Report) -> Log:
    """Read the log of a folder. While somebody extends it, it is read again."""
    for _ in range(_TRIES):
        before = _bytes(folder / "checkpoint")
        found = Report()
        log = _read(folder, before, workspace, found)
        if _bytes(folder / "checkpoint") == before:
            break
    report.found += found.found
    report.problems += found.problems
    report.notes += found.notes
    report.entries, report.root = log.size, log.root
    return log


def _read(folder: Path, checkpoint: bytes | None, workspace: str, report: Report) -> Log:
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}
    if checkpoint is None:
        report.note(any(n.startswith("tile/") for n in names), "the ledger has no checkpoint yet")
        return Log()
    match = _CHECKPOINT.fullmatch(checkpoint)
    if match is None:
        report.problem("checkpoint", "is no checkpoint")
        return Log()
    if match[1] != f"interlock/{workspace}".encode():
        report.problem("checkpoint", "belongs to another workspace")
    size, root = int(match[2]), base64.b64decode(match[3])
    leaves = bytearray()
    for tile, width in _tiles(size):
        leaves += _bundle(folder, tile, width, report)
    if _folded(leaves) != root:
        leaves = _blamed(folder, leaves, root, size, report)
    expected = dict(_expected(leaves)) if _folded(leaves) == root else {}
    for name, data in expected.items():
        if _bytes(folder / name) != data:
            report.problem(name, "is not what the entries give" if name in names else "is missing")
    _check_rest(folder, names - expected.keys(), size, expected, report)
    return Log(size, root.hex(), leaves)


def _blamed(folder: Path, leaves: bytearray, root: bytes, size: int, report: Report) -> bytearray:
    """Where the tiles lead to the root and the entries do not, the entries that differ are the ones to blame."""
    stored = bytearray(b"".join(_bytes(folder / _path("0", t, w)) or b"" for t, w in _tiles(size)))
    if _folded(stored) != root:
        if not report.found:
            report.problem("checkpoint", "its root is not the one the entries give")
        return leaves
    for index in range(size):
        found = leaves[index * _HASH : (index + 1) * _HASH]
        if any(found) and found != stored[index * _HASH : (index + 1) * _HASH]:
            tile = _path("entries", index // _WIDTH, min(_WIDTH, size - index // _WIDTH * _WIDTH))
            report.problem(tile, f"entry {index} is not the one in the tree")
    return stored


def _bundle(folder: Path, tile: int, width: int, report: Report) -> bytes:
    """The leaf hashes of a bundle's entries; zeros where it cannot be taken apart."""
    name = _path("entries", tile, width)
    data = _bytes(folder / name)
    entries = None if data is None else _entries(data)
    if entries is not None and len(entries) == width:
        return b"".join(map(leaf_of, entries))
    report.problem(name, "is missing" if data is None else f"does not hold {width} entries")
    return bytes(width * _HASH)


def _entries(data: bytes) -> list[bytes] | None:
    found, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        at += 2 + length
        if at > len(data):
            return None
        found.append(data[at - length : at])
    return found


def _folded(leaves: bytes | bytearray) -> bytes:
    """The root over leaf hashes: equal subtrees are joined as they come, the rest from the right."""
    stack: list[tuple[int, bytes]] = []
    for at in range(0, len(leaves), _HASH):
        height, node = 0, bytes(leaves[at : at + _HASH])
        while stack and stack[-1][0] == height:
            node, height = hashlib.sha256(b"\1" + stack.pop()[1] + node).digest(), height + 1
        stack.append((height, node))
    if not stack:
        return hashlib.sha256().digest()
    node = stack.pop()[1]
    while stack:
        node = hashlib.sha256(b"\1" + stack.pop()[1] + node).digest()
    return node


def _expected(leaves: bytes | bytearray) -> Iterator[tuple[str, bytes]]:
    """Every tile of hashes by its path."""
    level, hashes = 0, bytes(leaves)
    while hashes:
        for tile, width in _tiles(len(hashes) // _HASH):
            yield _path(str(level), tile, width), hashes[tile * _WIDTH * _HASH :][: width * _HASH]
        full = len(hashes) // (_WIDTH * _HASH)
        hashes = b"".join(_folded(hashes[i * _WIDTH * _HASH :][: _WIDTH * _HASH]) for i in range(full))
        level += 1


def _check_rest(folder: Path, rest: set[str], size: int, expected: dict[str, bytes], report: Report) -> None:
    """What else lies there: what an interrupted write leaves is no damage where it says nothing else."""
    left = ahead = 0
    widths = dict(_tiles(size))
    whole_of = {name.partition(".p/")[0]: data for name, data in expected.items()}
    for name in sorted(rest - {"checkpoint"}):
        match = _TILE.fullmatch(name)
        if name == ".lock" or name.endswith(".tmp"):
            left += name != ".lock"
            if name == ".lock" and _bytes(folder / name):
                report.problem(name, "is a lock and must be empty")
        elif match is None:
            report.problem(name, "does not belong to the ledger")
        elif match[1] == "entries":
            tile, width = int(re.sub(r"\D", "", match[2])), int(match[3] or _WIDTH)
            now = widths.get(tile)
            ahead += now is None or width > now
            if now is not None and width <= now:
                left += (
                    _checked_partial(folder, name, _path("entries", tile, now), report) if width < now else 0
                )
        else:
            whole = whole_of.get(name.partition(".p/")[0], b"")
            data = _bytes(folder / name) or b""
            if whole.startswith(data):
                left += 1
            elif data.startswith(whole):
                ahead += 1
            else:
                report.problem(name, "is not what the entries give")
    report.note(ahead, "{} files of the ledger are ahead of its checkpoint")
    report.note(left, "{} files of the ledger are left from interrupted writes")


def _checked_partial(folder: Path, name: str, whole: str, report: Report) -> int:
    if not (_bytes(folder / whole) or b"").startswith(_bytes(folder / name) or b"?"):
        report.problem(name, "is not what the entries give")
        return 0
    return 1


def _tiles(count: int) -> Iterator[tuple[int, int]]:
    for tile in range(-(-count // _WIDTH)):
        yield tile, min(_WIDTH, count - tile * _WIDTH)


def _path(level: str, tile: int, width: int) -> str:
    groups = [f"{tile % 1000:03d}"]
    while tile := tile // 1000:
        groups.insert(0, f"x{tile % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == _WIDTH else f".p/{width}")


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
