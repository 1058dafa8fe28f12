"""What people give to be put: a file, a folder, or files by path."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

from interlock.errors import DataNotFound, DataTypeUnsupported, DataUnreadable, NameRefused
from interlock.names import file_path

Given = str | os.PathLike[str] | Mapping[str, "str | os.PathLike[str] | bytes | BinaryIO"]


def sources(given: Given) -> dict[str, Path | BinaryIO]:
    """Path in the version → where the bytes are.

    A file is called by its own name; a folder's files by their paths in it, links to files
    followed. Raises `DataNotFound`, `DataUnreadable` for what is no file (a socket, a link
    that leads nowhere), `NameRefused`.
    """
    if isinstance(given, Mapping):
        return {file_path(path): _one(source) for path, source in sorted(given.items())}
    path = Path(given)
    if path.is_dir():
        return dict(sorted(_walked(path).items()))
    if not path.exists():
        raise DataNotFound(f"{path} is not there")
    return {_named(path.name): path}


def _walked(folder: Path) -> dict[str, Path | BinaryIO]:
    found: dict[str, Path | BinaryIO] = {}

    def failed(error: OSError) -> None:
        raise DataUnreadable(f"{error.filename}: {error.strerror}") from error

    for where, folders, files in os.walk(folder, onerror=failed):
        for name in folders:
            if (Path(where) / name).is_symlink():
                raise DataUnreadable(
                    f"{Path(where) / name} is a link to a folder", hint="put that folder itself"
                )
        for name in files:
            path = Path(where) / name
            if not path.is_file():
                raise DataUnreadable(f"{path} is no file that can be read")
            found[_named(path.relative_to(folder).as_posix())] = path
    return found


def _one(source: object) -> Path | BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.is_file():
            raise DataNotFound(f"{path} is no file")
        return path
    if hasattr(source, "read"):
        return cast("BinaryIO", source)
    raise DataTypeUnsupported(
        f"a {type(source).__name__} cannot be put", hint="give a path, bytes or an open file"
    )


def _named(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise NameRefused(f"{path!r} is not UTF-8") from None
    return file_path(path)
