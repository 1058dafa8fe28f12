"""What rounding hides: how far a written number may be from what it was computed as, and which number was meant."""

from __future__ import annotations

import numpy as np

HELD_SHARE = 0.92  # of the rows; some of the first partitions may be bad
_DIGITS = 6
_FINE = 0.01  # of the column's spread: what rounding blurs more could be a formula of much
_EXACT = 1e-6  # of a column's size: as near as floating point comes


def tolerance(values: np.ndarray) -> float:
    """What rounding the column may move a value by: half its last digit, or a millionth of its size."""
    size = float(np.abs(values).max())
    for digits in range(_DIGITS):
        scaled = values * 10.0**digits
        if np.mean(np.abs(scaled - np.round(scaled)) <= 1e-6 * max(size * 10.0**digits, 1.0)) >= HELD_SHARE:
            return float(0.5000001 * 10.0**-digits) if digits else 0.5000001
    return _EXACT * max(size, 1e-6)


def slack(values: np.ndarray) -> float:
    """How far from a formula a value may be found: its rounding, unless that would blur the column."""
    found = tolerance(values)
    exact = _EXACT * max(float(np.abs(values).max()), 1e-6)
    return found if found <= _FINE * float(np.ptp(values)) else exact


def nice(value: float, of: float = 0.0) -> float:
    """The number meant: short if one is as near as floating point tells apart."""
    if abs(value) < 1e-7 * max(of, 1e-3):
        return 0.0
    for digits in range(9):
        short = round(value, digits)
        if abs(short - value) <= 1e-6 * max(abs(value), 1e-4 * of):
            return float(short)
    return float(f"{value:.9g}")


def holds(near: np.ndarray, values: np.ndarray) -> bool:
    """Whether a formula gives nearly all of a column's values, also of those that are not its most frequent one."""
    found, counts = np.unique(values, return_counts=True)
    unusual = values != found[counts.argmax()]
    return bool(unusual.any()) and min(float(near.mean()), float(near[unusual].mean())) >= HELD_SHARE
