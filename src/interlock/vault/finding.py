"""What is there to be adopted: which files become which version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.catalog import Catalog
from interlock.catalog.s3 import is_s3
from interlock.errors import DataNotFound, DataUnreadable, InterlockError, UsageError, nearest
from interlock.names import file_path, model_name
from interlock.vault.originals import Local, Original, Remote, bucket_at
from interlock.vault.sources import sources
from interlock.vault.stores.opened import SPOOL

if TYPE_CHECKING:
    from interlock.vault.stores.s3 import S3Store


class Each(StrEnum):
    """What becomes a model of its own."""

    FOLDER = "folder"  # whatever lies directly in the folder: a folder with all that is in it, or a file
    FILE = "file"  # every file, however deep
    ALL = "all"  # the folder as a whole


def each(text: str) -> Each:
    """`UsageError` for a word that means none."""
    try:
        return Each(text)
    except ValueError:
        known = [one.value for one in Each]
        hint = nearest(text, known) or f"one of {', '.join(known)}"
        raise UsageError(f"each={text!r} means nothing", hint=hint) from None


@dataclass(frozen=True, slots=True)
class Found:
    """Files that become a version of ``name``, by their paths in it; ``problem`` says why they cannot."""

    name: str
    files: dict[str, Original] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """A folder of this machine. Nothing of ``spared``, the workspace itself, is adopted."""

    folder: Path
    spared: Path
    locks: bool = False

    @property
    def said(self) -> str:
        return str(self.folder)

    def found(self, prefix: str | None, each: Each) -> Iterator[Found]:
        """What lies in it, by name; ``prefix`` begins the names, its own where it is None.

        Hidden files and folders directly in it are left alone. One that cannot be adopted does not keep
        others from it. Raises `DataNotFound`, `DataUnreadable`, `UsageError` for the folder itself.
        """
        _refuse(self.folder, self.spared)
        begins = self.folder.name if prefix is None else prefix.strip("/")
        if each is Each.ALL:
            yield _found(begins, self.folder, self.spared)
            return
        for entry in _entries(self.folder):
            if entry.resolve() == self.spared.resolve():
                continue
            name = f"{begins}/{entry.name}".lstrip("/")
            whole = _found(name, entry, self.spared)
            if each is Each.FOLDER or whole.problem is not None or not entry.is_dir():
                yield whole
            else:
                for path, file in whole.files.items():
                    yield _found(f"{name}/{path}", Path(str(file)), self.spared)


@dataclass(frozen=True, slots=True)
class There:
    """Objects of a bucket. ``query`` is that of the store's address: how they are reached again."""

    store: S3Store
    query: str

    @property
    def said(self) -> str:
        return self.store.where

    @property
    def locks(self) -> bool:
        return self.store.locks

    def found(self, prefix: str | None, each: Each) -> Iterator[Found]:
        """As of a folder. Raises what the store raises."""
        begins = self.said.rpartition("/")[2] if prefix is None else prefix.strip("/")
        groups: dict[str, dict[str, Original]] = {}
        for held in self.store.list():
            name, path = _parted(held.key, begins, each)
            if not held.key.startswith(".") and not held.key.endswith("/"):
                groups.setdefault(name, {})[path] = Remote(self.store, self.query, held)
        if not groups:
            raise DataNotFound(f"there is nothing in {self.said}")
        for name, files in sorted(groups.items()):
            try:
                named = {file_path(path): original for path, original in files.items()}
                yield Found(model_name(name), named)
            except InterlockError as error:
                yield Found(name, problem=str(error))


def place(source: str | os.PathLike[str], catalog: Catalog) -> Here | There:
    """A folder, or ``s3://BUCKET/PREFIX?…``. `UsageError`, and what the store raises."""
    address = os.fspath(source)
    if not is_s3(address):
        return Here(Path(os.path.abspath(address)), catalog.folder)
    _, mark, query = address.partition("?")
    return There(bucket_at(address, catalog.folder / SPOOL), f"{mark}{query}")


def _refuse(folder: Path, spared: Path) -> None:
    try:
        if not folder.is_dir():
            raise DataNotFound(
                f"{folder} is no folder", hint="`interlock vault put NAME FILE` keeps one file"
            )
        ours = _within(spared, folder) or folder.samefile(spared)
    except OSError as error:
        raise DataUnreadable(f"{folder}: {error.strerror}") from error
    if ours:
        raise UsageError(f"{folder} belongs to the workspace", hint="name the folder that holds the models")


def _parted(key: str, prefix: str, each: Each) -> tuple[str, str]:
    """The name an object's version has, and its path in it."""
    if each is Each.ALL:
        return prefix, key
    head, slash, rest = key.rpartition("/") if each is Each.FILE else key.partition("/")
    name = key if each is Each.FILE else head
    return f"{prefix}/{name}".lstrip("/"), rest if slash else head or rest


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataUnreadable(f"{folder}: {error.strerror}") from error


def _found(name: str, path: Path, spared: Path) -> Found:
    try:
        if path.is_dir() and _within(path, spared):
            raise UsageError(f"{path} holds the workspace itself")
        files = {inside: Local(Path(str(file))) for inside, file in sources(path).items()}
        return Found(model_name(name), {**files})
    except InterlockError as error:
        return Found(name, problem=str(error))
    except OSError as error:
        return Found(name, problem=f"{path}: {error.strerror}")


def _within(folder: Path, path: Path) -> bool:
    """Whether ``path`` lies somewhere in ``folder``."""
    return os.path.realpath(path).startswith(f"{os.path.realpath(folder)}{os.sep}")
