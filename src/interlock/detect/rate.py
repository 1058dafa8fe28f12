"""What a score means: how often a clean table would raise one as large.

A surprise is compared with the largest ones of the table's own past partitions
(`calibration.Gumbel`), a broken invariant with the largest breaks (`calibration.Breaks`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from interlock.detect.calibration import Breaks, Evidence, Gumbel
from interlock.detect.odds import CHANCE
from interlock.names import partition_time

YEAR_S = 365.2425 * 86_400.0
PER_YEAR = 365.0  # partitions of a year where labels are no dates
PER_YEAR_MAX = 366.0 * 24 * 60  # a partition a minute
RECENT = 180  # partitions whose spacing counts
SCORED_MIN = 7  # scored partitions; on fewer no rate is stated
RAREST = 0.01  # per year; what is rarer, no past of some hundred partitions can tell apart


def partitions_per_year(labels: Sequence[str]) -> float:
    """How many partitions a year has, from the mean spacing of the latest labels; 365 where they are no dates."""
    times = [partition_time(label) for label in labels[-RECENT:]]
    known = sorted(t.timestamp() for t in times if t is not None)
    if len(known) < 2 or len(known) * 2 < len(times) or known[-1] == known[0]:
        return PER_YEAR
    return min((len(known) - 1) * YEAR_S / (known[-1] - known[0]), PER_YEAR_MAX)


@dataclass(frozen=True, slots=True)
class Rate:
    """False alarms per year at a score, for one table; None where too little of it was scored."""

    surprises: Gumbel
    breaks: Mapping[Evidence, Breaks]
    scored: int
    per_year: float  # partitions
    losses: Mapping[str, Gumbel] = field(default_factory=dict)  # of each model

    def at_surprise(self, surprise: float) -> float | None:
        """How often a year a clean table's largest surprise is this large."""
        return self._stated(self.surprises.share_beyond(surprise))

    def at_loss(self, model: str, surprise: float) -> float | None:
        """How often a year the model's loss is this surprising on a clean partition."""
        return self._stated(self.losses[model].share_beyond(surprise))

    def at_break(self, evidence: Evidence, score: float) -> float | None:
        """How often a year a clean table breaks an invariant of this kind by this score (see `odds.CHANCE`)."""
        return self._stated(self.breaks[evidence].share_beyond(score))

    def at_odds(self, score: float) -> float | None:
        """The same from the odds alone, where no past tells."""
        return self._stated(CHANCE**score)

    def _stated(self, share: float) -> float | None:
        if self.scored < SCORED_MIN:
            return None
        return float(f"{max(share * self.per_year, RAREST):.2g}")


def in_words(per_year: float | None) -> str:
    """A rate as a person says it.

    >>> in_words(0.08), in_words(2.0)
    ('a clean table would do this about once in 12 years', 'a clean table would do this about twice a year')
    """
    if per_year is None:
        return "too little history to say how often a clean table would do this"
    return f"a clean table would do this {_how_often(per_year)}"


def _how_often(per_year: float) -> str:
    if per_year <= RAREST:
        return f"less than once in {1 / RAREST:.0f} years"
    if per_year < 0.75:
        return f"about once in {_years(1 / per_year)}"
    if per_year < 1.5:
        return "about once a year"
    if per_year < 2.5:
        return "about twice a year"
    unit, per = next((unit, per) for unit, per, most in _UNITS if per_year < most)
    return f"about {_times(per_year / per)} a {unit}"


# unit, how many of them a year has, and the rate per year below which it is the one to use
_UNITS = (
    ("year", 1.0, 24.0),
    ("month", 12.0, 80.0),
    ("week", 52.18, 550.0),
    ("day", 365.2425, math.inf),
)


def _years(years: float) -> str:
    return "a year and a half" if years < 1.75 else f"{years:.0f} years"


def _times(count: float) -> str:
    whole = max(round(count), 1)
    return {1: "once", 2: "twice"}.get(whole, f"{whole:,} times")
