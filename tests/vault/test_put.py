"""What is put comes out again, byte for byte; what cannot be put leaves nothing and loses nothing."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import interlock
from interlock import Workspace, durable
from interlock.errors import (
    DataNotFound,
    DataUnreadable,
    HealthWarning,
    NameRefused,
    ObjectCorrupt,
    ObjectMissing,
    StorageFailed,
    VaultError,
    VersionNotFound,
)
from interlock.vault import content, layout
from interlock.vault.stores import local
from tests import places

KINDS = pytest.mark.parametrize("place", places.KINDS, indirect=True)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def objects(ws: Workspace) -> dict[str, bytes]:
    return tree(ws.path / "vault" / "objects")


def temporary(ws: Workspace) -> list[str]:
    return os.listdir(ws.path / "vault" / "tmp")


@KINDS
def test_a_folder_comes_out_as_it_went_in(ws: Workspace, model: Path, tmp_path: Path) -> None:
    put = ws.vault.put("team/ranker", model)
    ws.vault.get("team/ranker", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(model)
    assert (put.ref, put.files, put.size_bytes) == ("team/ranker@v1", 3, 2 * 1_280_000)
    assert ws.verify_ledger().ok


def test_objects_are_plain_files_named_by_their_sha256_and_identical_ones_are_stored_once(
    ws: Workspace, model: Path
) -> None:
    ws.vault.put("a", model)
    ws.vault.put("b", model / "weights.bin")
    kept = objects(ws)
    assert len(kept) == 2
    assert all(hashlib.sha256(data).hexdigest() == name.rpartition("/")[2] for name, data in kept.items())


def test_nobody_writes_to_an_object_by_accident(ws: Workspace, model: Path) -> None:
    ws.vault.put("a", model)
    modes = {p.stat().st_mode & 0o777 for p in (ws.path / "vault" / "objects").rglob("*") if p.is_file()}
    assert modes == {0o444}


def test_versions_are_numbered_one_after_the_other(ws: Workspace, model: Path) -> None:
    assert [ws.vault.put("ranker", model).version for _ in range(3)] == [1, 2, 3]
    assert ws.vault.put("other", model).version == 1


@KINDS
def test_many_at_once_get_numbers_of_their_own(place: str, ws: Workspace, model: Path) -> None:
    def put(_: int) -> int:
        with interlock.open(place) as mine:
            return mine.vault.put("ranker", model).version

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(put, range(8))) == list(range(1, 9))
    assert len(objects(ws)) == 2
    assert ws.verify_ledger().ok


def test_one_file_is_called_by_its_own_name(ws: Workspace, model: Path) -> None:
    ws.vault.put("a", model / "weights.bin")
    assert [f.path for f in ws.vault.manifest("a").files] == ["weights.bin"]


def test_files_may_be_given_by_path_as_bytes_or_open_files(ws: Workspace, model: Path) -> None:
    ws.vault.put("a", {"x/y": b"bytes", "z": io.BytesIO(b"open"), "w": model / "weights.bin"})
    assert ws.vault.open("a@v1/x/y").read() == b"bytes"
    assert ws.vault.open("a@v1/z").read() == b"open"
    assert ws.vault.open("a@v1/w").read() == (model / "weights.bin").read_bytes()


def test_metadata_and_lineage_are_in_the_manifest_and_in_the_catalog(ws: Workspace, model: Path) -> None:
    ws.vault.put("a", model, metadata={"auc": 0.71, "ü": "☃"}, lineage={"run": "r1"})
    assert ws.vault.manifest("a").metadata == ws.vault.show("a").metadata == {"auc": 0.71, "ü": "☃"}
    assert ws.vault.manifest("a").lineage == ws.vault.show("a").lineage == {"run": "r1"}


_part = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\\@"), min_size=1, max_size=20
)
_path = st.lists(_part.filter(lambda p: p not in (".", "..")), min_size=1, max_size=3).map("/".join)


@given(name=_path, files=st.dictionaries(_part.filter(lambda p: p not in (".", "..")), st.binary(max_size=50),
                                         min_size=1, max_size=3))  # fmt: skip
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_and_any_path_will_do(
    ws: Workspace, tmp_path_factory: pytest.TempPathFactory, name: str, files: dict[str, bytes]
) -> None:
    into, mine = tmp_path_factory.mktemp("any"), f"{len(ws.vault.versions())}/{name}"
    ws.vault.put(mine, files)
    ws.vault.get(mine, into)
    assert tree(into) == files
    assert mine in [v.name for v in ws.vault.versions()]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a//b",
        "/a",
        "a/",
        "..",
        "a/../b",
        "./a",
        "a@v1",
        "a\\b",
        "a\nb",
        "x" * 201,
        "a/" * 600 + "b",
        "名" * 30,
    ],
)
def test_a_name_that_could_mean_something_else_is_refused(ws: Workspace, model: Path, name: str) -> None:
    with pytest.raises(NameRefused):
        ws.vault.put(name, model)
    assert not ws.vault.versions()


def test_the_longest_names_are_kept(ws: Workspace, tmp_path: Path) -> None:
    for name in ("名" * 26, "x" * 200, "/".join(["y" * 199] * 4)):
        ws.vault.put(name, {"f": b"1"})
        assert ws.vault.open(name).read() == b"1"


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../b", ""])
def test_a_path_that_leads_out_of_the_version_is_refused(ws: Workspace, path: str) -> None:
    with pytest.raises(NameRefused):
        ws.vault.put("a", {path: b"x"})


def test_a_name_is_no_folder_of_names(ws: Workspace, model: Path) -> None:
    ws.vault.put("team/ranker", model)
    for name in ("team", "team/ranker/x"):
        with pytest.raises(VaultError, match="beside team/ranker"):
            ws.vault.put(name, model)


def test_a_file_written_by_its_path_keeps_what_was_there(ws: Workspace) -> None:
    ws.vault.put_file("runs/1/log.txt", b"one")
    ws.vault.put_file("runs/1/log.txt", b"two")
    assert ws.vault.open("runs/1/log.txt").read() == b"two"
    assert ws.vault.open("runs/1/log.txt@v1").read() == b"one"


def test_a_path_of_a_file_is_no_model(ws: Workspace, model: Path) -> None:
    ws.vault.put_file("a", b"x")
    with pytest.raises(VaultError, match="is a file in the vault"):
        ws.vault.put("a", model)


# --- what cannot be put -----------------------------------------------------------------


def assert_nothing_was_put(ws: Workspace) -> None:
    assert not ws.vault.versions(deleted=True)
    assert not temporary(ws)
    assert ws.verify_ledger().ok


def test_what_is_not_there_is_not_found(ws: Workspace, tmp_path: Path) -> None:
    with pytest.raises(DataNotFound):
        ws.vault.put("a", tmp_path / "none")


def test_an_empty_folder_is_nothing_to_put(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    with pytest.raises(VaultError, match="no file"):
        ws.vault.put("a", tmp_path / "void")


def test_a_pipe_or_a_link_that_leads_nowhere_is_no_file(ws: Workspace, model: Path) -> None:
    (model / "dead").symlink_to(model / "nowhere")
    with pytest.raises(DataUnreadable, match="dead"):
        ws.vault.put("a", model)
    (model / "dead").unlink()
    os.mkfifo(model / "pipe")
    with pytest.raises(DataUnreadable, match="pipe"):
        ws.vault.put("a", model)


def test_links_to_files_are_followed_and_links_to_folders_are_refused(ws: Workspace, model: Path) -> None:
    (model / "link").symlink_to(model / "weights.bin")
    assert ws.vault.put("a", model).files == 4
    (model / "loop").symlink_to(model)
    with pytest.raises(DataUnreadable, match="loop"):
        ws.vault.put("a", model)


class Broken(io.RawIOBase):
    """Reads well for a while."""

    def __init__(self) -> None:
        self.reads = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        if self.reads > 2:
            raise OSError(5, "Input/output error")
        return b"x" * 1000


def test_a_source_that_fails_in_the_middle_leaves_nothing(ws: Workspace, model: Path) -> None:
    with pytest.raises(DataUnreadable, match="Input/output"):
        ws.vault.put("a", {"good": model / "weights.bin", "bad": Broken()})
    assert_nothing_was_put(ws)
    assert ws.vault.put("a", model).version == 2, "a number that was given is never given again"


def test_a_full_disk_leaves_nothing_and_the_next_put_works(
    ws: Workspace, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    ws.vault.put("before", model)
    (model / "new").write_bytes(b"new" * 1000)
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "link", full)
        with pytest.raises(StorageFailed, match="free some space"):
            ws.vault.put("a", model)
    assert [v.ref for v in ws.vault.versions()] == ["before@v1"]
    assert not temporary(ws)
    ws.vault.put("a", model)
    assert ws.vault.open("a/new".replace("/", "@v2/")).read() == b"new" * 1000


def test_a_source_that_changes_between_hash_and_copy_is_caught(
    ws: Workspace, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from interlock.vault import intake

    size = 400_000
    ws.vault.put("a", {"x": b"1" * size})
    file = model / "changing"
    file.write_bytes(b"1" * 5_000 + b"2" + b"1" * (size - 5_001))  # alike where looked at, so hashed first
    cover = intake.Lease.cover

    def changed(self: intake.Lease, sizes: dict[str, int]) -> None:
        file.write_bytes(b"3" * size)
        cover(self, sizes)

    monkeypatch.setattr(intake.Lease, "cover", changed)
    with pytest.raises(ObjectCorrupt, match="changed while"):
        ws.vault.put("b", file)
    assert [v.ref for v in ws.vault.versions()] == ["a@v1"]
    assert not temporary(ws)


@pytest.mark.parametrize(
    "planted", [lambda data: b"x" * len(data), lambda data: data[:-1] + b"x", lambda data: b"", bytes.upper]
)
@pytest.mark.parametrize("source", ["path", "stream"])
def test_what_somebody_left_in_the_place_of_an_object_is_not_taken_for_it(
    ws: Workspace, tmp_path: Path, source: str, planted: Callable[[bytes], bytes]
) -> None:
    data = b"mine " * 80_000
    file = tmp_path / "file"
    file.write_bytes(data)
    key = layout.object_key(hashlib.sha256(data).hexdigest())
    for name in ("new", "known"):  # and of a size that the vault has
        place = ws.path / "vault" / key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(planted(data))
        ws.vault.put(name, {"file": file if source == "path" else io.BytesIO(data)})
        assert ws.vault.open(f"{name}@v1/file").read() == data
        assert ws.vault.scrub().ok
    assert not temporary(ws)


def test_what_is_pinned_is_not_read_again(
    ws: Workspace, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws.vault.put("a", model)
    read: list[str] = []
    looked = content.look
    monkeypatch.setattr(content, "look", lambda key, *how: read.append(key) or looked(key, *how))
    ws.vault.put("b", model)
    assert read == []
    for path in (ws.path / "vault" / "objects").rglob("*"):
        os.utime(path)  # as after a copy that kept no times
    ws.vault.put("c", model)
    assert len(read) == 2
    read.clear()
    ws.vault.put("d", model)
    assert read == []


def test_a_file_of_a_known_size_is_read_once(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints of a series have one size, and are seldom the same."""
    hashed: list[Path] = []
    real = local.sha256_of_file
    monkeypatch.setattr(local, "sha256_of_file", lambda path, *how: hashed.append(path) or real(path, *how))
    for step in range(3):
        file = tmp_path / f"{step}"
        file.write_bytes(bytes([step]) * 1_000_000)
        ws.vault.put("series", file)
    assert hashed == []
    ws.vault.put("series", tmp_path / "1")
    assert hashed == [tmp_path / "1"]
    assert len(objects(ws)) == 3


