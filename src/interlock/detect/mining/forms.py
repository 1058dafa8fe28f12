"""What the values of a single column are made of: letter case, digits, units of time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from interlock.detect.mining.sample import Sample
from interlock.engines.schema import Kind
from interlock.profiles.dependency import Dependency, Form

LEAST = 20  # values
HELD_SHARE = 0.97  # of the values; some of the first partitions may be bad
_PLAIN = re.compile(r"[ -~]*")
_DIGITS_MAX = 6
_CHANCE = 1e-4  # that so many different numbers are all multiples of a step that means nothing
_STEPS = (1000, 500, 100, 60, 50, 25, 10, 5, 2)
_UNITS = ("day", "hour", "minute", "second")


def forms(sample: Sample) -> Iterator[Dependency]:
    """Forms that nearly every sampled value of a column has."""
    for name in sample.of(Kind.TEXT):
        texts = [v for v in sample.values[name] if v is not None]
        if len(texts) >= LEAST:
            yield from _of_text(name, texts)
    for name in sample.numbers:
        values = sample.values[name][sample.known[name]]
        if len(values) >= LEAST:
            yield from _of_number(name, values, whole=sample.kinds[name] is Kind.INTEGER)
    for name in sample.of(Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
        moments = sample.values[name][sample.known[name]]
        if len(moments) >= LEAST:
            yield from _of_moment(name, moments)


def _of_text(name: str, texts: list[str]) -> Iterator[Dependency]:
    upper, lower = [t == t.upper() for t in texts], [t == t.lower() for t in texts]
    if _held(upper) and not _held(lower):
        yield Dependency(Form.UPPER, (name,))
    elif _held(lower) and not _held(upper):
        yield Dependency(Form.LOWER, (name,))
    if _held([t == t.strip(" ") for t in texts]):
        yield Dependency(Form.TRIMMED, (name,))
    if _held([_PLAIN.fullmatch(t) is not None for t in texts]):
        yield Dependency(Form.PLAIN, (name,))


def _held(kept: Sequence[bool] | np.ndarray) -> bool:
    return bool(np.mean(kept) >= HELD_SHARE)


def _of_number(name: str, values: np.ndarray, *, whole: bool) -> Iterator[Dependency]:
    if whole:
        step = next((s for s in _STEPS if _held(values % s == 0)), None)
        different = np.count_nonzero(np.unique(values))
        if step is not None and float(step) ** -different <= _CHANCE:
            yield Dependency(Form.MULTIPLE, (name,), (step,))
        return
    if np.median(np.abs(values)) > 1e9:
        return
    for digits in range(_DIGITS_MAX):
        scaled = values * 10.0**digits
        if _held(np.abs(scaled - np.round(scaled)) <= 1e-3):
            yield Dependency(Form.DECIMALS, (name,), (digits,))
            return


def _of_moment(name: str, moments: np.ndarray) -> Iterator[Dependency]:
    """The coarsest unit; days that the hours within a day would not show are left to ranges."""
    micros = moments.astype(np.int64)
    for unit, length in zip(_UNITS, (86_400, 3_600, 60, 1), strict=True):
        if _held(micros % (length * 1_000_000) == 0):
            yield Dependency(Form.WHOLE, (name,), (unit,))
            return
