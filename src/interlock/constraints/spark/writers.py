"""What each operation is in Spark's SQL, where it is not what DuckDB writes.

Nothing here fails in ANSI mode, and nothing means something else without it:
divisors are never zero, casts have been looked at first. Moments without a zone
are TIMESTAMP_NTZ, and only functions that know it stand here: the others would
take them in the session's time zone.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal

from sqlglot import exp

from interlock.constraints.emit import Emitter
from interlock.constraints.expression import Node
from interlock.constraints.letters import changed
from interlock.constraints.spark.aggregates import AGGREGATES
from interlock.constraints.spark.casts import convert, half_away
from interlock.constraints.spark.patterns import to_java
from interlock.constraints.spark.sql import cast, fill, floating, option, sql_type, text
from interlock.constraints.sql import call, literal, number, paren
from interlock.constraints.types import DECIMAL_DIGITS_MAX
from interlock.constraints.writers import WRITERS, Writer
from interlock.engines.schema import Kind
from interlock.errors import ExpressionRefused

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DECIMAL_SCALE_SURE = 6  # digits after the point that Spark keeps in a product of more than 38 digits


def _literal(e: Emitter, node: Node) -> exp.Expression:
    value, kind = node.value, node.type.kind
    if value is None:
        return exp.Null() if kind in (None, Kind.NULL) else cast(exp.Null(), sql_type(node.type))
    if isinstance(value, float):
        return floating(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Decimal):
        return cast(text(format(value, "f")), sql_type(node.type))
    if isinstance(value, int) and not isinstance(value, bool):
        return cast(text(str(value)), sql_type(node.type))
    if isinstance(value, dt.datetime) and value.tzinfo:
        return call("timestamp_micros", number((value - _EPOCH) // dt.timedelta(microseconds=1)))
    if isinstance(value, dt.datetime):
        return cast(text(value.isoformat(" ")), "TIMESTAMP_NTZ")
    return literal(value, node.type)


# --- numbers ----------------------------------------------------------------------------


def _arithmetic(kind: Callable[..., exp.Expression]) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        left, right = (e.value(a) for a in node.args)
        if node.type.kind is Kind.INTEGER:
            left, right = (cast(side, sql_type(node.type)) for side in (left, right))
        elif node.type.kind is Kind.DECIMAL:
            if (
                kind is exp.Mul
                and node.type.size == DECIMAL_DIGITS_MAX
                and node.type.scale > _DECIMAL_SCALE_SURE
            ):
                raise ExpressionRefused(
                    "a product of decimals that may need all 38 digits is refused on Spark: it drops digits after"
                    " the point; CAST one side to fewer digits, or to DOUBLE"
                )
            left, right = (cast(s, sql_type(a.type)) for s, a in zip((left, right), node.args, strict=True))
            return cast(paren(kind(this=left, expression=right)), sql_type(node.type))
        return paren(kind(this=paren(left), expression=paren(right)))

    return write


def _divide(e: Emitter, node: Node) -> exp.Expression:
    """A divisor of zero has a sign, which the power -1 keeps."""
    left, right = (cast(e.value(a), "DOUBLE") for a in node.args)
    return fill("CASE WHEN :b = 0D THEN :a * power(:b, -1D) ELSE :a / nullif(:b, 0D) END", a=left, b=right)


# |a| // |b| of up to 38 digits, as h * 10^19 + l divided digit group by digit group: no quotient in between
# has more than 19 digits, and each is of a multiple of its divisor. Spark's DIV is of 64 bits.
_TEN = "CAST('10000000000000000000' AS DECIMAL(38, 0))"
_HIGH = f"CAST((abs(:a) - abs(:a) % {_TEN}) / {_TEN} AS DECIMAL(38, 0))"
_REST = f"(({_HIGH} % :b) * {_TEN} + abs(:a) % {_TEN})"
_LONG_DIVISION = (
    f"(CAST(({_HIGH} - {_HIGH} % :b) / abs(:b) AS DECIMAL(38, 0)) * {_TEN}"
    f" + CAST(({_REST} - {_REST} % :b) / abs(:b) AS DECIMAL(38, 0)))"
)


def _quotient(e: Emitter, node: Node) -> exp.Expression:
    left, right = (cast(e.value(a), sql_type(node.type)) for a in node.args)
    if sql_type(node.type) == "BIGINT":
        return fill("(:a DIV nullif(:b, 0))", a=left, b=right)
    signed = f"CASE WHEN (:a < 0) = (:b < 0) THEN {_LONG_DIVISION} ELSE -{_LONG_DIVISION} END"
    return fill(signed, a=left, b=fill("nullif(:b, 0)", b=right))


def _remainder(e: Emitter, node: Node) -> exp.Expression:
    left, right = (cast(e.value(a), sql_type(node.type)) for a in node.args)
    return fill("(:a % nullif(:b, 0))", a=left, b=right)


def _float_remainder(e: Emitter, node: Node) -> exp.Expression:
    left, right = (e.value(a) for a in node.args)
    template = "CASE WHEN :b = 0D AND :a IS NOT NULL THEN CAST('nan' AS DOUBLE) ELSE :a % nullif(:b, 0D) END"
    return fill(template, a=left, b=right)


def _negate(e: Emitter, node: Node) -> exp.Expression:
    return paren(exp.Neg(this=paren(cast(e.value(node.args[0]), sql_type(node.type)))))


def _absolute(e: Emitter, node: Node) -> exp.Expression:
    return call("abs", cast(e.value(node.args[0]), sql_type(node.type)))


def _whole(e: Emitter, node: Node) -> exp.Expression:
    """floor and ceil. From 2^52 on every float is whole, and soon none is a BIGINT, which Spark makes of them."""
    inner = e.value(node.args[0])
    if node.type.kind is Kind.FLOAT:
        template = f"CASE WHEN abs(:x) < 4503599627370496D THEN CAST({node.op}(:x) AS DOUBLE) ELSE :x END"
        return fill(template, x=inner)
    return cast(inner if node.type.kind is Kind.INTEGER else call(node.op, inner), sql_type(node.type))


def _round(e: Emitter, node: Node) -> exp.Expression:
    inner, places = e.value(node.args[0]), int(option(node) or 0)
    if node.type.kind is Kind.INTEGER:
        return cast(inner, sql_type(node.type))
    if node.type.kind is Kind.DECIMAL:
        return cast(call("round", inner, number(min(places, node.type.scale))), sql_type(node.type))
    if not places:
        return half_away(inner)
    power = 10.0**places
    rounded = fill("(:y / :power)", y=half_away(fill("(:x * :power)", x=inner, power=power)), power=power)
    return fill("CASE WHEN abs(:y) < :inf THEN :y ELSE :x END", x=inner, y=rounded, inf=math.inf)


_SIGN = "CASE WHEN :x < 0 THEN -1 WHEN :x > 0 AND NOT isnan(:x) THEN 1 WHEN :x IS NOT NULL THEN 0 END"
_POWER = (
    "CASE WHEN :x IS NULL OR :y IS NULL THEN NULL"
    " WHEN :x = 1D OR (:x = -1D AND abs(:y) = CAST('inf' AS DOUBLE)) THEN 1D ELSE power(:x, :y) END"
)


def _sign(e: Emitter, node: Node) -> exp.Expression:
    return cast(fill(_SIGN, x=cast(e.value(node.args[0]), "DOUBLE")), "BIGINT")


def _logarithm(name: str) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        x = e.value(node.args[0])
        template = "CASE WHEN :x = 0D THEN CAST('-inf' AS DOUBLE) WHEN :x < 0D THEN CAST('nan' AS DOUBLE) ELSE :log END"
        return fill(template, x=x, log=call(name, x.copy()))

    return write


# --- text -------------------------------------------------------------------------------


def _like(e: Emitter, node: Node) -> exp.Expression:
    """A backslash would escape, which the language does not know."""
    subject, pattern = e.value(node.args[0]), text(str(node.value).replace("\\", "\\\\"))
    if node.op == "ilike":
        subject, pattern = _in_case("lower", subject), _in_case("lower", pattern)
    return paren(exp.Like(this=paren(subject), expression=pattern))


def _in_case(name: str, x: exp.Expression) -> exp.Expression:
    before, after = changed(str.lower if name == "lower" else str.upper)
    letters = "translate(:x, :before, :after)"
    template = f"CASE WHEN octet_length(:x) = char_length(:x) THEN {name}(:x) ELSE {letters} END"
    return fill(template, x=x, before=_ASCII[name][0] + before, after=_ASCII[name][1] + after)


_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ASCII = {"lower": (_CAPITALS, _CAPITALS.lower()), "upper": (_CAPITALS.lower(), _CAPITALS)}


def _length(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    if arg.type.kind is Kind.NESTED:
        if not e.stored(str(arg.value)).endswith("[]"):
            raise ExpressionRefused("the length of what is no list is refused on Spark")
        return cast(call("array_size", e.value(arg)), "BIGINT")
    return cast(call("char_length", e.value(arg)), "BIGINT")


def _substring(e: Emitter, node: Node) -> exp.Expression:
    """Spark takes position 0 for 1, and counts from there."""
    start, length = option(node), option(node, 1)
    options = [number(max(start, 1))]
    if length is not None:
        options.append(number(max(length + min(start - 1, 0), 0)))
    return call("substring", e.value(node.args[0]), *options)


def _pattern(*, whole: bool) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        return call("rlike", e.value(node.args[0]), text(to_java(str(option(node)), whole=whole)))

    return write


# --- dates and times --------------------------------------------------------------------

_SECONDS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_CLOCK = {"hour": "hour(:x) * 3600", "minute": "hour(:x) * 3600 + minute(:x) * 60"}
_CLOCK["second"] = _CLOCK["minute"] + " + second(:x)"
_INSIDE = "(:x BETWEEN TIMESTAMP_NTZ'0001-01-01 00:00:00' AND TIMESTAMP_NTZ'9999-12-31 23:59:59.999999')"
_MIDNIGHT = "CAST(CAST(:x AS DATE) AS TIMESTAMP_NTZ)"
_PARTS = {
    "week": "weekofyear(CAST(:x AS DATE))",
    "dayofweek": "dayofweek(CAST(:x AS DATE)) - 1",
    "isodow": "weekday(CAST(:x AS DATE)) + 1",
}


def _shifted(e: Emitter, node: Node) -> exp.Expression:
    amount, unit = option(node), option(node, 1)
    return fill(
        f"CASE WHEN {_INSIDE} THEN timestampadd({unit}, :amount, :x) END",
        x=e.value(node.args[0]),
        amount=int(amount),
    )


def _truncated(e: Emitter, node: Node) -> exp.Expression:
    unit = str(option(node))
    if unit in _CLOCK:
        start = f"timestampadd(SECOND, {_CLOCK[unit]}, {_MIDNIGHT})"
    elif unit == "day":
        start = _MIDNIGHT
    else:
        start = f"CAST(trunc(CAST(:x AS DATE), '{unit}') AS TIMESTAMP_NTZ)"
    return fill(f"CASE WHEN {_INSIDE} THEN {start} END", x=e.value(node.args[0]))


def _part(e: Emitter, node: Node) -> exp.Expression:
    unit = str(option(node))
    whole = unit not in ("hour", "minute", "second")
    template = _PARTS.get(unit) or (f"{unit}(CAST(:x AS DATE))" if whole else f"{unit}(:x)")
    return cast(fill(template, x=e.value(node.args[0])), "BIGINT")


def _counted(unit: str) -> str:
    """Starts of the unit since some moment, for ``:x``."""
    if unit in ("year", "month"):
        months = "year(CAST(:x AS DATE)) * 12 + month(CAST(:x AS DATE))"
        return "CAST(year(CAST(:x AS DATE)) AS BIGINT)" if unit == "year" else f"CAST({months} AS BIGINT)"
    days = "CAST(datediff(CAST(:x AS DATE), DATE'1970-01-01') AS BIGINT)"
    if unit == "day":
        return days
    return f"({days} * {86_400 // _SECONDS[unit]} + ({_CLOCK[unit]}) DIV {_SECONDS[unit]})"


def _difference(e: Emitter, node: Node) -> exp.Expression:
    first, second = (fill(_counted(str(option(node))), x=e.value(a)) for a in node.args)
    return paren(exp.Sub(this=second, expression=first))


# --- what has a value of its own --------------------------------------------------------


def _plain(template: str) -> Writer:
    """Of the one argument, ``:x``; or of two, ``:x`` and ``:y``."""
    return lambda e, node: fill(template, **dict(zip("xy", (e.value(a) for a in node.args), strict=False)))


def _called(name: str) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        options = [number(int(o)) for o in (node.value if isinstance(node.value, tuple) else ())]
        return call(name, *(e.value(a) for a in node.args), *options)

    return write


def _best(name: str) -> Writer:
    """Spark wants two at least."""

    def write(e: Emitter, node: Node) -> exp.Expression:
        values = [e.value(a) for a in node.args]
        return call(name, *values) if len(values) > 1 else paren(values[0])

    return write


def _of_case(name: str) -> Writer:
    return lambda e, node: _in_case(name, e.value(node.args[0]))


SPARK_WRITERS: Mapping[str, Writer] = {
    **WRITERS,
    **AGGREGATES,
    "literal": _literal,
    "+": _arithmetic(exp.Add),
    "-": _arithmetic(exp.Sub),
    "*": _arithmetic(exp.Mul),
    "/": _divide,
    "//": _quotient,
    "%": _remainder,
    "fmod": _float_remainder,
    "neg": _negate,
    "abs": _absolute,
    "floor": _whole,
    "ceil": _whole,
    "round": _round,
    "sign": _sign,
    "ln": _logarithm("ln"),
    "log10": _logarithm("log10"),
    "pow": _plain(_POWER),
    "isnan": _plain("(:x = CAST('nan' AS DOUBLE))"),
    "isinf": _plain("(abs(:x) = CAST('inf' AS DOUBLE))"),
    "isfinite": _plain("(abs(:x) < CAST('inf' AS DOUBLE))"),
    "greatest": _best("greatest"),
    "least": _best("least"),
    "||": _called("concat"),
    "like": _like,
    "ilike": _like,
    "length": _length,
    "lower": _of_case("lower"),
    "upper": _of_case("upper"),
    "trim": _called("trim"),
    "ltrim": _called("ltrim"),
    "rtrim": _called("rtrim"),
    "left": _called("left"),
    "right": _called("right"),
    "substring": _substring,
    "replace": _called("replace"),
    "starts_with": _called("startswith"),
    "ends_with": _called("endswith"),
    "contains": _called("contains"),
    "regexp_matches": _pattern(whole=False),
    "regexp_full_match": _pattern(whole=True),
    "convert": convert,
    "cast": convert,
    "try_cast": convert,
    "shift": _shifted,
    "days_between": _plain("CAST(datediff(:x, :y) AS BIGINT)"),
    "date_trunc": _truncated,
    "date_part": _part,
    "date_diff": _difference,
}
