"""Features: the numbers of a profile that are compared with history.

A feature is named by a `Key` (column, feature, segment) and carries its value
and a sampling error, so that a partition of twenty rows is not held to the
precision of one of a million.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from interlock.engines.schema import Kind
from interlock.profiles.dependency import Dependency
from interlock.profiles.profile import ColumnProfile, Profile

Array = npt.NDArray[np.float64]

TABLE = ""  # the column of a feature that belongs to the whole table
PATTERN = "\x00pattern:"  # prefix of the domain that holds a column's character-class patterns
SHARES_MAX = 64  # a text column with more distinct values has no share per value
CODES_MAX = 32  # whole numbers with more distinct values in a partition are amounts, not codes
SEGMENT_ROWS_MIN = 30  # a smaller segment says nothing about its source on one day
SHARES_NUMBER_MAX = 16  # the same for whole numbers, where few values mean codes


class Family(StrEnum):
    """How a feature's value is measured: decides the scale it is compared on."""

    SHARE = "share"  # 0…1; compared on 2·asin(√p), where the sampling error does not depend on p
    COUNT = "count"  # ≥ 0; compared on its logarithm
    REAL = "real"  # compared as it is
    MOMENT = "moment"  # seconds since 1970; compared relative to the partition's own time


FAMILIES: dict[str, Family] = {
    "rows": Family.COUNT,
    "key_duplicates": Family.SHARE,
    "row_duplicates": Family.SHARE,
    "dependency": Family.SHARE,
    "nulls": Family.SHARE,
    "zeros": Family.SHARE,
    "negatives": Family.SHARE,
    "nans": Family.SHARE,
    "infinities": Family.SHARE,
    "top": Family.SHARE,
    "share": Family.SHARE,
    "distinct": Family.COUNT,
    "stddev": Family.COUNT,
    "mean": Family.REAL,
    "min": Family.REAL,
    "max": Family.REAL,
    "q05": Family.REAL,
    "q25": Family.REAL,
    "q50": Family.REAL,
    "q75": Family.REAL,
    "q95": Family.REAL,
    "length_mean": Family.REAL,
    "length_min": Family.REAL,
    "length_max": Family.REAL,
    "earliest": Family.MOMENT,
    "latest": Family.MOMENT,
    **{f"t{p}": Family.MOMENT for p in ("05", "25", "50", "75", "95")},
}


