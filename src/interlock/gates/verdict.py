"""A verdict: the answer of a gate and what the gate did about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from interlock.alerts.alert import Alert
from interlock.constraints.constraint import Violation
from interlock.names import Decision, Outcome
from interlock.profiles.profile import Profile


def outcome_of(violations: Iterable[Violation]) -> Outcome:
    """The outcome over the blocking constraints: fail beats inconclusive beats pass."""
    blocking = {v.outcome for v in violations if v.blocking}
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        if outcome in blocking:
            return outcome
    return Outcome.PASS


@dataclass(frozen=True, slots=True)
class Verdict:
    """``outcome`` is over the blocking constraints, ``decision`` is what was done.

    ``stored`` is False for a check: then ``decision`` is what would have been.
    """

    gate: str
    table: str
    partition: str
    outcome: Outcome
    decision: Decision
    violations: tuple[Violation, ...]
    alerts: tuple[Alert, ...]
    profile: Profile
    judged_at: dt.datetime
    stored: bool
    judged: int  # constraints judged, violated or not
    id: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the profile is left out (``interlock profile`` shows it)."""
        return {
            "id": self.id,
            "gate": self.gate,
            "table": self.table,
            "partition": self.partition,
            "outcome": self.outcome.value,
            "decision": self.decision.value,
            "stored": self.stored,
            "rows": self.profile.rows,
            "constraints": self.judged,
            "judged_at": self.judged_at.isoformat(),
            "violations": [v.to_dict() for v in self.violations],
            "alerts": [a.to_dict() for a in self.alerts],
            "notes": list(self.notes),
        }
