"""The write gate: stage, judge, publish or quarantine, in one commit.

A partition is wholly published or not at all. The file is durable before the
commit; the lake's rows, the partition, its profile, its verdict and the ledger
entry are one transaction. Effects that are not data (triggers, ledger files)
follow the commit and are caught up after a crash.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlglot import exp

from interlock import detect, durable
from interlock.catalog import (
    ColumnStats,
    DataFile,
    PartitionRecord,
    State,
    TableRecord,
    VerdictRecord,
    Writer,
    foreign,
    lake,
    partitions,
    profiles,
    tables,
    verdicts,
)
from interlock.constraints.table_contract import Trigger
from interlock.engines.parquet import FileFacts
from interlock.engines.protocol import Relation
from interlock.engines.schema import Column, Kind, Schema
from interlock.errors import DataUnreadable, InterlockError, LedgerWarning, PartitionMixed
from interlock.gates import drift, judge, layout, repair, staging, trigger
from interlock.gates.judge import Judgement, Rules
from interlock.gates.site import Site, file_name
from interlock.gates.verdict import Verdict
from interlock.ledger import Ledger
from interlock.names import Decision, Outcome, partition_label
from interlock.profiles import Profile, mask, to_document
from interlock.settings import current

GATE = "write"


@dataclass(frozen=True, slots=True)
class Request:
    """One partition's data on its way through the gate."""

    table: TableRecord
    rules: Rules
    history: detect.History
    previous: Mapping[str, str]
    triggers: Sequence[Trigger]
    data: object
    label: str | None
    now: dt.datetime
    inconclusive_blocks: bool = False


@dataclass(frozen=True, slots=True)
class Staged:
    """Data as a durable file, with what storing it asks of the table."""

    relation: Relation
    schema: Schema
    label: str
    layout: layout.Layout
    value: Any = None


@dataclass(frozen=True, slots=True)
class Commit:
    """One judged partition ready for the commit."""

    staged: Staged
    verdict: Verdict
    features: detect.Features


def write(site: Site, request: Request) -> Verdict:
    """Put one partition through the gate and store the verdict, whatever it is.

    Raises `PartitionMixed`, `ColumnMissing`, `DataUnreadable` and the like for
    data that cannot be judged at all; then nothing is stored. `WorkspaceBusy`
    if another writer of this table doesn't let go.
    """
    write_id = uuid.uuid4().hex
    name = request.table.name
    with one_writer(site, name), staging.begin(site.staging, write_id, name, request.label or "?") as place:
        staged = stage(site, request, place.path / "data.parquet")
        staged, judgement = judged(site, request, staged)
        verdict = verdict_of(request, staged, judgement, write_id, stored=True)
        commit(site, request, place, [Commit(staged, verdict, judgement.features)])
    after(site, request, [verdict])
    return verdict


def check(site: Site, request: Request) -> Verdict:
    """What `write` would say. Nothing is stored, no trigger fires."""
    write_id = uuid.uuid4().hex
    with staging.begin(site.staging, write_id, request.table.name, request.label or "?") as place:
        staged = stage(site, request, place.path / "data.parquet")
        staged, judgement = judged(site, request, staged)
        return verdict_of(request, staged, judgement, write_id, stored=False)


def one_writer(site: Site, table: str) -> Any:
    """The lock that makes writers of one table take turns."""
    return durable.locked(site.lock(table), timeout_s=current().lock_timeout_s)


# --- stage ----------------------------------------------------------------------------


def stage(site: Site, request: Request, into: Path) -> Staged:
    """Write the data as one durable file in the table's layout."""
    data, schema = described(site, request.data)
    label, value, expressions, schema = _partition(site, request, data, schema)
    with site.catalog.read() as rx:
        known = tables.get(rx, request.table.name).lake_table_id is not None
        plan = (
            layout.existing_table(rx, request.table.name, site.engine, data, schema, expressions)
            if known
            else layout.new_table(schema, expressions)
        )
    relation = site.engine.stage(data, into, columns=plan.targets)
    return Staged(relation, schema, label, plan, value)


