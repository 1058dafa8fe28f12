"""The end of what was erased: let pass by a second person, carried out by the collector."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.catalog import PartitionRecord, Reader, State, Writer, outbox, partitions, profiles
from interlock.catalog.vault import holds, marks, requests, versions
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault.records import (
    READABLE,
    Action,
    HoldKind,
    RequestRecord,
    RequestState,
    VersionRecord,
    VersionState,
)
from interlock.errors import DeleteRefused
from interlock.gates.delete import uses
from interlock.gates.delete.gate import ENTRY, Gate, Outcome
from interlock.vault import layout, snapshots

GONE = "gone"  # in a request's document: nothing of it is left
LEFT = "left"  # in it: what could not be removed yet, and why
TABLES = (
    "interlock_profile",
    "interlock_verdict",
    "interlock_alert",
    "interlock_alert_part",
    "interlock_trigger_run",
    "ducklake_file_column_stats",
    "ducklake_table_column_stats",
)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """From here on nobody can read what an erasure left behind; `sweep` removes it. `DeleteRefused`."""
    records = versions.get(tx, request.document["versions"])
    olds = partitions.get_all(tx, request.document["partitions"])
    why = _in_the_way(tx, records, olds)
    if why:
        raise DeleteRefused(f"{request.ref} cannot be carried out: {'; '.join(why)}")
    ids = [r.id for r in records]
    # The law beats retention; whoever verifies sees that this one was over.
    versions.change(tx, ids, VersionState.DELETED, VersionState.PURGED, purge_after=tx.now)
    marks.forget_uses(tx, ids)
    dropped = [p.id for p in olds if p.id is not None and p.state is not State.RELEASED]
    released = [p.id for p in olds if p.id is not None and p.state is State.RELEASED]
    partitions.move(tx, dropped, State.DROPPED)
    partitions.move(tx, released, State.RELEASED, path=None)
    profiles.forget(tx, [*dropped, *released])
    # A second store may have copies, under their digests: they need not wait for the grace.
    keys = [layout.object_key((p.digest or "").rpartition(":")[2]) for p in olds if p.digest]
    marks.backdate(tx, keys, tx.now - policies.get(tx).grace)
    document = {**request.document, "files": [p.path for p in olds if p.path]}
    return Outcome(request, len(records), (), document)


def _in_the_way(tx: Writer, records: Sequence[VersionRecord], olds: Sequence[PartitionRecord]) -> list[str]:
    """In words, why what was looked at then may not go now."""
    legal = [hold for hold in holds.list_(tx) if hold.kind is HoldKind.LEGAL]
    why = [f"{r.ref} is under {hold}" for r in records for hold in legal if uses.holds_it(hold, r)]
    why += [f"{r.ref} was restored" for r in records if r.state is VersionState.LIVE]
    known = {r.id for r in records}
    new = set(snapshots.pinning(tx, [p.path or "" for p in olds])) - known
    others = [r for r in versions.get(tx, sorted(new)) if r.state in READABLE]
    return why + [f"{r.ref} was made of it since; ask for the erasure again" for r in others]


def sweep(gate: Gate) -> tuple[int, int]:
    """Remove the files of approved erasures and what the catalog's own pages hold; how many went, and are left."""
    with gate.site.catalog.read() as rx:
        waiting = _approved(rx)
    removed = left = 0
    for request in waiting:
        paths = list(request.document.get("files", ()))
        there = gate.site.files.sizes(paths)
        stays = gate.site.files.wipe(paths)
        gate.site.memory(request.subject).unlink(missing_ok=True)
        if not gate.site.catalog.database.compact(TABLES):
            stays["catalog"] = "somebody reads it; run it again"
        with gate.site.catalog.write() as tx:
            document = {**request.document, LEFT: stays, GONE: not stays}
            requests.note(tx, request.id, document)
            said = {"action": "erase", "state": "removed", "request": request.ref, "table": request.subject}
            went = len(there.keys() - stays.keys())
            outbox.append(tx, ENTRY, {**said, "who": gate.who, "files": went, "left": len(stays)})
        removed, left = removed + went, left + len(stays)
    return removed, left


def _approved(rx: Reader) -> list[RequestRecord]:
    """Erasures that a second person let pass, and of which something may be left."""
    known = requests.list_(rx, states=[RequestState.APPROVED], actions=[Action.ERASE])
    return [r for r in known if not r.document.get(GONE)]
