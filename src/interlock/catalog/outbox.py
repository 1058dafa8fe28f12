"""The outbox: ledger entries that commit with what they speak of.

An entry's bytes are fixed here, inside the transaction; `interlock.ledger`
gives them their place in the log afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from interlock.catalog import partitions, schema
from interlock.catalog.canonical import canonical
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import OutboxRow
from interlock.errors import LedgerError
from interlock.names import Digest

ENTRY_VERSION = 1
ENTRY_BYTES_MAX = 65_535  # an entry bundle prefixes each entry with a uint16
_RESERVED = frozenset({"v", "kind", "at", "workspace"})
_FACTS_BYTES_MAX = 32_768  # of partition facts in one entry, well below ENTRY_BYTES_MAX


def append(tx: Writer, kind: str, body: Mapping[str, Any]) -> Digest:
    """Add an entry to this transaction; returns the SHA-256 of its bytes.

    ``body`` must hold no cell values: table and column names, counts, digests,
    reasons people typed. Its keys may not be ``v``, ``kind``, ``at``, ``workspace``.
    """
    return append_all(tx, [(kind, body)])[0]


def append_all(tx: Writer, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Digest]:
    """`append` for many, in the order given."""
    rows = [_row(tx, kind, body) for kind, body in entries]
    if rows:
        tx.connection.execute(insert(schema.outbox), rows)
    return [Digest(row["digest"]) for row in rows]


def take_uncited(
    tx: Writer, partitions_of: set[tuple[str, str]] | None = None
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Facts of versions this transaction changed and no entry speaks of yet, which counts as spoken of now.

    By (table, label); all of them, or those of ``partitions_of``.
    """
    facts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in partitions.get_all(tx, tx.uncited):
        key = (record.table, record.label)
        if partitions_of is None or key in partitions_of:
            facts.setdefault(key, []).append(record.fact())
    for cited in facts.values():
        for fact in cited:
            del tx.uncited[fact["id"]]
    return facts


def cite_rest(tx: Writer) -> None:
    """Entries for what the transaction changed without one (called before commit)."""
    from interlock.catalog.vault import guards, versions

    changed = [fact for cited in take_uncited(tx).values() for fact in cited]
    append_all(tx, [("partitions", {"partitions": chunk}) for chunk in _chunks(changed)])
    if tx.changed_versions:
        facts = versions.facts(tx, list(tx.changed_versions))
        tx.changed_versions.clear()
        append_all(tx, [("versions", {"versions": chunk}) for chunk in _chunks(facts)])
    if tx.changed_guards:
        facts = guards.facts(tx, tx.changed_guards)
        tx.changed_guards.clear()
        append_all(tx, [("guards", {"guards": chunk}) for chunk in _chunks(facts)])


def _chunks(facts: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Facts in as few entries as hold them."""
    chunks: list[list[dict[str, Any]]] = []
    room = 0
    for fact in facts:
        size = len(json.dumps(fact))  # no less than its canonical bytes, but for a few '$'; and much quicker
        if size > room:
            chunks.append([])
            room = _FACTS_BYTES_MAX
        chunks[-1].append(fact)
        room -= size
    return chunks


def pending(rx: Reader) -> list[OutboxRow]:
    """Entries that have no place in the ledger yet, in commit order."""
    t = schema.outbox
    return [
        _record(row)
        for row in rx.connection.execute(select(t).where(t.c.ledger_index.is_(None)).order_by(t.c.id))
    ]


def count_placed(rx: Reader) -> int:
    """How many entries the catalog knows to be in the ledger: indexes 0 up to this."""
    t = schema.outbox
    return int(rx.connection.scalar(select(func.count()).where(t.c.ledger_index.is_not(None))) or 0)


def place(tx: Writer, ids: Sequence[int], first_index: int) -> None:
    """Note that these entries are in the ledger, from ``first_index`` on, in the order given."""
    t = schema.outbox
    rows = [{"of_id": id_, "index": index} for index, id_ in enumerate(ids, first_index)]
    # Another process may have noted the same meanwhile; it noted the same.
    statement = update(t).where(t.c.id == bindparam("of_id"), t.c.ledger_index.is_(None))
    tx.connection.execute(statement.values(ledger_index=bindparam("index")), rows)


def entries(rx: Reader, first_index: int = 0) -> list[bytes]:
    """The bytes of all entries from a ledger index on, placed yet or not, in commit order (that of ids)."""
    t = schema.outbox
    return [bytes(e) for e in rx.connection.scalars(select(t.c.entry).order_by(t.c.id).offset(first_index))]


def all_(rx: Reader) -> list[OutboxRow]:
    """Every entry, in commit order."""
    return [_record(row) for row in rx.connection.execute(select(schema.outbox).order_by(schema.outbox.c.id))]


def _row(tx: Writer, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    if _RESERVED & body.keys():
        raise LedgerError(f"an entry's body may not have the keys {sorted(_RESERVED & body.keys())}")
    at = tx.now.isoformat(timespec="microseconds")
    entry = canonical({**body, "v": ENTRY_VERSION, "kind": kind, "at": at, "workspace": tx.catalog.id})
    if len(entry) > ENTRY_BYTES_MAX:
        raise LedgerError(f"a {kind} entry of {len(entry):,} bytes; {ENTRY_BYTES_MAX:,} is the most")
    return {"kind": kind, "at": tx.now, "entry": entry, "digest": Digest.of(entry).hex, "ledger_index": None}


def _record(row: Row[Any]) -> OutboxRow:
    m = row._mapping
    return OutboxRow(m["id"], m["kind"], m["at"], bytes(m["entry"]), m["digest"], m["ledger_index"])
