"""From a checked expression to SQL that cannot fail.

Engines differ in when they evaluate, reorder and skip, so an error that merely
happens to be raised decides nothing here. Everything that could fail is
written so that it gives NULL instead, and whether it *did* fail is an
expression of its own (`Emitter.error`).

Where a boolean can fail, it is a code: 0 false, 1 error, 2 NULL, 3 true. AND is
then the least code; NOT swaps 0 and 3; OR follows by De Morgan.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlglot import exp

from interlock.constraints.expression import Node
from interlock.constraints.types import DOUBLE, TIMESTAMP, Type
from interlock.engines.schema import Kind
from interlock.errors import ExpressionRefused

FALSE, ERROR, NULL, TRUE = range(4)
_CONNECTIVES = ("and", "or", "not")
_NODES_MAX = 50_000  # SQL nodes of one constraint; doubling inside nested branches must end somewhere


# What makes a node of two operands.
Made = Callable[..., exp.Expression]


def call(name: str, *args: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this=name, expressions=list(args))


def number(value: int) -> exp.Expression:
    return (
        exp.Literal.number(value) if value >= 0 else exp.Paren(this=exp.Neg(this=exp.Literal.number(-value)))
    )


def text(value: str) -> exp.Expression:
    return exp.Literal.string(value)


def cast(tree: exp.Expression, type_: str, *, safe: bool = False) -> exp.Expression:
    kind = exp.TryCast if safe else exp.Cast
    return kind(this=tree, to=_data_type(type_).copy())


@lru_cache(maxsize=256)
def _data_type(type_: str) -> exp.DataType:
    return exp.DataType.build(type_, dialect="duckdb")


def when(condition: exp.Expression, value: exp.Expression, default: exp.Expression | None = None) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=default)


def paren(tree: exp.Expression) -> exp.Expression:
    return exp.Paren(this=tree)


def is_null(tree: exp.Expression) -> exp.Expression:
    return exp.Is(this=paren(tree), expression=exp.Null())


def not_null(tree: exp.Expression) -> exp.Expression:
    return exp.Not(this=is_null(tree))


def any_of(*parts: exp.Expression | None) -> exp.Expression | None:
    present = [p for p in parts if p is not None]
    return None if not present else present[0] if len(present) == 1 else chain(exp.Or, present)


def chain(kind: Made, parts: list[exp.Expression]) -> exp.Expression:
    """A balanced tree, so that long chains stay shallow."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return kind(this=paren(chain(kind, parts[:middle])), expression=paren(chain(kind, parts[middle:])))


def sql_type(type_: Type) -> str:
    """The DuckDB type in which a value of ``type_`` is computed."""
    if type_.kind is Kind.INTEGER:
        return "BIGINT" if type_.size < 63 else "HUGEINT"
    if type_.kind is Kind.DECIMAL:
        return f"DECIMAL({type_.size}, {type_.scale})"
    return {
        Kind.FLOAT: "DOUBLE",
        Kind.BOOLEAN: "BOOLEAN",
        Kind.TEXT: "VARCHAR",
        Kind.DATE: "DATE",
        Kind.TIME: "TIME",
        Kind.TIMESTAMP: "TIMESTAMP",
        Kind.TIMESTAMPTZ: "TIMESTAMPTZ",
    }[type_.kind]  # type: ignore[index]


def cast_type(type_: Type) -> str:
    """The DuckDB type of a CAST somebody wrote: as narrow as they said."""
    if type_.kind is Kind.INTEGER:
        return {7: "TINYINT", 15: "SMALLINT", 31: "INTEGER"}.get(type_.size, "BIGINT")
    return sql_type(type_)


