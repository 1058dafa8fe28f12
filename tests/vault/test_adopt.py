"""Models that exist are taken over where they are: recorded, verified on reading, and not lost with their originals."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock import Workspace
from interlock.catalog.vault import versions
from interlock.errors import (
    DataNotFound,
    DataUnreadable,
    ObjectCorrupt,
    ObjectMissing,
    UsageError,
)
from interlock.vault import intake
from interlock.vault.adopt import Adopted
from tests import places
from tests.gates.conftest import a_day
from tests.processes import Nursery, every_boundary
from tests.vault import stories
from tests.vault.test_killed import EVERY, assert_whole

KINDS = pytest.mark.parametrize("place", places.KINDS, indirect=True)
NOBODY = 65534


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Two models in folders and one that is a file; two of their files are alike."""
    folder = tmp_path / "models"
    (folder / "ranker" / "sub").mkdir(parents=True)
    (folder / "fraud").mkdir()
    (folder / "ranker" / "weights.bin").write_bytes(b"weights" * 1_000)
    (folder / "ranker" / "sub" / "config").write_bytes(b"{}")
    (folder / "fraud" / "weights.bin").write_bytes(b"weights" * 1_000)
    (folder / "lite.pkl").write_bytes(b"lite")
    return folder


def refs(made: Adopted) -> tuple[list[str], list[str], list[str]]:
    return [r.ref for r in made.versions], [r.ref for r in made.known], [f.name for f in made.left_out]


def files_of(ws: Workspace, ref: str, into: Path) -> dict[str, bytes]:
    shutil.rmtree(into, ignore_errors=True)
    return {p.relative_to(into).as_posix(): p.read_bytes() for p in ws.vault.get(ref, into)}


def objects(ws: Workspace) -> list[Path]:
    return [p for p in (ws.path / "vault" / "objects").rglob("*") if p.is_file()]


def nothing_left(ws: Workspace) -> bool:
    return not any((ws.path / "vault" / "tmp").iterdir())


@KINDS
def test_what_lies_in_a_folder_outlives_it(ws: Workspace, models: Path, tmp_path: Path) -> None:
    made = ws.vault.adopt(models)
    assert refs(made) == (["models/fraud@v1", "models/lite.pkl@v1", "models/ranker@v1"], [], [])
    assert set(made.protection.values()) == {"kept"}
    shutil.rmtree(models)
    ranker = {"weights.bin": b"weights" * 1_000, "sub/config": b"{}"}
    assert files_of(ws, "models/ranker", tmp_path / "out") == ranker
    assert files_of(ws, "models/lite.pkl", tmp_path / "out") == {"lite.pkl": b"lite"}
    assert ws.vault.show("models/ranker").metadata == {"adopted_from": str(models)}
    assert ws.verify_ledger().ok


def test_nothing_is_moved_and_nothing_copied(ws: Workspace, models: Path) -> None:
    ws.vault.adopt(models)
    originals = {p.stat().st_ino for p in models.rglob("*") if p.is_file()}
    assert {p.stat().st_ino for p in objects(ws)} <= originals
    assert len(objects(ws)) == 3  # two of four are alike
    assert nothing_left(ws)
    (listed,) = ws.vault.manifest("models/lite.pkl").files
    assert (listed.stored, listed.at) == ("plain", str(models / "lite.pkl"))


def test_what_becomes_a_model_is_a_choice(ws: Workspace, models: Path, tmp_path: Path) -> None:
    made = ws.vault.adopt(models, "single", each="file")
    names = ["fraud/weights.bin", "lite.pkl", "ranker/sub/config", "ranker/weights.bin"]
    assert refs(made)[0] == [f"single/{name}@v1" for name in names]
    assert files_of(ws, "single/ranker/sub/config", tmp_path / "out") == {"config": b"{}"}
    made = ws.vault.adopt(models, "whole", each="all")
    assert refs(made)[0] == ["whole@v1"]
    assert sorted(files_of(ws, "whole", tmp_path / "out")) == names
    assert refs(ws.vault.adopt(models / "ranker", "")) == (["sub@v1", "weights.bin@v1"], [], [])
    with pytest.raises(UsageError, match="each='files' means nothing") as refused:
        ws.vault.adopt(models, each="files")
    assert refused.value.hint == "did you mean 'file'?"


