"""What protects versions beside their state: aliases, holds, second keys and the policy are as the ledger says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from interlock.verify.facts import CATALOG, Facts
from interlock.verify.report import Report
from interlock.verify.rows import Rows

_POLICY = "vault_policy"


def check(rows: Rows, facts: Facts, report: Report) -> None:
    """Compare each with the last that was said of it."""
    now = dict(_rows(rows))
    for guard, of in sorted(facts.guards.keys() | now.keys()):
        said, is_ = facts.guards.get((guard, of)), now.get((guard, of))
        if said != is_:
            subject = "the policy" if of == _POLICY else f"{guard} {of}"
            report.problem(CATALOG, _differs(said, is_), subject)


def _rows(rows: Rows) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, alias, version in rows.each("SELECT name, alias, version FROM interlock_vault_alias"):
        yield ("alias", f"{name}@{alias}"), {"version": version}
    for id_, name, version, kind, released_at in rows.each(
        "SELECT id, name, version, kind, released_at FROM interlock_vault_hold"
    ):
        says = {"name": name, "version": version, "kind": kind, "released": released_at is not None}
        yield ("hold", str(id_)), says
    for name, digest, who, retired_at in rows.each(
        "SELECT name, digest, who, retired_at FROM interlock_vault_key"
    ):
        yield ("key", name), {"digest": digest, "who": who, "retired": retired_at is not None}
    for key, value in rows.each("SELECT key, value FROM interlock_workspace WHERE key = ?", _POLICY):
        yield ("policy", key), _json(value)


def _differs(said: Any, is_: Any) -> str:
    if is_ is None:
        return "is gone"
    if said is None:
        return "is in no entry"
    if not (isinstance(said, dict) and isinstance(is_, dict)):
        return "is not what its entry says"
    keys = sorted(key for key in said.keys() | is_.keys() if said.get(key) != is_.get(key))
    return ", ".join(f"{key} is {is_.get(key)}, not {said.get(key)}" for key in keys)


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
