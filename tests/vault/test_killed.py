"""``kill -9`` at every step: what was acknowledged is there and whole, what was not is nowhere, and all goes on."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import pytest

import interlock
from interlock.catalog import clock
from interlock.errors import DeleteRefused
from tests.processes import Nursery, every_boundary
from tests.vault import stories

pytestmark = pytest.mark.timeout(900)  # each kill opens a workspace anew

EVERY = "INTERLOCK_TEST_KILLS" in os.environ
STEP = 1 if EVERY else 11  # a prime: before and after the calls by turns


@pytest.fixture
def prepared(tmp_path: Path, model: Path) -> Path:
    """A workspace with a version of ``ranker``; the model has changed since."""
    with interlock.open(tmp_path / "prepared") as ws:
        ws.vault.put("ranker", model)
    (model / "weights.bin").write_bytes(b"new" * 1_000)
    return tmp_path / "prepared"


def assert_whole(folder: Path, told: tuple[str, ...], scratch: Path) -> list[str]:
    """Everything told can be read, and so can everything listed; the ledger is in order."""
    with interlock.open(folder) as ws:
        found = [v.ref for v in ws.vault.versions()]
        assert set(told) <= set(found), "an acknowledged version was lost"
        for ref in found:
            shutil.rmtree(scratch, ignore_errors=True)
            ws.vault.get(ref, scratch)
        assert ws.verify_ledger().ok
    return found


def test_a_put_is_there_or_not(nursery: Nursery, prepared: Path, model: Path, tmp_path: Path) -> None:
    seen = set()
    for folder, ending in every_boundary(
        nursery, prepared, tmp_path, stories.put, step=STEP, more_than=30, model=model
    ):
        found = assert_whole(folder, ending.told, tmp_path / "out")
        seen.add((len(found), len(ending.told)))
        with interlock.open(folder) as ws:  # and the same may be put again, whatever was left
            ws.vault.put("ranker", model)
            ws.vault.put_file("runs/log", b"x" * 10)
    assert {(1, 0), (2, 1), (3, 2)} <= seen or not EVERY
    assert len(seen) >= 4


@pytest.fixture
def filled(prepared: Path) -> Path:
    """With a file by its path too."""
    with interlock.open(prepared) as ws:
        ws.vault.put_file("runs/log", b"x" * 10)
    return prepared


def test_a_deletion_or_a_restore_happened_or_not(nursery: Nursery, filled: Path, tmp_path: Path) -> None:
    told_states = {
        (): {("ranker@v1", "runs/log@v1"), ("runs/log@v1",)},
        ("deleted ranker",): {("runs/log@v1",), ()},
        ("deleted ranker", "deleted runs"): {(), ("ranker@v1",)},
        ("deleted ranker", "deleted runs", "restored ranker"): {("ranker@v1",)},
    }
    for folder, ending in every_boundary(
        nursery, filled, tmp_path, stories.delete_and_restore, step=STEP, more_than=10
    ):
        live = tuple(assert_whole(folder, (), tmp_path / "out"))
        assert live in told_states[ending.told]
        with interlock.open(folder) as ws:
            assert [v.ref for v in ws.vault.versions(deleted=True)] == ["ranker@v1", "runs/log@v1"]
            for ref in ("ranker@v1", "runs/log@v1"):
                ws.vault.get(ref, tmp_path / "out", deleted=True)
            if len(live) < 2:
                ws.vault.restore("/")
            assert len(ws.vault.versions()) == 2


def test_a_purge_happened_or_not_and_only_its_bytes_go(
    nursery: Nursery, filled: Path, tmp_path: Path
) -> None:
    with interlock.open(filled) as ws:
        ws.vault.put("keeper", {"shared": bytes(range(256)) * 5_000, "own": b"own"})
        ws.vault.delete("ranker")
        with clock.at(stories.LATER), pytest.raises(DeleteRefused) as waits:
            ws.vault.purge("ranker")
        assert waits.value.request == "D2"
    for folder, ending in every_boundary(
        nursery, filled, tmp_path, stories.purge_and_collect, step=STEP, more_than=20
    ):
        assert_whole(folder, ("keeper@v1", "runs/log@v1"), tmp_path / "out")
        with interlock.open(folder) as ws:
            listed = [v.ref for v in ws.vault.versions("ranker", deleted=True)]
            assert not (ending.told and listed), "an acknowledged purge came back"
            if listed:
                ws.vault.get("ranker@v1", tmp_path / "out", deleted=True)
            else:
                for days in (0, 2):  # whatever was left, the next runs clean up
                    with clock.at(stories.LATER + dt.timedelta(days=days)):
                        ws.vault.collect()
                left = {p.name for p in (folder / "vault" / "objects").rglob("*") if p.is_file()}
                assert left == {
                    f.sha256 for ref in ("keeper", "runs/log") for f in ws.vault.manifest(ref).files
                }
            ws.vault.get("keeper", tmp_path / "out")
            assert ws.verify_ledger().ok
