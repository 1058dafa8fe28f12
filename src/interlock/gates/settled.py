"""Alerts that ended because the change they spoke of was learned, and not because it went away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from interlock.catalog import AlertRecord, AlertState, Reader, accepts, verdicts
from interlock.catalog.partitions import label_order
from interlock.detect.invariants import SETTLES
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Origin

# Published partitions in a row: those that stay out of what is learned, and one that does not.
AFTER = SETTLES + 1
_READ = (Decision.PUBLISHED.value, Decision.ADMITTED.value)

Document = Mapping[str, Any]


def settled(
    rx: Reader,
    before: Mapping[int, AlertRecord],
    after: Mapping[int, AlertRecord],
    changed: Collection[int],
    earlier: Sequence[Verdict],
) -> dict[int, AlertRecord]:
    """Of the alerts that this verdict ended, those that ended as a new normal, as they are to be kept.

    An alert that was there in each of the latest published partitions of its
    table, with nothing but learned constraints broken, was learned with the last of
    them; had the change gone away afterwards, that would be news. ``earlier`` are
    verdicts on partitions before that are not stored yet, oldest first. A change
    that a person accepted meanwhile is theirs.
    """
    ended = [
        after[i]
        for i in changed
        if after[i].state is AlertState.RECOVERED and (i not in before or before[i].state.is_open)
    ]
    return {
        r.id: replace(r, state=AlertState.SETTLED)
        for r in ended
        if r.parts and all(p.seen >= AFTER and _lasted(rx, r, p.table, earlier) for p in r.parts)
    }


def _lasted(rx: Reader, record: AlertRecord, table: str, earlier: Sequence[Verdict]) -> bool:
    latest = _latest(rx, record, table, earlier)
    accepted = any(
        label_order(record.first_label) <= label_order(a.since) <= label_order(record.closed_label or a.since)
        for a in accepts.list_(rx, table)
    )
    return not accepted and len(latest) == AFTER and all(_learned(d, record.name) for d in latest)


def _latest(rx: Reader, record: AlertRecord, table: str, earlier: Sequence[Verdict]) -> list[Document]:
    """The newest verdict on each of the latest partitions before the one that ended the alert."""
    found: dict[str, Document] = {}
    for document in _newest_first(rx, record, table, earlier):
        if document["partition"] != record.closed_label:
            found.setdefault(document["partition"], document)
        if len(found) == AFTER:
            break
    return list(found.values())


def _newest_first(
    rx: Reader, record: AlertRecord, table: str, earlier: Sequence[Verdict]
) -> Iterator[Document]:
    if earlier and earlier[0].table == table:
        yield from (v.to_dict() for v in reversed(earlier[-AFTER:]))
    yield from (v.document for v in verdicts.list_(rx, table, limit=2 * AFTER))


def _learned(document: Document, name: str) -> bool:
    """Whether a verdict published its partition in spite of this alert, which rests on learned constraints only."""
    broken = [v for a in document["alerts"] if a.get("id") == name for v in a["violations"]]
    return (
        document["decision"] in _READ
        and bool(broken)
        and all(v["origin"] == Origin.LEARNED.value for v in broken)
    )
