"""Numbers that are read off moments: the hour of a time, the days from one date to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations

import numpy as np

from interlock.detect.mining.sample import Array, Sample
from interlock.profiles.dependency import UNITS, Dependency, Form

LEAST = 20  # rows in which both have a value
_SHARE = 0.95
_SHIFTS = (0, -1, 1)  # months that count from 0, weekdays that begin with Monday as 0
_EXACT = 1e-3  # of a unit
_WHOLE = 1.0  # units: what counting only whole ones leaves out
_SPREAD_LEAST = 20  # units, for a number of whole ones to be no chance
_MOMENTS_MAX = 12  # columns of which every two are compared


def parts(sample: Sample) -> Iterator[Dependency]:
    """A number that is the hour, day … of a moment."""
    for moment in sample.moments:
        values, told = sample.values[moment], set[str]()
        for part, of in _PARTS.items():
            found = of(values)
            for name in sample.numbers:
                both = sample.known[name] & sample.known[moment]
                if name in told or both.sum() < LEAST or not np.ptp(found[both]):
                    continue
                off = (sample.values[name] - found)[both]
                shift = next((s for s in _SHIFTS if np.mean(off == s) >= _SHARE), None)
                if shift is not None:
                    told.add(name)
                    yield Dependency(Form.PART, (name, moment), (part, float(shift)) if shift else (part,))


def _within(unit: str, above: str) -> Callable[[Array], Array]:
    def of(moments: Array) -> Array:
        found: Array = (moments.astype(f"M8[{unit}]") - moments.astype(f"M8[{above}]")).astype(np.int64)
        return found

    return of


def _weekday(moments: Array) -> Array:
    """1 for Monday to 7 for Sunday; the first of January 1970 was a Thursday."""
    found: Array = (moments.astype("M8[D]").astype(np.int64) + 3) % 7 + 1
    return found


_PARTS: Mapping[str, Callable[[Array], Array]] = {
    "year": lambda m: m.astype("M8[Y]").astype(np.int64) + 1970,
    "quarter": lambda m: _within("M", "Y")(m) // 3 + 1,
    "month": lambda m: _within("M", "Y")(m) + 1,
    "day": lambda m: _within("D", "M")(m) + 1,
    "isodow": _weekday,
    "dow": lambda m: _weekday(m) % 7,
    "hour": _within("h", "D"),
    "minute": _within("m", "h"),
}


def elapsed(sample: Sample) -> Iterator[Dependency]:
    """A number that is the time from one moment to another, in days, hours, minutes or seconds."""
    for first, last in permutations(sample.moments[:_MOMENTS_MAX], 2):
        both = sample.known[first] & sample.known[last]
        if both.sum() < LEAST:
            continue
        took = (sample.values[last] - sample.values[first]).astype(np.int64) / 1e6
        for name in sample.numbers:
            here = both & sample.known[name]
            found = _unit(sample.values[name][here], took[here]) if here.sum() >= LEAST else None
            if found is not None:
                yield Dependency(Form.ELAPSED, (name, first, last), found)


def _unit(numbers: Array, seconds: Array) -> tuple[str, float] | None:
    """The unit, and how far from its number a row may be."""
    told = numbers != 0
    for unit, size in UNITS.items():
        off = np.abs(numbers - seconds / size)
        for tolerance in (_EXACT, _WHOLE) if np.ptp(numbers) >= _SPREAD_LEAST else (_EXACT,):
            near = off <= tolerance
            if np.mean(near) >= _SHARE and np.sum(near & told) >= LEAST and np.mean(near[told]) >= _SHARE:
                return unit, tolerance
    return None
