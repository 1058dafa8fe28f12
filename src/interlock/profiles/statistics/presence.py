"""How many rows have no value."""

from __future__ import annotations

from typing import Any

from interlock.profiles.statistics.family import Family, Meaning, Scope, State, Values, add


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    return {"nulls": rows - row[0]}


def _merge(a: State, b: State) -> Values:
    return {"nulls": add(a, b, "nulls")}


FAMILY = Family(
    means={"nulls": Meaning("Rows in which the column is NULL.", "rows", nulls="counted")},
    applies=lambda column: True,
    over_rows=lambda scope: (f"count({scope.x})",),
    read=_read,
    merge=_merge,
)
