"""The odds that something never seen happens by chance, as natural logarithms."""

from __future__ import annotations

import math

import numpy as np

from interlock.detect.features import Array

CHANCE = 2e-3  # a break this unlikely scores 1
SCORE_MAX = 20.0


def score(log_odds: Array | float) -> Array:
    """Surprise in multiples of `CHANCE`'s, 0 … `SCORE_MAX`."""
    return np.clip(np.asarray(log_odds) / math.log(CHANCE), 0.0, SCORE_MAX)


def never_seen(count: Array, rows: Array, known: Array, chance: Array | float = 0.0) -> Array:
    """Log odds of ``count`` rows of a kind that ``known`` rows before never held, in ``rows`` rows.

    The rule of three bounds the unseen rate at 3 / known with 95% confidence, or it is ``chance`` if that is more;
    the Poisson tail at that rate is bounded by Chernoff: (eλ/c)^c e^-λ.
    """
    rate = np.maximum(3.0 / np.maximum(known, 1.0), chance) * rows
    return poisson_tail(count, rate)


def poisson_tail(count: Array, rate: Array) -> Array:
    """Upper bound on log P(X ≥ count) for X ~ Poisson(rate); 0 where count ≤ rate."""
    count, rate = np.asarray(count, dtype=np.float64), np.maximum(rate, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = count * (1.0 + np.log(rate / count)) - rate
    one = np.log(-np.expm1(-rate))  # exact for a single row
    return np.where(count > rate, np.where(count <= 1.0, one, np.minimum(bound, one)), 0.0)


def record(beyond: Array, spread: Array, seen: Array) -> Array:
    """Log odds of breaking the record of ``seen`` values by ``beyond``, for a tail of scale ``spread``.

    The chance of a record at all is 1 / (seen + 1); past it an exponential tail
    falls by e each ``spread``.
    """
    return np.where(beyond > 0, -np.log(seen + 1.0) - beyond / np.maximum(spread, 1e-300), 0.0)
