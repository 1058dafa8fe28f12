"""Baselines: what each feature is expected to be next, and how far off is usual.

One step costs a few dozen numpy operations on vectors as long as there are
features, so a year of history is learned in milliseconds, and every partition
is scored only by those before it.

Four forecasters run side by side for each feature: a slow level; the level of
the same season (weekday, or hour of the day for hourly partitions); a level
plus a seasonal offset; and a level with a slope (Holt). The one with the
smallest recent error speaks. All are updated with errors cut at a few standard
deviations, so that one bad partition moves none of them far.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import numpy.typing as npt

from interlock.detect.features import Array

LEARNED_AFTER = 7  # below this many values nothing is said about a feature

_SLOW, _SEASON, _OFFSET, _SLOPE = range(4)
_ERROR_DECAY = 0.06
_SCALE_DECAY = 0.04
_TAIL_DECAY = 0.01
_CUT = 4.0  # in scales, for an unsuspected value
_MEAN_TO_DEVIATION = 1.2533  # a normal distribution's standard deviation over its mean |error|
_TAIL_PRIOR = (6.0, 4.0)  # weight in partitions, and the fourth moment assumed before there is any
_TAIL_CUT = 6.0  # a single event makes no heavy tail
_TAIL_NORMAL = 1.15  # a little under the fourth root of a normal distribution's, 3
_FINER = 0.5  # a feature may prove steadier than sampling, but by no more than this
_RELATIVE_FLOOR = 1e-3  # a change below a thousandth of the level is no news, however steady the feature
_KNOWN = 3  # partitions that must have shown a value as far out before it is known to happen
_KNOWN_WEIGHT = 0.6  # of the surprise of what is known to happen, though not just now
Mask = npt.NDArray[np.bool_]


def zeroed(values: Array) -> Array:
    """With 0 for NaN; an order faster than `numpy.nan_to_num`, which also looks for infinities."""
    return np.where(np.isnan(values), 0.0, values)


class Baseline:
    """Forecasters and scales for ``width`` features and ``seasons`` seasons; grows with `widen`. NaN means absent."""

    def __init__(self, seasons: int = 1, width: int = 0) -> None:
        self.count = np.zeros(width)
        self.seen = np.zeros((seasons, width))
        self.slow = np.zeros(width)
        self.season = np.zeros((seasons, width))
        self.level = np.zeros(width)
        self.offset = np.zeros((seasons, width))
        self.holt = np.zeros(width)
        self.slope = np.zeros(width)
        self.off = np.full((4, width), np.nan)  # recent mean |error| of each forecaster
        self.scale = np.zeros(width)
        self.error = np.zeros(width)  # typical sampling error
        self.fourth = np.full(width, _TAIL_PRIOR[1])
        self.lows = np.full((_KNOWN, width), np.inf)  # the smallest values ever, apart from their season …
        self.highs = np.full((_KNOWN, width), -np.inf)  # … and the largest, each ascending

    def copy(self) -> Baseline:
        twin = Baseline()
        for name, array in vars(self).items():
            setattr(twin, name, array.copy())
        return twin

    def widen(self, width: int) -> None:
        """Make room for features not seen before."""
        extra = Baseline(len(self.seen), width - len(self.count))
        for name, array in vars(self).items():
            setattr(self, name, np.concatenate([array, getattr(extra, name)], axis=-1))

    def forecasts(self, season: int) -> Array:
        """What each forecaster expects, (4, features)."""
        return np.stack(
            (self.slow, self.season[season], self.level + self.offset[season], self.holt + self.slope)
        )

    def expected(self, season: int) -> Array:
        """What the best forecaster of each feature expects; NaN where too little is known."""
        return self._best(self.forecasts(season), season)

    def _best(self, forecasts: Array, season: int) -> Array:
        best = forecasts[self._chosen(season), np.arange(len(self.count))]
        return np.where(self.count >= LEARNED_AFTER, best, np.nan)

    def _chosen(self, season: int) -> npt.NDArray[np.intp]:
        """Which forecaster speaks for each feature."""
        off = np.where(np.isnan(self.off), np.inf, self.off)
        young = self.seen[season] < 2
        off[_SEASON : _OFFSET + 1, young] = np.inf
        return np.asarray(off.argmin(axis=0), dtype=np.intp)

    def deviation(self, expected: Array, errors: Array) -> Array:
        """The usual distance from ``expected``, widened where this partition's sampling error is larger."""
        own, typical = zeroed(errors) ** 2, self.error**2
        finest = _FINER**2 * np.maximum(own, typical)
        variance = np.maximum(np.maximum(self.scale**2, finest), self.scale**2 + own - typical)
        floor = _RELATIVE_FLOOR * np.abs(zeroed(expected)) + 1e-12
        return np.sqrt(np.maximum(variance, floor**2))

    def tail(self) -> Array:
        """How heavy the tail of each feature's deviations is: the fourth root of their fourth moment.

        Never lighter than a normal distribution's.
        """
        return np.maximum(self.fourth**0.25, _TAIL_NORMAL)

    def surprise(self, values: Array, errors: Array, season: int) -> Array:
        """Signed deviation in units of the feature's own tail; NaN where nothing can be said."""
        expected = self.expected(season)
        found = (values - expected) / self.deviation(expected, errors) / self.tail()
        apart = values - self._offset(season)
        known = np.where(found > 0, apart <= self.highs[0], apart >= self.lows[-1])
        return np.where(known, _KNOWN_WEIGHT * found, found)

    def limits(self, surprise: float | Array, errors: Array, season: int) -> tuple[Array, Array]:
        """The values below and above which each feature is more surprising than this."""
        expected, offset = self.expected(season), self._offset(season)
        swing = surprise * self.tail() * self.deviation(expected, errors)
        low, high = (
            np.clip(side + offset, expected - swing / _KNOWN_WEIGHT, expected + swing / _KNOWN_WEIGHT)
            for side in (self.lows[-1], self.highs[0])
        )
        return np.minimum(low, expected - swing), np.maximum(high, expected + swing)

    def _offset(self, season: int) -> Array:
        """What of a value is its season's, where seasons tell more than the level alone."""
        chosen = self._chosen(season)
        return np.where((chosen == _SEASON) | (chosen == _OFFSET), self.offset[season], 0.0)

    def admit(self, values: Array, errors: Array, season: int, suspect: Mask, step: Mask) -> None:
        """Learn from one partition.

        Suspect values, which raised a loud alarm, don't move the baseline, and values of few rows
        move it little; at a ``step`` the level jumps to the value.
        """
        here = ~np.isnan(values)
        values = np.where(here, values, 0.0)
        forecasts = self.forecasts(season)
        best = self._best(forecasts, season)
        wide = self.deviation(best, errors)
        known = here & (self.count >= LEARNED_AFTER)
        cut = np.where(suspect, 0.0, _CUT * wide)
        bound = known & ~step
        cut = np.where(bound, cut, np.inf)
        wrong = np.clip(values - forecasts, -cut, cut)
        wrong = np.where(bound, self._weight(errors), 1.0) * wrong
        started = here & (self.count > 0)
        self._score(wrong, started, season)
        self._scale(values - best, wide, errors, known & ~suspect, here & ~(suspect & ~step))
        moved = np.where(step & known, values - best, 0.0)
        self._reach(values - self._offset(season), here & (~suspect | step))
        self._move(values, wrong, here, season, moved)

    def _weight(self, errors: Array) -> Array:
        """How much a value says beside usual ones: the usual sampling variance over its own, at most 1."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(errors > 0, self.error / errors, 1.0)
        return np.minimum(ratio, 1.0) ** 2

    def _score(self, wrong: Array, started: Mask, season: int) -> None:
        size = np.abs(wrong)
        met = started & (self.seen[season] >= 1)
        valid = np.stack((started, met, met, started))
        mixed = np.where(np.isnan(self.off), size, self.off + _ERROR_DECAY * (size - self.off))
        self.off = np.where(valid, mixed, self.off)

    def _scale(self, miss: Array, wide: Array, errors: Array, usual: Mask, here: Mask) -> None:
        count = self.count + 1.0
        errors = zeroed(errors)
        self.error = np.where(
            here, self.error + np.maximum(1 / count, 0.1) * (errors - self.error), self.error
        )
        first = here & (count == LEARNED_AFTER)
        seed = _MEAN_TO_DEVIATION * zeroed(reduce(np.fmin, self.off))
        self.scale = np.where(first, np.maximum(seed, 0.0), self.scale)
        size = np.minimum(np.abs(zeroed(miss)), 5.0 * np.maximum(wide, 1e-300)) * _MEAN_TO_DEVIATION
        gain = np.maximum(1.0 / count, _SCALE_DECAY)
        self.scale = np.where(usual, self.scale + gain * (size - self.scale), self.scale)
        ratio = np.minimum(np.abs(zeroed(miss)) / wide, _TAIL_CUT) ** 4
        gain = np.maximum(1.0 / (np.maximum(count - LEARNED_AFTER, 0.0) + _TAIL_PRIOR[0]), _TAIL_DECAY)
        self.fourth = np.where(usual, self.fourth + gain * (ratio - self.fourth), self.fourth)

    def _reach(self, apart: Array, learned: Mask) -> None:
        """Keep the few smallest and largest values."""
        self.highs = np.sort(np.vstack((self.highs, np.where(learned, apart, -np.inf))), axis=0)[1:]
        self.lows = np.sort(np.vstack((self.lows, np.where(learned, apart, np.inf))), axis=0)[:-1]

    def _move(self, values: Array, wrong: Array, here: Mask, season: int, moved: Array) -> None:
        again = (moved != 0.0).astype(np.float64)
        count, seen = self.count + 1.0, self.seen[season] + 1.0

        def gain(n: Array, least: float) -> Array:
            return np.where(here, np.maximum(np.maximum(1.0 / n, least), again), 0.0)

        self.slow = self.slow + gain(count, 0.06) * wrong[_SLOW]
        self.season += moved  # every season moves along
        self.season[season] += (
            gain(seen, 0.3)
            * (1.0 - again)
            * np.where(seen == 1, values - self.season[season], wrong[_SEASON])
        )
        apart = gain(count, 0.15) * wrong[_OFFSET]
        self.level = self.level + apart
        mild = np.where(here, np.maximum(1.0 / (seen + 1.0), 0.15), 0.0)
        self.offset[season] += mild * (wrong[_OFFSET] - apart) * (1.0 - again)
        self.holt = np.where(here, self.holt + self.slope + gain(count, 0.4) * wrong[_SLOPE], self.holt)
        steeper = 0.95 * self.slope + 0.04 * wrong[_SLOPE]
        self.slope = np.where(here & (count > 2), steeper * (1.0 - again), self.slope)
        self.count = np.where(here, count, self.count)
        self.seen[season] = np.where(here, seen, self.seen[season])
