"""Aggregates, fed in an order of their own where floating results depend on it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sqlglot import exp

from interlock.constraints.emit import Emitter
from interlock.constraints.expression import Node
from interlock.constraints.postgres.sql import SCHEMA, cast, floating, option, ours
from interlock.constraints.sql import call, chain, not_null, number, paren, when
from interlock.constraints.writers import SUM_BINS, SUM_END, Writer
from interlock.engines.schema import Kind


def _ordered(name: str, e: Emitter, arg: Node) -> exp.Expression:
    value = cast(e.value(arg), "DOUBLE PRECISION")
    return call(name, exp.Order(this=value, expressions=[exp.Ordered(this=value.copy())]))


def _sum(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    if node.type.kind in (Kind.INTEGER, Kind.DECIMAL):
        return call("sum", cast(e.value(arg), "NUMERIC"))
    return _float_sum(e, arg)


def _float_sum(e: Emitter, arg: Node) -> exp.Expression:
    """As `writers` sums floats: whole numbers, here in two halves that fit a bigint each."""
    half = 2.0**46

    def value() -> exp.Expression:
        return cast(e.value(arg), "DOUBLE PRECISION")

    def size() -> exp.Expression:
        return call("abs", value())

    def halves(power: int) -> tuple[exp.Expression, exp.Expression]:
        scaled = call("round", exp.Mul(this=value(), expression=floating(2.0**power)))
        high = call("trunc", exp.Div(this=scaled, expression=floating(half), typed=True))
        low = exp.Sub(
            this=scaled.copy(), expression=paren(exp.Mul(this=high.copy(), expression=floating(half)))
        )
        return high, low

    parts: list[exp.Expression] = []
    ends = [low for low, _ in SUM_BINS[1:]] + [SUM_END]
    for (least, power), end in zip(SUM_BINS, ends, strict=True):
        high, low = (
            call("sum", when(_within(size(), least, end), cast(paren(part), "BIGINT")))
            for part in halves(power)
        )
        whole = exp.Add(this=paren(exp.Mul(this=high, expression=number(2**46))), expression=low)
        scaled = ours("multiply", cast(paren(whole), "DOUBLE PRECISION"), floating(2.0**-power))
        parts.append(call("coalesce", scaled, floating(0.0)))
    boundless = when(
        exp.GTE(this=size(), expression=floating(SUM_END)),
        exp.Mul(this=value(), expression=floating(math.inf)),
    )
    parts.append(call("coalesce", call("sum", boundless), floating(0.0)))
    total = parts[0]
    for part in parts[1:]:
        total = ours("add", total, part)
    return when(exp.GT(this=call("count", value()), expression=number(0)), total)


def _within(size: exp.Expression, least: float, end: float) -> exp.Expression:
    return exp.And(
        this=exp.GTE(this=size, expression=floating(least)),
        expression=exp.LT(this=size.copy(), expression=floating(end)),
    )


def _average(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    exact = arg.type.kind is not Kind.FLOAT
    total = cast(call("sum", cast(e.value(arg), "NUMERIC")), "DOUBLE PRECISION") if exact else None
    count = cast(call("count", e.value(arg)), "DOUBLE PRECISION")
    return ours("divide", total or _float_sum(e, arg), count)


def _quantile(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    there = exp.Where(this=not_null(e.value(arg)))
    gathered = exp.Filter(this=_ordered("array_agg", e, arg), expression=there)
    share = option(node)
    return ours("quantile", gathered, floating(0.5 if share is None else float(str(share))))


def _one_of(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    share = call("percentile_disc", floating(float(str(option(node)))))
    order = exp.Order(expressions=[exp.Ordered(this=e.value(arg))])
    return exp.WithinGroup(this=share, expression=order)


def _spread(less: int, *, root: bool) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        found = ours("variance", _ordered(f"{SCHEMA}.spread", e, node.args[0]), number(less))
        return ours("square_root", found) if root else found

    return write


def _extreme(name: str, of_booleans: str) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        (arg,) = node.args
        return call(of_booleans if arg.type.kind is Kind.BOOLEAN else name, e.value(arg))

    return write


def _count_distinct(e: Emitter, node: Node) -> exp.Expression:
    values = [cast(exp.Null(), "TEXT") if a.type.kind is Kind.NULL else e.value(a) for a in node.args]
    if len(values) == 1:
        return call("count", exp.Distinct(expressions=values))
    present = chain(exp.And, [paren(not_null(v.copy())) for v in values])
    return call("count", exp.Distinct(expressions=[when(present, call("row", *values))]))


AGGREGATES: Mapping[str, Writer] = {
    "count_distinct": _count_distinct,
    "sum": _sum,
    "avg": _average,
    "min": _extreme("min", "bool_and"),
    "max": _extreme("max", "bool_or"),
    "median": _quantile,
    "quantile_cont": _quantile,
    "quantile_disc": _one_of,
    "stddev": _spread(1, root=True),
    "stddev_pop": _spread(0, root=True),
    "variance": _spread(1, root=False),
    "var_pop": _spread(0, root=False),
}
