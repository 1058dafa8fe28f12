"""The workspace: composes every layer below it; the only place that wires parts together."""

from interlock.workspace.adhoc import check, profile
from interlock.workspace.table import Table
from interlock.workspace.workspace import Workspace, open

__all__ = ["Table", "Workspace", "check", "open", "profile"]
