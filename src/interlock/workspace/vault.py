"""The vault of a workspace, as people use it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from interlock.catalog import clock
from interlock.catalog.vault import aliases, policy, versions
from interlock.catalog.vault.records import READABLE, AliasRecord, Kind, VersionRecord, VersionState
from interlock.errors import VaultError
from interlock.names import model_name, partition_label
from interlock.vault import (
    contents,
    difference,
    insight,
    intake,
    lookup,
    materialise,
    snapshots,
    sources,
    tree,
)
from interlock.vault.intake import Dedup, Wanted
from interlock.vault.manifest import Manifest
from interlock.vault.stores.opened import MAIN, SPOOL, Stores, begin, opened, set_address

if TYPE_CHECKING:
    import duckdb

    from interlock.workspace.workspace import Workspace

Progress = Callable[[int, int], None]


class Vault:
    """Model versions and dataset snapshots. ``Workspace.vault``.

    A version is named ``ranker@v41``, by an alias ``ranker@champion``, or ``ranker`` for the newest
    that is live; a file in it ``ranker@v41/weights.safetensors``.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.stores = Stores.of(workspace.site.catalog)

    @property
    def _catalog(self) -> Any:
        return self._workspace.site.catalog

    def keep_in(self, address: str) -> None:
        """Put versions into this store from now on: a folder, or ``s3://BUCKET/PREFIX?profile=…&endpoint=…``.

        Before the first version only: `VaultError` afterwards. Raises `UsageError`, `StoreUnreachable`, `StoreRefused`.
        """
        place = address if "://" in address else os.path.abspath(address)
        begin(opened(place, self._workspace.path / SPOOL))
        with self._catalog.write() as tx:
            if versions.any_(tx):
                raise VaultError(
                    f"the vault has versions in {self.stores.main.where} already",
                    hint="`interlock vault replica` keeps them in a second store too",
                )
            set_address(tx, MAIN, place)
        self.stores = Stores.of(self._catalog)

    # --- in and out -------------------------------------------------------------------

    def put(
        self,
        name: str,
        files: sources.Given,
        *,
        metadata: Mapping[str, Any] | None = None,
        lineage: Mapping[str, Any] | None = None,
        dedup: str = Dedup.FILE,
        progress: Progress | None = None,
    ) -> VersionRecord:
        """Keep a file, a folder or files by path (path → file, bytes or open file) as the next version of ``name``.

        Atomic, and lasting when it returns. ``lineage`` may hold ``snapshots``, ``run``, ``verdicts`` and
        ``models``: what it was made of. ``dedup="tensor"`` keeps large files in chunks, of which a series of
        checkpoints shares those that did not change (extra ``dedup``). Raises `NameRefused`, `DataNotFound`,
        `DataUnreadable`, `VaultError`.
        """
        how = intake.dedup(dedup)
        return self._put(name, Kind.MODEL, sources.sources(files), metadata, lineage, progress, how)

    def put_file(self, path: str, source: str | os.PathLike[str] | bytes | BinaryIO) -> VersionRecord:
        """Write one file by its path in the vault; one that is there becomes an older version of itself."""
        only = path.rpartition("/")[2]
        return self._put(path, Kind.FILE, sources.sources({only: source}), None, None, None)

    def get(
        self,
        ref: str,
        into: str | os.PathLike[str],
        *,
        paths: Sequence[str] | None = None,
        deleted: bool = False,
        progress: Progress | None = None,
    ) -> list[Path]:
        """Write a version's files into a folder, each whole and verified; returns where they are.

        Raises `VersionNotFound`, `VersionDeleted` (unless ``deleted``), `ObjectCorrupt`, `ObjectMissing`.
        """
        record = self.show(ref, deleted=deleted)
        path = lookup.Reference.of(ref).path
        wanted = [path] if path else paths
        return materialise.get(self.stores, record, Path(into), paths=wanted, progress=progress)

    def open(self, ref: str, *, deleted: bool = False) -> BinaryIO:
        """A file of a version to read from, verified before its first byte is handed out. Raises as `get` does."""
        record = self.show(ref, deleted=deleted)
        return materialise.open_(self.stores, record, lookup.Reference.of(ref).path)

    def snapshot(
        self,
        name: str,
        tables: str | Sequence[str],
        *,
        partitions: Collection[object] | None = None,
        metadata: Mapping[str, Any] | None = None,
        lineage: Mapping[str, Any] | None = None,
    ) -> VersionRecord:
        """Keep what is published of managed tables, or these partitions of them, as the next version of ``name``.

        Costs no copy: the tables' own files are pinned, and nothing removes them while the version is live or
        a tombstone. Raises `TableNotFound`, `PartitionNotFound`, `UsageError` for an attached table, and
        `VaultError` where nothing is published or part of what readers see never passed the gate.
        """
        wanted = self._wanted(name, Kind.SNAPSHOT, metadata, lineage)
        labels = None if partitions is None else frozenset(map(partition_label, partitions))
        chosen = [tables] if isinstance(tables, str) else list(tables)
        record = snapshots.take(self.stores, wanted, chosen, labels)
        self._workspace.project()
        return record

    def read(
        self, ref: str, table: str | None = None, *, verify: bool = True, deleted: bool = False
    ) -> duckdb.DuckDBPyRelation:
        """A table of a snapshot as it was: a DuckDB relation, with the columns it had then.

        ``table`` is needed where the snapshot holds several. ``verify`` compares every file with its digest
        first, which reads them once more. Raises as `get` does, and `UsageError` for what is no snapshot.
        """
        from interlock.workspace import pinned

        return pinned.read(self.stores, self.show(ref, deleted=deleted), table, verify=verify)

    # --- looking ----------------------------------------------------------------------

    def show(self, ref: str, *, deleted: bool = True) -> VersionRecord:
        """The version a reference stands for. Raises `VersionNotFound`, and `VersionDeleted` unless ``deleted``."""
        with self._catalog.read() as rx:
            return lookup.resolve(rx, ref, deleted=deleted)

    def manifest(self, ref: str) -> Manifest:
        """What a version is made of."""
        return materialise.manifest(self.stores, self.show(ref))

    def versions(
        self, prefix: str = "", *, deleted: bool = False, limit: int | None = None
    ) -> list[VersionRecord]:
        """Versions at or under a name, by name and number; with ``deleted`` the tombstones too."""
        states = READABLE if deleted else (VersionState.LIVE,)
        with self._catalog.read() as rx:
            return versions.list_(rx, prefix=prefix.rstrip("/"), states=states, limit=limit)

    def ls(self, folder: str = "", *, deleted: bool = False, limit: int | None = None) -> list[tree.Entry]:
        """What lies directly in a folder of names, by name."""
        with self._catalog.read() as rx:
            return tree.children(rx, folder.rstrip("/"), deleted=deleted, limit=limit)

    def diff(self, before: str, after: str) -> difference.Difference:
        """What differs between two versions: files, and in safetensors files the tensors and by how much."""
        return insight.diff(self.stores, self.show(before), self.show(after))

    def contents(self, ref: str) -> dict[str, contents.Contents]:
        """What each file of a version is, by path, read as data: nothing of it runs."""
        return insight.contents_of(self.stores, self.show(ref))

    def du(self, prefix: str = "") -> insight.Usage:
        """What versions at or under a name hold, and take: what is the same is stored once."""
        with self._catalog.read() as rx:
            return insight.usage(rx, prefix.rstrip("/"))

    def aliases(self, name: str | None = None) -> list[AliasRecord]:
        """Aliases of a name, or all."""
        with self._catalog.read() as rx:
            return aliases.list_(rx, name)

    # --- inside -----------------------------------------------------------------------

    def _put(
        self,
        name: str,
        kind: Kind,
        files: intake.Sources,
        metadata: Mapping[str, Any] | None,
        lineage: Mapping[str, Any] | None,
        progress: Progress | None,
        how: Dedup = Dedup.FILE,
    ) -> VersionRecord:
        wanted = replace(self._wanted(name, kind, metadata, lineage), dedup=how)
        record = intake.put(self.stores, wanted, files, progress)
        self._workspace.project()
        return record

    def _wanted(
        self,
        name: str,
        kind: Kind,
        metadata: Mapping[str, Any] | None = None,
        lineage: Mapping[str, Any] | None = None,
    ) -> Wanted:
        until = self._locked_until()
        return Wanted(
            model_name(name), kind, self._workspace.identity, metadata or {}, lineage or {}, until=until
        )

    def _locked_until(self) -> dt.datetime | None:
        """Until when what is put now is locked, in a store that locks: renewed while a version needs it."""
        if not self.stores.main.locks:
            return None
        with self._catalog.read() as rx:
            return clock.now() + policy.get(rx).retention
