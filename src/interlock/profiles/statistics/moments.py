"""Mean and standard deviation, the same to the last bit whatever the threads.

Floating sums depend on the order of addition. Where values are counted they are
added with one rounding at the end (`math.fsum`); in a middling partition, in sorted
order; whole numbers exactly. In a large partition each value becomes a whole
number of 2^-k steps above the smallest, at most 31 bits, and whole numbers add up
the same in any order; the error is at most half a step, a 2^-31 part of the range.
Two parts are merged after Chan, Golub and LeVeque (1979), in exact fractions.
"""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any

import numpy as np

from interlock.engines.schema import Kind
from interlock.profiles.profile import StatisticClass
from interlock.profiles.statistics.family import Counts, Family, Meaning, Scope, Size, State, Values


def _aggregates(scope: Scope) -> tuple[str, ...]:
    if scope.sql.afar:
        return scope.sql.moments(scope.x, scope.kind, scope.column.type)
    if scope.size is Size.LARGE:
        steps = _steps(scope)
        return (_number(scope), f"sum({steps})", f"sum({steps} * {steps})") if steps else ("0", "0", "0")
    if _fits(scope):
        return f"count({scope.x})", f"sum({scope.x})", f"sum(CAST({scope.x} AS BIGINT) * {scope.x})"
    number = scope.finite if scope.kind is Kind.FLOAT else f"CAST({scope.finite} AS DOUBLE)"
    ordered = f"list_sort(list({number}))"
    return f"list_aggregate({ordered}, 'avg')", f"list_aggregate({ordered}, 'stddev_samp')"


def _fits(scope: Scope) -> bool:
    """Whether squares fit 64 bits, so that sums are exact."""
    return scope.column.type in ("TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER")


def _number(scope: Scope) -> str:
    """How many finite values there are, from aggregates other families need anyway."""
    present = f"count({scope.x})"
    return (
        f"{present} - count_if(isinf({scope.x})) - count_if(isnan({scope.x}))"
        if scope.kind is Kind.FLOAT
        else present
    )


def _steps(scope: Scope) -> str | None:
    """The column as whole steps above ``low``; None where its range is unknown or infinite."""
    if scope.scale is None:
        return None
    if scope.kind is Kind.INTEGER and scope.scale == 1.0:
        return f"(CAST({scope.x} AS BIGINT) - {int(scope.low)})"
    return (
        f"CAST((CAST({scope.finite} AS DOUBLE) - {scope.low!r}::DOUBLE) * {scope.scale!r}::DOUBLE AS BIGINT)"
    )


def scale_of(low: float, high: float, *, whole: bool) -> float | None:
    """The power of two that spreads a range over 30 bits; 1 for whole numbers that fit anyway.

    >>> scale_of(0, 499, whole=True), scale_of(0.0, 1.0, whole=False)
    (1.0, 536870912.0)
    """
    spread = float(high) - float(low)
    if not math.isfinite(spread):
        return None
    if spread == 0 or (whole and spread < 2**31):
        return 1.0
    return math.ldexp(1.0, min(30 - math.frexp(spread)[1], 1023))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    if len(row) == 2:
        return {
            name: _finite(None if v is None else float(v)) for name, v in zip(FAMILY.means, row, strict=True)
        }
    n, total, squares = map(_whole, row)
    low, scale = (scope.low, scope.scale) if scope.size is Size.LARGE else (0, 1.0)
    if scale is None or n == 0:
        return {"mean": None, "stddev": None}
    if scale == 1.0 and low == 0:
        return {"mean": total / n, "stddev": _root_of(n * squares - total * total, n)}
    mean = Fraction(low) + Fraction(total, n) / Fraction(scale)
    return {"mean": float(mean), "stddev": _deviation(n, total, squares, Fraction(scale))}


def _whole(value: Any) -> int:
    """A whole number, or what its digits in base 2^32 make, the least first."""
    digits = value if isinstance(value, list) else [value]
    return sum(int(digit or 0) << 32 * place for place, digit in enumerate(digits))


