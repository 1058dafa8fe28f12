"""What every way through the delete gate shares: a request is judged, recorded, and done, or not.

A request's row, its ledger entry and what it does commit together. What is refused is recorded all the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from interlock.catalog import Writer, outbox
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault import requests
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import Action, RequestRecord, RequestState
from interlock.errors import DeleteRefused, InterlockError, LedgerWarning, UsageError
from interlock.gates import projection
from interlock.gates.delete import radius, telling
from interlock.gates.site import Site
from interlock.vault.stores.opened import Stores
from interlock.words import short

if TYPE_CHECKING:
    from interlock.constraints.table_contract import Trigger

ENTRY = "vault"
TEXT_MAX = 2_000  # characters of a reason and the like; an entry of the ledger holds a few of them
NAMES_SAID = 10  # models an entry names


@dataclass(frozen=True, slots=True)
class Gate:
    """Where somebody stands who wants something: ``who``, in which vault; ``tell`` are the triggers of its owners."""

    site: Site
    stores: Stores
    who: str
    tell: tuple[Trigger, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants, looked at.

    ``why`` it needs a second person, ``never`` why not even that helps. ``models`` are those it
    affects; ``counts`` False where however many of them are no matter for the radius.
    """

    action: Action
    subject: str
    document: Mapping[str, Any]
    models: frozenset[str]
    why: Sequence[str] = ()
    never: Sequence[str] = ()
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done: to how many ``versions``, and what was ``left_out`` because it changed meanwhile."""

    request: RequestRecord | None
    versions: int = 0
    left_out: tuple[str, ...] = ()
    document: Mapping[str, Any] | None = field(default=None, repr=False)  # what is known of it now


CarryOut = Callable[[Writer, RequestRecord, str], Outcome]
"""Does what a request says, in its transaction; the last argument is who lets it."""


def ask(
    gate: Gate, reason: str | None, propose: Callable[[Writer, Policy], Proposal], carry_out: CarryOut
) -> Outcome:
    """Judge what is proposed and do it at once, or raise `DeleteRefused`; recorded either way.

    The same request that waits already is not made again.
    """
    said = checked(reason)
    told: list[RequestRecord] = []
    with gate.site.catalog.write() as tx:
        policy = policies.get(tx)
        requests.expire(tx, tx.now - policy.pending)
        wanted = propose(tx, policy)
        over = radius.over(tx, policy, wanted.models) if wanted.counts and not wanted.never else None
        why = [*(wanted.never or wanted.why), *([over] if over else [])]
        state = RequestState.REFUSED if wanted.never else RequestState.PENDING if why else RequestState.DONE
        request = _waiting(tx, wanted, gate.who) if state is RequestState.PENDING else None
        if request is None:
            request = requests.add(
                tx,
                wanted.action,
                wanted.subject,
                wanted.document,
                models=len(wanted.models),
                state=state,
                who=gate.who,
                reason=said,
                why="; ".join(why) or None,
            )
            told = [request] if state is RequestState.PENDING else []
        outcome = Outcome(request)
        if state is RequestState.DONE:
            outcome = noted(tx, carry_out(tx, request, gate.who))
        record(tx, request, gate.who, versions=_versions(wanted, outcome), names=wanted.models)
        for one in told:
            telling.put(tx, one, wanted.models, gate.tell)
    after(gate)
    if state is not RequestState.DONE:
        raise refusal(request)
    return outcome


def noted(tx: Writer, outcome: Outcome) -> Outcome:
    """The outcome with its request as it is stored, what it did included."""
    request = outcome.request
    if request is None or outcome.document is None:
        return outcome
    requests.note(tx, request.id, outcome.document)
    return replace(outcome, request=replace(request, document=outcome.document))


def record(
    tx: Writer,
    request: RequestRecord,
    who: str,
    *,
    action: str | None = None,
    state: str | None = None,
    versions: int = 0,
    names: Sequence[str] | frozenset[str] = (),
    **more: Any,
) -> None:
    """The ledger's entry of what somebody did about a request: the request itself, its approval, its refusal."""
    said: dict[str, Any] = {
        "action": action or request.action.value,
        "request": request.ref,
        "who": who,
        "subject": short(request.subject, TEXT_MAX),
        "state": state or request.state.value,
        "models": request.models,
        "versions": versions,
        "reason": request.reason,
        "why": short(request.why, TEXT_MAX) if request.why else None,
        "names": [short(name, 200) for name in sorted(names)[:NAMES_SAID]],
        **more,
    }
    outbox.append(tx, ENTRY, {key: value for key, value in said.items() if value not in (None, [])})


def refusal(request: RequestRecord) -> DeleteRefused:
    """The error that says why a request was not carried out, and what now."""
    if request.state is RequestState.REFUSED:
        return DeleteRefused(f"{_named(request)} was refused: {request.why}")
    return DeleteRefused(
        f"{_named(request)} was not done: {request.why}",
        hint=f"a second person lets it pass with `interlock vault approve {request.ref}`",
        request=request.ref,
    )


def after(gate: Gate) -> None:
    """What follows a commit: the ledger's files, and the owners. Failing here changes nothing."""
    projection.project(gate.site)
    try:
        from interlock.gates import trigger  # whose alerts need half of all there is

        trigger.run_pending(gate.site, telling.TABLE, gate.tell, {})
    except InterlockError as error:
        warnings.warn(f"nobody could be told: {error}", LedgerWarning, stacklevel=2)


def checked(reason: str | None) -> str | None:
    """A reason as it is kept. `UsageError` for one that is too long, or no text."""
    text = (reason or "").strip()
    if text != text.encode(errors="replace").decode() or "\0" in text:
        raise UsageError("the reason is no text")
    if len(text) > TEXT_MAX:
        raise UsageError(f"a reason of {len(text):,} characters; {TEXT_MAX:,} is the most")
    return text or None


def _named(request: RequestRecord) -> str:
    return f"{request.action} of {short(request.subject, 200)}"


def _waiting(tx: Writer, wanted: Proposal, who: str) -> RequestRecord | None:
    pending = requests.list_(
        tx, states=[RequestState.PENDING], actions=[wanted.action], subject=wanted.subject
    )
    return next((r for r in pending if r.who == who and r.document == wanted.document), None)


def _versions(wanted: Proposal, outcome: Outcome) -> int:
    return outcome.versions or len(wanted.document.get("versions", ()))