@KINDS
def test_adopting_twice_records_nothing_twice(ws: Workspace, models: Path) -> None:
    ws.vault.adopt(models)
    (models / "new").write_bytes(b"new")
    made = ws.vault.adopt(models)
    assert refs(made) == (
        ["models/new@v1"],
        ["models/fraud@v1", "models/lite.pkl@v1", "models/ranker@v1"],
        [],
    )
    assert len(ws.vault.versions(deleted=True)) == 4


def test_what_is_known_is_not_read_again(ws: Workspace, models: Path) -> None:
    ws.vault.adopt(models)
    file = models / "lite.pkl"
    was = file.stat()
    file.write_bytes(b"LITE")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert "models/lite.pkl@v1" in refs(ws.vault.adopt(models))[1]
    file.touch()  # now it is looked into
    assert refs(ws.vault.adopt(models))[0] == ["models/lite.pkl@v2"]


def test_a_file_that_was_only_touched_is_no_new_version(ws: Workspace, models: Path) -> None:
    ws.vault.adopt(models)
    os.utime(models / "lite.pkl", (1, 1))
    assert refs(ws.vault.adopt(models))[0] == []


def test_an_original_that_is_replaced_leaves_its_bytes_and_one_that_is_written_into_is_told(
    ws: Workspace, models: Path, tmp_path: Path
) -> None:
    ws.vault.adopt(models)
    (tmp_path / "next").write_bytes(b"next")
    os.replace(tmp_path / "next", models / "lite.pkl")
    assert refs(ws.vault.adopt(models))[0] == ["models/lite.pkl@v2"]
    assert files_of(ws, "models/lite.pkl@v1", tmp_path / "out") == {"lite.pkl": b"lite"}
    (models / "lite.pkl").write_bytes(b"over")
    with pytest.raises(ObjectCorrupt):
        ws.vault.get("models/lite.pkl@v2", tmp_path / "out2")


def test_read_only_takes_the_right_to_write_from_originals(ws: Workspace, models: Path) -> None:
    ws.vault.adopt(models, read_only=True)
    assert {p.stat().st_mode & 0o222 for p in models.rglob("*") if p.is_file()} == {0}


def test_a_copy_is_out_of_reach_of_the_original(ws: Workspace, models: Path, tmp_path: Path) -> None:
    ws.vault.adopt(models, copy=True)
    for path in [p for p in models.rglob("*") if p.is_file()]:
        path.write_bytes(b"written into")
    assert files_of(ws, "models/lite.pkl", tmp_path / "out") == {"lite.pkl": b"lite"}
    assert nothing_left(ws)


def test_on_another_file_system_it_is_recorded_and_told_to_be_unprotected(
    ws: Workspace, models: Path, elsewhere: Path, tmp_path: Path
) -> None:
    shutil.copytree(models, elsewhere / "models")
    made = ws.vault.adopt(elsewhere / "models")
    assert made.by("bare") == refs(made)[0]
    assert len(made.versions) == 3
    assert objects(ws) == []
    (listed,) = ws.vault.manifest("models/lite.pkl").files
    original = elsewhere / "models" / "lite.pkl"
    assert (listed.stored, listed.at) == ("adopted", str(original))
    assert files_of(ws, "models/lite.pkl", tmp_path / "out") == {"lite.pkl": b"lite"}
    assert ws.vault.open("models/ranker/weights.bin".replace("ranker/", "ranker@v1/")).read(7) == b"weights"
    again = ws.vault.adopt(elsewhere / "models")
    assert (again.versions, again.by("bare")) == ((), refs(made)[0])
    original.write_bytes(b"LITE")
    with pytest.raises(ObjectCorrupt, match=r"lite.pkl in .*models/lite.pkl is not what was put"):
        ws.vault.get("models/lite.pkl@v1", tmp_path / "out2")
    original.unlink()
    with pytest.raises(ObjectMissing, match="is gone"):
        ws.vault.get("models/lite.pkl@v1", tmp_path / "out2")
    copied = ws.vault.adopt(elsewhere / "models", copy=True)
    assert refs(copied)[0] == copied.by("kept") == ["models/fraud@v2", "models/ranker@v2"]
    shutil.rmtree(elsewhere / "models")
    assert files_of(ws, "models/fraud", tmp_path / "out") == {"weights.bin": b"weights" * 1_000}
    (elsewhere / "models").mkdir()


