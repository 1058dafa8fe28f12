"""What a report tells of a table, as frozen values: the page and its JSON say the same."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from interlock.names import Decision, Outcome, Severity

WHOLE = ""  # stands for the whole table where a column is named
_INCONCLUSIVE = Outcome.INCONCLUSIVE.value


class Answer(StrEnum):
    """What the gate made of a partition, the worst first."""

    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ALERTED = "alerted"
    PASS = "pass"


class Standing(StrEnum):
    """Where a load of a partition is now."""

    PUBLISHED = "published"
    ADMITTED = "admitted"
    RELEASED = "released"  # stopped by the gate, published by a person
    QUARANTINED = "quarantined"
    REPLACED = "replaced"
    DROPPED = "dropped"

    @property
    def read(self) -> bool:
        """Whether readers see it."""
        return self in (Standing.PUBLISHED, Standing.ADMITTED, Standing.RELEASED)

    @property
    def held(self) -> bool:
        """Whether it is there: with the readers, or in quarantine."""
        return self.read or self is Standing.QUARANTINED


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation as its verdict keeps it, without the values of sensitive columns. ``columns`` may be empty."""

    constraint: str
    columns: tuple[str, ...]
    statistic: str
    observed: str
    expected: str
    severity: Severity
    score: float
    since: str | None
    inconclusive: bool
    blocking: bool
    segment: tuple[str, str | None] | None

    @property
    def loudness(self) -> tuple[int, int, float]:
        """Sorts by how loud it is, the loudest first."""
        return (int(self.inconclusive), self.severity.rank, -self.score)

    def of(self, column: str) -> bool:
        """Whether it is about this column, or about the whole table."""
        return column in self.columns if column != WHOLE else not self.columns

    def to_dict(self) -> dict[str, Any]:
        return {
            "constraint": self.constraint,
            "columns": list(self.columns),
            "statistic": self.statistic,
            "observed": self.observed,
            "expected": self.expected,
            "severity": self.severity.value,
            "score": self.score,
            "since": self.since,
            "outcome": _INCONCLUSIVE if self.inconclusive else Outcome.FAIL.value,
            "blocking": self.blocking,
        }


