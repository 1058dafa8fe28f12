"""The one commit point: a judged partition's file, lake rows, profile, verdict and ledger entry, or none of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from interlock import detect
from interlock.catalog import (
    QUARANTINE,
    ColumnStats,
    DataFile,
    PartitionRecord,
    State,
    TableRecord,
    Writer,
    foreign,
    lake,
    partitions,
    profiles,
    tables,
)
from interlock.engines.parquet import FileFacts
from interlock.engines.protocol import Relation
from interlock.gates import alerting, counterpart, decided, fingerprint, layout, staging
from interlock.gates.incoming import Staged
from interlock.gates.request import Request
from interlock.gates.site import Site, file_name
from interlock.gates.verdict import Verdict
from interlock.names import Decision
from interlock.settings import current


@dataclass(frozen=True, slots=True)
class Commit:
    """One judged partition ready for the commit."""

    staged: Staged
    verdict: Verdict
    features: detect.Features

    @property
    def file(self) -> Path:
        """The staged file."""
        return self.staged.relation.files[0]

    @property
    def published(self) -> bool:
        return self.verdict.decision is Decision.PUBLISHED


def one_writer(site: Site, table: str) -> Any:
    """The lock that makes writers of one table take turns."""
    return site.locks.locked(site.lock(table), timeout_s=current().lock_timeout_s)


def commit(site: Site, request: Request, place: staging.Staging, commits: Sequence[Commit]) -> list[Verdict]:
    """Publish or quarantine judged partitions, all in one transaction; returns their verdicts.

    Files are put where they belong before the transaction, which others wait for; a
    crash in between leaves files nobody refers to, which the next start removes.
    """
    good = [c for c in commits if c.published]
    facts = site.engine.parquet_facts([c.file for c in good]) if good else []
    folder = lake_folder(site, request.table)
    homes = {c.verdict.id: _home(request.table, folder, c) for c in commits}
    kept = [(homes[c.verdict.id], *_measured(c.file)) for c in commits]
    with place.undone_on_error(site.catalog):
        place.put(site.files, {c.file: homes[c.verdict.id] for c in commits})
        return _commit(site, request, commits, good, facts, folder, kept)


def _commit(
    site: Site,
    request: Request,
    commits: Sequence[Commit],
    good: Sequence[Commit],
    facts: Sequence[FileFacts],
    folder: str,
    kept: Sequence[tuple[str, int, str]],
) -> list[Verdict]:
    """The transaction. ``kept``: path, bytes and digest of each commit's file."""
    with site.catalog.write() as tx:
        for columns in dict.fromkeys(c.staged.layout.columns for c in good):
            ensure_lake_table(tx, request.table, columns, folder)
        replaced = _replaced(tx, request.table.name, commits)
        homes = [path for c, (path, *_) in zip(commits, kept, strict=True) if c.published]
        gone = [p.data_file_id for p in replaced if p.data_file_id is not None]
        published = _publish(tx, request.table.name, good, homes, facts, gone)
        records = [
            _record(request, c, *file, published.get(c.verdict.id))
            for c, file in zip(commits, kept, strict=True)
        ]
        ids = partitions.add_all(tx, records)
        arrived = [
            (id_, here(site, c.staged.relation, path))
            for id_, c, (path, *_) in zip(ids, commits, kept, strict=True)
            if c.published
        ]
        counterpart.publish(site, tx, request.table.name, arrived, replaced)
        profiles.put_all(
            tx,
            [
                decided.profile_row(i, c.verdict.profile, c.features, request.rules)
                for i, c in zip(ids, commits, strict=True)
            ],
        )
        told = alerting.follow(tx, request, [c.verdict for c in commits])
        decided.store_verdicts(tx, told, request.triggers)
        alerting.tell(tx, request)
    return told


def here(site: Site, staged: Relation, path: str) -> Relation:
    """What was staged and is kept as ``path``, read from this machine where it still is."""
    file = staged.files[0]
    if not file.exists():
        file = site.files.local(path, site.engine.temporary())
    return replace(staged, files=(file,))


def _measured(file: Path) -> tuple[int, str]:
    """A file's size in bytes, and its digest."""
    digest = fingerprint.of_content(file)
    return file.stat().st_size, digest