def test_files_that_are_there_already_are_not_written_again(
    ws: Workspace, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws.vault.put("a", model)
    written: list[int] = []
    monkeypatch.setattr(
        "interlock.vault.stores.local.LocalStore.take",
        _spied(lambda taken: written.append(taken.size_bytes * taken.ours)),
    )
    ws.vault.put("b", model)
    assert sum(written) < 2_000, "only the manifest"


def _spied(see: object) -> object:
    from interlock.vault.stores.local import LocalStore

    take = LocalStore.take

    def spied(self: LocalStore, *args: object, **named: object) -> object:
        taken = take(self, *args, **named)  # type: ignore[arg-type]
        see(taken)  # type: ignore[operator]
        return taken

    return spied


def test_progress_counts_every_byte_once(ws: Workspace, model: Path) -> None:
    seen: list[tuple[int, int]] = []
    ws.vault.put("a", model, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2_560_000, 2_560_000)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)


# --- reading ----------------------------------------------------------------------------


def test_what_is_there_already_is_not_written_again(ws: Workspace, model: Path, tmp_path: Path) -> None:
    ws.vault.put("a", model)
    first = {p: p.stat().st_ino for p in ws.vault.get("a", tmp_path / "out")}
    (tmp_path / "out" / "weights.bin").write_bytes(b"other")
    again = {p: p.stat().st_ino for p in ws.vault.get("a", tmp_path / "out")}
    changed = {p.name for p in first if first[p] != again[p]}
    assert changed == {"weights.bin"}
    assert tree(tmp_path / "out") == tree(model)


