"""A disk that is really full, at every step: nothing acknowledged is lost, and all goes on once there is room."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.catalog import clock
from interlock.errors import DeleteRefused, StorageFailed
from interlock.verify.run import verify
from tests.processes import Tell
from tests.vault import stories
from tests.vault.test_killed import assert_whole

DISK_BYTES = 24 << 20
LEFT = [0, 4, 12, 20, 40, 80, 120, 200, 400, 800, 1_300, 1_600, 3_000]  # KiB; with the last everything fits


@dataclass(frozen=True)
class Disk:
    """A file system of its own, on which as much room can be left as a test wants."""

    root: Path

    @contextlib.contextmanager
    def only(self, left_bytes: int) -> Iterator[None]:
        ballast = self.root / "ballast"
        free = os.statvfs(self.root)
        with open(ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - left_bytes)
        try:
            yield
        finally:
            ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    root = tmp_path / "disk"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(root)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("who runs the tests may not mount a disk")
    try:
        yield Disk(root)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


@pytest.fixture
def prepared(tmp_path: Path, model: Path) -> Path:
    """Two versions, a file by its path, and a tombstone whose purge waits for a second person."""
    with interlock.open(tmp_path / "prepared") as ws:
        ws.vault.put("keeper", {"own": b"own", "weights": os.urandom(300_000)})
        ws.vault.put("ranker", model)
        ws.vault.put_file("runs/log", b"x" * 10)
        ws.vault.put("old", {"weights": os.urandom(300_000)})
        ws.vault.delete("old")
        with clock.at(stories.LATER), pytest.raises(DeleteRefused):
            ws.vault.purge("old")
    (model / "weights.bin").write_bytes(os.urandom(1_000_000))
    return tmp_path / "prepared"


def put(tell: Tell, folder: str, model: str) -> None:
    stories.put(tell, folder, model)


def put_in_chunks(tell: Tell, folder: str, model: str) -> None:
    with interlock.open(folder) as ws:
        tell(ws.vault.put("ranker", Path(model), dedup="tensor").ref)


def delete_and_restore(tell: Tell, folder: str, model: str) -> None:
    stories.delete_and_restore(lambda _: None, folder)


def purge_and_collect(tell: Tell, folder: str, model: str) -> None:
    stories.purge_and_collect(lambda _: None, folder)


def adopt(tell: Tell, folder: str, model: str) -> None:
    stories.adopt(tell, folder, model)


def replicate(tell: Tell, folder: str, model: str) -> None:
    with interlock.open(folder) as ws:
        ws.vault.set_replica(str(Path(folder).parent / "replica"))
        ws.vault.replicate()


@pytest.mark.parametrize(
    "story",
    [put, put_in_chunks, delete_and_restore, purge_and_collect, adopt, replicate],
    ids=lambda s: s.__name__,
)
def test_nothing_acknowledged_is_lost_and_nothing_is_left(
    disk: Disk, prepared: Path, model: Path, tmp_path: Path, story: Callable[[Tell, str, str], None]
) -> None:
    failed = []
    for kib in LEFT:
        folder, told = disk.root / "workspace", list[Any]()
        shutil.copytree(prepared, folder)
        with disk.only(kib << 10):
            try:
                story(told.append, str(folder), str(model))
            except StorageFailed:
                failed.append(kib)
        alive = ("keeper@v1",) if story is delete_and_restore else ("keeper@v1", "ranker@v1", "runs/log@v1")
        assert_whole(folder, (*alive, *told), tmp_path / "out")
        with interlock.open(folder) as ws:  # and all goes on
            ws.vault.put("ranker", model)
            for days in (0, 2):
                with clock.at(stories.LATER + dt.timedelta(days=days)):
                    ws.vault.collect()
        assert not any((folder / "vault" / "tmp").iterdir())
        assert verify(str(folder)).ok
        for left in disk.root.iterdir():
            shutil.rmtree(left)
    assert failed, "the disk was never full"
    assert failed[-1] < LEFT[-1], "the disk was always full"
