"""Judging partitions by what history taught."""

from __future__ import annotations

import dataclasses
import time

import duckdb
import pytest

from interlock import constraints, detect
from interlock.constraints.constraint import Level, Violation
from interlock.detect.invariants import SETTLES
from interlock.incidents import flights
from interlock.names import Severity
from interlock.profiles.profile import Profile

DATES = ("2013-03-12", "2013-06-19", "2013-10-16")


def _broken(profiles_of, day: str, rows: str) -> Profile:
    query = f"WITH day AS (SELECT * FROM '{flights.path()}' WHERE day = DATE '{day}') {rows}"
    return profiles_of(query, "day", key=flights.KEY)[day]


def _loud(violations: list[Violation]) -> list[Violation]:
    return [v for v in violations if v.severity is not Severity.INFO]


def test_below_seven_partitions_nothing_is_learned(flights_by_day: dict[str, Profile], histories) -> None:
    days = list(flights_by_day)
    for count in (0, 1, 6):
        learned = detect.learn(histories[days[count]])
        assert learned.constraints == ()
        assert learned.judge(flights_by_day["2013-02-09"], "2013-02-09") == []
    assert detect.learn(histories[days[7]]).constraints


@pytest.mark.parametrize("day", DATES)
@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ("SELECT * REPLACE ((distance * 1.609344)::INTEGER AS distance) FROM day", {"distance"}),
        ("SELECT * REPLACE (air_time::INTEGER * 60 AS air_time) FROM day", {"air_time"}),
        ("SELECT * REPLACE (CASE WHEN flight % 10 > 0 THEN dep_time END AS dep_time) FROM day", {"dep_time"}),
        ("SELECT * REPLACE (CASE WHEN flight % 20 > 0 THEN carrier END AS carrier) FROM day", {"carrier"}),
        (
            "SELECT * REPLACE (CASE WHEN flight % 2 = 0 THEN -distance ELSE distance END AS distance) FROM day",
            {"distance"},
        ),
        ("SELECT * REPLACE (-dep_delay AS dep_delay) FROM day", {"dep_delay"}),
        ("FROM day UNION ALL FROM day", set()),
        ("SELECT * REPLACE (dest AS origin, origin AS dest) FROM day", {"origin", "dest"}),
        ("SELECT * REPLACE (minute AS hour, hour AS minute) FROM day", {"hour", "minute"}),
        ("FROM day WHERE carrier <> 'B6'", {"carrier"}),
        ("SELECT * REPLACE (lower(origin) AS origin) FROM day", {"origin"}),
        ("SELECT * REPLACE (time_hour - INTERVAL 1 DAY AS time_hour) FROM day", {"time_hour"}),
    ],
)
def test_a_planted_fault_alarms_and_names_its_column(
    profiles_of, histories, day: str, rows: str, columns: set[str]
) -> None:
    found = _loud(detect.learn(histories[day]).judge(_broken(profiles_of, day, rows), day))
    assert found
    assert not columns or any(v.column in columns for v in found[:2]), [v.constraint for v in found]


def test_clean_days_are_quiet_from_day_sixty(flights_by_day: dict[str, Profile], histories) -> None:
    days = [d for d in list(flights_by_day)[60:] if d not in {n.isoformat() for n in flights.NOT_CLEAN}]
    loud = [d for d in days if _loud(detect.learn(histories[d]).judge(flights_by_day[d], d))]
    assert len(loud) / len(days) < 0.03, loud


def test_invariants_learned_hold_in_every_row_they_were_learned_from(flights_by_day, histories) -> None:
    day = "2013-06-19"
    learned = detect.learn(histories[day])
    schema = flights_by_day[day].schema
    rows = [c for c in learned.constraints if c.level is Level.ROW]
    assert len(rows) > 20
    with duckdb.connect() as connection:
        for c in rows:
            query = f"SELECT count(*) FROM '{flights.path()}' WHERE day < DATE '{day}' AND NOT ({c.sql})"
            assert connection.sql(query).fetchall()[0][0] == 0, c.sql
    assert all(constraints.parse(c.sql, schema).level is c.level for c in learned.constraints)


def test_names_are_unique_and_violations_use_them(profiles_of, histories) -> None:
    day = DATES[1]
    learned = detect.learn(histories[day])
    names = [c.name for c in learned.constraints]
    assert len(names) == len(set(names))
    found = learned.judge(_broken(profiles_of, day, "SELECT * REPLACE (-distance AS distance) FROM day"), day)
    assert found[0].constraint in names