def described(site: Site, data: object) -> tuple[Relation, Schema]:
    """The data as something that can be scanned more than once, and its columns."""
    relation = site.engine.relation(data)
    if not relation.schema:
        raise DataUnreadable("the data has no columns")
    return relation, relation.schema


def _partition(
    site: Site, request: Request, data: Relation, schema: Schema
) -> tuple[str, Any, dict[str, exp.Expression], Schema]:
    """Which partition this is; the partition column is added where the data lacks it."""
    column = request.table.partition
    if column is None:
        return request.label or partition_label(request.now), None, {}, schema
    if column not in {c.name for c in schema}:
        if request.label is None:
            raise PartitionMixed(
                f"the data has no column {column!r} and no partition was named",
                hint="name the partition: write(data, value)",
            )
        value = typed(request.label)
        added = Column(column, _type_of(value), _kind_of(value))
        return request.label, value, {column: literal(value)}, (*schema, added)
    found = _values(site, data, column)
    labels = {partition_label(v) for v in found}
    if request.label is None:
        if len(labels) != 1:
            raise PartitionMixed(_mixed(column, labels), hint="backfill(data) splits it by that column")
        return labels.pop(), found[0], {}, schema
    if labels - {request.label}:
        raise PartitionMixed(
            f"the data for partition {request.label!r} holds rows where {column!r} is {_few(labels - {request.label})}",
            hint="backfill(data) splits it by that column",
        )
    return request.label, found[0] if found else typed(request.label), {}, schema


def _values(site: Site, data: Relation, column: str) -> list[Any]:
    item = exp.column(column, quoted=True)
    query = exp.select(item).distinct().from_(site.engine.source(data)).limit(6)
    return [row[0] for row in site.engine.run(query).rows()]


def _mixed(column: str, labels: set[str]) -> str:
    if not labels:
        return f"the data has no rows and no partition was named, so {column!r} is unknown"
    return f"the data holds several partitions: {column!r} is {_few(labels)}"


def _few(labels: set[str]) -> str:
    shown = sorted(labels)[:3]
    return ", ".join(map(repr, shown)) + (" …" if len(labels) > len(shown) else "")


def typed(label: str) -> Any:
    """The value a partition label stands for: a number, date or moment if it reads as one and is written so."""
    if label == partition_label(None):
        return None
    for parse in (int, dt.date.fromisoformat, dt.datetime.fromisoformat):
        with contextlib.suppress(ValueError):
            value = parse(label)
            if partition_label(value) == label:
                return value
    return label


def literal(value: Any) -> exp.Expression:
    """A Python value as SQL."""
    made = exp.convert(value)
    assert isinstance(made, exp.Expression)
    return made


def _type_of(value: Any) -> str:
    names = {int: "BIGINT", dt.date: "DATE", dt.datetime: "TIMESTAMP"}
    return names.get(type(value), "VARCHAR")


def _kind_of(value: Any) -> Kind:
    kinds = {int: Kind.INTEGER, dt.date: Kind.DATE, dt.datetime: Kind.TIMESTAMP}
    return kinds.get(type(value), Kind.TEXT)


# --- judge ----------------------------------------------------------------------------


def judged(site: Site, request: Request, staged: Staged) -> tuple[Staged, Judgement]:
    """Profile and judge a staged file; repaired and judged again where the contract says so."""
    judgement = _judge(site, request, staged)
    repairs = repair.due(request.triggers, judgement.violations, request.rules)
    if not repairs or staged.layout.targets is None:
        return staged, judgement
    mended = repair.apply(site.engine, staged.relation, staged.layout.targets, repairs)
    again = Staged(mended, staged.schema, staged.label, staged.layout, staged.value)
    return again, repair.noted(_judge(site, request, again), judgement, repairs)


def learned_for(history: detect.History, label: str) -> detect.Learned | None:
    """What the other partitions teach; a partition that is written again does not judge itself."""
    others = history.without(label)
    return detect.learn(others) if others.labels else None


def _judge(site: Site, request: Request, staged: Staged) -> Judgement:
    learned = learned_for(request.history, staged.label)
    prepared = judge.prepare(request.rules, staged.relation.schema, request.now)
    measured = judge.measure(site.engine, staged.relation, request.rules, prepared)
    drifted = tuple(
        drift.violations(request.rules.schema, staged.schema, staged.layout.fitting, staged.layout.problem)
    )
    found = judge.judge(
        measured, request.rules, prepared, learned, staged.label, request.previous, drifted=drifted
    )
    return judge.with_samples(found, site.engine, staged.relation, request.rules, learned)


