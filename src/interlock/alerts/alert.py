"""An alert: violations that share a cause, ranked, saying what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interlock.alerts import impact
from interlock.alerts.impact import Hit
from interlock.constraints.constraint import Violation
from interlock.names import Origin, Outcome, Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """One cause. ``columns`` are ranked, the likeliest culprit first.

    ``title`` is one plain sentence; ``advice`` names the next command to type.
    ``score`` ranks alerts of a verdict, highest first. ``kind`` names the cause
    in one word (`interlock.alerts.identity.KINDS`), ``detail`` tells causes of one
    kind apart, such as the factor of a unit. ``id``, ``state`` and
    ``seen`` tell of its life beyond this verdict, None and 0 where it has none;
    ``note`` says why it is quiet. ``hit`` are the models that read the
    table. ``false_alarms_per_year`` is how often a clean
    table would raise its rarest violation: None where a declared constraint is
    broken or too little history says.
    """

    title: str
    severity: Severity
    columns: tuple[str, ...]
    violations: tuple[Violation, ...]
    score: float
    since: str | None = None
    cause: str | None = None
    advice: str | None = None
    kind: str = "unexplained"
    detail: str | None = None
    id: str | None = None
    state: str | None = None
    seen: int = 0
    note: str | None = None
    hit: tuple[Hit, ...] = ()

    @property
    def impact(self) -> float | None:
        """What its score is weighed with, by the models that read its table; None where none is known."""
        return impact.of(self.hit)

    @property
    def rank(self) -> float:
        """Confidence times impact: what comes first where models read the table."""
        return impact.rank(self.score, self.impact)

    @property
    def blocks(self) -> bool:
        """Whether it holds back its partition."""
        return any(v.blocking and v.outcome is Outcome.FAIL for v in self.violations)

    @property
    def false_alarms_per_year(self) -> float | None:
        if any(v.origin is not Origin.LEARNED for v in self.violations):
            return None
        return min((r for v in self.violations if (r := v.false_alarms_per_year) is not None), default=None)

    def __str__(self) -> str:
        return f"[{self.severity.value}] {self.title}" + (f" → {self.advice}" if self.advice else "")

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "state": self.state,
            "seen": self.seen,
            "kind": self.kind,
            "detail": self.detail,
            "title": self.title,
            "severity": self.severity.value,
            "columns": list(self.columns),
            "score": self.score,
            "false_alarms_per_year": self.false_alarms_per_year,
            "since": self.since,
            "cause": self.cause,
            "advice": self.advice,
            "note": self.note,
            "impact": self.impact,
            "hit": [h.to_dict() for h in self.hit],
            "violations": [v.to_dict() for v in self.violations],
        }
