"""One alarm threshold per table for each kind of evidence, from how loud its own past was.

Each past partition has one number: the largest surprise of any feature, scored
by the partitions before it, nearly Gumbel as a maximum of many. Location and
scale come from the median and the upper quartile, so that a few bad partitions
among them, even a quarter, do not move the threshold far.

For invariants it is the largest score of any that broke, mostly none. The odds of
chance behind a score are a guess to start from; how often such a score was really
reached settles it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from interlock.detect.features import Array
from interlock.detect.odds import CHANCE

MEMORY = 180  # partitions the threshold of surprises is set from
MEMORY_BREAKS = 730  # the same for invariants, which break rarely
FALSE_ALARMS = 1 / 600  # aimed at, per partition; those that no past shows come on top (decision record 0020)
OF_SURPRISES, OF_BREAKS = 2 / 10, 1 / 10  # of the false alarms aimed at: deviations, each kind of invariant
BEYOND = 1.2  # times the threshold of deviations: most false alarms lie beyond the tail (record 0021)
OF_SWAPS = 6 / 10  # of `generous`: two columns that look like each other are no common deviation
OF_LOSSES = 2  # the same for each model's loss, which is what the data are watched for
_GENEROUS = 4  # times the usual share
_PRIOR = 20.0  # weight of what is assumed before a table has a past, in partitions
_PRIOR_SCALE = 0.17
_HEAVIER = 1.18  # the tail's scale beside that between the quartiles, on simulated clean tables
_PRIOR_BREAKS = 5.0
_SCORE_LEAST = 0.2  # what breaks invariants by less, of that a clean partition may hold some


def generous(share: float) -> float:
    """A share of partitions for what is rarely wrong: the more is accepted of all, the less it is above that."""
    return max(share, _GENEROUS * min(share, FALSE_ALARMS))


def beside_usual(share: float) -> float:
    """How much likelier than `CHANCE` a break may be to alarm; 1 from the usual share to `_GENEROUS` times it."""
    return share / min(max(share, FALSE_ALARMS), _GENEROUS * FALSE_ALARMS)


class Evidence(StrEnum):
    """Kinds of invariants, each with a threshold of its own: one kind breaks by little more often than another."""

    HELD = "held"  # what was so in every row
    LOOSE = "loose"  # what was so in every row and need not be: an order of amounts, a distance
    RARE = "rare"  # what few rows broke, broken by more
    RANGE = "range"
    NEW = "new"  # values
    GONE = "gone"  # values

    @property
    def strict(self) -> bool:
        """Whether a clean partition hardly ever breaks one at all, so that one row is news."""
        return self in (Evidence.HELD, Evidence.NEW)


WEIGHTED_AFTER = 60  # partitions; before, odds alone are the better guide
# What a score counts, by how many faults its kind finds for each false alarm (decision records 0019 and 0021).
WEIGHTS = dict.fromkeys(Evidence, 1.0) | {
    Evidence.HELD: 1.45,
    Evidence.LOOSE: 1.25,
    Evidence.RARE: 0.5,
    Evidence.NEW: 0.8,
}


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
    """The distribution, from each past partition's largest surprise over ``features`` features.

    Median and upper quartile stand for the whole tail, which is wider by `_HEAVIER`.
    """
    past = np.asarray([x for x in loudest if x > 0], dtype=np.float64)
    location, scale = _prior(features)
    if past.size >= 5:
        past.sort()
        middle, upper = past[int(0.5 * past.size)], past[int(0.75 * past.size)]
        seen = past.size / (past.size + _PRIOR)
        spread = max(float(upper - middle) / (_gumbel(0.75) - _gumbel(0.5)), 0.05)
        scale = (1 - seen) * scale + seen * spread * _HEAVIER
        where = (1 - seen) * (location + scale * _gumbel(0.5)) + seen * float(middle)
        location = where - scale * _gumbel(0.5)
    return Gumbel(location, scale)


def threshold(loudest: Sequence[float], features: int, share: float = FALSE_ALARMS) -> float:
    """The surprise at which a partition is alarmed about, passed by this share of clean ones; ≥ 1 in tail units."""
    return fit(loudest, features).exceeded(share)


@dataclass(frozen=True, slots=True)
class Breaks:
    """How often the largest score of a clean partition's broken invariants is how large.

    ``past`` are the scores of past partitions, 0 where nothing broke, in multiples
    of `odds.CHANCE`'s. The odds behind a score count as much as `_PRIOR_BREAKS` partitions.
    """

    past: Array

    def share_beyond(self, score: float) -> float:
        """The share (0 … 1) of partitions in which an invariant breaks by this score."""
        return self._share(score, float((self.past >= score).sum()))

    def exceeded(self, share: float) -> float:
        """The score that this share of clean partitions passes; not above 1, where the odds alone say it.

        Scores from 1 on were alarms, which may have been right, and do not count here.
        """
        quiet = np.sort(self.past[self.past < 1.0])[::-1]
        found = 1.0
        for score in np.arange(0.98, _SCORE_LEAST - 0.01, -0.02):
            if self._share(score, float((quiet >= score).sum())) > share:
                break
            found = float(score)
        return found

    def _share(self, score: float, reached: float) -> float:
        odds_alone = math.exp(min(score, 100.0) * math.log(CHANCE))
        return (reached + _PRIOR_BREAKS * odds_alone) / (len(self.past) + _PRIOR_BREAKS)


def _gumbel(p: float) -> float:
    return -math.log(-math.log(p))


def _prior(features: int) -> tuple[float, float]:
    """Location and scale of log max |z| over as many independent normal features, in tail units."""
    largest = math.sqrt(2 * math.log(max(features, 2))) / 3**0.25
    return 1.1 * largest, _PRIOR_SCALE * largest
