"""Which partitions of a table are healthy, from what the catalog knows of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from interlock.alerts.slo import Health
from interlock.catalog import PartitionRecord, State, VerdictRecord
from interlock.catalog.records import CURRENT
from interlock.names import Severity

_LOUD = (Severity.PAGE.value, Severity.TICKET.value)


def health(
    versions: Sequence[PartitionRecord],
    judged: Sequence[VerdictRecord],
    false_alarms: Collection[str] = frozenset(),
) -> list[Health]:
    """One entry a partition that is published, admitted or in quarantine.

    ``versions`` are oldest first, ``judged`` newest first. A partition is as
    healthy as its newest verdict, or healthy where a person released it in spite of
    that one; it was there when its first version was published. An alert that
    somebody called a false alarm (by its id) was none.
    """
    spared = released(versions)
    newest = {v.label: v.document for v in reversed(judged) if v.id not in spared}
    return by_problem(versions, {label: _alarm(document, false_alarms) for label, document in newest.items()})


def released(versions: Sequence[PartitionRecord]) -> frozenset[str]:
    """The verdicts in spite of which a person released a partition."""
    return frozenset(v.verdict_id for v in versions if v.state is State.RELEASED and v.verdict_id)


def by_problem(versions: Sequence[PartitionRecord], problems: Mapping[str, str | None]) -> list[Health]:
    """`health` where what is wrong with each label is known already."""
    first: dict[str, Any] = {}
    found: dict[str, Health] = {}
    for version in versions:
        if version.state not in (*CURRENT, State.QUARANTINED, State.REPLACED):
            continue
        seen = version.state is not State.QUARANTINED and _published(version)
        if seen:
            first.setdefault(version.label, version.loaded_at)
        if version.state is State.REPLACED:
            continue
        held = "in quarantine" if version.state is State.QUARANTINED else None
        problem = held or problems.get(version.label)
        found[version.label] = Health(version.label, first.get(version.label), problem)
    return list(found.values())


def _published(version: PartitionRecord) -> bool:
    return version.data_file_id is not None or version.state is State.CHECKED


def _alarm(document: Any, false_alarms: Collection[str]) -> str | None:
    """The title of the loudest ticket or page of a verdict, false alarms left out."""
    alerts = [a for a in document["alerts"] if a.get("id") not in false_alarms] if document else []
    title = next((str(a["title"]) for loud in _LOUD for a in alerts if a["severity"] == loud), None)
    return None if title is None else title.partition(": ")[2] or title
