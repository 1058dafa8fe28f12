"""Changing what the delete gate allows: protecting more is free, protecting less needs a second person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import select

from interlock.catalog import Writer
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault import schema as s
from interlock.catalog.vault import versions
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import READABLE, Action, RequestRecord, VersionState
from interlock.errors import UsageError
from interlock.gates.delete import radius
from interlock.gates.delete.gate import Gate, Outcome, Proposal, ask


def change(gate: Gate, changes: Mapping[str, int], reason: str | None = None) -> Outcome:
    """Set values of the policy. `DeleteRefused` where one of them protects less and the vault holds anything.

    Tombstones that are there keep the longer of both retentions. Raises `UsageError` for values that cannot be.
    """
    if not changes:
        raise UsageError("no value is given", hint=", ".join(policies.reasons()))

    def propose(tx: Writer, now: Policy) -> Proposal:
        wanted = now.with_(changes)
        looser = wanted.looser_than(now)
        kinds = {r.name: r.kind for r in versions.list_(tx, states=READABLE)} if looser else {}
        models = radius.models(tx, kinds)
        said = ", ".join(f"{name} from {getattr(now, name)} to {getattr(wanted, name)}" for name in looser)
        return Proposal(
            Action.POLICY,
            ", ".join(f"{name}={value}" for name, value in sorted(changes.items())),
            dict(changes),
            models,
            why=[f"{said} protects every model less"] if models else [],
            counts=False,
        )

    return ask(gate, reason, propose, carry_out)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """The policy in force gets these values; tombstones keep what is longer."""
    before = policies.get(tx)
    after = before.with_(request.document)
    policies.put(tx, after)
    if after.retention > before.retention:
        _lengthen(tx, after.retention)
    return Outcome(request)


def _lengthen(tx: Writer, retention: dt.timedelta) -> None:
    v = s.versions
    deleted = select(v.c.id, v.c.deleted_at, v.c.purge_after).where(v.c.state == VersionState.DELETED.value)
    longer: dict[dt.datetime, list[int]] = {}
    for row in tx.connection.execute(deleted):
        if (until := row.deleted_at + retention) > row.purge_after:
            longer.setdefault(until, []).append(row.id)
    for until, ids in longer.items():
        versions.keep_until(tx, ids, until)
