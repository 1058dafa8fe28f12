"""What a loss of power may meet: a commit speaks only of files whose bytes and names are already on disk.

``kill -9`` cannot show this, since the system keeps what a killed process
wrote. So the order of the calls is checked.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.catalog import sqlite as storage
from tests.e2e.stories import data, day


class Disk:
    """Follows calls: what would survive a loss of power right now."""

    def __init__(self) -> None:
        self.synced: set[Path] = set()  # files whose bytes are on disk
        self.unsettled: dict[
            Path, None
        ] = {}  # folders whose names changed, files moved, since they were synced
        self.commits = 0
        self.unsafe: list[str] = []

    def install(self, patch: pytest.MonkeyPatch, root: Path) -> None:
        def around(name: str, note: Callable[..., None]) -> None:
            real = getattr(os, name)

            def call(*args: Any, **kwargs: Any) -> Any:
                result = real(*args, **kwargs)
                note(*args)
                return result

            patch.setattr(os, name, call)

        def fsync(descriptor: int) -> None:
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            self.synced.add(path)
            self.unsettled.pop(path, None)

        def moved(source: Any, target: Any, **_: Any) -> None:
            old, new = Path(source), Path(target)
            if not new.is_relative_to(root):
                return  # an engine's temporary folder is meant to go
            self.unsettled[new.parent] = None
            self.unsettled.pop(old, None)
            if old in self.synced:
                self.synced.add(new)
            else:
                self.unsettled[new] = None

        disk = self

        class Connection(sqlite3.Connection):
            def commit(self) -> None:
                if self.in_transaction:
                    disk.commits += 1
                    disk.unsafe += [
                        f"a commit while {f} was not on disk" for f in disk.unsettled if f.exists()
                    ]
                super().commit()

        around("fsync", fsync)
        around("rename", moved)
        around("replace", moved)
        patch.setattr(
            storage,
            "connect",
            lambda file: sqlite3.connect(
                file, isolation_level=None, check_same_thread=False, factory=Connection
            ),
        )


@pytest.mark.parametrize("work", ["write", "backfill", "quarantine", "release"])
def test_files_are_on_disk_before_the_commit_that_speaks_of_them(
    work: str, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    disk.install(monkeypatch, workspace)
    with interlock.open(workspace) as ws:
        t = ws.table("flights")
        before = disk.commits
        if work == "write":
            t.write(str(data(tmp_path, (1, 2))))
        elif work == "backfill":
            t.backfill(str(data(tmp_path, (1, 2), (4, 2))))
        elif work == "quarantine":
            t.write(str(data(tmp_path, (2, 3), bad=True)))
        else:
            t.release(day(1), "checked by hand")
        published = [ws.path / (p.path or "") for p in t.partitions()]
        assert disk.commits > before
    assert disk.unsafe == []
    assert work == "quarantine" or any(p in disk.synced for p in published)


def test_commits_are_on_disk_when_they_return(workspace: Path) -> None:
    with interlock.open(workspace) as ws, ws.site.catalog.read() as rx:
        assert rx.connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert rx.connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL"