def test_what_cannot_be_adopted_is_left_out_and_keeps_no_other_from_it(ws: Workspace, models: Path) -> None:
    (models / "dangling").symlink_to(models / "nowhere")
    (models / "linked").mkdir()
    (models / "linked" / "folder").symlink_to(models / "ranker", target_is_directory=True)
    (models / "piped").mkdir()
    os.mkfifo(models / "piped" / "pipe")
    (models / "at@home").write_bytes(b"x")
    (models / os.fsdecode(b"bad\xff")).write_bytes(b"x")
    (models / ".hidden").write_bytes(b"x")
    (models / "empty").mkdir()
    made = ws.vault.adopt(models)
    assert refs(made)[0] == ["models/fraud@v1", "models/lite.pkl@v1", "models/ranker@v1"]
    why = {found.name: found.problem or "" for found in made.left_out}
    assert list(why) == [
        "models/at@home",
        "models/bad\udcff",
        "models/dangling",
        "models/linked",
        "models/piped",
    ]
    assert "'@'" in why["models/at@home"]
    assert "UTF-8" in why["models/bad\udcff"]
    assert "is not there" in why["models/dangling"]
    assert "link to a folder" in why["models/linked"]
    assert "no file that can be read" in why["models/piped"]


def test_a_link_to_a_file_stands_for_the_file(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "hub" / "blobs").mkdir(parents=True)
    (tmp_path / "hub" / "snapshots" / "main").mkdir(parents=True)
    (tmp_path / "hub" / "blobs" / "abc").write_bytes(b"weights")
    (tmp_path / "hub" / "snapshots" / "main" / "model.bin").symlink_to("../../blobs/abc")
    ws.vault.adopt(tmp_path / "hub" / "snapshots", "ranker")
    (listed,) = ws.vault.manifest("ranker/main").files
    assert (listed.path, listed.at) == ("model.bin", str(tmp_path / "hub" / "blobs" / "abc"))
    shutil.rmtree(tmp_path / "hub")
    assert files_of(ws, "ranker/main", tmp_path / "out") == {"model.bin": b"weights"}


def unreadable(tell: Any, folder: str, models: str) -> None:
    """As a user who may not read one of the files, and owns none."""
    os.chmod(Path(models) / "fraud" / "weights.bin", 0o600)
    os.setgroups([])
    os.setgid(NOBODY)
    with interlock.open(folder) as ws:
        vault = ws.vault  # imported while it can be
        os.seteuid(NOBODY)
        made = vault.adopt(models)
        os.seteuid(0)
        os.chmod(Path(models) / "ranker", 0o700)
        os.seteuid(NOBODY)
        with pytest.raises(DataUnreadable) as refused:
            vault.adopt(Path(models) / "ranker")
        tell([refs(made)[0], [f.problem for f in made.left_out], refused.value.message])


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may write to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
def test_a_file_that_may_not_be_read_leaves_its_model_out(
    nursery: Nursery, models: Path, public: Path
) -> None:
    shutil.copytree(models, public / "models")
    interlock.open(public / "nobodys").close()
    for path in public.rglob("nobodys*/**"):
        os.chown(path, NOBODY, NOBODY)
    ending = nursery.start(unreadable, folder=public / "nobodys", models=public / "models").ends()
    adopted, why, forbidden = ending.told[0]
    assert adopted == ["models/lite.pkl@v1", "models/ranker@v1"]
    assert why == [f"{public}/models/fraud/weights.bin: Permission denied"]
    assert forbidden == f"{public}/models/ranker: Permission denied"


