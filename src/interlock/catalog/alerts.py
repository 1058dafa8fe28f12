"""Alerts: one row for the life of one cause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select

from interlock.catalog import outbox, schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import AlertPart, AlertRecord, AlertState, Feedback

KIND = "alert"
OPEN = tuple(s.value for s in AlertState if s.is_open)
_T = schema.alerts
_P = schema.alert_parts
_COLUMN = {
    f.name: {"table": "table_name"}.get(f.name, f.name) for f in fields(AlertRecord) if f.name != "parts"
}
_PART_COLUMN = {
    f.name: {"table": "table_name", "recovered": "recovered_label"}.get(f.name, f.name)
    for f in fields(AlertPart)
}
_LISTS = ("leading", "columns", "broken")


def put_all(tx: Writer, records: Iterable[AlertRecord]) -> None:
    """Store these alerts, replacing what was known of each."""
    records = list(records)
    rows = [_values(record) for record in records]
    if not rows:
        return
    statement = tx.insert(_T)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)
    _put_parts(tx, [(r.id, i, p) for r in records for i, p in enumerate(r.parts)])


def _put_parts(tx: Writer, parts: Sequence[tuple[int, int, AlertPart]]) -> None:
    if not parts:
        return
    rows = [
        {column: getattr(part, name) for name, column in _PART_COLUMN.items()}
        | {name: list(getattr(part, name)) for name in _LISTS}
        | {"alert_id": id_, "position": position}
        for id_, position, part in parts
    ]
    statement = tx.insert(_P)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in ("alert_id", "table_name")}
    index = ["alert_id", "table_name"]
    tx.connection.execute(statement.on_conflict_do_update(index_elements=index, set_=changed), rows)


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


def live(
    rx: Reader, table: str, now: dt.datetime, closed_max: int, source: str | None = None
) -> list[AlertRecord]:
    """A table's alerts that a new verdict may touch: open, silencing, or the last ones that were closed.

    With a ``source``, also the open ones of other tables that share it.
    """
    of_table = _about(table)
    last = select(_T.c.id).where(of_table, _T.c.closed_at.is_not(None)).order_by(_T.c.closed_at.desc())
    touched = or_(_T.c.state.in_(OPEN), _T.c.quiet_until > now, _T.c.id.in_(last.limit(closed_max)))
    mine = of_table & touched
    if source is not None:
        mine = mine | ((_T.c.source == source) & _T.c.state.in_(OPEN))
    return _fetch(rx, mine)


def _about(table: str) -> ColumnElement[bool]:
    return _T.c.id.in_(select(_P.c.alert_id).where(_P.c.table_name == table))


def list_(
    rx: Reader, table: str | None = None, limit: int | None = None, *, only_open: bool = False
) -> list[AlertRecord]:
    """Alerts, open ones first, then the last to change."""
    statement = select(_T).order_by(_T.c.state.not_in(OPEN), _T.c.updated_at.desc(), _T.c.id.desc())
    if table is not None:
        statement = statement.where(_about(table))
    if only_open:
        statement = statement.where(_T.c.state.in_(OPEN))
    return _with_parts(rx, rx.connection.execute(statement.limit(limit)).all())


def feedback(rx: Reader, table: str | None = None) -> dict[str, dict[Feedback, int]]:
    """By table, how many alerts people called useful and how many false alarms; one of several counts in each."""
    statement = select(_P.c.table_name, _T.c.feedback, func.count())
    statement = statement.join(_P, _P.c.alert_id == _T.c.id).where(_T.c.feedback.is_not(None))
    if table is not None:
        statement = statement.where(_P.c.table_name == table)
    counts: dict[str, dict[Feedback, int]] = {}
    for name, said, count in rx.connection.execute(statement.group_by(_P.c.table_name, _T.c.feedback)):
        counts.setdefault(name, {})[Feedback(said)] = int(count)
    return counts


def false_alarms(rx: Reader, table: str) -> frozenset[str]:
    """The names of a table's alerts that somebody called a false alarm."""
    said = _T.c.feedback == Feedback.FALSE_ALARM.value
    return frozenset(f"A{i}" for i in rx.connection.scalars(select(_T.c.id).where(_about(table), said)))


def told_in(rx: Reader, week: str, owner: str | None) -> list[AlertRecord]:
    """An owner's alerts that were told, or folded into the digest, in a week."""
    return _fetch(rx, _T.c.told_week == week, _T.c.owner.is_not_distinct_from(owner))


def _fetch(rx: Reader, *where: ColumnElement[bool]) -> list[AlertRecord]:
    return _with_parts(rx, rx.connection.execute(select(_T).where(*where).order_by(_T.c.id)).all())


def _with_parts(rx: Reader, rows: Sequence[Row[Any]]) -> list[AlertRecord]:
    wanted = _P.c.alert_id.in_([row.id for row in rows])
    found: dict[int, list[AlertPart]] = {}
    for row in rx.connection.execute(select(_P).where(wanted).order_by(_P.c.alert_id, _P.c.position)):
        found.setdefault(row.alert_id, []).append(_part(row))
    return [_record(row, tuple(found.get(row.id, ()))) for row in rows]


def _values(record: AlertRecord) -> dict[str, Any]:
    values = {column: getattr(record, name) for name, column in _COLUMN.items()}
    listed = {name: list(getattr(record, name)) for name in ("columns", "aspects")}
    return values | listed | {"hit": [dict(h) for h in record.hit] or None}


def _part(row: Row[Any]) -> AlertPart:
    values = {name: row._mapping[column] for name, column in _PART_COLUMN.items()}
    return AlertPart(**values | {name: tuple(values[name]) for name in _LISTS})


def _record(row: Row[Any], parts: tuple[AlertPart, ...]) -> AlertRecord:
    values = {name: row._mapping[column] for name, column in _COLUMN.items()}
    values["columns"], values["aspects"] = tuple(values["columns"]), tuple(values["aspects"])
    values["state"] = AlertState(values["state"])
    values["feedback"] = Feedback(values["feedback"]) if values["feedback"] else None
    values["recovery_told"] = bool(values["recovery_told"])
    values["hit"] = tuple(values["hit"] or ())
    return AlertRecord(**values, parts=parts)
