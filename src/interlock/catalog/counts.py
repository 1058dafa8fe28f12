"""What there is of everything, by table: a fixed number of statements however much there is."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, not_, or_, select

from interlock.catalog import constructs, schema
from interlock.catalog.catalog import Reader
from interlock.catalog.records import CURRENT, PartitionRecord, State
from interlock.catalog.schema import Moment

Counts = dict[tuple[str, ...], int]
_PARTITIONS, _VERDICTS, _ALERTS = schema.partitions, schema.verdicts, schema.alerts


@dataclass(frozen=True, slots=True)
class Held:
    """What readers see of a table. ``date_max``: the last label that begins with a date; ``loaded_at``: since 1970."""

    table: str
    rows: int
    size_bytes: int
    date_max: str | None
    loaded_at: float


def partitions(rx: Reader) -> Counts:
    """Versions by (table, state)."""
    p = _PARTITIONS.c
    return _counts(rx, select(p.table_name, p.state, func.count()).group_by(p.table_name, p.state))


def held(rx: Reader, table: str | None = None) -> list[Held]:
    """What readers see of each table that has a partition, or of one."""
    p = _PARTITIONS.c
    dated = func.max(p.label).filter(constructs.dated(p.label))
    loaded = func.max(p.loaded_at, type_=Moment)
    statement = select(p.table_name, func.sum(p.rows), func.sum(p.size_bytes), dated, loaded)
    statement = statement.where(p.state.in_([state.value for state in CURRENT]))
    if table is not None:
        statement = statement.where(p.table_name == table)
    found = rx.connection.execute(statement.group_by(p.table_name))
    return [Held(t, int(rows), int(size), last, at.timestamp()) for t, rows, size, last, at in found]


def verdicts(rx: Reader) -> Counts:
    """Verdicts ever by (table, outcome, decision)."""
    v = _VERDICTS.c
    by = (v.table_name, v.outcome, v.decision)
    return _counts(rx, select(*by, func.count()).group_by(*by))


def last_judged(rx: Reader) -> dict[str, float]:
    """By table, when it was last judged, in seconds since 1970."""
    v = _VERDICTS.c
    found = rx.connection.execute(
        select(v.table_name, func.max(v.judged_at, type_=Moment)).group_by(v.table_name)
    )
    return {table: at.timestamp() for table, at in found}


def alerts(rx: Reader) -> Counts:
    """Alerts by (table, state, severity, how somebody was told: now, later, digest, or empty)."""
    a = _ALERTS.c
    by = (a.table_name, a.state, a.severity, func.coalesce(a.told, ""))
    return _counts(rx, select(*by, func.count()).group_by(*by))


def silenced(rx: Reader) -> Counts:
    """By (table,), how often a false alarm kept an alert quiet."""
    a = _ALERTS.c
    return _counts(rx, select(a.table_name, func.sum(a.silenced)).group_by(a.table_name))


def triggers(rx: Reader) -> Counts:
    """Runs of triggers by (table, state)."""
    t = schema.trigger_runs.c
    return _counts(rx, select(t.table_name, t.state, func.count()).group_by(t.table_name, t.state))


def unplaced(rx: Reader) -> int:
    """Entries that have no place in the ledger yet."""
    waiting = select(func.count()).where(schema.outbox.c.ledger_index.is_(None))
    return int(rx.connection.scalar(waiting) or 0)


def versions(rx: Reader, since: Mapping[str, str]) -> list[PartitionRecord]:
    """Versions of these tables' partitions, oldest first, without columns, rows, size and path.

    ``since`` maps a table to the least label wanted, as text sorts; labels that
    do not begin with a date are wanted always.
    """
    p = _PARTITIONS.c
    columns = (p.table_name, p.label, p.state, p.loaded_at, p.data_file_id, p.verdict_id, p.id)
    statement: Select[Any] = select(*columns).where(_wanted(p, since)).order_by(p.id)
    return [_version(row) for row in rx.connection.execute(statement)]


def newest_verdicts(
    rx: Reader, since: Mapping[str, str], without: Collection[str]
) -> dict[tuple[str, str], str]:
    """The id of the newest verdict on each (table, label), chosen as in `versions`, other than those ``without``."""
    v = _VERDICTS.c
    statement = select(v.table_name, v.label, v.id).where(_wanted(v, since)).order_by(v.sequence)
    found = rx.connection.execute(statement)
    return {(table, label): id_ for table, label, id_ in found if id_ not in without}


def _wanted(columns: Any, since: Mapping[str, str]) -> ColumnElement[bool]:
    """A row is of one of these tables, and not of a day before that table's."""
    least = constructs.members(json.dumps(dict(since))).table_valued("key", "value")
    recent = or_(columns.label >= least.c.value, not_(constructs.dated(columns.label)))
    return and_(columns.table_name == least.c.key, recent)


def alarms(rx: Reader, ids: Iterable[str]) -> dict[str, str]:
    """The title of the loudest ticket or page of each of these verdicts that raised one.

    An alert that somebody called a false alarm was none.
    """
    wanted = _VERDICTS.c.id.in_(_each(ids))
    found: dict[str, str] = {}
    for id_, title in rx.connection.execute(
        select(_VERDICTS.c.id, constructs.loudest(_VERDICTS.c.document)).where(wanted)
    ):
        if title is not None:
            found[id_] = str(title)
    return found


def _each(values: Iterable[str]) -> Select[Any]:
    """A list as one parameter, so that its length is no limit and takes no further statement."""
    return select(constructs.elements(json.dumps(list(values))).table_valued("value").c.value)


def _counts(rx: Reader, statement: Select[Any]) -> Counts:
    return {tuple(row[:-1]): int(row[-1]) for row in rx.connection.execute(statement)}


def _version(row: Row[Any]) -> PartitionRecord:
    m = row._mapping
    return PartitionRecord(
        table=m["table_name"],
        label=m["label"],
        state=State(m["state"]),
        rows=0,
        size_bytes=0,
        loaded_at=m["loaded_at"],
        data_file_id=m["data_file_id"],
        verdict_id=m["verdict_id"],
        id=m["id"],
    )
