"""Aggregates whose values do not depend on the order of rows or on how they are spread over tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sqlglot import exp

from interlock.constraints.emit import Emitter
from interlock.constraints.expression import Node
from interlock.constraints.spark.sql import cast, fill, option
from interlock.constraints.sql import call
from interlock.constraints.writers import SUM_BINS, SUM_END, Writer
from interlock.engines.schema import Kind

_HALF = 2.0**46


def _exact_sum(e: Emitter, arg: Node) -> exp.Expression:
    whole = (
        "BIGINT"
        if arg.type.kind is Kind.INTEGER and arg.type.size <= 22
        else f"DECIMAL(38, {arg.type.scale})"
    )
    return call("try_sum", cast(e.value(arg), whole))


def _sum(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    if node.type.kind in (Kind.INTEGER, Kind.DECIMAL):
        return _exact_sum(e, arg)
    return _float_sum(e, arg)


def _float_sum(e: Emitter, arg: Node) -> exp.Expression:
    """As `writers` sums floats: whole numbers, here in two halves that fit a BIGINT each."""
    scaled, x = "rint(:x * :power)", e.value(arg)
    within = "abs(:x) >= :least AND abs(:x) < :end"
    low = f"CAST({scaled} % :half AS BIGINT)"
    high = f"CAST(({scaled} - {scaled} % :half) / :half AS BIGINT)"
    parts: list[exp.Expression] = []
    ends = [least for least, _ in SUM_BINS[1:]] + [SUM_END]
    for (least, power), end in zip(SUM_BINS, ends, strict=True):
        highs, lows = (
            call(
                "try_sum",
                fill(
                    f"CASE WHEN {within} THEN CAST({half} AS DECIMAL(38, 0)) END",
                    x=x,
                    least=least,
                    end=end,
                    power=2.0**power,
                    half=_HALF,
                ),
            )
            for half in (high, low)
        )
        parts.append(_in_bin(highs, lows, power))
    boundless = fill("CASE WHEN abs(:x) >= :end THEN :x * :inf END", x=x, end=SUM_END, inf=math.inf)
    parts.append(fill("coalesce(sum(:x), 0D)", x=boundless))
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=part)
    return fill("CASE WHEN count(:x) > 0 THEN :total END", x=x, total=total)


def _in_bin(highs: exp.Expression, lows: exp.Expression, power: int) -> exp.Expression:
    """Both halves as one float; added up exactly where 38 digits hold it."""
    exactly = "CAST(try_add(try_multiply(:highs, CAST(:half AS DECIMAL(38, 0))), :lows) AS DOUBLE)"
    nearly = "CAST(:highs AS DOUBLE) * :half + CAST(:lows AS DOUBLE)"
    return fill(
        f"coalesce(coalesce({exactly}, {nearly}) * :scale, 0D)",
        highs=highs,
        lows=lows,
        half=int(_HALF),
        scale=2.0**-power,
    )


def _average(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    total = _float_sum(e, arg) if arg.type.kind is Kind.FLOAT else cast(_exact_sum(e, arg), "DOUBLE")
    return fill("try_divide(:total, CAST(count(:x) AS DOUBLE))", total=total, x=e.value(arg))


def _quantile(e: Emitter, node: Node) -> exp.Expression:
    share = option(node)
    value = cast(e.value(node.args[0]), "DOUBLE")
    return fill("percentile(:x, :share)", x=value, share=0.5 if share is None else float(share))


def _one_of(e: Emitter, node: Node) -> exp.Expression:
    """All values in order, in one task: what Spark has for it computes in floats, and not for texts."""
    place = "CAST(greatest(ceil(:share * size(:all)), 1) AS INT) - 1"
    every = fill("sort_array(collect_list(:x))", x=e.value(node.args[0]))
    return fill(f"get(:all, {place})", all=every, share=float(option(node)))


# Count, mean and sum of squared deviations (Welford's recurrence), of values in ascending order.
_SPREAD = """
aggregate(
  sort_array(collect_list(:x)), named_struct('n', 0D, 'mean', 0D, 'squares', 0D),
  (a, x) -> named_struct('n', a.n + 1D, 'mean', a.mean + (x - a.mean) / (a.n + 1D),
    'squares', a.squares + (x - a.mean) * (x - (a.mean + (x - a.mean) / (a.n + 1D)))),
  a -> CASE WHEN a.n <= :less THEN NULL WHEN a.n = 1D THEN 0D ELSE a.squares / nullif(a.n - :less, 0D) END)
"""


def _spread(less: float, *, root: bool) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        found = fill(_SPREAD, x=cast(e.value(node.args[0]), "DOUBLE"), less=less)
        return call("sqrt", found) if root else found

    return write


AGGREGATES: Mapping[str, Writer] = {
    "sum": _sum,
    "avg": _average,
    "median": _quantile,
    "quantile_cont": _quantile,
    "quantile_disc": _one_of,
    "stddev": _spread(1.0, root=True),
    "stddev_pop": _spread(0.0, root=True),
    "variance": _spread(1.0, root=False),
    "var_pop": _spread(0.0, root=False),
}
