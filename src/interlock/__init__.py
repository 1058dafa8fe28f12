"""Interlock: constraints and triggers for features, training runs, models and predictions.

The public names, and nothing else. Each is imported on first use, so that
``import interlock`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.alerts.alert import Alert as Alert
    from interlock.constraints import fresh as fresh
    from interlock.constraints import in_set as in_set
    from interlock.constraints import matches as matches
    from interlock.constraints import not_null as not_null
    from interlock.constraints import references as references
    from interlock.constraints import unique as unique
    from interlock.constraints.constraint import Constraint as Constraint
    from interlock.constraints.constraint import Violation as Violation
    from interlock.engines.notices import show_warnings as show_warnings
    from interlock.errors import HealthWarning as HealthWarning
    from interlock.errors import InterlockError as InterlockError
    from interlock.gates.verdict import Verdict as Verdict
    from interlock.names import Decision as Decision
    from interlock.names import Outcome as Outcome
    from interlock.names import Severity as Severity
    from interlock.profiles.profile import Profile as Profile
    from interlock.workspace import KnownAlert as KnownAlert
    from interlock.workspace import Table as Table
    from interlock.workspace import Workspace as Workspace
    from interlock.workspace import check as check
    from interlock.workspace import open as open
    from interlock.workspace import profile as profile

__version__ = "0.1.0"

_HOME = {
    "Alert": "interlock.alerts.alert",
    "Constraint": "interlock.constraints.constraint",
    "Decision": "interlock.names",
    "HealthWarning": "interlock.errors",
    "InterlockError": "interlock.errors",
    "KnownAlert": "interlock.workspace",
    "Outcome": "interlock.names",
    "Profile": "interlock.profiles.profile",
    "Severity": "interlock.names",
    "Table": "interlock.workspace",
    "Verdict": "interlock.gates.verdict",
    "Violation": "interlock.constraints.constraint",
    "Workspace": "interlock.workspace",
    "check": "interlock.workspace",
    "fresh": "interlock.constraints",
    "in_set": "interlock.constraints",
    "matches": "interlock.constraints",
    "not_null": "interlock.constraints",
    "open": "interlock.workspace",
    "profile": "interlock.workspace",
    "references": "interlock.constraints",
    "show_warnings": "interlock.engines.notices",
    "unique": "interlock.constraints",
}

__all__ = [
    "Alert",
    "Constraint",
    "Decision",
    "HealthWarning",
    "InterlockError",
    "KnownAlert",
    "Outcome",
    "Profile",
    "Severity",
    "Table",
    "Verdict",
    "Violation",
    "Workspace",
    "__version__",
    "check",
    "fresh",
    "in_set",
    "matches",
    "not_null",
    "open",
    "profile",
    "references",
    "show_warnings",
    "unique",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'interlock' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
