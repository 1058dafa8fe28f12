"""Columns that are computed from others: other units, sums, products and ratios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from interlock.detect.mining import rounding, triples
from interlock.detect.mining.pairs import neighbours
from interlock.detect.mining.rounding import HELD_SHARE, nice
from interlock.detect.mining.sample import Array, Sample
from interlock.detect.mining.sums import sums
from interlock.profiles.dependency import Dependency, Form

LEAST = 20  # rows in which all have a value
_ROWS = 400  # a formula is tried on so many first
_TRIES = 12  # triples of rows through which a plane is laid


def computed(sample: Sample) -> Iterator[Dependency]:
    """c = α·a + γ, c = α·a + β·b + … + γ, c = k·a·b and c = k·a/b, up to rounding."""
    told: set[str] = set()
    for a, b in neighbours(sample.numbers):
        for found in _copies(sample, a, b):
            told.add(found.columns[0])
            yield found
    names = [c for c in sample.numbers if c not in told]
    of_three = [found for triple in triples.likely(sample, names) for found in _of_three(sample, triple)]
    told |= {found.columns[0] for found, always in of_three if always}
    longer = list(sums(sample, told))
    told = {found.columns[0] for found in longer}
    yield from (found for found, _ in of_three if found.columns[0] not in told)
    yield from longer


def _copies(sample: Sample, a: str, b: str) -> Iterator[Dependency]:
    """b in another unit than a."""
    both = sample.known[a] & sample.known[b]
    if both.sum() < LEAST:
        return
    x, y = sample.values[a][both][:_ROWS], sample.values[b][both][:_ROWS]
    if not np.ptp(x) or not np.ptp(y) or np.mean(x == y) >= HELD_SHARE:
        return
    tolerance = rounding.tolerance(y)
    if tolerance != rounding.slack(y):
        return
    slope, constant = _middle_line(x, y)
    for _ in range(3):  # without the rows that break it
        near = np.abs(y - (slope * x + constant))
        kept = near <= max(3 * np.median(near), 3 * tolerance)
        if not np.ptp(x[kept]):
            return
        slope, constant = np.polyfit(x[kept], y[kept], 1)
    factors, constant = rounding.simplest(y, x[None], np.array([slope]), tolerance)
    off = np.abs(y - (factors[0] * x + constant))
    if np.mean(off <= tolerance) >= HELD_SHARE:
        yield Dependency(Form.LINEAR, (b, a), (*factors, constant, rounding.widened(off, tolerance)))


def _middle_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The line of the median slope between two rows (Theil and Sen, over pairs half the rows apart)."""
    half = len(x) // 2
    run, rise = x[half : 2 * half] - x[:half], y[half : 2 * half] - y[:half]
    slope = float(np.median(rise[run != 0] / run[run != 0])) if np.any(run) else 0.0
    return slope, float(np.median(y - slope * x))


def _of_three(sample: Sample, names: tuple[str, str, str]) -> Iterator[tuple[Dependency, bool]]:
    """What holds of three columns, and whether it does in all rows; at most one formula."""
    together = np.logical_and.reduce([sample.known[n] for n in names])
    if together.sum() < LEAST:
        return
    values = np.stack([sample.values[n][together][:_ROWS] for n in names])
    if np.all(np.ptp(values, axis=1) > 0):
        found = [*_plane(names, values)] or [*_multiples(names, values)]
        yield from ((best.dependency, best.held == 1.0) for best in [max(found, default=None)] if best)


@dataclass(frozen=True, order=True)
class _Formula:
    """What one column is computed as, for the best of several to be found by comparing them."""

    held: float  # the share of rows
    plain: float  # the fewer figures its factors have, the larger
    last: int  # the column's place among the three
    dependency: Dependency = field(compare=False)

    @classmethod
    def of(cls, near: Array, factors: Sequence[float], last: int, dependency: Dependency) -> _Formula:
        figures = sum(len(f"{f:.6g}") + (abs(f) < 1) for f in factors)
        return cls(round(float(np.mean(near)), 2), -figures, last, dependency)


