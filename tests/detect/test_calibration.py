"""One threshold per table, from its own past."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.detect import calibration


def _past(count: int, seed: int = 0) -> list[float]:
    return list(np.random.default_rng(seed).gumbel(2.0, 0.5, count))


def test_a_quiet_past_is_exceeded_about_as_often_as_aimed_at() -> None:
    limits = [calibration.threshold(_past(120, seed), 200) for seed in range(40)]
    new = np.random.default_rng(99).gumbel(2.0, 0.5, 4_000)
    rate = np.mean([np.mean(new > limit) for limit in limits])
    assert calibration.FALSE_ALARMS / 4 < rate < calibration.FALSE_ALARMS * 2


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_bad_partitions_in_the_past_do_not_deafen_it(share: float) -> None:
    past = _past(150)
    clean = calibration.threshold(past, 200)
    bad = [100.0] * int(150 * share)
    assert calibration.threshold(past + bad, 200) < 1.8 * clean


def test_a_louder_table_gets_a_higher_threshold() -> None:
    assert calibration.threshold([3 * x for x in _past(100)], 200) > 2 * calibration.threshold(
        _past(100), 200
    )


def test_without_a_past_more_features_need_more_surprise() -> None:
    assert calibration.threshold([], 1_000) > calibration.threshold([], 10) > 1
