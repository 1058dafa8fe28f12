"""What each operation is in PostgreSQL's SQL, where it is not what DuckDB writes.

Where PostgreSQL raises an error (a float that overflows, a text that is no
number) or means something else, a function of the schema `SCHEMA` stands in its
place: `postgres.sql` makes them. Texts compare by code point (``COLLATE "C"``),
moments are computed in UTC, whatever database and session say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from importlib import resources
from unicodedata import ucd_3_2_0

from sqlglot import exp

from interlock.constraints.emit import Emitter, is_aggregate
from interlock.constraints.expression import Node
from interlock.constraints.patterns import to_posix
from interlock.constraints.sql import call, chain, literal, not_null, number, paren, text, when
from interlock.constraints.types import TEXT, Type
from interlock.constraints.writers import SUM_BINS, SUM_END, WRITERS, Writer, in_calendar
from interlock.engines.schema import Kind
from interlock.errors import ExpressionRefused

SCHEMA = "interlock"

# What is refused on PostgreSQL: as it is written, and why.
REFUSED = {
    "fmod": ("a remainder (%) of floats", "it has no such operator; CAST both sides to DECIMAL"),
}


# Letters with a case in Unicode 3.2, so that every Python writes the same.
_LETTERS = [c for c in map(chr, range(128, 0x1_0500)) if ucd_3_2_0.category(c) not in ("Cn", "Cs", "Lo")]


def functions() -> str:
    """The statements that make the functions, for an empty schema `SCHEMA`."""
    written = resources.files(__package__).joinpath("postgres.sql").read_text(encoding="utf-8")
    for name, other in (("lower", str.lower), ("upper", str.upper)):
        changed = [c for c in _LETTERS if len(other(c)) == 1 and other(c) != c]
        written = written.replace(f":{name}_from", _quoted("".join(changed)))
        written = written.replace(f":{name}_to", _quoted("".join(map(other, changed))))
    return written


def _quoted(characters: str) -> str:
    return exp.Literal.string(characters).sql("postgres")


class PostgresEmitter(Emitter):
    """PostgreSQL's SQL for one checked expression. ``row`` qualifies its columns (``NEW`` in a trigger)."""

    def __init__(self, stored: dict[str, str], *, row: str | None = None) -> None:
        super().__init__(stored)
        self._row = row

    def value(self, node: Node) -> exp.Expression:
        if node.op in REFUSED:
            written, why = REFUSED[node.op]
            raise ExpressionRefused(f"{written} is refused on PostgreSQL: {why}")
        if node.type.kind is Kind.NULL:
            return call("max", cast(exp.Null(), "TEXT")) if is_aggregate(node) else exp.Null()
        return super().value(node)

    def of_code(self, code: exp.Expression, outcomes: Sequence[exp.Expression]) -> exp.Expression:
        ifs = [exp.If(this=number(i), true=outcome) for i, outcome in enumerate(outcomes)]
        return exp.Case(this=paren(code), ifs=ifs)

    def in_utc(self, moment: exp.Expression) -> exp.Expression:
        return paren(exp.AtTimeZone(this=paren(moment), zone=text("UTC")))

    def column(self, name: str) -> exp.Expression:
        tree: exp.Expression = exp.column(name, table=self._row, quoted=True)
        if self._row is not None:
            tree.set("table", exp.to_identifier(self._row, quoted=False))
        stored = self._stored.get(name, "").upper()
        if stored == "NUMERIC":
            return _ours("as_float", tree)
        if stored == "FLOAT":
            return cast(tree, "DOUBLE PRECISION")
        if stored == "VARCHAR" or stored.startswith("ENUM") or stored == "UUID":
            return _by_code_point(cast(tree, "TEXT"))
        return tree


def sql_type(type_: Type) -> str:
    """The PostgreSQL type in which a value of ``type_`` is computed."""
    if type_.kind is Kind.INTEGER:
        return "BIGINT" if type_.size < 63 else "NUMERIC"
    if type_.kind is Kind.DECIMAL:
        return f"NUMERIC({type_.size}, {type_.scale})"
    return _TYPES.get(type_.kind, "TEXT")


_TYPES: Mapping[Kind | None, str] = {
    Kind.FLOAT: "DOUBLE PRECISION",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TEXT: "TEXT",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.TIMESTAMPTZ: "TIMESTAMPTZ",
}


def cast(tree: exp.Expression, type_: str) -> exp.Expression:
    return exp.Cast(this=tree, to=exp.DataType.build(type_, dialect="postgres"))


def _ours(name: str, *args: exp.Expression) -> exp.Expression:
    return call(f"{SCHEMA}.{name}", *args)


def _by_code_point(tree: exp.Expression) -> exp.Expression:
    return paren(exp.Collate(this=tree, expression=exp.to_identifier("C", quoted=True)))


def _float(value: float) -> exp.Expression:
    return cast(text(repr(value)), "DOUBLE PRECISION")


