"""Alerts: one row for the life of one cause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from interlock.catalog import outbox, schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import AlertRecord, AlertState, Feedback

KIND = "alert"
OPEN = tuple(s.value for s in AlertState if s.is_open)
_T = schema.alerts
_COLUMN = {f.name: {"table": "table_name"}.get(f.name, f.name) for f in fields(AlertRecord)}


def put_all(tx: Writer, records: Iterable[AlertRecord]) -> None:
    """Store these alerts, replacing what was known of each."""
    rows = [_values(record) for record in records]
    if not rows:
        return
    statement = insert(_T)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)


def act(tx: Writer, record: AlertRecord, action: str) -> None:
    """Store an alert as a person's action left it, with the action's ledger entry."""
    put_all(tx, [record])
    outbox.append(tx, KIND, {"cause": record.key, "action": action, **subject(record)})


def subject(record: AlertRecord) -> dict[str, Any]:
    """What the ledger says of an alert that somebody acted on; its catalog row must agree."""
    until = record.quiet_until
    return {
        "alert": record.name,
        "table": record.table,
        "who": record.who,
        "reason": record.reason,
        "feedback": record.feedback.value if record.feedback is not None else None,
        "quiet_until": until.isoformat(timespec="microseconds") if until is not None else None,
    }


def next_id(rx: Reader) -> int:
    """The number of the next new alert; those of one workspace count up from 1."""
    return int(rx.connection.scalar(select(func.coalesce(func.max(_T.c.id), 0) + 1)) or 1)


def get(rx: Reader, id: int) -> AlertRecord | None:
    """The alert of this number, or None."""
    found = _fetch(rx, _T.c.id == id)
    return found[0] if found else None


def ids(rx: Reader) -> list[int]:
    """The numbers of all alerts."""
    return list(rx.connection.scalars(select(_T.c.id).order_by(_T.c.id)))


def by_ids(rx: Reader, ids: Sequence[int]) -> list[AlertRecord]:
    """These alerts, oldest first."""
    return _fetch(rx, _T.c.id.in_(ids))


def live(rx: Reader, table: str, now: dt.datetime, closed_max: int) -> list[AlertRecord]:
    """A table's alerts that a new verdict may touch: open, silencing, or the last ones that were closed."""
    of_table = _T.c.table_name == table
    last = select(_T.c.id).where(of_table, _T.c.closed_at.is_not(None)).order_by(_T.c.closed_at.desc())
    touched = or_(_T.c.state.in_(OPEN), _T.c.quiet_until > now, _T.c.id.in_(last.limit(closed_max)))
    return _fetch(rx, of_table, touched)


def list_(
    rx: Reader, table: str | None = None, limit: int | None = None, *, only_open: bool = False
) -> list[AlertRecord]:
    """Alerts, open ones first, then the last to change."""
    statement = select(_T).order_by(_T.c.state.not_in(OPEN), _T.c.updated_at.desc(), _T.c.id.desc())
    if table is not None:
        statement = statement.where(_T.c.table_name == table)
    if only_open:
        statement = statement.where(_T.c.state.in_(OPEN))
    return [_record(row) for row in rx.connection.execute(statement.limit(limit))]


def feedback(rx: Reader, table: str | None = None) -> dict[str, dict[Feedback, int]]:
    """By table, how many alerts people called useful and how many false alarms."""
    statement = select(_T.c.table_name, _T.c.feedback, func.count()).where(_T.c.feedback.is_not(None))
    if table is not None:
        statement = statement.where(_T.c.table_name == table)
    counts: dict[str, dict[Feedback, int]] = {}
    for name, said, count in rx.connection.execute(statement.group_by(_T.c.table_name, _T.c.feedback)):
        counts.setdefault(name, {})[Feedback(said)] = int(count)
    return counts


def told_in(rx: Reader, week: str, owner: str | None) -> list[AlertRecord]:
    """An owner's alerts that were told, or folded into the digest, in a week."""
    return _fetch(rx, _T.c.told_week == week, _T.c.owner.is_not_distinct_from(owner))


def _fetch(rx: Reader, *where: ColumnElement[bool]) -> list[AlertRecord]:
    return [_record(row) for row in rx.connection.execute(select(_T).where(*where).order_by(_T.c.id))]


def _values(record: AlertRecord) -> dict[str, Any]:
    values = {column: getattr(record, name) for name, column in _COLUMN.items()}
    return values | {"columns": list(record.columns), "aspects": list(record.aspects)}


def _record(row: Row[Any]) -> AlertRecord:
    values = {name: row._mapping[column] for name, column in _COLUMN.items()}
    values["columns"], values["aspects"] = tuple(values["columns"]), tuple(values["aspects"])
    values["state"] = AlertState(values["state"])
    values["feedback"] = Feedback(values["feedback"]) if values["feedback"] else None
    values["recovery_told"] = bool(values["recovery_told"])
    return AlertRecord(**values)
