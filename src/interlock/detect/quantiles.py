"""How far sampling alone moves the quantiles of a column, for many columns at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# name, probability, and the neighbours whose distance gives the density at that quantile
_QUANTILES = (
    ("05", 0.05, 0.01, 0.25),
    ("25", 0.25, 0.05, 0.5),
    ("50", 0.5, 0.25, 0.75),
    ("75", 0.75, 0.5, 0.95),
    ("95", 0.95, 0.75, 0.99),
)


@np.errstate(over="ignore", invalid="ignore")
def errors(
    ranks: Sequence[float], values: Array, known: Array, distinct: Array
) -> list[tuple[str, Array, Array]]:
    """Name, values and standard errors of each quantile whose neighbours are among ``ranks``.

    ``values`` is (columns, ranks); ``known`` rows and ``distinct`` values run along the columns.
    An error is the larger of the asymptotic one and what a standard error of the rank would change,
    since beside a quantile there may be a gap to jump across; and no finer than the usual gap between
    neighbouring values.
    """
    ascending = np.argsort(ranks)
    shares, values = np.array(ranks)[ascending], values[:, ascending]
    at = dict(zip(shares.tolist(), values.T, strict=True))
    coarse = np.zeros(len(values))
    if 0.05 in at and 0.95 in at:
        coarse = (at[0.95] - at[0.05]) * np.maximum(0.02, 0.7 / distinct)
    found = []
    for name, p, low, high in _QUANTILES:
        if p in at and low in at and high in at:
            off = np.sqrt(p * (1 - p) / known)
            wide = off * (at[high] - at[low]) / (high - low)
            up, down = _between(shares, values, p + off) - at[p], at[p] - _between(shares, values, p - off)
            found.append((name, at[p], np.fmax(np.fmax(wide, coarse), np.fmax(up, down))))
    return found


def _between(ranks: Array, values: Array, p: Array) -> Array:
    """The value of each column at a rank of its own, from the straight line between the known ones."""
    right = np.clip(np.searchsorted(ranks, p, side="right"), 1, len(ranks) - 1)
    left, rows = right - 1, np.arange(len(values))
    low, high = values[rows, left], values[rows, right]
    between = (high - low) / (ranks[right] - ranks[left]) * (p - ranks[left]) + low
    return np.where(p < ranks[0], low, np.where(p >= ranks[-1], high, between))
