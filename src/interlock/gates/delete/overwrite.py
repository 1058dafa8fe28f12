"""Overwriting a file by its path: nothing is lost, the old bytes are a version; but readers get others."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from interlock.catalog import Reader, Writer, clock
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault import requests, versions
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import Action, Kind, RequestRecord, RequestState
from interlock.gates.delete import radius
from interlock.gates.delete.gate import Gate, Outcome, Proposal, ask


def admit(gate: Gate, path: str) -> None:
    """Let a file be written by its path, before a byte of it is taken. `DeleteRefused` where too many were.

    Free are: a new path; a model that somebody is just making (its first file is theirs, and younger than
    the window); and one that was overwritten or approved within the window: it counts once.
    """
    with gate.site.catalog.read() as rx:
        if versions.newest(rx, path) is None or versions.kind_of(rx, path) is not Kind.FILE:
            return
        (model,) = radius.models(rx, {path: Kind.FILE})
        if _free(rx, model, gate.who, policies.get(rx)):
            return

    def propose(tx: Writer, _: Policy) -> Proposal:
        return Proposal(Action.OVERWRITE, model, {"path": path, "models": [model]}, frozenset([model]))

    ask(gate, None, propose, carry_out)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """Nothing yet: who asked writes the file again, and is let."""
    return Outcome(request)


def _free(rx: Reader, model: str, who: str, policy: Policy) -> bool:
    since = clock.now() - policy.window
    first = _first(rx, model)
    if first is not None and first[0] >= since and first[1] == who:
        return True
    before = requests.list_(
        rx,
        actions=[Action.OVERWRITE],
        states=[RequestState.DONE, RequestState.APPROVED],
        since=since - policy.pending,  # an approval may come as late as that
        subject=model,
    )
    return any((r.decided_at or r.at) >= since for r in before)


def _first(rx: Reader, model: str) -> tuple[dt.datetime, str] | None:
    """When the model's first version was made, and by whom."""
    v = s.versions
    is_it = versions.under(v.c.name, model[:-1]) if model.endswith("/") else v.c.name == model
    wanted = select(v.c.created_at, v.c.who).where(is_it).order_by(v.c.created_at).limit(1)
    row = rx.connection.execute(wanted).first()
    return None if row is None else (row.created_at, row.who)
