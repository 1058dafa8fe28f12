"""What a backtest found, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.backtest.interval import poisson, wilson
from interlock.detect import Sensitivity

WEEKS = 52.1775  # of a year


@dataclass(frozen=True, slots=True)
class Recall:
    """How many planted faults of one kind and strength were caught, by a ticket or a page.

    ``first`` counts those whose alert names the right column first; of a fault in
    the rows any alert is right.
    """

    kind: str
    strength: float | None
    planted: int
    caught: int
    first: int

    @property
    def share(self) -> float:
        return self.caught / self.planted if self.planted else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95%, Wilson."""
        return wilson(self.caught, self.planted)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "strength": self.strength,
            "planted": self.planted,
            "caught": self.caught,
            "recall": round(self.share, 4),
            "interval": [round(x, 4) for x in self.interval],
            "right_column_first": self.first,
        }


@dataclass(frozen=True, slots=True)
class Level:
    """One sensitivity: what it costs on clean partitions and what it catches.

    ``accepted_per_year`` is the number of false alarms a year it aims at.
    ``alerts`` counts tickets and pages on ``clean`` partitions, of which ``weeks`` come in as many weeks.
    """

    sensitivity: Sensitivity
    accepted_per_year: float
    clean: int
    alarmed: int
    alerts: int
    weeks: float
    recall: Recall
    by_kind: tuple[Recall, ...]

    @property
    def alerts_per_week(self) -> float:
        return self.alerts / self.weeks

    @property
    def alerts_interval(self) -> tuple[float, float]:
        """95%, of alerts a week: Poisson."""
        low, high = poisson(self.alerts)
        return low / self.weeks, high / self.weeks

    def to_dict(self) -> dict[str, Any]:
        return {
            "sensitivity": self.sensitivity,
            "accepted_per_year": round(self.accepted_per_year, 2),
            "clean": self.clean,
            "alarmed": self.alarmed,
            "alerts": self.alerts,
            "alerts_per_week": round(self.alerts_per_week, 4),
            "alerts_per_week_interval": [round(x, 4) for x in self.alerts_interval],
            "faults": self.recall.to_dict(),
            "by_kind": [r.to_dict() for r in self.by_kind],
        }


@dataclass(frozen=True, slots=True)
class Backtest:
    """What each sensitivity would have cost and caught, and which is proposed.

    ``left_out`` counts the partitions that are not among the clean ones, by reason.
    ``current`` is the sensitivity the table has.
    """

    table: str
    partitions: int
    planted_in: int
    left_out: Mapping[str, int]
    levels: tuple[Level, ...]
    current: Sensitivity
    proposed: Sensitivity
    why: str
    seed: int

    def level(self, sensitivity: Sensitivity) -> Level:
        """One of `levels`."""
        return next(level for level in self.levels if level.sensitivity == sensitivity)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "table": self.table,
            "partitions": self.partitions,
            "planted_in": self.planted_in,
            "left_out": dict(self.left_out),
            "levels": [level.to_dict() for level in self.levels],
            "current": self.current,
            "proposed": self.proposed,
            "why": self.why,
            "seed": self.seed,
        }


WORTH = 0.01  # of the faults: less gain in recall is no reason to be more sensitive


def propose(levels: tuple[Level, ...], alerts_per_week_max: float) -> tuple[Sensitivity, str]:
    """The quietest level that catches nearly as much as any within the alerts a week that are accepted, and why."""
    quiet_first = sorted(levels, key=lambda level: (level.accepted_per_year, str(level.sensitivity)))
    within = [level for level in quiet_first if level.alerts_per_week <= alerts_per_week_max]
    if not within:
        least = quiet_first[0]
        return least.sensitivity, (
            f"every setting raises more than {alerts_per_week_max:g} alerts a week on clean partitions;"
            f" the quietest raises {least.alerts_per_week:.2g}"
        )
    best = max(level.recall.share for level in within)
    chosen = next(level for level in within if level.recall.share >= best - WORTH)
    return chosen.sensitivity, _why(chosen, within, quiet_first, alerts_per_week_max)


def _why(chosen: Level, within: list[Level], every: list[Level], most: float) -> str:
    said = f"catches {chosen.recall.share:.0%} of the faults at {chosen.alerts_per_week:.2g} alerts a week"
    quieter = [level for level in every if level.accepted_per_year < chosen.accepted_per_year]
    louder = [level for level in every if level.accepted_per_year > chosen.accepted_per_year]
    if quieter:
        gain = chosen.recall.share - quieter[-1].recall.share
        said += f", {gain * 100:.1f} points more than {quieter[-1].sensitivity}"
    if louder and louder[0] in within:
        gain = louder[0].recall.share - chosen.recall.share
        said += f"; {louder[0].sensitivity} would catch only {gain * 100:.1f} points more"
    elif louder:
        said += f"; {louder[0].sensitivity} raises more than {most:g} alerts a week"
    return said
