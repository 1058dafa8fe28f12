"""Overwriting a file by its path: nothing is lost, the old bytes are a version; but readers get others."""

from __future__ import annotations

from interlock.catalog import Reader, Writer, clock
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault import requests, versions
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
    if radius.is_being_made(rx, model, who, policy):
        return True
    before = requests.list_(
        rx,
        actions=[Action.OVERWRITE],
        states=[RequestState.DONE, RequestState.APPROVED],
        since=since - policy.pending,  # an approval may come as late as that
        subject=model,
    )
    return any((r.decided_at or r.at) >= since for r in before)
