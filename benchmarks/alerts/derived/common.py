"""Columns made from other columns of the same row or partition, as a pipeline makes them.

A fault in a column they are made from reaches them too: `recomputed` makes
them again where their sources changed, which is what a pipeline would have done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

Frame = pd.DataFrame

Compute = Callable[[Frame, Frame], pd.Series]  # the frame as it is now, the frame as it was


@dataclass(frozen=True)
class Derived:
    """A column made from ``sources``.

    ``compute`` takes the frame and the frame as it was before anything broke (the
    same rows); only clock columns need the latter, to keep the zone. ``whole``:
    a value depends on other rows, so that all of them are made again.
    """

    column: str
    sources: tuple[str, ...]
    compute: Compute
    whole: bool = False


def recomputed(frame: Frame, was: Frame, derived: tuple[Derived, ...]) -> Frame:
    """The frame with every derived column made again where a source differs from ``was``."""
    frame = frame.copy()
    for one in derived:
        changed = np.zeros(len(frame), dtype=bool)
        for source in one.sources:
            changed |= differs(frame[source], was[source])
        if not changed.any():
            continue
        new = one.compute(frame, was)
        frame[one.column] = new if one.whole else frame[one.column].where(~changed, new)
    return frame


def differs(now: pd.Series, was: pd.Series) -> np.ndarray:
    """Where two columns hold different values; two nulls are alike."""
    same = (now == was) | (now.isna() & was.isna())
    return ~same.fillna(False).to_numpy(dtype=bool)


def hour_of(column: str) -> Compute:
    return lambda f, w: f[column].dt.hour.astype(float)


def times(column: str, factor: float, digits: int) -> Compute:
    return lambda f, w: (f[column] * factor).round(digits)


def ratio(above: str, below: str, digits: int) -> Compute:
    """Null where there is nothing to divide by."""
    return lambda f, w: (f[above] / f[below].where(f[below] != 0)).round(digits)


def percent_change(now: str, before: str, digits: int) -> Compute:
    """By how many percent one is above the other; null where there is nothing to compare with."""
    return lambda f, w: (100 * (f[now] / f[before].where(f[before] != 0) - 1)).round(digits)


def is_(column: str, value: str) -> Compute:
    return lambda f, w: (f[column] == value).astype(float).where(f[column].notna())


def band(column: str, names: dict[str, float]) -> Compute:
    """The name of the band a number lies in, by where each begins (the first: below all); null for null."""

    def compute(frame: Frame, was: Frame) -> pd.Series:
        edges = np.array([-np.inf, *list(names.values())[1:]])
        at = np.searchsorted(edges, frame[column].fillna(0), side="right") - 1
        found = pd.Series(np.array([*names], dtype=object)[at], index=frame.index, dtype=object)
        return found.where(frame[column].notna(), None)

    return compute


def of_each(by: str, column: str, how: str) -> Compute:
    """A sum or a count over the rows with the same value of ``by``."""
    return lambda f, w: f.groupby(by, dropna=False)[column].transform(how).round(2).astype(float)


def above(values: pd.Series, limit: float) -> pd.Series:
    return (values > limit).astype(float).where(values.notna())
