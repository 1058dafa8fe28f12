"""How long texts, binary values and lists are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from interlock.engines.schema import Column, Kind
from interlock.engines.types import is_list
from interlock.profiles.statistics.family import Counts, Family, Meaning, Scope, State, Values


def _applies(column: Column) -> bool:
    return column.kind in (Kind.TEXT, Kind.BINARY) or (column.kind is Kind.NESTED and is_list(column.type))


def _aggregates(scope: Scope) -> tuple[str, ...]:
    length = scope.sql.length(scope.x, scope.kind, scope.column.type)
    return f"min({length})", f"max({length})", scope.sql.total(length), f"count({scope.x})"


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    low, high, total, n = row
    mean = float(Fraction(int(total), n)) if n and total is not None else None
    return {"length_min": _whole(low), "length_max": _whole(high), "length_mean": mean}


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _count(scope: Scope, counts: Counts) -> Values:
    lengths = [len(v) for v in counts.values]
    total = sum(length * n for length, n in zip(lengths, counts.counts, strict=True))
    row = (min(lengths), max(lengths), total, sum(counts.counts)) if lengths else (None, None, None, 0)
    return _read(scope, row, 0)


def _merge(a: State, b: State) -> Values:
    left, right = a["rows"] - a["nulls"], b["rows"] - b["nulls"]
    if not left or not right:
        side = a if left else b
        return {name: side.get(name) for name in FAMILY.means}
    total = Fraction(a["length_mean"]) * left + Fraction(b["length_mean"]) * right
    return {
        "length_min": min(a["length_min"], b["length_min"]),
        "length_max": max(a["length_max"], b["length_max"]),
        "length_mean": float(total / (left + right)),
    }


_UNIT = "characters, bytes (binary) or elements (lists, maps)"
FAMILY = Family(
    means={
        "length_min": Meaning("Shortest length.", _UNIT),
        "length_max": Meaning("Longest length.", _UNIT),
        "length_mean": Meaning("Mean length.", _UNIT),
    },
    applies=_applies,
    over_rows=_aggregates,
    read=_read,
    count=_count,
    merge=_merge,
)
