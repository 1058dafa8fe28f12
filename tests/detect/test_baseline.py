"""Baselines follow seasons and slow change, and no single partition moves them far."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.detect.baseline import Baseline


def _fed(values: list[float], *, seasons: int = 7, error: float = 0.1) -> Baseline:
    baseline = Baseline(seasons, 1)
    for i, value in enumerate(values):
        _feed(baseline, value, i, error=error)
    return baseline


def _feed(
    baseline: Baseline,
    value: float,
    at: int,
    *,
    error: float = 0.1,
    suspect: bool = False,
    step: bool = False,
) -> None:
    season = at % len(baseline.seen)
    baseline.admit(np.array([value]), np.array([error]), season, np.array([suspect]), np.array([step]))


def _surprise(baseline: Baseline, value: float, at: int, *, error: float = 0.1) -> float:
    return float(baseline.surprise(np.array([value]), np.array([error]), at % len(baseline.seen))[0])


def _noise(count: int, seed: int = 0) -> list[float]:
    return list(np.random.default_rng(seed).normal(0, 1, count))


def test_below_seven_values_nothing_is_said() -> None:
    assert np.isnan(_surprise(_fed(_noise(6)), 1e9, 6))
    assert not np.isnan(_surprise(_fed(_noise(7)), 1e9, 7))


def test_a_weekly_rhythm_is_expected() -> None:
    week = [10, 10, 10, 10, 10, 2, 5]
    baseline = _fed([week[i % 7] + 0.1 * n for i, n in enumerate(_noise(70))])
    assert abs(_surprise(baseline, 2.0, 75)) < 3
    assert abs(_surprise(baseline, 10.0, 75)) > 10
    assert abs(_surprise(baseline, 2.0, 74)) > 10


def test_a_steady_slope_is_no_surprise() -> None:
    baseline = _fed([0.5 * i + n for i, n in enumerate(_noise(100))], seasons=1)
    assert abs(_surprise(baseline, 50.0, 100)) < 3
    assert abs(_surprise(baseline, 25.0, 100)) > 4


def _moved(value: float, *, error: float = 0.1, suspect: bool = False) -> np.ndarray:
    """How far one value moves each forecaster of a feature that varies by one about zero."""
    moved, unmoved = _fed(_noise(60), seasons=1), _fed(_noise(60), seasons=1)
    _feed(moved, value, 60, error=error, suspect=suspect)
    _feed(unmoved, 0.0, 60, error=np.inf)
    return (moved.forecasts(0) - unmoved.forecasts(0))[:, 0]


def test_a_suspect_value_moves_nothing_however_wild() -> None:
    assert (_moved(1e6, suspect=True) == 0.0).all()
    baseline = _fed(_noise(60), seasons=1)
    before = baseline.copy()
    _feed(baseline, 1e6, 60, suspect=True)
    for name in ("scale", "error", "fourth"):
        np.testing.assert_array_equal(getattr(baseline, name), getattr(before, name), err_msg=name)


def test_a_wild_value_that_nobody_suspects_moves_no_further_than_four_deviations() -> None:
    assert (_moved(1e6) > 0).all() and (_moved(1e6) < 4).all()
    np.testing.assert_array_equal(_moved(1e6), _moved(1e9))


def test_a_value_of_a_hundredth_of_the_rows_moves_a_hundredth_as_far() -> None:
    np.testing.assert_allclose(_moved(3.0, error=1.0), _moved(3.0) / 100)
    np.testing.assert_allclose(_moved(3.0, error=0.01), _moved(3.0), err_msg="more rows move it no further")


def test_a_partition_with_a_large_sampling_error_is_not_held_to_the_precision_of_others() -> None:
    baseline = _fed([0.01 * n for n in _noise(60)], seasons=1, error=0.01)
    assert abs(_surprise(baseline, 1.0, 60, error=0.01)) > 20
    assert abs(_surprise(baseline, 1.0, 60, error=1.0)) < 2


def test_a_step_is_taken_over_by_every_season() -> None:
    baseline = _fed([n * 0.1 for n in _noise(70)])
    _feed(baseline, 5.0, 70, step=True)
    for at in range(71, 78):
        assert abs(_surprise(baseline, 5.0, at)) < 3


def test_absent_values_leave_no_trace() -> None:
    baseline = _fed(_noise(20), seasons=1)
    before = baseline.copy()
    _feed(baseline, float("nan"), 20)
    np.testing.assert_array_equal(baseline.slow, before.slow)
    np.testing.assert_array_equal(baseline.count, before.count)


# --- what was so before -----------------------------------------------------------------------


def _changed(times: int) -> Baseline:
    """A feature about ten, in this many partitions, and for long since about zero."""
    return _fed(
        [*(n / 10 for n in _noise(60, 1)), *[10.0] * times, *(n / 10 for n in _noise(100, 2))], seasons=1
    )


def test_what_three_partitions_showed_surprises_less_than_what_none_did() -> None:
    seen = _changed(3)
    known, unknown = _surprise(seen, 9.0, 0), _surprise(seen, -9.0, 0)
    assert 0 < known < 0.7 * -unknown


def test_what_two_partitions_showed_is_not_known_yet() -> None:
    seen = _changed(2)
    assert _surprise(seen, 9.0, 0) > 0.9 * -_surprise(seen, -9.0, 0)


def test_what_stayed_out_is_not_known() -> None:
    baseline = _fed([n / 10 for n in _noise(60)], seasons=1)
    before = _surprise(baseline, 9.0, 0)
    for at in range(5):
        _feed(baseline, 10.0, at, suspect=True)
    assert _surprise(baseline, 9.0, 0) > 0.9 * before


def test_a_sunday_is_no_reason_to_expect_the_same_on_a_monday() -> None:
    week = [10, 10, 10, 10, 10, 2, 5]
    values = [week[i % 7] + 0.1 * n for i, n in enumerate(_noise(140))]
    assert -_surprise(_fed(values), 2.0, 140) > 0.9 * _surprise(_fed(values), 18.0, 140)


@pytest.mark.parametrize("times", [0, 2, 3, 20])
@pytest.mark.parametrize("surprise", [1.0, 4.0, 30.0])
def test_limits_are_where_the_surprise_passes_what_was_asked(times: int, surprise: float) -> None:
    seen = _changed(times)
    low, high = (float(side[0]) for side in seen.limits(surprise, np.array([0.1]), 0))
    step = 1e-6 * (high - low)
    for limit, out in ((low, -step), (high, step)):
        assert abs(_surprise(seen, limit + out, 0)) >= surprise > abs(_surprise(seen, limit - out, 0))
