"""Partitions: every version is kept, one is current."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update

from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import CURRENT, PartitionRecord, State
from interlock.errors import PartitionNotFound
from interlock.names import partition_time

_T = schema.partitions


def add(tx: Writer, record: PartitionRecord) -> int:
    """Store a new version and return its id.

    Whatever is current under that label is left as it is: replacing is `move`.
    """
    return add_all(tx, [record])[0]


def add_all(tx: Writer, records: Sequence[PartitionRecord]) -> list[int]:
    """`add` for many versions in one statement; ids in the order given."""
    if not records:
        return []
    added = insert(_T).returning(_T.c.id, sort_by_parameter_order=True)
    ids = [int(id_) for id_ in tx.connection.scalars(added, [_values(r) for r in records])]
    tx.uncited.update(dict.fromkeys(ids))
    return ids


def move(tx: Writer, ids: Iterable[int], state: State, **changes: Any) -> None:
    """Change the state of versions, with ``path``, ``data_file_id``, ``snapshot_id`` or ``verdict_id``."""
    chosen = list(ids)
    allowed = {"path", "data_file_id", "snapshot_id", "verdict_id"}
    if not changes.keys() <= allowed:
        raise TypeError(f"a partition version's {sorted(changes.keys() - allowed)} never changes")
    for start in range(0, len(chosen), 500):
        some = chosen[start : start + 500]
        tx.connection.execute(update(_T).where(_T.c.id.in_(some)).values(state=state.value, **changes))
    tx.uncited.update(dict.fromkeys(chosen))


def current(rx: Reader, table: str) -> list[PartitionRecord]:
    """What readers see, oldest partition first."""
    states = [state.value for state in CURRENT]
    found = _fetch(rx, select(_T).where(_T.c.table_name == table, _T.c.state.in_(states)).order_by(_T.c.id))
    return sorted(found, key=lambda record: label_order(record.label))


def one(rx: Reader, table: str, label: str) -> PartitionRecord | None:
    """The current version of a partition, or None."""
    states = [state.value for state in CURRENT]
    found = _fetch(
        rx,
        select(_T)
        .where(_T.c.table_name == table, _T.c.label == label, _T.c.state.in_(states))
        .order_by(_T.c.id.desc()),
    )
    return found[0] if found else None


def current_of(rx: Reader, table: str, labels: Iterable[str]) -> dict[str, PartitionRecord]:
    """The current versions of these partitions, by label."""
    wanted, states = list(dict.fromkeys(labels)), [state.value for state in CURRENT]
    found: list[PartitionRecord] = []
    for start in range(0, len(wanted), 500):
        some = _T.c.label.in_(wanted[start : start + 500])
        found += _fetch(rx, select(_T).where(_T.c.table_name == table, _T.c.state.in_(states), some))
    return {record.label: record for record in found}


def get(rx: Reader, id: int) -> PartitionRecord:
    """One version by id; `PartitionNotFound` where there is none."""
    found = _fetch(rx, select(_T).where(_T.c.id == id))
    if not found:
        raise PartitionNotFound(f"no partition version {id}")
    return found[0]


def get_all(rx: Reader, ids: Iterable[int]) -> list[PartitionRecord]:
    """Versions by id, in the order of their ids."""
    chosen = sorted(ids)
    found: list[PartitionRecord] = []
    for start in range(0, len(chosen), 500):
        found += _fetch(rx, select(_T).where(_T.c.id.in_(chosen[start : start + 500])).order_by(_T.c.id))
    return found


def versions(rx: Reader, table: str, label: str) -> list[PartitionRecord]:
    """Every version of a partition, oldest first."""
    return _fetch(rx, select(_T).where(_T.c.table_name == table, _T.c.label == label).order_by(_T.c.id))


def standing(
    rx: Reader, table: str, label: str | None = None, limit: int | None = None
) -> list[PartitionRecord]:
    """The version each partition's last decision is about, published or quarantined, the newest first.

    A partition whose last load is quarantined stands as that, whatever older version readers see. One
    that was dropped from quarantine stands as it did before.
    """
    states = [state.value for state in (*CURRENT, State.QUARANTINED)]
    last = select(func.max(_T.c.id)).where(_T.c.table_name == table, _T.c.state.in_(states))
    if label is not None:
        last = last.where(_T.c.label == label)
    chosen = last.group_by(_T.c.label).order_by(func.max(_T.c.id).desc()).limit(limit)
    return _fetch(rx, select(_T).where(_T.c.id.in_(chosen)).order_by(_T.c.id.desc()))


def quarantined(rx: Reader, table: str | None = None) -> list[PartitionRecord]:
    """Versions in quarantine, oldest first, of one table or all."""
    statement = select(_T).where(_T.c.state == State.QUARANTINED.value).order_by(_T.c.id)
    return _fetch(rx, statement if table is None else statement.where(_T.c.table_name == table))


def all_(rx: Reader, table: str | None = None) -> list[PartitionRecord]:
    """Every version there is, oldest first."""
    statement = select(_T).order_by(_T.c.id)
    return _fetch(rx, statement if table is None else statement.where(_T.c.table_name == table))


def stamp(rx: Reader, table: str) -> tuple[int, int]:
    """A value that differs whenever a table's current partitions do: their number and the sum of their ids.

    One more partition of id ``i`` adds (1, i).
    """
    states = [state.value for state in CURRENT]
    chosen = (_T.c.table_name == table, _T.c.state.in_(states))
    row = rx.connection.execute(
        select(func.count(), func.coalesce(func.sum(_T.c.id), 0)).where(*chosen)
    ).one()
    return int(row[0]), int(row[1])


def label_order(label: str) -> tuple[int, float, str]:
    """Sorts labels by time where they are dates, by size where they are whole numbers, else by text."""
    if label.lstrip("-").isdecimal():
        return (0, float(label), label)
    moment = partition_time(label)
    return (1, moment.timestamp(), label) if moment else (2, 0.0, label)


def _fetch(rx: Reader, statement: Select[Any]) -> list[PartitionRecord]:
    return [_record(row) for row in rx.connection.execute(statement)]


def _values(record: PartitionRecord) -> dict[str, Any]:
    return {
        "table_name": record.table,
        "label": record.label,
        "state": record.state.value,
        "rows": record.rows,
        "size_bytes": record.size_bytes,
        "path": record.path,
        "digest": record.digest,
        "data_file_id": record.data_file_id,
        "snapshot_id": record.snapshot_id,
        "verdict_id": record.verdict_id,
        "loaded_at": record.loaded_at,
        "schema": [list(column) for column in record.schema],
    }


def _record(row: Row[Any]) -> PartitionRecord:
    m = row._mapping
    return PartitionRecord(
        id=m["id"],
        table=m["table_name"],
        label=m["label"],
        state=State(m["state"]),
        rows=m["rows"],
        size_bytes=m["size_bytes"],
        path=m["path"],
        digest=m["digest"],
        data_file_id=m["data_file_id"],
        snapshot_id=m["snapshot_id"],
        verdict_id=m["verdict_id"],
        loaded_at=m["loaded_at"],
        schema=tuple((name, type_) for name, type_ in m["schema"]),
    )
