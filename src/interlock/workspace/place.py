"""Which folder is meant: finding the workspace and its contract file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from interlock import durable
from interlock.errors import UsageError, WorkspaceNotFound

FOLDER = ".interlock"
CATALOG = "catalog.sqlite"
CONTRACT = "interlock.yaml"


@dataclass(frozen=True, slots=True)
class Place:
    """The workspace ``folder``, and the ``contract`` file if there is one."""

    folder: Path
    contract: Path | None

    @property
    def exists(self) -> bool:
        return (self.folder / CATALOG).is_file()

    @property
    def contract_path(self) -> Path:
        """Where the contract file is, or would be: beside an ``.interlock`` folder, else in the workspace."""
        beside = self.folder.parent if self.folder.name == FOLDER else self.folder
        return self.contract or beside / CONTRACT


def find(path: str | os.PathLike[str] | None) -> Place:
    """What ``path`` means.

    None is the current folder's project. A folder that holds ``catalog.sqlite``
    is a workspace; one that holds an ``.interlock`` folder, an
    ``interlock.yaml`` or other files is a project, its workspace is the
    ``.interlock`` in it; anything else becomes a workspace itself. A path to
    an ``interlock.yaml`` means the project around it.
    """
    if path is not None and "://" in os.fspath(path):
        raise UsageError(
            f"{os.fspath(path)!r}: workspaces live in a local folder", hint="give the folder's path"
        )
    given = Path(os.path.abspath(os.fspath(path) if path is not None else "."))
    with durable.refusals(given):
        return _find(given, project=path is None)


def _find(given: Path, *, project: bool) -> Place:
    if given.is_file():
        if given.suffix not in (".yaml", ".yml"):
            raise UsageError(
                f"{given} is a file, not a workspace folder", hint="give a folder, or an interlock.yaml"
            )
        return Place(given.parent / FOLDER, given)
    # Before the look for the catalog, which is the first file of a workspace another process makes meanwhile.
    project = project or (given.is_dir() and any(given.iterdir()))
    if (given / CATALOG).is_file() or given.name == FOLDER:
        return Place(given, _contract(given) or _contract(given.parent, given.name == FOLDER))
    return Place(given / FOLDER if project else given, _contract(given))


def existing(path: str | os.PathLike[str] | None) -> Place:
    """`find`, or `WorkspaceNotFound` where there is no workspace yet."""
    place = find(path)
    if not place.exists and place.contract is None:
        raise WorkspaceNotFound(f"no workspace in {place.folder}", hint="`interlock init` makes one")
    return place


def _contract(folder: Path, wanted: bool = True) -> Path | None:
    file = folder / CONTRACT
    return file if wanted and file.is_file() else None
