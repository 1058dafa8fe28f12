"""How a table stands to what it promises: the error budget, what is late, what is overdue."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.alerts.slo import Health, Standing, standing
from interlock.constraints.objectives import objective
from interlock.constraints.table_contract import Slo
from interlock.errors import ContractError
from interlock.names import Outcome

FIRST = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


def days(count: int, *bad: int, after: dt.timedelta = DAY + 5 * HOUR) -> list[Health]:
    """Daily partitions, each there so long after its day began."""
    return [
        Health(
            f"{FIRST + n * DAY:%Y-%m-%d}", FIRST + n * DAY + after, "age is negative" if n in bad else None
        )
        for n in range(count)
    ]


def stands(partitions: list[Health], promised: Slo | None = None, now: dt.datetime | None = None) -> Standing:
    newest = max((h.at for h in partitions if h.at), default=FIRST)
    return standing("t", promised or objective(), partitions, now or newest + DAY)


def test_the_budget_is_the_share_that_may_be_unhealthy() -> None:
    found = stands(days(100, 95), objective(0.95, "40d"))
    assert (found.partitions, len(found.unhealthy)) == (40, 1)
    assert found.budget == pytest.approx(2.0)
    assert found.left == pytest.approx(0.5)
    assert found.outcome is Outcome.PASS


def test_more_unhealthy_partitions_than_the_budget_holds_miss_the_objective() -> None:
    found = stands(days(40, 10, 20, 30), objective(0.95, "40d"))
    assert found.left == pytest.approx(-0.5)
    assert found.outcome is Outcome.FAIL


def test_what_lies_before_the_window_does_not_count() -> None:
    assert stands(days(60, *range(20)), objective(0.99, "30d")).outcome is Outcome.PASS


def test_no_partition_is_no_evidence() -> None:
    found = stands([])
    assert (found.outcome, found.left) == (Outcome.INCONCLUSIVE, 1.0)


def test_a_partition_that_comes_after_its_time_is_late() -> None:
    promised = objective(0.9, fresh="06:00")
    assert stands(days(10), promised).late == ()
    late = stands(days(10, after=DAY + 7 * HOUR), promised)
    assert len(late.late) == 10 and late.outcome is Outcome.FAIL


def test_the_time_of_day_is_that_of_its_zone() -> None:
    promised = objective(fresh="06:00", zone="Europe/Berlin")
    assert stands(days(3, after=DAY + 5 * HOUR), promised).late == ()  # 05:00 UTC is 06:00 in January
    assert len(stands(days(3, after=DAY + 5.5 * HOUR), promised).late) == 3


def test_history_filled_in_years_later_is_not_late() -> None:
    assert stands(days(10, after=900 * DAY), objective(fresh="06:00")).late == ()


def test_data_that_stopped_coming_is_overdue_at_its_time() -> None:
    promised = objective(fresh="06:00")
    due = FIRST + 11 * DAY + 6 * HOUR  # of the eleventh day, on the twelfth
    assert not stands(days(10), promised, due).overdue
    found = stands(days(10), promised, due + dt.timedelta(minutes=1))
    assert found.overdue and found.outcome is Outcome.FAIL and found.due == due


def hours(count: int, *bad: int) -> list[Health]:
    return [
        Health(f"{FIRST + n * HOUR:%Y-%m-%dT%H:%M:%S}", FIRST, "x" if n in bad else None)
        for n in range(count)
    ]


def test_a_budget_that_goes_too_fast_burns_where_partitions_are_hourly() -> None:
    assert stands(hours(200)).burning is None
    assert stands(hours(200, 199)).burning is None  # one bad partition alone is no trend
    said = stands(hours(200, 197, 199)).burning
    assert said is not None and said.startswith("2 of the last 12 partitions")
    assert stands(hours(200, 50, 52)).burning is None  # long ago


def test_daily_partitions_do_not_burn() -> None:
    assert stands(days(30, 27, 28, 29)).burning is None


@given(st.sets(st.integers(0, 59)), st.integers(1, 60), st.floats(0.01, 0.99))
def test_healthy_and_unhealthy_make_up_the_window(bad: set[int], window: int, healthy: float) -> None:
    found = stands(days(60, *bad), objective(healthy, f"{window}d"))
    assert found.partitions == window
    assert len(found.unhealthy) == len([n for n in bad if n >= 60 - window])
    assert (found.left < 0) == (len(found.unhealthy) > found.budget) == (found.outcome is Outcome.FAIL)


@pytest.mark.parametrize(
    "said",
    [
        {"healthy": 99},
        {"healthy": 1.0},
        {"window": "a month"},
        {"window": "9999d"},
        {"fresh": "6 am"},
        {"fresh": "24:00"},
        {"zone": "Mars/Olympus"},
        {"zone": "../../etc/passwd"},
    ],
)
def test_what_is_no_objective_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        objective(**said)  # type: ignore[arg-type]
