"""History keeps order, and learning on is the same as learning anew."""

from __future__ import annotations

import numpy as np

from interlock import detect
from interlock.detect import History, Row, features, learn
from interlock.profiles.profile import Profile


def _rows(flights: dict[str, Profile], count: int) -> list[Row]:
    return [Row(label, features(p)) for label, p in list(flights.items())[:count]]


def test_appending_day_by_day_learns_what_learning_anew_does(flights_by_day: dict[str, Profile]) -> None:
    rows = _rows(flights_by_day, 40)
    grown = History.of(rows[:10])
    grown.watch()
    for row in rows[10:]:
        grown = grown.append(row.label, row.features)
    anew = History.of(rows)
    assert [c.sql for c in learn(grown).constraints] == [c.sql for c in learn(anew).constraints]
    np.testing.assert_array_equal(grown.watch().baseline.slow, anew.watch().baseline.slow)


def test_learning_on_leaves_the_shorter_history_as_it_was(flights_by_day: dict[str, Profile]) -> None:
    rows = _rows(flights_by_day, 21)
    short = History.of(rows[:20])
    before = [c.sql for c in learn(short).constraints]
    short.append(rows[20].label, rows[20].features).watch()
    assert [c.sql for c in learn(short).constraints] == before
    assert short.watch().partitions == 20


def test_rows_are_put_in_order_of_time(flights_by_day: dict[str, Profile]) -> None:
    rows = _rows(flights_by_day, 5)
    assert History.of(reversed(rows)).labels == tuple(r.label for r in rows)


def test_labels_that_are_no_dates_keep_the_order_they_came_in(flights_by_day: dict[str, Profile]) -> None:
    rows = [Row(f"batch {i}", r.features) for i, r in enumerate(_rows(flights_by_day, 12))]
    assert History.of(rows).labels == tuple(f"batch {i}" for i in range(12))


def test_a_partition_that_comes_late_finds_its_place(flights_by_day: dict[str, Profile]) -> None:
    rows = _rows(flights_by_day, 5)
    history = History.of([rows[0], *rows[2:]]).append(rows[1].label, rows[1].features)
    assert history.labels == tuple(r.label for r in rows)


def test_a_partition_written_again_replaces_the_old_one(flights_by_day: dict[str, Profile]) -> None:
    rows = _rows(flights_by_day, 5)
    history = History.of(rows).append(rows[4].label, rows[0].features)
    assert history.labels == tuple(r.label for r in rows)
    assert history.rows[4].features is rows[0].features


def test_accepting_a_label_that_is_not_there_starts_at_the_next_one(
    flights_by_day: dict[str, Profile],
) -> None:
    rows = _rows(flights_by_day, 5)
    history = History.of([rows[0], rows[2], rows[3]]).accepted(rows[1].label)
    assert [r.new_normal for r in history.rows] == [False, True, False]
    assert History.of(rows).accepted("2020-no date") == History.of(rows)


def test_an_empty_history_teaches_nothing() -> None:
    learned = detect.learn(History.of([]))
    assert learned.constraints == ()
    assert len(learned) == 0


def test_what_was_learned_is_remembered_by_the_next_process(flights_by_day: dict[str, Profile]) -> None:
    rows = _rows(flights_by_day, 60)
    stored = History.of(rows[:50]).memory()
    remembered, anew = History.of(rows, memory=stored), History.of(rows)
    assert [c.sql for c in learn(remembered).constraints] == [c.sql for c in learn(anew).constraints]
    profiled = flights_by_day["2013-11-28"]
    assert learn(remembered).judge(profiled, "2013-11-28") == learn(anew).judge(profiled, "2013-11-28")


def test_a_memory_of_other_rows_or_a_damaged_one_is_not_used(flights_by_day: dict[str, Profile]) -> None:
    rows = _rows(flights_by_day, 30)
    stored = History.of(rows[:20]).memory()
    other = History.of(rows[5:], memory=stored)
    assert other.watch().partitions == 25
    for damaged in (b"", b"PK\x03\x04", stored[:-40], stored[:200]):
        assert History.of(rows, memory=damaged).watch().partitions == 30
    assert History.of(rows, memory=stored).accepted(rows[3].label).watch().partitions == 30
