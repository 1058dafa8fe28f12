"""``kill -9`` at every step: what was acknowledged is there and whole, what was not is nowhere, and all goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import interlock
from tests.processes import Nursery, every_boundary
from tests.vault import stories

EVERY = "INTERLOCK_TEST_KILLS" in os.environ
STEP = 1 if EVERY else 7  # a prime: before and after the calls by turns


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