def test_some_files_may_be_asked_for(ws: Workspace, model: Path, tmp_path: Path) -> None:
    ws.vault.put("a", model)
    ws.vault.get("a", tmp_path / "out", paths=["empty"])
    ws.vault.get("a@v1/weights.bin", tmp_path / "out")
    assert set(tree(tmp_path / "out")) == {"empty", "weights.bin"}
    with pytest.raises(VersionNotFound, match="nothing"):
        ws.vault.get("a", tmp_path / "out", paths=["nothing"])


@pytest.mark.parametrize("damage", ["flip", "truncate", "lengthen", "remove", "swap"])
def test_damage_is_found_on_read_and_nothing_of_it_is_handed_out(
    ws: Workspace, model: Path, tmp_path: Path, damage: str
) -> None:
    ws.vault.put("a", model)
    sha = hashlib.sha256((model / "weights.bin").read_bytes()).hexdigest()
    damaged(ws.path / "vault" / "objects" / sha[:2] / sha, damage)
    with pytest.raises((ObjectCorrupt, ObjectMissing)):
        ws.vault.get("a", tmp_path / "out")
    assert not [p for p in tree(tmp_path / "out") if "weights" in p]
    with pytest.raises((ObjectCorrupt, ObjectMissing)):
        ws.vault.open("a@v1/weights.bin")