class Emitter:
    """SQL for one checked expression."""

    def __init__(self, stored: dict[str, str]) -> None:
        self._stored = stored  # column → its type as the engine writes it
        self._fallible: dict[int, bool] = {}
        self._made = 0

    def value(self, node: Node) -> exp.Expression:
        """The value; NULL or anything where `error` is true."""
        self._made += 1
        if self._made > _NODES_MAX:
            raise ExpressionRefused(
                "too many things that can fail inside each other's branches", hint="split the constraint"
            )
        if node.op in _CONNECTIVES and self.fallible(node):
            outcomes = exp.Array(expressions=[exp.false(), exp.Null(), exp.Null(), exp.true()])
            return call("list_extract", outcomes, exp.Add(this=self.code(node), expression=number(1)))
        writer = _WRITERS.get(node.op)
        if writer is not None:
            return writer(self, node)
        return call(node.op, *(self.value(a) for a in node.args), *_options(node))

    def fallible(self, node: Node) -> bool:
        """Can evaluating it fail for any value?"""
        known = self._fallible.get(id(node))
        if known is None:
            known = node.op in _GUARDS and _GUARDS[node.op](self, node) is not None
            known = known or (node.op not in _AGGREGATES and any(self.fallible(a) for a in node.args))
            self._fallible[id(node)] = known
        return known

    def error(self, node: Node) -> exp.Expression | None:
        """A boolean, never NULL: did evaluating it fail? None where it cannot."""
        if not self.fallible(node) or node.op in _AGGREGATES:
            return None
        if node.op in _CONNECTIVES:
            return exp.EQ(this=self.code(node), expression=number(ERROR))
        if node.op == "case":
            return self._case_error(node)
        if node.op == "coalesce":
            return self._coalesce_error(node)
        guard = _GUARDS[node.op](self, node) if node.op in _GUARDS else None
        return any_of(*(self.error(a) for a in node.args), guard)

    def _case_error(self, node: Node) -> exp.Expression:
        *branches, default = node.args
        ifs: list[exp.Expression] = []
        for condition, result in zip(branches[::2], branches[1::2], strict=True):
            failed = self.error(condition)
            if failed is not None:
                ifs.append(exp.If(this=failed, true=exp.true()))
            ifs.append(exp.If(this=self.value(condition), true=self.error(result) or exp.false()))
        return exp.Case(ifs=ifs, default=self.error(default) or exp.false())

    def _coalesce_error(self, node: Node) -> exp.Expression:
        ifs: list[exp.Expression] = []
        for arg in node.args:
            failed = self.error(arg)
            if failed is not None:
                ifs.append(exp.If(this=failed, true=exp.true()))
            ifs.append(exp.If(this=not_null(self.value(arg)), true=exp.false()))
        return exp.Case(ifs=ifs, default=exp.false())

    def code(self, node: Node) -> exp.Expression:
        """0 false, 1 error, 2 NULL, 3 true."""
        self._made += 1
        if node.op in _CONNECTIVES and self.fallible(node):
            if node.op == "not":
                return _flip(self.code(node.args[0]))
            codes = [self.code(a) for a in node.args]
            return call("least", *codes) if node.op == "and" else _flip(call("least", *map(_flip, codes)))
        ifs = []
        failed = self.error(node)
        if failed is not None:
            ifs.append(exp.If(this=failed, true=number(ERROR)))
        ifs.append(exp.If(this=is_null(self.value(node)), true=number(NULL)))
        ifs.append(exp.If(this=self.value(node), true=number(TRUE)))
        return exp.Case(ifs=ifs, default=number(FALSE))

    def violated(self, node: Node) -> exp.Expression:
        """True where a row breaks it: false, or failed. NULL is no violation."""
        if not self.fallible(node):
            return exp.Not(this=paren(self.value(node)))
        return exp.LTE(this=self.code(node), expression=number(ERROR))

    def column(self, name: str) -> exp.Expression:
        tree = exp.column(name, quoted=True)
        stored = self._stored.get(name, "").upper()
        if stored in ("FLOAT", "REAL", "FLOAT4"):
            return cast(tree, "DOUBLE")
        if stored.startswith("ENUM") or stored == "UUID":
            return cast(tree, "VARCHAR")
        if stored in ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
            return cast(tree, "TIMESTAMP", safe=True)
        return tree


def _flip(code: exp.Expression) -> exp.Expression:
    swapped = exp.Array(expressions=[number(TRUE), number(ERROR), number(NULL), number(FALSE)])
    return call("list_extract", swapped, exp.Add(this=code, expression=number(1)))


def _options(node: Node) -> list[exp.Expression]:
    options = node.value if isinstance(node.value, tuple) else ()
    return [literal(option) for option in options]


def literal(value: Any, type_: Type | None = None) -> exp.Expression:
    """A constant, typed so that no engine has to guess."""
    if value is None:
        typed = type_ is not None and type_.kind not in (None, Kind.NULL)
        return cast(exp.Null(), sql_type(type_)) if typed and type_ else exp.Null()
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return cast(text(repr(value)), "DOUBLE")
    if isinstance(value, Decimal):
        width, scale = (type_.size, type_.scale) if type_ else (38, 10)
        return cast(text(format(value, "f")), f"DECIMAL({width}, {scale})")
    if isinstance(value, dt.datetime):
        kind = "TIMESTAMPTZ" if value.tzinfo else "TIMESTAMP"
        return cast(text(value.isoformat(" ")), kind)
    if isinstance(value, dt.date):
        return cast(text(value.isoformat()), "DATE")
    if isinstance(value, dt.time):
        return cast(text(value.isoformat()), "TIME")
    return text(str(value))


