"""A disk that is full and a folder that is read-only: a clear error, nothing lost, and it goes on afterwards."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from tests.e2e import stories
from tests.e2e.stories import assert_whole, data, day
from tests.processes import ENDED, Ending, Nursery, Tell

BEFORE = {day(n): 1 for n in range(3)}
KIB = 1024


def write_on_a_full_disk(tell: Tell, folder: str, file: str) -> None:
    try:
        with interlock.open(folder) as ws:
            tell(ws.table("flights").write(file).decision.value)
    except interlock.InterlockError as error:
        tell(error.to_dict())


def write_in_little_room(tell: Tell, folder: str, file: str, size_bytes: int) -> None:
    """No file may grow past so many bytes, as where a quota ends."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with interlock.open(folder) as ws:
        t = ws.table("flights")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))
        try:
            answer = t.write(file).decision.value
        except interlock.InterlockError as error:
            answer = error.to_dict()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        tell(answer)
        tell(stories.versions_read(ws))
        tell(t.write(file).decision.value)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a small disk takes the right to mount one: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(disk: Path, leave_bytes: int) -> Path:
    """A file that takes all room but so much."""
    free = os.statvfs(disk)
    file = disk / "filler"
    file.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - leave_bytes))
    return file


def acknowledged(ending: Ending) -> bool:
    assert ending.how == ENDED, ending.why
    (answer,) = ending.told
    if answer == "published":
        return True
    assert answer["error"] == "IL407", answer
    assert "\n" not in answer["message"]
    assert answer["hint"], answer
    return False


def test_a_full_disk_is_told_and_nothing_is_lost(
    nursery: Nursery, prepared: Path, small_disk: Path, tmp_path: Path
) -> None:
    file = data(tmp_path, (1, 2))
    answers = set()
    for left in (0, 4, 8, 16, 24, 32, 40, 48, 64, 96, 128, 160, 200, 256, 400, 1000):
        folder = Path(shutil.copytree(prepared, small_disk / "workspace"))
        filler = fill(small_disk, left * KIB)
        done = acknowledged(nursery.run(write_on_a_full_disk, folder=folder, file=file))
        answers.add(done)
        filler.unlink()
        found, _ = assert_whole(folder)
        assert found[day(1)] == 2 or not done, "an acknowledged write was lost"
        assert found in (BEFORE, {**BEFORE, day(1): 2})
        assert acknowledged(nursery.run(write_on_a_full_disk, folder=folder, file=file))
        assert assert_whole(folder)[0] == {**BEFORE, day(1): 2}
        shutil.rmtree(folder)
    assert answers == {True, False}


def test_a_write_that_hit_a_limit_leaves_the_workspace_usable_in_the_same_process(
    nursery: Nursery, prepared: Path, tmp_path: Path
) -> None:
    file = data(tmp_path, (1, 2))
    refused = 0
    for size in (1, 100, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000):
        folder = Path(shutil.copytree(prepared, tmp_path / "workspace"))
        ending = nursery.run(write_in_little_room, folder=folder, file=file, size_bytes=size)
        assert ending.how == ENDED, (size, ending.why)
        first, seen, second = ending.told
        refused += first != "published"
        assert first == "published" or first["error"] == "IL407", first
        assert seen == {**BEFORE, day(1): 2 if first == "published" else 1}
        assert second == "published"
        assert assert_whole(folder)[0] == {**BEFORE, day(1): 2}
        shutil.rmtree(folder)
    assert 0 < refused < 8


@pytest.fixture
def read_only(workspace: Path, tmp_path: Path) -> Iterator[Path]:
    """A workspace on a file system that refuses every write."""
    place = tmp_path / "read-only"
    place.mkdir()
    made = subprocess.run(["mount", "--bind", workspace, place], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"a read-only file system takes the right to mount one: {made.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_read_only_folder_is_told(
    nursery: Nursery, read_only: Path, workspace: Path, tmp_path: Path
) -> None:
    assert not acknowledged(nursery.run(write_on_a_full_disk, folder=read_only, file=data(tmp_path, (1, 2))))
    assert assert_whole(workspace)[0] == BEFORE


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(interlock.InterlockError, match="file"):
        interlock.open(tmp_path / "file" / "workspace")
