"""Judging data with no workspace: this file against those."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sqlglot import exp

from interlock import constraints, detect
from interlock import profile as profiles
from interlock.constraints.constraint import Constraint
from interlock.engines.duckdb import DuckDB
from interlock.engines.inputs import Files, recognise
from interlock.engines.protocol import ROW, Relation, Target
from interlock.engines.schema import Schema
from interlock.gates import drift, judge
from interlock.gates.judge import Rules
from interlock.gates.label import label_of
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Outcome
from interlock.profile.profile import Profile

GATE = "write"
SLICES_MAX = 60  # a single file of history is cut into at most this many, to see how much it varies
SLICE_ROWS_MIN = 100
SLICE = "interlock slice"


def profile(data: object, *, segments: Sequence[str] = (), key: Sequence[str] = ()) -> Profile:
    """The statistics of any data, from one pass over it. Needs no workspace.

    ``data`` is a pandas, Polars or Arrow table, anything with the Arrow
    PyCapsule interface, or a path or glob of Parquet, CSV or JSON. Raises
    `InterlockError` subclasses for data that cannot be read.
    """
    with DuckDB() as engine:
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
    table is cut into slices. ``require`` are declared constraints; they block,
    what is learned alerts. Without either the outcome is inconclusive.
    """
    with DuckDB() as engine:
        relation = engine.relation(data)
        history, schema = _history(engine, against, relation.rows) if against is not None else (detect.History(), None)
        learned = detect.learn(history) if history.labels else None
        declared = tuple(c if isinstance(c, Constraint) else constraints.parse(c, relation.schema) for c in require)
        name, label = _named(data)
        rules = Rules(table=name, declared=declared, key=tuple(key), schema=schema)
        now = dt.datetime.now(dt.UTC)
        prepared = judge.prepare(rules, relation.schema, now)
        measured = judge.measure(engine, relation, rules, prepared)
        drifted = drift.of(engine, relation, schema)
        found = judge.judge(measured, rules, prepared, learned, label, {}, drifted=drifted)
        found = judge.with_samples(found, engine, relation, rules, learned)
        return Verdict(
            gate=GATE,
            table=name,
            partition=label,
            outcome=found.outcome,
            decision=Decision.QUARANTINED if found.outcome is Outcome.FAIL else Decision.PUBLISHED,
            violations=found.violations,
            alerts=found.alerts,
            profile=found.profile,
            judged_at=now,
            stored=False,
            judged=found.judged,
            id=uuid.uuid4().hex,
            notes=found.notes,
        )


def _named(data: object) -> tuple[str, str]:
    if not isinstance(data, str | os.PathLike):
        return "data", "new"
    path = Path(os.fspath(data))
    return path.parent.name or "data", label_of(path)


def _history(engine: DuckDB, against: object, rows: int) -> tuple[detect.History, Schema | None]:
    """What is normal, and its columns: a row of history for each file, or for each slice of a single one."""
    given = recognise(against)
    if not isinstance(given, Files) or len(given.paths) == 1:
        relation = engine.relation(against)
        return _rows(_slices(engine, relation, rows)), relation.schema
    relations = {p: engine.relation(str(p)) for p in given.paths}
    labels = {p: label_of(p) for p in relations}
    if len(set(labels.values())) < len(labels):
        labels = {p: p.name for p in relations}
    profiled = {labels[p]: profiles.compute(engine, r) for p, r in relations.items()}
    return _rows(profiled), relations[given.paths[-1]].schema


def _rows(profiled: Mapping[str, Profile]) -> detect.History:
    return detect.History.of(detect.Row(label, detect.features(p)) for label, p in profiled.items())


def _slices(engine: DuckDB, relation: Relation, rows: int) -> dict[str, Profile]:
    """Profiles of runs of about as many rows as the new data has, from one pass."""
    size = max(rows, SLICE_ROWS_MIN, -(-relation.rows // SLICES_MAX))
    number = exp.IntDiv(this=exp.column(ROW), expression=exp.Literal.number(size))
    targets = [*(Target(c.name, c.type) for c in relation.schema), Target(SLICE, "BIGINT", expression=number)]
    cut = engine.stage(relation, engine.temporary(), columns=targets)
    return {
        f"slice {label}": replace(p, columns={k: v for k, v in p.columns.items() if k != SLICE})
        for label, p in profiles.compute_by(engine, cut, SLICE).items()
    }
