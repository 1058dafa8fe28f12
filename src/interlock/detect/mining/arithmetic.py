"""Columns that are computed from others: sums, products, other units; and those that nearly are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from interlock.detect.mining import band
from interlock.detect.mining.pairs import neighbours
from interlock.detect.mining.sample import Sample
from interlock.profiles.dependency import Dependency, Form

LEAST = 20  # rows in which all have a value
HELD_SHARE = 0.92  # of the rows; some of the first partitions may be bad
_ROWS = 400  # a formula is tried on so many first
_TRIES = 12  # triples of rows through which a plane is laid
_COLUMNS_MAX = 14  # of a wider table triples are looked for among neighbours
_WINDOW = 6
_DIGITS = 6
_FINE = 0.01  # of the column's spread: what rounding blurs more could be a copy of much


def computed(sample: Sample) -> Iterator[Dependency]:
    """c = α·a + γ, c = α·a + β·b + γ and c = k·a·b, up to rounding."""
    told: set[str] = set()
    for a, b in neighbours(sample.numbers):
        for found in _copies(sample, a, b):
            told.add(found.columns[0])
            yield found
    for triple in _triples([c for c in sample.numbers if c not in told]):
        yield from _of_three(sample, triple)


def _triples(names: list[str]) -> Iterator[tuple[str, str, str]]:
    if len(names) <= _COLUMNS_MAX:
        yield from combinations(names, 3)
        return
    for i in range(len(names)):
        yield from ((names[i], *two) for two in combinations(names[i + 1 : i + _WINDOW], 2))


def _copies(sample: Sample, a: str, b: str) -> Iterator[Dependency]:
    """b in another unit than a."""
    both = sample.known[a] & sample.known[b]
    if both.sum() < LEAST:
        return
    x, y = sample.values[a][both][:_ROWS], sample.values[b][both][:_ROWS]
    if not np.ptp(x) or not np.ptp(y) or np.mean(x == y) >= HELD_SHARE:
        return
    tolerance = _tolerance(y)
    if tolerance > _FINE * np.ptp(y):
        return
    slope, constant = _middle_line(x, y)
    for _ in range(3):  # without the rows that break it
        near = np.abs(y - (slope * x + constant))
        kept = near <= max(3 * np.median(near), 3 * tolerance)
        if not np.ptp(x[kept]):
            return
        slope, constant = np.polyfit(x[kept], y[kept], 1)
    factor, constant = _nice(float(slope)), _nice(float(constant), of=float(np.abs(y).max()))
    if np.mean(np.abs(y - (factor * x + constant)) <= tolerance) >= HELD_SHARE:
        yield Dependency(Form.LINEAR, (b, a), (factor, constant, tolerance))


def _middle_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The line of the median slope between two rows (Theil and Sen, over pairs half the rows apart)."""
    half = len(x) // 2
    run, rise = x[half : 2 * half] - x[:half], y[half : 2 * half] - y[:half]
    slope = float(np.median(rise[run != 0] / run[run != 0])) if np.any(run) else 0.0
    return slope, float(np.median(y - slope * x))


def _of_three(sample: Sample, names: tuple[str, str, str]) -> Iterator[Dependency]:
    together = np.logical_and.reduce([sample.known[n] for n in names])
    if together.sum() < LEAST:
        return
    values = np.stack([sample.values[n][together][:_ROWS] for n in names])
    if not np.all(np.ptp(values, axis=1) > 0):
        return
    found = _plane(names, values) or _product(names, values)
    if found is not None:
        yield found


def _plane(names: tuple[str, str, str], values: np.ndarray) -> Dependency | None:
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
        return None
    offsets = normals @ values
    middle = np.median(offsets, axis=1, keepdims=True)
    scale = 1e-6 * np.abs(normals) @ np.abs(values).max(axis=1)
    coarse = np.mean(np.abs(offsets - middle) <= scale[:, None] + 1e-9, axis=1)
    best = int(coarse.argmax())
    if coarse[best] < HELD_SHARE:
        return None
    return _solved(names, values, normals[best], float(middle[best, 0]))


