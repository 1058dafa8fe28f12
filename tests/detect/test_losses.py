"""A model's loss is watched by its own past: losing more than usual is news, losing less is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlock import detect
from interlock.detect import memory
from interlock.detect.features import Features, Key
from interlock.detect.history import History
from interlock.detect.invariants import SETTLES
from interlock.profiles.profile import ModelLoss, Profile
from tests.detect.made import label, partition

ETA = Key("", "loss", None, "eta")
USUAL = 10.0


def lost(day: int, times: float = 1.0) -> Features:
    """A day on which the model loses about as much as ever, or so many times that."""
    return partition(
        day, ETA, USUAL * times * math.exp(np.random.default_rng(1000 + day).normal(0, 0.1)), 0.02
    )


def after(*times: float) -> History:
    return History.of(detect.Row(label(day), lost(day, by)) for day, by in enumerate(times))


def judged(history: History, times: float) -> list[detect.Violation]:
    day = len(history.rows)
    return [
        v for v in detect.learn(history).judge_features(lost(day, times), label(day)) if v.statistic == "loss"
    ]


def test_twice_the_usual_loss_is_news_and_says_so() -> None:
    (found,) = judged(after(*[1.0] * 60), 2.0)
    assert (found.constraint, found.column, found.columns) == ("loss_eta", None, ())
    assert "the loss of eta is" in found.observed
    assert "times the usual" in found.observed
    assert found.false_alarms_per_year is not None and found.false_alarms_per_year < 5
    assert not found.blocking


@pytest.mark.parametrize("times", [0.2, 1.0, 1.1])
def test_less_than_usual_or_about_as_much_is_none(times: float) -> None:
    assert judged(after(*[1.0] * 60), times) == []


def test_a_loss_that_is_steady_to_the_percent_has_its_ups_too() -> None:
    history = History.of(
        detect.Row(label(day), partition(day, ETA, USUAL * (1.0 + 0.001 * (day % 3)), 0.0001))
        for day in range(60)
    )
    for times, news in ((1.15, False), (1.25, True)):
        found = detect.learn(history).judge_features(partition(60, ETA, USUAL * times, 0.0001), label(60))
        assert any(v.statistic == "loss" for v in found) is news


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_unit_of_the_loss_does_not_matter(scale: float) -> None:
    history = after(*[scale] * 60)
    assert [v.score for v in judged(history, 2.0 * scale)] == [
        pytest.approx(v.score, rel=1e-6) for v in judged(after(*[1.0] * 60), 2.0)
    ]


def test_of_fewer_than_seven_partitions_or_of_an_unknown_truth_nothing_is_said() -> None:
    assert judged(after(*[1.0] * 6), 5.0) == []
    assert judged(after(*[1.0] * 60), math.nan) == []
    assert judged(after(*[math.nan] * 60), 5.0) == []


def test_a_model_that_never_lost_anything_and_now_does() -> None:
    history = History.of(detect.Row(label(day), partition(day, ETA, 0.0)) for day in range(60))
    assert not detect.learn(history).judge_features(partition(60, ETA, 0.0), label(60))
    (found,) = detect.learn(history).judge_features(partition(60, ETA, 4.0, 0.1), label(60))
    assert found.observed == "the loss of eta is 4 a row, where it usually is next to nothing"


def test_a_loss_that_stays_is_the_new_normal_after_a_while() -> None:
    times = [1.0] * 60 + [4.0] * (SETTLES + 3)
    alarmed = [day for day in range(60, len(times)) if judged(after(*times[:day]), times[day])]
    assert alarmed == list(range(60, 60 + SETTLES + 1))


def test_what_models_lose_moves_no_threshold_of_the_data() -> None:
    """Whatever the loss was: a model is no reason to hear less, or more, of the data."""
    quiet, loud = (after(*[1.0, by] * 30).watch() for by in (1.0, 1.6))
    without = History.of(detect.Row(label(day), partition(day, ETA, math.nan)) for day in range(60)).watch()
    assert quiet.threshold == loud.threshold == without.threshold
    assert list(quiet.loudest) == list(loud.loudest) == list(without.loudest)


def test_clean_partitions_rarely_alarm() -> None:
    """Aimed at: one in 75; of twelve series of 120 judged partitions each at most half as many again."""
    alarms = 0
    for series in range(12):
        errors = np.random.default_rng(series).normal(0, 0.2, 150)
        history = History.of([])
        for day, error in enumerate(errors):
            found = partition(day, ETA, USUAL * math.exp(error), 0.02)
            if day >= 30:
                alarms += any(
                    v.statistic == "loss" for v in detect.learn(history).judge_features(found, label(day))
                )
            history = history.append(label(day), found)
    assert alarms <= 1.5 * 12 * 120 / 75


def test_what_was_learned_of_a_loss_outlives_the_process() -> None:
    history = after(*[1.0] * 40)
    stored = memory.dump(history.watch(), history.rows)
    restored = memory.load(stored, history.rows)
    assert restored is not None
    assert restored[0].losses == history.watch().losses
    assert restored[0].thresholds.tolist() == history.watch().thresholds.tolist()


def test_the_features_of_a_profile_hold_its_losses() -> None:
    profile = Profile(
        10,
        {},
        losses={"eta": ModelLoss(4.0, 1.0), "new": ModelLoss(), "broken": ModelLoss(problem="KeyError")},
    )
    found = detect.features(profile)
    at = found.keys.index(ETA)
    assert (found.values[at], found.errors[at]) == (4.0, 0.25)
    assert np.isnan(
        [found.values[found.keys.index(Key("", "loss", None, m))] for m in ("new", "broken")]
    ).all()