class Key(NamedTuple):
    """Names a feature.

    ``value`` is the domain value of a ``share``, the segment's value, or the text of a ``dependency``,
    whose first column is ``column``.
    """

    column: str
    feature: str
    segment: str | None = None  # the segment column
    value: str | None = None

    @property
    def family(self) -> Family:
        return FAMILIES[self.feature]

    @property
    def text(self) -> str:
        """The one spelling stored in the catalog."""
        return json.dumps(list(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    @lru_cache(maxsize=65_536)
    def parse(cls, text: str) -> Key:
        return cls(*json.loads(text))


@dataclass(frozen=True, slots=True)
class Features:
    """What of one partition is compared with history.

    ``values`` and ``errors`` run along ``keys``; NaN where a statistic is
    undefined. An error is one standard error on the scale of the family (of
    the arcsine for a share, of the logarithm for a count). ``domains`` maps a
    column to its values and their counts, where the profile kept the complete
    domain, and ``PATTERN + column`` to its character-class patterns.
    """

    rows: int
    keys: tuple[Key, ...]
    values: Array
    errors: Array
    domains: Mapping[str, Mapping[str, int]]

    @property
    def dependencies(self) -> dict[Dependency, tuple[int, int]]:
        """On how much each dependency was tested, and how much of that broke it."""
        found = {}
        for i, key in enumerate(self.keys):
            if key.feature == "dependency" and key.value is not None and self.errors[i] > 0:
                tested = round(float(self.errors[i]) ** -2.0)
                found[Dependency.parse(key.value)] = tested, round(float(self.values[i]) * tested)
        return found

    def pack(self) -> tuple[tuple[str, ...], bytes, dict[str, Any]]:
        """Schema, float64 vector and JSON document, as the catalog stores them."""
        vector = np.concatenate([[float(self.rows)], self.values, self.errors])
        return _texts(self.keys), vector.astype("<f8").tobytes(), dict(self.domains)

    @classmethod
    def unpack(
        cls, schema: tuple[str, ...], vector: bytes, domains: Mapping[str, Mapping[str, int]]
    ) -> Features:
        """The inverse of `pack`."""
        numbers = np.frombuffer(vector, dtype="<f8")
        half = len(schema)
        return cls(int(numbers[0]), _keys(tuple(schema)), numbers[1 : 1 + half], numbers[1 + half :], domains)


@lru_cache(maxsize=256)
def _texts(keys: tuple[Key, ...]) -> tuple[str, ...]:
    return tuple(k.text for k in keys)


@lru_cache(maxsize=256)
def _keys(schema: tuple[str, ...]) -> tuple[Key, ...]:
    return tuple(Key.parse(text) for text in schema)


def features(profile: Profile) -> Features:
    """The features of a profile, in an order that depends on the schema alone."""
    found = [*_table(profile)]
    for name, column in profile.columns.items():
        found.extend((Key(name, *k), v, e) for k, v, e in _column(column, profile.rows))
    for dependency, (tested, broken) in profile.dependencies.items():
        share = min(1.0, broken / tested) if tested else None
        key = Key(dependency.columns[0], "dependency", None, dependency.text)
        found.append((key, share, _per_root(tested)))
    for by, segments in profile.segments.items():
        for segment in segments:
            if segment.value is None:
                continue
            for name, column in segment.columns.items():
                found.extend(
                    (Key(name, feature, by, segment.value), v, e)
                    for (feature,), v, e in _segment(column, segment.rows)
                )
    return Features(
        rows=profile.rows,
        keys=tuple(k for k, _, _ in found),
        values=np.array([v for _, v, _ in found], dtype=np.float64),  # None becomes NaN
        errors=np.array([e for _, _, e in found], dtype=np.float64),
        domains=_domains(profile),
    )


Number = float | None
_FEW_VALUES = 12  # of fewer values quantiles jump; the shares of the values tell more
_COUNTED = 0.25  # counts are mostly scheduled, not drawn: their error is a fraction of Poisson's
Measured = tuple[tuple[str, ...], Number, Number]


def _table(profile: Profile) -> Iterator[tuple[Key, Number, Number]]:
    yield Key(TABLE, "rows"), float(profile.rows), _COUNTED * _per_root(profile.rows)
    for name in ("key_duplicates", "row_duplicates"):
        count = profile.table.get(name)
        if count is not None and profile.rows:
            yield Key(TABLE, name), float(count) / profile.rows, _per_root(profile.rows)


def _column(profile: ColumnProfile, rows: int) -> Iterator[Measured]:
    if not rows:
        return
    known = rows - int(profile["nulls"] or 0)
    yield ("nulls",), _number(profile["nulls"], per=rows), _per_root(rows)
    kind = profile.column.kind
    distinct = _number(profile["distinct"])
    if distinct and kind is not Kind.FLOAT:
        yield ("distinct",), distinct, _COUNTED * _per_root(distinct)
    if kind.numeric:
        yield from _numeric(profile, known)
    elif kind in (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
        yield ("earliest",), _seconds(profile["min"]), 0.0
        yield ("latest",), _seconds(profile["max"]), 0.0
        if known:
            moments = {float(p): _seconds(v) for p, v in (profile["quantiles"] or {}).items()}
            yield from _quantiles(moments, known, "t", distinct)
    if known and profile["top"] and kind in (Kind.TEXT, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL):
        yield ("top",), min(1.0, float(profile["top"][0][1]) / known), _per_root(known)
    if known and profile["length_mean"] is not None:
        spread = float(profile["length_max"] or 0) - float(profile["length_min"] or 0)
        yield ("length_mean",), _number(profile["length_mean"]), spread / 4.0 * _per_root(known)
        yield ("length_min",), _number(profile["length_min"]), 0.0
        yield ("length_max",), _number(profile["length_max"]), 0.0


def _numeric(profile: ColumnProfile, known: int) -> Iterator[Measured]:
    for name in ("zeros", "negatives", "nans", "infinities"):
        if known:
            yield (name,), _number(profile[name], per=known), _per_root(known)
    if not known:
        return
    yield ("min",), _number(profile["min"]), 0.0
    yield ("max",), _number(profile["max"]), 0.0
    deviation = _number(profile["stddev"])
    if deviation is not None:
        yield ("mean",), _number(profile["mean"]), deviation * _per_root(known)
        if deviation > 0:
            yield ("stddev",), deviation, 1.5 * _per_root(known)
    at = {float(p): _number(v) for p, v in (profile["quantiles"] or {}).items()}
    yield from _quantiles(at, known, "q", _number(profile["distinct"]))


# name, probability, and the neighbours whose distance gives the density at that quantile
_QUANTILES = (
    ("05", 0.05, 0.01, 0.25),
    ("25", 0.25, 0.05, 0.5),
    ("50", 0.5, 0.25, 0.75),
    ("75", 0.75, 0.5, 0.95),
    ("95", 0.95, 0.75, 0.99),
)


def _quantiles(at: Mapping[float, Number], known: int, prefix: str, distinct: Number) -> Iterator[Measured]:
    """Quantiles with the error of each, no finer than the gap between neighbouring values.

    The error is the larger of the asymptotic one and what a standard error of the rank would
    change: where values leave a gap beside a quantile it may jump across.
    """
    if distinct is not None and distinct <= _FEW_VALUES:
        return
    first, last = at.get(0.05), at.get(0.95)
    known_at = sorted((p, v) for p, v in at.items() if v is not None)
    ranks, values = [p for p, _ in known_at], [v for _, v in known_at]
    coarse = 0.0
    if first is not None and last is not None:
        coarse = (last - first) * max(0.02, 0.7 / (distinct or 1.0))
    for name, p, low, high in _QUANTILES:
        value, below, above = at.get(p), at.get(low), at.get(high)
        if value is not None and below is not None and above is not None:
            off = math.sqrt(p * (1 - p) / known)
            wide = off * (above - below) / (high - low)
            jump = max(_between(ranks, values, p + off) - value, value - _between(ranks, values, p - off))
            yield (prefix + name,), value, max(wide, coarse, jump)


def _between(ranks: Sequence[float], values: Sequence[float], p: float) -> float:
    """The value at a rank, from the straight line between the known ones."""
    right = bisect_right(ranks, p)
    if right in (0, len(ranks)):
        return values[0] if right == 0 else values[-1]
    left = right - 1
    slope = (values[right] - values[left]) / (ranks[right] - ranks[left])
    return slope * (p - ranks[left]) + values[left]


def _segment(profile: ColumnProfile, rows: int) -> Iterator[Measured]:
    if rows < SEGMENT_ROWS_MIN:
        return
    known = rows - int(profile["nulls"] or 0)
    yield ("nulls",), _number(profile["nulls"], per=rows), _per_root(rows)
    if profile.column.kind.numeric and known > 1 and profile["stddev"] is not None:
        yield ("negatives",), _number(profile["negatives"], per=known), _per_root(known)
        yield ("mean",), _number(profile["mean"]), float(profile["stddev"]) * _per_root(known)


def _domains(profile: Profile) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, column in profile.columns.items():
        if column["domain"] and _coded(column):
            found[name] = {value_text(v): int(n) for v, n in column["domain"] if v is not None}
        if column["patterns"]:
            found[PATTERN + name] = {str(p): int(n) for p, n in column["patterns"].items()}
    return found


def _coded(column: ColumnProfile) -> bool:
    """Whether a column's values are names rather than amounts."""
    kind = column.column.kind
    return kind in (Kind.TEXT, Kind.BOOLEAN) or (kind is Kind.INTEGER and len(column["domain"]) <= CODES_MAX)


def value_text(value: object) -> str:
    """A domain value as text: ISO 8601 for dates, ``true``/``false`` for booleans."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _number(value: Any, *, per: int = 0) -> Number:
    if value is None or isinstance(value, str):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return number / per if per else number


def _seconds(value: Any) -> Number:
    """Seconds since 1970, UTC where the value names no zone."""
    if value is None or not hasattr(value, "year"):
        return None
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return float((value if value.tzinfo else value.replace(tzinfo=dt.UTC)).timestamp())


def _per_root(count: float) -> float:
    """The standard error of a share's arcsine (and of a count's logarithm)."""
    return 1.0 / math.sqrt(count) if count > 0 else math.nan
