"""Columns that are the sum of three or more others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from interlock.detect.mining import rounding
from interlock.detect.mining.sample import Array, Sample
from interlock.profiles.dependency import Dependency, Form

_TERMS_MAX = 6
_BESIDE = 24  # of a wide table: columns on either side that are tried
_KNOWN = 0.9  # of the rows that have the sum: those that have a term
_ROUNDS = 4  # of a fit without the rows that broke the one before
_ROWS_EACH = 3  # rows for each column tried


def sums(sample: Sample, told: Collection[str]) -> Iterator[Dependency]:
    """c = α·a + β·b + … + γ of three to six terms, the last columns of the table first.

    ``told`` are columns computed from others, which can be a term only through those.
    """
    found: set[str] = set(told)
    names = [n for n in sample.numbers if n not in found]
    for at in range(len(names) - 1, -1, -1):
        others = [n for n in names[max(at - _BESIDE, 0) : at + _BESIDE] if n not in found and n != names[at]]
        sum_ = _sum(sample, names[at], others)
        if sum_ is not None:
            found.add(names[at])
            yield sum_


def _sum(sample: Sample, of: str, others: Sequence[str]) -> Dependency | None:
    here = sample.known[of]
    terms = [n for n in others if np.sum(sample.known[n] & here) >= _KNOWN * here.sum()]
    here = np.logical_and.reduce([here, *(sample.known[n] for n in terms)])
    if len(terms) < 3 or here.sum() < max(_ROWS_EACH * (len(terms) + 1), 20):
        return None
    x, y = np.stack([sample.values[n][here] for n in terms]), sample.values[of][here]
    spread, slack = x.std(axis=1), rounding.slack(y)
    if not np.all(spread > 0) or not np.ptp(y):
        return None
    factors = _fitted(x / spread[:, None], y, slack)[:-1] / spread
    chosen = [i for i in range(len(terms)) if abs(factors[i]) * spread[i] > max(slack, 1e-3 * y.std())]
    if not 3 <= len(chosen) <= _TERMS_MAX:
        return None
    chosen = _needed(x, y, chosen, slack)
    if len(chosen) < 3:
        return None
    factors, constant = rounding.simplest(y, x[chosen], _fitted(x[chosen], y, slack)[:-1], slack)
    off = np.abs(y - (np.array(factors) @ x[chosen] + constant))
    if not rounding.holds(off <= slack, y):
        return None
    columns = (of, *(terms[i] for i in chosen))
    return Dependency(
        Form.LINEAR, columns, (*factors, constant, rounding.widened(off, rounding.tolerance(y)))
    )


def _needed(x: Array, y: Array, chosen: list[int], slack: float) -> list[int]:
    """Without the terms that as many rows can do without."""

    def held(terms: list[int]) -> float:
        factors = _fitted(x[terms], y, slack)
        return float(np.mean(np.abs(y - factors[:-1] @ x[terms] - factors[-1]) <= slack))

    share = held(chosen)
    for term in list(chosen):
        fewer = [t for t in chosen if t != term]
        if fewer and held(fewer) >= share:
            chosen = fewer
    return chosen


def _fitted(x: Array, y: Array, slack: float) -> Array:
    """Least squares with a constant, again and again without the rows far from it; (terms + 1)."""
    rows = np.vstack([x, np.ones(x.shape[1])]).T
    kept = np.ones(len(y), dtype=bool)
    for _ in range(_ROUNDS):
        factors: Array = np.linalg.lstsq(rows[kept], y[kept], rcond=None)[0]
        off = np.abs(y - rows @ factors)
        kept = off <= max(3 * float(np.median(off)), 3 * slack)
    return factors
