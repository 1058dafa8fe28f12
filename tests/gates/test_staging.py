"""A write in progress: found when its writer died, left alone while it lives, nothing left when it ends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock import durable
from interlock.catalog import Catalog
from interlock.errors import StorageFailed, WorkspaceBusy
from interlock.gates import staging
from interlock.settings import override
from interlock.workspace import Workspace


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.create(tmp_path / "workspace") as made:
        yield made


def died(root: Path, *destinations: str) -> staging.Leftover:
    """What a writer that announced these files leaves when it is killed."""
    with staging.begin(durable, root, "w", "flights", "2013-01-01") as place:
        place.announce(destinations)
        (place.path / "data.parquet").write_bytes(b"half")
        shutil.copytree(place.path, root / "copy")
    (root / "copy").rename(root / "dead")
    (left,) = staging.leftovers(durable, root)
    return left


def test_a_living_writers_folder_is_no_leftover_and_goes_at_its_end(tmp_path: Path) -> None:
    with staging.begin(durable, tmp_path, "w", "flights", "2013-01-01") as place:
        (place.path / "parts").mkdir()
        (place.path / "parts" / "data.parquet").write_bytes(b"x")
        assert list(staging.leftovers(durable, tmp_path)) == []
    assert [p for p in tmp_path.iterdir() if p.is_dir()] == []


def test_it_goes_at_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staging.begin(durable, tmp_path, "w", "flights", "?"):
        raise KeyboardInterrupt
    assert [p for p in tmp_path.iterdir() if p.is_dir()] == []


def test_what_a_dead_writer_moved_and_never_committed_goes(tmp_path: Path, catalog: Catalog) -> None:
    moved = catalog.folder / "data" / "main" / "flights" / "a.parquet"
    moved.parent.mkdir(parents=True)
    moved.write_bytes(b"x")
    path = "data/main/flights/a.parquet"
    left = died(catalog.folder / "staging", path)
    assert (left.table, left.label, left.destinations) == ("flights", "2013-01-01", (path,))
    assert not left.settle(catalog)
    assert not moved.exists()
    left.discard()
    assert list(staging.leftovers(durable, catalog.folder / "staging")) == []


def test_one_that_died_before_it_moved_anything_had_not_committed(catalog: Catalog) -> None:
    left = died(catalog.folder / "staging", "data/never.parquet")
    assert not left.settle(catalog)


def test_a_copy_of_a_workspace_never_touches_the_originals_files(tmp_path: Path, catalog: Catalog) -> None:
    moved = catalog.folder / "data" / "a.parquet"
    moved.write_bytes(b"x")
    died(catalog.folder / "staging", "data/a.parquet")
    shutil.copytree(catalog.folder, tmp_path / "copy")
    with interlock.open(tmp_path / "copy") as ws:
        (note,) = ws.recovered
        assert (
            note
            == "the write of flights@2013-01-01 was cut off before its commit; nothing of it was published"
        )
    assert moved.is_file()
    assert not (tmp_path / "copy" / "data" / "a.parquet").exists()


@pytest.mark.parametrize("note", [None, b"", b"{", b"[]", b'{"table": 1}'])
def test_a_folder_without_a_readable_note_holds_nothing(tmp_path: Path, note: bytes | None) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    if note is not None:
        (folder / staging.NOTE).write_bytes(note)
    assert list(staging.leftovers(durable, tmp_path)) == []
    assert not folder.exists()


def test_what_the_system_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    with pytest.raises(StorageFailed), staging.begin(durable, tmp_path, "w", "flights", "?"):
        pass


def test_a_commit_that_fails_takes_its_files_back(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from interlock.gates import decided
    from tests.gates.conftest import a_day

    def full(*_: object) -> None:
        raise StorageFailed("no space left on device")

    t = ws.table("flights", partition="day")
    t.write(a_day(0))
    before = sorted((ws.path / "data").rglob("*.parquet"))
    with monkeypatch.context() as patched:
        patched.setattr(decided, "store_verdicts", full)
        with pytest.raises(StorageFailed):
            t.write(a_day(1))
    assert sorted((ws.path / "data").rglob("*.parquet")) == before
    assert all(f.ok for f in ws.doctor())
    assert t.write(a_day(1)).decision == "published"


def test_what_a_transaction_under_way_may_yet_commit_is_not_removed(catalog: Catalog) -> None:
    """Its connection may be lost, and its commit not."""
    left = died(catalog.folder / "staging", "data/x.parquet")
    file = catalog.folder / "data" / "x.parquet"
    file.write_bytes(b"x")
    with override(lock_timeout_s=0.05), catalog.write(), pytest.raises(WorkspaceBusy):
        left.settle(catalog)
    assert file.exists()
    assert left.settle(catalog) is False
    assert not file.exists()
