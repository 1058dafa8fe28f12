"""What each operation is in DuckDB's SQL, written so that it cannot fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from interlock.constraints.expression import Node
from interlock.constraints.sql import (
    Made,
    call,
    cast,
    cast_type,
    chain,
    is_null,
    literal,
    not_null,
    number,
    paren,
    sql_type,
    text,
    when,
)
from interlock.engines.schema import Kind

if TYPE_CHECKING:
    from interlock.constraints.emit import Emitter

Writer = Callable[["Emitter", Node], exp.Expression]


def options(node: Node) -> list[exp.Expression]:
    options = node.value if isinstance(node.value, tuple) else ()
    return [literal(option) for option in options]


def _binary(kind: Made) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        left, right = node.args
        return paren(kind(this=paren(e.value(left)), expression=paren(e.value(right))))

    return write


def _arithmetic(kind: Made) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        left, right = (e.value(a) for a in node.args)
        if node.type.kind is Kind.INTEGER:
            left, right = (cast(side, sql_type(node.type)) for side in (left, right))
        elif node.type.kind is Kind.DECIMAL and node.args[0].type.kind is Kind.DECIMAL:
            left = _hugely(left, node)
        return paren(kind(this=paren(left), expression=paren(right)))

    return write


def _hugely(left: exp.Expression, node: Node) -> exp.Expression:
    """DuckDB computes decimals of up to 18 digits in 64 bits, and fails, unless one of them is wider."""
    size, scale = node.args[0].type.size, node.args[0].type.scale
    wide = node.type.size > 18 and size <= 18
    return cast(left, f"DECIMAL(19, {scale})") if wide else left


def _divide_guarded(kind: Made) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        left, right = (cast(e.value(a), sql_type(node.type)) for a in node.args)
        return paren(kind(this=left, expression=call("nullif", right, number(0))))

    return write


def _divide(e: Emitter, node: Node) -> exp.Expression:
    left, right = (paren(e.value(a)) for a in node.args)
    return paren(exp.Div(this=left, expression=right, typed=False, safe=False))


def _negate(e: Emitter, node: Node) -> exp.Expression:
    inner = e.value(node.args[0])
    if node.type.kind is Kind.INTEGER:
        inner = cast(inner, sql_type(node.type))
    return paren(exp.Neg(this=paren(inner)))


def _connective(kind: Made) -> Writer:
    return lambda e, node: paren(chain(kind, [paren(e.value(a)) for a in node.args]))


def _like(e: Emitter, node: Node) -> exp.Expression:
    subject, pattern = e.value(node.args[0]), text(str(node.value))
    if node.op == "ilike":
        return paren(exp.Like(this=call("lower", subject), expression=call("lower", pattern)))
    return paren(exp.Like(this=paren(subject), expression=pattern))


def _case(e: Emitter, node: Node) -> exp.Expression:
    *branches, default = (e.value(a) for a in node.args)
    ifs = [exp.If(this=c, true=r) for c, r in zip(branches[::2], branches[1::2], strict=True)]
    return exp.Case(ifs=ifs, default=default)


def _convert(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    inner = e.value(arg)
    if node.type.kind in (Kind.TIMESTAMP, Kind.DATE) and arg.type.kind is Kind.TIMESTAMPTZ:
        utc = e.in_utc(inner)
        return utc if node.type.kind is Kind.TIMESTAMP else cast(utc, "DATE", safe=True)
    safe = node.op in ("cast", "try_cast") or arg.type.kind is Kind.DATE
    target = sql_type(node.type) if node.op == "convert" else cast_type(node.type)
    return cast(inner, target, safe=safe)


def in_calendar(moment: exp.Expression) -> exp.Expression:
    first, last = dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001
    return exp.Between(this=paren(moment), low=literal(first), high=literal(last))


def _shifted(e: Emitter, node: Node) -> exp.Expression:
    amount, unit = node.value if isinstance(node.value, tuple) else (0, "day")
    interval = exp.Interval(this=text(str(amount)), unit=exp.Var(this=str(unit).upper()))
    moment = e.value(node.args[0])
    return when(in_calendar(moment), exp.Add(this=paren(e.value(node.args[0])), expression=interval))


def _truncated(e: Emitter, node: Node) -> exp.Expression:
    (unit,) = node.value if isinstance(node.value, tuple) else ("day",)
    moment = e.value(node.args[0])
    return when(in_calendar(moment), cast(call("date_trunc", text(unit), e.value(node.args[0])), "TIMESTAMP"))


def _unit_first(e: Emitter, node: Node) -> exp.Expression:
    return call(node.op, *options(node), *(e.value(a) for a in node.args))


def _days_between(e: Emitter, node: Node) -> exp.Expression:
    left, right = node.args
    return call("date_diff", text("day"), e.value(right), e.value(left))


def _trim(e: Emitter, node: Node) -> exp.Expression:
    return call(node.op, e.value(node.args[0]), text(" "))


def _with_room(e: Emitter, node: Node) -> exp.Expression:
    """Functions of exact numbers whose result may be wider than the engine's own choice."""
    inner = e.value(node.args[0])
    whole = node.op in ("floor", "ceil", "round") and node.type.kind is Kind.INTEGER
    if node.type.kind is Kind.INTEGER or (node.type.kind is Kind.DECIMAL and node.op == "round"):
        inner = cast(inner, sql_type(node.type))
    if whole:
        return inner
    result = call(node.op, inner, *options(node))
    return cast(result, sql_type(node.type)) if node.type.kind is Kind.DECIMAL else result


# --- aggregates -------------------------------------------------------------------------

