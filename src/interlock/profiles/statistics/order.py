"""Whether values rise or fall from row to row, in the order of the files."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from interlock.profiles.profile import StatisticClass
from interlock.profiles.statistics.family import ELEMENT, Counts, Family, Meaning, Scope, Size, State, Values

_NOTHING: Values = {"increasing": None, "decreasing": None}


def _aggregates(scope: Scope) -> tuple[str, ...]:
    values = f"list({scope.finite} ORDER BY {scope.place})"
    steps = f"list_zip({values}[:-2], {values}[2:])"
    p = ELEMENT

    def number(sign: str) -> str:
        return f"list_sum(list_transform({steps}, lambda {p}: CASE WHEN {p}[2] {sign} {p}[1] THEN 1 END))"

    both = f"list_count(list_transform({steps}, lambda {p}: CASE WHEN {p}[1] IS NOT NULL THEN {p}[2] END))"
    return number(">"), number("<"), both


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    rises, falls, steps = row
    if not steps:
        return _NOTHING
    return {"increasing": int(rises or 0) / int(steps), "decreasing": int(falls or 0) / int(steps)}


def _count(scope: Scope, counts: Counts) -> Values:
    if isinstance(counts.sequence, np.ndarray):
        return _read(scope, _steps(counts.sequence), 0)
    before = counts.sequence
    after = before[1:]
    if None in before:
        pairs = [(a, b) for a, b in zip(before, after, strict=False) if a is not None and b is not None]
        before, after = [a for a, _ in pairs], [b for _, b in pairs]
    rises = operator.countOf(map(operator.lt, before, after), True)
    falls = operator.countOf(map(operator.gt, before, after), True)
    return _read(scope, (rises, falls, len(after)), 0)


def _steps(sequence: np.ndarray[Any, Any]) -> tuple[int, int, int]:
    """How often a value is followed by a larger one, by a smaller one, by any."""
    values, absent = np.ma.getdata(sequence), np.ma.getmaskarray(sequence)
    before, after = values[:-1], values[1:]
    both = ~(absent[:-1] | absent[1:])
    rises, falls = (before < after) & both, (before > after) & both
    return int(rises.sum()), int(falls.sum()), int(both.sum())


def _merge(a: State, b: State) -> Values:
    return dict(_NOTHING)


FAMILY = Family(
    means={
        "increasing": Meaning(
            "Share of neighbouring rows, both with a finite value, in which the value rises; 1 is strictly increasing.",
            "share, 0 to 1",
            error="neighbours within a sample, so only 0 and 1 carry over",
        ),
        "decreasing": Meaning(
            "Share of neighbouring rows, both with a finite value, in which the value falls; 1 is strictly decreasing.",
            "share, 0 to 1",
            error="neighbours within a sample, so only 0 and 1 carry over",
        ),
    },
    applies=lambda column: column.kind.numeric or column.kind.temporal,
    over_sample=_aggregates,
    read=_read,
    count=_count,
    merge=_merge,
    classes=lambda scope, name: (
        StatisticClass.DETERMINISTIC if scope.size is Size.LARGE else StatisticClass.EXACT
    ),
    core=False,
    ordered=True,
)
