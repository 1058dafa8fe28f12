"""Judging one partition: a profile in one pass, then every constraint's answer.

Pure with regard to the workspace: reads data, returns values. The gates turn a
`Judgement` into a verdict and act on it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from interlock import alerts, constraints, detect, profiles
from interlock.alerts.alert import Alert
from interlock.alerts.cause import MASKED
from interlock.constraints.constraint import Constraint, Violation
from interlock.engines.protocol import Afar, Engine, Relation
from interlock.engines.schema import Schema
from interlock.gates.verdict import outcome_of
from interlock.names import Origin, Outcome, Severity
from interlock.profiles.profile import Profile
from interlock.settings import current


@dataclass(frozen=True, slots=True)
class Rules:
    """What a table promises: everything a judgement needs besides the data.

    ``enforced`` holds the names of learned constraints that block, ``"*"`` for
    all. ``sensitivity`` says how many false alarms are accepted of what was learned.
    ``schema`` is what the table holds today, None for a new table.
    ``show_all`` lets a sample show whole rows, not the key alone.
    """

    table: str
    declared: tuple[Constraint, ...] = ()
    enforced: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    sensitive: frozenset[str] = frozenset()
    show_all: bool = False
    schema: Schema | None = None
    source_of: Callable[[str], exp.Expression | None] | None = None
    sensitivity: detect.Sensitivity = detect.NORMAL

    def hides(self, column: str | None) -> bool:
        """Whether a column's values must not be quoted, however its name is written."""
        return column is not None and column.casefold() in {name.casefold() for name in self.sensitive}

    def blocks(self, violation: Violation) -> bool:
        """Declared and accepted constraints say so themselves; learned ones only when enforced.

        A note (severity ``info``) or mild break of something learned never blocks:
        one new value among thousands is no reason to hold back a day, unless that
        constraint was enforced by name.
        """
        if violation.origin is not Origin.LEARNED:
            return violation.blocking
        if violation.severity is Severity.INFO or violation.mild:
            return violation.constraint in self.enforced
        return "*" in self.enforced or violation.constraint in self.enforced


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was seen and what it breaks."""

    profile: Profile
    features: detect.Features
    violations: tuple[Violation, ...]
    alerts: tuple[Alert, ...]
    outcome: Outcome
    judged: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Declared constraints made ready for one schema: their aggregates join the profile's pass."""

    compiled: tuple[constraints.Compiled, ...]
    checks: Mapping[str, tuple[exp.Expression, ...]] = field(default_factory=dict)


def prepare(rules: Rules, schema: Schema, now: dt.datetime, engine: str = "duckdb") -> Prepared:
    """Compile every declared constraint for ``schema``, in the SQL of the engine of that name."""
    emitter = constraints.EMITTERS[engine]
    compiled = tuple(
        constraints.compile(c, schema, now=now, source_of=rules.source_of, emitter=emitter)
        for c in rules.declared
    )
    return Prepared(compiled, {c.constraint.name: c.checks for c in compiled if c.checks})


def measure(
    engine: Engine | Afar,
    relation: Relation,
    rules: Rules,
    prepared: Prepared,
    dependencies: Sequence[profiles.Dependency] = (),
) -> Profile:
    """The one pass over the data: statistics, segments, every constraint's and dependency's counts."""
    names = {c.name for c in relation.schema}
    if prepared.checks:
        constraints.provide(engine)
    return profiles.compute(
        engine,
        relation,
        segments=tuple(s for s in rules.segments if s in names),
        key=rules.key if set(rules.key) <= names else (),
        checks=prepared.checks,
        dependencies=dependencies,
    )


