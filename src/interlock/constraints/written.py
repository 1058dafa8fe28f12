"""From a contract's values to what is written in its file; what is as it would be anyway is left out."""

from __future__ import annotations

from typing import Any

from interlock.constraints.constraint import Constraint
from interlock.constraints.mass_change import document as mass_change_document
from interlock.constraints.parse import span_text
from interlock.constraints.table_contract import (
    AlertPolicy,
    MassChange,
    Repair,
    Slo,
    TableContract,
    Trigger,
    notices,
)
from interlock.names import Severity

_KEYS = (
    *("partition", "key", "owner", "sensitive", "segments"),
    *("attach", "postgres", "source", "allow_samples", "enforce", "sensitivity", "on_violation", "at_commit"),
)


def table_document(
    table: TableContract, notify: tuple[str, ...], mass_change: MassChange | None = None
) -> dict[str, Any]:
    """What is said of a table, without what is so for all of them: ``notify`` and ``mass_change``."""
    empty = TableContract()
    document: dict[str, Any] = {}
    for name in _KEYS:
        value = getattr(table, name)
        if value != getattr(empty, name):
            document[name] = list(value) if isinstance(value, tuple) else value
    if table.slo is not None:
        document["slo"] = _slo_document(table.slo)
    if table.constraints:
        document["constraints"] = [constraint_document(c) for c in table.constraints]
    everywhere = notices(notify)
    triggers = [_trigger_document(t) for t in table.triggers if t not in everywhere]
    if triggers:
        document["triggers"] = triggers
    if table.alerts != empty.alerts:
        document["alerts"] = _policy_document(table.alerts)
    if table.mass_change != mass_change:
        document["mass_change"] = mass_change_document(table.mass_change)
    return document


def _slo_document(promised: Slo) -> dict[str, Any]:
    document: dict[str, Any] = {"healthy": promised.healthy, "window": f"{promised.window_days}d"}
    if promised.fresh is not None:
        document |= {"fresh": f"{promised.fresh:%H:%M}", "zone": promised.zone}
    return document


def _policy_document(policy: AlertPolicy) -> dict[str, Any]:
    said = {
        "budget": policy.budget,
        "quiet": str(policy.quiet) if policy.quiet is not None else None,
        "cooldown": span_text(policy.cooldown) if policy.cooldown is not None else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def constraint_document(constraint: Constraint) -> dict[str, Any]:
    """One entry of ``constraints``: its SQL and name, and what differs from the defaults."""
    document: dict[str, Any] = {"sql": constraint.sql, "name": constraint.name}
    if constraint.tolerance:
        document["tolerance"] = constraint.tolerance
    if constraint.severity is not Severity.PAGE:
        document["severity"] = constraint.severity.value
    if not constraint.block:
        document["block"] = False
    return document


def _trigger_document(trigger: Trigger) -> dict[str, Any]:
    target: Any = trigger.target
    if isinstance(target, Repair):
        target = {"constraint": target.constraint, "action": target.action}
    document = {"on": trigger.on, trigger.action: list(target) if isinstance(target, tuple) else target}
    if trigger.attempts is not None:
        document["attempts"] = trigger.attempts
    if trigger.timeout_s is not None:
        document["timeout_s"] = trigger.timeout_s
    return document
