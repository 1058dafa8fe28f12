"""Holds: what somebody must be able to show later, and what something that runs reads."""

from __future__ import annotations

from interlock.catalog import Writer, outbox
from interlock.catalog.vault import holds, versions
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import READABLE, Action, HoldKind, HoldRecord, RequestRecord
from interlock.errors import UsageError, VersionNotFound
from interlock.gates.delete.gate import ENTRY, TEXT_MAX, Gate, Outcome, Proposal, after, ask, checked
from interlock.vault import lookup
from interlock.words import short


def hold(gate: Gate, what: str, reason: str, kind: HoldKind = HoldKind.LEGAL) -> HoldRecord:
    """Keep a version, every version of a name, or of a folder's names (``/``: everything), those to come too.

    Nobody has to approve it. Raises `VersionNotFound`, `UsageError` without a reason.
    """
    said = checked(reason)
    if said is None:
        raise UsageError("a hold needs a reason", hint="--reason 'case 12-345'")
    with gate.site.catalog.write() as tx:
        name, version = _held(tx, what)
        made = holds.add(tx, name, version, kind, gate.who, said)
        entry = {"action": Action.HOLD.value, "hold": made.ref, "of": kind.value, "who": gate.who}
        outbox.append(tx, ENTRY, entry | {"subject": short(_named(made), TEXT_MAX), "reason": said})
    after(gate)
    return made


def release(gate: Gate, ref: str, reason: str | None = None) -> Outcome:
    """End a hold such as ``H4``. A legal one needs a second person: `DeleteRefused`. `VersionNotFound`."""

    def propose(tx: Writer, _: Policy) -> Proposal:
        held = _known(tx, ref)
        legal = held.kind is HoldKind.LEGAL
        why = [f"{held} ends only with a second person"] if legal else []
        return Proposal(
            Action.RELEASE,
            f"{held.ref} on {_named(held)}",
            {"hold": held.id},
            frozenset([_named(held)]),
            why=why,
            counts=False,
        )

    return ask(gate, reason, propose, carry_out)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """The hold ends."""
    holds.release(tx, request.document["hold"], request.who)
    return Outcome(request)


def _known(tx: Writer, ref: str) -> HoldRecord:
    digits = ref.strip().upper().removeprefix("H")
    short_enough = digits.isascii() and digits.isdecimal() and len(digits) < 18
    found = holds.get(tx, int(digits)) if short_enough else None
    if found is None:
        raise VersionNotFound(f"no hold {ref!r}", hint="`interlock vault holds` lists them")
    if found.released_at is not None:
        raise VersionNotFound(f"{found.ref} was released by {found.released_by} already")
    return found


def _held(tx: Writer, what: str) -> tuple[str, int | None]:
    if "@" in what:
        record = lookup.resolve(tx, what, deleted=True)
        return record.name, record.version
    name = "" if what == "/" else lookup.Reference.of(what.rstrip("/")).name
    if not versions.list_(tx, prefix=name, states=READABLE, limit=1):
        lookup.resolve(tx, name or what)  # says so, with the nearest name
    return name, None


def _named(held: HoldRecord) -> str:
    return (held.name or "/") + (f"@v{held.version}" if held.version is not None else "")
