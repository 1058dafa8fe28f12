"""Which values occur: how many different ones, the most frequent, and all of them where they are few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from interlock import settings
from interlock.engines.schema import Column, Kind
from interlock.profiles.profile import StatisticClass
from interlock.profiles.statistics.family import (
    ELEMENT,
    Counts,
    Family,
    Meaning,
    Scope,
    Size,
    State,
    Values,
    decoded,
)

_UNCOUNTABLE = (Kind.NESTED, Kind.BINARY, Kind.INTERVAL, Kind.NULL)
_DOMAIN = (Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER, Kind.DATE)


def countable(column: Column) -> bool:
    """Whether a column's values can be counted one by one and shown."""
    return column.kind not in _UNCOUNTABLE


def _over_rows(scope: Scope) -> tuple[str, ...]:
    value = scope.finite if countable(scope.column) else scope.x
    if scope.size is not Size.LARGE:
        return (f"count(DISTINCT {value})",)
    return (scope.sql.about_distinct(value) or "NULL",)


def _most_frequent(counted: str) -> str:
    """SQL: the first of a map's pairs, most frequent first, ties by value."""
    pair = f"{{n: -CAST({ELEMENT}.value AS BIGINT), v: {ELEMENT}.key}}"
    ranked = f"list_transform(map_entries({counted}), lambda {ELEMENT}: {pair})"
    return f"list_sort({ranked})[:{settings.current().top_values}]"


def _over_sample(scope: Scope) -> tuple[str, ...]:
    if not countable(scope.column):
        return ()
    value = f"CASE WHEN {scope.row_sample} THEN {scope.finite} END" if scope.row_sample else scope.finite
    return (_most_frequent(f"histogram({value})"),)


def _has_domain(scope: Scope) -> bool:
    return scope.kind in _DOMAIN


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    unknown = scope.size is Size.LARGE and scope.sql.about_distinct("") is None
    values: Values = {"distinct": None if unknown else row[0] or 0}
    if countable(scope.column):
        values["top"] = [[decoded(scope, e["v"]), -e["n"]] for e in row[1] or ()]
        if _has_domain(scope):
            values["domain"] = None
    return values


def _count(scope: Scope, counts: Counts) -> Values:
    limits = settings.current()
    found, counted = counts.values, counts.counts
    # stable: ties stay in the order of the values
    ranked = np.argsort(-np.array(counted, dtype=np.int64), kind="stable")[: limits.top_values].tolist()
    values: Values = {
        "distinct": len(found),
        "top": [[decoded(scope, found[i]), counted[i]] for i in ranked],
    }
    if _has_domain(scope):
        few = len(found) <= limits.domain_values_max
        values["domain"] = (
            [[decoded(scope, v), n] for v, n in zip(found, counted, strict=True)] if few else None
        )
    return values


def _pairs(scope: Scope, found: Sequence[Any], counted: Sequence[int]) -> list[list[Any]]:
    shown = [decoded(scope, v) for v in found] if scope.kind is Kind.TEXT else found
    return list(map(list, zip(shown, counted, strict=True)))


def _merge(a: State, b: State) -> Values:
    """Known where both sides know every value, undefined otherwise."""
    values: Values = {"distinct": None, "top": None, "domain": None}
    if a.get("domain") is None or b.get("domain") is None:
        return values
    both: Counter[Any] = Counter()
    for value, n in (*a["domain"], *b["domain"]):
        both[value] += n
    pairs = sorted(both.items())
    if len(pairs) > settings.current().domain_values_max:
        return values
    top = sorted(pairs, key=lambda pair: -pair[1])[: settings.current().top_values]
    return {"distinct": len(pairs), "top": [list(p) for p in top], "domain": [list(p) for p in pairs]}


def _class(scope: Scope, name: str) -> StatisticClass:
    if scope.counted and countable(scope.column):
        return StatisticClass.EXACT
    if name == "distinct":
        return StatisticClass.ADVISORY if scope.size is Size.LARGE else StatisticClass.EXACT
    of_sample = name == "top" or scope.sql.afar
    return StatisticClass.DETERMINISTIC if of_sample else StatisticClass.EXACT


FAMILY = Family(
    means={
        "distinct": Meaning("Different finite values.", "values", error="about 5 % (HyperLogLog)"),
        "top": Meaning(
            "The most frequent values with their counts, ties by value.",
            "[value, rows] pairs",
            error="counts are those of a sample",
        ),
        "domain": Meaning(
            "Every value with its count, where they are few (text, boolean, integer, date).",
            "[value, rows] pairs",
        ),
    },
    applies=lambda column: column.kind is not Kind.NULL,
    over_rows=_over_rows,
    over_sample=_over_sample,
    read=_read,
    count=_count,
    merge=_merge,
    classes=_class,
    of_sample=frozenset({"top", "domain"}),
)