def judge(
    profiled: Profile,
    rules: Rules,
    prepared: Prepared,
    learned: detect.Learned | None,
    label: str,
    previous: Mapping[str, str],
    *,
    drifted: Sequence[Violation] = (),
) -> Judgement:
    """Every constraint's answer on a profile, with blame grouped into alerts.

    ``previous`` maps the constraints the partition before broke to the label that
    series began with, which it keeps. ``drifted`` is what the schema broke.
    """
    found = list(drifted)
    features = detect.features(profiled)
    doubts = []
    for compiled in prepared.compiled:
        values = profiled.checks.get(compiled.constraint.name, ())
        violation = constraints.judge(compiled, values, profiled.rows, sensitive=rules.sensitive)
        if violation is not None:
            found.append(violation)
        elif doubt := constraints.doubt(compiled, values, sensitive=rules.sensitive):
            doubts.append(f"{compiled.constraint.name} holds, but {doubt}")
    if learned is not None:
        found.extend(learned.judge_features(features, label))
    violations = tuple(
        _mask(v.with_(blocking=rules.blocks(v), since=previous.get(v.constraint, label)), rules)
        for v in found
    )
    judged = len(prepared.compiled) + (len(learned) if learned is not None else 0)
    return Judgement(
        profile=profiled,
        features=features,
        violations=violations,
        alerts=alerts.group(
            violations,
            table=rules.table,
            label=label,
            learned=learned,
            profile=profiled,
            sensitive=rules.sensitive,
            key=rules.key,
        ),
        outcome=outcome_of(violations) if judged else Outcome.INCONCLUSIVE,
        judged=judged,
        notes=(*_notes(profiled, judged), *doubts),
    )


def _notes(profiled: Profile, judged: int) -> Iterator[str]:
    if not judged:
        yield "nothing to judge by yet: no constraint is declared and there is no history"
    for model, loss in profiled.losses.items():
        if loss.problem is not None:
            yield f"the loss of {model} was not measured: {loss.problem}"


def with_samples(
    judgement: Judgement,
    engine: Engine | Afar,
    relation: Relation,
    rules: Rules,
    learned: detect.Learned | None,
) -> Judgement:
    """The same judgement, its row-level violations carrying a few failing rows.

    One more statement per violated row-level constraint, none for a clean
    partition. Shows the key only, unless the contract allows more; sensitive
    columns are masked.
    """
    if not judgement.violations:
        return judgement
    by_name = {c.name: c for c in (*rules.declared, *(learned.constraints if learned is not None else ()))}
    names = {c.name for c in relation.schema}
    wanted = tuple(c.name for c in relation.schema) if rules.show_all else rules.key
    show = tuple(c for c in wanted if c in names)
    if not show:
        return judgement

    def sampled(violation: Violation) -> Violation:
        constraint = by_name.get(violation.constraint)
        if (
            constraint is None
            or violation.outcome is not Outcome.FAIL
            or not set(constraint.columns) <= names
        ):
            return violation
        query = constraints.failing_rows(
            constraint,
            relation.schema,
            engine.source(relation),
            show,
            current().sample_keys,
            source_of=rules.source_of,
            emitter=constraints.EMITTERS[engine.name],
        )
        if query is None:
            return violation
        rows = engine.run(query).rows()
        return violation.with_(
            sample=tuple(
                {c: MASKED if rules.hides(c) else value for c, value in zip(show, row, strict=True)}
                for row in rows
            )
        )

    renewed = {id(v): sampled(v) for v in judgement.violations}
    return replace(
        judgement,
        violations=tuple(renewed[id(v)] for v in judgement.violations),
        alerts=tuple(
            replace(a, violations=tuple(renewed.get(id(v), v) for v in a.violations))
            for a in judgement.alerts
        ),
    )


def _mask(violation: Violation, rules: Rules) -> Violation:
    """Without the values of sensitive columns: what was seen and expected, a learned name and a segment quote cells."""
    if violation.segment is not None and rules.hides(violation.segment[0]):
        name = f"{violation.column}_{violation.statistic}_{violation.segment[0]}"
        violation = violation.with_(
            constraint=name, segment=(violation.segment[0], MASKED), observed=MASKED, expected=MASKED
        )
    if not any(map(rules.hides, (violation.column, *violation.columns))):
        return violation
    if violation.origin is Origin.LEARNED:
        violation = violation.with_(constraint=f"{violation.column}_{violation.statistic}")
    elif violation.rows is not None:  # a count tells no value
        return violation
    return violation.with_(observed=MASKED, expected=MASKED)
