"""An alert: violations that share a cause, ranked, saying what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interlock.constraints.constraint import Violation
from interlock.names import Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """One cause. ``columns`` are ranked, the likeliest culprit first.

    ``title`` is one plain sentence; ``advice`` names the next command to type.
    ``score`` ranks alerts of a verdict, highest first.
    """

    title: str
    severity: Severity
    columns: tuple[str, ...]
    violations: tuple[Violation, ...]
    score: float
    since: str | None = None
    cause: str | None = None
    advice: str | None = None

    def __str__(self) -> str:
        return f"[{self.severity.value}] {self.title}" + (f" → {self.advice}" if self.advice else "")

    def to_dict(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "severity": self.severity.value,
            "columns": list(self.columns),
            "score": self.score,
            "since": self.since,
            "cause": self.cause,
            "advice": self.advice,
            "violations": [v.to_dict() for v in self.violations],
        }
