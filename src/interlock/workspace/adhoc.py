"""Judging data with no workspace: this file against those."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from interlock import constraints, detect, profiles
from interlock.constraints.constraint import Constraint
from interlock.engines.duckdb import DuckDB
from interlock.engines.protocol import Relation
from interlock.gates import drift, judge
from interlock.gates.judge import Rules
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Outcome
from interlock.profiles.profile import Profile
from interlock.workspace import past

GATE = "write"


def profile(data: object, *, segments: Sequence[str] = (), key: Sequence[str] = ()) -> Profile:
    """The statistics of any data, from one pass over it. Needs no workspace.

    ``data`` is a pandas, Polars or Arrow table, anything with the Arrow
    PyCapsule interface, or a path or glob of Parquet, CSV or JSON. Raises
    `InterlockError` subclasses for data that cannot be read.
    """
    with past.read(data), DuckDB() as engine:
        return profiles.compute(engine, engine.relation(data), segments=segments, key=key)


def check(
    data: object,
    *,
    against: object = None,
    require: Sequence[str | Constraint] = (),
    key: Sequence[str] = (),
) -> Verdict:
    """Judge data against other data that is held to be normal. Needs no workspace, stores nothing.

    Each file of ``against`` counts as a partition of history; a single file or
    table is cut into parts of the new data's size. With fewer than seven of either
    nothing is learned and the outcome is inconclusive. ``require`` are declared constraints; they block,
    what is learned alerts. Without either the outcome is inconclusive.
    """
    return judged(data, against, require, key)[0]


def judged(
    data: object, against: object = None, require: Sequence[str | Constraint] = (), key: Sequence[str] = ()
) -> tuple[Verdict, detect.History]:
    """`check`, and the history it judged by."""
    with past.read(data), DuckDB() as engine:
        relation = engine.relation(data)
        before = past.of(engine, against, data, relation.rows) if against is not None else past.Past({})
        before, relation = _comparable(before, against, relation, data)
        relation = past.fitted(engine, data, relation, before.schema)
        declared = tuple(
            c if isinstance(c, Constraint) else constraints.parse(c, relation.schema) for c in require
        )
        table, name = _named(data)
        rules = Rules(table=table, declared=declared, key=tuple(key), schema=before.schema)
        now = dt.datetime.now(dt.UTC)
        prepared = judge.prepare(rules, relation.schema, now)
        asked = tuple(d for d in before.dependencies if d.fits(relation.schema))
        measured = judge.measure(engine, relation, rules, prepared, asked)
        drifted = drift.of(engine, relation, before.schema)
        history, compared, label = before.judged_with(measured, name)
        learned = detect.learn(history) if history.labels else None
        found = judge.judge(compared, rules, prepared, learned, label, {}, drifted=drifted)
        found = judge.with_samples(found, engine, relation, rules, learned)
    notes = (*before.notes, *_short_of(before, learned, found)) if against is not None else found.notes
    verdict = Verdict(
        gate=GATE,
        table=table,
        partition=label,
        outcome=found.outcome,
        decision=Decision.QUARANTINED if found.outcome is Outcome.FAIL else Decision.PUBLISHED,
        violations=found.violations,
        alerts=tuple(replace(a, advice=_advice(data)) for a in found.alerts),
        profile=measured,
        judged_at=now,
        stored=False,
        judged=found.judged,
        id=uuid.uuid4().hex,
        notes=notes,
    )
    return verdict, history


def _comparable(
    before: past.Past, against: object, relation: Relation, data: object
) -> tuple[past.Past, Relation]:
    """Both without columns that stand in the path of one side only."""
    if before.schema is None:
        return before, relation
    now, then = [c.name for c in relation.schema], [c.name for c in before.schema]
    mine = past.told_by_path_alone(data, now, then)
    kept = tuple(c for c in relation.schema if c.name not in mine)
    return before.without(past.told_by_path_alone(against, then, now)), replace(relation, schema=kept)


def _named(data: object) -> tuple[str, str]:
    if not isinstance(data, str | os.PathLike):
        return "data", "new"
    path = Path(os.fspath(data))
    return path.parent.name or "data", past.name_of(path)


def _short_of(before: past.Past, learned: detect.Learned | None, found: judge.Judgement) -> tuple[str, ...]:
    """Said plainly: that nothing could be learned."""
    if (learned is not None and len(learned)) or not (before.profiles or found.judged):
        return ()
    return (past.few(before),)


def _advice(data: object) -> str | None:
    """The next command to type; there is no workspace in which anything could be accepted."""
    return (
        f"interlock profile {shlex.quote(os.fspath(data))}" if isinstance(data, str | os.PathLike) else None
    )
