"""A constraint: a SQL boolean expression and what it means to break it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from interlock.names import Origin, Outcome, Severity


class Level(StrEnum):
    """Without aggregates: every row. With aggregates: the partition."""

    ROW = "row"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Constraint:
    """``sql`` must hold for every row (up to ``tolerance``) or for the partition.

    ``name`` is unique in its table and stable across runs. ``kind`` is
    ``expression`` or the sugar that made it (``not_null``, ``unique``,
    ``in_set``, ``references``, ``matches``, ``fresh``) or, for learned ones, the
    statistic family (``range``, ``domain``, ``baseline``, ``schema`` …).
    ``tolerance`` is a share of rows, 0 ≤ tolerance < 1, row-level only.
    ``block`` says whether breaking it stops publication; learned constraints
    that are not enforced have it False. ``evidence`` says what a learned
    constraint rests on.
    """

    name: str
    sql: str
    level: Level
    columns: tuple[str, ...] = ()
    kind: str = "expression"
    origin: Origin = Origin.DECLARED
    tolerance: float = 0.0
    severity: Severity = Severity.PAGE
    block: bool = True
    references: tuple[str, str] | None = None  # (table, column) of a foreign key
    parameters: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def with_(self, **changes: Any) -> Constraint:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Violation:
    """What broke. Also carries ``inconclusive`` findings, which have no rows.

    ``observed`` and ``expected`` are short texts a person can read, with the
    threshold used. ``rows`` and ``share`` (0…1) count violating rows, None for
    table-level constraints. ``score`` grows with surprise; for learned ones it
    is the multiple of the table's alarm threshold (≥ 1 alarms), and
    ``false_alarms_per_year`` how often a clean table would reach it: None where too
    little history says so, and for what was not learned. ``since`` is the label of
    the first partition of the current unbroken series of violations. ``mild`` is what alarms
    because this table hardly ever shows it, and would say little elsewhere: one new value.
    ``sample`` holds up to `settings.sample_keys` failing rows, by key.
    """

    constraint: str
    column: str | None
    statistic: str
    observed: str
    expected: str
    rows: int | None = None
    share: float | None = None
    severity: Severity = Severity.PAGE
    score: float = 1.0
    since: str | None = None
    sample: tuple[Mapping[str, Any], ...] = ()
    outcome: Outcome = Outcome.FAIL
    origin: Origin = Origin.DECLARED
    blocking: bool = True
    segment: tuple[str, str | None] | None = None  # (segment column, value)
    columns: tuple[str, ...] = ()
    false_alarms_per_year: float | None = None
    mild: bool = False

    @property
    def about(self) -> tuple[str, ...]:
        """The columns that it is about, the likeliest culprit first; none where it is the whole partition."""
        return self.columns or ((self.column,) if self.column else ())

    def with_(self, **changes: Any) -> Violation:
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "constraint": self.constraint,
            "column": self.column,
            "columns": list(self.columns),
            "statistic": self.statistic,
            "segment": list(self.segment) if self.segment else None,
            "observed": self.observed,
            "expected": self.expected,
            "rows": self.rows,
            "share": self.share,
            "severity": self.severity.value,
            "score": self.score,
            "false_alarms_per_year": self.false_alarms_per_year,
            "since": self.since,
            "outcome": self.outcome.value,
            "origin": self.origin.value,
            "blocking": self.blocking,
            "sample": [dict(row) for row in self.sample],
        }