def _root_of(scaled_variance: int, n: int) -> float | None:
    return math.sqrt(scaled_variance / (n * (n - 1))) if n > 1 else None


def _deviation(n: int, total: int, squares: int, scale: Fraction) -> float | None:
    if n < 2:
        return None
    return _root(Fraction(n * squares - total * total, n * (n - 1)) / (scale * scale))


def _root(variance: Fraction) -> float | None:
    try:
        return math.sqrt(float(variance))
    except OverflowError:
        return None


def _count(scope: Scope, counts: Counts) -> Values:
    n = sum(counts.counts)
    if n == 0:
        return {"mean": None, "stddev": None}
    try:
        if scope.kind is Kind.INTEGER:
            return _count_whole(counts, n)
        values = counts.values if scope.kind is Kind.FLOAT else tuple(map(float, counts.values))
        mean = math.fsum(map(operator.mul, values, counts.counts)) / n
        gaps = [v - mean for v in values]
        spread = math.fsum(map(operator.mul, counts.counts, map(operator.mul, gaps, gaps)))
    except (OverflowError, ValueError):  # a sum beyond all numbers, or of both infinities
        return {"mean": None, "stddev": None}
    return {"mean": _finite(mean), "stddev": _finite(math.sqrt(spread / (n - 1))) if n > 1 else None}


def _count_whole(counts: Counts, n: int) -> Values:
    if counts.numbers is not None:
        weighted = counts.numbers * np.array(counts.counts)
        total, squares = int(weighted.sum()), int(weighted @ counts.numbers)
    else:
        total = sum(map(operator.mul, counts.values, counts.counts))
        squares = sum(map(operator.mul, counts.counts, map(operator.mul, counts.values, counts.values)))
    return {"mean": total / n, "stddev": _root_of(n * squares - total * total, n)}


def _merge(a: State, b: State) -> Values:
    left, right = _present(a), _present(b)
    if left == 0 or right == 0:
        side = b if left == 0 else a
        return {"mean": side.get("mean"), "stddev": side.get("stddev")}
    if a.get("mean") is None or b.get("mean") is None:
        return {"mean": None, "stddev": None}
    n, gap = left + right, Fraction(b["mean"]) - Fraction(a["mean"])
    mean = Fraction(a["mean"]) + gap * right / n
    spread = _spread(a, left) + _spread(b, right) + gap * gap * left * right / n
    return {"mean": float(mean), "stddev": _root(spread / (n - 1))}


def _present(side: State) -> int:
    """Finite values of a side."""
    return int(side["rows"] - side["nulls"] - (side.get("nans") or 0) - (side.get("infinities") or 0))


def _spread(side: State, n: int) -> Fraction:
    return Fraction(side["stddev"] or 0) ** 2 * (n - 1)


def _class(scope: Scope, name: str) -> StatisticClass:
    if scope.sql.afar:  # where floats are added in whatever order the engine takes
        exact = scope.kind in scope.sql.exact_moments
        exact = exact and (scope.kind is not Kind.INTEGER or len(_aggregates(scope)) == 3)
        return StatisticClass.EXACT if exact else StatisticClass.ADVISORY
    rounded = scope.size is Size.LARGE and not scope.counted and scope.scale != 1.0
    return StatisticClass.DETERMINISTIC if rounded else StatisticClass.EXACT


FAMILY = Family(
    means={
        "mean": Meaning(
            "Arithmetic mean of the finite numbers.", "of the column", error="2^-31 of the range"
        ),
        "stddev": Meaning(
            "Sample standard deviation of the finite numbers; undefined below two, or beyond 1e150.",
            "of the column",
            error="2^-30 of the range",
        ),
    },
    applies=lambda column: column.kind.numeric,
    over_rows=_aggregates,
    read=_read,
    count=_count,
    merge=_merge,
    classes=_class,
)
