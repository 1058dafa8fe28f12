"""The verdicts that stand: of each partition the last decision, and what people decided of it since."""

from __future__ import annotations

from typing import Any

from interlock.catalog import Mode, PartitionRecord, Reader, State, TableRecord, partitions, verdicts
from interlock.names import Decision


def of(rx: Reader, table: TableRecord, label: str | None, limit: int | None) -> list[dict[str, Any]]:
    """See `Table.verdict`; the newest first. What has no verdict on record is left out."""
    records = partitions.standing(rx, table.name, label, limit)
    return [document for record in records if (document := _document(rx, table, record)) is not None]


def _document(rx: Reader, table: TableRecord, record: PartitionRecord) -> dict[str, Any] | None:
    found = verdicts.get(rx, record.verdict_id) if record.verdict_id else None
    if found is None:
        return None
    decision = _decision(table.mode, record.state)
    return {**found.document, "decision": decision.value, "released": decision.value != found.decision}


def _decision(mode: Mode, state: State) -> Decision:
    if mode is Mode.ATTACHED:
        return Decision.REFUSED if state is State.QUARANTINED else Decision.ADMITTED
    return Decision.QUARANTINED if state is State.QUARANTINED else Decision.PUBLISHED