# Sums of floats: a value's size picks its power of two; scaled by it, it is a whole number
# of at most 92 bits, and whole numbers add up the same in any order. Smallest size, power.
# From the end on a value counts as infinite.
SUM_BINS = ((0.0, 110), (2.0**-10, 62), (2.0**30, 22), (2.0**70, -18))
SUM_END = 2.0**110


def _sum(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    if node.type.kind in (Kind.INTEGER, Kind.DECIMAL):
        return cast(call("sum", e.value(arg)), sql_type(node.type))
    return _float_sum(e, arg)


def _float_sum(e: Emitter, arg: Node) -> exp.Expression:
    def size() -> exp.Expression:
        return call("abs", e.value(arg))

    parts: list[exp.Expression] = []
    ends = [low for low, _ in SUM_BINS[1:]] + [SUM_END]
    for (low, power), end in zip(SUM_BINS, ends, strict=True):
        within = exp.And(
            this=exp.GTE(this=size(), expression=literal(low)),
            expression=exp.LT(this=size(), expression=literal(end)),
        )
        scaled = exp.Mul(this=paren(e.value(arg)), expression=literal(2.0**power))
        whole = call("sum", when(within, cast(paren(scaled), "HUGEINT")))
        parts.append(exp.Mul(this=cast(whole, "DOUBLE"), expression=literal(2.0**-power)))
    boundless = exp.Mul(this=paren(e.value(arg)), expression=literal(float("inf")))
    parts.append(call("sum", when(exp.GTE(this=size(), expression=literal(SUM_END)), boundless)))
    total = call("coalesce", parts[0], literal(0.0))
    for part in parts[1:]:
        total = exp.Add(this=total, expression=call("coalesce", part, literal(0.0)))
    present = exp.GT(this=call("count", e.value(arg)), expression=number(0))
    return when(present, total)


def _average(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    total = _float_sum(e, arg) if arg.type.kind is Kind.FLOAT else cast(call("sum", e.value(arg)), "DOUBLE")
    return paren(
        exp.Div(
            this=paren(total), expression=cast(call("count", e.value(arg)), "DOUBLE"), typed=False, safe=False
        )
    )


def _in_order(name: str) -> Writer:
    """Fed in ascending order, so that floating results do not depend on threads."""

    def write(e: Emitter, node: Node) -> exp.Expression:
        (arg,) = node.args
        if arg.op == "literal":
            return call(name, e.value(arg))
        order = exp.Order(this=e.value(arg), expressions=[exp.Ordered(this=e.value(arg))])
        return call(name, order)

    return write


def _count_distinct(e: Emitter, node: Node) -> exp.Expression:
    if len(node.args) == 1:
        return call("count", exp.Distinct(expressions=[e.value(node.args[0])]))
    present = chain(exp.And, [paren(not_null(e.value(a))) for a in node.args])
    row = e.row(*(e.value(a) for a in node.args))
    return call("count", exp.Distinct(expressions=[when(present, row)]))


WRITERS: dict[str, Writer] = {
    "column": lambda e, node: e.column(str(node.value)),
    "literal": lambda e, node: literal(node.value, node.type),
    "+": _arithmetic(exp.Add),
    "-": _arithmetic(exp.Sub),
    "*": _arithmetic(exp.Mul),
    "/": _divide,
    "//": _divide_guarded(exp.IntDiv),
    "%": _divide_guarded(exp.Mod),
    "fmod": _binary(exp.Mod),
    "neg": _negate,
    "||": _binary(exp.DPipe),
    "=": _binary(exp.EQ),
    "<>": _binary(exp.NEQ),
    "<": _binary(exp.LT),
    "<=": _binary(exp.LTE),
    ">": _binary(exp.GT),
    ">=": _binary(exp.GTE),
    "is_distinct": _binary(exp.NullSafeNEQ),
    "is_same": _binary(exp.NullSafeEQ),
    "between": lambda e, node: paren(
        exp.Between(
            this=paren(e.value(node.args[0])),
            low=paren(e.value(node.args[1])),
            high=paren(e.value(node.args[2])),
        )
    ),
    "in": lambda e, node: paren(
        exp.In(this=paren(e.value(node.args[0])), expressions=[e.value(a) for a in node.args[1:]])
    ),
    "is_null": lambda e, node: paren(is_null(e.value(node.args[0]))),
    "is_true": lambda e, node: paren(
        exp.NullSafeEQ(this=paren(e.value(node.args[0])), expression=exp.true())
    ),
    "is_false": lambda e, node: paren(
        exp.NullSafeEQ(this=paren(e.value(node.args[0])), expression=exp.false())
    ),
    "and": _connective(exp.And),
    "or": _connective(exp.Or),
    "not": lambda e, node: paren(exp.Not(this=paren(e.value(node.args[0])))),
    "like": _like,
    "ilike": _like,
    "case": _case,
    "convert": _convert,
    "cast": _convert,
    "try_cast": _convert,
    "shift": _shifted,
    "days_between": _days_between,
    "date_trunc": _truncated,
    "date_part": _unit_first,
    "date_diff": _unit_first,
    "trim": _trim,
    "ltrim": _trim,
    "rtrim": _trim,
    "length": lambda e, node: call("len", e.value(node.args[0])),
    "abs": _with_room,
    "floor": _with_room,
    "ceil": _with_room,
    "round": _with_room,
    "count_rows": lambda e, node: exp.Count(this=exp.Star()),
    "count_if": lambda e, node: call("count", when(e.value(node.args[0]), number(1))),
    "count_distinct": _count_distinct,
    "sum": _sum,
    "avg": _average,
    "median": lambda e, node: call("quantile_cont", e.value(node.args[0]), literal(0.5)),
    "stddev": _in_order("stddev_samp"),
    "stddev_pop": _in_order("stddev_pop"),
    "variance": _in_order("var_samp"),
    "var_pop": _in_order("var_pop"),
}
