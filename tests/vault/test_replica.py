"""The second store: everything that can be read is in it, verified on the way, and stays in step."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import interlock
from interlock import Workspace
from interlock.catalog.vault import copies, marks, versions
from interlock.catalog.vault.records import VersionState
from interlock.errors import DeleteRefused, ReplicaWarning, UsageError, VaultError
from interlock.gates.delete import approval
from interlock.vault.damage import What
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.opened import MAIN, REPLICA
from interlock.vault.stores.protocol import Held
from interlock.verify import verify
from tests.processes import KILLED, Nursery
from tests.vault import harm, stories


@pytest.fixture
def replica(tmp_path: Path) -> Path:
    return tmp_path / "replica"


@pytest.fixture
def filled(ws: Workspace, replica: Path, tmp_path: Path) -> Workspace:
    """With a replica that nothing is in yet."""
    stories.fill(ws.vault, tmp_path)
    ws.vault.set_replica(str(replica))
    return ws


def main(ws: Workspace) -> Path:
    return ws.path / "vault"


# --- what is in it ------------------------------------------------------------------------


def test_everything_that_can_be_read_is_copied_tombstones_too(filled: Workspace, replica: Path) -> None:
    behind = filled.vault.status().lag
    assert behind is not None and behind.versions == 5
    done = filled.vault.replicate()
    assert (done.ok, done.versions, done.objects) == (True, 5, 9)
    assert harm.contents(replica) == harm.contents(main(filled))
    again = filled.vault.replicate()
    assert (again.versions, again.objects) == (0, 0)


def test_what_is_put_afterwards_is_there_at_once(filled: Workspace, replica: Path) -> None:
    filled.vault.replicate()
    filled.vault.put("ranker", {"third": b"of v3"})
    filled.vault.put_file("runs/log", b"and more")
    assert harm.contents(replica) == harm.contents(main(filled))
    behind = filled.vault.status().lag
    assert behind is not None and behind.versions == 0


def test_a_replica_that_fails_fails_no_put(filled: Workspace, replica: Path) -> None:
    filled.vault.replicate()
    shutil.rmtree(replica)
    replica.write_text("no folder any more")
    with pytest.warns(ReplicaWarning, match=r"ranker@v3 is not in the replica yet: .*catches up"):
        filled.vault.put("ranker", {"third": b"of v3"})
    findings = [f for f in filled.doctor() if f.what == "vault" and not f.ok]
    assert [f.advice for f in findings] == ["interlock vault replicate"]
    replica.unlink()
    assert filled.vault.replicate().versions == 1
    assert filled.vault.scrub(repair=True).ok
    assert harm.contents(replica) == harm.contents(main(filled))


@pytest.mark.parametrize("kind", ["flip", "remove"])
def test_what_is_damaged_is_not_copied(filled: Workspace, replica: Path, kind: str) -> None:
    key = stories.key_of(stories.WEIGHTS)
    harm.KINDS[kind](main(filled) / key)
    done = filled.vault.replicate()
    assert set(done.failed) == {"ranker@v1", "ranker@v2"} and not done.ok
    assert done.versions == 3
    assert not (replica / key).exists()
    assert not (replica / "versions/ranker").exists()


def test_a_damaged_manifest_is_not_copied(filled: Workspace, replica: Path) -> None:
    harm.flip(main(filled) / "versions/ranker/v1.json")
    assert set(filled.vault.replicate().failed) == {"ranker@v1"}
    assert not (replica / "versions/ranker/v1.json").exists()


def test_what_lies_there_already_is_read_before_it_counts(filled: Workspace, replica: Path) -> None:
    """A copy made by hand, half of it wrong."""
    shutil.copytree(main(filled), replica, dirs_exist_ok=True)
    for path in harm.files(replica / "objects").values():
        harm.flip(path)
    harm.remove(replica / stories.key_of(stories.WEIGHTS))
    assert filled.vault.replicate().ok
    assert harm.contents(replica) == harm.contents(main(filled))


def test_the_manifest_of_another_version_is_never_replaced(filled: Workspace, replica: Path) -> None:
    other = replica / "versions/ranker/v1.json"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"another vault's")
    assert set(filled.vault.replicate().failed) == {"ranker@v1"}
    assert other.read_bytes() == b"another vault's"


def test_a_version_that_is_purged_while_it_is_copied_is_needed_by_nobody(
    filled: Workspace, replica: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = filled.table("t")
    table.write(pd.DataFrame({"x": [1]}))
    put = LocalStore.put

    def meanwhile(self: LocalStore, key: str, data: bytes, **how: object) -> Held:
        if key == "versions/train/t/v1.json" and self.root == replica:
            with filled.site.catalog.write() as tx:
                ended = versions.one(tx, "train/t", 1)
                assert ended is not None
                assert versions.change(tx, [ended.id], VersionState.LIVE, VersionState.PURGED) == 1
                marks.forget_uses(tx, [ended.id])
        return put(self, key, data, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalStore, "put", meanwhile)
    record = filled.vault.snapshot("train/t", "t")
    with filled.site.catalog.read() as rx:
        assert versions.keys(rx, record.id) == []


def test_a_replica_that_was_not_finished_goes_on(nursery: Nursery, filled: Workspace, replica: Path) -> None:
    for kill_at in (14, 33, 52):
        assert nursery.run(stories.replicate, kill_at=kill_at, folder=filled.path).how == KILLED
    assert filled.vault.replicate().ok
    assert harm.contents(replica) == harm.contents(main(filled))
    with filled.site.catalog.read() as rx:
        assert copies.standing(rx, REPLICA)[0] == copies.standing(rx, MAIN)[0]


# --- files that lie outside the main store --------------------------------------------------


@pytest.fixture
def snapshot(filled: Workspace) -> Workspace:
    table = filled.table("flights", partition="day")
    for day in ("2013-01-01", "2013-01-02"):
        table.write(pd.DataFrame({"day": [day] * 3, "delay": [1, 2, 3]}), day)
    filled.vault.snapshot("train/flights", "flights")
    filled.vault.replicate()
    return filled


def lake_files(ws: Workspace) -> list[Path]:
    return sorted((ws.path / "data").rglob("*.parquet"))


def test_the_files_of_a_snapshot_are_objects_in_the_replica(snapshot: Workspace, replica: Path) -> None:
    for path in lake_files(snapshot):
        assert (replica / stories.key_of(path.read_bytes())).read_bytes() == path.read_bytes()
    assert snapshot.vault.scrub().counts == {}


@pytest.mark.parametrize("kind", ["flip", "cut", "remove"])
def test_a_lost_file_of_a_snapshot_is_read_from_the_replica_and_taken_in(
    snapshot: Workspace, replica: Path, kind: str, tmp_path: Path
) -> None:
    whole = {p.name: p.read_bytes() for p in lake_files(snapshot)}
    harmed = lake_files(snapshot)[0]
    harm.KINDS[kind](harmed)
    with pytest.warns(interlock.HealthWarning):
        assert {p.name: p.read_bytes() for p in snapshot.vault.get("train/flights", tmp_path / "a")} == whole
    with pytest.warns(interlock.HealthWarning):
        rows = snapshot.vault.read("train/flights")
    assert rows.aggregate("count(*), sum(delay)").fetchall() == [(6, 12)]
    found = snapshot.vault.scrub()
    assert [(f.store, f.versions) for f in found.findings] == [("lake", ("train/flights@v1",))]
    assert found.findings[0].key.endswith(harmed.name) and not found.ok
    assert snapshot.vault.scrub(repair=True).ok
    key = stories.key_of(whole[harmed.name])
    assert (main(snapshot) / key).read_bytes() == whole[harmed.name]
    with snapshot.site.catalog.read() as rx:
        record = versions.one(rx, "train/flights", 1)
        assert record is not None and key in versions.keys(rx, record.id)
    shutil.rmtree(replica)
    assert {p.name: p.read_bytes() for p in snapshot.vault.get("train/flights", tmp_path / "b")} == whole
    rows = snapshot.vault.read("train/flights")
    assert rows.aggregate("count(*), sum(delay)").fetchall() == [(6, 12)]
    assert snapshot.vault.scrub(store=MAIN).ok


def test_an_adopted_file_that_was_changed_where_it_is_is_taken_in_and_not_written_to(
    filled: Workspace, replica: Path, elsewhere: Path, tmp_path: Path
) -> None:
    (elsewhere / "lite").mkdir()
    original = elsewhere / "lite" / "model.bin"
    original.write_bytes(b"as it was")
    made = filled.vault.adopt(elsewhere, "adopted")
    assert made.by("bare") == ["adopted/lite@v1"]
    assert filled.vault.replicate().ok
    assert (replica / stories.key_of(b"as it was")).read_bytes() == b"as it was"
    original.write_bytes(b"other now")
    found = filled.vault.scrub()
    assert [(f.store, f.key, f.what, f.versions) for f in found.findings] == [
        ("adopted", str(original), What.CORRUPT, ("adopted/lite@v1",))
    ]
    problem = f"{original}: adopted/lite@v1: is not what was put; the replica has it"
    assert [str(p) for p in verify(filled.path, data=True).problems] == [problem]
    assert filled.vault.scrub(repair=True).ok
    assert original.read_bytes() == b"other now"
    shutil.rmtree(replica)
    [path] = filled.vault.get("adopted/lite", tmp_path / "out")
    assert path.read_bytes() == b"as it was"
    assert verify(filled.path, data=True).ok
    assert filled.vault.scrub(store=MAIN).ok


def test_a_lost_file_that_no_store_has_is_said_each_time(filled: Workspace, replica: Path) -> None:
    filled.vault.replicate()
    table = filled.table("t")
    table.write(pd.DataFrame({"x": [1]}))
    filled.vault.snapshot("train/t", "t")
    shutil.rmtree(replica / "objects")
    harm.remove(lake_files(filled)[0])
    for _ in range(2):
        report = filled.vault.scrub(repair=True, store=MAIN)
        assert report.left == 1 and report.findings[0].why is not None


# --- where it is --------------------------------------------------------------------------


def test_it_may_not_lie_where_the_main_store_does(ws: Workspace, tmp_path: Path) -> None:
    ws.vault.put_file("a", b"a")
    (tmp_path / "link").symlink_to(main(ws))
    for place in (main(ws), main(ws) / "inside", ws.path, tmp_path / "link"):
        with pytest.raises(UsageError, match="where the main store is"):
            ws.vault.set_replica(str(place))
    assert ws.vault.stores.replica is None


def test_it_may_not_hold_another_vault(ws: Workspace, tmp_path: Path) -> None:
    with interlock.open(tmp_path / "other") as other:
        other.vault.put_file("a", b"a")
    with pytest.raises(UsageError, match="another vault"):
        ws.vault.set_replica(str(tmp_path / "other" / "vault"))


def test_to_change_it_or_give_it_up_takes_a_second_person(
    filled: Workspace, replica: Path, tmp_path: Path
) -> None:
    filled.vault.replicate()
    filled.vault.set_replica(str(replica))
    before = str(replica)
    for place in (str(tmp_path / "another"), None):
        with pytest.raises(DeleteRefused) as refused:
            filled.vault.set_replica(place)
        with interlock.open(filled.path) as again:
            assert again.vault.stores.replica is not None
            assert again.vault.stores.replica.where == before
        kim = replace(filled.vault.gate, who="kim")
        approval.approve(kim, str(refused.value.request))
        with interlock.open(filled.path) as again:
            assert (again.vault.stores.replica is None) == (place is None)
            if place is not None:
                before = place
                assert again.vault.replicate().versions == 5
                assert harm.contents(tmp_path / "another") == harm.contents(main(filled))


def test_without_one_nothing_can_be_replicated(ws: Workspace) -> None:
    with pytest.raises(VaultError, match="no replica"):
        ws.vault.replicate()