def test_every_learned_constraint_shows_its_evidence(histories) -> None:
    for c in detect.learn(histories["2013-06-19"]).constraints:
        assert c.evidence["partitions"] >= 7, c.name
        assert c.evidence["why"], c.name
        assert not c.block


def test_what_was_broken_loudly_stays_broken_until_accepted(profiles_of, flights_by_day, histories) -> None:
    days = list(flights_by_day)
    start = days.index("2013-06-03")
    history = histories[days[start]]
    change = "SELECT * REPLACE ((distance * 1.609344)::INTEGER AS distance) FROM day"
    for day in days[start : start + SETTLES]:
        profiled = _broken(profiles_of, day, change)
        assert any(v.column == "distance" for v in detect.learn(history).judge(profiled, day))
        history = history.append(day, detect.features(profiled))
    day = days[start + SETTLES]
    profiled = _broken(profiles_of, day, change)
    assert any(v.column == "distance" for v in detect.learn(history).judge(profiled, day))
    learned = detect.learn(history, since=days[start])
    assert not _loud(learned.judge(profiled, day))


def test_a_partition_without_rows_is_judged_by_its_rows(flights_by_day, histories) -> None:
    empty = dataclasses.replace(flights_by_day["2013-06-19"], rows=0, columns={}, table={})
    found = detect.learn(histories["2013-06-19"]).judge(empty, "2013-06-19")
    assert [v.statistic for v in found] == ["rows"]


def test_columns_may_appear_and_disappear(profiles_of) -> None:
    old = profiles_of("SELECT i // 50 AS part, i % 7 AS a, i % 3 AS b FROM range(1000) t(i)")
    new = profiles_of("SELECT i // 50 AS part, i % 7 AS a, i % 5 AS c FROM range(2000) t(i)")
    labels = [str(n) for n in range(40)]
    rows = [detect.Row(k, detect.features(old[k] if n < 20 else new[k])) for n, k in enumerate(labels)]
    for count in (10, 20, 21, 30, 40):
        learned = detect.learn(detect.History.of(rows[:count]))
        assert not _loud(learned.judge(new["39"], "39")) or count <= 10
        assert all(isinstance(c.sql, str) for c in learned.constraints)


def test_a_column_that_repeats_the_date_is_held_to_it(profiles_of) -> None:
    made = profiles_of(
        "SELECT DATE '2021-01-01' + (i // 20)::INT AS part, month(part) AS month, day(part) AS day_of_month, "
        "year(part) AS year, i % 9 AS x FROM range(1200) t(i)"
    )
    labels = list(made)
    history = detect.History.of(detect.Row(k, detect.features(made[k])) for k in labels[:59])
    assert not _loud(detect.learn(history).judge(made[labels[59]], labels[59]))
    wrong = detect.learn(history).judge(made[labels[3]], labels[59])
    assert {"month", "day_of_month"} & {v.column for v in wrong}


def test_the_first_of_a_month_is_no_news(profiles_of) -> None:
    made = profiles_of(
        "SELECT DATE '2021-01-01' + (i // 20)::INT AS part, month(part) AS month, i % 9 AS x FROM range(1200) t(i)"
    )
    history = detect.History.of([])
    for label, profiled in made.items():
        assert not [v for v in detect.learn(history).judge(profiled, label) if v.column == "month"], label
        history = history.append(label, detect.features(profiled))


def test_a_judgement_is_quick_and_a_year_is_judged_within_seconds(flights_by_day, histories) -> None:
    last = list(flights_by_day)[-1]
    profiled = flights_by_day[last]
    began = time.process_time()
    for _ in range(20):
        detect.learn(histories[last]).judge(profiled, last)
    assert (time.process_time() - began) / 20 < 0.06


@pytest.mark.parametrize("day", ["2013-04-13", "2013-07-24", "2013-08-05", "2013-08-17"])
def test_a_swap_of_columns_too_alike_to_alarm_each_by_itself_is_seen(
    profiles_of, flights_by_day, histories, day: str
) -> None:
    learned = detect.learn(histories[day])
    swap = _broken(profiles_of, day, "SELECT * REPLACE (dep_time AS arr_time, arr_time AS dep_time) FROM day")
    assert any({"dep_time", "arr_time"} == set(v.columns) for v in _loud(learned.judge(swap, day)))
    assert not _loud(learned.judge(flights_by_day[day], day))