def test_a_file_that_changes_while_it_is_hashed_is_left_out(ws: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "models" / "busy.bin"
    file.parent.mkdir()
    file.write_bytes(b"one")

    def writes(done: int, total: int) -> None:
        file.write_bytes(b"one more")

    made = ws.vault.adopt(file.parent, progress=writes)
    assert [found.problem for found in made.left_out] == [f"{file} changed while it was adopted"]
    assert (objects(ws), nothing_left(ws)) == ([], True)
    assert refs(ws.vault.adopt(file.parent))[0] == ["models/busy.bin@v1"]


def test_a_file_that_is_replaced_after_it_was_hashed_is_left_out(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "models" / "busy.bin"
    file.parent.mkdir()
    file.write_bytes(b"one")
    begin = intake.staged

    def meanwhile(*given: Any) -> Any:
        file.unlink()
        file.write_bytes(b"two")
        return begin(*given)

    with monkeypatch.context() as patched:
        patched.setattr(intake, "staged", meanwhile)
        made = ws.vault.adopt(file.parent)
    assert [found.problem for found in made.left_out] == [f"{file} changed while it was adopted"]
    assert (objects(ws), nothing_left(ws), ws.vault.versions()) == ([], True, [])


def test_a_workspace_does_not_adopt_itself(ws: Workspace, models: Path, tmp_path: Path) -> None:
    made = ws.vault.adopt(tmp_path, "all")
    assert refs(made) == (["all/models@v1"], [], [])
    (found,) = ws.vault.adopt(tmp_path, "whole", each="all").left_out
    assert found.problem == f"{tmp_path} holds the workspace itself"
    with pytest.raises(UsageError, match="belongs to the workspace"):
        ws.vault.adopt(ws.path)
    with pytest.raises(UsageError, match="belongs to the workspace"):
        ws.vault.adopt(ws.path / "vault")


def test_a_folder_that_is_none_is_told(ws: Workspace, models: Path) -> None:
    with pytest.raises(DataNotFound, match="is no folder") as refused:
        ws.vault.adopt(models / "lite.pkl")
    assert "vault put" in (refused.value.hint or "")
    with pytest.raises(DataNotFound, match="is no folder"):
        ws.vault.adopt(models / "nowhere")


def test_a_name_that_is_taken_otherwise_is_left_out(ws: Workspace, models: Path) -> None:
    ws.table("flights", partition="day").write(a_day(0))
    ws.vault.snapshot("models/lite.pkl", "flights")
    ws.vault.put("models/ranker/old", {"a": b"a"})
    made = ws.vault.adopt(models)
    assert refs(made)[0] == ["models/fraud@v1"]
    assert ["snapshot" in (f.problem or "") for f in made.left_out] == [True, False]
    assert "cannot be a name beside" in (made.left_out[1].problem or "")


def test_what_was_deleted_is_adopted_as_a_new_version(ws: Workspace, models: Path) -> None:
    (record, *_) = ws.vault.adopt(models).versions
    with ws.site.catalog.write() as tx:
        versions.tombstone(tx, [record.id], who="ann", purge_after=tx.now)
    assert refs(ws.vault.adopt(models))[0] == ["models/fraud@v2"]


def test_a_version_whose_manifest_is_gone_is_adopted_again(ws: Workspace, models: Path) -> None:
    ws.vault.adopt(models)
    (ws.path / "vault" / "versions" / "models" / "fraud" / "v1.json").unlink()
    assert refs(ws.vault.adopt(models))[0] == ["models/fraud@v2"]


def test_progress_ends_at_all_bytes_also_of_what_is_known(ws: Workspace, models: Path) -> None:
    total = sum(p.stat().st_size for p in models.rglob("*") if p.is_file())
    for _ in range(2):
        told: list[tuple[int, int]] = []
        ws.vault.adopt(models, progress=lambda *at, told=told: told.append(at))
        assert told[-1] == (total, total)
        assert told == sorted(told)


def test_thousands_of_files_are_one_version(ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(2_000):
        path = folder / f"{number % 20}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
    (made,) = ws.vault.adopt(folder, each="all").versions
    assert (made.files, len(objects(ws))) == (2_000, 2_000)
    assert refs(ws.vault.adopt(folder, each="all"))[1] == ["many@v1"]


def test_killed_anywhere_it_goes_on_where_it_stood(nursery: Nursery, models: Path, tmp_path: Path) -> None:
    with interlock.open(tmp_path / "prepared"):
        pass
    seen = set()
    for folder, ending in every_boundary(
        nursery,
        tmp_path / "prepared",
        tmp_path,
        stories.adopt,
        step=1 if EVERY else 13,
        more_than=40,
        models=models,
    ):
        found = assert_whole(folder, ending.told, tmp_path / "out")
        seen.add(len(found))
        with interlock.open(folder) as ws:
            made = ws.vault.adopt(models)
            names = sorted(r.name for r in (*made.versions, *made.known))
            assert names == ["models/fraud", "models/lite.pkl", "models/ranker"]
            assert {r.ref for r in made.known} == set(found)
            assert len(ws.vault.versions()) == 3
    assert seen == {0, 1, 2, 3} or not EVERY
    assert {0, 3} < seen
