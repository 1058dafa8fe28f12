"""What makes two alerts of a table the same cause, and how large a cause is.

A cause is known by its kind and by the columns it began with. The next day's set
of columns may differ a little: one shared leading column is enough.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.alerts.alert import Alert
from interlock.catalog.records import AlertRecord
from interlock.constraints.constraint import Violation
from interlock.names import Origin, Severity

UNEXPLAINED = "unexplained"
KINDS = {
    "unit": "the values are in another unit: somebody changed it upstream, or mixed two sources",
    "swapped": "two columns changed places, in a SELECT, a CSV header or a renaming",
    "nulls": "a field is no longer filled, or filled where it never was: a join or a source behind it changed",
    "lost": "a source stopped sending: its rows are not there, and every share moved with them",
    "values": "the column is coded in another way: other spellings, another list of categories",
    "duplicated": "the same rows were loaded twice, or a join multiplied them",
    "drift": "the columns changed upstream: a renaming, a new release, another type",
    "negated": "a sign changed: a refund, a subtraction the wrong way round, a code for missing",
    "shift": "several columns moved together: an event in the world, or one loss upstream",
    UNEXPLAINED: "no known pattern; look at the columns named first, and at what changed upstream since",
}
LEADING = 3  # columns that name a cause; further ones are its consequences
_OF_THE_TABLE = frozenset({"duplicated"})  # there is but one such cause, whichever counts it moves
_LEVEL = frozenset({"mean", "stddev", "min", "max", "median", "negatives", "zeros"})
_VALUES = frozenset({"distinct", "domain", "pattern", "present", "top"})


@dataclass(frozen=True, slots=True)
class Identity:
    """``kind`` and the leading columns, the likeliest culprit first."""

    kind: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(self.columns)}" if self.columns else self.kind


def of(found: Alert | AlertRecord) -> Identity:
    """The identity of an alert."""
    return Identity(found.kind, tuple(found.columns[:LEADING]))


def same(one: Identity, other: Identity) -> bool:
    """Whether two alerts of a table are one cause. Symmetric and reflexive, not transitive.

    >>> same(Identity("unit", ("distance",)), Identity("unit", ("air_time", "distance")))
    True
    >>> same(Identity("unit", ("distance",)), Identity("nulls", ("distance",)))
    False
    """
    if one.kind != other.kind:
        return False
    if one.kind in _OF_THE_TABLE or not (one.columns or other.columns):
        return True
    return bool(set(one.columns) & set(other.columns))


def shared(one: Identity, other: Identity) -> int:
    """How many leading columns two causes share: which of several open alerts a new one continues."""
    return len(set(one.columns) & set(other.columns))


def share(alert: Alert) -> float | None:
    """The largest share of rows that breaks one of its constraints; None where none counts rows."""
    return max((v.share for v in alert.violations if v.share is not None), default=None)


def aspects(alert: Alert) -> tuple[str, ...]:
    """What of the data an alert is about: a rule by its name, else nulls, level, values and the like."""
    loud = [v for v in alert.violations if v.severity is not Severity.INFO] or list(alert.violations)
    return tuple(sorted({_aspect(v) for v in loud}))


def _aspect(violation: Violation) -> str:
    statistic = violation.statistic
    if violation.origin is not Origin.LEARNED:
        return f"rule {violation.constraint}"
    if statistic in _LEVEL or (statistic[:1] == "q" and statistic[1:].isdecimal()):
        return "level"
    if statistic in _VALUES:
        return "values"
    return "nulls" if statistic.startswith("null") else statistic


def grown(score: float, share: float | None, than: float, than_share: float | None, growth: float) -> bool:
    """Whether a size is clearly more than another: ``growth`` times its score or its share of rows."""
    if score > growth * than:
        return True
    return share is not None and than_share is not None and share > growth * than_share
