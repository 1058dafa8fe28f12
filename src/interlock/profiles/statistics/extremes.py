"""The smallest and the largest value."""

from __future__ import annotations

from typing import Any

from interlock.engines.schema import Column, Kind
from interlock.profiles.statistics.family import Counts, Family, Meaning, Scope, State, Values, decoded

_WITHOUT = (Kind.BINARY, Kind.NESTED, Kind.NULL)


def _applies(column: Column) -> bool:
    return column.kind not in _WITHOUT


def _aggregates(scope: Scope) -> tuple[str, ...]:
    """Whole numbers' bounds are their extremes; DuckDB itself answers from footers, too."""
    if scope.bounds and scope.kind is Kind.INTEGER:
        return str(int(scope.bounds[0])), str(int(scope.bounds[1]))
    return scope.sql.smallest(scope.finite, scope.kind), scope.sql.largest(scope.finite, scope.kind)


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    return {"min": decoded(scope, row[0]), "max": decoded(scope, row[1])}


def _count(scope: Scope, counts: Counts) -> Values:
    ends = (counts.values[0], counts.values[-1]) if counts.values else (None, None)
    return _read(scope, ends, 0)


def _merge(a: State, b: State) -> Values:
    return {"min": _chosen(min, a.get("min"), b.get("min")), "max": _chosen(max, a.get("max"), b.get("max"))}


def _chosen(choose: Any, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return right if left is None else left
    try:
        return choose(left, right)
    except TypeError:  # a date beyond Python's years came as text
        return choose(left, right, key=str)


FAMILY = Family(
    means={
        "min": Meaning("Smallest finite value; text by code points, cut to the text limit.", "of the column"),
        "max": Meaning("Largest finite value; text by code points, cut to the text limit.", "of the column"),
    },
    applies=_applies,
    over_rows=_aggregates,
    read=_read,
    count=_count,
    merge=_merge,
)
