"""What each operation is in PostgreSQL's SQL, where it is not what DuckDB writes.

Where PostgreSQL raises an error (a float that overflows, a text that is no
number) or means something else, a function of the schema `SCHEMA` stands in its
place: `functions.sql` makes them. Texts compare by code point (``COLLATE "C"``),
moments are computed in UTC, whatever database and session say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal

from sqlglot import exp

from interlock.constraints.emit import Emitter
from interlock.constraints.expression import Node
from interlock.constraints.postgres.aggregates import AGGREGATES
from interlock.constraints.postgres.casts import convert
from interlock.constraints.postgres.patterns import to_posix
from interlock.constraints.postgres.sql import by_code_point, cast, floating, option, ours, sql_type
from interlock.constraints.sql import call, literal, number, paren, text, when
from interlock.constraints.types import TEXT
from interlock.constraints.writers import WRITERS, Writer, in_calendar
from interlock.engines.schema import Kind
from interlock.errors import ExpressionRefused


def _literal(e: Emitter, node: Node) -> exp.Expression:
    value, kind = node.value, node.type.kind
    if value is None:
        return exp.Null() if kind in (None, Kind.NULL) else cast(exp.Null(), sql_type(node.type))
    if isinstance(value, float):
        return floating(value)
    if isinstance(value, str):
        if "\0" in value:
            raise ExpressionRefused("a text with a NUL character cannot be in PostgreSQL")
        return by_code_point(cast(text(value), "TEXT"))
    if isinstance(value, Decimal):
        return cast(text(format(value, "f")), sql_type(node.type))
    return literal(value, node.type)


def _arithmetic(kind: Callable[..., exp.Expression], of_floats: str) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        left, right = (e.value(a) for a in node.args)
        if node.type.kind is Kind.FLOAT:
            return ours(of_floats, left, right)
        if node.type.kind is Kind.INTEGER:
            left, right = (cast(side, sql_type(node.type)) for side in (left, right))
        else:
            left, right = (cast(side, "NUMERIC") for side in (left, right))
        return paren(kind(this=left, expression=right))

    return write


_of_numbers = _arithmetic(exp.Mul, "multiply")


def _multiply(e: Emitter, node: Node) -> exp.Expression:
    left, right = node.args
    if node.type.kind is Kind.FLOAT and (_never_small(left) or _never_small(right)):
        value, factor = (left, right) if _never_small(right) else (right, left)
        return ours("multiply_many", e.value(value), e.value(factor))
    return _of_numbers(e, node)


def _never_small(node: Node) -> bool:
    """Whether a float is 0 or from 1 to 1e39 on either side of it: a whole number, or such a constant."""
    if node.op == "convert":
        return node.args[0].type.kind is Kind.INTEGER
    return isinstance(node.value, float) and node.op == "literal" and 1 <= abs(node.value) < 1e39


def _divide(e: Emitter, node: Node) -> exp.Expression:
    return ours("divide", *(cast(e.value(a), "DOUBLE PRECISION") for a in node.args))


def _quotient(e: Emitter, node: Node) -> exp.Expression:
    left, right = (cast(e.value(a), "NUMERIC") for a in node.args)
    return cast(call("div", left, call("nullif", right, number(0))), sql_type(node.type))


def _remainder(e: Emitter, node: Node) -> exp.Expression:
    left, right = (cast(e.value(a), "NUMERIC") for a in node.args)
    return cast(call("mod", left, call("nullif", right, number(0))), sql_type(node.type))


def _negate(e: Emitter, node: Node) -> exp.Expression:
    return paren(exp.Neg(this=paren(cast(e.value(node.args[0]), sql_type(node.type)))))


def _like(e: Emitter, node: Node) -> exp.Expression:
    subject, pattern = e.value(node.args[0]), _literal(e, Node("literal", TEXT, value=node.value))
    if node.op == "ilike":
        subject, pattern = ours("lower", subject), ours("lower", pattern)
    like = exp.Like(this=paren(subject), expression=pattern)
    return paren(exp.Escape(this=like, expression=text("")))


# --- dates and times --------------------------------------------------------------------

_UNITS = {"dayofweek": "dow", "dayofyear": "doy"}
_MONTHS = {"year": 12, "month": 1}
_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


def _unit(node: Node) -> str:
    (unit,) = node.value if isinstance(node.value, tuple) else ("day",)
    return _UNITS.get(str(unit), str(unit))


def _shifted(e: Emitter, node: Node) -> exp.Expression:
    amount, unit = node.value if isinstance(node.value, tuple) else (0, "day")
    moment = e.value(node.args[0])
    months, seconds = amount * _MONTHS.get(unit, 0), amount * _SECONDS.get(unit, 0)
    interval = exp.Interval(this=text(f"{amount} {unit}"))
    return when(
        ours("stays", moment, number(months), number(seconds)),
        exp.Add(this=paren(e.value(node.args[0])), expression=interval),
    )


def _truncated(e: Emitter, node: Node) -> exp.Expression:
    moment = e.value(node.args[0])
    return when(in_calendar(moment), call("date_trunc", text(_unit(node)), e.value(node.args[0])))


def _part(e: Emitter, node: Node) -> exp.Expression:
    return ours("part", text(_unit(node)), e.value(node.args[0]))


def _difference(e: Emitter, node: Node) -> exp.Expression:
    first, second = (ours("counted", text(_unit(node)), e.value(a)) for a in node.args)
    return paren(exp.Sub(this=second, expression=first))


# --- functions --------------------------------------------------------------------------


def _our(name: str) -> Writer:
    return lambda e, node: ours(name, *(e.value(a) for a in node.args))


def _with_room(e: Emitter, node: Node) -> exp.Expression:
    """abs, floor and ceil of any number; a whole number is its own floor."""
    inner = e.value(node.args[0])
    if node.type.kind is Kind.INTEGER:
        inner = cast(inner, sql_type(node.type))
        return call("abs", inner) if node.op == "abs" else inner
    return call(node.op, inner)


def _round(e: Emitter, node: Node) -> exp.Expression:
    inner, places = e.value(node.args[0]), option(node)
    if node.type.kind is Kind.INTEGER:
        return cast(inner, sql_type(node.type))
    if node.type.kind is Kind.DECIMAL:
        return call("round", inner, number(min(int(str(places or 0)), node.type.scale)))
    if not places:
        return ours("half_away", inner)
    return ours("rounded", inner, floating(10.0 ** int(str(places))))


def _sign(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    return ours("sign_of", e.value(arg) if arg.type.kind is Kind.FLOAT else cast(e.value(arg), "NUMERIC"))


def _is_float(value: float, *, either_way: bool = False) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        x = e.value(node.args[0])
        return paren(exp.EQ(this=call("abs", x) if either_way else paren(x), expression=floating(value)))

    return write


def _is_finite(e: Emitter, node: Node) -> exp.Expression:
    return paren(exp.LT(this=call("abs", e.value(node.args[0])), expression=floating(math.inf)))


def _length(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    if arg.type.kind is Kind.NESTED:
        raise ExpressionRefused(
            "the length of a list is refused on PostgreSQL: its arrays may have many dimensions"
        )
    return cast(call("length", e.value(arg)), "BIGINT")


def _trim(name: str) -> Writer:
    return lambda e, node: call(name, e.value(node.args[0]), text(" "))


def _with_options(name: str) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        options = [number(int(str(o))) for o in (node.value if isinstance(node.value, tuple) else ())]
        return call(name, *(e.value(a) for a in node.args), *options)

    return write


def _ends_with(e: Emitter, node: Node) -> exp.Expression:
    whole, end = node.args
    tail = call("right", e.value(whole), call("length", e.value(end)))
    return paren(exp.EQ(this=tail, expression=paren(e.value(end))))


def _contains(e: Emitter, node: Node) -> exp.Expression:
    return paren(exp.GT(this=call("strpos", *(e.value(a) for a in node.args)), expression=number(0)))


def _pattern(*, whole: bool) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        pattern = text(to_posix(str(option(node)), whole=whole))
        return paren(exp.RegexpLike(this=paren(e.value(node.args[0])), expression=pattern))

    return write


POSTGRES_WRITERS: Mapping[str, Writer] = {
    **WRITERS,
    **AGGREGATES,
    "literal": _literal,
    "+": _arithmetic(exp.Add, "add"),
    "-": _arithmetic(exp.Sub, "subtract"),
    "*": _multiply,
    "/": _divide,
    "//": _quotient,
    "%": _remainder,
    "neg": _negate,
    "like": _like,
    "ilike": _like,
    "lower": _our("lower"),
    "upper": _our("upper"),
    "convert": convert,
    "cast": convert,
    "try_cast": convert,
    "shift": _shifted,
    "days_between": _our("days_between"),
    "date_trunc": _truncated,
    "date_part": _part,
    "date_diff": _difference,
    "abs": _with_room,
    "floor": _with_room,
    "ceil": _with_room,
    "round": _round,
    "sign": _sign,
    "sqrt": _our("square_root"),
    "exp": _our("exponential"),
    "ln": _our("logarithm"),
    "log10": _our("logarithm10"),
    "pow": _our("power"),
    "isnan": _is_float(math.nan),
    "isinf": _is_float(math.inf, either_way=True),
    "isfinite": _is_finite,
    "length": _length,
    "trim": _trim("btrim"),
    "ltrim": _trim("ltrim"),
    "rtrim": _trim("rtrim"),
    "left": _with_options("left"),
    "right": _with_options("right"),
    "substring": _with_options("substr"),
    "ends_with": _ends_with,
    "contains": _contains,
    "regexp_matches": _pattern(whole=False),
    "regexp_full_match": _pattern(whole=True),
}
