"""Giving the replica up, or taking another: every model then has one copy less, until the new one holds them."""

from __future__ import annotations

from interlock.catalog import Writer
from interlock.catalog.vault import versions
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import READABLE, Action, RequestRecord
from interlock.gates.delete import radius
from interlock.gates.delete.gate import Gate, Outcome, Proposal, ask
from interlock.vault import replica
from interlock.vault.stores import opened


def change(gate: Gate, place: str | None, reason: str | None = None) -> Outcome:
    """Keep the second copy at another ``place``, or nowhere; what lies at the old one stays there.

    Needs a second person where the vault holds anything: `DeleteRefused`. `UsageError` for a place that cannot be one.
    """
    if place is not None:
        place = replica.checked(gate.stores, place)

    def propose(tx: Writer, _: Policy) -> Proposal:
        kinds = {r.name: r.kind for r in versions.list_(tx, states=READABLE)}
        known = opened.address(tx, opened.REPLICA)
        models = radius.models(tx, kinds) if known is not None and known != place else frozenset()
        return Proposal(
            Action.REPLICA,
            "no replica" if place is None else place,
            {"from": known, "to": place},
            models,
            why=["every model has one copy less until another holds it"] if models else [],
            counts=False,
        )

    return ask(gate, reason, propose, carry_out)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """The replica is there from now on; `interlock vault replicate` fills it."""
    replica.change(tx, request.document["to"])
    return Outcome(request)
