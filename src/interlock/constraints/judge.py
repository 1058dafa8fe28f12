"""From the aggregates' values to a violation, in words with the threshold used."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from interlock.constraints import emit
from interlock.constraints.compile import Compiled, hides
from interlock.constraints.constraint import Constraint, Level, Violation
from interlock.names import Outcome

ROUNDING = 1e-9  # how far sums of floats may be off, as a part of the value
_CLOSE = ", within its error bound of the limit"
_STATISTICS = {
    "not_null": "nulls",
    "unique": "duplicates",
    "in_set": "domain",
    "references": "references",
    "matches": "pattern",
    "fresh": "freshness",
}


def judge(
    compiled: Compiled, values: Sequence[Any], rows: int, *, sensitive: Collection[str] = ()
) -> Violation | None:
    """The violation that ``values`` of ``compiled.checks`` over ``rows`` rows show, or None.

    A row-level constraint is broken where more than its tolerance of rows are
    false or could not be evaluated; NULL is no violation, and neither is an
    empty partition. A table-level one is broken where it is false or could not
    be evaluated, and inconclusive where it is NULL.
    """
    constraint = compiled.constraint
    if compiled.broken is not None:
        return violation(constraint, compiled.broken, constraint.sql)
    if compiled.inconclusive is not None:
        return violation(constraint, compiled.inconclusive, constraint.sql, outcome=Outcome.INCONCLUSIVE)
    if constraint.kind == "unique":
        return _unique(constraint, int(values[0]), int(values[1]), rows)
    if constraint.level is Level.ROW:
        errors = int(values[1]) if compiled.counts_errors else 0
        return _rows(constraint, int(values[0]), errors, rows)
    return _partition(compiled, values, hidden=hides(compiled, sensitive))


def violation(
    constraint: Constraint,
    observed: str,
    expected: str,
    *,
    outcome: Outcome = Outcome.FAIL,
    rows: int | None = None,
    share: float | None = None,
) -> Violation:
    return Violation(
        constraint=constraint.name,
        column=constraint.columns[0] if constraint.columns else None,
        statistic=_STATISTICS.get(constraint.kind, constraint.kind),
        observed=observed,
        expected=expected,
        rows=rows,
        share=share,
        severity=constraint.severity,
        outcome=outcome,
        origin=constraint.origin,
        blocking=constraint.block,
        columns=constraint.columns,
    )


def percent(share: float) -> str:
    """A share as a person reads it: 0.5 → ``50%``, tiny ones not as 0."""
    return f"{share * 100:.3g}%" if share >= 0.0001 else "<0.01%"


def _rows(constraint: Constraint, broken: int, errors: int, rows: int) -> Violation | None:
    share = broken / rows if rows else 0.0
    if share <= constraint.tolerance:
        return None
    observed = f"{broken:,} of {rows:,} rows ({percent(share)})"
    if errors:
        observed += f", {errors:,} of them could not be evaluated"
    allowed = (
        f", at most {percent(constraint.tolerance)} of rows may break it" if constraint.tolerance else ""
    )
    return violation(constraint, observed, constraint.sql + allowed, rows=broken, share=share)


def _unique(constraint: Constraint, present: int, distinct: int, rows: int) -> Violation | None:
    repeated = present - distinct
    if repeated <= 0:
        return None
    share = repeated / rows if rows else 0.0
    observed = f"{repeated:,} of {rows:,} rows repeat an earlier one ({percent(share)})"
    return violation(constraint, observed, constraint.sql, rows=repeated, share=share)


def _partition(compiled: Compiled, values: Sequence[Any], *, hidden: bool) -> Violation | None:
    constraint = compiled.constraint
    errors = int(values[1] or 0) if compiled.counts_errors else 0
    code = int(values[0])
    if code == emit.TRUE and not errors:
        return None
    given = values[2 if compiled.counts_errors else 1 :]
    shown = _shown(compiled, given, hidden=hidden)
    expected = f"{compiled.shown[0]} {compiled.limit}" if compiled.limit else constraint.sql
    if errors:
        return violation(constraint, f"{errors:,} rows could not be evaluated", expected, rows=errors)
    if code == emit.NULL:
        return violation(constraint, f"{shown}: nothing to judge by", expected, outcome=Outcome.INCONCLUSIVE)
    if code != emit.FALSE:
        return violation(constraint, f"{shown}: could not be evaluated", expected)
    return violation(constraint, shown + (_CLOSE if _close(compiled, given) else ""), expected)


def doubt(compiled: Compiled, values: Sequence[Any], *, sensitive: Collection[str] = ()) -> str | None:
    """What was seen of a constraint that holds, but only within the error bound of a rounded value; else None."""
    if not compiled.limits or int(values[0]) != emit.TRUE:
        return None
    given = values[2 if compiled.counts_errors else 1 :]
    if not _close(compiled, given):
        return None
    return f"{_shown(compiled, given, hidden=hides(compiled, sensitive))}{_CLOSE}"


def _close(compiled: Compiled, values: Sequence[Any]) -> bool:
    """Whether a rounded value lies so near a limit that it may as well be beyond it."""
    found = dict(zip(compiled.shown, values, strict=True))
    return any(
        found.get(name) is not None and math.isclose(float(found[name]), limit, rel_tol=ROUNDING)
        for name, limit in compiled.limits
    )


def _shown(compiled: Compiled, values: Sequence[Any], *, hidden: bool) -> str:
    parts = []
    for text, value, revealing in zip(compiled.shown, values, compiled.revealing, strict=True):
        if hidden and revealing:
            value = "(hidden)"
        parts.append(f"{text} = {'NULL' if value is None else value}")
    return ", ".join(parts)
