"""Renaming: the versions of a name are live under another, with their numbers, objects, aliases, holds and lineage.

What was under the old name are tombstones, so that nothing which was acknowledged is unreadable, and `undo` is at hand.
Each version has a manifest of its own under the new name, which is in the store before the catalog says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock import names
from interlock.catalog import Reader, Writer
from interlock.catalog.vault import aliases, holds, objects, versions
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import Action, RequestRecord, VersionRecord, VersionState
from interlock.errors import UsageError, VaultError, WorkspaceBusy
from interlock.gates.delete import radius, uses
from interlock.gates.delete.chosen import chosen, kinds
from interlock.gates.delete.delete import unchanged
from interlock.gates.delete.gate import CarryOut, Gate, Outcome, Proposal, ask
from interlock.names import Digest
from interlock.vault import materialise
from interlock.vault.intake import Lease
from interlock.vault.stores.opened import MAIN
from interlock.vault.stores.protocol import Held


@dataclass(frozen=True, slots=True)
class Prepared:
    """Manifests under the new name that are in the store: by the id of the version they are like."""

    lease: str
    manifests: Mapping[int, tuple[Held, str, Mapping[str, object]]]  # held, its SHA-256, lineage


def rename(gate: Gate, old: str, new: str, reason: str | None = None) -> Outcome:
    """Give a name, or every name in a folder, another. The new ones must never have been in the vault.

    Raises `DeleteRefused` where too many models are affected or one is in use by its name; `VersionNotFound`,
    `VaultError` for a name that is taken, `NameRefused`.
    """
    if "@" in old:
        raise UsageError("a name gets another with all its versions", hint="leave out what follows '@'")
    names.model_name(new.rstrip("/"))

    def propose(rx: Reader, policy: Policy) -> Proposal:
        records = chosen(rx, [old], (VersionState.LIVE,))
        used = uses.uses(rx, records, lineage=False)
        document = {
            "from": old.rstrip("/"),
            "to": new.rstrip("/"),
            "versions": [r.id for r in records],
            **({"uses": {str(id_): words for id_, words in used.items()}} if used else {}),
        }
        models = _affected(rx, document, radius.models(rx, kinds(records)), gate.who, policy)
        document["models"] = sorted(_becomes(document, m) for m in models)  # one model, whatever comes after
        _refuse_taken(rx, {_new(document, r.name) for r in records})
        why = [uses.in_words(records, used)] if used else []
        return Proposal(Action.RENAME, f"{document['from']} to {document['to']}", document, models, why=why)

    with gate.site.catalog.read() as rx:
        policy = policies.get(rx)
        foreseen = propose(rx, policy)
        free = not foreseen.why and radius.over(rx, policy, foreseen.models) is None
    ready = prepare(gate, foreseen.document) if free else None
    return ask(gate, reason, propose, carry_out(ready))


def prepare(gate: Gate, document: Mapping[str, object]) -> Prepared:
    """Take the new names and write the manifests under them. What comes of nothing the collector removes."""
    lease = Lease(gate.site.catalog, f"rename-{uuid.uuid4().hex}")
    with gate.site.catalog.write() as tx:
        until = tx.now + policies.get(tx).retention if gate.stores.main.locks else None
        records = _live(tx, document)
        for name in {r.name for r in records}:
            versions.claim(tx, name, _new(document, name))
    made = {}
    for record in records:
        old = materialise.manifest(gate.stores, record)
        past = [*(old.lineage.get(uses.RENAMED) or ()), record.ref]
        lineage = {**old.lineage, uses.RENAMED: past}
        made[record.id] = replace(old, name=_new(document, record.name), lineage=lineage)
    lease.cover({manifest.key: 0 for manifest in made.values()})
    held = {}
    for id_, manifest in made.items():
        data = manifest.encode()
        held[id_] = (
            gate.stores.main.put(manifest.key, data, until=until),
            Digest.of(data).hex,
            manifest.lineage,
        )
        lease.keep_up()
    return Prepared(lease.id, held)


def carry_out(ready: Prepared | None) -> CarryOut:
    """What `prepare` made ready becomes so; `WorkspaceBusy` where there was nothing to make ready, or too long ago."""

    def carry(tx: Writer, request: RequestRecord, by: str) -> Outcome:
        if ready is None or objects.leased(tx, ready.lease, tx.now) < len(ready.manifests):
            raise WorkspaceBusy(f"{request.subject} changed meanwhile", hint="try again")
        records = versions.get(tx, request.document["versions"])
        known = request.document.get("uses", {})
        going, left_out = unchanged(tx, records, known, lineage=False)
        going = [r for r in going if r.id in ready.manifests]
        made = []
        for record in going:
            held, digest, lineage = ready.manifests[record.id]
            made.append(versions.copy(tx, record, _new(request.document, record.name), digest, lineage))
            objects.pin(tx, MAIN, [(held.key, held.version, held.locked_until)])
        objects.release(tx, ready.lease)
        _tombstones(tx, going, request)
        document = {
            **request.document,
            "made": [r.id for r in made],
            "aliases": _move_aliases(tx, going, request.document),
            "holds": _copy_holds(tx, going, request.document),
        }
        return Outcome(request, len(going), left_out, document)

    return carry


def undo(tx: Writer, request: RequestRecord, who: str) -> Outcome:
    """The old name has its versions, aliases and holds back; those under the new one are tombstones."""
    made = [r for r in versions.get(tx, request.document["made"]) if r.state is VersionState.LIVE]
    old = [r for r in versions.of_requests(tx, [request.id]) if r.state is VersionState.DELETED]
    for name, alias, version in request.document["aliases"]:
        now = aliases.get(tx, _new(request.document, name), alias)
        if now is not None and now.version == version:
            aliases.remove(tx, now.name, alias)
            aliases.put(tx, name, alias, version, who)
    for id_ in request.document["holds"]:
        holds.release(tx, id_, who)
    going, left_out = unchanged(tx, made, {}, lineage=False)
    versions.tombstone(tx, [r.id for r in going], who=who, purge_after=tx.now + policies.get(tx).retention)
    back = versions.revive(tx, [r.id for r in old])
    return Outcome(request, back, left_out)


def _affected(
    rx: Reader, document: Mapping[str, object], models: frozenset[str], who: str, policy: Policy
) -> frozenset[str]:
    """Those of these models that a rename affects: not one of which a file gets its name while it is being made."""
    return frozenset(m for m in models if _moves(document, m) or not radius.is_being_made(rx, m, who, policy))


def _moves(document: Mapping[str, object], model: str) -> bool:
    """Whether a model gets another name, and not just a file in it."""
    return f"{model.rstrip('/')}/".startswith(f"{document['from']}/")


def _becomes(document: Mapping[str, object], model: str) -> str:
    return _new(document, model) if _moves(document, model) else model


def _live(rx: Reader, document: Mapping[str, object]) -> list[VersionRecord]:
    ids = document["versions"]
    assert isinstance(ids, list)
    return [r for r in versions.get(rx, ids) if r.state is VersionState.LIVE]


def _new(document: Mapping[str, object], name: str) -> str:
    """What a name at or under the old one becomes; any other stays."""
    old = str(document["from"])
    return f"{document['to']}{name[len(old) :]}" if _inside(name, old) else name


def _refuse_taken(rx: Reader, wanted: Collection[str]) -> None:
    had = versions.named(rx, list(wanted), tuple(VersionState))
    if had:
        raise VaultError(
            f"{had[0].name} is a name in the vault already", hint="choose another; names are never reused"
        )


def _tombstones(tx: Writer, going: Sequence[VersionRecord], request: RequestRecord) -> None:
    after = tx.now + policies.get(tx).retention
    ids = [r.id for r in going]
    versions.tombstone(tx, ids, who=request.who, purge_after=after, request_id=request.id)


def _move_aliases(
    tx: Writer, going: Sequence[VersionRecord], document: Mapping[str, object]
) -> list[list[object]]:
    at = {(r.name, r.version) for r in going}
    moved: list[list[object]] = []
    for one in [a for a in aliases.list_(tx) if (a.name, a.version) in at]:
        aliases.remove(tx, one.name, one.alias)
        aliases.put(tx, _new(document, one.name), one.alias, one.version, one.who)
        moved.append([one.name, one.alias, one.version])
    return moved


def _copy_holds(tx: Writer, going: Sequence[VersionRecord], document: Mapping[str, object]) -> list[int]:
    """Holds on what goes hold it under its new name too; those on folders above it only where it leaves them."""
    copied = []
    for hold in holds.list_(tx):
        if any(
            uses.holds_it(hold, r) and not uses.holds_it(hold, replace(r, name=_new(document, r.name)))
            for r in going
        ):
            old = str(document["from"])
            name = _new(document, hold.name) if _inside(hold.name, old) else str(document["to"])
            copied.append(holds.add(tx, name, hold.version, hold.kind, hold.who, hold.reason).id)
    return copied


def _inside(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}/")
