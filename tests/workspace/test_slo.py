"""A table's standing comes from what its gate decided."""

from __future__ import annotations

from pathlib import Path

import pytest

import interlock
from interlock.errors import ContractError
from interlock.names import Outcome
from interlock.workspace import Table, Workspace
from tests import places
from tests.gates.conftest import a_day, label, ws

__all__ = ["ws"]


@pytest.fixture(params=places.KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return places.of(request.param, tmp_path / "workspace", request)


@pytest.fixture
def flights(ws: Workspace) -> Table:
    return ws.table("flights", partition="day", key=["id"]).require("delay >= 0").objective(0.8, "10d")


def test_what_is_in_quarantine_is_unhealthy_until_it_is_released_or_replaced(flights: Table) -> None:
    for n in range(5):
        flights.write(a_day(n))
    flights.write(a_day(5, delay=-1.0))
    stands = flights.slo()
    assert stands is not None
    assert [(h.label, h.problem) for h in stands.unhealthy] == [(label(5), "in quarantine")]
    assert (stands.partitions, stands.outcome) == (6, Outcome.PASS)
    flights.release(label(5), "the clock ran backwards, it is true")
    released = flights.slo()
    assert released is not None and released.unhealthy == ()
    flights.write(a_day(5))
    replaced = flights.slo()
    assert replaced is not None and (replaced.partitions, replaced.unhealthy) == (6, ())


def test_a_ticket_makes_a_published_partition_unhealthy(ws: Workspace) -> None:
    t = ws.table("t", partition="day").objective(0.99, "10d")
    t.require("delay >= 0", severity="ticket", block=False)
    t.write(a_day(0, delay=-1.0))
    stands = t.slo()
    assert stands is not None and stands.outcome is Outcome.FAIL
    assert "delay" in (stands.unhealthy[0].problem or "")


def test_a_table_without_an_objective_has_no_standing(ws: Workspace) -> None:
    assert ws.table("t").slo() is None


def test_the_contract_speaks_first(tmp_path: Path) -> None:
    (tmp_path / "interlock.yaml").write_text(
        "version: 1\ntables:\n  t:\n    slo: {healthy: 0.95, window: 7d, fresh: 06:00, zone: Europe/Berlin}\n"
    )
    with interlock.open(tmp_path / ".interlock") as ws:
        stands = ws.table("t").objective(0.5).slo()
    assert stands is not None
    promised = stands.objective
    assert (promised.healthy, promised.window_days, str(promised.fresh), promised.zone) == (
        0.95,
        7,
        "06:00:00",
        "Europe/Berlin",
    )


def test_a_mistake_in_the_contract_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "interlock.yaml").write_text(
        "version: 1\ntables:\n  t:\n    slo: {healthy: 0.9, zone: Mars}\n"
    )
    with pytest.raises(ContractError, match=r"interlock.yaml:4:.*'Mars' is no time zone"):
        interlock.open(tmp_path / ".interlock")


def test_what_somebody_called_a_false_alarm_was_healthy(ws: Workspace) -> None:
    t = ws.table("t", partition="day").objective(0.99, "10d")
    t.require("delay >= 0", severity="ticket", block=False)
    for n in range(2):
        t.write(a_day(n, delay=-1.0))
    (alert,) = ws.alerts()
    alert.ack("looking")
    before = t.slo()
    assert before is not None and len(before.unhealthy) == 2
    alert.false_alarm("early birds are fine")
    after = t.slo()
    assert after is not None and (after.unhealthy, after.outcome) == ((), Outcome.PASS)
