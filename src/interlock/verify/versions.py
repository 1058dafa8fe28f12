"""The vault's rows: every version is as the ledger says, none came to its end by one person, no number comes twice."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Mapping
from typing import Any

from interlock.verify.facts import CATALOG, Approval, Facts
from interlock.verify.report import Progress, Report
from interlock.verify.rows import Rows
from interlock.verify.stored import READABLE, Again, Vault, Version, look_at


def check(
    rows: Rows,
    facts: Facts,
    vault: Vault,
    report: Report,
    *,
    data: bool,
    progress: Progress | None,
    again: Again,
) -> None:
    """Compare rows with the ledger, and what they stand for with the stores. ``again`` opens a later snapshot."""
    all_ = [Version(*row) for row in rows.each(_ROWS)]
    _rows(all_, facts, report)
    _purged(rows, facts, {v.id: v for v in all_}, report)
    _deleted(rows, facts, report)
    _names(rows, facts, all_, report)
    _leftovers(rows, all_, vault, report)
    readable = [v for v in all_ if v.state in READABLE]
    report.versions = len(readable)
    look_at(rows, readable, vault, report, data=data, progress=progress, again=again)


_ROWS = (
    "SELECT id, name, version, state, manifest, size_bytes, files, purge_after"
    " FROM interlock_vault_version ORDER BY id"
)


# --- the catalog and the ledger -----------------------------------------------------------


def _rows(all_: list[Version], facts: Facts, report: Report) -> None:
    left = dict(facts.versions)
    for v in all_:
        said = left.pop(v.id, None)
        if v.state == "staged":
            if said is not None:
                report.problem(CATALOG, f"is staged; the ledger has it {said[2]}", v.ref)
        elif said is None:
            report.problem(CATALOG, f"is {v.state}, which no entry says", v.ref)
        elif said != (now := (v.name, v.number, v.state, v.manifest, v.purge_after)):
            pairs = zip(("name", "version", "state", "manifest", "purge_after"), said, now, strict=True)
            differs = ", ".join(f"{what} is {is_}, not {was}" for what, was, is_ in pairs if was != is_)
            report.problem(CATALOG, f"differs from its entry: {differs}", v.ref)
    for name, number, state, *_ in left.values():
        report.problem(CATALOG, f"is gone; the ledger has it {state}", f"{name}@v{number}")


def _purged(rows: Rows, facts: Facts, by_id: Mapping[int, Version], report: Report) -> None:
    """Nothing came to its end without a second person or, unless rows were erased, before its time."""
    sql = "SELECT id, document, state, decided_by FROM interlock_vault_request WHERE action = 'purge'"
    requests = {f"D{id_}": (json.loads(document), state, by) for id_, document, state, by in rows.each(sql)}
    for id_, at in facts.purged.items():
        ref = by_id[id_].ref if id_ in by_id else f"version {id_}"
        approvals = facts.approvals.get(at, [])
        second = [a for a in approvals if a.who != facts.requested.get(a.request, a.who)]
        if not second:
            report.problem(CATALOG, "was purged without a second person's approval", ref)
        for approval in second:
            if (what := _other_than_said(approval, requests, id_)) is not None:
                report.problem(CATALOG, what, ref)
        due = facts.kept_until.get(id_) if all(a.request in requests for a in second) else None
        if due is not None and dt.datetime.fromisoformat(at) < dt.datetime.fromisoformat(due):
            report.problem(CATALOG, f"was purged before its retention was over, on {due[:10]}", ref)


def _deleted(rows: Rows, facts: Facts, report: Report) -> None:
    """A tombstone says when, by whom, and until when it can be restored."""
    sql = "SELECT id, name, version, deleted_at, deleted_by, purge_after FROM interlock_vault_version"
    for id_, name, number, at, by, until in rows.each(f"{sql} WHERE state = 'deleted'"):
        if at is None or by is None or until is None:
            report.problem(
                CATALOG, "is deleted, and nobody says when, by whom, or until when", f"{name}@v{number}"
            )
        elif at != facts.deleted.get(id_, at):
            report.problem(CATALOG, f"was deleted at {facts.deleted[id_]}, not {at}", f"{name}@v{number}")


def _other_than_said(
    approval: Approval, requests: Mapping[str, tuple[Mapping[str, Any], str, str | None]], id_: int
) -> str | None:
    """What does not hold about the row of a request that ended a version."""
    if approval.request not in requests:
        return None  # another way to its end: an erasure
    document, state, by = requests[approval.request]
    if (state, by) != ("approved", approval.who):
        return f"{approval.request}, which ended it, is {state} by {by}; the ledger has it approved by {approval.who}"
    return (
        None
        if id_ in document.get("versions", ())
        else f"{approval.request}, which ended it, does not list it"
    )


def _names(rows: Rows, facts: Facts, all_: list[Version], report: Report) -> None:
    highest: dict[str, int] = {}
    for name, number in itertools.chain(((v.name, v.number) for v in all_), facts.numbers):
        highest[name] = max(number, highest.get(name, 0))
    known = _pairs(rows, "SELECT name, next_version FROM interlock_vault_name")
    for name, number in highest.items():
        if known.get(name, 0) <= number:
            report.problem(CATALOG, f"v{number} would be given again", name)
    states = {(v.name, v.number): v.state for v in all_}
    for name, alias, number in rows.each("SELECT name, alias, version FROM interlock_vault_alias"):
        state = states.get((name, number))
        if state not in READABLE:
            what = f"which is {state}" if state else "which is not there"
            report.problem(CATALOG, f"stands for v{number}, {what}", f"{name}@{alias}")


def _leftovers(rows: Rows, all_: list[Version], vault: Vault, report: Report) -> None:
    """What is on its way, or was left by somebody who died: no damage, unless something needs it."""
    going = (
        "SELECT DISTINCT u.key FROM interlock_vault_use u JOIN interlock_vault_object o ON o.key = u.key"
        " JOIN interlock_vault_version v ON v.id = u.version_id"
        " WHERE o.state = 'deleting' AND v.state IN ('live', 'deleted')"
    )
    for (key,) in rows.each(going):
        report.problem(key, "is being removed, and a version needs it")
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    counts = {
        "{} leases are over": ("SELECT count(*) FROM interlock_vault_lease WHERE expires_at <= ?", now),
        "{} objects are being removed": (
            "SELECT count(*) FROM interlock_vault_object WHERE state = 'deleting'",
        ),
    }
    for what, (sql, *given) in counts.items():
        report.note(next(rows.each(sql, *given))[0], what)
    staged = sum(v.state == "staged" for v in all_)
    report.note(staged, "{} versions are being put, or were left by a put that died")
    report.note(vault.main.temporary(), "{} temporary files lie in the main store")


def _pairs(rows: Rows, sql: str) -> dict[Any, Any]:
    return {key: value for key, value in rows.each(sql)}  # noqa: C416  # mypy cannot tell that rows are pairs
