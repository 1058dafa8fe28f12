"""What a start puts right, and what `doctor` finds and clears away."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pytest

import interlock
from interlock import settings
from interlock.catalog import PartitionRecord, State, partitions
from interlock.errors import StorageFailed
from interlock.gates import projection
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


def findings(ws: Workspace, *, data: bool = False) -> list[tuple[str, str]]:
    return [(f.what, f.detail) for f in ws.doctor(data=data) if not f.ok]


def flipped(path: Path) -> None:
    """Another bit in the middle of a file; as many bytes as before."""
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(held)


def digest(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_healthy_workspace_has_nothing_to_tell(ws: Workspace, flights: Table) -> None:
    assert findings(ws) == []
    with interlock.open(ws.path) as again:
        assert again.recovered == ()


def test_entries_not_yet_in_the_ledger_are_caught_up(
    ws: Workspace, flights: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(projection, "project", lambda site: None)
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


def test_a_file_is_on_record_with_the_digest_of_its_bytes(ws: Workspace, flights: Table) -> None:
    flights.require("delay >= 0")
    flights.backfill(pd.concat([a_day(1, rows=9), a_day(2), a_day(3, delay=-1.0)]))
    with ws.site.catalog.read() as rx:
        records = partitions.all_(rx)
    assert [r.state for r in records].count(State.QUARANTINED) == 1
    assert [r.digest for r in records] == [digest(ws.path / (r.path or "")) for r in records]
    flights.release(label(3), "known")
    last = flights.partitions()[-1]
    assert last.digest == digest(ws.path / (last.path or ""))
    assert findings(ws, data=True) == []


def test_a_changed_byte_of_a_published_and_of_a_quarantined_file_is_found(
    ws: Workspace, flights: Table
) -> None:
    flights.require("delay >= 0").write(a_day(2, delay=-1.0))
    (held,) = (ws.path / "quarantine").rglob("*.parquet")
    published = ws.path / (flights.partitions()[0].path or "")
    flipped(held)
    flipped(published)
    assert findings(ws) == []
    told = findings(ws, data=True)
    assert [what for what, _ in told] == ["files", "files"]
    assert [detail.split(" ")[:2] for _, detail in told] == [
        [f"flights@{label(0)}:", str(published)],
        [f"flights@{label(2)}:", str(held)],
    ]


def test_files_are_read_for_the_asking_and_one_after_the_other(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0, rows=5))  # the version before is no longer current
    flipped(ws.path / min(p.path for p in _versions(ws) if p.state is State.REPLACED and p.path))
    seen: list[tuple[int, int]] = []
    told = ws.doctor(data=True, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    assert "2 current and quarantined files hold what was judged" in [f.detail for f in told]
    assert not any("hold what was judged" in f.detail for f in ws.doctor())


def test_a_file_that_is_gone_or_of_another_size_is_named_once(ws: Workspace, flights: Table) -> None:
    first, second = [ws.path / (p.path or "") for p in flights.partitions()]
    first.unlink()
    second.write_bytes(second.read_bytes() + b"x")
    assert findings(ws, data=True) == findings(ws)
    assert len(findings(ws)) == 2


def test_a_file_that_cannot_be_read_is_named(
    ws: Workspace, flights: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(stream: BinaryIO) -> str:
        raise StorageFailed(f"{stream.name}: Input/output error")

    monkeypatch.setattr("interlock.gates.fingerprint.of_bytes", broken)
    told = findings(ws, data=True)
    assert len(told) == 2
    assert all("cannot be read" in detail and "Input/output error" in detail for _, detail in told)


def test_what_was_written_before_digests_were_taken_is_fine(
    ws: Workspace, flights: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("interlock.gates.fingerprint.of_content", lambda path: None)
        flights.write(a_day(2))
    flipped(ws.path / (flights.partitions()[-1].path or ""))
    assert flights.partitions()[-1].digest is None
    told = [f.detail for f in ws.doctor(data=True) if f.what == "files"]
    assert told[1:] == [
        "2 current and quarantined files hold what was judged",
        "1 more have no digest on record, written before there were any",
    ]
    assert findings(ws, data=True) == []


def _versions(ws: Workspace) -> list[PartitionRecord]:
    with ws.site.catalog.read() as rx:
        return partitions.all_(rx)


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
