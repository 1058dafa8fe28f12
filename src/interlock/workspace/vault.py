"""The vault of a workspace, as people use it."""

from __future__ import annotations

import datetime as dt
import os
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from interlock.catalog import clock
from interlock.catalog.vault import aliases, holds, keys, versions
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import (
    READABLE,
    AliasRecord,
    HoldKind,
    HoldRecord,
    KeyRecord,
    Kind,
    RequestRecord,
    RequestState,
    VersionRecord,
    VersionState,
)
from interlock.errors import InterlockError, ReplicaWarning, VaultError
from interlock.gates.delete import alias as alias_gate
from interlock.gates.delete import approval, collector, overwrite, telling
from interlock.gates.delete import delete as delete_gate
from interlock.gates.delete import holds as hold_gate
from interlock.gates.delete import keys as key_gate
from interlock.gates.delete import policy as policy_gate
from interlock.gates.delete import purge as purge_gate
from interlock.gates.delete import rename as rename_gate
from interlock.gates.delete import replica as replica_gate
from interlock.gates.delete import restore as restore_gate
from interlock.gates.delete.collector import Collected
from interlock.gates.delete.gate import Gate, Outcome
from interlock.gates.delete.keys import NewKey
from interlock.names import model_name, partition_label
from interlock.vault import (
    contents,
    insight,
    intake,
    lookup,
    materialise,
    replica,
    retention,
    scrub,
    second_name,
    snapshots,
    sources,
    status,
    tree,
)
from interlock.vault.damage import Report
from interlock.vault.intake import Dedup, Wanted
from interlock.vault.manifest import Manifest
from interlock.vault.replicating import Copied
from interlock.vault.retention import Renewed
from interlock.vault.scrub import Asked
from interlock.vault.status import Status
from interlock.vault.stores.opened import MAIN, SPOOL, Stores, begin, opened, set_address

