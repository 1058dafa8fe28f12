"""What a start puts right, and what `doctor` finds and clears away."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock import settings
from interlock.gates import decided
from interlock.workspace import Table, Workspace
from tests.gates.conftest import a_day, label, rows


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with interlock.open(tmp_path / "workspace") as made:
        yield made


@pytest.fixture
def flights(ws: Workspace) -> Table:
    t = ws.table("flights", partition="day", key=["id"])
    t.write(a_day(0))
    t.write(a_day(1))
    return t


def findings(ws: Workspace) -> list[tuple[str, str]]:
    return [(f.what, f.detail) for f in ws.doctor() if not f.ok]


def test_a_healthy_workspace_has_nothing_to_tell(ws: Workspace, flights: Table) -> None:
    assert findings(ws) == []
    with interlock.open(ws.path) as again:
        assert again.recovered == ()


def test_entries_not_yet_in_the_ledger_are_caught_up(
    ws: Workspace, flights: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(decided, "project", lambda site: None)
        flights.write(a_day(2))
    with interlock.open(ws.path) as again:
        assert again.recovered == ("1 ledger entries were committed but not yet in the ledger's files",)
        assert again.ledger_entries(1)[0]["partition"] == label(2)
        assert again.verify_ledger().ok


def test_a_ledger_that_cannot_be_extended_does_not_undo_a_write(ws: Workspace, flights: Table) -> None:
    (ws.path / "ledger" / "checkpoint").rename(ws.path / "elsewhere")
    with pytest.warns(interlock.errors.LedgerWarning, match="committed, but"):
        assert flights.write(a_day(2)).decision == "published"
    with interlock.open(ws.path) as again:
        assert "ledger is not in order" in again.recovered[0]
        assert rows(again, "SELECT count(*) FROM flights") == [(90,)]
        assert {what for what, _ in findings(again)} == {"ledger"}
    (ws.path / "elsewhere").rename(ws.path / "ledger" / "checkpoint")
    with interlock.open(ws.path) as again:
        assert findings(again) == []


def test_a_missing_or_changed_file_is_named(ws: Workspace, flights: Table) -> None:
    first, second = [ws.path / (p.path or "") for p in flights.partitions()]
    first.unlink()
    second.write_bytes(second.read_bytes() + b"x")
    assert [what for what, _ in findings(ws)] == ["files", "files"]
    told = "\n".join(detail for _, detail in findings(ws))
    assert f"flights@{label(0)}" in told
    assert "missing" in told
    assert f"flights@{label(1)}" in told
    assert "changed" in told


def test_files_nobody_refers_to_go_after_the_grace_period(ws: Workspace, flights: Table) -> None:
    published = ws.path / (flights.partitions()[0].path or "")
    young, old = published.with_name("young.parquet"), published.with_name("old.parquet")
    for file in (young, old):
        shutil.copy(published, file)
    long_ago = time.time() - 2 * settings.current().orphan_grace_s
    for file in (published, old):
        os.utime(file, (long_ago, long_ago))
    flights.write(a_day(0, rows=3))
    assert findings(ws) == []
    assert young.exists()
    assert not old.exists()
    assert published.exists(), "an earlier snapshot still lists it"


def test_a_moved_workspace_is_the_same_workspace(ws: Workspace, flights: Table, tmp_path: Path) -> None:
    ws.close()
    shutil.move(ws.path, tmp_path / "moved")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with interlock.open(tmp_path / "moved") as moved:
            assert moved.recovered == ()
            assert rows(moved, "SELECT count(*) FROM flights") == [(60,)]
            assert moved.table("flights").write(a_day(2)).decision == "published"
            assert findings(moved) == []
