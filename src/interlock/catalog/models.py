"""Models that read tables, as they were declared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from interlock.catalog import outbox, schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import ModelRecord

KIND = "model"


def put(tx: Writer, record: ModelRecord) -> None:
    """Store a model with its ledger entry, replacing what was declared of it; the same again changes nothing."""
    known = find(tx, record.name)
    document = _document(record)
    if known is not None and _document(known) == document:
        return
    values = {"name": record.name, "document": document, "created_at": record.created_at}
    statement = tx.insert(schema.models).values(values)
    changed = {"document": document}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))
    outbox.append(tx, KIND, {"model": record.name, **document})


def find(rx: Reader, name: str) -> ModelRecord | None:
    """The model, or None."""
    row = rx.connection.execute(select(schema.models).where(schema.models.c.name == name)).first()
    return None if row is None else _record(row)


def list_(rx: Reader) -> list[ModelRecord]:
    """All models by name."""
    rows = rx.connection.execute(select(schema.models).order_by(schema.models.c.name))
    return [_record(row) for row in rows]


def _document(record: ModelRecord) -> dict[str, Any]:
    return {
        "reads": list(record.reads),
        "importance": {name: float(weight) for name, weight in record.importance.items()},
        "writes": record.writes,
    }


def _record(row: Row[Any]) -> ModelRecord:
    m = row._mapping
    d = m["document"]
    return ModelRecord(m["name"], tuple(d["reads"]), d["importance"], d["writes"], m["created_at"])
