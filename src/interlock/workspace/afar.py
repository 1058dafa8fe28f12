"""Judging data where it is, on an engine whose rows stay there: in a job of its own, without a workspace."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from interlock import constraints, detect, profiles
from interlock.constraints.constraint import Constraint
from interlock.detect.history import Row
from interlock.engines.protocol import Afar
from interlock.gates import judge
from interlock.gates.judge import Rules
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Outcome
from interlock.profiles.profile import Profile

GATE = "write"


def history(past: Mapping[str, Profile]) -> detect.History:
    """What partitions' profiles, by label, teach; the same from every engine that made them."""
    return detect.History.of(Row(label, detect.features(profile)) for label, profile in past.items())


def check(
    engine: Afar,
    data: object,
    *,
    table: str,
    partition: str,
    past: Mapping[str, Profile] | None = None,
    require: Sequence[str | Constraint] = (),
    key: Sequence[str] = (),
    sensitive: Sequence[str] = (),
) -> Verdict:
    """Judge data where it is; store nothing. One look at the rows, one more for each broken row rule if there is a key.

    ``past`` are profiles of earlier partitions by label (`interlock.profiles.compute_by` makes them): what is
    learned of them alerts. ``require`` are declared constraints, which block. Without either, the outcome is
    inconclusive. The decision says what should become of the partition; nobody but the caller does it.
    """
    relation = engine.relation(data)
    declared = tuple(
        c if isinstance(c, Constraint) else constraints.parse(c, relation.schema) for c in require
    )
    rules = Rules(table=table, declared=declared, key=tuple(key), sensitive=frozenset(sensitive))
    now = dt.datetime.now(dt.UTC)
    prepared = judge.prepare(rules, relation.schema, now, engine.name)
    measured = judge.measure(engine, relation, rules, prepared)
    before = history({label: p for label, p in (past or {}).items() if label != partition})
    learned = detect.learn(before) if before.labels else None
    found = judge.judge(measured, rules, prepared, learned, partition, {})
    found = judge.with_samples(found, engine, relation, rules, learned)
    return Verdict(
        gate=GATE,
        table=table,
        partition=partition,
        outcome=found.outcome,
        decision=Decision.QUARANTINED if found.outcome is Outcome.FAIL else Decision.PUBLISHED,
        violations=found.violations,
        alerts=found.alerts,
        profile=measured,
        judged_at=now,
        stored=False,
        judged=found.judged,
        id=uuid.uuid4().hex,
        notes=found.notes,
    )


def past_of(engine: Afar, data: object, by: str, *, key: Sequence[str] = ()) -> dict[str, Profile]:
    """The profiles of data's partitions by the values of a column; one look at each."""
    return profiles.compute_by(engine, engine.relation(data), by, key=key)
