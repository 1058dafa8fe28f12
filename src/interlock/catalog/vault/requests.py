"""Requests: everything the delete gate let pass, refused, or lets wait for a second person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from interlock.catalog.catalog import Reader, Writer, inserted_id
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.records import Action, RequestRecord, RequestState

_R = s.requests


def add(
    tx: Writer,
    action: Action,
    subject: str,
    document: Mapping[str, Any],
    *,
    models: int,
    state: RequestState,
    who: str,
    reason: str | None,
    why: str | None,
) -> RequestRecord:
    """A new request, made now."""
    values = {
        "action": action.value,
        "subject": subject,
        "document": dict(document),
        "models": models,
        "state": state.value,
        "who": who,
        "at": tx.now,
        "reason": reason,
        "why": why,
    }
    id_ = inserted_id(tx.connection.execute(insert(_R).values(**values)))
    return RequestRecord(
        id_, action, subject, dict(document), models, state, who, tx.now, reason=reason, why=why
    )


def decide(tx: Writer, id_: int, state: RequestState, who: str | None = None) -> None:
    """A request comes to a state, by somebody's decision where ``who`` is given."""
    decided = {"decided_by": who, "decided_at": tx.now} if who is not None else {}
    tx.connection.execute(update(_R).where(_R.c.id == id_).values(state=state.value, **decided))


def note(tx: Writer, id_: int, document: Mapping[str, Any]) -> None:
    """What a request did is known more exactly now."""
    tx.connection.execute(update(_R).where(_R.c.id == id_).values(document=dict(document)))


def expire(tx: Writer, before: dt.datetime) -> int:
    """Pending requests made before then are over, but for erasures: a duty does not end; returns how many."""
    old = update(_R).where(_R.c.state == RequestState.PENDING.value, _R.c.at < before)
    old = old.where(_R.c.action != Action.ERASE.value)
    return tx.connection.execute(old.values(state=RequestState.EXPIRED.value)).rowcount


def get(rx: Reader, id_: int) -> RequestRecord | None:
    row = rx.connection.execute(select(_R).where(_R.c.id == id_)).first()
    return None if row is None else _record(row)


def get_all(rx: Reader, ids: Iterable[int]) -> list[RequestRecord]:
    """Requests by id, in the order of their ids; unknown ids are left out."""
    found: list[RequestRecord] = []
    for some in parts(sorted(set(ids))):
        wanted = select(_R).where(_R.c.id.in_(some)).order_by(_R.c.id)
        found += [_record(row) for row in rx.connection.execute(wanted)]
    return found


def list_(
    rx: Reader,
    *,
    states: Sequence[RequestState] = (),
    actions: Sequence[Action] = (),
    since: dt.datetime | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> list[RequestRecord]:
    """Requests, newest first; of these states and actions where any are given, made at ``since`` or later."""
    wanted = select(_R).order_by(_R.c.id.desc()).limit(limit)
    if states:
        wanted = wanted.where(_R.c.state.in_([state.value for state in states]))
    if actions:
        wanted = wanted.where(_R.c.action.in_([action.value for action in actions]))
    if since is not None:
        wanted = wanted.where(_R.c.at >= since)
    if subject is not None:
        wanted = wanted.where(_R.c.subject == subject)
    return [_record(row) for row in rx.connection.execute(wanted)]


def count(rx: Reader, state: RequestState) -> int:
    """How many requests stand there."""
    wanted = select(func.count()).select_from(_R).where(_R.c.state == state.value)
    return int(rx.connection.scalar(wanted) or 0)


def _record(row: Row[Any]) -> RequestRecord:
    values = dict(row._mapping)
    values["action"], values["state"] = Action(values["action"]), RequestState(values["state"])
    return RequestRecord(**values)
