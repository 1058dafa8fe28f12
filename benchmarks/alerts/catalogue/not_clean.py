"""Days that are not clean, and why.

`COUNT` is one rule for the tables it stands beside: over twice or under half the median rows
of the nine partitions around, those of the same weekday where partitions are days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

COUNT = "raw rows: over twice or under half as many as usual on such a day"


def on(why: str, days: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(days, why)


def days(year: int, spans: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    found = {}
    for first, last, why in spans:
        day = dt.date.fromisoformat(f"{year}-{first}")
        while day <= dt.date.fromisoformat(f"{year}-{last}"):
            found[day.isoformat()] = why
            day += dt.timedelta(days=1)
    return found
