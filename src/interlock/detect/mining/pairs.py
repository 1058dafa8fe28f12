"""What two columns have to do with each other: equality, order, emptiness, likeness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from interlock.detect.mining.sample import Sample
from interlock.engines.schema import Kind
from interlock.profiles.dependency import Dependency, Form

LEAST = 20  # rows in which both have a value
EQUAL_SHARE = 0.95
ORDER_SHARE = 0.9
_BY_CHANCE_MAX = 0.3  # of the breaks that a pairing by chance would show
_BY_CHANCE_LEAST = 0.02
_ALIKE_SHARE = 0.8
_ALIKE_MATES = 2  # a column
_NEIGHBOURS = 24  # of a wide table each column is compared with as many that follow it
_EVERY_MAX = 40  # columns of which every pair is compared


def neighbours(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of columns: all, or in a wide table those that stand near each other."""
    if len(names) <= _EVERY_MAX:
        yield from combinations(names, 2)
        return
    for i, first in enumerate(names):
        for second in names[i + 1 : i + 1 + _NEIGHBOURS]:
            yield first, second


def equal(sample: Sample) -> Iterator[Dependency]:
    """Two columns that hold the same value."""
    for kinds in ((Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL), (Kind.TEXT,), (Kind.DATE,), (Kind.TIMESTAMP,)):
        for a, b in neighbours([c for c in sample.of(*kinds) if sample.codes[c].max(initial=-1) > 0]):
            both = sample.known[a] & sample.known[b]
            if both.sum() < LEAST:
                continue
            x, y = sample.values[a], sample.values[b]
            if np.mean((x == y)[both]) >= EQUAL_SHARE and np.mean((x == y[sample.other])[both]) < 0.7:
                yield Dependency(Form.EQUAL, (a, b))


def ordered(sample: Sample) -> Iterator[Dependency]:
    """Numbers, and moments of one kind, of which one is never above the other though it could be."""
    for form, names in (
        (Form.ORDER, sample.numbers),
        *((Form.BEFORE, sample.of(k)) for k in (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)),
    ):
        for a, b in neighbours(names):
            both = sample.known[a] & sample.known[b]
            if both.sum() < LEAST:
                continue
            for low, high in ((a, b), (b, a)):
                broken = _above(sample, low, high, both)
                if broken <= 1 - ORDER_SHARE and not _by_chance(sample, low, high, both, broken):
                    yield Dependency(form, (low, high))
                    break


def _above(sample: Sample, low: str, high: str, both: np.ndarray) -> float:
    return float(np.mean((sample.values[low] > sample.values[high])[both]))


def _by_chance(sample: Sample, low: str, high: str, both: np.ndarray, broken: float) -> bool:
    """Whether columns that have nothing to do with each other would keep the order as well."""
    x, y = sample.values[low][both], sample.values[high][both]
    chance = float(np.mean(x > y[np.random.default_rng(len(y)).permutation(len(y))]))
    return chance < _BY_CHANCE_LEAST or broken > _BY_CHANCE_MAX * chance


def emptied(sample: Sample) -> Iterator[Dependency]:
    """A column that has no value wherever another has none."""
    empty = {c: np.logical_not(known) for c, known in sample.known.items()}
    names = [c for c, e in empty.items() if 3 <= e.sum() < sample.rows]
    for a, b in neighbours(names):
        for first, second in ((a, b), (b, a)):
            both = empty[first] & empty[second]
            usual = float(np.mean(empty[second]))
            if both.sum() >= max(3, 0.98 * empty[first].sum()) and usual < 0.9:
                yield Dependency(Form.EMPTY, (first, second))


def alike(sample: Sample) -> Iterator[Dependency]:
    """For each number those that are high in the rows in which it is high; a shuffled column loses them."""
    names = sample.numbers[:_EVERY_MAX]
    if not names or sample.rows < LEAST:
        return
    middles = {c: float(np.nanmedian(sample.values[c])) for c in names}
    found: dict[str, list[tuple[float, str]]] = {c: [] for c in names}
    for a, b in neighbours(names):
        both = sample.known[a] & sample.known[b]
        high_a, high_b = sample.values[a] > middles[a], sample.values[b] > middles[b]
        if both.sum() < LEAST or not (0.1 < high_a[both].mean() < 0.9 and 0.1 < high_b[both].mean() < 0.9):
            continue
        share = float(np.mean((high_a == high_b)[both]))
        if share >= _ALIKE_SHARE:
            found[a].append((share, b))
            found[b].append((share, a))
    told = set()
    for name, mates in found.items():
        for _, mate in sorted(mates, reverse=True)[:_ALIKE_MATES]:
            first, second = sorted((name, mate))
            if (first, second) not in told:
                told.add((first, second))
                yield Dependency(Form.ALIKE, (first, second), (middles[first], middles[second]))
