"""Files that last."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from interlock import durable
from interlock.errors import StorageFailed, WorkspaceBusy


def test_a_write_makes_its_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    durable.write(tmp_path / "a" / "b" / "file", b"one")
    durable.write(tmp_path / "a" / "b" / "file", b"two")
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["file"]
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"two"


def test_a_file_is_synced_before_it_has_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        happened.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        happened.append(f"rename to {target.name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    durable.write(tmp_path / "file", b"x")
    assert happened[1:] == ["rename to file", tmp_path.name]
    assert re.fullmatch(r"\.file\.[0-9a-f]+\.tmp", happened[0])


def test_a_file_can_be_moved_linked_and_removed(tmp_path: Path) -> None:
    durable.write(tmp_path / "a", b"x")
    durable.move(tmp_path / "a", tmp_path / "new" / "b")
    durable.link(tmp_path / "new" / "b", tmp_path / "other" / "c")
    durable.link(tmp_path / "new" / "b", tmp_path / "other" / "c")
    durable.remove([tmp_path / "new" / "b", tmp_path / "nothing"])
    assert not (tmp_path / "new" / "b").exists()
    assert (tmp_path / "other" / "c").read_bytes() == b"x"
    durable.write(tmp_path / "d", b"y")
    with pytest.raises(StorageFailed, match="File exists"):
        durable.link(tmp_path / "d", tmp_path / "other" / "c")


def test_what_cannot_be_done_names_the_place_and_the_reason(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="no: No such file"):
        durable.sync_file(tmp_path / "no")
    with pytest.raises(StorageFailed, match="No such file"):
        durable.move(tmp_path / "no", tmp_path / "b")
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match=r"Not a directory|File exists"):
        durable.write(tmp_path / "file" / "below", b"")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable.write(tmp_path / "file", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="No space left on device") as failed:
        durable.write(tmp_path / "file", b"new")
    assert failed.value.hint == "free some space and try again"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with durable.locked(tmp_path / "lock", timeout_s=0):
        held = durable.locked(tmp_path / "lock", timeout_s=0.03)
        with pytest.raises(WorkspaceBusy, match=r"waited 0\.03 s"):
            held.__enter__()
    with durable.locked(tmp_path / "lock", timeout_s=0):
        pass


def test_a_lock_s_folder_that_is_removed_at_that_moment_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, open_ = tmp_path / "write" / "lock", os.open
    removed: list[Path] = []

    def removed_first(name: Path, *how: int) -> int:
        if name == path and len(removed) < times:
            path.parent.rmdir()
            removed.append(path.parent)
        return open_(name, *how)

    monkeypatch.setattr(os, "open", removed_first)
    times = 2
    with durable.locked(path, timeout_s=0):
        assert len(removed) == 2
    times = 1_000_000
    path.unlink()
    with pytest.raises(StorageFailed, match="No such file"):
        durable.locked(path, timeout_s=0).__enter__()
