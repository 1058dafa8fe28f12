"""What the entries of the outbox say, in the order they were committed, and whether each is the ledger's.

Of everything that may change, the last that was said is what the catalog must hold.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.verify.log import Log, leaf_of
from interlock.verify.report import Report
from interlock.verify.rows import Rows

CATALOG = "catalog"
_NEXT = {
    None: {"live"},
    "live": {"live", "deleted"},
    "deleted": {"deleted", "live", "purged"},
    "purged": {"purged"},
}


@dataclass(frozen=True, slots=True)
class Approval:
    """A request that passed the delete gate because somebody else let it."""

    request: str
    who: str


@dataclass(slots=True)
class Facts:
    """Last facts by id, and what else entries vouch for. Moments are the text of the entry."""

    versions: dict[int, tuple[str, int, str, str | None, str | None]] = field(default_factory=dict)
    kept_until: dict[int, str | None] = field(default_factory=dict)  # id → purge_after as a tombstone
    guards: dict[tuple[str, str], Any] = field(default_factory=dict)  # (which, of what) → what it says
    numbers: dict[tuple[str, int], int] = field(default_factory=dict)  # (name, number) → id
    deleted: dict[int, str] = field(default_factory=dict)  # id → at
    purged: dict[int, str] = field(default_factory=dict)
    approvals: dict[str, list[Approval]] = field(default_factory=dict)  # at → those of its transaction
    requested: dict[str, str] = field(default_factory=dict)  # request → who
    partitions: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    verdicts: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    accepts: list[tuple[Any, ...]] = field(default_factory=list)
    alerts: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)  # of verdicts' entries


def read(rows: Rows, workspace: str, log: Log, *, shared: bool, report: Report) -> Facts:
    """Read the outbox. ``shared``: this machine's ledger may be behind it."""
    facts = Facts()
    count = placed = 0
    sql = "SELECT id, kind, at, entry, digest, ledger_index FROM interlock_outbox ORDER BY id"
    for index, (id_, kind, at, entry, digest, ledger_index) in enumerate(rows.each(sql)):
        count += 1
        placed += ledger_index is not None
        if ledger_index not in (None, index):
            report.problem(CATALOG, f"outbox row {id_} claims place {ledger_index}, and is entry {index}")
        if index < log.size and log.leaf(index) not in (leaf_of(entry), bytes(32)):
            report.problem(CATALOG, f"outbox row {id_} is not entry {index} of the ledger")
        value = _value(entry)
        if value is None or hashlib.sha256(entry).hexdigest() != digest:
            report.problem(CATALOG, f"outbox row {id_} is no entry, or not that of its digest")
        elif (value.get("kind"), value.get("at"), value.get("workspace")) != (kind, at, workspace):
            report.problem(CATALOG, f"outbox row {id_} is another entry than it says")
        else:
            try:
                _note(facts, value, digest, report)
            except (KeyError, TypeError, ValueError):
                report.problem(CATALOG, f"outbox row {id_} lacks what an entry of its kind says")
    if log.size > count:
        report.problem(
            CATALOG, f"the ledger has {log.size:,} entries, the outbox {count:,}: rows were removed"
        )
    if log.size < placed and not shared:
        report.problem("checkpoint", f"speaks of {log.size:,} entries; {placed:,} had been written")
    report.note(max(0, count - log.size), "{} entries are not in the ledger's files yet")
    return facts


def _value(entry: bytes) -> dict[str, Any] | None:
    """An entry's JSON; None where it is none, or says one thing twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice")
        return found

    try:
        value = json.loads(entry, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None
    return plain(value) if isinstance(value, dict) else None


def plain(value: Any) -> Any:
    """JSON without the tags of the canonical form: ``$$x`` is ``$x``, ``$int:…`` a number."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    if value.startswith("$int:"):
        return int(value[5:])
    return float(value[7:]) if value.startswith("$float:") else value[1:]


def _note(facts: Facts, value: Mapping[str, Any], digest: str, report: Report) -> None:
    at = value["at"]
    for fact in value.get("partitions") or ():
        facts.partitions[fact["id"]] = fact
    if value["kind"] == "versions":
        for fact in value["versions"]:
            _version(facts, fact, at, report)
    elif value["kind"] == "guards":
        facts.guards |= {(fact["guard"], fact["of"]): fact["says"] for fact in value["guards"]}
    elif value["kind"] == "vault":
        _vault(facts, value, at)
    elif value["kind"] == "verdict":
        facts.digests.add(digest)
        judged = dt.datetime.fromisoformat(value["judged_at"])
        said = tuple(value[k] for k in ("table", "partition", "gate", "outcome", "decision", "document"))
        facts.verdicts[value["verdict"]] = (*said, judged, digest)
    elif value["kind"] == "accept":
        facts.accepts.append(tuple(value[k] for k in ("table", "since", "reason", "who")))
    elif value["kind"] == "alert":
        keys = ("table", "who", "reason", "feedback", "quiet_until")
        facts.alerts[value["alert"]] = tuple(value[k] for k in keys)


def _version(facts: Facts, fact: Mapping[str, Any], at: str, report: Report) -> None:
    id_, name, number, state, manifest = (fact[k] for k in ("id", "name", "version", "state", "manifest"))
    ref = f"{name}@v{number}"
    before = facts.versions.get(id_)
    if state not in _NEXT.get(before[2] if before else None, ()):
        report.problem(CATALOG, f"the ledger has it {state} after {before[2] if before else 'nothing'}", ref)
    if before is not None and (before[0], before[1], before[3]) != (name, number, manifest):
        report.problem(CATALOG, "the ledger has another name, number or manifest of it", ref)
    if facts.numbers.setdefault((name, number), id_) != id_:
        report.problem(CATALOG, "this number was given twice", ref)
    if before is None or before[2] != state:
        since = {"deleted": facts.deleted, "purged": facts.purged}.get(state, {})
        since[id_] = at
    if state == "deleted":
        facts.kept_until[id_] = fact.get("purge_after")
    facts.versions[id_] = (name, number, state, manifest, fact.get("purge_after"))


def _vault(facts: Facts, value: Mapping[str, Any], at: str) -> None:
    request = value.get("request")
    if request is None:
        return
    if value["action"] == "approve" and value.get("state") == "approved":
        facts.approvals.setdefault(at, []).append(Approval(request, value["who"]))
    elif value.get("state") == "pending":
        facts.requested.setdefault(request, value["who"])
