"""The workspace: composes every layer below it; the only place that wires parts together.

Imported on first use: `check` and `profile` need no catalog, so they don't wait for one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.workspace.adhoc import check as check
    from interlock.workspace.adhoc import profile as profile
    from interlock.workspace.alerts import KnownAlert as KnownAlert
    from interlock.workspace.table import Table as Table
    from interlock.workspace.workspace import Workspace as Workspace
    from interlock.workspace.workspace import open as open

_HOME = {
    "KnownAlert": "alerts",
    "Table": "table",
    "Workspace": "workspace",
    "check": "adhoc",
    "open": "workspace",
    "profile": "adhoc",
}

__all__ = ["KnownAlert", "Table", "Workspace", "check", "open", "profile"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
