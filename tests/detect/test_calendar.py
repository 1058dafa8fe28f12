"""Columns that only repeat the partition's date are judged by the calendar alone."""

from __future__ import annotations

from interlock import detect
from interlock.detect.features import features
from interlock.detect.history import History

DAYS = 380


def test_the_month_of_a_new_year_is_not_taken_for_the_day(profiles_of) -> None:
    """In early January the month holds what the day held a while ago, and the other way round."""
    vary = ", ".join(f"hash(day, i, {column}) % 1000 AS x{column}" for column in range(6))
    made = profiles_of(
        f"SELECT dated AS part, month(dated) AS month, day(dated) AS day, {vary} FROM "
        f"(SELECT DATE '2023-01-01' + CAST(day AS INTEGER) AS dated, day FROM range({DAYS}) d(day)), range(50) r(i)"
    )
    history, alarmed = History.of([]), []
    for label, profile in made.items():
        found = features(profile)
        if len(history.rows) > DAYS - 20:
            broken = detect.learn(history).judge_features(found, label)
            alarmed += [(label, v.constraint) for v in broken if {"month", "day"} & {*v.columns, v.column}]
        history = history.append(label, found)
    assert alarmed == []
