"""A profile: what one partition of data looks like, as frozen values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.engines.schema import Column, Schema
from interlock.profiles.dependency import Dependency


class StatisticClass(StrEnum):
    """How far a number can be trusted. Only the first two may decide a blocking constraint."""

    EXACT = "exact"
    DETERMINISTIC = "deterministic"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: statistic name → value (None where undefined), and each one's class."""

    column: Column
    values: Mapping[str, Any]
    classes: Mapping[str, StatisticClass]

    def __getitem__(self, statistic: str) -> Any:
        return self.values.get(statistic)


@dataclass(frozen=True, slots=True)
class Segment:
    """The rows in which a segment column has one value (``value`` is its text; None for NULL)."""

    value: str | None
    rows: int
    columns: Mapping[str, ColumnProfile]


@dataclass(frozen=True, slots=True)
class ModelLoss:
    """What a model loses on the rows of a partition.

    ``mean`` is per row of known truth, None where no truth is known yet or the model failed;
    ``error`` its standard error, NaN where one number is all the model gave. ``problem`` says
    why there is none.
    """

    mean: float | None = None
    error: float = math.nan
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The statistics of one partition.

    ``columns`` keeps the data's order. ``table`` holds statistics of whole rows
    (``key_duplicates``, ``key_gaps``, ``row_duplicates``). ``segments`` maps a segment column
    to its segments. ``checks`` holds what the caller's extra aggregates gave in
    the same pass (see `interlock.profiles.plan`); it is not part of the stored
    document. ``dependencies`` maps each dependency that was asked for to how much it was
    tested on and how much of that breaks it. ``losses`` maps each model that was replayed
    to what it loses on the rows.
    """

    rows: int
    columns: Mapping[str, ColumnProfile]
    table: Mapping[str, Any] = field(default_factory=dict)
    segments: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)
    checks: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    dependencies: Mapping[Dependency, tuple[int, int]] = field(default_factory=dict)
    losses: Mapping[str, ModelLoss] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        return tuple(c.column for c in self.columns.values())
