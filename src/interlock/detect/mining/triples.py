"""Which three columns may be a formula: every two sources are tried on a few rows, for all other columns at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from interlock.detect.mining import rounding
from interlock.detect.mining.sample import Array, Sample

_EVERY_MAX = 40  # columns of which every two are tried; of a wider table those that stand near each other
_BESIDE = 12  # columns that stand near each other
_ROWS = 32  # that two sources are tried on
_ROWS_LEAST = 12  # of them with a value
_TRIES = 6  # formulas laid through a few of them
_HELD = 0.85  # of them
_ROUNDED = 5.0  # times: what rounding the sources adds to the slack of a formula through three rows
_MATTERS = 1e-3  # of the column's spread: what a source moves at least


def likely(sample: Sample, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Triples in which one column may be α·a + β·b + γ, k·a·b or k·a/b, each once, in the table's order."""
    told: set[tuple[str, ...]] = set()
    for block in _blocks(names):
        values = np.stack([sample.values[n] for n in block])
        slack = np.array([rounding.slack(v[~np.isnan(v)]) for v in values])
        spread = np.nanstd(values, axis=1)
        for a, b in combinations(range(len(block)), 2):
            for c in _follow(values, slack, spread, a, b):
                triple = tuple(block[i] for i in sorted((a, b, c)))
                if triple not in told:
                    told.add(triple)
                    yield triple[0], triple[1], triple[2]


def _blocks(names: Sequence[str]) -> Iterator[list[str]]:
    if len(names) <= _EVERY_MAX:
        if len(names) >= 3:
            yield list(names)
        return
    for i in range(0, len(names) - 2, _BESIDE // 2):
        yield list(names[i : i + _BESIDE])


def _follow(values: Array, slack: Array, spread: Array, a: int, b: int) -> list[int]:
    """Places of the columns that a formula of two others gives in nearly all of a few rows."""
    at = _telling(values[a], values[b])
    if len(at) < _ROWS_LEAST:
        return []
    x, y, found = values[a, at], values[b, at], values[:, at]
    allowed = _ROUNDED * slack[:, None] + 1e-6 * np.abs(found)
    held = np.zeros(len(values), dtype=bool)
    with np.errstate(all="ignore"):
        for expected in (_planes(x, y, found, spread), *_multiples((x * y, x / y, y / x), found)):
            near = np.abs(expected - found) <= allowed
            held |= near.sum(axis=2).max(axis=0) >= np.maximum(
                _HELD * (~np.isnan(found)).sum(axis=1), _ROWS_LEAST
            )
    held[[a, b]] = False
    return [int(i) for i in np.flatnonzero(held & (spread > 0))]


def _telling(x: Array, y: Array) -> Array:
    """Rows in which both have a value, those first in which neither has its most frequent one."""
    here = np.flatnonzero(~(np.isnan(x) | np.isnan(y)))
    if len(here) < _ROWS_LEAST:
        return here
    usual = (x[here] == _mode(x[here])).astype(int) + (y[here] == _mode(y[here]))
    ordered = here[np.argsort(usual, kind="stable")]
    told = ordered[: max(int(np.sum(usual < 2)), _ROWS_LEAST)]
    spread: Array = told[np.linspace(0, len(told) - 1, min(_ROWS, len(told))).astype(int)]
    return spread


def _mode(values: Array) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def _planes(x: Array, y: Array, found: Array, spread: Array) -> Array:
    """Of every column and try what a plane through three rows expects; (tries, columns, rows)."""
    through = np.random.default_rng(len(x)).permuted(np.tile(np.arange(len(x)), (_TRIES, 1)), axis=1)[:, :3]
    corners = np.stack([np.ones_like(through, dtype=float), x[through], y[through]], axis=2)
    size = np.abs(corners).max(axis=(1, 2))
    sound = np.abs(np.linalg.det(corners)) > 1e-9 * size**2
    corners[~sound] = np.eye(3)
    factors = np.linalg.solve(corners, found[:, through].transpose(1, 2, 0))  # (tries, 3, columns)
    moved = np.abs(factors[:, 1:]) * np.array([np.std(x), np.std(y)])[None, :, None]
    told = sound[:, None] & (moved.min(axis=1) > _MATTERS * spread)
    rows = np.stack([np.ones_like(x), x, y], axis=1)
    expected: Array = np.where(told[:, :, None], (rows @ factors).transpose(0, 2, 1), np.nan)
    return expected


def _multiples(made: Sequence[Array], found: Array) -> Iterator[Array]:
    """Of every column and try k times what is made of the two sources, k from one row; (tries, columns, rows)."""
    for one in made:
        usable = np.flatnonzero(np.isfinite(one) & (one != 0))
        if len(usable) < _ROWS_LEAST or np.ptp(one[usable]) == 0:
            continue
        at = usable[np.linspace(0, len(usable) - 1, _TRIES).astype(int)]
        factors = (found[:, at] / one[at]).T
        factors[factors == 0] = np.nan
        yield factors[:, :, None] * np.where(np.isfinite(one), one, np.nan)
