"""Verdicts, each vouched for by a ledger entry of the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from interlock.catalog import outbox, schema
from interlock.catalog.canonical import canonical
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import VerdictRecord
from interlock.names import Digest

KIND = "verdict"


def put(tx: Writer, record: VerdictRecord, body: Mapping[str, Any] | None = None) -> Digest:
    """Store a verdict and append the entry that vouches for it; returns the entry's digest.

    The entry holds the verdict's identity, outcome, decision and the digest of
    its document, the facts of this transaction's still uncited versions of the
    same partition, and ``body`` (no cell values).
    """
    return put_all(tx, [(record, body)])[0]


def put_all(tx: Writer, verdicts: Sequence[tuple[VerdictRecord, Mapping[str, Any] | None]]) -> list[Digest]:
    """`put` for many, in the order given."""
    facts = outbox.take_uncited(tx, {(record.table, record.label) for record, _ in verdicts})
    first = tx.connection.scalar(select(func.coalesce(func.max(schema.verdicts.c.sequence), 0) + 1)) or 1
    entries: list[tuple[str, Mapping[str, Any]]] = []
    for record, body in verdicts:
        cited = facts.pop((record.table, record.label), [])
        entries.append(
            (KIND, {**(body or {}), **subject(record), **({"partitions": cited} if cited else {})})
        )
    digests = outbox.append_all(tx, entries)
    rows = [
        _values(record, sequence, digest)
        for sequence, ((record, _), digest) in enumerate(zip(verdicts, digests, strict=True), first)
    ]
    if rows:
        tx.connection.execute(insert(schema.verdicts), rows)
    return digests


def redact(tx: Writer, record: VerdictRecord, why: str) -> None:
    """Store a verdict's document anew, with values taken out of it; an entry of its own vouches for what is left."""
    digest = outbox.append(tx, KIND, {**subject(record), "redacted": why})
    t = schema.verdicts
    values = {"document": canonical(record.document).decode(), "entry_digest": digest.hex}
    tx.connection.execute(update(t).where(t.c.id == record.id).values(**values))


def subject(record: VerdictRecord) -> dict[str, Any]:
    """What the ledger says of a verdict; its catalog row must agree."""
    return {
        "verdict": record.id,
        "table": record.table,
        "partition": record.label,
        "gate": record.gate,
        "outcome": record.outcome,
        "decision": record.decision,
        "judged_at": record.judged_at.isoformat(),
        "document": Digest.of(canonical(record.document)).hex,
    }


def get(rx: Reader, id: str) -> VerdictRecord | None:
    """The verdict of this id, or None."""
    row = rx.connection.execute(select(schema.verdicts).where(schema.verdicts.c.id == id)).first()
    return None if row is None else _record(row)


def list_(
    rx: Reader, table: str | None = None, limit: int | None = None, label: str | None = None
) -> list[VerdictRecord]:
    """Verdicts, newest first."""
    t = schema.verdicts
    statement = select(t).order_by(t.c.sequence.desc()).limit(limit)
    if table is not None:
        statement = statement.where(t.c.table_name == table)
    if label is not None:
        statement = statement.where(t.c.label == label)
    return [_record(row) for row in rx.connection.execute(statement)]


def of_labels(rx: Reader, table: str, labels: Iterable[str]) -> list[VerdictRecord]:
    """Every verdict on these partitions of a table, oldest first."""
    t, wanted = schema.verdicts, list(dict.fromkeys(labels))
    rows: list[Row[Any]] = []
    for start in range(0, len(wanted), 500):
        chosen = (t.c.table_name == table, t.c.label.in_(wanted[start : start + 500]))
        rows += rx.connection.execute(select(t).where(*chosen))
    return [_record(row) for row in sorted(rows, key=lambda row: row.sequence)]


def ids(rx: Reader) -> list[str]:
    """The ids of all verdicts, oldest first."""
    return list(rx.connection.scalars(select(schema.verdicts.c.id).order_by(schema.verdicts.c.sequence)))


def _values(record: VerdictRecord, sequence: int, digest: Digest) -> dict[str, Any]:
    return {
        "id": record.id,
        "sequence": sequence,
        "table_name": record.table,
        "label": record.label,
        "gate": record.gate,
        "outcome": record.outcome,
        "decision": record.decision,
        "judged_at": record.judged_at,
        "document": canonical(record.document).decode(),
        "entry_digest": digest.hex,
    }


def _record(row: Row[Any]) -> VerdictRecord:
    from interlock.catalog.canonical import parse

    m = row._mapping
    return VerdictRecord(
        id=m["id"],
        table=m["table_name"],
        label=m["label"],
        gate=m["gate"],
        outcome=m["outcome"],
        decision=m["decision"],
        judged_at=m["judged_at"],
        document=parse(m["document"].encode()),
        entry_digest=m["entry_digest"],
    )
