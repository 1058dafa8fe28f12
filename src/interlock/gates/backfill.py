"""Backfill: many partitions through the write gate in one pass and one commit."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path

from interlock import detect
from interlock.catalog import partitions, tables
from interlock.engines.duckdb import DuckDB
from interlock.engines.protocol import Relation
from interlock.errors import ColumnMissing, SchemaIncompatible, nearest
from interlock.gates import commit, decided, drift, incoming, judge, layout, repair, replay, staging, write
from interlock.gates.commit import Commit
from interlock.gates.incoming import Staged
from interlock.gates.judge import Prepared
from interlock.gates.request import Request
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Severity
from interlock.profiles import Profile, compute_by
from interlock.settings import current

Progress = Callable[[int, int], None]
BESIDE_ROWS_MAX = 2_000_000  # beyond, large partitions are likely, and their own files quicker to profile


def backfill(site: Site, request: Request, progress: Progress) -> tuple[list[Verdict], detect.History]:
    """Split by the partition column, profile all in one pass, judge one by one in order, commit once.

    Each partition is judged by those before it, as if they had come day by day;
    partitions already there are replaced. Also gives the history with the new
    partitions in it. Raises `ColumnMissing`, and
    `SchemaIncompatible` where the data as a whole does not fit the table.
    """
    name = request.table.name
    with (
        commit.one_writer(site, name),
        staging.begin(site.locks, site.staging, uuid.uuid4().hex, name, "several partitions") as place,
    ):
        data, schema = incoming.described(site, request.data)
        plan = _plan(site, request, data)
        column = request.table.partition or ""
        prepared = judge.prepare(request.rules, schema, request.now)
        with ThreadPoolExecutor(1, "interlock-staging") as beside:
            files = beside.submit(copy_context().run, _staged, data, place.path / "parts", column, plan)
            profiles = _profiles(site, request, _as_stored(data, plan, files), prepared)
            relations = files.result()
        commits: list[Commit] = []
        previous, history = dict(request.previous), request.history
        for done, label in enumerate(sorted(relations, key=partitions.label_order), start=1):
            staged = Staged(relations[label], schema, label, plan, incoming.typed(label))
            healthy = _healthy(site, request, label, commits)
            made = _one(site, request, staged, profiles[label], prepared, history, previous, healthy)
            previous = {v.constraint: v.since or label for v in made.verdict.violations}
            if made.verdict.decision is Decision.PUBLISHED:
                history = history.append(label, made.features)
            commits.append(made)
            progress(done, len(relations))
        verdicts = commit.commit(site, request, place, commits)
    decided.after(site, request, verdicts)
    return verdicts, history


def _plan(site: Site, request: Request, data: Relation) -> layout.Layout:
    column = request.table.partition
    names = [c.name for c in data.schema]
    if column not in names:
        raise ColumnMissing(
            f"the data has no column {column!r} to split by", hint=nearest(column or "", names)
        )
    with site.catalog.read() as rx:
        if tables.get(rx, request.table.name).lake_table_id is None:
            return layout.new_table(data.schema, {})
        plan = layout.existing_table(rx, request.table.name, site.engine, data, data.schema, {})
    if plan.problem is not None:
        raise SchemaIncompatible(
            plan.problem, hint="write the partitions one by one to quarantine those that don't fit"
        )
    return plan


def _staged(data: Relation, into: Path, column: str, plan: layout.Layout) -> dict[str, Relation]:
    """The partitions' files, written by an engine of this thread's own."""
    with DuckDB() as engine:
        return engine.stage_partitions(data, into, column, columns=plan.targets)


def _as_stored(data: Relation, plan: layout.Layout, files: Future[dict[str, Relation]]) -> Relation:
    """The rows as they will be stored: the data itself, while it is written, where that changes no column."""
    types = {c.name: c.type for c in data.schema}
    if data.rows <= BESIDE_ROWS_MAX and {t.name: t.type for t in plan.targets or ()} == types:
        return data
    relations = files.result().values()
    schema = next((r.schema for r in relations), data.schema)
    return Relation(tuple(r.files[0] for r in relations), schema, sum(r.rows for r in relations))


def _profiles(site: Site, request: Request, together: Relation, prepared: Prepared) -> dict[str, Profile]:
    """Every partition's profile, from one pass over all of them."""
    if not together.rows:
        return {}
    names = {c.name for c in together.schema}
    return compute_by(
        site.engine,
        together,
        request.table.partition or "",
        segments=tuple(s for s in request.rules.segments if s in names),
        key=request.rules.key if set(request.rules.key) <= names else (),
        checks=prepared.checks,
        dependencies=detect.asked(request.history.watch(), site.engine, together, request.rules.sensitive),
    )


def _healthy(site: Site, request: Request, label: str, commits: list[Commit]) -> replay.Healthy:
    """Healthy partitions before this one: of this backfill, then those that were there."""

    def healthy() -> list[tuple[str, Relation]]:
        most = current().replay_partitions
        own = [
            (c.staged.label, c.staged.relation)
            for c in reversed(commits)
            if c.published and all(a.severity is Severity.INFO for a in c.verdict.alerts)
        ]
        before = replay.stored(site, request, label)() if len(own) < most else []
        return [*own, *before][:most]

    return healthy


def _one(
    site: Site,
    request: Request,
    staged: Staged,
    measured: Profile,
    prepared: Prepared,
    history: detect.History,
    previous: dict[str, str],
    healthy: replay.Healthy,
) -> Commit:
    learned = write.learned_for(history, staged.label, request.rules)
    measured = replay.with_losses(site.engine, request, measured, staged.relation)
    drifted = tuple(drift.violations(request.rules.schema, staged.schema, staged.layout.fitting))
    judgement = judge.judge(
        measured, request.rules, prepared, learned, staged.label, previous, drifted=drifted
    )
    if repair.due(request.triggers, judgement.violations, request.rules):
        one = replace(request, history=history, previous=previous)
        staged, judgement = write.judged(site, one, staged)
    else:
        judgement = judge.with_samples(judgement, site.engine, staged.relation, request.rules, learned)
    verdict = write.verdict_of(request, staged, judgement, uuid.uuid4().hex, stored=True)
    verdict = replay.weighed(site, request, verdict, staged.relation, healthy)
    return Commit(staged, verdict, judgement.features)
