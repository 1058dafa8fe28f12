"""New normals that people declared."""

from __future__ import annotations

from sqlalchemy import insert, select

from interlock.catalog import outbox, schema
from interlock.catalog.catalog import Reader, Writer, inserted_id
from interlock.catalog.records import AcceptRecord

KIND = "accept"


def put(tx: Writer, record: AcceptRecord) -> int:
    """Store a new normal with its ledger entry; returns its id."""
    values = {
        "table_name": record.table,
        "since": record.since,
        "reason": record.reason,
        "at": record.at,
        "who": record.who,
    }
    added = tx.connection.execute(insert(schema.accepts).values(values))
    said = {"table": record.table, "since": record.since, "reason": record.reason, "who": record.who}
    outbox.append(tx, KIND, said)
    return inserted_id(added)


def list_(rx: Reader, table: str) -> list[AcceptRecord]:
    """A table's new normals, oldest first."""
    t = schema.accepts
    rows = rx.connection.execute(select(t).where(t.c.table_name == table).order_by(t.c.id))
    return [
        AcceptRecord(
            table=row.table_name, since=row.since, reason=row.reason, at=row.at, who=row.who, id=row.id
        )
        for row in rows
    ]
