"""Features: the numbers of a profile that are compared with history.

A feature is named by a `Key` (column, feature, segment) and carries its value
and a sampling error, so that a partition of twenty rows is not held to the
precision of one of a million.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from interlock.detect import quantiles
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
    AMOUNT = "amount"  # ≥ 0; the same, however small it is
    REAL = "real"  # compared as it is
    MOMENT = "moment"  # seconds since 1970; compared relative to the partition's own time


FAMILIES: dict[str, Family] = {
    "rows": Family.COUNT,
    "key_duplicates": Family.SHARE,
    "row_duplicates": Family.SHARE,
    "key_gaps": Family.SHARE,
    "dependency": Family.SHARE,
    "nulls": Family.SHARE,
    "zeros": Family.SHARE,
    "negatives": Family.SHARE,
    "nans": Family.SHARE,
    "infinities": Family.SHARE,
    "top": Family.SHARE,
    "share": Family.SHARE,
    "distinct": Family.COUNT,
    "stddev": Family.AMOUNT,
    "loss": Family.AMOUNT,
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

    ``value`` is the domain value of a ``share``, the segment's value, the model of a ``loss``, or the
    text of a ``dependency``, whose first column is ``column``.
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
    the arcsine for a share, of the logarithm for a count or an amount). ``domains`` maps a
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
    ranked = _quantiles(profile)
    for name, column in profile.columns.items():
        measured = [*_column(column, profile.rows, ranked.get(name, ()))]
        keys = _keys_of(name, tuple([feature for feature, _, _ in measured]))
        found.extend([(key, v, e) for key, (_, v, e) in zip(keys, measured, strict=True)])
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
                    for feature, v, e in _segment(column, segment.rows)
                )
    return Features(
        rows=profile.rows,
        keys=tuple(k for k, _, _ in found),
        values=np.array([v for _, v, _ in found], dtype=np.float64),  # None becomes NaN
        errors=np.array([e for _, _, e in found], dtype=np.float64),
        domains=_domains(profile),
    )


@lru_cache(maxsize=16_384)
def _keys_of(column: str, features: tuple[str, ...]) -> tuple[Key, ...]:
    return tuple(Key(column, feature) for feature in features)


Number = float | None
_FEW_VALUES = 12  # of fewer values quantiles jump; the shares of the values tell more
_COUNTED = 0.25  # counts are mostly scheduled, not drawn: their error is a fraction of Poisson's
_MOMENTS = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
_RANKED = frozenset({Kind.TEXT, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})  # kinds with a commonest value
Measured = tuple[str, Number, Number]  # feature, value, error


def _table(profile: Profile) -> Iterator[tuple[Key, Number, Number]]:
    one = 1.0 / profile.rows if profile.rows else math.nan  # of ever as many rows one fewer is news
    yield Key(TABLE, "rows"), float(profile.rows), min(one, _COUNTED * _per_root(profile.rows))
    for name in ("key_duplicates", "row_duplicates"):
        count = profile.table.get(name)
        if count is not None and profile.rows:
            yield Key(TABLE, name), float(count) / profile.rows, _per_root(profile.rows)
    if (gaps := profile.table.get("key_gaps")) is not None and profile.rows:
        keys = profile.rows - float(profile.table["key_duplicates"] or 0)
        yield Key(TABLE, "key_gaps"), gaps / (keys + gaps), _per_root(keys + gaps)
    for model, loss in profile.losses.items():
        error = loss.error / loss.mean if loss.mean else math.nan
        yield Key(TABLE, "loss", None, model), loss.mean, error


def _column(profile: ColumnProfile, rows: int, ranked: Iterable[Measured]) -> Iterator[Measured]:
    if not rows:
        return
    get, kind, known = profile.values.get, profile.column.kind, _known(profile, rows)
    error = _per_root(known)
    yield "nulls", _number(get("nulls"), per=rows), _per_root(rows)
    distinct = _number(get("distinct"))
    if distinct and kind is not Kind.FLOAT:
        yield "distinct", distinct, _COUNTED * _per_root(distinct)
    if kind.numeric and known:
        yield from _numeric(profile, known, error)
    elif kind in _MOMENTS:
        yield "earliest", _seconds(get("min")), 0.0
        yield "latest", _seconds(get("max")), 0.0
    yield from ranked
    if known and kind in _RANKED and (top := get("top")):
        yield "top", min(1.0, float(top[0][1]) / known), error
    if known and (length := get("length_mean")) is not None:
        spread = float(get("length_max") or 0) - float(get("length_min") or 0)
        yield "length_mean", _number(length), spread / 4.0 * error
        yield "length_min", _number(get("length_min")), 0.0
        yield "length_max", _number(get("length_max")), 0.0


def _known(profile: ColumnProfile, rows: int) -> int:
    return rows - int(profile["nulls"] or 0)


def _numeric(profile: ColumnProfile, known: int, error: float) -> Iterator[Measured]:
    get = profile.values.get
    for name in ("zeros", "negatives", "nans", "infinities"):
        yield name, _number(get(name), per=known), error
    yield "min", _number(get("min")), 0.0
    yield "max", _number(get("max")), 0.0
    deviation = _number(get("stddev"))
    if deviation is not None:
        yield "mean", _number(get("mean")), deviation * error
        if deviation > 0:
            yield "stddev", deviation, max(1.5 * error, 0.5 * _farthest(profile, deviation) ** 2 / known)


def _farthest(profile: ColumnProfile, deviation: float) -> float:
    """The largest distance from the mean, in standard deviations.

    Its fourth power over the rows bounds the kurtosis κ from below, and the logarithm of a standard
    deviation has the error √(κ − 1) / 2√n: where one row makes the spread, the spread says little.
    """
    mean, *ends = (_number(profile[name]) for name in ("mean", "min", "max"))
    far = [abs(end - mean) for end in ends if end is not None and mean is not None]
    return max(far, default=0.0) / deviation


def _quantiles(profile: Profile) -> dict[str, list[Measured]]:
    """The quantiles of each column that has them, measured together where the same ranks are known."""
    alike: dict[tuple[str, ...], list[tuple[str, list[float], int, float]]] = {}
    for name, column in profile.columns.items():
        known, distinct = _known(column, profile.rows), _number(column["distinct"])
        if known and (distinct is None or distinct > _FEW_VALUES) and (at := _ranked(column)):
            alike.setdefault(tuple(at), []).append((name, [*at.values()], known, distinct or 1.0))
    found: dict[str, list[Measured]] = {}
    for ranks, columns in alike.items():
        names = [name for name, *_ in columns]
        numbers = (np.array([column[i] for column in columns]) for i in (1, 2, 3))
        for quantile, values, errors in quantiles.errors([float(p) for p in ranks], *numbers):
            for name, value, error in zip(names, values.tolist(), errors.tolist(), strict=True):
                prefix = "t" if profile.columns[name].column.kind in _MOMENTS else "q"
                found.setdefault(name, []).append((prefix + quantile, value, error))
    return found


def _ranked(column: ColumnProfile) -> dict[str, float]:
    """The known quantiles of numbers and moments."""
    kind = column.column.kind
    read = _number if kind.numeric else _seconds if kind in _MOMENTS else None
    if read is None:
        return {}
    return {p: x for p, v in (column["quantiles"] or {}).items() if (x := read(v)) is not None}


def _segment(profile: ColumnProfile, rows: int) -> Iterator[Measured]:
    if rows < SEGMENT_ROWS_MIN:
        return
    known = _known(profile, rows)
    yield "nulls", _number(profile["nulls"], per=rows), _per_root(rows)
    if profile.column.kind.numeric and known > 1 and profile["stddev"] is not None:
        yield "negatives", _number(profile["negatives"], per=known), _per_root(known)
        yield "mean", _number(profile["mean"]), float(profile["stddev"]) * _per_root(known)


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
    if isinstance(value, str):
        return value
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
