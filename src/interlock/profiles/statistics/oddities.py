"""Values that are no finite value: NaN, and infinite numbers and dates."""

from __future__ import annotations

from typing import Any

from interlock.engines.schema import Column, Kind
from interlock.profiles.statistics.family import Family, Meaning, Scope, State, Values, add

_INFINITE = (Kind.FLOAT, Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)


def _applies(column: Column) -> bool:
    return column.kind in _INFINITE


def _aggregates(scope: Scope) -> tuple[str, ...]:
    infinite = scope.sql.count_if(scope.sql.infinite(scope.x, scope.kind))
    if scope.kind is not Kind.FLOAT:
        return (infinite,)
    return infinite, scope.sql.count_if(scope.sql.nan(scope.x))


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    values = {"infinities": row[0] or 0}  # count_if of no rows is NULL
    return values | {"nans": row[1] or 0} if scope.kind is Kind.FLOAT else values


def _merge(a: State, b: State) -> Values:
    return {name: add(a, b, name) for name in ("infinities", "nans") if name in a or name in b}


FAMILY = Family(
    means={
        "nans": Meaning("Rows holding NaN (floating columns).", "rows"),
        "infinities": Meaning("Rows holding an infinite number, date or timestamp.", "rows"),
    },
    applies=_applies,
    over_rows=_aggregates,
    read=_read,
    merge=_merge,
)
