"""What rounding hides: how far a written number may be from what it was computed as, and which number was meant."""

from __future__ import annotations

import numpy as np

from interlock.detect.mining.sample import Array

HELD_SHARE = 0.92  # of the rows; some of the first partitions may be bad
_DIGITS = 6
_FINE = 0.01  # of the column's spread: what rounding blurs more could be a formula of much
_WIDER = (1.0, 1.5, 2.0)  # times the rounding, which sources rounded before may add to
_SOUGHT = 7  # digits of a factor
_UNSURE = 2.0  # over √rows and the source's spread: how far off rounding leaves a factor, over three standard errors
_EXACT = 1e-6  # of a column's size: as near as floating point comes


def tolerance(values: Array) -> float:
    """What rounding the column may move a value by: half its last digit, or a millionth of its size."""
    size = float(np.abs(values).max())
    for digits in range(_DIGITS):
        scaled = values * 10.0**digits
        if np.mean(np.abs(scaled - np.round(scaled)) <= 1e-6 * max(size * 10.0**digits, 1.0)) >= HELD_SHARE:
            return float(0.5000001 * 10.0**-digits) if digits else 0.5000001
    return _EXACT * max(size, 1e-6)


def slack(values: Array) -> float:
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


def holds(near: Array, values: Array) -> bool:
    """Whether a formula gives nearly all of a column's values, also of those that are not its most frequent one."""
    found, counts = np.unique(values, return_counts=True)
    unusual = values != found[counts.argmax()]
    return bool(unusual.any()) and min(float(near.mean()), float(near[unusual].mean())) >= HELD_SHARE


def simplest(of: Array, sources: Array, factors: Array, allowed: float) -> tuple[list[float], float]:
    """Factors of the fewest digits, and the constant, with which Σ factor·source is ``of`` in as many rows.

    ``sources`` is (terms, rows). Factors from rounded numbers are off in their last digits.
    """

    def held(tried: Array, constant: float) -> float:
        return float(np.mean(np.abs(of - tried @ sources - constant) <= allowed))

    def middle(tried: Array) -> float:
        left = of - tried @ sources
        near = left[np.abs(left - np.median(left)) <= 2 * allowed]
        return float(near.min() + near.max()) / 2 if len(near) else float(np.median(left))

    found = np.array(factors, dtype=np.float64)
    share = held(found, middle(found))
    unsure = _UNSURE * allowed / np.sqrt(sources.shape[1]) / sources.std(axis=1)
    for i, factor in enumerate(found.tolist()):
        for digits in range(_SOUGHT):
            found[i] = round(factor, digits)
            near = abs(found[i] - factor) <= max(unsure[i], 1e-6 * abs(factor))
            if near and found[i] and held(found, middle(found)) >= share:
                break
        else:
            found[i] = factor
    constant = middle(found)
    rounded = (round(constant, digits) for digits in range(_SOUGHT))
    short = next((c for c in rounded if held(found, c) >= share), constant)
    return [float(f) for f in found], float(short) + 0.0


def widened(off: Array, allowed: float) -> float:
    """The tolerance that keeps all rows that rounding, of the sources too, explains: up to twice ``allowed``."""
    held = [float(np.mean(off <= wide * allowed)) for wide in _WIDER]
    return allowed * _WIDER[held.index(max(held))]