Writer = Callable[[Emitter, Node], exp.Expression]


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
        utc = call("make_timestamp", call("epoch_us", inner))
        return utc if node.type.kind is Kind.TIMESTAMP else cast(utc, "DATE", safe=True)
    safe = node.op in ("cast", "try_cast") or arg.type.kind is Kind.DATE
    target = sql_type(node.type) if node.op == "convert" else cast_type(node.type)
    return cast(inner, target, safe=safe)


def _in_calendar(moment: exp.Expression) -> exp.Expression:
    first, last = dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001
    return exp.Between(this=paren(moment), low=literal(first), high=literal(last))


def _shifted(e: Emitter, node: Node) -> exp.Expression:
    amount, unit = node.value if isinstance(node.value, tuple) else (0, "day")
    interval = exp.Interval(this=text(str(amount)), unit=exp.Var(this=str(unit).upper()))
    moment = e.value(node.args[0])
    return when(_in_calendar(moment), exp.Add(this=paren(e.value(node.args[0])), expression=interval))


def _truncated(e: Emitter, node: Node) -> exp.Expression:
    (unit,) = node.value if isinstance(node.value, tuple) else ("day",)
    moment = e.value(node.args[0])
    return when(
        _in_calendar(moment), cast(call("date_trunc", text(unit), e.value(node.args[0])), "TIMESTAMP")
    )


def _unit_first(e: Emitter, node: Node) -> exp.Expression:
    return call(node.op, *_options(node), *(e.value(a) for a in node.args))


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
    result = call(node.op, inner, *_options(node))
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
    row = call("row", *(e.value(a) for a in node.args))
    return call("count", exp.Distinct(expressions=[when(present, row)]))


_WRITERS: dict[str, Writer] = {
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

# --- what can fail ----------------------------------------------------------------------

Guard = Callable[[Emitter, Node], exp.Expression | None]


def _zero_divisor(e: Emitter, node: Node) -> exp.Expression | None:
    divisor = node.args[1]
    if divisor.op == "literal" and divisor.value:
        return None
    left, right = node.args
    zero = exp.EQ(this=paren(e.value(right)), expression=number(0))
    return call("coalesce", paren(exp.And(this=zero, expression=not_null(e.value(left)))), exp.false())


def _lost(e: Emitter, node: Node) -> exp.Expression | None:
    """A cast that has no value where its argument has one."""
    (arg,) = node.args
    kinds = (arg.type.kind, node.type.kind)
    if node.op == "convert" and kinds not in (
        (Kind.DATE, Kind.TIMESTAMP),
        (Kind.TIMESTAMPTZ, Kind.TIMESTAMP),
    ):
        return None
    if kinds[0] is kinds[1] and kinds[0] not in (Kind.INTEGER, Kind.DECIMAL):
        return None
    if Kind.FLOAT is kinds[1] and kinds[0] is not Kind.TEXT:
        return None
    if Kind.TEXT is kinds[1]:
        return None
    return paren(exp.And(this=is_null(e.value(node)), expression=not_null(e.value(arg))))


def _outside_calendar(e: Emitter, node: Node) -> exp.Expression | None:
    moment = e.value(node.args[0])
    inside = call("coalesce", _in_calendar(e.value(node)), exp.false())
    return paren(exp.And(this=not_null(moment), expression=exp.Not(this=inside)))


_GUARDS: dict[str, Guard] = {
    "//": _zero_divisor,
    "%": _zero_divisor,
    "cast": _lost,
    "convert": _lost,
    "shift": _outside_calendar,
    "date_trunc": _outside_calendar,
}

_AGGREGATES = frozenset(
    {
        "count_rows",
        "count",
        "count_distinct",
        "count_if",
        "sum",
        "avg",
        "min",
        "max",
        "median",
        "quantile_cont",
    }
    | {"quantile_disc", "stddev", "stddev_pop", "variance", "var_pop", "bool_and", "bool_or"}
)


def is_aggregate(node: Node) -> bool:
    return node.op in _AGGREGATES


__all__ = ["DOUBLE", "TIMESTAMP", "Emitter", "call", "cast", "is_aggregate", "literal", "number", "when"]
