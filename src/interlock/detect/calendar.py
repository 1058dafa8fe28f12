"""What a partition's own time explains: its season, and columns that only repeat its date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from interlock.names import partition_time

# Columns such as ``year``, ``month``, ``day`` hold one value per partition, a part of its date.
PARTS: Mapping[str, Callable[[dt.datetime], float]] = {
    "year": lambda t: float(t.year),
    "quarter": lambda t: float((t.month + 2) // 3),
    "month": lambda t: float(t.month),
    "day": lambda t: float(t.day),
    "dayofyear": lambda t: float(t.timetuple().tm_yday),
    "week": lambda t: float(t.isocalendar().week),
    "isodow": lambda t: float(t.isoweekday()),
    "dow": lambda t: float(t.isoweekday() % 7),
    "hour": lambda t: float(t.hour),
}
CONSTANT = "constant"
HOURS = 24  # seasons of hourly partitions

_HOURLY_BELOW_S = 20 * 3_600.0
_WEEKLY_ABOVE_S = 3 * 86_400.0


def times(labels: Sequence[str]) -> list[dt.datetime | None]:
    return [partition_time(label) for label in labels]


def seasons(moments: Sequence[dt.datetime | None]) -> int:
    """How many seasons partitions at these times have: 24 for hourly, 7 for daily, else 1."""
    known = sorted(m for m in moments if m is not None)
    if len(known) < 2:
        return 7
    gaps = sorted((b - a).total_seconds() for a, b in pairwise(known))
    gap = gaps[len(gaps) // 2]
    if 0 < gap < _HOURLY_BELOW_S:
        return HOURS
    return 7 if gap < _WEEKLY_ABOVE_S else 1


def season(moment: dt.datetime | None, seasons: int) -> int:
    """Which season a time falls in; 0 where there is none."""
    if moment is None or seasons == 1:
        return 0
    return moment.hour if seasons == HOURS else moment.weekday()
