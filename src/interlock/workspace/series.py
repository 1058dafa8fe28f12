"""The past of the statistics a verdict found broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlock import detect
from interlock.constraints.constraint import Violation
from interlock.gates.verdict import Verdict

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """One statistic through history, its value in the judged partition last."""

    violation: Violation
    values: Values


def series(history: detect.History, verdict: Verdict) -> list[Series]:
    """A series for each alert's most surprising statistic that has one, in the order of the alerts."""
    rows = [r for r in history.rows if r.label != verdict.partition]
    past = [dict(zip(r.features.keys, map(float, r.features.values), strict=True)) for r in rows]
    features = detect.features(verdict.profile)
    now = dict(zip(features.keys, map(float, features.values), strict=True))
    found = []
    for alert in verdict.alerts:
        for violation in alert.violations:
            key = detect.Key(violation.column or "", violation.statistic, *(violation.segment or ()))
            if key in now and any(key in p for p in past):
                found.append(Series(violation, [*(p.get(key) for p in past), now[key]]))
                break
    return found
