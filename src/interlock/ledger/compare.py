"""Comparing the catalog's rows with the entries that vouch for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from interlock.catalog import (
    Catalog,
    OutboxRow,
    Reader,
    VerdictRecord,
    accepts,
    alerts,
    outbox,
    partitions,
    tables,
    verdicts,
)
from interlock.catalog.canonical import parse
from interlock.errors import LedgerError
from interlock.ledger.report import Problem
from interlock.names import Digest

PLACE = "catalog"


def compare(catalog: Catalog, entries: Sequence[bytes | None], size: int) -> list[Problem]:
    """Problems between the catalog and the log's first ``size`` entries (more may be written ahead)."""
    with catalog.read() as rx:
        rows = outbox.all_(rx)
        parsed = [_value(row.entry) for row in rows]
        problems = list(_outbox_problems(rows, parsed, entries, size, catalog))
        values = [(index, value) for index, value in enumerate(parsed) if value is not None]
        problems += _verdict_problems(rx, values, {row.digest for row in rows})
        problems += _partition_problems(rx, values)
        problems += _accept_problems(rx, values)
        problems += _alert_problems(rx, values)
    return problems


def _value(entry: bytes) -> dict[str, Any] | None:
    try:
        value = parse(entry)
    except LedgerError:
        return None
    return value if isinstance(value, dict) else None


def _outbox_problems(
    rows: Sequence[OutboxRow],
    parsed: Sequence[dict[str, Any] | None],
    entries: Sequence[bytes | None],
    size: int,
    catalog: Catalog,
) -> Iterator[Problem]:
    placed = sum(row.ledger_index is not None for row in rows)
    if size < placed and catalog.one_folder:
        yield Problem(
            "checkpoint", f"speaks of {size:,} entries; the catalog knows {placed:,} to have been written"
        )
    if size > len(rows):
        yield Problem(PLACE, f"the ledger has {size:,} entries, the outbox {len(rows):,}: rows were removed")
    for index, (row, value) in enumerate(zip(rows, parsed, strict=True)):
        if row.ledger_index is not None and row.ledger_index != index:
            yield Problem(PLACE, f"outbox row {row.id} claims place {row.ledger_index}", entry=index)
        if index < len(entries) and entries[index] not in (None, row.entry):
            yield Problem(PLACE, f"outbox row {row.id} is not the entry in the ledger", entry=index)
        elif (complaint := _row_complaint(row, value, catalog.id)) is not None:
            yield Problem(PLACE, f"outbox row {row.id} {complaint}", entry=index)


def _row_complaint(row: OutboxRow, value: dict[str, Any] | None, workspace: str) -> str | None:
    if value is None:
        return "is not canonical JSON"
    if row.digest != Digest.of(row.entry).hex:
        return "has a digest that is not its entry's"
    if (value.get("kind"), value.get("at")) != (row.kind, row.at.isoformat(timespec="microseconds")):
        return "has a kind or moment that is not its entry's"
    return None if value.get("workspace") == workspace else "belongs to another workspace"


def _verdict_problems(
    rx: Reader, values: Sequence[tuple[int, dict[str, Any]]], digests: set[str]
) -> Iterator[Problem]:
    cited = {
        value.get("verdict"): (index, value) for index, value in values if value.get("kind") == verdicts.KIND
    }
    for id_ in verdicts.ids(rx):
        if id_ not in cited:
            yield Problem(PLACE, f"verdict {id_} is in no entry")
            continue
        index, value = cited.pop(id_)
        try:
            record = verdicts.get(rx, id_)
        except (LedgerError, ValueError):
            record = None
        if record is None or not _vouched(record, value) or record.entry_digest not in digests:
            yield Problem(PLACE, f"verdict {id_} is not what its entry says", entry=index)
    for missing, (index, _) in cited.items():
        yield Problem(PLACE, f"verdict {missing} is gone", entry=index)


def _vouched(record: VerdictRecord, value: dict[str, Any]) -> bool:
    return all(value.get(key) == said for key, said in verdicts.subject(record).items())


def _partition_problems(rx: Reader, values: Sequence[tuple[int, dict[str, Any]]]) -> Iterator[Problem]:
    last: dict[int, tuple[int, dict[str, Any]]] = {}
    for index, value in values:
        for fact in value.get("partitions") or ():
            last[fact["id"]] = (index, fact)
    for record in partitions.all_(rx):
        assert record.id is not None
        name = f"partition {record.table}@{record.label} (version {record.id})"
        if record.id not in last:
            yield Problem(PLACE, f"{name} is in no entry")
            continue
        index, fact = last.pop(record.id)
        if fact != record.fact():
            changed = sorted(key for key, said in record.fact().items() if fact.get(key) != said)
            yield Problem(PLACE, f"{name} differs from its entry in {', '.join(changed)}", entry=index)
    for id_, (index, fact) in last.items():
        yield Problem(
            PLACE, f"partition {fact['table']}@{fact['label']} (version {id_}) is gone", entry=index
        )


def _accept_problems(rx: Reader, values: Sequence[tuple[int, dict[str, Any]]]) -> Iterator[Problem]:
    said = [
        (value["table"], value["since"], value["reason"], value["who"])
        for _, value in values
        if value.get("kind") == accepts.KIND
    ]
    held = [(r.table, r.since, r.reason, r.who) for t in tables.list_(rx) for r in accepts.list_(rx, t.name)]
    for table, since, *_ in _without(held, said):
        yield Problem(PLACE, f"the acceptance of {table} since {since} is in no entry")
    for table, since, *_ in _without(said, held):
        yield Problem(PLACE, f"the acceptance of {table} since {since} is gone")


def _alert_problems(rx: Reader, values: Sequence[tuple[int, dict[str, Any]]]) -> Iterator[Problem]:
    """What people said of alerts; what is silenced rests on it."""
    last = {value.get("alert"): (index, value) for index, value in values if value.get("kind") == alerts.KIND}
    for record in alerts.list_(rx):
        index, value = last.pop(record.name, (None, None))
        if value is None:
            if record.who or record.feedback or record.quiet_until:
                yield Problem(PLACE, f"what was said of alert {record.name} is in no entry")
        elif any(value.get(key) != said for key, said in alerts.subject(record).items()):
            yield Problem(PLACE, f"alert {record.name} is not what its entry says", entry=index)
    for missing, (index, _) in last.items():
        yield Problem(PLACE, f"alert {missing} is gone", entry=index)


def _without(some: Sequence[tuple[str, ...]], others: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    left = list(others)
    extra = []
    for item in some:
        if item in left:
            left.remove(item)
        else:
            extra.append(item)
    return extra
