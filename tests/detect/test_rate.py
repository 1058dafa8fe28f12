"""What a score means: false alarms a year of a clean table, and the sensitivity that sets them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from interlock import detect
from interlock.constraints.constraint import Violation
from interlock.detect import rate, sensitivity
from interlock.detect.calibration import FALSE_ALARMS, OF_SURPRISES, Breaks, Evidence, Gumbel
from interlock.detect.features import Features, Key
from interlock.detect.history import History
from interlock.errors import UsageError

DAYS = [(dt.date(2024, 1, 1) + dt.timedelta(days=i)).isoformat() for i in range(240)]
GUMBEL = Gumbel(2.0, 0.4)
UNBROKEN = {evidence: Breaks(np.zeros(100)) for evidence in Evidence}


def _features(rng: np.random.Generator, columns: int = 8) -> Features:
    """A clean partition: independent normal numbers, and shares that are never anything but zero."""
    drawn = ("mean", "stddev", "q05", "q50", "q95")
    keys = [Key(f"c{i}", name) for i in range(columns) for name in (*drawn, "nulls")]
    values = [0.0 if k.feature == "nulls" else float(rng.normal(100.0, 3.0)) for k in keys]
    errors = [0.03 if k.feature == "nulls" else 0.01 for k in keys]
    keys.append(Key("", "rows"))
    rows = int(rng.normal(1_000, 30))
    return Features(rows, tuple(keys), np.array([*values, rows]), np.array([*errors, 0.01]), {})


def _clean(seed: int) -> Iterator[tuple[History, Features, str]]:
    """Each partition of a clean table beside the history before it."""
    rng, history = np.random.default_rng(seed), History.of([])
    for label in DAYS:
        found = _features(rng)
        yield history, found, label
        history = history.append(label, found)


def _judged(history: History, found: Features, label: str, level: detect.Sensitivity) -> list[Violation]:
    return detect.learn(history, sensitivity=level).judge_features(found, label)


def test_a_higher_score_is_a_rarer_false_alarm() -> None:
    made = rate.Rate(GUMBEL, UNBROKEN, scored=100, per_year=365.0)
    for at in (made.at_surprise, made.at_odds, lambda score: made.at_break(Evidence.HELD, score)):
        stated = [at(score) or 0.0 for score in np.linspace(0.0, 12.0, 60)]
        assert stated == sorted(stated, reverse=True)
        assert stated[0] > 100 * stated[30] > 0
        assert stated[-1] == rate.RAREST


@pytest.mark.parametrize("scored", [0, 3, 6])
def test_on_fewer_than_seven_scored_partitions_no_rate_is_stated(scored: int) -> None:
    made = rate.Rate(GUMBEL, UNBROKEN, scored=scored, per_year=365.0)
    assert made.at_surprise(3.0) is None and made.at_odds(1.0) is None
    assert made.at_break(Evidence.HELD, 1.0) is None
    assert "too little history" in rate.in_words(None)


def test_the_year_of_a_table_has_as_many_partitions_as_its_dates_say() -> None:
    hours = [(dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=i)).isoformat() for i in range(300)]
    weeks = [(dt.date(2024, 1, 1) + dt.timedelta(weeks=i)).isoformat() for i in range(60)]
    assert rate.partitions_per_year(DAYS) == pytest.approx(365.2, abs=0.1)
    assert rate.partitions_per_year(hours) == pytest.approx(8_766, rel=0.001)
    assert rate.partitions_per_year(weeks) == pytest.approx(52.2, abs=0.1)
    for labels in ([], ["2024-01-01"], ["load 1", "load 2"], ["2024-01-01"] * 3):
        assert rate.partitions_per_year(labels) == rate.PER_YEAR


@pytest.mark.parametrize(
    ("per_year", "words"),
    [
        (0.01, "less than once in 100 years"),
        (0.08, "about once in 12 years"),
        (1.0, "about once a year"),
        (2.0, "about twice a year"),
        (7.4, "about 7 times a year"),
        (36.0, "about 3 times a month"),
        (150.0, "about 3 times a week"),
        (8_000.0, "about 22 times a day"),
    ],
)
def test_a_rate_is_said_in_words(per_year: float, words: str) -> None:
    assert rate.in_words(per_year) == f"a clean table would do this {words}"


def test_where_invariants_broke_more_often_another_break_says_less() -> None:
    quiet, loud = [0.0] * 150, [0.0] * 140 + [1.2] * 10
    by_past = [
        rate.Rate(GUMBEL, {Evidence.NEW: Breaks(np.array(past))}, scored=100, per_year=365.0)
        for past in (quiet, loud)
    ]
    seldom, often = (made.at_break(Evidence.NEW, 1.1) or 0.0 for made in by_past)
    assert often == pytest.approx(365 * 10 / 155, rel=0.05)
    assert seldom < often / 100


@pytest.mark.slow
@pytest.mark.parametrize("accepted", [5.0, 30.0])
def test_a_clean_table_alarms_no_more_often_than_was_accepted(accepted: float) -> None:
    """Ten simulated tables of eight months, from the 61st partition on: 4.9 years.

    They hold no invariant that chance could break, so that deviations have their own share of the alarms,
    which is kept within a factor of two.
    """
    alarms, stated, partitions = 0, 0, 0
    for seed in range(10):
        for history, found, label in _clean(seed):
            if len(history.rows) < 60:
                continue
            partitions += 1
            judged = _judged(history, found, label, accepted)
            alarms += bool(judged)
            rarest = min((v.false_alarms_per_year or 0.0 for v in judged), default=np.inf)
            stated += rarest <= accepted
    years = partitions / 365.2425
    expected = accepted * years * OF_SURPRISES
    assert expected / 2 - 2 * expected**0.5 < alarms < 2 * expected + 2 * expected**0.5, (alarms, expected)
    assert alarms <= accepted * years
    assert stated == alarms


def test_more_sensitive_alarms_on_all_that_less_sensitive_did() -> None:
    rng = np.random.default_rng(5)
    *_, (history, found, label) = _clean(3)
    for _ in range(30):
        odd = replace(found, values=found.values * (1 + rng.normal(0, 0.05, len(found.values))))
        by_level = {n: _judged(history, odd, label, n) for n in ("low", "normal", "high")}
        low, normal, high = ({v.constraint for v in by_level[n]} for n in ("low", "normal", "high"))
        assert low <= normal <= high
        meant = [{v.constraint: v.false_alarms_per_year for v in vs} for vs in by_level.values()]
        for name in low:  # a sensitivity moves the threshold, not what a deviation means
            assert meant[0][name] == meant[1][name] == meant[2][name]


def test_normal_is_what_was_always_aimed_at_and_leaves_what_was_learned_alone() -> None:
    assert sensitivity.share("normal", DAYS) == FALSE_ALARMS
    *_, (history, _, _) = _clean(0)
    assert detect.learn(history).watch is history.watch()
    assert detect.learn(history, sensitivity=2.0).watch is not history.watch()
    assert history.watch().share == FALSE_ALARMS


def test_a_number_is_false_alarms_a_year_whatever_a_year_holds() -> None:
    weeks = [(dt.date(2024, 1, 1) + dt.timedelta(weeks=i)).isoformat() for i in range(60)]
    assert sensitivity.share(4.0, DAYS) == pytest.approx(4 / 365.2425)
    assert sensitivity.share(4.0, weeks) == pytest.approx(4 / 52.178, rel=1e-3)


@pytest.mark.parametrize("value", ["lowish", "", 0, -1, float("nan"), float("inf"), True, None, [1]])
def test_what_is_no_sensitivity_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match=r"sensitivity|aimed at"):
        detect.as_sensitivity(value)


def test_a_number_may_be_given_as_text() -> None:
    assert detect.as_sensitivity("2.5") == 2.5
