"""How far numbers may lie from where they are expected: two widths of what a sample shows."""

from __future__ import annotations

import numpy as np

from interlock.detect.mining.sample import Array

SHARE_MAX = 0.35  # of the column's own spread, that the first width may be
_NEARLY_ALL = 0.995
_WIDER = 1.5
_BULK = 0.85


def widths(off: Array) -> tuple[float, float]:
    """From distances: the width that nearly all rows keep to, with room, and that of the bulk."""
    return float(np.quantile(off, _NEARLY_ALL)) * _WIDER, float(np.quantile(off, _BULK))


def spread(values: Array) -> float:
    """The distance between the 1% and the 99% quantile."""
    return float(np.quantile(values, 0.99) - np.quantile(values, 0.01))