def decide(outcome: Outcome, staged: Staged, *, inconclusive_blocks: bool = False) -> Decision:
    """What blocks and what only alerts: fail quarantines, and so does what cannot be stored."""
    if outcome is Outcome.FAIL or staged.layout.problem is not None:
        return Decision.QUARANTINED
    if outcome is Outcome.INCONCLUSIVE and inconclusive_blocks:
        return Decision.QUARANTINED
    return Decision.PUBLISHED


def verdict_of(request: Request, staged: Staged, judgement: Judgement, id_: str, *, stored: bool) -> Verdict:
    """The judgement as a verdict of this gate."""
    notes = judgement.notes
    if staged.layout.problem is not None:
        notes = (*notes, f"cannot be published: {staged.layout.problem}")
    return Verdict(
        gate=GATE,
        table=request.table.name,
        partition=staged.label,
        outcome=judgement.outcome,
        decision=decide(judgement.outcome, staged, inconclusive_blocks=request.inconclusive_blocks),
        violations=judgement.violations,
        alerts=judgement.alerts,
        profile=judgement.profile,
        judged_at=request.now,
        stored=stored,
        judged=judgement.judged,
        id=id_,
        notes=notes,
    )


# --- commit ---------------------------------------------------------------------------


def commit(site: Site, request: Request, place: staging.Staging, commits: Sequence[Commit]) -> None:
    """Publish or quarantine judged partitions, all in one transaction.

    Files are moved where they belong just before the commit; a crash in between
    leaves files nobody refers to, which the next start removes.
    """
    good = [c for c in commits if c.verdict.decision is Decision.PUBLISHED]
    held = [c for c in commits if c.verdict.decision is not Decision.PUBLISHED]
    seen = site.engine.parquet_facts([c.staged.relation.files[0] for c in good]) if good else []
    facts = dict(zip((c.verdict.id for c in good), seen, strict=True))
    with place.undone_on_error(site.catalog), site.catalog.write() as tx:
        name = request.table.name
        if good:
            for columns in dict.fromkeys(c.staged.layout.columns for c in good):
                ensure_lake_table(tx, request.table, columns)
        homes = {c.verdict.id: _home(site, tx, request.table, c) for c in commits}
        place.announce(list(homes.values()))
        durable.move_all({c.staged.relation.files[0]: homes[c.verdict.id] for c in commits})
        replaced = list(partitions.current_of(tx, name, (c.staged.label for c in good)).values())
        labels = {c.staged.label for c in commits}
        superseded = [
            p.id for p in partitions.quarantined(tx, name) if p.label in labels and p.id is not None
        ]
        partitions.move(tx, superseded, State.REPLACED)
        published = None
        if good:
            files = [
                data_file(lake.folder(tx, name), homes[c.verdict.id], facts[c.verdict.id], c.staged.value)
                for c in good
            ]
            gone = [p.data_file_id for p in replaced if p.data_file_id is not None]
            gone += past_the_gate(tx, name, [c.staged.value for c in good])
            published = lake.publish(tx, name, files, gone, author="interlock", message=_message(good))
            partitions.move(tx, [p.id for p in replaced if p.id is not None], State.REPLACED)
        file_ids = dict(
            zip((c.verdict.id for c in good), published.data_file_ids if published else (), strict=True)
        )
        records = [
            _record(
                site,
                request,
                c,
                homes[c.verdict.id],
                file_ids.get(c.verdict.id),
                published.snapshot_id if published else None,
            )
            for c in (*good, *held)
        ]
        ids = partitions.add_all(tx, records)
        profiles.put_all(
            tx,
            [
                profile_row(i, c.verdict.profile, c.features, request.rules)
                for i, c in zip(ids, (*good, *held), strict=True)
            ],
        )
        store_verdicts(tx, [c.verdict for c in commits], request.triggers)


