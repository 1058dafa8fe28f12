"""The profile of two partitions together, from their profiles alone."""

from __future__ import annotations

from typing import Any

from interlock.profiles.profile import ColumnProfile, Profile, Segment
from interlock.profiles.statistics import FAMILIES

IDENTITY = Profile(0, {})


def merge(a: Profile, b: Profile) -> Profile:
    """Associative and commutative (means and deviations up to rounding); `IDENTITY` changes nothing.

    Statistics whose states cannot be merged (quantiles, duplicates of rows, most
    distinct counts) become None. A column one side lacks counts as NULL there; a
    column of two types is left out. Checks are dropped.
    """
    if not a.columns or not b.columns:
        return a if not b.columns else b
    names = list(dict.fromkeys((*a.columns, *b.columns)))
    if list(b.columns) < list(a.columns):
        names = list(dict.fromkeys((*b.columns, *a.columns)))
    columns = _columns(names, a.rows, a.columns, b.rows, b.columns)
    table = dict.fromkeys(sorted({*a.table, *b.table}))  # duplicates across both are not known
    shared = [name for name in a.segments if name in b.segments]
    segments = {name: _segments(a.segments[name], b.segments[name]) for name in sorted(shared)}
    return Profile(a.rows + b.rows, columns, table, segments)


def _columns(names: list[str], a_rows: int, a: Any, b_rows: int, b: Any) -> dict[str, ColumnProfile]:
    merged: dict[str, ColumnProfile] = {}
    for name in names:
        left, right = a.get(name), b.get(name)
        if left is None or right is None:
            merged[name] = _with_nulls(left or right, b_rows if right is None else a_rows)
        elif left.column == right.column:
            merged[name] = _column(left, a_rows, right, b_rows)
    return merged


def _with_nulls(column: ColumnProfile, rows: int) -> ColumnProfile:
    return ColumnProfile(column.column, {**column.values, "nulls": column["nulls"] + rows}, column.classes)


def _column(a: ColumnProfile, a_rows: int, b: ColumnProfile, b_rows: int) -> ColumnProfile:
    if a["nulls"] == a_rows:  # nothing but NULL adds nothing but NULL
        return _with_nulls(b, a_rows)
    if b["nulls"] == b_rows:
        return _with_nulls(a, b_rows)
    left, right = {"rows": a_rows, **a.values}, {"rows": b_rows, **b.values}
    values: dict[str, Any] = {}
    for family in FAMILIES:
        if family.applies(a.column):
            found = family.merge(left, right)
            values |= {name: v for name, v in found.items() if name in a.values or name in b.values}
    order = ("exact", "deterministic", "advisory")
    classes = {
        name: max((s.classes[name] for s in (a, b) if name in s.classes), key=lambda c: order.index(c.value))
        for name in values
    }
    return ColumnProfile(a.column, values, classes)


def _segments(a: tuple[Segment, ...], b: tuple[Segment, ...]) -> tuple[Segment, ...]:
    left, right = {s.value: s for s in a}, {s.value: s for s in b}
    merged = []
    for value in sorted({*left, *right}, key=lambda v: (v is None, v or "")):
        one, other = left.get(value), right.get(value)
        if one is None or other is None:
            merged.append(one or other)
            continue
        names = list(dict.fromkeys((*one.columns, *other.columns)))
        columns = _columns(names, one.rows, one.columns, other.rows, other.columns)
        merged.append(Segment(value, one.rows + other.rows, columns))
    return tuple(s for s in merged if s is not None)