def _solved(
    names: tuple[str, str, str], values: np.ndarray, normal: np.ndarray, offset: float
) -> Dependency | None:
    """The plane as one column computed from the others: the one whose factors read best."""
    written = []
    for c in range(3):
        a, b = (i for i in range(3) if i != c)
        factors = _nice(-normal[a] / normal[c]), _nice(-normal[b] / normal[c])
        constant = _nice(offset / normal[c], of=float(np.abs(values[c]).max()))
        tolerance = _tolerance(values[c])
        expected = factors[0] * values[a] + factors[1] * values[b] + constant
        if np.mean(np.abs(values[c] - expected) <= tolerance) >= HELD_SHARE:
            plain = sum(len(f"{f:.6g}") for f in factors) + sum(abs(f) < 1 for f in factors)
            written.append(((plain, c), (names[c], names[a], names[b]), (*factors, constant, tolerance)))
    if not written:
        return None
    _, columns, parameters = min(written)
    return Dependency(Form.LINEAR, columns, parameters)


def _product(names: tuple[str, str, str], values: np.ndarray) -> Dependency | None:
    if np.any(np.median(np.abs(values), axis=1) == 0):
        return None
    for c in (2, 1, 0):
        a, b = (i for i in range(3) if i != c)
        by = values[a] * values[b]
        here = by != 0
        if (
            here.sum() < LEAST
            or len(np.unique(np.abs(values[a]))) < 2
            or len(np.unique(np.abs(values[b]))) < 2
        ):
            continue
        factor = _nice(float(np.median(values[c][here] / by[here])))
        tolerance = _tolerance(values[c])
        near = np.abs(values[c] - factor * by) <= tolerance + 1e-6 * np.abs(factor * by)
        if factor and np.mean(near) >= HELD_SHARE:
            return Dependency(Form.PRODUCT, (names[c], names[a], names[b]), (factor, tolerance))
    return None


def near(sample: Sample, computed_already: frozenset[str]) -> Iterator[Dependency]:
    """For each other number the one that says most about it, where it says enough."""
    names = sample.numbers[:40]
    best: dict[str, tuple[float, list[Dependency]]] = {}
    for a, b in neighbours(names):
        both = sample.known[a] & sample.known[b]
        if both.sum() < 3 * LEAST:
            continue
        for of, by in ((a, b), (b, a)):
            if of in computed_already:
                continue
            found = _band(sample.values[by][both], sample.values[of][both])
            if found is not None and found[0] < best.get(of, (band.SHARE_MAX,))[0]:
                best[of] = found[0], [Dependency(Form.NEAR, (of, by), line) for line in found[1]]
    for _, dependencies in best.values():
        yield from dependencies


def _band(x: np.ndarray, y: np.ndarray) -> tuple[float, list[tuple[float, ...]]] | None:
    """A line, the width that nearly all rows keep to and that of the bulk; the first over the values' own spread."""
    spread = band.spread(y)
    if not np.ptp(x) or not spread or abs(np.corrcoef(x, y)[0, 1]) < 0.5:
        return None
    slope, constant = np.polyfit(x, y, 1)
    off = np.abs(y - (slope * x + constant))
    kept = off <= np.quantile(off, 0.95)
    if not np.ptp(x[kept]):
        return None
    slope, constant = np.polyfit(x[kept], y[kept], 1)
    off = np.abs(y - (slope * x + constant))
    width, bulk = band.widths(off)
    if width <= _tolerance(y):
        return None  # computed, not near
    return width / spread, [(_short(slope), _short(constant), _short(w)) for w in (width, bulk)]


def _tolerance(values: np.ndarray) -> float:
    """What rounding the column may move a value by: half its last digit, or a millionth of its size."""
    size = float(np.abs(values).max())
    for digits in range(_DIGITS):
        scaled = values * 10.0**digits
        if np.mean(np.abs(scaled - np.round(scaled)) <= 1e-6 * max(size * 10.0**digits, 1.0)) >= HELD_SHARE:
            return float(0.5000001 * 10.0**-digits) if digits else 0.5000001
    return 1e-6 * max(size, 1e-6)


def _nice(value: float, of: float = 0.0) -> float:
    """The number meant: short if one is as near as floating point tells apart."""
    if abs(value) < 1e-7 * max(of, 1e-3):
        return 0.0
    for digits in range(9):
        short = round(value, digits)
        if abs(short - value) <= 1e-6 * max(abs(value), 1e-4 * of):
            return float(short)
    return float(f"{value:.9g}")


def _short(value: float) -> float:
    return float(f"{value:.6g}")
