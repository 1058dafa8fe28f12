"""A write in progress: a locked folder that says what it is for.

The folder holds the staged file until it is moved into place, and a note of
what is being written and where it will go. While the writer lives it holds the
folder's lock; a folder whose lock is free belongs to a writer that died, and
`leftovers` finds it. The note is durable before any file is moved, so that a
moved file that was never committed can be found and removed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from interlock import durable

NOTE = "note.json"
LOCK = "lock"
BIRTH_S = 10.0  # a folder without a note is this long taken for one that is being made


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder of one write in progress."""

    path: Path
    table: str
    label: str

    def announce(self, destinations: Sequence[Path]) -> None:
        """Say durably which files this write will put in place."""
        note = {"table": self.table, "label": self.label, "destinations": [str(d) for d in destinations]}
        durable.write(self.path / NOTE, json.dumps(note).encode())


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a writer that died left behind."""

    path: Path
    table: str
    label: str
    destinations: tuple[Path, ...]

    def discard(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


@contextmanager
def begin(root: Path, write_id: str, table: str, label: str) -> Iterator[Staging]:
    """A locked staging folder for the length of one write; removed at the end."""
    path = root / write_id
    path.mkdir(parents=True)
    lock = os.open(path / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        staging = Staging(path, table, label)
        (path / NOTE).write_text(json.dumps({"table": table, "label": label, "destinations": []}))
        yield staging
        shutil.rmtree(path, ignore_errors=True)
    except Exception:
        shutil.rmtree(path, ignore_errors=True)
        raise
    finally:
        os.close(lock)


def leftovers(root: Path) -> Iterator[Leftover]:
    """Folders of writers that died. Each stays locked by the caller while it is looked at."""
    if not root.is_dir():
        return
    for path in sorted(p for p in root.iterdir() if p.is_dir()):
        try:
            lock = os.open(path / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (path / NOTE).exists() or time.time() - path.stat().st_mtime > BIRTH_S:
                yield _read(path)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


def _read(path: Path) -> Leftover:
    try:
        note = json.loads((path / NOTE).read_text())
        return Leftover(path, note["table"], note["label"], tuple(Path(d) for d in note["destinations"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Leftover(path, "?", "?", ())
