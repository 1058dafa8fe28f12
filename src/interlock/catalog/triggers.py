"""Runs of triggers: what was asked for, tried and reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer, inserted_id
from interlock.catalog.records import TriggerRun, TriggerState

_T = schema.trigger_runs
_OPEN = (TriggerState.PENDING.value, TriggerState.FAILED.value)


def put(tx: Writer, run: TriggerRun) -> int:
    """Store a run that is to happen; returns its id."""
    return inserted_id(tx.connection.execute(insert(_T).values(_values(run))))


def put_all(tx: Writer, runs: Sequence[TriggerRun]) -> None:
    """`put` for many, in the order given."""
    if runs:
        tx.connection.execute(insert(_T), [_values(run) for run in runs])


def _values(run: TriggerRun) -> dict[str, Any]:
    return {
        "verdict_id": run.verdict_id,
        "table_name": run.table,
        "label": run.label,
        "trigger": dict(run.trigger),
        "state": run.state.value,
        "attempts": run.attempts,
        "detail": run.detail,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
    }


def update_(tx: Writer, id: int, state: TriggerState, *, attempts: int, detail: str | None = None) -> None:
    """Record how an attempt ended."""
    changes = {"state": state.value, "attempts": attempts, "detail": detail, "updated_at": tx.now}
    tx.connection.execute(update(_T).where(_T.c.id == id).values(changes))


def of_table(rx: Reader, table: str) -> list[TriggerRun]:
    """A table's runs, oldest first."""
    wanted = select(_T).where(_T.c.table_name == table).order_by(_T.c.id)
    return [_record(row) for row in rx.connection.execute(wanted)]


def redact(tx: Writer, id: int, trigger: Mapping[str, Any], detail: str | None) -> None:
    """Values were taken out of what a run says."""
    tx.connection.execute(update(_T).where(_T.c.id == id).values(trigger=dict(trigger), detail=detail))


def pending(rx: Reader) -> list[TriggerRun]:
    """Runs that are to be tried (again), oldest first."""
    return [
        _record(row)
        for row in rx.connection.execute(select(_T).where(_T.c.state.in_(_OPEN)).order_by(_T.c.id))
    ]


def list_(rx: Reader, verdict_id: str | None = None, limit: int | None = None) -> list[TriggerRun]:
    """Runs, newest first, of one verdict or all."""
    statement = select(_T).order_by(_T.c.id.desc()).limit(limit)
    if verdict_id is not None:
        statement = statement.where(_T.c.verdict_id == verdict_id)
    return [_record(row) for row in rx.connection.execute(statement)]


def _record(row: Row[Any]) -> TriggerRun:
    m = row._mapping
    return TriggerRun(
        verdict_id=m["verdict_id"],
        table=m["table_name"],
        label=m["label"],
        trigger=m["trigger"],
        created_at=m["created_at"],
        updated_at=m["updated_at"],
        state=TriggerState(m["state"]),
        attempts=m["attempts"],
        detail=m["detail"],
        id=m["id"],
    )
