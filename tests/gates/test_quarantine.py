"""Quarantine: list, show, release with a reason, drop; each on record."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import interlock
from interlock import settings
from interlock.catalog import partitions
from interlock.errors import PartitionNotFound, UsageError
from interlock.workspace import Table, Workspace
from tests import places
from tests.gates.conftest import a_day, label, rows


@pytest.fixture(params=places.KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return places.of(request.param, tmp_path / "workspace", request)


COUNTS = "SELECT day::VARCHAR, count(*) FROM flights GROUP BY day ORDER BY day"


@pytest.fixture
def held(ws: Workspace, flights: Table) -> Table:
    """Days 0 and 1 published, a worse version of day 1 and day 2 in quarantine."""
    flights.write(a_day(0))
    flights.write(a_day(1))
    flights.write(a_day(1, rows=9, delay=[-1.0] * 9))
    flights.write(a_day(2, rows=11, delay=[-2.0] * 11))
    return flights


def last_entry(ws: Workspace) -> dict[str, object]:
    return ws.ledger_entries(1)[0]


def test_what_is_held_is_listed_with_why(ws: Workspace, held: Table) -> None:
    listed = [(h.table, h.label, h.rows, h.why) for h in ws.quarantined()]
    assert listed == [("flights", label(1), 9, "delay_ge_0"), ("flights", label(2), 11, "delay_ge_0")]
    assert ws.quarantined("flights") == ws.quarantined()
    shown = held.quarantined_verdict(label(2))
    assert (shown["partition"], shown["decision"], shown["violations"][0]["rows"]) == (
        label(2),
        "quarantined",
        11,
    )


def test_a_released_partition_is_published_with_its_reason(ws: Workspace, held: Table) -> None:
    told = held.release(label(2), "delays were early arrivals")
    assert (told["action"], told["partition"], told["reason"]) == (
        "release",
        label(2),
        "delays were early arrivals",
    )
    assert rows(ws, COUNTS) == [(label(0), 30), (label(1), 30), (label(2), 11)]
    assert [h.label for h in ws.quarantined()] == [label(1)]
    kinds = {e["kind"]: e for e in ws.ledger_entries(3)}
    assert kinds["release"]["reason"] == "delays were early arrivals"
    assert held.profile(label(2)).rows == 11
    assert label(2) in held.history().labels
    assert all(f.ok for f in ws.doctor())


def test_a_released_version_replaces_the_published_one(ws: Workspace, held: Table) -> None:
    held.release(label(1), "checked")
    assert rows(ws, COUNTS) == [(label(0), 30), (label(1), 9)]
    with ws.site.catalog.read() as rx:
        states = [(v.state, v.rows) for v in partitions.versions(rx, "flights", label(1))]
    assert sorted(states) == [("published", 9), ("released", 9), ("replaced", 30)]


def test_a_first_partition_may_be_released(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0, delay=[-1.0] * 30))
    flights.release(label(0), "checked")
    assert rows(ws, COUNTS) == [(label(0), 30)]
    assert flights.write(a_day(1)).decision == "published"


def test_a_release_needs_a_reason_and_something_held(ws: Workspace, held: Table) -> None:
    with pytest.raises(UsageError, match="reason"):
        held.release(label(2), "  ")
    with pytest.raises(PartitionNotFound, match="did you mean '2013-01-0"):
        held.release("2013-01-20", "checked")
    held.release(label(2), "checked")
    with pytest.raises(PartitionNotFound):
        held.release(label(2), "checked")
    assert rows(ws, COUNTS)[-1] == (label(2), 11)


def test_a_dropped_partition_is_gone_for_readers_and_on_record(ws: Workspace, held: Table) -> None:
    held.drop(label(2), "sent twice")
    assert [h.label for h in ws.quarantined()] == [label(1)]
    with pytest.raises(PartitionNotFound):
        held.release(label(2), "after all")
    assert {e["kind"]: e.get("reason") for e in ws.ledger_entries(3)}["drop"] == "sent twice"
    assert ws.verify_ledger().ok


def test_a_dropped_file_stays_for_the_grace_period_from_then_on(ws: Workspace, held: Table) -> None:
    with ws.site.catalog.read() as rx:
        (path,) = [ws.path / (p.path or "") for p in partitions.quarantined(rx) if p.label == label(2)]
    os.utime(path, (0, 0))
    held.drop(label(2), "sent twice")
    assert all(f.ok for f in ws.doctor())
    assert path.is_file(), "it was written long ago, but dropped just now"
    os.utime(path, (time.time() - 2 * settings.current().orphan_grace_s,) * 2)
    assert all(f.ok for f in ws.doctor())
    assert not path.exists()


def test_samples_show_keys_only_and_mask_what_is_sensitive(ws: Workspace, held: Table) -> None:
    (violation,) = held.quarantined_verdict(label(2))["violations"][:1]
    assert violation["sample"][:2] == [{"id": 0}, {"id": 1}]
    assert interlock.Severity(violation["severity"]) == "page"
