"""What a partition teaches: what alarms stays out until it lasts, and a few bad partitions end no invariant."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from interlock import detect
from interlock.detect.features import Features, Key
from interlock.detect.history import History
from interlock.detect.invariants import SETTLES, Rare
from interlock.profiles.dependency import Dependency, Form
from tests.detect.made import ROWS, label, partition

ORDER = Key("a", "dependency", None, Dependency(Form.ORDER, ("a", "b")).text)
EQUAL = Key("a", "dependency", None, Dependency(Form.EQUAL, ("a", "b")).text)
NULLS = Key("a", "nulls")
HELD, LOOSE = (NULLS, EQUAL), (ORDER,)
LOUD, MILD, FEW = 20, 3, 2  # rows: very unlikely, unlikely, news only in a table that never showed any


def _partition(key: Key, broken: int, day: int) -> Features:
    """A partition of which so many rows break one thing."""
    return partition(day, key, broken / ROWS, ROWS**-0.5)


def _after(key: Key, broken: Iterable[int]) -> History:
    """A past that was published whatever it broke."""
    return History.of(detect.Row(label(day), _partition(key, n, day)) for day, n in enumerate(broken))


def _alarms(history: History, key: Key, broken: int) -> bool:
    """Whether so many rows alarm as a broken invariant."""
    watch, day = history.watch().to_judge(), len(history.rows)
    seen = watch.observe(label(day), None, _partition(key, broken, day))
    return bool(watch.judge(seen).never[watch.layout.at[key]] >= 1)


def _alarmed(key: Key, broken: list[int]) -> list[int]:
    """The days of these that alarmed, each judged by those before it."""
    found = _after(key, broken).replayed()
    return [day for day, (_, before) in enumerate(found) if _alarms(before, key, broken[day])]


# --- a few bad partitions that nobody noticed ------------------------------------------------


@pytest.mark.parametrize("key", [*HELD, *LOOSE])
def test_two_bad_partitions_among_the_first_seven_end_no_invariant_and_three_do(key: Key) -> None:
    first = [0, LOUD, 0, LOUD, 0, 0, 0]
    assert _alarms(_after(key, [*first, *[0] * 40]), key, LOUD)
    assert not _alarms(_after(key, [LOUD, *first, *[0] * 80]), key, LOUD)


@pytest.mark.parametrize(("bad", "good"), [(0, 7), (1, 15), (2, 30)])
def test_an_invariant_is_believed_after_seven_partitions_and_fifteen_for_each_that_broke_it(
    bad: int, good: int
) -> None:
    past = [LOUD] * bad + [0] * good
    assert _alarms(_after(NULLS, past), NULLS, LOUD)
    assert not _alarms(_after(NULLS, past[:-1]), NULLS, LOUD)


# --- what alarms stays out ---------------------------------------------------------------------


@pytest.mark.parametrize("key", HELD)
@pytest.mark.parametrize(("broken", "days"), [(FEW, [60]), (MILD, [60, 70]), (LOUD, [60, 70])])
def test_a_break_that_alarms_is_not_learned_and_alarms_again(key: Key, broken: int, days: list[int]) -> None:
    """Of a few rows it is news once: the past shows that it happens."""
    assert _alarmed(key, [0] * 60 + [broken] + [0] * 9 + [broken]) == days


@pytest.mark.parametrize("key", [*HELD, *LOOSE])
@pytest.mark.parametrize("broken", [MILD, LOUD])
def test_what_lasts_is_learned_with_the_sixth_partition(key: Key, broken: int) -> None:
    days = [0] * 60 + [broken] * (SETTLES + 4)
    assert _alarmed(key, days) == list(range(60, 60 + SETTLES + 1))


def test_what_need_not_hold_is_learned_when_it_breaks_the_third_time() -> None:
    twice = [0] * 60 + [LOUD] * 2 + [0] * 8 + [LOUD] * 2 + [0] * 8
    assert _alarmed(ORDER, [*twice, *[LOUD] * 3]) == [60, 61, 70, 71, 80], "the third time only as it begins"
    assert _alarmed(ORDER, [*twice, LOUD, 0, 0, LOUD])[-1] == 80


@pytest.mark.parametrize("key", HELD)
def test_what_has_to_hold_alarms_every_time(key: Key) -> None:
    days = [0] * 60 + ([LOUD] * 2 + [0] * 8) * 4
    assert _alarmed(key, days) == [day for day, n in enumerate(days) if n]


# --- how it is told ------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "rows"), [(NULLS, " with 3,000 rows"), (EQUAL, "")])
def test_an_invariant_that_was_broken_before_is_told_by_its_partitions_since(key: Key, rows: str) -> None:
    def expected(past: list[int]) -> str:
        day = len(past)
        judged = detect.learn(_after(key, past)).judge_features(_partition(key, LOUD, day), label(day))
        return next(v.expected for v in judged if v.statistic == key.feature and "none" in v.expected)

    assert expected([0] * 30) == f"none, as in 30 partitions{rows}"
    assert expected([LOUD] * 2 + [0] * 30) == f"none, as in the last 30 partitions{rows}"


def test_only_what_never_was_broken_is_stated_as_held_in_every_row() -> None:
    def stated(past: list[int]) -> list[str]:
        return [c.name for c in detect.learn(_after(NULLS, past)).constraints if c.kind == "never"]

    assert stated([0] * 30) == ["a_never_null"]
    assert stated([LOUD] + [0] * 30) == []


# --- more bad partitions than two, among many ---------------------------------------------------


@pytest.mark.parametrize("key", [EQUAL, ORDER])
def test_a_relation_that_one_partition_in_forty_broke_in_many_rows_was_broken_by_bad_partitions(
    key: Key,
) -> None:
    """They came before it was believed, so that none of them was kept out."""
    past = [LOUD, 0, LOUD, 0, 0, LOUD, *[0] * 6, LOUD, *[0] * 180]
    assert _alarms(_after(key, past), key, LOUD)
    assert not _alarms(_after(key, past), key, 1), "of such a relation an odd row is no news"
    assert not _alarms(_after(key, past[:100]), key, LOUD), "four of a hundred are not few"


@pytest.mark.parametrize("key", [EQUAL, ORDER])
def test_a_relation_that_few_rows_broke_more_than_twice_is_none(key: Key) -> None:
    past = [FEW, 0, FEW, 0, 0, FEW, *[0] * 200]
    assert not _alarms(_after(key, past), key, LOUD)


@pytest.mark.parametrize("bad", [0, 6])
def test_what_few_rows_break_is_news_where_many_do_however_few_bad_partitions_have_shown_that(
    bad: int,
) -> None:
    rare, width, rows = Rare(1), np.array([0]), np.array([float(ROWS)])
    for day in range(300):
        broken = 10 if day % 45 == 5 and day // 45 < bad else int(day % 50 == 0)
        rare.admit(np.array([broken / ROWS]), rows, width)
    assert rare.score(np.array([0.1]), rows, width)[0] >= 1
    assert rare.score(np.array([0.02]), rows, width)[0] < 1


def test_what_a_column_may_hold_in_another_season_is_no_relation() -> None:
    past = [LOUD, 0, LOUD, 0, 0, LOUD, *[0] * 200]
    assert not _alarms(_after(NULLS, past), NULLS, LOUD)
