"""What a dashboard does: each statistic of each column against its own last four weeks.

The peer of the story in `alert_fatigue`, as kind to it as can be: columns that only
repeat the date are not watched, a statistic that never moved raises nothing, a
column alarms once whatever number of its statistics broke, and is told of again
only after it was quiet or where it has become a page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from interlock import detect
from interlock.detect.features import TABLE, Array
from interlock.detect.violations import PAGE_SCORE

WINDOW = 28  # loads
WATCHED = frozenset({"rows", "nulls", "distinct", "mean", "stddev", "min", "max"})


class LimitsAColumn:
    """Alarms where a statistic is more than ``limit`` standard deviations from its mean over the window.

    A page is as many times the limit as Interlock's page is of its own
    (`detect.violations.PAGE_SCORE`).
    """

    def __init__(self, limit: float, *, ignored: frozenset[str] = frozenset()) -> None:
        self.limit, self._ignored = limit, ignored
        self._window: deque[Array] = deque(maxlen=WINDOW)
        self._keys: tuple[detect.Key, ...] = ()
        self._firing: dict[str, bool] = {}

    def broken(self, features: detect.Features) -> dict[str, float]:
        """The largest |z| of each column with a statistic beyond the limit; ``TABLE`` for the number of rows."""
        if len(self._window) < WINDOW:
            return {}
        past = np.stack(self._window)
        spread = past.std(axis=0, ddof=1)
        with np.errstate(invalid="ignore"):
            z = np.abs(self._values(features) - past.mean(axis=0)) / np.where(spread > 0, spread, np.nan)
        found: dict[str, float] = {}
        for key, size in zip(self._keys, z, strict=True):
            if size > self.limit:
                found[key.column] = max(found.get(key.column, 0.0), float(size))
        return found

    def send(self, broken: dict[str, float]) -> list[bool]:
        """A message for each column that is news, True where it is a page."""
        pages = {column: size >= PAGE_SCORE * self.limit for column, size in broken.items()}
        sent = [page for c, page in pages.items() if c not in self._firing or (page and not self._firing[c])]
        self._firing = pages
        return sent

    def learn(self, features: detect.Features) -> None:
        """Move the window on. The first load says which statistics there are."""
        self._keys = self._keys or tuple(k for k in features.keys if self._watched(k))
        self._window.append(self._values(features))

    def _values(self, features: detect.Features) -> Array:
        known = dict(zip(features.keys, features.values, strict=True))
        return np.array([known.get(k, np.nan) for k in self._keys])

    def _watched(self, key: detect.Key) -> bool:
        return key.feature in WATCHED and key.segment is None and key.column not in self._ignored


def right(broken: dict[str, float], columns: Sequence[str]) -> bool:
    """Whether a fault was caught: one of its columns alarmed, or the number of rows where it has none."""
    return bool({*columns} & broken.keys()) if columns else TABLE in broken
