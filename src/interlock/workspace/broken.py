"""What of a table's published data is broken, as somebody who reads it should know.

- While an alert is open, its columns are broken in the published partitions whose verdict raised it.
- When its cause is gone, a partition stays broken in what it breaks of declared or accepted constraints:
  that is certain. What was only learned is over with its alert, as an unusual day is.
- A partition is healthy again when it was written again without the alert, or a person said so: released
  it, accepted a new normal, closed the alert, called it a false alarm.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.catalog import (
    AlertRecord,
    AlertState,
    PartitionRecord,
    Reader,
    State,
    accepts,
    alerts,
    partitions,
    verdicts,
)
from interlock.catalog.partitions import label_order
from interlock.catalog.records import Feedback
from interlock.names import Decision, Origin, Outcome, Severity

_READ = frozenset({Decision.PUBLISHED.value, Decision.ADMITTED.value})

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """One alert in one table. ``columns`` none: the table as a whole. ``partitions`` are published, in their order."""

    table: str
    alert: str
    columns: tuple[str, ...]
    title: str
    severity: str
    owner: str | None
    partitions: tuple[PartitionRecord, ...]

    @property
    def since(self) -> str:
        """The first broken partition that is published."""
        return self.partitions[0].label

    def hit(self, read: frozenset[str]) -> tuple[str, ...] | None:
        """The broken columns among those that are read; None where none is. Whoever reads a table reads its rows."""
        found = tuple(c for c in self.columns if c in read)
        return found if found or not self.columns else None


def of(rx: Reader, table: str, *, in_place: bool = False) -> list[Broken]:
    """What is broken in a table, pages first, then the oldest.

    ``in_place``: as for somebody who reads the table where it is, and with it what the gate refused.
    """
    suspects = {r.name: r for r in alerts.list_(rx, table) if _may_be(r)}
    if not suspects:
        return []
    published = {p.label: p for p in partitions.current(rx, table)}
    if in_place:
        refused = (p for p in partitions.all_(rx, table) if p.state is State.QUARANTINED)
        published = {p.label: p for p in refused} | published
    labels = [label for label in published if any(_spans(r, table, label) for r in suspects.values())]
    accepted = [(label_order(a.since), a.at) for a in accepts.list_(rx, table)]

    def normal_now(label: str, judged_at: dt.datetime) -> bool:
        return any(label_order(label) >= since and at >= judged_at for since, at in accepted)

    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    seen_by = {*_READ, Decision.REFUSED.value} if in_place else _READ
    for label, document in _judged(rx, table, labels, published, seen_by):
        over = normal_now(label, dt.datetime.fromisoformat(document["judged_at"]))
        for name, columns in _breaks(document, suspects, table, over):
            found.setdefault(name, []).append((label, columns))
    made = [_broken(suspects[name], table, seen, published) for name, seen in found.items()]
    return sorted(made, key=lambda b: (Severity(b.severity).rank, int(b.alert[1:])))


def _may_be(record: AlertRecord) -> bool:
    ended = record.state in (AlertState.SETTLED, AlertState.CLOSED)
    return not ended and record.feedback is not Feedback.FALSE_ALARM


def _spans(record: AlertRecord, table: str, label: str) -> bool:
    part = record.part(table)
    first, last = (part or record).first_label, (part or record).last_label
    return label_order(first) <= label_order(label) <= label_order(last)


def _judged(
    rx: Reader,
    table: str,
    labels: Sequence[str],
    published: Mapping[str, PartitionRecord],
    seen_by: Collection[str],
) -> Iterator[tuple[str, Document]]:
    """The newest verdict that let each partition be seen; none where a person released it in spite of one."""
    newest: dict[str, Document] = {}
    in_spite = set()
    for verdict in verdicts.of_labels(rx, table, labels):
        if verdict.decision in seen_by:
            newest[verdict.label] = verdict.document
        elif verdict.id == published[verdict.label].verdict_id:
            in_spite.add(verdict.label)
    return ((label, newest[label]) for label in labels if label in newest and label not in in_spite)


def _breaks(
    document: Document, suspects: Mapping[str, AlertRecord], table: str, over: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The alerts that a verdict raised and that still count, with their columns."""
    for alert in document["alerts"]:
        record = suspects.get(alert.get("id") or "")
        if record is None or alert["severity"] == Severity.INFO.value:
            continue
        part = record.part(table)
        lasts = record.state.is_open and (part is None or part.recovered is None) and not over
        certain = [v for v in alert["violations"] if _certain(v)]
        if lasts:
            yield record.name, tuple(alert["columns"])
        elif certain:
            whole = not all(map(_about, certain))
            yield record.name, () if whole else tuple(dict.fromkeys(c for v in certain for c in _about(v)))


def _certain(violation: Document) -> bool:
    return bool(
        violation["origin"] != Origin.LEARNED.value
        and violation["outcome"] == Outcome.FAIL.value
        and violation["severity"] != Severity.INFO.value
    )


def _about(violation: Document) -> Sequence[str]:
    return violation.get("columns") or ([violation["column"]] if violation["column"] else [])


def _broken(
    record: AlertRecord,
    table: str,
    seen: Sequence[tuple[str, tuple[str, ...]]],
    published: Mapping[str, PartitionRecord],
) -> Broken:
    part = record.part(table)
    whole = any(not columns for _, columns in seen)
    columns = () if whole else tuple(dict.fromkeys(c for _, some in seen for c in some))
    labels = sorted((label for label, _ in seen), key=label_order)
    return Broken(
        table=table,
        alert=record.name,
        columns=columns,
        title=(part or record).title,
        severity=(part or record).severity,
        owner=record.owner,
        partitions=tuple(published[label] for label in labels),
    )