def _literal(e: Emitter, node: Node) -> exp.Expression:
    value, kind = node.value, node.type.kind
    if value is None:
        return exp.Null() if kind in (None, Kind.NULL) else cast(exp.Null(), sql_type(node.type))
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        if "\0" in value:
            raise ExpressionRefused("a text with a NUL character cannot be in PostgreSQL")
        return _by_code_point(cast(text(value), "TEXT"))
    if isinstance(value, Decimal):
        return cast(text(format(value, "f")), sql_type(node.type))
    return literal(value, node.type)


def _arithmetic(kind: Callable[..., exp.Expression], of_floats: str) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        left, right = (e.value(a) for a in node.args)
        if node.type.kind is Kind.FLOAT:
            return _ours(of_floats, left, right)
        if node.type.kind is Kind.INTEGER:
            left, right = (cast(side, sql_type(node.type)) for side in (left, right))
        else:
            left, right = (cast(side, "NUMERIC") for side in (left, right))
        return paren(kind(this=left, expression=right))

    return write


def _divide(e: Emitter, node: Node) -> exp.Expression:
    return _ours("divide", *(cast(e.value(a), "DOUBLE PRECISION") for a in node.args))


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
        subject, pattern = _ours("lower", subject), _ours("lower", pattern)
    like = exp.Like(this=paren(subject), expression=pattern)
    return paren(exp.Escape(this=like, expression=text("")))


# --- casts ------------------------------------------------------------------------------


def _convert(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    inner, source, target = e.value(arg), arg.type.kind, node.type
    if source in (None, Kind.NULL):
        return cast(inner, sql_type(target))
    if target.kind is Kind.DECIMAL:
        return _to_decimal(inner, source, target)
    if source is Kind.TIMESTAMPTZ and target.kind is not Kind.TIMESTAMPTZ:
        moment = _ours("in_utc", inner)
        return moment if target.kind is Kind.TIMESTAMP else cast(moment, "DATE")
    special = _CASTS.get((source, target.kind))
    if special is not None:
        return special(inner, target)
    return cast(inner, sql_type(target))


def _to_integer(inner: exp.Expression, target: Type) -> exp.Expression:
    return cast(_ours("whole", inner, number(target.size)), "BIGINT")


def _to_decimal(inner: exp.Expression, source: Kind, target: Type) -> exp.Expression:
    if source is Kind.TEXT:
        inner = _ours("number", inner)
    elif source is not Kind.FLOAT:
        inner = cast(inner, "NUMERIC")
    return _ours("fitting", inner, number(target.size), number(target.scale))


def _zero_or_one(inner: exp.Expression, target: Type) -> exp.Expression:
    return when(inner, number(1), when(exp.Not(this=paren(inner.copy())), number(0)))


_CASTS: Mapping[tuple[Kind, Kind | None], Callable[[exp.Expression, Type], exp.Expression]] = {
    (Kind.INTEGER, Kind.INTEGER): lambda x, t: _to_integer(cast(x, "NUMERIC"), t),
    (Kind.DECIMAL, Kind.INTEGER): _to_integer,
    (Kind.FLOAT, Kind.INTEGER): _to_integer,
    (Kind.TEXT, Kind.INTEGER): lambda x, t: _to_integer(_ours("number", x), t),
    (Kind.BOOLEAN, Kind.INTEGER): _zero_or_one,
    (Kind.TEXT, Kind.FLOAT): lambda x, t: _ours("as_float", x),
    (Kind.DECIMAL, Kind.FLOAT): lambda x, t: _ours("as_float", x),
    (Kind.TEXT, Kind.BOOLEAN): lambda x, t: _ours("truth", x),
    (Kind.INTEGER, Kind.BOOLEAN): lambda x, t: paren(exp.NEQ(this=paren(x), expression=number(0))),
    (Kind.INTEGER, Kind.TEXT): lambda x, t: _by_code_point(cast(x, "TEXT")),
    (Kind.BOOLEAN, Kind.TEXT): lambda x, t: _by_code_point(cast(x, "TEXT")),
    (Kind.TEXT, Kind.TEXT): lambda x, t: x,
    (Kind.DATE, Kind.TEXT): lambda x, t: _by_code_point(_ours("date_text", x)),
    (Kind.TEXT, Kind.DATE): lambda x, t: cast(_ours("as_timestamp", x), "DATE"),
    (Kind.TEXT, Kind.TIMESTAMP): lambda x, t: _ours("as_timestamp", x),
    (Kind.DATE, Kind.TIMESTAMP): lambda x, t: _ours("as_timestamp", x),
    (Kind.TEXT, Kind.TIME): lambda x, t: _ours("as_time", x),
}

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
        _ours("stays", moment, number(months), number(seconds)),
        exp.Add(this=paren(e.value(node.args[0])), expression=interval),
    )


def _truncated(e: Emitter, node: Node) -> exp.Expression:
    moment = e.value(node.args[0])
    return when(in_calendar(moment), call("date_trunc", text(_unit(node)), e.value(node.args[0])))


def _part(e: Emitter, node: Node) -> exp.Expression:
    return _ours("part", text(_unit(node)), e.value(node.args[0]))


