"""A write in progress: a locked folder that says what it is for.

The folder holds the staged file until it is moved into place, and a note of
what is being written and where it will go. While the writer lives it holds the
folder's lock; a folder whose lock is free belongs to a writer that died, and
`leftovers` finds it. The note is durable before any file is put in place, so that
one that was never committed can be found and removed.

A folder is made, locked and given its note under the lock of all folders, and
loses its note last but for its lock: one without a note holds nothing.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from interlock import durable
from interlock.catalog import Catalog, Files, Locks, partitions
from interlock.errors import InterlockError, WorkspaceBusy
from interlock.settings import current

NOTE = "note.json"
LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder of one write in progress."""

    path: Path
    table: str
    label: str
    unsettled: set[Path] = field(default_factory=set)

    def announce(self, destinations: Sequence[str]) -> None:
        """Say durably which files this write will put in place."""
        # Relative, so that a copy of the workspace never speaks of the original's files.
        places = [posixpath.relpath(d, _within(self.path)) for d in destinations]
        durable.write(self.path / NOTE, _note(self.table, self.label, places))

    def put(self, files: Files, staged: Mapping[Path, str]) -> None:
        """Put staged files in place, having said so. What goes wrong later takes them back: `undone_on_error`."""
        self.announce(list(staged.values()))
        files.put(staged)

    @contextmanager
    def undone_on_error(self, catalog: Catalog) -> Iterator[None]:
        """Remove the files this write put in place where the block, which commits them, fails."""
        try:
            yield
        except BaseException:
            left = _read(self.path)
            try:
                if left is not None:
                    left.settle(catalog)
            except InterlockError:
                # Whether it committed is not known now: the note stays for the next start to find out.
                self.unsettled.add(self.path)
            raise


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a writer that died left behind. ``destinations`` are paths among the workspace's `Files`."""

    path: Path
    table: str
    label: str
    destinations: tuple[str, ...]

    def settle(self, catalog: Catalog) -> bool:
        """Remove the files it put in place and never committed; whether it had committed."""
        # As a writer, so that a transaction whose connection was lost at its commit is over, either way.
        with catalog.write() as tx:
            kept = {p.path for p in partitions.all_(tx) if p.path}
        catalog.files.remove(d for d in self.destinations if d not in kept)
        return bool(self.destinations) and kept.issuperset(self.destinations)

    def discard(self) -> None:
        _remove(self.path)


@contextmanager
def begin(locks: Locks, root: Path, write_id: str, table: str, label: str) -> Iterator[Staging]:
    """A locked staging folder for the length of one write; removed at the end."""
    path = root / write_id
    with contextlib.ExitStack() as held:
        with _all_locked(locks, root), durable.refusals(path):
            path.mkdir()
            held.enter_context(locks.locked(path / LOCK, timeout_s=0))
            (path / NOTE).write_bytes(_note(table, label, ()))
        place = Staging(path, table, label)
        try:
            yield place
        finally:
            if path not in place.unsettled:
                _remove(path)


def leftovers(locks: Locks, root: Path) -> Iterator[Leftover]:
    """Folders of writers that died. Each stays locked by the caller while it is looked at."""
    if not root.is_dir():
        return
    with _all_locked(locks, root):
        paths = sorted(p for p in root.iterdir() if p.is_dir())
    for path in paths:
        with contextlib.suppress(WorkspaceBusy), locks.locked(path / LOCK, timeout_s=0):
            left = _read(path)
            if left is None:
                _remove(path)
            else:
                yield left


def _all_locked(locks: Locks, root: Path) -> contextlib.AbstractContextManager[None]:
    durable.make_folder(root)
    return locks.locked(root / LOCK, timeout_s=current().lock_timeout_s)


def _remove(path: Path) -> None:
    """The folder and all in it, the note after the files it speaks of."""
    with contextlib.suppress(OSError):
        for child in path.iterdir():
            if child.name not in (NOTE, LOCK):
                shutil.rmtree(child, ignore_errors=True) if child.is_dir() else child.unlink()
        for name in (NOTE, LOCK):
            (path / name).unlink(missing_ok=True)
        path.rmdir()


def _within(path: Path) -> str:
    """The folder's name where data files have their paths."""
    return f"staging/{path.name}"


def _note(table: str, label: str, destinations: Sequence[str]) -> bytes:
    return json.dumps({"table": table, "label": label, "destinations": list(destinations)}).encode()


def _read(path: Path) -> Leftover | None:
    """What the note says; None where there is none to read, and so nothing to put right."""
    try:
        note = json.loads((path / NOTE).read_text())
        places = tuple(posixpath.normpath(f"{_within(path)}/{d}") for d in note["destinations"])
        return Leftover(path, note["table"], note["label"], places)
    except (OSError, ValueError, KeyError, TypeError):
        return None
