"""One alarm threshold per table, from how loud its own past was.

Each past partition has one number: the largest surprise of any feature, scored
by the partitions before it, nearly Gumbel as a maximum of many. Location and
scale come from the median and the upper quartile, so that a few bad partitions
among them, even a quarter, do not move the threshold far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MEMORY = 180  # partitions the threshold is set from
FALSE_ALARMS = 1 / 75  # aimed at, per partition
_PRIOR = 20.0  # weight of what is assumed before a table has a past, in partitions
_PRIOR_SCALE = 0.17


@dataclass(frozen=True, slots=True)
class Gumbel:
    """How the largest surprise of a clean partition is distributed."""

    location: float
    scale: float

    def exceeded(self, share: float) -> float:
        """The surprise that this share (0 … 1) of clean partitions passes."""
        return self.location + self.scale * _gumbel(1 - share)

    def share_beyond(self, surprise: float) -> float:
        """The share (0 … 1) of clean partitions whose largest surprise passes ``surprise``."""
        return -math.expm1(-math.exp(min((self.location - surprise) / self.scale, 50.0)))


def fit(loudest: Sequence[float], features: int) -> Gumbel:
    """The distribution, from each past partition's largest surprise over ``features`` features."""
    past = np.asarray([x for x in loudest if x > 0], dtype=np.float64)
    location, scale = _prior(features)
    if past.size >= 5:
        past.sort()
        middle, upper = past[int(0.5 * past.size)], past[int(0.75 * past.size)]
        seen = past.size / (past.size + _PRIOR)
        spread = max(float(upper - middle) / (_gumbel(0.75) - _gumbel(0.5)), 0.05)
        scale = (1 - seen) * scale + seen * spread
        where = (1 - seen) * (location + scale * _gumbel(0.5)) + seen * float(middle)
        location = where - scale * _gumbel(0.5)
    return Gumbel(location, scale)


def threshold(loudest: Sequence[float], features: int, share: float = FALSE_ALARMS) -> float:
    """The surprise at which a partition is alarmed about, passed by this share of clean ones; ≥ 1 in tail units."""
    return fit(loudest, features).exceeded(share)


def _gumbel(p: float) -> float:
    return -math.log(-math.log(p))


def _prior(features: int) -> tuple[float, float]:
    """Location and scale of log max |z| over as many independent normal features, in tail units."""
    largest = math.sqrt(2 * math.log(max(features, 2))) / 3**0.25
    return 1.1 * largest, _PRIOR_SCALE * largest
