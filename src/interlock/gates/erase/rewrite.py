"""Writing partitions, and the snapshots that pin them, without some rows: everything else stays as it is, in value."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from sqlglot import exp

from interlock.catalog import QUARANTINE, PartitionRecord, State, Writer, lake, partitions, profiles
from interlock.catalog.records import CURRENT
from interlock.catalog.vault.records import VersionRecord
from interlock.engines.parquet import FileFacts
from interlock.gates import commit, counterpart, decided, fingerprint, incoming, layout, write
from interlock.gates.erase import found
from interlock.gates.erase.found import Affected
from interlock.gates.incoming import Staged
from interlock.gates.judge import Judgement
from interlock.gates.request import Request
from interlock.gates.site import Site, file_name
from interlock.gates.verdict import Verdict
from interlock.names import Decision
from interlock.vault import intake, materialise, retention, snapshots
from interlock.vault.intake import Lease, Wanted
from interlock.vault.manifest import File, Manifest
from interlock.vault.stores.opened import Stores
from interlock.vault.stores.protocol import Held

GATE = "erase"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A version of a partition as it will be. ``judgement`` only of one that stands, published or quarantined."""

    old: Affected
    staged: Staged
    path: str
    size_bytes: int
    digest: str
    facts: FileFacts
    judgement: Judgement | None

    @property
    def file(self) -> Path:
        return self.staged.relation.files[0]

    @property
    def published(self) -> bool:
        return self.old.record.state in CURRENT


def staged(site: Site, request: Request, one: Affected, where: str, into: Path) -> Rewritten:
    """The rows of a version that stay, as a durable file in the table's layout."""
    record = one.record
    here = site.files.local(record.path or "", into.with_suffix(".old"))
    source = site.engine.relation(str(here))
    with site.catalog.read() as rx:
        plan = (
            layout.existing_table(rx, record.table, site.engine, source, source.schema, {})
            if request.table.lake_table_id is not None
            else layout.new_table(source.schema, {})
        )
    made = found.chosen(record, where)
    assert made is not None, "what a condition cannot be asked of has no rows to go"
    stays = exp.Not(this=exp.Paren(this=made[0]))
    relation = site.engine.stage(source, into, columns=plan.targets, where=stays)
    value = incoming.typed(record.label) if request.table.partition else None
    staged = Staged(relation, source.schema, record.label, plan, value)
    alone = replace(request, label=record.label, triggers=(), models=())
    judgement = write.judgement_of(site, alone, staged) if record.state in found.STANDING else None
    digest, size = fingerprint.of_content(into), into.stat().st_size
    (facts,) = site.engine.parquet_facts([into])
    return Rewritten(one, staged, _home(site, request, record), size, digest, facts, judgement)


def _home(site: Site, request: Request, record: PartitionRecord) -> str:
    if record.state is State.QUARANTINED or request.table.lake_table_id is None:
        name = f"{file_name(record.label)}-{uuid.uuid4().hex[:12]}.parquet"
        return f"{QUARANTINE}/{file_name(record.table)}/{name}"
    return commit.published_home(commit.lake_folder(site, request.table), record.label)


def store(tx: Writer, site: Site, request: Request, rewritten: Sequence[Rewritten]) -> dict[int, int]:
    """Let what was rewritten stand for what was there, in the table's past too; new version by old, by id."""
    table, message = request.table.name, "rows were erased"
    folder = lake.folder(tx, table) if request.table.lake_table_id is not None else ""
    olds = [one.old.record for one in rewritten]
    ids = [p.data_file_id for p in olds if p.data_file_id is not None]
    listed = lake.listed(tx, table, ids) if ids else set()
    files = {
        id_: commit.data_file(folder, one.path, one.facts, one.staged.value)
        for one in rewritten
        if (id_ := one.old.record.data_file_id) in listed and id_ is not None
    }
    if files:
        lake.rewrite(tx, table, files, message)
    verdicts = {one.old.id: _verdict(request, one) for one in rewritten if one.judgement is not None}
    partitions.move(tx, [p.id for p in olds if p.id is not None], State.REPLACED, data_file_id=None)
    new = partitions.add_all(tx, [_record(one, verdicts.get(one.old.id)) for one in rewritten])
    by_old = {one.old.id: id_ for one, id_ in zip(rewritten, new, strict=True)}
    arrived = [
        (by_old[o.old.id], commit.here(site, o.staged.relation, o.path)) for o in rewritten if o.published
    ]
    counterpart.publish(site, tx, table, arrived, [o.old.record for o in rewritten if o.published])
    rows = [
        decided.profile_row(by_old[o.old.id], o.judgement.profile, o.judgement.features, request.rules)
        for o in rewritten
        if o.judgement is not None
    ]
    profiles.put_all(tx, rows)
    decided.store_verdicts(tx, list(verdicts.values()), ())
    return by_old


