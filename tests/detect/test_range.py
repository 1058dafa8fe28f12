"""Records: how far beyond all that was ever seen is news, and when what is far beyond is known to happen."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from interlock import detect
from interlock.detect.features import Key
from interlock.detect.history import History
from interlock.names import partition_time
from tests.detect.made import label, partition

MOST, LATEST = Key("a", "max"), Key("a", "latest")
_DAY_S, _HOUR_S = 86_400.0, 3_600.0


def _alarmed(most: Sequence[float], key: Key = MOST) -> list[int]:
    """The days whose record alarmed, each judged by those before it, all published."""
    history = History.of(detect.Row(label(d), partition(d, key, m)) for d, m in enumerate(most))
    found = []
    for day, (row, before) in enumerate(history.replayed()):
        watch = before.watch().to_judge()
        seen = watch.observe(row.label, partition_time(row.label), row.features)
        if watch.judge(seen).range[watch.layout.at[key]] >= 1:
            found.append(day)
    return found


def _days(extremes: dict[int, float], usual: float = 0.5, days: int = 120) -> list[float]:
    return [extremes.get(day, usual) for day in range(days)]


def test_a_record_far_beyond_all_before_alarms_and_is_not_learned() -> None:
    assert _alarmed(_days({40: 50.0, 60: 50.0})) == [40, 60]


def test_what_comes_now_and_again_is_known_after_three_times() -> None:
    assert _alarmed(_days({40: 50.0, 60: 50.0, 80: 50.0, 90: 50.0, 100: 50.0})) == [40, 60, 80]


def test_days_in_a_row_are_one_time() -> None:
    assert _alarmed(_days({40: 50.0, 41: 50.0, 42: 50.0, 60: 50.0})) == [40, 41, 42, 60]


def test_the_least_extreme_of_the_three_is_what_is_known() -> None:
    """So that three faults of very different size open no range for the largest of them."""
    assert _alarmed(_days({40: 9_000.0, 60: 50.0, 80: 700.0, 100: 50.0, 110: 9_000.0})) == [40, 60, 80, 110]


@pytest.mark.parametrize(("usual", "next_one", "alarms"), [(4.0, 5.0, False), (4.5, 5.5, True)])
def test_the_next_whole_number_is_no_leap_where_all_were_whole(
    usual: float, next_one: float, alarms: bool
) -> None:
    assert _alarmed(_days({60: next_one}, usual)) == ([60] if alarms else [])


def test_a_whole_number_far_beyond_is_a_leap() -> None:
    assert _alarmed(_days({60: 99.0}, usual=4.0)) == [60]


def _latest(beyond_s: float) -> list[float]:
    """Of sixty days the last moment, seconds after midnight; of the next it is so much later than any."""
    midnight = [partition_time(label(day)).timestamp() for day in range(61)]
    usual = [start + _DAY_S - 60.0 * (day % 7) for day, start in enumerate(midnight[:60])]
    return [*usual, midnight[60] + _DAY_S + beyond_s]


def test_a_moment_of_the_next_day_alarms_where_none_ever_was() -> None:
    assert _alarmed(_latest(5 * _HOUR_S), LATEST) == [60]


def test_the_hour_a_clock_is_put_forward_by_is_no_news() -> None:
    assert _alarmed(_latest(_HOUR_S), LATEST) == []