def _difference(e: Emitter, node: Node) -> exp.Expression:
    first, second = (_ours("counted", text(_unit(node)), e.value(a)) for a in node.args)
    return paren(exp.Sub(this=second, expression=first))


# --- functions --------------------------------------------------------------------------


def _our(name: str) -> Writer:
    return lambda e, node: _ours(name, *(e.value(a) for a in node.args))


def _option(node: Node, place: int = 0) -> object:
    return node.value[place] if isinstance(node.value, tuple) and len(node.value) > place else None


def _with_room(e: Emitter, node: Node) -> exp.Expression:
    """abs, floor and ceil of any number; a whole number is its own floor."""
    inner = e.value(node.args[0])
    if node.type.kind is Kind.INTEGER:
        inner = cast(inner, sql_type(node.type))
        return call("abs", inner) if node.op == "abs" else inner
    return call(node.op, inner)


def _round(e: Emitter, node: Node) -> exp.Expression:
    inner, places = e.value(node.args[0]), _option(node)
    if node.type.kind is Kind.INTEGER:
        return cast(inner, sql_type(node.type))
    if node.type.kind is Kind.DECIMAL:
        return call("round", inner, number(min(int(str(places or 0)), node.type.scale)))
    if not places:
        return _ours("half_away", inner)
    return _ours("rounded", inner, _float(10.0 ** int(str(places))))


def _sign(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    return _ours("sign_of", e.value(arg) if arg.type.kind is Kind.FLOAT else cast(e.value(arg), "NUMERIC"))


def _is_float(value: float, *, either_way: bool = False) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        x = e.value(node.args[0])
        return paren(exp.EQ(this=call("abs", x) if either_way else paren(x), expression=_float(value)))

    return write


def _is_finite(e: Emitter, node: Node) -> exp.Expression:
    return paren(exp.LT(this=call("abs", e.value(node.args[0])), expression=_float(math.inf)))


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
        pattern = text(to_posix(str(_option(node)), whole=whole))
        return paren(exp.RegexpLike(this=paren(e.value(node.args[0])), expression=pattern))

    return write


# --- aggregates -------------------------------------------------------------------------


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
        scaled = call("round", exp.Mul(this=value(), expression=_float(2.0**power)))
        high = call("trunc", exp.Div(this=scaled, expression=_float(half), typed=True))
        low = exp.Sub(
            this=scaled.copy(), expression=paren(exp.Mul(this=high.copy(), expression=_float(half)))
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
        scaled = _ours("multiply", cast(paren(whole), "DOUBLE PRECISION"), _float(2.0**-power))
        parts.append(call("coalesce", scaled, _float(0.0)))
    boundless = when(
        exp.GTE(this=size(), expression=_float(SUM_END)),
        exp.Mul(this=value(), expression=_float(math.inf)),
    )
    parts.append(call("coalesce", call("sum", boundless), _float(0.0)))
    total = parts[0]
    for part in parts[1:]:
        total = _ours("add", total, part)
    return when(exp.GT(this=call("count", value()), expression=number(0)), total)


def _within(size: exp.Expression, least: float, end: float) -> exp.Expression:
    return exp.And(
        this=exp.GTE(this=size, expression=_float(least)),
        expression=exp.LT(this=size.copy(), expression=_float(end)),
    )


def _average(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    exact = arg.type.kind is not Kind.FLOAT
    total = cast(call("sum", cast(e.value(arg), "NUMERIC")), "DOUBLE PRECISION") if exact else None
    count = cast(call("count", e.value(arg)), "DOUBLE PRECISION")
    return _ours("divide", total or _float_sum(e, arg), count)


def _quantile(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    there = exp.Where(this=not_null(e.value(arg)))
    gathered = exp.Filter(this=_ordered("array_agg", e, arg), expression=there)
    share = _option(node)
    return _ours("quantile", gathered, _float(0.5 if share is None else float(str(share))))


def _one_of(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    share = call("percentile_disc", _float(float(str(_option(node)))))
    order = exp.Order(expressions=[exp.Ordered(this=e.value(arg))])
    return exp.WithinGroup(this=share, expression=order)


def _spread(less: int, *, root: bool) -> Writer:
    def write(e: Emitter, node: Node) -> exp.Expression:
        found = _ours("variance", _ordered(f"{SCHEMA}.spread", e, node.args[0]), number(less))
        return _ours("square_root", found) if root else found

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


PostgresEmitter.writers = {
    **WRITERS,
    "literal": _literal,
    "+": _arithmetic(exp.Add, "add"),
    "-": _arithmetic(exp.Sub, "subtract"),
    "*": _arithmetic(exp.Mul, "multiply"),
    "/": _divide,
    "//": _quotient,
    "%": _remainder,
    "neg": _negate,
    "like": _like,
    "ilike": _like,
    "lower": _our("lower"),
    "upper": _our("upper"),
    "convert": _convert,
    "cast": _convert,
    "try_cast": _convert,
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
