"""One verification: the ledger's files, what the outbox says, the catalog's rows, and then the vault."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from interlock.errors import UsageError
from interlock.settings import current
from interlock.verify import catalog, facts, guards, log, rows, versions
from interlock.verify.places import opened
from interlock.verify.report import Progress, Report
from interlock.verify.stored import Vault


def verify(where: str | os.PathLike[str], *, data: bool = False, progress: Progress | None = None) -> Report:
    """Verify the workspace at a folder, or at ``postgresql://…?schema=NAME``; nothing is written.

    Everything is there in its size; with ``data`` every file's bytes are read too. Others may be at work
    meanwhile. Raises `WorkspaceNotFound`, `WorkspaceCorrupt`, `DatabaseUnreachable`, and `StorageFailed` or
    `StoreUnreachable` for a store that does not answer.
    """
    place = os.fspath(where)
    report = Report()
    with rows.opened(place) as snapshot:
        known = _known(snapshot)
    folder, files = _folder(place, known)
    found = log.read(
        folder / "ledger", known["id"], report
    )  # before the snapshot, which is so never behind it
    with rows.opened(place) as snapshot:
        shared = files.startswith("s3://")
        said = facts.read(snapshot, known["id"], found, shared=shared, report=report)
        catalog.check(snapshot, said, report)
        vault = Vault(
            main=opened(known.get("vault_main") or f"{files.rstrip('/')}/vault"),
            files=opened(files),
            replica=opened(known["vault_replica"]) if known.get("vault_replica") else None,
        )
        guards.check(snapshot, said, report)
        versions.check(
            snapshot, said, vault, report, data=data, progress=progress, again=lambda: rows.opened(place)
        )
    return report


def _known(snapshot: rows.Rows) -> dict[str, str]:
    return {
        str(key): str(value) for key, value in snapshot.each("SELECT key, value FROM interlock_workspace")
    }


def _folder(place: str, known: dict[str, str]) -> tuple[Path, str]:
    """Where the ledger lies for this machine, and the data files for all."""
    if "://" not in place:
        return Path(place), place
    files = next(
        (p.partition("=")[2] for p in place.partition("?")[2].split("&") if p.startswith("data=")), ""
    )
    files = unquote(files) or known.get("folder", "")
    if not files:
        raise UsageError("nobody says where the files of this workspace are")
    if not files.startswith("s3://"):
        return Path(files), files
    home = current().home or os.path.join(
        os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share"), "interlock"
    )
    return Path(home) / known["id"], files
