"""The folder of a workspace whose catalog lies elsewhere: made once, known again on every machine.

A file in it names the workspace. So a disk that is not mounted, and a folder of
another workspace, are noticed before anything is written there. Where the data
files are on S3 each machine has a folder of its own for the rest.
"""

from __future__ import annotations

import os
from pathlib import Path

from interlock import durable, settings
from interlock.errors import FolderMissing, UsageError

MARK = ".interlock-workspace"
_OURS = ("catalog.sqlite", "data", "ledger", "quarantine", "staging")


def claim(folder: Path, workspace: str) -> None:
    """Make the folder of a new workspace. `UsageError` where another workspace's files lie in it.

    A mark with nothing beside it is what is left of a making that was cut off.
    """
    durable.make_folder(folder)
    with durable.refusals(folder):
        taken = sorted(set(os.listdir(folder)) & set(_OURS))
    if taken:
        raise UsageError(
            f"{folder} holds {', '.join(taken)} of another workspace",
            hint="give each workspace its own folder",
        )
    durable.write(folder / MARK, f"{workspace}\n".encode())


def found(stored: str, given: Path | None, workspace: str) -> Path:
    """Where this machine finds the folder: ``given``, else as ``stored``. `FolderMissing` where it does not."""
    folder = given if given is not None else Path(stored)
    hint = f"mount it; its files lie in {stored} where it was made; elsewhere give data="
    try:
        mark = (folder / MARK).read_text("utf-8").strip()
    except FileNotFoundError:
        what = f"{folder} holds no files of this workspace" if folder.is_dir() else f"there is no {folder}"
        raise FolderMissing(f"{what} on this machine", hint=hint) from None
    except OSError as error:
        raise durable.storage_failed(error, folder) from error
    if mark != workspace:
        raise FolderMissing(f"{folder} holds the files of another workspace", hint=hint)
    return folder


def of_machine(workspace: str) -> Path:
    """This machine's own folder for a workspace whose files are on S3; made if need be."""
    given = settings.current().home
    try:
        above = Path(given or os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    except RuntimeError:  # no HOME, and nobody of this number among the users
        raise UsageError(
            "there is no home folder for what this machine keeps", hint="set INTERLOCK_HOME"
        ) from None
    folder = Path(os.path.abspath(above if given else above / "interlock")) / workspace
    durable.make_folder(folder)
    return folder