def _plane(names: tuple[str, str, str], values: Array) -> Iterator[_Formula]:
    """The plane through three rows that most rows lie in."""
    rows = values.shape[1]
    at = np.random.default_rng(rows).integers(0, rows, (_TRIES, 3))
    corners = values[:, at]  # (3 columns, tries, 3 rows)
    first = corners[:, :, 1:] - corners[:, :, :1]  # differences: the normal is their cross product
    normals = np.cross(first[:, :, 0].T, first[:, :, 1].T)
    size = np.linalg.norm(normals, axis=1)
    spread = values.std(axis=1)
    normals = normals[size > 0] / size[size > 0, None]
    weights = np.abs(normals) * spread
    normals = normals[weights.min(axis=1, initial=np.inf) > 1e-3 * weights.max(axis=1, initial=0.0)]
    if not len(normals):
        return
    offsets = normals @ values
    middle = np.median(offsets, axis=1, keepdims=True)
    scale = 1e-6 * np.abs(normals) @ np.abs(values).max(axis=1)
    coarse = np.mean(np.abs(offsets - middle) <= scale[:, None] + 1e-9, axis=1)
    best = int(coarse.argmax())
    if coarse[best] >= HELD_SHARE:
        yield from _solved(names, values, normals[best], float(middle[best, 0]))


def _solved(names: tuple[str, str, str], values: Array, normal: Array, offset: float) -> Iterator[_Formula]:
    """The plane as each column computed from the others."""
    for c in range(3):
        a, b = (i for i in range(3) if i != c)
        factors = nice(-normal[a] / normal[c]), nice(-normal[b] / normal[c])
        constant = nice(offset / normal[c], of=float(np.abs(values[c]).max()))
        tolerance = rounding.tolerance(values[c])
        off = np.abs(values[c] - (factors[0] * values[a] + factors[1] * values[b] + constant))
        near = off <= tolerance
        if rounding.holds(near, values[c]):
            columns = (names[c], names[a], names[b])
            found = Dependency(Form.LINEAR, columns, (*factors, constant, rounding.widened(off, tolerance)))
            yield _Formula.of(near, factors, -c, found)


def _multiples(names: tuple[str, str, str], values: Array) -> Iterator[_Formula]:
    """Each column as a multiple of the product, and of the ratio, of the two others."""
    if np.any(np.median(np.abs(values), axis=1) == 0) or any(len(np.unique(np.abs(v))) < 2 for v in values):
        values = values[:, np.all(values != 0, axis=0)]
    if values.shape[1] < LEAST or any(len(np.unique(np.abs(v))) < 2 for v in values):
        return
    for c in range(3):
        a, b = (i for i in range(3) if i != c)
        for form, first, second in ((Form.PRODUCT, a, b), (Form.RATIO, a, b), (Form.RATIO, b, a)):
            with np.errstate(divide="ignore", invalid="ignore"):
                by = (
                    values[first] * values[second] if form is Form.PRODUCT else values[first] / values[second]
                )
            here = np.isfinite(by) & (by != 0)
            if here.sum() < LEAST:
                continue
            slack, tolerance = rounding.slack(values[c]), rounding.tolerance(values[c])
            [factor], _ = rounding.simplest(
                values[c][here], by[here][None], _factor(values[c][here], by[here]), slack
            )
            off = np.abs(values[c] - factor * by)
            near = off <= slack + 1e-6 * np.abs(factor * by)
            if factor and rounding.holds(near[here], values[c][here]):
                columns = (names[c], names[first], names[second])
                parameters = (factor, rounding.widened(off[here], tolerance))
                yield _Formula.of(near[here], (factor,), c, Dependency(form, columns, parameters))


def _factor(of: Array, by: Array) -> Array:
    return np.array([nice(float(np.median(of / by)))])
