"""Damage done to a store in a folder, by somebody who may write to its files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from interlock.vault.stores.local import TEMPORARY


def files(root: Path) -> dict[str, Path]:
    """What lies in a store, by key."""
    found = {p.relative_to(root).as_posix(): p for p in sorted(root.rglob("*")) if p.is_file()}
    return {key: path for key, path in found.items() if not key.startswith(f"{TEMPORARY}/")}


def contents(root: Path) -> dict[str, bytes]:
    return {key: path.read_bytes() for key, path in files(root).items()}


def flip(path: Path, bit: int | None = None) -> None:
    """Another bit, in the middle unless told otherwise; the time of change stays."""
    data = bytearray(path.read_bytes() or b"\0")
    bit = len(data) * 4 if bit is None else bit % (len(data) * 8)
    data[bit // 8] ^= 1 << bit % 8
    rewrite(path, bytes(data))


def rewrite(path: Path, data: bytes) -> None:
    """Other bytes, with the time of change that the file had."""
    was = path.stat()
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    path.chmod(0o444)


def cut(path: Path) -> None:
    data = path.read_bytes()
    rewrite(path, data[: len(data) // 2] or b"no longer empty")


def empty(path: Path) -> None:
    rewrite(path, b"" if path.stat().st_size else b"no longer empty")


def grow(path: Path) -> None:
    rewrite(path, path.read_bytes() + b"\n")


def replace(path: Path) -> None:
    """By a new file of the same size."""
    data = bytes(byte ^ 0xFF for byte in path.read_bytes()) or b"no longer empty"
    path.unlink()
    path.write_bytes(data)


def remove(path: Path) -> None:
    path.unlink()


def swap(one: Path, other: Path) -> None:
    """Two objects exchanged, with everything they have."""
    third = one.with_name("third")
    one.rename(third)
    other.rename(one)
    third.rename(other)


KINDS: dict[str, Callable[[Path], None]] = {f.__name__: f for f in (flip, cut, empty, grow, replace, remove)}