def _replaced(tx: Writer, table: str, commits: Sequence[Commit]) -> list[PartitionRecord]:
    """Put aside what these partitions were so far; gives the versions that readers saw.

    A quarantined one is replaced by any new decision about it, a published one only by a published one.
    """
    labels = {c.staged.label for c in commits}
    current_ = [*partitions.current_of(tx, table, (c.staged.label for c in commits if c.published)).values()]
    held = [p for p in partitions.quarantined(tx, table) if p.label in labels]
    partitions.move(tx, [p.id for p in (*current_, *held) if p.id is not None], State.REPLACED)
    return current_


def _publish(
    tx: Writer,
    table: str,
    good: Sequence[Commit],
    paths: Sequence[str],
    facts: Sequence[FileFacts],
    replaced: Sequence[int],
) -> dict[str, tuple[int, int]]:
    """One snapshot of the lake with the new files; by verdict, the file's number and the snapshot's."""
    if not good:
        return {}
    folder = lake.folder(tx, table)
    files = [data_file(folder, p, f, c.staged.value) for c, p, f in zip(good, paths, facts, strict=True)]
    gone = [*replaced, *past_the_gate(tx, table, [c.staged.value for c in good])]
    made = lake.publish(tx, table, files, gone, author="interlock", message=_message(good))
    return {c.verdict.id: (f, made.snapshot_id) for c, f in zip(good, made.data_file_ids, strict=True)}


def ensure_lake_table(tx: Writer, table: TableRecord, columns: layout.Columns, folder: str) -> None:
    """Create the lake table with its files in ``folder``, or evolve it to hold ``columns``."""
    record = tables.get(tx, table.name)
    if record.lake_table_id is None:
        table_id = lake.create_table(tx, table.name, columns, table.partition, folder)
        tables.put(tx, replace(record, lake_table_id=table_id))
    else:
        lake.evolve(tx, table.name, columns)


def past_the_gate(tx: Writer, table: str, values: Sequence[Any]) -> list[int]:
    """Files that others put into these partitions of the lake: writing a partition again replaces them too."""
    others = set(foreign.files(tx, table))
    if not others or tables.get(tx, table).partition is None:
        return []
    return sorted(others & {id_ for value in values for id_ in lake.partition_files(tx, table, value)})


def _home(table: TableRecord, folder: str, c: Commit) -> str:
    if not c.published:
        name = f"{file_name(c.staged.label)}-{c.verdict.id[:12]}.parquet"
        return f"{QUARANTINE}/{file_name(table.name)}/{name}"
    return published_home(folder, c.staged.label)


def lake_folder(site: Site, table: TableRecord) -> str:
    """Where the table's published files lie, or will once it is in the lake: the one writer it has says so."""
    with site.catalog.read() as rx:
        known = tables.get(rx, table.name).lake_table_id is not None
        return lake.folder(rx, table.name) if known else lake.new_folder(table.name)


def published_home(folder: str, label: str) -> str:
    """A new file name in the table's folder for a partition.

    All files of a table lie in one folder: a backfill then syncs one folder, not
    one a partition. The label in the name is for people; the catalog decides.
    """
    return f"{folder}/{file_name(label)}-{uuid.uuid4().hex[:12]}.parquet"


def data_file(folder: str, path: str, facts: FileFacts, value: Any) -> DataFile:
    """What the lake must know of a file in ``folder``; ``value`` is the partition column's."""
    columns = {
        f.field_id: ColumnStats(
            f.column_size_bytes, f.value_count, f.null_count or 0, f.min, f.max, f.contains_nan
        )
        for f in facts.columns
        if f.field_id is not None
    }
    return DataFile(
        str(PurePosixPath(path).relative_to(folder)),
        facts.rows,
        facts.file_size,
        facts.footer_size,
        columns,
        value,
    )


def _record(
    request: Request, c: Commit, path: str, size_bytes: int, digest: str, published: tuple[int, int] | None
) -> PartitionRecord:
    file_id, snapshot_id = published or (None, None)
    return PartitionRecord(
        table=request.table.name,
        label=c.staged.label,
        state=State.PUBLISHED if published else State.QUARANTINED,
        rows=c.staged.relation.rows,
        size_bytes=size_bytes,
        loaded_at=request.now,
        schema=[[k.name, k.type] for k in c.staged.relation.schema],
        path=path,
        digest=digest,
        data_file_id=file_id,
        snapshot_id=snapshot_id,
        verdict_id=c.verdict.id,
    )


def _message(good: Sequence[Commit]) -> str:
    first = good[0].staged.label
    return first if len(good) == 1 else f"{first} … {good[-1].staged.label} ({len(good)} partitions)"
