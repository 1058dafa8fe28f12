"""The year past three watchers, as `interlock incident alert-fatigue` tells it."""

from __future__ import annotations

import datetime as dt
import io
import json

import numpy as np
import pytest
from rich.console import Console

from interlock import detect
from interlock.detect.features import TABLE, Key
from interlock.incidents import INCIDENTS, alert_fatigue, flights, flights_year
from interlock.incidents.alert_fatigue import AlertFatigue
from interlock.incidents.limits_a_column import WINDOW, LimitsAColumn, right


@pytest.fixture(scope="module")
def story() -> AlertFatigue:
    told: AlertFatigue = INCIDENTS["alert-fatigue"].run()
    return told


def test_every_watcher_sees_the_same_days_and_faults(story: AlertFatigue) -> None:
    assert story.days == 334
    assert story.faults == len(flights_year.FAULTS)
    assert story.unusual_days == sum(day >= alert_fatigue.COUNTED_FROM for day in flights.NOT_CLEAN)
    for watched in story.watched:
        assert [m.month for m in watched.months] == [f"2013-{m:02}" for m in range(2, 13)]
        assert watched.total().faults == len(flights_year.FAULTS)


def test_interlock_catches_every_fault_with_fewer_messages_and_more_of_them_real(story: AlertFatigue) -> None:
    at_3, at_5, ours = story.watched
    assert ours.total().caught == len(flights_year.FAULTS) and not ours.missed
    assert ours.total().sent < at_5.total().sent / 3 < at_3.total().sent / 3
    assert ours.precision is not None and at_3.precision is not None and at_5.precision is not None
    assert ours.precision > max(at_3.precision, at_5.precision) + 0.1


def test_no_count_is_larger_than_what_it_is_of(story: AlertFatigue) -> None:
    for month in (m for w in story.watched for m in w.months):
        assert max(month.pages, month.real, month.folded) <= month.sent
        assert month.caught <= month.faults
    for watched in story.watched:
        assert len(watched.missed) == watched.total().faults - watched.total().caught


def test_it_is_json_and_prints_in_under_fifty_lines(story: AlertFatigue) -> None:
    assert json.loads(json.dumps(story.to_dict()))["watched"][2]["year"]["caught"] == 7
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(story)
    text = console.export_text()
    assert "7 of 7" in text and "September" in text
    assert len(text.splitlines()) < 50


# --- the limits -----------------------------------------------------------------------

MEAN, NULLS, ROWS = Key("x", "mean"), Key("x", "nulls"), Key(TABLE, "rows")


def one(mean: float, nulls: float = 0.0, rows: float = 100.0) -> detect.Features:
    values = np.array([mean, nulls, rows])
    return detect.Features(int(rows), (MEAN, NULLS, ROWS), values, np.zeros(3), {})


@pytest.fixture
def limits() -> LimitsAColumn:
    made = LimitsAColumn(3.0)
    for i in range(WINDOW):
        assert made.broken(one(1e9)) == {}, "it says nothing before its window is full"
        made.learn(one(float(i % 2), rows=100.0 + i % 2))
    return made


def test_z_is_over_the_window_with_the_sample_deviation(limits: LimitsAColumn) -> None:
    deviation = np.std([i % 2 for i in range(WINDOW)], ddof=1)
    assert limits.broken(one(0.5 + 3.01 * deviation)) == {"x": pytest.approx(3.01)}
    assert limits.broken(one(0.5 + 2.99 * deviation)) == {}


def test_a_statistic_that_never_moved_raises_nothing(limits: LimitsAColumn) -> None:
    assert limits.broken(one(0.5, nulls=1.0)) == {}


def test_a_column_is_told_of_once_until_it_was_quiet_and_again_as_a_page(limits: LimitsAColumn) -> None:
    assert limits.send({"x": 4.0}) == [False]
    assert limits.send({"x": 4.0, "y": 4.0}) == [False]
    assert limits.send({"x": 7.5}) == [True]
    assert limits.send({"x": 9.0}) == []
    assert limits.send({}) == []
    assert limits.send({"x": 9.0}) == [True]


def test_a_fault_of_the_rows_is_caught_by_their_number_only() -> None:
    assert right({TABLE: 9.0}, ())
    assert not right({"x": 9.0}, ())
    assert right({"x": 9.0}, ("y", "x"))
    assert not right({TABLE: 9.0}, ("x",))


def test_january_is_not_counted() -> None:
    assert alert_fatigue.COUNTED_FROM - dt.timedelta(days=WINDOW) >= dt.date(2013, 1, 1)
