"""The one commit point: a judged partition's file, lake rows, profile, verdict and ledger entry, or none of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from interlock import detect, durable
from interlock.catalog import (
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
    def published(self) -> bool:
        return self.verdict.decision is Decision.PUBLISHED


def one_writer(site: Site, table: str) -> Any:
    """The lock that makes writers of one table take turns."""
    return site.locks.locked(site.lock(table), timeout_s=current().lock_timeout_s)


def commit(site: Site, request: Request, place: staging.Staging, commits: Sequence[Commit]) -> list[Verdict]:
    """Publish or quarantine judged partitions, all in one transaction; returns their verdicts.

    Files are moved where they belong just before the commit; a crash in between
    leaves files nobody refers to, which the next start removes.
    """
    good = [c for c in commits if c.published]
    facts = site.engine.parquet_facts([c.staged.relation.files[0] for c in good]) if good else []
    digests = [fingerprint.of_content(c.staged.relation.files[0]) for c in commits]
    with place.undone_on_error(site.catalog), site.catalog.write() as tx:
        for columns in dict.fromkeys(c.staged.layout.columns for c in good):
            ensure_lake_table(tx, request.table, columns)
        homes = _moved(site, tx, request.table, place, commits)
        replaced = _replaced(tx, request.table.name, commits)
        gone = [p.data_file_id for p in replaced if p.data_file_id is not None]
        published = _publish(tx, request.table.name, good, [homes[c.verdict.id] for c in good], facts, gone)
        records = [
            _record(site, request, c, homes[c.verdict.id], digest, published.get(c.verdict.id))
            for c, digest in zip(commits, digests, strict=True)
        ]
        ids = partitions.add_all(tx, records)
        arrived = [
            (id_, replace(c.staged.relation, files=(homes[c.verdict.id],)))
            for id_, c in zip(ids, commits, strict=True)
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


def _moved(
    site: Site, tx: Writer, table: TableRecord, place: staging.Staging, commits: Sequence[Commit]
) -> dict[str, Path]:
    """The files, moved where they belong; by verdict."""
    homes = {c.verdict.id: _home(site, tx, table, c) for c in commits}
    place.announce(list(homes.values()))
    durable.move_all({c.staged.relation.files[0]: homes[c.verdict.id] for c in commits})
    return homes


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
    paths: Sequence[Path],
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


def ensure_lake_table(tx: Writer, table: TableRecord, columns: layout.Columns) -> None:
    """Create the lake table, or evolve it to hold ``columns``."""
    record = tables.get(tx, table.name)
    if record.lake_table_id is None:
        table_id = lake.create_table(tx, table.name, columns, table.partition)
        tables.put(tx, replace(record, lake_table_id=table_id))
    else:
        lake.evolve(tx, table.name, columns)


def past_the_gate(tx: Writer, table: str, values: Sequence[Any]) -> list[int]:
    """Files that others put into these partitions of the lake: writing a partition again replaces them too."""
    others = set(foreign.files(tx, table))
    if not others or tables.get(tx, table).partition is None:
        return []
    return sorted(others & {id_ for value in values for id_ in lake.partition_files(tx, table, value)})


def _home(site: Site, tx: Writer, table: TableRecord, c: Commit) -> Path:
    if not c.published:
        return (
            site.quarantine
            / file_name(table.name)
            / f"{file_name(c.staged.label)}-{c.verdict.id[:12]}.parquet"
        )
    return published_home(tx, table, c.staged.label)


def published_home(tx: Writer, table: TableRecord, label: str) -> Path:
    """A new file name in the lake for a partition; the lake table must exist.

    All files of a table lie in one folder: a backfill then syncs one folder, not
    one a partition. The label in the name is for people; the catalog decides.
    """
    return lake.folder(tx, table.name) / f"{file_name(label)}-{uuid.uuid4().hex[:12]}.parquet"


def data_file(folder: Path, path: Path, facts: FileFacts, value: Any) -> DataFile:
    """What the lake must know of a file in ``folder``; ``value`` is the partition column's."""
    columns = {
        f.field_id: ColumnStats(
            f.column_size_bytes, f.value_count, f.null_count or 0, f.min, f.max, f.contains_nan
        )
        for f in facts.columns
        if f.field_id is not None
    }
    return DataFile(
        str(path.relative_to(folder)), facts.rows, facts.file_size, facts.footer_size, columns, value
    )


def _record(
    site: Site, request: Request, c: Commit, path: Path, digest: str, published: tuple[int, int] | None
) -> PartitionRecord:
    file_id, snapshot_id = published or (None, None)
    return PartitionRecord(
        table=request.table.name,
        label=c.staged.label,
        state=State.PUBLISHED if published else State.QUARANTINED,
        rows=c.staged.relation.rows,
        size_bytes=path.stat().st_size,
        loaded_at=request.now,
        schema=[[k.name, k.type] for k in c.staged.relation.schema],
        path=str(path.relative_to(site.folder)),
        digest=digest,
        data_file_id=file_id,
        snapshot_id=snapshot_id,
        verdict_id=c.verdict.id,
    )


def _message(good: Sequence[Commit]) -> str:
    first = good[0].staged.label
    return first if len(good) == 1 else f"{first} … {good[-1].staged.label} ({len(good)} partitions)"