@dataclass(frozen=True, slots=True)
class Told:
    """An alert as its verdict keeps it, ``hit`` in words; ``title`` without the partition it begins with."""

    title: str
    severity: Severity
    columns: tuple[str, ...]
    findings: tuple[Finding, ...]
    since: str | None
    cause: str | None
    advice: str | None
    hit: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """One version of a partition and what was found in it. ``outcome`` is None where it was never judged."""

    id: int
    label: str
    standing: Standing
    rows: int
    loaded_at: dt.datetime
    outcome: Outcome | None
    decision: Decision | None
    findings: tuple[Finding, ...]
    alerts: tuple[Told, ...]
    notes: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        if self.outcome is Outcome.FAIL:
            return Answer.FAIL
        if self.outcome is not Outcome.PASS:
            return Answer.INCONCLUSIVE
        loud = any(a.severity is not Severity.INFO for a in self.alerts)
        return Answer.ALERTED if loud else Answer.PASS

    def to_dict(self) -> dict[str, Any]:
        return {
            "state": self.standing.value,
            "rows": self.rows,
            "loaded_at": self.loaded_at.isoformat(),
            "outcome": self.outcome.value if self.outcome else None,
            "decision": self.decision.value if self.decision else None,
            "violations": [f.to_dict() for f in self.findings],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition with every load that came for it, oldest first."""

    label: str
    loads: tuple[Load, ...]

    @property
    def answer(self) -> Answer:
        """The worst of its loads."""
        return min((load.answer for load in self.loads), key=list(Answer).index)

    @property
    def read(self) -> Load | None:
        """The load that readers see; None while there is none."""
        return next((load for load in reversed(self.loads) if load.standing.read), None)

    @property
    def quarantined(self) -> bool:
        return any(load.standing is Standing.QUARANTINED for load in self.loads)

    def to_dict(self) -> dict[str, Any]:
        loads = [load.to_dict() for load in self.loads]
        return {"partition": self.label, "answer": self.answer.value, "loads": loads}


@dataclass(frozen=True, slots=True)
class Point:
    """A value that broke something. ``read`` says whether readers see it."""

    place: int
    value: float
    read: bool


@dataclass(frozen=True, slots=True)
class Series:
    """One statistic along the partitions shown.

    ``low`` and ``high`` are the range of the partitions before in which the
    column broke nothing, None while there is none.
    """

    statistic: str
    words: str
    family: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    points: tuple[Point, ...]

    @property
    def constant(self) -> float | None:
        """Its only value, where it never had another and nothing broke; else None."""
        known = {v for v in self.values if v is not None}
        return known.pop() if len(known) == 1 and not self.points else None

    def to_dict(self) -> dict[str, Any]:
        broke = [{"place": p.place, "value": p.value, "published": p.read} for p in self.points]
        bands = {"low": list(self.low), "high": list(self.high)}
        return {"statistic": self.statistic, "values": list(self.values), **bands, "broke": broke}


@dataclass(frozen=True, slots=True)
class Column:
    """A column, or the whole table, through the partitions shown. ``broke`` counts violations."""

    name: str
    type: str
    broke: int
    severity: Severity | None
    sensitive: bool
    series: tuple[Series, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "column": self.name or None,
            "type": self.type,
            "violations": self.broke,
            "severity": self.severity.value if self.severity else None,
            "sensitive": self.sensitive,
            "history": [s.to_dict() for s in self.series],
        }


@dataclass(frozen=True, slots=True)
class Number:
    """One statistic before and in the load an alert is about, in words."""

    words: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Change:
    """One column before and in a load.

    ``quantiles`` hold (share, before, now), ``values`` (value, share before,
    share now); at most one of them is filled.
    """

    column: str
    numbers: tuple[Number, ...]
    quantiles: tuple[tuple[str, float, float], ...] = ()
    values: tuple[tuple[str, float, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "column": self.column or None,
            "statistics": [{"statistic": n.words, "before": n.before, "now": n.now} for n in self.numbers],
            "quantiles": [{"share": q, "before": a, "now": b} for q, a, b in self.quantiles],
            "values": [{"value": v, "before": a, "now": b} for v, a, b in self.values],
        }


@dataclass(frozen=True, slots=True)
class Story:
    """An alert, what became of the load it is about, and what changed in its columns."""

    label: str
    standing: Standing
    told: Told
    compared: int  # partitions before it that it is compared with
    changes: tuple[Change, ...]

    @property
    def advice(self) -> str | None:
        """The next command to type, where there is still something to do."""
        return self.told.advice if self.standing.held and self.standing is not Standing.RELEASED else None

    def to_dict(self) -> dict[str, Any]:
        return {
            "partition": self.label,
            "state": self.standing.value,
            "title": self.told.title,
            "severity": self.told.severity.value,
            "columns": list(self.told.columns),
            "since": self.told.since,
            "cause": self.told.cause,
            "hit": list(self.told.hit),
            "advice": self.advice,
            "compared_with": self.compared,
            "changes": [c.to_dict() for c in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """The table a report is about. ``ledger`` is the size and root (hexadecimal) under the checkpoint."""

    name: str
    partition: str | None
    key: tuple[str, ...]
    owner: str | None = None
    attached: bool = False
    sensitive: frozenset[str] = frozenset()
    ledger: tuple[int, str] | None = None

    def hides(self, column: str) -> bool:
        """Whether the values of a column are not to be shown."""
        return column.casefold() in {name.casefold() for name in self.sensitive}


@dataclass(frozen=True, slots=True)
class Report:
    """A table's recent past. ``recent`` are the partitions counted, ``shown`` the last of them."""

    subject: Subject
    made_at: dt.datetime
    version: str
    published: int
    quarantined: int
    recent: tuple[Partition, ...]
    shown: tuple[Partition, ...]
    columns: tuple[Column, ...]  # the whole table first, then those that alarmed, then the rest
    columns_left_out: int
    stories: tuple[Story, ...]
    stories_left_out: int

    @property
    def last(self) -> Partition:
        """The newest partition."""
        return self.shown[-1]

    def answers(self, most: int) -> Mapping[Answer, int]:
        """How many of the last partitions got which answer."""
        found = Counter(p.answer for p in self.recent[-most:])
        return {answer: found[answer] for answer in Answer}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ledger = self.subject.ledger
        newest = self.last.loads[-1]
        return {
            "table": self.subject.name,
            "owner": self.subject.owner,
            "partitioned_by": self.subject.partition,
            "key": list(self.subject.key),
            "made_at": self.made_at.isoformat(),
            "interlock": self.version,
            "ledger": {"entries": ledger[0], "root": ledger[1]} if ledger else None,
            "published": self.published,
            "quarantined": self.quarantined,
            "last": {
                "partition": self.last.label,
                "loaded_at": newest.loaded_at.isoformat(),
                "age_s": (self.made_at - newest.loaded_at).total_seconds(),
            },
            "answers": {str(n): dict(_plain(self.answers(n))) for n in SPANS},
            "partitions": [p.to_dict() for p in self.shown],
            "columns": [c.to_dict() for c in self.columns],
            "columns_left_out": self.columns_left_out,
            "alerts": [s.to_dict() for s in self.stories],
            "alerts_left_out": self.stories_left_out,
        }


SPANS = (30, 90)  # partitions that outcomes are counted over


def _plain(answers: Mapping[Answer, int]) -> Sequence[tuple[str, int]]:
    return [(answer.value, count) for answer, count in answers.items()]
