"""The workspace of a process that runs MLflow."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock.workspace import Workspace
    from interlock.workspace.vault import Vault


def vault(place: str | None = None) -> Vault:
    """The vault of the workspace at ``place``, else of ``INTERLOCK_WORKSPACE``, else of the current folder.

    It is not made here: `WorkspaceNotFound`.
    """
    return _workspace(place or os.environ.get("INTERLOCK_WORKSPACE") or None, os.getpid()).vault


@functools.lru_cache(maxsize=8)
def _workspace(place: str | None, pid: int) -> Workspace:
    """One a process, for as long as it lives: a connection does not outlive a fork."""
    import interlock

    return interlock.open(place, create=False)
