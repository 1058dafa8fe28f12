"""How a table stands to its service level objective: the error budget and what is left of it.

Terms and burn rates follow Beyer et al., *The Site Reliability Workbook* (2018), chapter 5:
the budget is the share of partitions that may be unhealthy, the burn rate how many
times faster than even it is being used.
"""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from interlock.constraints.table_contract import Slo
from interlock.names import Outcome, partition_time

_DAY = dt.timedelta(days=1)
_HOUR = dt.timedelta(hours=1)
# Burn rate, hours it is looked at over, fewest partitions in them, fewest bad ones.
_BURNS = ((14.4, 1, 12, 2), (6.0, 6, 36, 2))


@dataclass(frozen=True, slots=True)
class Health:
    """One partition: when its data is of, when it was first there, and what was wrong with it.

    ``loaded_at`` is None for one that readers cannot see; ``problem`` is None for a healthy one.
    """

    label: str
    loaded_at: dt.datetime | None
    problem: str | None = None

    @property
    def at(self) -> dt.datetime | None:
        return partition_time(self.label) or self.loaded_at


@dataclass(frozen=True, slots=True)
class Standing:
    """A table against its objective over the window that ends with its newest partition.

    ``budget`` is how many unhealthy partitions the window allows, ``left`` the
    part of it not used: 1 is all, 0 none, negative overdrawn. ``late`` are partitions
    that were not there in time; ``due`` is when the next one has to be, ``overdue``
    that this has passed. ``burning`` says in words that the budget goes too fast.
    """

    table: str
    objective: Slo
    since: dt.datetime | None
    until: dt.datetime | None
    partitions: int
    unhealthy: tuple[Health, ...]
    late: tuple[str, ...] = ()
    due: dt.datetime | None = None
    overdue: bool = False
    burning: str | None = None

    @property
    def budget(self) -> float:
        return (1.0 - self.objective.healthy) * self.partitions

    @property
    def left(self) -> float:
        return 1.0 - len(self.unhealthy) / self.budget if self.budget else 1.0

    @property
    def outcome(self) -> Outcome:
        """Fail where the objective is missed or data is overdue; inconclusive without partitions."""
        if self.overdue:
            return Outcome.FAIL
        if not self.partitions:
            return Outcome.INCONCLUSIVE
        missed = len(self.unhealthy) + len(set(self.late) - {h.label for h in self.unhealthy})
        return Outcome.FAIL if missed > self.budget else Outcome.PASS

    def to_dict(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "outcome": self.outcome.value,
            "objective": {
                "healthy": self.objective.healthy,
                "window_days": self.objective.window_days,
                "fresh": f"{self.objective.fresh:%H:%M}" if self.objective.fresh else None,
                "zone": self.objective.zone,
            },
            "since": _iso(self.since),
            "until": _iso(self.until),
            "partitions": self.partitions,
            "healthy": self.partitions - len(self.unhealthy),
            "unhealthy": [{"partition": h.label, "problem": h.problem} for h in self.unhealthy],
            "budget": round(self.budget, 6),
            "budget_left": round(self.left, 6),
            "late": list(self.late),
            "due": _iso(self.due),
            "overdue": self.overdue,
            "burning": self.burning,
        }


def standing(table: str, objective: Slo, partitions: Sequence[Health], now: dt.datetime) -> Standing:
    """How a table stands. ``partitions`` in any order, one a label; ``now`` is an aware moment."""
    dated = sorted(((h.at, h) for h in partitions if h.at is not None), key=lambda pair: pair[0])
    if not dated:
        return Standing(table, objective, None, None, 0, ())
    until = dated[-1][0]
    since = until - (objective.window_days - 1) * _DAY
    inside = [(at, h) for at, h in dated if at >= since]
    due = _due(until + _DAY, objective)
    return Standing(
        table,
        objective,
        since,
        until,
        len(inside),
        tuple(h for _, h in inside if h.problem is not None),
        tuple(h.label for at, h in inside if _late(at, h, objective)),
        due,
        due is not None and now > due,
        _burning(inside, objective),
    )


def _due(day: dt.datetime, objective: Slo) -> dt.datetime | None:
    """When the partition of a day has to be there: that time of the day after, where the clock is."""
    if objective.fresh is None:
        return None
    after = day.date() + _DAY
    return dt.datetime.combine(after, objective.fresh, ZoneInfo(objective.zone)).astimezone(dt.UTC)


def _late(at: dt.datetime, health: Health, objective: Slo) -> bool:
    """Not there in time. What came after the window was over was filled in later: no news."""
    due = _due(at, objective)
    if due is None or health.loaded_at is None:
        return False
    return due < health.loaded_at <= due + objective.window_days * _DAY


def _burning(inside: Sequence[tuple[dt.datetime, Health]], objective: Slo) -> str | None:
    """That the budget goes too fast, where partitions are hourly or finer: else one bad partition is the news."""
    times = [at for at, _ in inside]
    steps = [b - a for a, b in itertools.pairwise(times)]
    if not steps or statistics.median_high(steps) > _HOUR:
        return None
    for rate, hours, fewest, bad_min in _BURNS:
        recent = [h for at, h in inside if at > times[-1] - hours * _HOUR]
        if len(recent) < fewest:
            recent = [h for _, h in inside[-fewest:]]
        bad = sum(h.problem is not None for h in recent)
        burn = bad / len(recent) / (1.0 - objective.healthy)
        if bad >= bad_min and burn >= rate:
            return f"{bad} of the last {len(recent)} partitions are unhealthy: {burn:.0f} times the even rate"
    return None


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
