"""Which folder or database is meant: finding the workspace and its contract file."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from interlock import durable
from interlock.catalog import Catalog, home
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

    def catalog(self, *, create: bool) -> Catalog:
        """The workspace's catalog; made where there is none, which `existing` refuses unless a contract asks for it."""
        return Catalog.open(self.folder) if self.exists else Catalog.create(self.folder)

    def of(self, catalog: Catalog) -> Self:
        """The same, now that its catalog is open."""
        return self


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """A workspace in the database at ``address``, with its files where ``data`` says if it is given.

    Its contract is the current folder's, else the one in its folder.
    """

    address: str
    data: str | os.PathLike[str] | None
    contract: Path | None
    folder: Path | None = None

    @property
    def contract_path(self) -> Path:
        """As for `Place`; known once the catalog is open."""
        assert self.folder is not None
        return self.contract or self.folder / CONTRACT

    def catalog(self, *, create: bool) -> Catalog:
        """The workspace's catalog; made where there is none if ``create``."""
        opened = Catalog.create if create else Catalog.open
        return opened(self.address, self.data)

    def of(self, catalog: Catalog) -> Self:
        """As for `Place`."""
        return replace(self, folder=catalog.folder, contract=self.contract or _contract(catalog.folder))


def find(
    path: str | os.PathLike[str] | None, data: str | os.PathLike[str] | None = None
) -> Place | SharedPlace:
    """What ``path`` means.

    None is the current folder's project. A folder that holds ``catalog.sqlite``
    is a workspace; one that holds an ``.interlock`` folder, an
    ``interlock.yaml`` or other files is a project, its workspace is the
    ``.interlock`` in it; anything else becomes a workspace itself. A path to
    an ``interlock.yaml`` means the project around it. ``postgresql://…`` is a
    workspace in a database, whose files lie in ``data``: a folder, or ``s3://…``.
    """
    if path is not None and "://" in os.fspath(path):
        return SharedPlace(os.fspath(path), data, _contract(Path.cwd()))
    if data is not None:
        raise UsageError(
            "a workspace in a folder has its files there too", hint="data= goes with postgresql://…"
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
    if (given / home.MARK).is_file():
        raise UsageError(
            f"{given} holds the files of a workspace whose catalog is in a database",
            hint="open it by its address: postgresql://USER@HOST/DATABASE?schema=NAME",
        )
    # Before the look for the catalog, which is the first file of a workspace another process makes meanwhile.
    project = project or (given.is_dir() and any(given.iterdir()))
    if (given / CATALOG).is_file() or given.name == FOLDER:
        return Place(given, _contract(given) or _contract(given.parent, given.name == FOLDER))
    return Place(given / FOLDER if project else given, _contract(given))


def existing(
    path: str | os.PathLike[str] | None, data: str | os.PathLike[str] | None = None
) -> Place | SharedPlace:
    """`find`, or `WorkspaceNotFound` where there is no workspace yet."""
    place = find(path, data)
    if isinstance(place, Place) and not place.exists and place.contract is None:
        raise WorkspaceNotFound(f"no workspace in {place.folder}", hint="`interlock init` makes one")
    return place


def _contract(folder: Path, wanted: bool = True) -> Path | None:
    file = folder / CONTRACT
    return file if wanted and file.is_file() else None
