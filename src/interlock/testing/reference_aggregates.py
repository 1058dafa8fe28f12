"""Aggregates of the expression language in plain Python, over columns that are lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from functools import cmp_to_key
from typing import Any

from interlock.constraints.expression import Node
from interlock.constraints.types import Type
from interlock.engines.schema import Kind

Columns = Sequence[Sequence[Any]]


def compare(a: Any, b: Any) -> int:
    """-1, 0 or 1. NaN equals NaN and is larger than every number."""
    a_nan, b_nan = a != a, b != b
    if a_nan or b_nan:
        return int(a_nan) - int(b_nan)
    return int(a > b) - int(a < b)


_ORDER = cmp_to_key(compare)


def _present(columns: Columns) -> list[Any]:
    return [v for v in columns[0] if v is not None]


def float_sum(values: Sequence[float]) -> float:
    """As 'Sums of floats' in docs/reference/expressions.md says: by size, in whole numbers, then added up."""
    bins = {110: 0, 62: 0, 22: 0, -18: 0}
    boundless = 0.0
    for x in values:
        if math.isnan(x) or abs(x) >= 2.0**110:
            boundless += x * math.inf
            continue
        power = 110 if abs(x) < 2.0**-10 else 62 if abs(x) < 2.0**30 else 22 if abs(x) < 2.0**70 else -18
        bins[power] += round(x * 2.0**power)
    total = 0.0
    for power, whole in bins.items():
        total += float(whole) * 2.0**-power
    return total + boundless


def _sum_of(values: Sequence[Any], type_: Type) -> Any:
    if type_.kind is Kind.FLOAT:
        return float_sum(values)
    with localcontext() as context:
        context.prec = 100
        return sum(values, Decimal(0) if type_.kind is Kind.DECIMAL else 0)


def _sum(node: Node, columns: Columns, rows: int) -> Any:
    values = _present(columns)
    return _sum_of(values, node.args[0].type) if values else None


def _avg(node: Node, columns: Columns, rows: int) -> float | None:
    values = _present(columns)
    return float(_sum_of(values, node.args[0].type)) / len(values) if values else None


def _distinct(node: Node, columns: Columns, rows: int) -> int:
    keys = [key for key in zip(*columns, strict=True) if None not in key]
    return len({tuple("NaN" if v != v else v for v in key) for key in keys})


def _quantile_cont(q: float, values: list[float]) -> float | None:
    if not values:
        return None
    ordered = sorted(values, key=_ORDER)
    place = (len(ordered) - 1) * q
    low, high = math.floor(place), math.ceil(place)
    if low == high:
        return ordered[low]
    share = place - low
    return ordered[low] * (1.0 - share) + ordered[high] * share


def _quantile_disc(node: Node, columns: Columns, rows: int) -> Any:
    ordered = sorted(_present(columns), key=_ORDER)
    if not ordered:
        return None
    q = node.value[0]  # type: ignore[index]
    return ordered[max(math.ceil(q * len(ordered)), 1) - 1]


def _spread(name: str) -> Callable[[Node, Columns, int], float | None]:
    """Welford's recurrence over the values in ascending order."""

    def spread(node: Node, columns: Columns, rows: int) -> float | None:
        ordered = sorted(_present(columns), key=_ORDER)
        population = name.endswith("_pop")
        if len(ordered) < (1 if population else 2):
            return None
        mean = squares = 0.0
        for n, x in enumerate(ordered, 1):
            before = x - mean
            mean += before / n
            squares += before * (x - mean)
        if len(ordered) == 1:
            return 0.0
        variance = squares / (len(ordered) - (0 if population else 1))
        if not name.startswith("stddev"):
            return variance
        return math.sqrt(variance) if variance >= 0 else math.nan  # below zero only where it overflowed

    return spread


FUNCTIONS: dict[str, Callable[[Node, Columns, int], Any]] = {
    "count_rows": lambda node, columns, rows: rows,
    "count": lambda node, columns, rows: len(_present(columns)),
    "count_distinct": _distinct,
    "count_if": lambda node, columns, rows: sum(v is True for v in columns[0]),
    "sum": _sum,
    "avg": _avg,
    "min": lambda node, columns, rows: min(_present(columns), key=_ORDER, default=None),
    "max": lambda node, columns, rows: max(_present(columns), key=_ORDER, default=None),
    "median": lambda node, columns, rows: _quantile_cont(0.5, _present(columns)),
    "quantile_cont": lambda node, columns, rows: _quantile_cont(node.value[0], _present(columns)),  # type: ignore[index]
    "quantile_disc": _quantile_disc,
    "stddev": _spread("stddev"),
    "stddev_pop": _spread("stddev_pop"),
    "variance": _spread("variance"),
    "var_pop": _spread("var_pop"),
    "bool_and": lambda node, columns, rows: all(_present(columns)) if _present(columns) else None,
    "bool_or": lambda node, columns, rows: any(_present(columns)) if _present(columns) else None,
}
