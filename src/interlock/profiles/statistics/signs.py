"""How many numbers are zero, and how many negative."""

from __future__ import annotations

import bisect
from typing import Any

from interlock.profiles.statistics.family import Counts, Family, Meaning, Scope, State, Values, add


def _aggregates(scope: Scope) -> tuple[str, ...]:
    """Nothing is counted that the bounds already rule out."""
    low, high = scope.bounds or (-1, 1)
    zeros = scope.sql.count_if(f"{scope.x} = 0") if low <= 0 <= high else "0"
    return zeros, scope.sql.count_if(f"{scope.finite} < 0") if low < 0 else "0"


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    return {"zeros": row[0] or 0, "negatives": row[1] or 0}  # count_if of no rows is NULL


def _count(scope: Scope, counts: Counts) -> Values:
    below = bisect.bisect_left(counts.values, 0)
    zero = below < len(counts.values) and counts.values[below] == 0
    return {"zeros": counts.counts[below] if zero else 0, "negatives": sum(counts.counts[:below])}


def _merge(a: State, b: State) -> Values:
    return {name: add(a, b, name) for name in FAMILY.means}


FAMILY = Family(
    means={
        "zeros": Meaning("Rows equal to zero.", "rows"),
        "negatives": Meaning("Finite numbers below zero.", "rows"),
    },
    applies=lambda column: column.kind.numeric,
    over_rows=_aggregates,
    read=_read,
    count=_count,
    merge=_merge,
)
