"""Which partitions of a table are healthy, from what the catalog knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.alerts.slo import Health
from interlock.catalog import PartitionRecord, State
from interlock.catalog.records import CURRENT


def released(versions: Sequence[PartitionRecord]) -> frozenset[str]:
    """The verdicts in spite of which a person released a partition."""
    return frozenset(v.verdict_id for v in versions if v.state is State.RELEASED and v.verdict_id)


def by_problem(versions: Sequence[PartitionRecord], problems: Mapping[str, str | None]) -> list[Health]:
    """One entry a partition that is published, admitted or in quarantine.

    ``versions`` are oldest first; ``problems`` says what is wrong with a label,
    None or nothing where it is healthy. A partition was there when its first
    version was published.
    """
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


def in_short(title: str | None) -> str | None:
    """An alert's title without the table and the partition it speaks of."""
    return None if title is None else title.partition(": ")[2] or title


def _published(version: PartitionRecord) -> bool:
    return version.data_file_id is not None or version.state is State.CHECKED
