"""Repair: mend rows that break a constraint before the partition is published.

The contract names the constraint and the action. Every repaired row is counted
and the verdict says so; what was repaired stays on record as a violation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from interlock import constraints
from interlock.constraints.constraint import Constraint, Level, Violation
from interlock.constraints.table_contract import Repair, Trigger
from interlock.engines.duckdb import DuckDB
from interlock.engines.protocol import Relation, Target
from interlock.errors import UsageError
from interlock.gates.judge import Judgement, Rules
from interlock.names import Outcome, Severity

DONE = {
    "null": "set to NULL",
    "clamp": "clamped to the nearest allowed value",
    "drop": "dropped",
}


@dataclass(frozen=True, slots=True)
class Due:
    """A repair whose constraint is broken."""

    repair: Repair
    constraint: Constraint
    violation: Violation


def due(triggers: Sequence[Trigger], violations: Sequence[Violation], rules: Rules) -> tuple[Due, ...]:
    """The declared repairs whose row-level constraint these violations break."""
    broken = {v.constraint: v for v in violations if v.outcome is Outcome.FAIL and v.rows}
    by_name = {c.name: c for c in rules.declared if c.level is Level.ROW and not c.references}
    return tuple(
        Due(r, by_name[r.constraint], broken[r.constraint])
        for r in (t.target for t in triggers)
        if isinstance(r, Repair) and r.constraint in broken and r.constraint in by_name
    )


def apply(engine: DuckDB, relation: Relation, targets: Sequence[Target], repairs: Sequence[Due]) -> Relation:
    """The staged file written once more with the repairs made, all in one statement."""
    source = engine.source(relation)
    keep: list[exp.Expression] = []
    values: dict[str, exp.Expression] = {}
    for one in repairs:
        broken = constraints.violating(one.constraint, relation.schema, source)
        if broken is None:
            raise UsageError(f"{one.constraint.name} cannot be repaired row by row")
        if one.repair.action == "drop":
            keep.append(exp.Not(this=exp.Paren(this=exp.Coalesce(this=broken, expressions=[exp.false()]))))
            continue
        column = _column(one)
        before = values.get(column, exp.column(column, quoted=True))
        mended = exp.Null() if one.repair.action == "null" else _clamped(one.constraint, before)
        values[column] = exp.Case().when(broken, mended).else_(before.copy())
    mended_targets = [
        replace(t, expression=values.get(t.name))
        for t in targets
        if any(t.name == c.name for c in relation.schema)
    ]
    into = relation.files[0].with_name("repaired.parquet")
    return engine.stage(relation, into, columns=mended_targets, where=conjunction(keep))


def noted(after: Judgement, before: Judgement, repairs: Sequence[Due]) -> Judgement:
    """The judgement of the repaired rows; what was repaired stays visible and no longer blocks."""
    names = {one.constraint.name for one in repairs}
    still = {v.constraint for v in after.violations}
    mended = tuple(
        v.with_(blocking=False, severity=Severity.INFO, observed=f"{v.observed}; repaired")
        for v in before.violations
        if v.constraint in names - still
    )
    notes = tuple(
        f"{one.violation.rows:,} rows that broke {one.constraint.name} were {DONE[one.repair.action]}"
        for one in repairs
        if one.constraint.name not in still
    )
    return replace(after, violations=(*after.violations, *mended), notes=(*after.notes, *notes))


def conjunction(conditions: Sequence[exp.Expression]) -> exp.Expression | None:
    """All of them; None where there are none."""
    whole: exp.Expression | None = None
    for condition in conditions:
        whole = condition if whole is None else exp.And(this=whole, expression=condition)
    return whole


def _column(one: Due) -> str:
    if len(one.constraint.columns) != 1:
        raise UsageError(
            f"{one.constraint.name} uses {len(one.constraint.columns)} columns: which to repair is unclear",
            hint="repair it with drop, or give the constraint one column",
        )
    return one.constraint.columns[0]


def _clamped(constraint: Constraint, value: exp.Expression) -> exp.Expression:
    limits = constraints.limits(constraint)
    if limits is None:
        raise UsageError(
            f"{constraint.name} is no plain range, so its rows cannot be clamped",
            hint="write it as `column BETWEEN low AND high`, or repair it with null or drop",
        )
    low, high = limits
    clamped = value.copy()
    if low is not None:
        clamped = exp.Greatest(this=clamped, expressions=[low])
    if high is not None:
        clamped = exp.Least(this=clamped, expressions=[high])
    return clamped