@pytest.mark.parametrize("damage", ["flip", "truncate", "lengthen", "remove", "swap"])
def test_a_damaged_manifest_is_found_on_read(ws: Workspace, model: Path, tmp_path: Path, damage: str) -> None:
    ws.vault.put("a", model)
    damaged(ws.path / "vault" / "versions" / "a" / "v1.json", damage)
    with pytest.raises((ObjectCorrupt, ObjectMissing)):
        ws.vault.get("a", tmp_path / "out")


def damaged(path: Path, how: str) -> None:
    path.chmod(0o644)
    data = path.read_bytes()
    if how == "remove":
        path.unlink()
    elif how == "flip":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    else:
        path.write_bytes({"truncate": data[:-1], "lengthen": data + b"x", "swap": b"{}"}[how])


def test_the_replica_is_read_where_the_main_store_fails(ws: Workspace, model: Path, tmp_path: Path) -> None:
    import dataclasses
    import shutil

    from interlock.vault.stores.local import LocalStore

    ws.vault.put("a", model)
    shutil.copytree(ws.path / "vault", tmp_path / "replica")
    ws.vault.stores = dataclasses.replace(ws.vault.stores, replica=LocalStore(tmp_path / "replica"))
    shutil.rmtree(ws.path / "vault" / "objects")
    with pytest.warns(HealthWarning, match="read from the replica"):
        ws.vault.get("a", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(model)
