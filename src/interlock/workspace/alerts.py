"""What is known of a table's alerts, and what a person may do about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock import detect
from interlock.alerts import identity, impact
from interlock.alerts.budget import DIGEST
from interlock.alerts.feedback import Precision, ended
from interlock.catalog import AlertPart, AlertRecord, Reader, State, alerts, profiles, verdicts
from interlock.catalog.partitions import label_order
from interlock.catalog.records import CURRENT
from interlock.detect.rate import in_words
from interlock.gates import alerting
from interlock.names import Origin, partition_time

if TYPE_CHECKING:
    from interlock.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """One cause in the life of a table: since when it is there, how often it was seen, what people said.

    Made by `Workspace.alerts` and `Workspace.alert`. Actions are recorded in the
    ledger with who and why, and return the alert as it is then.
    """

    workspace: Workspace
    record: AlertRecord

    def __repr__(self) -> str:
        return f"<{self.id} {self.state} [{self.severity}] {self.table}: {self.title}>"

    @property
    def id(self) -> str:
        """``A17``; it never changes."""
        return self.record.name

    @property
    def table(self) -> str:
        """The table it is about."""
        return self.record.table

    @property
    def state(self) -> str:
        """``open``, ``acknowledged``, ``recovered`` (by a clean partition), ``settled`` (normal now) or ``closed``."""
        return self.record.state.value

    @property
    def severity(self) -> str:
        """``page`` or ``ticket``; ``info`` while the cause is only a note."""
        return self.record.severity

    @property
    def title(self) -> str:
        """What broke when it was last seen, in one sentence."""
        return self.record.title

    @property
    def first(self) -> str:
        """The first partition it was seen in."""
        return self.record.first_label

    @property
    def last(self) -> str:
        """The last partition it was seen in."""
        return self.record.last_label

    @property
    def seen(self) -> int:
        """In how many partitions."""
        return self.record.seen

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table it is about, the one it began in first."""
        return tuple(p.table for p in self.record.parts) or (self.table,)

    @property
    def standing(self) -> str:
        """``new``, ``still broken, day 5`` or how it ended, in words."""
        r = self.record
        if not r.state.is_open:
            return ended(r)
        first, last = partition_time(r.first_label), partition_time(r.last_label)
        if first is None or last is None:
            return "new" if r.seen == 1 else f"still broken, in {r.seen:,} partitions"
        day = (last - first).days + 1
        return "new" if day == 1 and r.seen == 1 else f"still broken, day {day:,}"

    @property
    def rank(self) -> float:
        """Confidence × impact; without a model that reads its table by confidence alone."""
        return impact.rank(self.record.score, self.record.impact)

    @property
    def hit(self) -> tuple[impact.Hit, ...]:
        """The models that read its tables, those that it costs most first."""
        return tuple(sorted(map(impact.from_dict, self.record.hit), key=lambda h: -h.weight))

    @property
    def feedback(self) -> str | None:
        """``useful`` or ``false_alarm``, as a person said; None where nobody did."""
        return self.record.feedback.value if self.record.feedback is not None else None

    @property
    def folded(self) -> bool:
        """Whether it is an open ticket beyond its owner's budget, which waits for the week's digest."""
        return self.record.state.is_open and self.record.told == DIGEST

    def ack(self, reason: str = "") -> KnownAlert:
        """Say that somebody knows. Raises `AlertClosed`."""
        return self._act("ack", reason)

    def useful(self, reason: str = "") -> KnownAlert:
        """Say that it was worth a look; counts in the table's measured precision."""
        return self._act("useful", reason)

    def false_alarm(self, reason: str) -> KnownAlert:
        """Close it and keep this cause, at this size, quiet for `settings.alert_silence_days`."""
        return self._act("false_alarm", reason)

    def close(self, reason: str = "") -> KnownAlert:
        """Close it; the same cause opens a new alert after the cool-down. Raises `AlertClosed`."""
        return self._act("close", reason)

    def _act(self, action: str, reason: str) -> KnownAlert:
        changed = alerting.act(self.workspace.site, self.id, action, self.workspace.user, reason)
        return KnownAlert(self.workspace, changed)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        r = self.record
        return {
            "id": self.id,
            "table": r.table,
            "state": self.state,
            "severity": r.severity,
            "kind": r.kind,
            "columns": list(r.columns),
            "title": r.title,
            "source": r.source,
            "tables": [_part(p) for p in r.parts],
            "opened_as": r.opened_as,
            "standing": self.standing,
            "first": r.first_label,
            "last": r.last_label,
            "seen": r.seen,
            "score": r.score,
            "impact": r.impact,
            "rank": self.rank,
            "hit": [h.to_dict() for h in self.hit],
            "share": r.share,
            "opened_at": r.opened_at.isoformat(),
            "updated_at": r.updated_at.isoformat(),
            "closed_at": r.closed_at.isoformat() if r.closed_at is not None else None,
            "closed": None if r.state.is_open else ended(r),
            "owner": r.owner,
            "feedback": self.feedback,
            "who": r.who,
            "reason": r.reason,
            "quiet_until": r.quiet_until.isoformat() if r.quiet_until is not None else None,
            "silenced": r.silenced,
            "told": r.told,
            "advice": r.advice,
        }

    def details(self) -> dict[str, Any]:
        """`to_dict` with what was broken when it was last seen, how sure that is, and the likely cause."""
        with self.workspace.site.catalog.read() as rx:
            broken = _violations(rx, self.record)
            precision = Precision.of(alerts.feedback(rx, self.table).get(self.table, {}))
        return self.to_dict() | {
            "violations": broken,
            "sure": sure(self.record, broken),
            "false_alarms_per_year": rate(broken),
            "likely_cause": identity.KINDS.get(self.record.kind),
            "precision": precision.to_dict(),
        }

    def history(self, broken: Sequence[Mapping[str, Any]]) -> tuple[str, list[float | None]] | None:
        """The constraint and past values of the first statistic that has a past, its last sighting last."""
        rows = self.workspace.existing_table(self.table).history().rows
        order = label_order(_last_label(self.record))
        past = [_values(r.features) for r in rows if label_order(r.label) < order]
        now = _last_seen(self.workspace, self.record)
        for v in (v for v in broken if v.get("table", self.table) == self.table):
            segment = tuple(v["segment"] or ())
            key = detect.Key(v["column"] or "", v["statistic"], *segment)
            if any((value := p.get(key)) is not None and value == value for p in past):
                return v["constraint"], [*(p.get(key) for p in past), now.get(key)]
        return None


