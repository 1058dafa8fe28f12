"""The blizzard of 8 and 9 February 2013, in the real flights: one event of two days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock import detect
from interlock.gates.verdict import Verdict
from interlock.incidents import flights, flights_year
from interlock.names import Severity
from interlock.workspace import Table, Workspace

BEFORE = dt.date(2013, 2, 7)
STORM = tuple(day.isoformat() for day in flights_year.BLIZZARD)
QUIET = ("2013-02-10", "2013-02-11", "2013-02-12", "2013-02-13", "2013-02-14")


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with interlock.open(Path(tmp_path_factory.mktemp("blizzard")) / "workspace") as opened:
        yield opened


@pytest.fixture(scope="module")
def table(ws: Workspace) -> Table:
    return ws.table("flights", partition="day", key=list(flights.KEY))


@pytest.fixture(scope="module")
def verdicts(table: Table) -> dict[str, Verdict]:
    """What was said of the storm's days and those after, each written by itself."""
    with flights_year.by_day() as days:
        table.backfill(days.between(dt.date(2013, 1, 1), BEFORE))
        return {day: table.write(days.clean(dt.date.fromisoformat(day)), day) for day in (*STORM, *QUIET)}


def test_it_is_one_alert_over_both_days(ws: Workspace, verdicts: dict[str, Verdict]) -> None:
    loud = [[a.id for a in verdicts[d].alerts if a.severity is not Severity.INFO] for d in STORM]
    assert loud[0] == loud[1]
    assert len(set(loud[0])) == 1
    alert = ws.alert(loud[0][0])
    assert (alert.first, alert.last, alert.seen) == (*STORM, 2)
    assert alert.title != alert.record.opened_as, "what is said of it is of the last day; what was said stays"


def test_it_is_published(table: Table, verdicts: dict[str, Verdict]) -> None:
    assert [verdicts[d].decision for d in STORM] == ["published", "published"]
    assert set(STORM) <= {p.label for p in table.partitions()}


def test_the_days_after_are_quiet_and_end_it(ws: Workspace, verdicts: dict[str, Verdict]) -> None:
    assert [verdicts[d].alerts for d in QUIET] == [()] * len(QUIET)
    (alert,) = [a for a in ws.alerts(limit=None) if a.first == STORM[0]]
    assert (alert.state, alert.record.closed_label) == ("recovered", QUIET[0])


def test_what_was_loud_stays_out_of_what_is_normal_until_it_is_accepted(
    table: Table, verdicts: dict[str, Verdict]
) -> None:
    """The hour of the first flights of 9 February does not move what is expected of them."""
    history, profile = table.history(), verdicts[QUIET[0]].profile

    def usual(past: detect.History) -> float:
        pair = detect.learn(past).expected(profile, QUIET[0]).pair("dep_time", "q05")
        assert pair is not None
        return pair[1]

    assert set(STORM) <= set(history.labels)
    until = history
    for label in QUIET:
        until = until.without(label)
    without = until
    for label in STORM:
        without = without.without(label)
    assert usual(until) == pytest.approx(usual(without), rel=0.01)
    assert usual(until.accepted(STORM[1])) > 2 * usual(without) * 0.9, (
        "unless a person says it is the new normal"
    )
