"""What is there to be adopted: which files become which version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from interlock.errors import DataNotFound, DataUnreadable, InterlockError, UsageError, nearest
from interlock.names import file_path, model_name
from interlock.vault.sources import sources


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
    files: dict[str, Path] = field(default_factory=dict)
    problem: str | None = None


def local(folder: Path, prefix: str, each: Each, spared: Path) -> Iterator[Found]:
    """What lies in a folder, by name. Hidden files and folders directly in it are left alone.

    One that cannot be adopted does not keep the others from it. Nothing of ``spared``, the workspace
    itself, is. Raises `DataNotFound`, `DataUnreadable` for the folder itself.
    """
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
    if each is Each.ALL:
        yield _found(prefix, folder, spared)
        return
    for entry in _entries(folder):
        if entry.resolve() == spared.resolve():
            continue
        name = f"{prefix}/{entry.name}".lstrip("/")
        found = _found(name, entry, spared)
        if each is Each.FOLDER or found.problem is not None or not entry.is_dir():
            yield found
        else:
            for path, file in found.files.items():
                yield _found(f"{name}/{path}", file, spared)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataUnreadable(f"{folder}: {error.strerror}") from error


def _found(name: str, path: Path, spared: Path) -> Found:
    try:
        if path.is_dir() and _within(path, spared):
            raise UsageError(f"{path} holds the workspace itself")
        files = {file_path(inside): Path(str(file)) for inside, file in sources(path).items()}
        return Found(model_name(name), files)
    except InterlockError as error:
        return Found(name, problem=str(error))
    except OSError as error:
        return Found(name, problem=f"{path}: {error.strerror}")


def _within(folder: Path, path: Path) -> bool:
    """Whether ``path`` lies somewhere in ``folder``."""
    return os.path.realpath(path).startswith(f"{os.path.realpath(folder)}{os.sep}")
