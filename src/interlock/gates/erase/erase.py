"""Asking for an erasure: it is rewritten at once what is read, and the old bytes wait for a second person."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.catalog import Reader, Writer, outbox
from interlock.catalog.vault import aliases, holds, requests, versions
from interlock.catalog.vault.records import (
    READABLE,
    Action,
    HoldKind,
    RequestRecord,
    RequestState,
    VersionRecord,
    VersionState,
)
from interlock.errors import DeleteRefused, UsageError, WorkspaceBusy
from interlock.gates import commit, staging
from interlock.gates.delete import telling, uses
from interlock.gates.delete.gate import ENTRY, Gate, after, checked, record
from interlock.gates.erase import found, redaction, rewrite
from interlock.gates.erase.found import Affected, Progress
from interlock.gates.erase.redaction import Values
from interlock.gates.erase.rewrite import Rewritten
from interlock.gates.request import Request
from interlock.vault import snapshots
from interlock.words import count

_FILES_SAID = 100  # in one entry of the ledger
_VALUES_A_COLUMN = 1_000


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure found and did.

    ``rows`` are those that readers saw or could let out of quarantine; ``partitions`` their labels. ``versions`` is
    how many versions of partitions hold them, older ones too. ``snapshots`` names each with what it became,
    None where it was deleted before. ``models`` were made of these. ``request`` waits for a second person; ``proof``
    is shown this once: with it who knows the condition can show that it is the one the ledger means.
    """

    table: str
    rows: int = 0
    partitions: tuple[str, ...] = ()
    versions: int = 0
    snapshots: tuple[tuple[str, str | None], ...] = ()
    models: tuple[str, ...] = ()
    request: RequestRecord | None = None
    proof: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "rows": self.rows,
            "partitions": list(self.partitions),
            "versions": self.versions,
            "snapshots": [list(pair) for pair in self.snapshots],
            "models": list(self.models),
            "request": self.request.ref if self.request is not None else None,
            "proof": self.proof,
        }


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an erasure is about: versions of partitions, the snapshots that pin them, and what it tells of both."""

    where: str
    reason: str
    chosen: Sequence[Affected]
    pinned: Sequence[VersionRecord]
    seen: Erasure


def erase(
    gate: Gate, request: Request, where: str, reason: str, *, dry_run: bool = False, progress: Progress
) -> Erasure:
    """Rewrite what readers see of a table, now, in its past and in snapshots, without the rows of a condition.

    What held them is kept until a second person approves the request, and the collector runs: retention does
    not count. Others' rows stay as they are. No row: nothing happens. Raises `DeleteRefused`, with nothing
    done, where a legal hold keeps a snapshot; what `found.affected` raises; `UsageError` without a reason, or
    for one that quotes what is to be erased.
    """
    said = checked(reason)
    if said is None:
        raise UsageError(
            "a reason is needed", hint="it is recorded in the ledger; it must not name the person"
        )
    site, table = gate.site, request.table
    name = table.name
    with (
        commit.one_writer(site, name),
        staging.begin(site.locks, site.staging, uuid.uuid4().hex, name, "an erasure") as place,
    ):
        with site.catalog.read() as rx:
            waiting = _waiting(rx, name)
        done = {id_ for one in waiting for id_ in one.document["partitions"]}
        chosen = found.affected(site, table, where, done, progress)
        if not chosen:
            return Erasure(name, request=waiting[0] if waiting else None)
        with site.catalog.read() as rx:
            pinned = _pinned(rx, chosen)
            seen = _seen(name, chosen, pinned, tuple(uses.made_of(rx, pinned)))
            held = _held(rx, pinned)
        if dry_run:
            return seen
        if held:
            raise DeleteRefused(f"nothing of {name} was erased: {'; '.join(held)}", hint=_HELD)
        plan = _Plan(where, said, chosen, pinned, seen)
        values = _values(gate, request, plan)
        rewritten = [
            rewrite.staged(site, request, one, where, place.path / f"{one.id}.parquet")
            for one in chosen
            if one.needed
        ]
        with place.undone_on_error(site.catalog):
            place.put(site.files, {one.file: one.path for one in rewritten})
            with _sealed(gate, pinned, rewritten) as next_:
                outcome = _commit(gate, request, plan, rewritten, next_, values)
    after(gate)
    return outcome


_HELD = "a legal hold ends with `interlock vault release`; a court decides which duty comes first"


def _seen(
    table: str, chosen: Sequence[Affected], pinned: Sequence[VersionRecord], models: tuple[str, ...]
) -> Erasure:
    standing = [one for one in chosen if one.record.state in found.STANDING]
    return Erasure(
        table,
        sum(one.rows for one in standing),
        tuple(dict.fromkeys(one.record.label for one in standing)),
        len(chosen),
        tuple((r.ref, None) for r in pinned),
        models,
    )


def _waiting(rx: Reader, table: str) -> list[RequestRecord]:
    """Erasures of a table that wait for a second person."""
    return requests.list_(rx, states=[RequestState.PENDING], actions=[Action.ERASE], subject=table)


def _pinned(rx: Reader, chosen: Sequence[Affected]) -> list[VersionRecord]:
    """The snapshots that can be read and pin one of these files."""
    ids = snapshots.pinning(rx, [one.record.path or "" for one in chosen])
    return [r for r in versions.get(rx, sorted(ids)) if r.state in READABLE]


def _held(rx: Reader, records: Sequence[VersionRecord]) -> list[str]:
    """In words, legal holds on these."""
    legal = [hold for hold in holds.list_(rx) if hold.kind is HoldKind.LEGAL]
    return [f"{r.ref} is under {hold}" for r in records for hold in legal if uses.holds_it(hold, r)]


def _values(gate: Gate, request: Request, plan: _Plan) -> Values:
    """What only the rows that go hold. `UsageError` where the reason quotes some of it."""
    spared = {request.table.partition or ""}
    theirs = Values.of(
        value
        for one in plan.chosen
        if one.needed
        for value in found.values(gate.site, one, plan.where, spared, _VALUES_A_COLUMN)
    )
    if theirs.are_in(plan.reason):
        raise UsageError("the reason quotes what is to be erased", hint="it stays in the ledger for ever")
    return theirs


@contextlib.contextmanager
def _sealed(
    gate: Gate, pinned: Sequence[VersionRecord], rewritten: Sequence[Rewritten]
) -> Iterator[list[rewrite.Sealed]]:
    by = {one.old.record.path or "": one for one in rewritten}
    live = [r for r in pinned if r.state is VersionState.LIVE]
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(rewrite.sealed(gate.stores, gate.who, r, by)) for r in live]


def _commit(
    gate: Gate,
    request: Request,
    plan: _Plan,
    rewritten: Sequence[Rewritten],
    next_: Sequence[rewrite.Sealed],
    values: Values,
) -> Erasure:
    """The transaction: what is read is without the rows from here on, and the rest waits."""
    salt, names = secrets.token_hex(16), {r.name for r in plan.pinned}
    with gate.site.catalog.write() as tx:
        if [r.id for r in _pinned(tx, plan.chosen)] != [r.id for r in plan.pinned] or _held(tx, plan.pinned):
            raise WorkspaceBusy(f"snapshots of {request.table.name} changed meanwhile", hint="try again")
        rewrite.store(tx, gate.site, request, rewritten)
        asked = _asked(tx, gate, plan, len(names))
        became = _succeed(tx, gate, asked, next_)
        judged = {one.record.verdict_id for one in plan.chosen if one.record.verdict_id}
        redaction.redact(tx, request.table.name, values, judged, asked.ref)
        _prove(tx, asked, condition_digest(salt, plan.where), plan.chosen, rewritten)
        record(tx, asked, gate.who, names=sorted(names), rows=plan.seen.rows)
        telling.put(tx, asked, names, gate.tell)
    told = tuple((ref, became.get(ref)) for ref, _ in plan.seen.snapshots)
    return replace(plan.seen, snapshots=told, request=asked, proof=salt)


def _asked(tx: Writer, gate: Gate, plan: _Plan, models: int) -> RequestRecord:
    """The request for the end of the old bytes."""
    document = {
        "partitions": [one.id for one in plan.chosen],
        "versions": [r.id for r in plan.pinned],
        "rows": plan.seen.rows,
    }
    return requests.add(
        tx,
        Action.ERASE,
        plan.seen.table,
        document,
        models=models,
        state=RequestState.PENDING,
        who=gate.who,
        reason=plan.reason,
        why=f"it removes {count(len(plan.chosen), 'file')} for good, whatever their retention",
    )


def _succeed(
    tx: Writer, gate: Gate, asked: RequestRecord, next_: Sequence[rewrite.Sealed]
) -> Mapping[str, str]:
    """New versions are live, old ones tombstones that may go at once, and aliases stand for the new."""
    became: dict[str, str] = {}
    for one in next_:
        new = one.acknowledge(tx)
        for alias in aliases.list_(tx, one.old.name):
            if alias.version == one.old.version:
                aliases.put(tx, alias.name, alias.alias, new.version, gate.who)
        versions.tombstone(tx, [one.old.id], who=gate.who, purge_after=tx.now, request_id=asked.id)
        became[one.old.ref] = new.ref
    return became


def condition_digest(proof: str, where: str) -> str:
    """What the ledger calls a condition: to nobody who does not know ``proof`` does it tell which."""
    return hmac.new(proof.encode(), where.strip().encode(), hashlib.sha256).hexdigest()


def _prove(
    tx: Writer,
    asked: RequestRecord,
    condition: str,
    chosen: Sequence[Affected],
    rewritten: Sequence[Rewritten],
) -> None:
    """Which files held how many of the rows, and which stand in their place: digests and counts, no values."""
    new = {one.old.id: one.digest for one in rewritten}
    files = [
        {"label": one.record.label, "rows": one.rows, "old": one.record.digest, "new": new.get(one.id)}
        for one in chosen
    ]
    for start in range(0, len(files), _FILES_SAID):
        said = {"action": "erase", "state": "rewritten", "who": asked.who, "request": asked.ref}
        some = files[start : start + _FILES_SAID]
        outbox.append(tx, ENTRY, {**said, "table": asked.subject, "condition": condition, "files": some})
