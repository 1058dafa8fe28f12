"""Alerts and sightings by hand, and a table's alerts followed from day to day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from interlock.alerts import Alert, lifecycle
from interlock.alerts.lifecycle import Limits, Sighting, Step
from interlock.catalog import AlertRecord
from interlock.constraints.constraint import Violation
from interlock.names import Origin, Severity

START = dt.date(2024, 1, 1)
NOW = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)
COLUMNS = frozenset("abcdef")


def day(number: int) -> str:
    return (START + dt.timedelta(days=number)).isoformat()


def alert(
    *columns: str,
    kind: str = "unit",
    score: float = 2.0,
    severity: Severity = Severity.TICKET,
    statistic: str = "mean",
    share: float | None = None,
    blocking: bool = False,
) -> Alert:
    """An alert about these columns, the likeliest culprit first."""
    violation = Violation(
        constraint=f"{''.join(columns)}_{statistic}",
        column=columns[0] if columns else None,
        statistic=statistic,
        observed="much",
        expected="little",
        severity=severity,
        score=score,
        share=share,
        origin=Origin.LEARNED,
        blocking=blocking,
        columns=columns,
    )
    return Alert("it broke", severity, columns, (violation,), score, kind=kind)


@dataclass
class Book:
    """What is known of one table, day after day."""

    limits: Limits = field(default_factory=Limits)
    known: dict[int, AlertRecord] = field(default_factory=dict)

    def see(self, number: int, *alerts: Alert, at: dt.datetime = NOW, **more: object) -> Step:
        """The verdict of a day; more of a `Sighting` by name."""
        seen = Sighting("t", day(number), f"v{number}", at, alerts, COLUMNS)
        for name, value in more.items():
            object.__setattr__(seen, name, value)
        step = lifecycle.follow(self.known, seen, self.limits, max(self.known, default=0) + 1)
        self.known = step.known
        return step

    @property
    def states(self) -> list[tuple[str, str, int]]:
        """Name, state and number of sightings of each alert."""
        return [(r.name, r.state.value, r.seen) for r in self.known.values()]
