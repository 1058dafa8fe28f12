"""How many false alarms a team accepts: what sets a table's threshold.

Moves what is said of a partition, never what is learned from it: the scores of
the past, and so the threshold's scale, are the same at every sensitivity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from interlock.detect.calibration import FALSE_ALARMS
from interlock.detect.rate import partitions_per_year
from interlock.errors import UsageError, nearest

Sensitivity = str | float  # a name, or false alarms per year that are accepted

NORMAL = "normal"
LEVELS: dict[str, float] = {"low": FALSE_ALARMS / 4, NORMAL: FALSE_ALARMS, "high": FALSE_ALARMS * 4}
SHARE_MAX = 0.5  # of clean partitions; who wants more alarms than that wants a report, not a gate
SHARE_MIN = 1e-5  # no past is long enough to tell rarer ones apart


def as_sensitivity(value: object) -> Sensitivity:
    """``value`` if it can be a sensitivity, else `UsageError`: a name of `LEVELS`, or a number above 0."""
    if isinstance(value, str):
        if value in LEVELS:
            return value
        try:
            value = float(value)
        except ValueError:
            raise UsageError(
                f"{value!r} is no sensitivity", hint=nearest(str(value), LEVELS) or _KNOWN
            ) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{value!r} is no sensitivity", hint=_KNOWN)
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{value!r} false alarms a year cannot be aimed at", hint=_KNOWN)
    return float(value)


def share(value: Sensitivity, labels: Sequence[str]) -> float:
    """False alarms aimed at, as a share (0 … 1) of the clean partitions of a table with these labels."""
    if isinstance(value, str):
        return LEVELS[value]
    return min(max(value / partitions_per_year(labels), SHARE_MIN), SHARE_MAX)


_KNOWN = f"one of {', '.join(LEVELS)}, or a number: the false alarms a year that are accepted"
