"""Columns that nearly follow from another: a line, and how far from it rows lie."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from interlock.detect.mining import band, rounding
from interlock.detect.mining.arithmetic import LEAST
from interlock.detect.mining.pairs import neighbours
from interlock.detect.mining.sample import Sample
from interlock.profiles.dependency import Dependency, Form


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
    if width <= rounding.tolerance(y):
        return None  # computed, not near
    return width / spread, [(_short(slope), _short(constant), _short(w)) for w in (width, bulk)]


def _short(value: float) -> float:
    return float(f"{value:.6g}")
