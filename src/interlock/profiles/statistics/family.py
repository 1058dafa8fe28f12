"""What a family of statistics declares, and what it is given to work with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any

import numpy as np

from interlock import settings
from interlock.engines.schema import Column, Kind
from interlock.profiles.profile import StatisticClass
from interlock.profiles.statistics.spelling import DUCKDB, Spelling


class Size(IntEnum):
    """How many rows: every value counted, aggregates over all rows, or a sample for the costly ones."""

    SMALL = 0
    MEDIUM = 1
    LARGE = 2


@dataclass(frozen=True, slots=True)
class Scope:
    """One column in one plan. SQL texts are written with ``sql``, DuckDB's where nothing else is said.

    ``x`` is the column, or what stands for it in the sample. ``counted`` says
    whether every value of the column is counted. ``low`` and ``scale`` turn a
    number into an integer of at most 31 bits: ``(x - low) * scale``.
    ``row_sample`` is true for about `settings.top_sample_rows` of the rows.
    ``place`` orders the rows. ``bounds`` are the smallest and largest number of
    the rows looked at, where the footers tell and no segment is meant.
    """

    column: Column
    x: str
    size: Size
    counted: bool
    low: float = 0.0
    scale: float | None = None
    row_sample: str | None = None
    place: str = ""
    bounds: tuple[float, float] | None = None
    sql: Spelling = DUCKDB

    @property
    def kind(self) -> Kind:
        return self.column.kind

    @property
    def finite(self) -> str:
        """The column as a value to fetch, NULL where it is NaN or infinite, without negative zero."""
        if self.kind is Kind.FLOAT:
            return f"CASE WHEN {self.sql.finite(self.x, self.kind)} THEN {self.x} + 0 END"
        if self.kind in (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
            return f"CASE WHEN {self.sql.finite(self.x, self.kind)} THEN {self.value} END"
        return self.value

    @property
    def value(self) -> str:
        """The column in a form Python can take: UTC for zoned times, text for exotic types."""
        return self.sql.value(self.x, self.kind, self.column.type)


@dataclass(frozen=True, slots=True)
class Counts:
    """Every finite value of a column with how often it occurs, values ascending.

    ``sequence`` is the column itself in row order, in a small partition only; a masked
    array where NumPy can hold the values. ``numbers`` are whole values once more, as
    64-bit integers, where their squares add up within 63 bits.
    """

    values: tuple[Any, ...]
    counts: tuple[int, ...]
    sequence: Sequence[Any] | np.ndarray[Any, Any] = ()
    numbers: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a statistic's name stands for, for the reference.

    ``nulls`` says what NULL does to it, ``error`` how far it may be off beyond
    the exact limit.
    """

    text: str
    unit: str
    nulls: str = "ignored"
    error: str = "none"


ELEMENT = "\x00element\x00"  # in a text: the parameter of a lambda, whatever the columns are called
_SHORT = 32  # no text limit is lower

Values = dict[str, Any]
State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """Statistics that share their aggregates.

    ``over_rows`` and ``over_sample`` give aggregates of the column; the latter
    see all rows unless the size is large. ``read`` makes values of what both
    returned, in that order. ``count``, where there is one, makes the same values
    from the counts of a column whose every value is counted, instead of both.
    ``merge`` makes the union's values of two sides' values; each side also knows
    its ``rows``. ``core`` families are always there, in segments too; ``ordered`` ones need the rows'
    order: counts serve them in a small partition only, and a large one's
    repeating columns go without. ``of_sample`` names what a large partition's sample answers.
    """

    means: Mapping[str, Meaning]
    applies: Callable[[Column], bool]
    read: Callable[[Scope, tuple[Any, ...], int], Values]
    merge: Callable[[State, State], Values]
    count: Callable[[Scope, Counts], Values] | None = None
    over_rows: Callable[[Scope], tuple[str, ...]] = lambda _: ()
    over_sample: Callable[[Scope], tuple[str, ...]] = lambda _: ()
    classes: Callable[[Scope, str], StatisticClass] = lambda scope, name: StatisticClass.EXACT
    core: bool = True
    ordered: bool = False
    of_sample: frozenset[str] = frozenset()


def add(a: State, b: State, name: str) -> Any:
    """The sum of both sides, None where a side has none."""
    left, right = a.get(name), b.get(name)
    return None if left is None or right is None else left + right


def sampled(scope: Scope, name: str) -> StatisticClass:
    """The class of what a large partition's sample answers."""
    answered_by_sample = scope.size is Size.LARGE and not scope.counted
    return StatisticClass.DETERMINISTIC if answered_by_sample else StatisticClass.EXACT


def decoded(scope: Scope, value: Any) -> Any:
    """A fetched value as it is kept: zoned times in UTC, long texts cut."""
    if isinstance(value, str):
        return value if len(value) <= _SHORT else value[: settings.current().text_length_max]
    if scope.kind is Kind.TIMESTAMPTZ and isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC)
    if scope.kind is Kind.FLOAT and isinstance(value, Decimal):  # of a type wider than DuckDB's
        return float(value)
    return value