def ensure_lake_table(tx: Writer, table: TableRecord, columns: layout.Columns) -> None:
    """Create the lake table, or evolve it to hold ``columns``."""
    record = tables.get(tx, table.name)
    if record.lake_table_id is None:
        table_id = lake.create_table(tx, table.name, columns, table.partition)
        tables.put(tx, replace(record, lake_table_id=table_id))
    else:
        lake.evolve(tx, table.name, columns)


def store_verdicts(tx: Writer, judged_: Sequence[Verdict], triggers: Sequence[Trigger]) -> None:
    """Verdicts, each with its ledger entry and the triggers it sets off."""
    rows: list[tuple[VerdictRecord, Mapping[str, Any] | None]] = []
    for v in judged_:
        record = VerdictRecord(
            v.id,
            v.table,
            v.partition,
            v.gate,
            v.outcome.value,
            v.decision.value,
            v.judged_at,
            plain(v.to_dict()),
        )
        rows.append((record, {"rows": v.profile.rows, "broken": [x.constraint for x in v.violations][:50]}))
    verdicts.put_all(tx, rows)
    for v in judged_:
        trigger.put(tx, v, triggers)


def plain(document: Any) -> Any:
    """Plain JSON values: what a sample row holds may be a date or a decimal."""
    if isinstance(document, Mapping):
        return {str(k): plain(v) for k, v in document.items()}
    if isinstance(document, list | tuple):
        return [plain(v) for v in document]
    if isinstance(document, float) and (document != document or document in (float("inf"), float("-inf"))):
        return str(document)
    if document is None or isinstance(document, bool | int | float | str):
        return document
    return str(document)


def after(site: Site, request: Request, judged_: Sequence[Verdict]) -> None:
    """What follows a commit: the ledger's files and the triggers. Failing here changes no verdict."""
    project(site)
    try:
        trigger.run_pending(site, request.table.name, request.triggers, {v.id: v for v in judged_})
    except InterlockError as error:
        warnings.warn(
            f"committed, but its triggers wait for the next write: {error}", LedgerWarning, stacklevel=2
        )


def project(site: Site) -> None:
    """Bring the ledger's files up to the commit; a warning where they cannot be extended."""
    try:
        Ledger(site.ledger).project(site.catalog)
    except InterlockError as error:
        warnings.warn(
            f"committed, but the ledger's files were not extended: {error}", LedgerWarning, stacklevel=2
        )


def past_the_gate(tx: Writer, table: str, values: Sequence[Any]) -> list[int]:
    """Files that others put into these partitions of the lake: writing a partition again replaces them too."""
    others = set(foreign.files(tx, table))
    if not others or tables.get(tx, table).partition is None:
        return []
    return sorted(others & {id_ for value in values for id_ in lake.partition_files(tx, table, value)})


def _home(site: Site, tx: Writer, table: TableRecord, c: Commit) -> Path:
    if c.verdict.decision is not Decision.PUBLISHED:
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
    site: Site, request: Request, c: Commit, path: Path, file_id: int | None, snapshot_id: int | None
) -> PartitionRecord:
    published = file_id is not None
    return PartitionRecord(
        table=request.table.name,
        label=c.staged.label,
        state=State.PUBLISHED if published else State.QUARANTINED,
        rows=c.staged.relation.rows,
        size_bytes=path.stat().st_size,
        loaded_at=request.now,
        schema=[[k.name, k.type] for k in c.staged.relation.schema],
        path=str(path.relative_to(site.folder)),
        data_file_id=file_id,
        snapshot_id=snapshot_id if published else None,
        verdict_id=c.verdict.id,
    )


def profile_row(
    partition_id: int, profiled: Profile, features: detect.Features, rules: Rules
) -> tuple[int, Mapping[str, Any], bytes, Sequence[str], Mapping[str, Any]]:
    """A profile as the catalog keeps it: without the values of sensitive columns."""
    names, vector, domains = features.pack()
    kept = {column: values for column, values in domains.items() if column not in rules.sensitive}
    document = to_document(mask(profiled, rules.sensitive))
    return partition_id, document, vector, names, kept


def _message(good: Sequence[Commit]) -> str:
    first = good[0].staged.label
    return first if len(good) == 1 else f"{first} … {good[-1].staged.label} ({len(good)} partitions)"