def _record(one: Rewritten, verdict: Verdict | None) -> PartitionRecord:
    return replace(
        one.old.record,
        rows=one.staged.relation.rows,
        size_bytes=one.size_bytes,
        schema=[[c.name, c.type] for c in one.staged.relation.schema],
        path=one.path,
        digest=one.digest,
        verdict_id=verdict.id if verdict is not None else one.old.record.verdict_id,
        id=None,
    )


def _verdict(request: Request, one: Rewritten) -> Verdict:
    """What stands now on the partition: decided as before, whatever a judgement says today, and nobody is alarmed."""
    assert one.judgement is not None
    return Verdict(
        gate=GATE,
        table=request.table.name,
        partition=one.old.record.label,
        outcome=one.judgement.outcome,
        decision=Decision.PUBLISHED if one.published else Decision.QUARANTINED,
        violations=one.judgement.violations,
        alerts=(),
        profile=one.judgement.profile,
        judged_at=request.now,
        stored=True,
        judged=one.judgement.judged,
        id=uuid.uuid4().hex,
        notes=(*one.judgement.notes, f"{one.old.rows:,} rows were erased"),
    )


# --- snapshots ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sealed:
    """A snapshot's next version, written but not acknowledged yet."""

    old: VersionRecord
    version: VersionRecord
    lease: Lease
    made: Manifest
    held: Sequence[Held]
    keys: Sequence[str]

    def acknowledge(self, tx: Writer) -> VersionRecord:
        return intake.acknowledge(tx, self.version, self.lease, self.made, self.held, self.keys)


@contextlib.contextmanager
def sealed(stores: Stores, who: str, old: VersionRecord, by: Mapping[str, Rewritten]) -> Iterator[Sealed]:
    """The next version of a snapshot, its files as they are rewritten, by path; given up where the block fails."""
    before = materialise.manifest(stores, old)
    files = [_file(file, by.get(file.at or "")) for file in before.files]
    lineage = {**before.lineage, "erased_from": [old.ref]}
    of = {**before.of, "tables": _tables(before, by)} if before.of else {}
    with stores.catalog.read() as rx:
        until = retention.until(rx, stores.main)
    wanted = Wanted(old.name, old.kind, who, before.metadata, lineage, of, until)
    with intake.staged(stores, wanted) as (version, lease):
        made, held = intake.sealed(stores, wanted, version, files, ())
        yield Sealed(old, version, lease, made, held, [file.at for file in files if file.at])


def _file(file: File, by: Rewritten | None) -> File:
    """A file of a version that is pinned where it lies, as it is rewritten."""
    if by is None:
        return file
    folder, slash, _ = file.path.rpartition("/")
    path = f"{folder}/{PurePosixPath(by.path).name}" if slash else file.path
    sha256 = by.digest.rpartition(":")[2]
    return replace(file, path=path, sha256=sha256, size_bytes=by.size_bytes, at=by.path)


def _tables(before: Manifest, by: Mapping[str, Rewritten]) -> dict[str, Any]:
    """What the manifest says of its tables, with the rows that are left."""
    said = {name: dict(given) for name, given in before.of.get("tables", {}).items()}
    for table in snapshots.tables_of(before):
        gone = sum(by[f.at or ""].old.rows for f in snapshots.files_of(before, table) if f.at in by)
        said[table.name]["rows"] -= gone
    return said
