"""A statement's row → the profiles of its columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from interlock.profiles.plan import ColumnPlan, Reading
from interlock.profiles.profile import ColumnProfile
from interlock.profiles.statistics.family import Counts

Array = np.ndarray[Any, Any]

_FIRST_MOMENT = np.datetime64("0001-01-01T00:00:00.000000")
_LAST_MOMENT = np.datetime64("9999-12-31T23:59:59.999999")


def read_columns(
    reading: Reading,
    rows: int,
    values: Sequence[Any],
    sample: Sequence[Any] = (),
    counted: Sequence[Any] = (),
) -> dict[str, ColumnProfile]:
    """The columns of one row, from its aggregates over rows, over the sample and over counts."""
    return {
        planned.column.name: _read_column(planned, rows, counted if planned.apart else values, sample)
        for planned in reading.columns
    }


def _read_column(
    planned: ColumnPlan, rows: int, values: Sequence[Any], sample: Sequence[Any]
) -> ColumnProfile:
    column, parts, classes, _ = planned
    read: dict[str, Any] = {}
    counts: Counts | None = None
    for family, scope, over_rows, over_sample, from_counts in parts:
        if from_counts and family.count:
            counts = counts or _counts(values[over_rows[0]])
            read.update(family.count(scope, counts))
        else:
            row = tuple([values[i] for i in over_rows] + [sample[i] for i in over_sample])
            read.update(family.read(scope, row, rows))
    return ColumnProfile(column, read, {name: classes[name] for name in read})


def _counts(found: Any) -> Counts:
    if isinstance(found, np.ndarray):
        if found.dtype.kind != "O":
            return _counts_of_array(found)
        found = found.tolist()
    counter = Counter(found)
    del counter[None]
    try:
        pairs = sorted(counter.items())
    except TypeError:  # a moment beyond Python's years comes as text
        return _counts(_within_years(found if isinstance(found, list) else list(counter.elements())))
    sequence = found if isinstance(found, list) else ()
    return Counts(tuple([v for v, _ in pairs]), tuple([n for _, n in pairs]), sequence)


def _counts_of_array(found: Array) -> Counts:
    if found.dtype.kind == "M":  # years Python knows
        found = np.clip(found, _FIRST_MOMENT, _LAST_MOMENT)
    present = found.compressed() if isinstance(found, np.ma.MaskedArray) else found
    values, counts = np.unique(present, return_counts=True)
    exact = tuple(values.tolist())
    small = found.dtype.kind in "iu" and exact and max(-exact[0], exact[-1]) ** 2 * len(present) < 2**63
    return Counts(exact, tuple(counts.tolist()), found, values.astype(np.int64) if small else None)


def _within_years(found: list[Any]) -> list[Any]:
    """Moments before the year 1 or after 9999 as the first or last that Python knows."""
    kind = next(type(v) for v in found if v is not None and not isinstance(v, str))
    return [(kind.min if "(BC)" in v else kind.max) if isinstance(v, str) else v for v in found]
