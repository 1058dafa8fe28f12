"""Quarantine: what was kept from readers, and letting it go either way."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from interlock.catalog import (
    Mode,
    PartitionRecord,
    Reader,
    State,
    TableRecord,
    Writer,
    lake,
    outbox,
    partitions,
    profiles,
    tables,
    verdicts,
)
from interlock.errors import PartitionNotFound, SchemaIncompatible, UsageError, nearest
from interlock.gates import commit, counterpart, fingerprint, incoming, layout, projection, staging
from interlock.gates.site import Site


@dataclass(frozen=True, slots=True)
class Held:
    """A partition in quarantine and why."""

    table: str
    label: str
    rows: int
    since: dt.datetime
    why: str
    verdict_id: str | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "partition": self.label,
            "rows": self.rows,
            "since": self.since.isoformat(),
            "why": self.why,
            "verdict": self.verdict_id,
        }


def list_(rx: Reader, table: str | None = None) -> list[Held]:
    """Everything in quarantine, oldest first."""
    return [_held(rx, record) for record in partitions.quarantined(rx, table)]


def _held(rx: Reader, record: PartitionRecord) -> Held:
    verdict = verdicts.get(rx, record.verdict_id) if record.verdict_id else None
    document = verdict.document if verdict is not None else {}
    broken = [v["constraint"] for v in document.get("violations", ()) if v["blocking"]]
    why = ", ".join(broken[:3]) + (" …" if len(broken) > 3 else "") or "; ".join(document.get("notes", ()))
    return Held(record.table, record.label, record.rows, record.loaded_at, why, record.verdict_id)


def held(rx: Reader, table: str, label: str) -> PartitionRecord:
    """The newest version of a partition in quarantine. Raises `PartitionNotFound`."""
    records = partitions.quarantined(rx, table)
    for record in reversed(records):
        if record.label == label:
            return record
    raise PartitionNotFound(
        f"{table} has no partition {label!r} in quarantine", hint=nearest(label, [r.label for r in records])
    )


def verdict(rx: Reader, table: str, label: str) -> dict[str, Any]:
    """The document of the verdict that put a partition into quarantine. Raises `PartitionNotFound`."""
    record = held(rx, table, label)
    found = verdicts.get(rx, record.verdict_id) if record.verdict_id else None
    if found is None:
        raise PartitionNotFound(f"{table}@{label} has no verdict on record")
    return dict(found.document)


def released_labels(rx: Reader, table: str) -> frozenset[str]:
    """Partitions a person let out of quarantine: what they hold counts as normal."""
    return frozenset(r.label for r in partitions.all_(rx, table) if r.state is State.RELEASED)


def release(site: Site, table: TableRecord, label: str, reason: str, who: str) -> dict[str, Any]:
    """Publish a quarantined partition after all. Raises `SchemaIncompatible` where it cannot be stored."""
    _needs(reason)
    with (
        commit.one_writer(site, table.name),
        staging.begin(site.locks, site.staging, uuid.uuid4().hex, table.name, label) as place,
    ):
        with site.catalog.read() as rx:
            record = held(rx, table.name, label)
        if table.mode is Mode.ATTACHED:
            fact = _release_in_place(site, record, reason, who)
        else:
            fact = _release(site, table, record, place, reason, who)
    projection.project(site)
    return fact


def _release_in_place(site: Site, record: PartitionRecord, reason: str, who: str) -> dict[str, Any]:
    with site.catalog.write() as tx:
        partitions.move(tx, _ids([record]), State.CHECKED)
        return _told(tx, "release", record, reason, who)


def _release(
    site: Site, table: TableRecord, record: PartitionRecord, place: staging.Staging, reason: str, who: str
) -> dict[str, Any]:
    held_ = site.files.local(record.path or "", place.path / "held.parquet")
    source = site.engine.relation(str(held_))
    with site.catalog.read() as rx:
        known = tables.get(rx, table.name).lake_table_id is not None
        plan = (
            layout.existing_table(rx, table.name, site.engine, source, source.schema, {})
            if known
            else layout.new_table(source.schema, {})
        )
        document = profiles.document(rx, record.id) if record.id is not None else None
        history = [
            h
            for h in profiles.history(rx, table.name, states=(State.QUARANTINED,))
            if h.partition_id == record.id
        ]
        names = profiles.vector_schema(rx, history[0].vector_schema) if history else ()
    if plan.problem is not None:
        raise SchemaIncompatible(plan.problem, hint="write it again with the column cast to the table's type")
    staged = site.engine.stage(source, place.path / "data.parquet", columns=plan.targets)
    (facts,) = site.engine.parquet_facts(staged.files)
    digest, size_bytes = fingerprint.of_content(staged.files[0]), staged.files[0].stat().st_size
    folder = commit.lake_folder(site, table)
    home = commit.published_home(folder, record.label)
    with place.undone_on_error(site.catalog):
        place.put(site.files, {staged.files[0]: home})
        with site.catalog.write() as tx:
            commit.ensure_lake_table(tx, table, plan.columns, folder)
            replaced = partitions.one(tx, table.name, record.label)
            gone = (
                [replaced.data_file_id] if replaced is not None and replaced.data_file_id is not None else []
            )
            value = incoming.typed(record.label) if table.partition else None
            file = commit.data_file(folder, home, facts, value)
            gone += commit.past_the_gate(tx, table.name, [value])
            published = lake.publish(
                tx, table.name, [file], gone, author="interlock", message=f"released {record.label}"
            )
            if replaced is not None:
                partitions.move(tx, _ids([replaced]), State.REPLACED)
            partitions.move(tx, _ids([record]), State.RELEASED)
            new_id = partitions.add(
                tx,
                PartitionRecord(
                    table=table.name,
                    label=record.label,
                    state=State.PUBLISHED,
                    rows=staged.rows,
                    size_bytes=size_bytes,
                    loaded_at=tx.now,
                    schema=[[c.name, c.type] for c in staged.schema],
                    path=home,
                    digest=digest,
                    data_file_id=published.data_file_ids[0],
                    snapshot_id=published.snapshot_id,
                    verdict_id=record.verdict_id,
                ),
            )
            arrived = [(new_id, commit.here(site, staged, home))]
            counterpart.publish(site, tx, table.name, arrived, [replaced] if replaced is not None else [])
            if document is not None and history:
                profiles.put(tx, new_id, document, history[0].vector, names, history[0].domains)
            return _told(tx, "release", record, reason, who)


def drop(site: Site, table: TableRecord, label: str, reason: str, who: str) -> dict[str, Any]:
    """Take a partition out of quarantine for good. The file goes after the grace period."""
    _needs(reason)
    with commit.one_writer(site, table.name), site.catalog.write() as tx:
        record = held(tx, table.name, label)
        partitions.move(tx, _ids([record]), State.DROPPED)
        if table.mode is Mode.MANAGED and record.path:
            site.files.retire(record.path)
        fact = _told(tx, "drop", record, reason, who)
    projection.project(site)
    return fact


def _needs(reason: str) -> None:
    if not reason.strip():
        raise UsageError("a reason is needed", hint="it is recorded in the ledger")


def _told(tx: Writer, kind: str, record: PartitionRecord, reason: str, who: str) -> dict[str, Any]:
    fact = {
        "table": record.table,
        "partition": record.label,
        "reason": reason,
        "who": who,
        "verdict": record.verdict_id,
    }
    outbox.append(tx, kind, fact)
    return {"action": kind, **fact}


def _ids(records: list[PartitionRecord]) -> list[int]:
    return [r.id for r in records if r.id is not None]
