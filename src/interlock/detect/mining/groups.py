"""Columns that others determine: rows alike in these are alike in that."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from interlock.detect.mining.sample import Sample
from interlock.engines.schema import Kind
from interlock.profiles.dependency import Dependency, Form

HELD_SHARE = 0.98  # of the rows that share a group
_ROWS_LEAST = 30  # rows in groups of two or more, and at least
_SHARED_LEAST = 0.3  # of all rows
_BY_CHANCE_MAX = 0.8
_COLUMNS_MAX = 40
_PAIRED_MAX = 8  # columns of which pairs are tried
_VALUES_MAX = 0.8  # distinct values over rows, above which a column names rows


def determined(sample: Sample) -> Iterator[Dependency]:
    """Single columns first; a pair only where neither of the two is enough."""
    if sample.rows < _ROWS_LEAST:
        return
    codes = {c: v for c, v in sample.codes.items() if v.max(initial=-1) >= 1}
    names = list(codes)[:_COLUMNS_MAX]
    by = [c for c in names if 2 <= codes[c].max() + 1 <= _VALUES_MAX * sample.rows]
    told: dict[str, list[frozenset[str]]] = {c: [] for c in names}
    texts = set(sample.of(Kind.TEXT))
    paired = sorted(by, key=lambda c: (c not in texts, -codes[c].max()))[:_PAIRED_MAX]
    candidates = [(c,) for c in by] + [tuple(sorted(p)) for p in combinations(paired, 2)]
    for determinants in candidates:
        group = _group([codes[c] for c in determinants])
        for of in names:
            if of in determinants or any(t <= set(determinants) for t in told[of]):
                continue
            if _holds(group, codes[of], sample.other):
                told[of].append(frozenset(determinants))
                yield Dependency(Form.DETERMINES, (*determinants, of))


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
    return _agreeing(group[there], mixed[there])[0] < _BY_CHANCE_MAX


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
