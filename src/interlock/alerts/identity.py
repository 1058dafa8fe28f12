"""What makes two alerts of a table the same cause, and how large a cause is.

A cause is known by its kind and by the columns it began with. The next day's set
of columns may differ a little: one shared leading column is enough.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interlock.alerts.alert import Alert
from interlock.constraints.constraint import Violation
from interlock.names import Origin, Severity

if TYPE_CHECKING:
    from interlock.catalog.records import AlertRecord

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
    "default": "a code for missing was written where values were: a client, a join or a fill upstream changed",
    "frozen": "the source stands still: the same value, or nothing newer, comes again and again",
    "truncated": "the load was cut off, or ran before all of it was there",
    "spelling": "the same values are written in another way: letter case, or an encoding that was read wrongly",
    "shifted": "moments are in another time zone, or were converted twice",
    "copied": "a load ran for the wrong date, or its source stands still: the data came before, under another label",
    "loss": "the data look as ever and a model does worse on them: the world changed, or what it should predict",
    UNEXPLAINED: "no known pattern; look at the columns named first, and at what changed upstream since",
}
LEADING = 3  # columns that name a cause; further ones are its consequences
VAGUE = frozenset({UNEXPLAINED, "shift"})  # say how it looks, not what it is
# There is but one such cause, whatever it moves.
OF_THE_TABLE = frozenset({"copied", "duplicated", "truncated"})
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


def within(record: AlertRecord, table: str) -> Identity | None:
    """The identity of an alert in one of its tables; None where it is not about that table."""
    part = record.part(table)
    return Identity(record.kind, part.leading) if part is not None else None


def same(one: Identity, other: Identity) -> bool:
    """Whether two alerts of a table are one cause. Symmetric and reflexive, not transitive.

    >>> same(Identity("unit", ("distance",)), Identity("unit", ("air_time", "distance")))
    True
    >>> same(Identity("unit", ("distance",)), Identity("nulls", ("distance",)))
    False
    """
    if one.kind != other.kind:
        return False
    if one.kind in OF_THE_TABLE or not (one.columns or other.columns):
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
    return tuple(sorted({aspect(v) for v in loud}))


def manner(alert: Alert) -> str:
    """How an alert broke: its kind and detail where it was recognised, else what most of its columns show.

    Nulls are one manner by whichever recogniser they were told.
    """
    if alert.kind not in (*VAGUE, "nulls"):
        return f"{alert.kind} {alert.detail}" if alert.detail else alert.kind
    loudest: dict[str, Violation] = {}
    for v in sorted(alert.violations, key=lambda v: -v.score):
        for column in v.about or ("",):
            loudest.setdefault(column, v)
    counts = Counter(aspect(v) for v in loudest.values())
    return min(counts, key=lambda a: (-counts[a], a), default=UNEXPLAINED)


def aspect(violation: Violation) -> str:
    """What of the data a violation is about: a rule by its name, else nulls, level, values and the like."""
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