if TYPE_CHECKING:
    import duckdb

    from interlock.vault.adopt import Adopted
    from interlock.vault.difference import Difference
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
        """Write one file by its path in the vault; one that is there becomes an older version of itself.

        `DeleteRefused` where too many models were overwritten lately.
        """
        only = path.rpartition("/")[2]
        overwrite.admit(self.gate, path)
        return self._put(path, Kind.FILE, sources.sources({only: source}), None, None, None)

    def copy(self, ref: str, path: str) -> VersionRecord:
        """A file of a version as the next version of the file ``path``: no byte is copied. Raises as `get`."""
        source = self.show(ref, deleted=False)
        file = materialise.find(self.manifest(source.ref), source, lookup.Reference.of(ref).path)
        overwrite.admit(self.gate, path)
        return self._kept(second_name.copy(self.stores, source, file, self._wanted(path, Kind.FILE)))

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
        return self._kept(snapshots.take(self.stores, wanted, chosen, labels))

    def adopt(
        self,
        source: str | os.PathLike[str],
        name: str | None = None,
        *,
        each: str = "folder",
        copy: bool = False,
        read_only: bool = False,
        progress: Progress | None = None,
    ) -> Adopted:
        """Take over the models in a folder or ``s3://BUCKET/PREFIX``, without moving them; tells what was recorded.

        ``each`` says what becomes a model: ``folder``, whatever lies directly in it, a folder or a file;
        ``file``, every file, however deep; ``all``, the folder as a whole. Names begin with ``name``, which is
        the folder's own without one. Every file is hashed. Where it lies on the vault's file system it gets a
        second name there, so that whoever removes it removes nothing of the vault. An object is known by its
        version, and locked where its bucket locks. Others are recorded only, unless ``copy``. ``read_only``
        takes everybody's right to write from files. Adopting again records what is new or changed.
        Raises `DataNotFound`, `DataUnreadable`, `UsageError`, and what stores raise.
        """
        from interlock.vault import adopt, finding

        place = finding.place(source, self._catalog)
        found = place.found(name, finding.each(each))
        with self._catalog.read() as rx:
            until = clock.now() + policies.get(rx).retention if place.locks else None
        made = adopt.adopt(
            self.stores,
            lambda name: self._wanted(name, Kind.MODEL, {"adopted_from": place.said}),
            found,
            adopt.Way(copy=copy, read_only=read_only, until=until),
            progress,
        )
        for record in made.versions:
            self._kept(record)
        return made

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

    def diff(self, before: str, after: str) -> Difference:
        """What differs between two versions: files, and in safetensors files the tensors and by how much."""
        return insight.diff(self.stores, self.show(before), self.show(after))

    def contents(self, ref: str) -> dict[str, contents.Contents]:
        """What each file of a version is, by path, read as data: nothing of it runs."""
        return insight.contents_of(self.stores, self.show(ref))

    def du(self, prefix: str = "") -> insight.Usage:
        """What versions at or under a name hold, and take: what is the same is stored once."""
        with self._catalog.read() as rx:
            return insight.usage(rx, prefix.rstrip("/"))

    def by_id(self, ids: Sequence[int]) -> list[VersionRecord]:
        """Versions by their ids, as a request's document lists them; in whatever state."""
        with self._catalog.read() as rx:
            return versions.get(rx, ids)

    def aliases(self, name: str | None = None) -> list[AliasRecord]:
        """Aliases of a name, or all."""
        with self._catalog.read() as rx:
            return aliases.list_(rx, name)

    # --- the delete gate --------------------------------------------------------------

    @property
    def gate(self) -> Gate:
        """The delete gate, as who is at work stands before it."""
        tell = self._workspace.contract_of(telling.TABLE).triggers
        return Gate(self._workspace.site, self.stores, self._workspace.identity, tell)

    def delete(self, *what: str, reason: str | None = None) -> Outcome:
        """Delete versions, names or folders (``team/``; ``/`` is everything): tombstones, which `restore` undoes.

        Raises `DeleteRefused`, with nothing done, where more models are affected than one person's doings may,
        or a version is in use: a second person may `approve` it. `VersionNotFound`, `VersionDeleted`.
        """
        return delete_gate.delete(self.gate, what, reason)

    def restore(
        self,
        *what: str,
        by: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        reason: str | None = None,
    ) -> Outcome:
        """Bring back what was deleted: versions, names, folders, ``/``, or what a request such as ``D17`` did.

        ``by``, ``since`` and ``until`` narrow it, or mean all that fits. `VersionNotFound` where there is nothing.
        """
        return restore_gate.restore(self.gate, what, by=by, since=since, until=until, reason=reason)

    def purge(self, *what: str, reason: str | None = None) -> Outcome:
        """Ask for the end of tombstones. Always raises `DeleteRefused`, with what is in the way or the request."""
        return purge_gate.purge(self.gate, what, reason)

    def approve(self, request: str, *, key: str | None = None) -> Outcome:
        """Let somebody else's request pass: what it lists, but for what changed since. `ApprovalRefused`."""
        outcome = approval.approve(self.gate, request, key)
        self.stores = Stores.of(self._catalog)  # the replica may be another
        return outcome

    def refuse(self, request: str, reason: str | None = None) -> RequestRecord:
        """Let a request not pass, or take one's own back. `ApprovalRefused` where it does not wait any more."""
        return approval.refuse(self.gate, request, reason)

    def request(self, request: str) -> RequestRecord:
        """The request of this id, such as ``D17``. `VersionNotFound`."""
        with self._catalog.read() as rx:
            return approval.found(rx, request)

    def requests(self, *, pending: bool = False, limit: int | None = None) -> list[RequestRecord]:
        """What was asked of the delete gate, newest first; with ``pending`` what waits for a second person."""
        with self._catalog.read() as rx:
            return approval.listed(rx, states=[RequestState.PENDING] if pending else (), limit=limit)

    def hold(self, what: str, reason: str, *, service: bool = False) -> HoldRecord:
        """Keep a version, a name or a folder from purging; ``service``: because something that runs reads it.

        Ends with `release`, which for a legal hold (without ``service``) needs a second person.
        """
        return hold_gate.hold(self.gate, what, reason, HoldKind.SERVICE if service else HoldKind.LEGAL)

    def release(self, hold: str, reason: str | None = None) -> Outcome:
        """End a hold such as ``H4``. `DeleteRefused` for a legal one, which waits for a second person."""
        return hold_gate.release(self.gate, hold, reason)

    def holds(self, *, released: bool = False) -> list[HoldRecord]:
        """Holds in the order they were made; those released too where asked for."""
        with self._catalog.read() as rx:
            return holds.list_(rx, released=released)

    def alias(self, ref: str, alias: str, reason: str | None = None) -> Outcome:
        """Let ``name@alias`` stand for the version ``ref`` names. Moving counts like deleting: `DeleteRefused`."""
        return alias_gate.put(self.gate, ref, alias, reason)

    def unalias(self, name: str, alias: str, reason: str | None = None) -> Outcome:
        """Let ``name@alias`` stand for nothing. Raises as `alias` does."""
        return alias_gate.remove(self.gate, name, alias, reason)

    def rename(self, old: str, new: str, reason: str | None = None) -> Outcome:
        """Give a name, or every name in a folder, another; versions, aliases and holds stay. `DeleteRefused`."""
        return rename_gate.rename(self.gate, old, new, reason)

    @property
    def policy(self) -> Policy:
        """What the delete gate allows."""
        with self._catalog.read() as rx:
            return policies.get(rx)

    def set_policy(self, *, reason: str | None = None, **changes: int) -> Outcome:
        """Change values of the policy. `DeleteRefused` where one protects less: it waits for a second person."""
        return policy_gate.change(self.gate, changes, reason)

    def add_key(self, name: str) -> NewKey:
        """A second key for approvals; its secret is shown this once. Keys after the first have to be approved."""
        return key_gate.add(self.gate, name)

    def retire_key(self, name: str) -> None:
        """A key counts no longer."""
        key_gate.retire(self.gate, name)

    def keys(self) -> list[KeyRecord]:
        """Every second key there ever was."""
        with self._catalog.read() as rx:
            return keys.list_(rx)

    def collect(self, *, dry_run: bool = False) -> Collected:
        """Remove bytes that nothing needs, once marked for the policy's grace. `WorkspaceBusy`, `VaultError`."""
        return collector.collect(self.gate, dry_run=dry_run)

    # --- whole and twice ----------------------------------------------------------------

    def set_replica(self, address: str | None, reason: str | None = None) -> None:
        """Keep everything a second time: in a folder, or ``s3://BUCKET/PREFIX?profile=…`` under other credentials.

        What is put from now on is copied there at once, what was put before by `replicate`. Another place than
        the one there is, or None for nowhere, needs a second person: `DeleteRefused`. `UsageError` for a place
        that cannot be one.
        """
        if address is not None and self.stores.replica is None:
            self.stores = replica.establish(self.stores, address, self._workspace.identity)
        else:
            replica_gate.change(self.gate, address, reason)
            self.stores = Stores.of(self._catalog)
        self._workspace.project()

    def replicate(self, *, progress: Progress | None = None) -> Copied:
        """Bring the replica up to what was put, and renew locks; goes on where an earlier run was stopped."""
        try:
            return replica.replicate(self.stores, self._workspace.identity, progress)
        finally:
            self._workspace.project()

    def scrub(
        self,
        *,
        repair: bool = False,
        store: str | None = None,
        since: dt.datetime | None = None,
        rate_mb_s: float | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Read every object again and say what is not as it was put; with ``repair``, put it right.

        ``store``: only ``main`` or ``replica``. ``since``: leave out what was read since then. ``rate_mb_s``: read no
        faster. Goes on where an earlier one was stopped. Raises what stores raise that do not answer.
        """
        asked = Asked(self._workspace.identity, repair, store, since, rate_mb_s)
        try:
            return scrub.scrub(self.stores, asked, progress)
        finally:
            self._workspace.project()

    def renew(self) -> Renewed:
        """Lock what versions need that can be read for the whole retention again, where a store locks."""
        return retention.renew(self.stores)

    def status(self) -> Status:
        """How the vault stands, from the catalog alone."""
        return status.status(self.stores)

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
        return self._kept(intake.put(self.stores, wanted, files, progress))

    def _kept(self, record: VersionRecord) -> VersionRecord:
        """A version that was just acknowledged, brought to the ledger's files and to the replica.

        Neither failing changes that; the replica catches up with the next `replicate`.
        """
        self._followed([record])
        return record

    def _followed(self, records: Sequence[VersionRecord]) -> None:
        self._workspace.project()
        try:
            failed = dict(replica.follow(self.stores, records).failed) if records else {}
        except InterlockError as error:
            failed = {record.ref: error.message for record in records}
        for ref, why in list(failed.items())[:1]:
            more = f" (and {len(failed) - 1:,} more)" if len(failed) > 1 else ""
            said = f"{ref}{more} is not in the replica yet: {why}; `interlock vault replicate` catches up"
            warnings.warn(ReplicaWarning(said), stacklevel=5)

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
        with self._catalog.read() as rx:
            return retention.until(rx, self.stores.main)
