"""Purging: tombstones come to their end. After retention, where nothing is in use, and never by one person."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.catalog import Writer
from interlock.catalog.vault import marks, versions
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import Action, RequestRecord, VersionRecord, VersionState
from interlock.errors import DeleteRefused
from interlock.gates.delete import radius, uses
from interlock.gates.delete.chosen import chosen, kinds, subject
from interlock.gates.delete.gate import Gate, Outcome, Proposal, ask
from interlock.words import count, minute


def purge(gate: Gate, what: Sequence[str], reason: str | None = None) -> Outcome:
    """Ask for the end of the tombstones that these words mean (`chosen`).

    Always raises `DeleteRefused`: with every reason at once why they may not be purged, else with the request
    that waits for a second person. Raises `VersionNotFound` where nothing of it is a tombstone.
    """

    def propose(tx: Writer, _: Policy) -> Proposal:
        live = [r for r in chosen_exactly(tx, what) if r.state is VersionState.LIVE]
        records = live or chosen(tx, what, (VersionState.DELETED,))
        never = [f"{live[0].ref} is not deleted"] if live else [*early(tx, records), *in_use(tx, records)]
        return Proposal(
            Action.PURGE,
            subject(what),
            {"versions": [r.id for r in records]},
            radius.models(tx, kinds(records)),
            why=[f"it ends {count(len(records), 'version')} for good"],
            never=never,
            counts=False,
        )

    return ask(gate, reason, propose, carry_out)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """The end of those versions of a request of which it still may be. `DeleteRefused` where there is none."""
    records = versions.get(tx, request.document["versions"])
    deleted = [r for r in records if r.state is VersionState.DELETED]
    used = uses.uses(tx, deleted)
    ripe = [r for r in deleted if _ripe(tx, r)]
    going = [r for r in ripe if r.id not in used]
    back = len(records) - len(deleted)
    left_out = [f"{count(back, 'version')} not deleted any more"] if back else []
    left_out += [*early(tx, deleted), *in_use(tx, ripe)]
    if not going:
        raise DeleteRefused(f"nothing of {request.ref} may be purged: {'; '.join(left_out)}")
    ids = [r.id for r in going]
    versions.change(tx, ids, VersionState.DELETED, VersionState.PURGED)
    marks.forget_uses(tx, ids)
    return Outcome(request, len(going), tuple(left_out))


def early(tx: Writer, records: Sequence[VersionRecord]) -> list[str]:
    """In words, tombstones whose retention is not over."""
    kept = [r for r in records if not _ripe(tx, r)]
    if not kept:
        return []
    last = max((r.purge_after for r in kept if r.purge_after), default=None)
    who = kept[0].ref if len(kept) == 1 else count(len(kept), "version")
    return [f"{who} can be restored until {minute(last)}"]


def in_use(tx: Writer, records: Sequence[VersionRecord]) -> list[str]:
    """In words, tombstones that are in use."""
    used = uses.uses(tx, records)
    return [uses.in_words(records, used)] if used else []


def chosen_exactly(tx: Writer, what: Sequence[str]) -> list[VersionRecord]:
    """Versions that are named one by one."""
    words = [word for word in what if "@" in word]
    states = (VersionState.LIVE, VersionState.DELETED)
    return chosen(tx, words, states) if words else []


def _ripe(tx: Writer, record: VersionRecord) -> bool:
    return record.purge_after is not None and record.purge_after <= tx.now
