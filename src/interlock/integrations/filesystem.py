"""``vault://``: the vault as a file system for whatever writes through fsspec.

pandas, PyArrow, Dask, PyTorch's distributed checkpoints, Hugging Face's datasets: each file they
write is a version when it is closed, each file they remove is a tombstone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import functools
import os
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from interlock import names
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import Kind
from interlock.errors import GateRefused, NameRefused, VaultError, VersionDeleted, VersionNotFound
from interlock.gates.delete import overwrite
from interlock.integrations import missing
from interlock.integrations.written import Text, Written
from interlock.vault import materialise, paths
from interlock.vault.paths import Node

try:
    from fsspec import AbstractFileSystem
    from fsspec.core import get_compression
    from fsspec.spec import make_instance
except ImportError as error:
    raise missing("fsspec", "fsspec", error) from error

if TYPE_CHECKING:
    from interlock.workspace import Workspace

PROTOCOL = "vault"
WORKSPACE = "INTERLOCK_WORKSPACE"
_AT = "?workspace="

Info = dict[str, Any]


class DeleteRefused(PermissionError):
    """The delete gate refused; nothing was changed. ``request`` is the id a second person may approve, or None."""

    request: str | None = None


class VaultFileSystem(AbstractFileSystem):
    """The names of a workspace's vault as folders and files.

    ``vault://team/report.csv`` is a file: each write is a version of it, lasting when the file is closed;
    reading gives the newest. ``vault://ranker/weights.bin`` is a file of a model's newest version,
    ``vault://ranker@v41/weights.bin`` and ``vault://ranker@champion/weights.bin`` of that one; versions are
    only read. A folder is there while something lies in it, and in the instance that made it.

    ``workspace``, or ``vault://…?workspace=PLACE``, is a folder or a ``postgresql://`` address; without it
    ``INTERLOCK_WORKSPACE``, else the current folder's. It is not made here. Removing anything asks the delete
    gate, once for all that is given; a refusal is a `DeleteRefused`. May be used by several threads.
    """

    protocol = PROTOCOL
    root_marker = ""

    def __init__(self, workspace: str | os.PathLike[str] | None = None, **options: Any) -> None:
        super().__init__(**(options | {"use_listings_cache": False}))
        self._place = None if workspace is None else os.fspath(workspace)
        self._made: set[str] = set()  # folders this instance made, whatever lies in them
        self._lock = threading.Lock()

    def __reduce__(self) -> Any:
        options = {**self.storage_options, "workspace": self._where()}  # where it goes may be another folder
        return make_instance, (type(self), (), options)

    # --- addresses --------------------------------------------------------------------

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        text = os.fspath(path)
        if text.startswith(f"{PROTOCOL}://"):
            text = text.removeprefix(f"{PROTOCOL}://").partition(_AT)[0]
        return text.removeprefix(f"{PROTOCOL}::").strip("/")

    @staticmethod
    def _get_kwargs_from_urls(urlpath: str) -> dict[str, str]:
        place = urlpath.partition(_AT)[2] if urlpath.startswith(f"{PROTOCOL}://") else ""
        return {"workspace": place} if place else {}

    @property
    def fsid(self) -> str:
        return f"{PROTOCOL}:{self._workspace.site.catalog.id}"

    def _where(self) -> str:
        place = self._place or os.environ.get(WORKSPACE) or os.curdir
        return place if "://" in place else os.path.abspath(place)

    @property
    def _workspace(self) -> Workspace:
        return _opened(self._where(), os.getpid())

    # --- looking ----------------------------------------------------------------------

    def info(self, path: str, **_: Any) -> Info:
        """What is at a path: ``name``, ``size``, ``type``; of a file also ``ref``, ``sha256`` and ``mtime``."""
        path = self._strip_protocol(path)
        try:
            return _info(self._find(path))
        except FileNotFoundError:
            if self._is_made(path):
                return _info(Node(path))
            raise

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """What lies directly in a folder, or the file itself, by name."""
        path = self._strip_protocol(path)
        try:
            with _said(path):
                stores = self._workspace.vault.stores
                found = {node.path: _info(node) for node in paths.inside(stores, paths.find(stores, path))}
        except FileNotFoundError:
            if not self._is_made(path):
                raise
            found = {}
        found = {made: _info(Node(made)) for made in self._made_in(path)} | found
        return [found[name] if detail else name for name in sorted(found)]

    def exists(self, path: str, **_: Any) -> bool:
        return self._type(path) is not None

    def isdir(self, path: str) -> bool:
        return self._type(path) == "directory"

    def isfile(self, path: str) -> bool:
        return self._type(path) == "file"

    def ukey(self, path: str) -> str:
        """The SHA-256 of a file, or of what a folder is called."""
        found = self.info(path)
        return str(found.get("sha256") or super().ukey(path))

    def checksum(self, path: str) -> int:
        return int(self.ukey(path), 16)

    def created(self, path: str) -> dt.datetime:
        """When the version of a file was put; it was never modified since."""
        node = self._find(self._strip_protocol(path))
        if node.record is None:
            raise IsADirectoryError(errno.EISDIR, "a folder is as old as what lies in it", path)
        return node.record.created_at

    modified = created

    def _type(self, path: str) -> str | None:
        try:
            return str(self.info(path)["type"])
        except FileNotFoundError:
            return None

    def _find(self, path: str) -> Node:
        with _said(path):
            return paths.find(self._workspace.vault.stores, path)

    # --- reading and writing ----------------------------------------------------------

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        """A file to read from, verified before its first byte is handed out, or to write to.

        What is written becomes a version when it is closed, wholly or not at all; a ``with`` block that an
        exception leaves writes nothing. Nothing is appended to or changed in place: `NotImplementedError`.
        """
        if "r" not in mode and get_compression(path, options.get("compression")):
            raise NotImplementedError(f"write {path} compressed by fsspec.open(…, compression=…)")
        if "b" in mode:
            return super().open(path, mode, **options)
        text = {key: options.pop(key) for key in ("encoding", "errors", "newline") if key in options}
        return Text(super().open(path, mode.replace("t", "") + "b", **options), **text)

    def _open(self, path: str, mode: str = "rb", autocommit: bool = True, **_: Any) -> Any:
        if mode == "rb":
            return self._read(path)
        if mode not in ("wb", "xb"):
            raise NotImplementedError(
                f"{path} cannot be opened with {mode!r}: a version never changes; read it, and write it whole"
            )
        if mode == "xb" and self.exists(path):
            raise FileExistsError(errno.EEXIST, "is there already", path)
        self._may_write(path)

        def keep(source: BinaryIO) -> None:
            with _said(path):
                self._workspace.vault.put_file(path, source)

        folder = self._workspace.site.staging
        folder.mkdir(parents=True, exist_ok=True)
        return Written(keep, folder, later=not autocommit)

    def _read(self, path: str) -> BinaryIO:
        node = self._find(path)
        if node.record is None or node.is_folder:
            raise IsADirectoryError(errno.EISDIR, "is a folder", path)
        with _said(path):
            return materialise.open_(self._workspace.vault.stores, node.record, node.inner or None)

    def _may_write(self, path: str) -> None:
        """Say before the first byte what would be said after the last."""
        if "@" in path:
            raise PermissionError(errno.EPERM, "a version never changes, and '@' names one", path)
        if self.isdir(path):
            raise IsADirectoryError(errno.EISDIR, "is a folder", path)
        try:
            names.model_name(path)
        except NameRefused as error:
            raise OSError(errno.EINVAL, str(error), path) from error
        with _said(path), self._workspace.site.catalog.read() as rx:
            versions.may_be(rx, path, Kind.FILE)
        with _said(path):
            overwrite.admit(self._workspace.vault.gate, path)

    def put_file(
        self, lpath: Any, rpath: str, callback: Any = None, mode: str = "overwrite", **_: Any
    ) -> None:
        """A file of this machine, straight into the vault."""
        path = self._strip_protocol(rpath)
        if mode == "create" and self.exists(path):
            raise FileExistsError(errno.EEXIST, "is there already", path)
        if os.path.isdir(lpath):
            self.makedirs(path, exist_ok=True)
            return
        self._may_write(path)
        with _said(path):
            record = self._workspace.vault.put_file(path, os.fspath(lpath))
        if callback is not None:
            callback.set_size(record.size_bytes)
            callback.absolute_update(record.size_bytes)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """A file under another name as well: no byte is copied."""
        path = self._strip_protocol(path2)
        if self.isdir(path1):
            self.makedirs(path, exist_ok=True)
            return
        node = self._find(self._strip_protocol(path1))
        self._may_write(path)
        with _said(path):
            self._workspace.vault.copy(str(node.ref), path)

    # --- removing and moving ----------------------------------------------------------

    def rm(self, path: str | Sequence[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Turn files, or with ``recursive`` folders, into tombstones: one request, wholly done or not at all."""
        if maxdepth is not None:
            raise NotImplementedError("a folder is removed whole, or its files one by one")
        found = self._meant(path)
        kept = [one for one in found if self._removable(one, recursive)]
        if kept:
            with _said(kept[0]):
                self._workspace.vault.delete(*kept)
        self._forget(found)

    def rm_file(self, path: str) -> None:
        """Turn a file into a tombstone."""
        self.rm(path)

    def rmdir(self, path: str) -> None:
        """Forget a folder that was made and holds nothing."""
        path = self._strip_protocol(path)
        if self.ls(path):
            raise OSError(errno.ENOTEMPTY, "holds something", path)
        self._forget([path])

    def mv(
        self, path1: str, path2: str, recursive: bool = False, maxdepth: int | None = None, **_: Any
    ) -> None:
        """Give a file or a folder another name, with all its versions.

        A file that is moved onto another becomes that one's newest version, and its own become tombstones.
        """
        if maxdepth is not None:
            raise NotImplementedError("a folder is moved whole")
        old, new = self._strip_protocol(path1), self._strip_protocol(path2)
        if self.isdir(path2):
            new = f"{new}/{old.rpartition('/')[2]}".lstrip("/")
        if old == new:
            return
        if not self._removable(old, recursive=True):
            self._forget([old])
            self.makedirs(new, exist_ok=True)
        elif self._is_known(new):
            self.copy(old, new, recursive=self.isdir(old), on_error="raise")
            self.rm(old, recursive=True)
        else:
            with _said(old):
                self._workspace.vault.rename(old, new)
            self._forget([old])

    def _is_known(self, name: str) -> bool:
        """Whether the vault ever had this name, or one in it: a name is never given anew."""
        with self._workspace.site.catalog.read() as rx:
            return versions.is_known(rx, name)

    def _meant(self, path: str | Sequence[str]) -> list[str]:
        """The paths that are given, and those that patterns among them match."""
        given = [self._strip_protocol(one) for one in ([path] if isinstance(path, str) else path)]
        found = [[one] if self.exists(one) else self.expand_path(one) for one in given]
        return list(dict.fromkeys(one for some in found for one in some))

    def _removable(self, path: str, recursive: bool) -> bool:
        """Whether there is something to delete at a path, and not just a folder that was made."""
        try:
            node = self._find(path)
        except FileNotFoundError:
            if not self._is_made(path):
                raise
            node = None
        if not recursive and (node is None or node.is_folder):
            raise IsADirectoryError(errno.EISDIR, "is a folder; recursive=True removes it", path)
        if node is not None and node.inner:
            raise PermissionError(errno.EPERM, "a version never changes; it goes, or stays, whole", path)
        return node is not None

    # --- folders ----------------------------------------------------------------------

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Nothing is stored: this instance knows the folder from here on, others once something lies in it."""
        path = self._strip_protocol(path)
        if self.exists(path):
            raise FileExistsError(errno.EEXIST, "is there already", path)
        if not create_parents and not self.isdir(self._parent(path)):
            raise FileNotFoundError(errno.ENOENT, "no such folder", self._parent(path))
        self._may_write(f"{path}/file")
        with self._lock:
            self._made.add(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """As `mkdir`."""
        if not (exist_ok and self.isdir(path)):
            self.mkdir(path)

    def _is_made(self, path: str) -> bool:
        with self._lock:
            return not path or any(_within(made, path) for made in self._made)

    def _made_in(self, folder: str) -> set[str]:
        """What was made directly in a folder, and what leads to what was made below."""
        start = f"{folder}/" if folder else ""
        with self._lock:
            below = [made[len(start) :] for made in self._made if made.startswith(start)]
        return {f"{start}{one.partition('/')[0]}" for one in below if one}

    def _forget(self, gone: Sequence[str]) -> None:
        with self._lock:
            self._made = {made for made in self._made if not any(_within(made, one) for one in gone)}


def _within(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _info(node: Node) -> Info:
    found: Info = {
        "name": node.path,
        "size": node.size_bytes,
        "type": "directory" if node.is_folder else "file",
    }
    if node.record is not None:
        found |= {"ref": node.ref, "sha256": node.sha256, "mtime": node.record.created_at.timestamp()}
    return found


@contextlib.contextmanager
def _said(path: str) -> Iterator[None]:
    """The vault's answers as a file system gives them; what a store cannot do stays what it is."""
    try:
        yield
    except (VersionNotFound, VersionDeleted) as error:
        raise FileNotFoundError(errno.ENOENT, str(error), path) from error
    except GateRefused as error:
        refused = DeleteRefused(errno.EPERM, str(error), path)
        refused.request = getattr(error, "request", None)
        raise refused from error
    except NameRefused as error:
        raise FileNotFoundError(errno.ENOENT, str(error), path) from error
    except VaultError as error:
        if type(error) is not VaultError:
            raise
        raise NotADirectoryError(errno.ENOTDIR, str(error), path) from error


@functools.lru_cache(maxsize=8)
def _opened(place: str, pid: int) -> Workspace:
    """One a process: a connection does not outlive a fork."""
    from interlock.workspace import open as open_workspace

    return open_workspace(place, create=False)
