"""Columns that others determine: rows alike in these are alike in that."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

from interlock.detect.mining import band
from interlock.detect.mining.sample import Sample
from interlock.engines.schema import Kind
from interlock.profiles.dependency import Dependency, Form, Parameter

HELD_SHARE = 0.95  # of the rows that share a group
_ROWS_LEAST = 30  # rows in groups of two or more, and at least
_SHARED_LEAST = 0.3  # of all rows
_BY_CHANCE_MAX = 0.25  # of the rows that would break it by chance, those that do
_BY_CHANCE_LEAST = 0.03  # of the rows, that would
_COLUMNS_MAX = 40
_PAIRED_MAX = 8  # columns of which pairs are tried, and as many of few values
_FEW = 12  # values
_GROUPS_MAX = 64  # of a column whose values are written down, the most frequent
_GROUP_ROWS = 4
_BANDS_MAX = 16  # values of a column that names spans of numbers
_QUOTED = (Kind.TEXT, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
_VALUES_MAX = 0.8  # distinct values over rows, above which a column names rows


def determined(sample: Sample) -> Iterator[Dependency]:
    """Single columns first; a pair only where neither of the two is enough."""
    if sample.rows < _ROWS_LEAST:
        return
    codes = {c: v for c, v in sample.codes.items() if v.max(initial=-1) >= 1}
    names = list(codes)[:_COLUMNS_MAX]
    by = [c for c in names if 2 <= codes[c].max() + 1 <= _VALUES_MAX * sample.rows and _named(sample, c)]
    told: dict[str, list[frozenset[str]]] = {c: [] for c in names}
    texts = set(sample.of(Kind.TEXT))
    paired = sorted(by, key=lambda c: (c not in texts, -codes[c].max()))[:_PAIRED_MAX]
    few = [c for c in by if codes[c].max() < _FEW][-_PAIRED_MAX:]
    pairs = dict.fromkeys(tuple(sorted(p)) for some in (paired, few) for p in combinations(some, 2))
    candidates = [*((c,) for c in by), *pairs]
    for determinants in candidates:
        group = _group([codes[c] for c in determinants])
        for of in names:
            if of in determinants or any(t <= set(determinants) for t in told[of]):
                continue
            if _holds(group, codes[of], sample.other):
                told[of].append(frozenset(determinants))
                yield Dependency(Form.DETERMINES, (*determinants, of))


def _named(sample: Sample, column: str) -> bool:
    """Whether values are names or counts: equal fractions are chance, and determine nothing."""
    if sample.kinds[column] not in (Kind.FLOAT, Kind.DECIMAL):
        return True
    values = sample.values[column][sample.known[column]]
    return bool(np.all(values == np.floor(values)))


def mapped(sample: Sample) -> Iterator[Dependency]:
    """Columns of which each value of another has its own, value by value."""
    codes = {c: v for c, v in sample.codes.items() if 2 <= v.max(initial=-1) + 1 <= sample.rows / 4}
    names = [c for c in codes if sample.kinds[c] in _QUOTED][:_COLUMNS_MAX]
    for by in (c for c in names if _named(sample, c)):
        for of in names:
            if of != by and _holds(codes[by], codes[of], sample.other):
                pairs = _usual(sample, by, of)
                if len(pairs) >= 4:
                    yield Dependency(Form.MAPPED, (of, by), pairs)


def _usual(sample: Sample, by: str, of: str) -> tuple[Parameter, ...]:
    """The most frequent values of ``by``, each followed by the one of ``of`` that it nearly always has."""
    here = sample.known[by] & sample.known[of]
    values, group = np.unique(sample.values[by][here], return_inverse=True)
    found: list[Parameter] = []
    for i in np.argsort(-np.bincount(group), kind="stable")[:_GROUPS_MAX]:
        theirs, counts = np.unique(sample.values[of][here][group == i], return_counts=True)
        if counts.sum() >= _GROUP_ROWS and counts.max() >= 0.9 * counts.sum():
            found += [_plain(values[i]), _plain(theirs[counts.argmax()])]
    return tuple(found)


def grouped(sample: Sample) -> Iterator[Dependency]:
    """For each number the column whose groups say most about it, where they say enough."""
    codes = {c: v for c, v in sample.codes.items() if 2 <= v.max(initial=-1) + 1 <= sample.rows / 4}
    by_columns = [c for c in codes if sample.kinds[c] in _QUOTED and _named(sample, c)][:_COLUMNS_MAX]
    for of in sample.numbers[:_COLUMNS_MAX]:
        best: tuple[float, list[Dependency]] = (band.SHARE_MAX, [])
        for by in by_columns:
            found = _around(sample, by, of) if by != of else None
            if found is not None and found[0] < best[0]:
                best = found
        yield from best[1]


def _around(sample: Sample, by: str, of: str) -> tuple[float, list[Dependency]] | None:
    """The groups' middles with two widths; the first over the column's own spread."""
    here = sample.known[by] & sample.known[of]
    values, group = np.unique(sample.values[by][here], return_inverse=True)
    numbers = sample.values[of][here]
    if len(numbers) < 3 * _ROWS_LEAST:
        return None
    sizes = np.bincount(group)
    kept = [i for i in np.argsort(-sizes, kind="stable")[:_GROUPS_MAX] if sizes[i] >= _GROUP_ROWS]
    if len(kept) < 2 or sizes[kept].sum() < 0.5 * len(numbers):
        return None
    middles = {i: float(np.median(numbers[group == i])) for i in kept}
    off = np.abs(np.concatenate([numbers[group == i] - middles[i] for i in kept]))
    spread = band.spread(numbers)
    width, bulk = band.widths(off)
    if not spread or not width or len(set(middles.values())) < 2:
        return None
    pairs = [p for i in kept for p in (_plain(values[i]), float(f"{middles[i]:.6g}"))]
    widths = {float(f"{w:.6g}") for w in (width, bulk) if w > 0}
    return width / spread, [Dependency(Form.GROUPED, (of, by), (w, *pairs)) for w in sorted(widths)]


def banded(sample: Sample) -> Iterator[Dependency]:
    """Columns of few values that each go with numbers between two limits, and with no others."""
    coded = {
        c: v
        for c, v in sample.codes.items()
        if sample.kinds[c] in _QUOTED and 2 <= v.max(initial=-1) + 1 <= _BANDS_MAX
    }
    for of in list(coded)[:_COLUMNS_MAX]:
        for by in sample.numbers[:_COLUMNS_MAX]:
            if by != of and (pairs := _bands(sample, of, by)):
                yield Dependency(Form.BANDED, (of, by), pairs)


def _bands(sample: Sample, of: str, by: str) -> tuple[Parameter, ...]:
    """Values of ``of`` with the limits of nearly all numbers beside each; nothing where they overlap."""
    here = sample.known[of] & sample.known[by]
    if here.sum() < 3 * _ROWS_LEAST:
        return ()
    values, group = np.unique(sample.values[of][here], return_inverse=True)
    numbers, sizes = sample.values[by][here], np.bincount(group)
    if len(np.unique(numbers)) <= 2 * len(values):
        return ()
    kept = [i for i in range(len(values)) if sizes[i] >= _GROUP_ROWS]
    if sizes[kept].sum() < HELD_SHARE * len(numbers):
        return ()
    limits = {i: np.quantile(numbers[group == i], (0.01, 0.99), method="nearest") for i in kept}
    kept.sort(key=lambda i: float(limits[i][0]))
    if len(kept) < 2 or any(limits[a][1] >= limits[b][0] for a, b in pairwise(kept)):
        return ()
    return tuple(p for i in kept for p in (_plain(values[i]), *map(float, limits[i])))


def _plain(value: object) -> Parameter:
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def _group(codes: list[np.ndarray]) -> np.ndarray:
    """One number for each combination; -1 where any is missing."""
    found = codes[0].copy()
    for more in codes[1:]:
        missing = (found < 0) | (more < 0)
        found = found * (more.max() + 1) + more
        found[missing] = -1
    return found


def _holds(group: np.ndarray, of: np.ndarray, other: np.ndarray) -> bool:
    here = (group >= 0) & (of >= 0)
    share, rows = _agreeing(group[here], of[here])
    if rows < max(_ROWS_LEAST, _SHARED_LEAST * here.sum()) or share < HELD_SHARE:
        return False
    mixed = of[other]
    there = (group >= 0) & (mixed >= 0)
    chance = 1 - _agreeing(group[there], mixed[there])[0]
    return chance >= _BY_CHANCE_LEAST and 1 - share <= _BY_CHANCE_MAX * chance


def _agreeing(group: np.ndarray, of: np.ndarray) -> tuple[float, int]:
    """Of the rows in groups of two or more: the share that has its group's usual value, and how many."""
    if not len(group):
        return 0.0, 0
    _, group = np.unique(group, return_inverse=True)
    sizes = np.bincount(group)
    pairs, counts = np.unique(group * (of.max() + 1) + of, return_counts=True)
    most = np.zeros(len(sizes), dtype=np.int64)
    np.maximum.at(most, pairs // (of.max() + 1), counts)
    shared = sizes >= 2
    rows = int(sizes[shared].sum())
    return (float(most[shared].sum() / rows), rows) if rows else (0.0, 0)
