"""What a path in the vault leads to: a folder of names, a file, or a place inside a version.

``team`` is a folder, ``team/report.csv`` a file's newest version, ``ranker`` and ``ranker@v41`` a version of a
model with its files below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from interlock.catalog.catalog import Reader
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import Kind, VersionRecord
from interlock.errors import VersionNotFound
from interlock.vault import lookup, materialise, tree
from interlock.vault.manifest import File
from interlock.vault.stores.opened import Stores


@dataclass(frozen=True, slots=True)
class Node:
    """``record`` is the version it is or lies in, None of a folder of names; ``inner`` the path in that version.

    ``sha256`` is None of a folder.
    """

    path: str
    record: VersionRecord | None = None
    inner: str = ""
    size_bytes: int = 0
    sha256: str | None = None

    @property
    def is_folder(self) -> bool:
        return self.sha256 is None

    @property
    def ref(self) -> str | None:
        """What the vault calls it; None of a folder of names."""
        if self.record is None:
            return None
        return f"{self.record.ref}/{self.inner}" if self.inner else self.record.ref


def find(stores: Stores, path: str) -> Node:
    """What is at a path, among what is live. `VersionNotFound`, `VersionDeleted`, `NameRefused`."""
    with stores.catalog.read() as rx:
        record, inner = _version(rx, path)
        if record is None:
            if not tree.is_folder(rx, path):
                lookup.resolve(rx, path)  # says what is near, or who deleted it
            return Node(path)
    if not inner:
        return _of(path, record)
    if record.kind is not Kind.FILE:
        for file in materialise.manifest(stores, record).files:
            if file.path == inner:
                return _within(path, record, file)
            if file.path.startswith(f"{inner}/"):
                return Node(path, record, inner)
    raise VersionNotFound(f"{record.ref} holds no file {inner!r}")


def inside(stores: Stores, node: Node) -> list[Node]:
    """What lies directly in a folder, by path; of a file the file itself."""
    if not node.is_folder:
        return [node]
    if node.record is None:
        with stores.catalog.read() as rx:
            entries = tree.children(rx, node.path)
        return [Node(e.name) if e.record is None else _of(e.name, e.record) for e in entries]
    found = {child.path: child for child in _children(stores, node, node.record)}
    return [found[path] for path in sorted(found)]


def _version(rx: Reader, path: str) -> tuple[VersionRecord | None, str]:
    """The version a path is, or leads into, and the rest of the path."""
    if "@" in path:
        named = lookup.Reference.of(path)
        return lookup.resolve(rx, str(replace(named, path=None))), named.path or ""
    parts = path.split("/")
    heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    name = versions.live_among(rx, heads)
    if name is None:
        return None, ""
    return versions.newest(rx, name), path[len(name) :].strip("/")


def _of(path: str, record: VersionRecord) -> Node:
    if record.kind is Kind.FILE:
        return Node(path, record, "", record.size_bytes, record.sha256)
    return Node(path, record)


def _within(path: str, record: VersionRecord, file: File) -> Node:
    return Node(path, record, file.path, file.size_bytes, file.sha256)


def _children(stores: Stores, node: Node, record: VersionRecord) -> Iterator[Node]:
    start = f"{node.inner}/" if node.inner else ""
    for file in materialise.manifest(stores, record).files:
        if not file.path.startswith(start):
            continue
        head, deeper, _ = file.path[len(start) :].partition("/")
        path = f"{node.path}/{head}"
        yield Node(path, record, f"{start}{head}") if deeper else _within(path, record, file)
