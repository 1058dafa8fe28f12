"""The second person: lets a request pass, or refuses it. Never the one who asked.

In a workspace in a folder that is another operating-system user, or whoever has a second key; in PostgreSQL
another role, or a key. It prevents accidents; the server prevents intent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from interlock.catalog import Reader, Writer, clock
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault import requests
from interlock.catalog.vault.records import Action, RequestRecord, RequestState
from interlock.errors import ApprovalRefused, DeleteRefused, VersionNotFound
from interlock.gates.delete import alias, delete, holds, keys, overwrite, policy, purge, rename, replica
from interlock.gates.delete.gate import CarryOut, Gate, Outcome, after, checked, noted, record
from interlock.gates.erase import purge as erasure
from interlock.words import minute

_CARRY_OUT: Mapping[Action, CarryOut] = {
    Action.DELETE: delete.carry_out,
    Action.PURGE: purge.carry_out,
    Action.ALIAS: alias.carry_out,
    Action.OVERWRITE: overwrite.carry_out,
    Action.RELEASE: holds.carry_out,
    Action.POLICY: policy.carry_out,
    Action.KEY: keys.carry_out,
    Action.REPLICA: replica.carry_out,
    Action.ERASE: erasure.carry_out,
}


def approve(gate: Gate, ref: str, key: str | None = None) -> Outcome:
    """Let a pending request such as ``D17`` pass, and do exactly what it lists.

    What changed since is left out, and said in `Outcome.left_out`. ``key`` is the secret of a second key.
    Raises `ApprovalRefused` where it is not pending, or one's own; `DeleteRefused` where it may not be done
    any more; `VersionNotFound`. A refusal is recorded too.
    """
    with gate.site.catalog.read() as rx:
        request = found(rx, ref)
        _pending(rx, request)
    try:
        carry_out = _CARRY_OUT.get(request.action) or rename.carry_out(_ready(gate, request, key))
        with gate.site.catalog.write() as tx:
            request, by = _second(tx, gate, ref, key)
            outcome = noted(tx, carry_out(tx, request, by))
            requests.decide(tx, request.id, RequestState.APPROVED, by)
            done = replace(
                outcome.request or request, state=RequestState.APPROVED, decided_by=by, decided_at=tx.now
            )
            record(tx, done, by, action="approve", of=request.action.value, versions=outcome.versions)
    except (ApprovalRefused, DeleteRefused) as refused:
        with gate.site.catalog.write() as tx:
            state = RequestState.REFUSED.value
            record(tx, request, gate.who, action="approve", state=state, error=refused.message)
        after(gate)
        raise
    after(gate)
    return replace(outcome, request=done)


def refuse(gate: Gate, ref: str, reason: str | None = None) -> RequestRecord:
    """Let a pending request not pass; who asked may take it back so. `ApprovalRefused`, `VersionNotFound`."""
    said = checked(reason)
    with gate.site.catalog.write() as tx:
        request = found(tx, ref)
        _pending(tx, request)
        requests.decide(tx, request.id, RequestState.REFUSED, gate.who)
        refused = replace(request, state=RequestState.REFUSED, decided_by=gate.who, decided_at=tx.now)
        record(tx, refused, gate.who, action="refuse", of=request.action.value, said=said)
    after(gate)
    return refused


def found(rx: Reader, ref: str) -> RequestRecord:
    """The request of this id. `VersionNotFound`."""
    digits = ref.strip().upper().removeprefix("D")
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 18 else None
    request = requests.get(rx, number) if number is not None else None
    if request is None:
        raise VersionNotFound(f"no request {ref!r}", hint="`interlock vault requests` lists them")
    return request


def listed(
    rx: Reader, *, states: Sequence[RequestState] = (), limit: int | None = None
) -> list[RequestRecord]:
    """Requests, newest first; those that waited too long as expired, though nobody noted it yet."""
    shown = [_as_it_is(rx, r) for r in requests.list_(rx, limit=None if states else limit)]
    return [r for r in shown if not states or r.state in states][:limit]


def _as_it_is(rx: Reader, request: RequestRecord) -> RequestRecord:
    old = clock.now() - policies.get(rx).pending
    ends = request.action is not Action.ERASE  # half done, and a duty
    expired = ends and request.state is RequestState.PENDING and request.at < old
    return replace(request, state=RequestState.EXPIRED) if expired else request


def _pending(rx: Reader, request: RequestRecord) -> None:
    now = _as_it_is(rx, request)
    if now.state is RequestState.PENDING:
        return
    by = f" by {now.decided_by}" if now.decided_by else ""
    at = f" on {minute(now.decided_at)}" if now.decided_at else ""
    raise ApprovalRefused(
        f"{now.ref} does not wait any more: it is {now.state}{by}{at}", hint="ask for it again"
    )


def _second(tx: Writer, gate: Gate, ref: str, key: str | None) -> tuple[RequestRecord, str]:
    """The request and who lets it pass."""
    request = found(tx, ref)
    _pending(tx, request)
    if key is not None:
        return request, keys.holder(tx, key, request)
    if gate.who == request.who:
        raise ApprovalRefused(
            f"{request.ref} is {gate.who}'s own request",
            hint="another user approves it, or whoever has a second key: --key",
        )
    return request, gate.who


def _ready(gate: Gate, request: RequestRecord, key: str | None) -> rename.Prepared:
    """A rename's manifests, once it is clear that who asks may let it pass."""
    with gate.site.catalog.write() as tx:
        _second(tx, gate, request.ref, key)
    return rename.prepare(gate, request.document)