def sure(record: AlertRecord, broken: Sequence[Mapping[str, Any]]) -> str:
    """How sure an alert is, in words: what was declared is certain, what was learned has a size."""
    if any(v["origin"] != Origin.LEARNED.value for v in broken):
        return "certain: it breaks what was declared"
    times = f"{record.score:.1f} times what counts as an alarm in this table"
    return f"{times}; {in_words(rate(broken))}"


def rate(broken: Sequence[Mapping[str, Any]]) -> float | None:
    """How often a year a clean table would raise the rarest of these; None where that is not known."""
    if any(v["origin"] != Origin.LEARNED.value for v in broken):
        return None
    return min((r for v in broken if (r := v.get("false_alarms_per_year")) is not None), default=None)


def _violations(rx: Reader, record: AlertRecord) -> list[dict[str, Any]]:
    """What of the last verdict of each of its tables belongs to an alert, the loudest first."""
    last = [(p.table, p.verdict_id) for p in record.parts] or [(record.table, record.verdict_id)]
    mine = []
    for table, verdict_id in last:
        stored = verdicts.get(rx, verdict_id)
        found = stored.document["alerts"] if stored is not None else ()
        mine += [v | {"table": table} for a in found if a.get("id") == record.name for v in a["violations"]]
    return sorted(mine, key=lambda v: -v["score"])


def _part(part: AlertPart) -> dict[str, Any]:
    return {
        "table": part.table,
        "columns": list(part.columns),
        "severity": part.severity,
        "title": part.title,
        "first": part.first_label,
        "last": part.last_label,
        "seen": part.seen,
        "recovered": part.recovered,
    }


def _values(features: detect.Features) -> dict[detect.Key, float | None]:
    return dict(zip(features.keys, map(float, features.values), strict=True))


def _last_label(record: AlertRecord) -> str:
    """The partition of its first table that it was last seen in."""
    part = record.part(record.table)
    return part.last_label if part is not None else record.last_label


def _last_seen(workspace: Workspace, record: AlertRecord) -> dict[detect.Key, float | None]:
    """The statistics of the partition that an alert was last seen in."""
    with workspace.site.catalog.read() as rx:
        states = (*CURRENT, State.QUARANTINED)
        last = _last_label(record)
        rows = [h for h in profiles.history(rx, record.table, states=states) if h.label == last]
        if not rows:
            return {}
        row = max(rows, key=lambda h: h.partition_id)
        names = profiles.vector_schema(rx, row.vector_schema)
    return _values(detect.Features.unpack(names, row.vector, row.domains))
