"""Casts: NULL where a value does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from interlock.constraints.emit import Emitter
from interlock.constraints.expression import Node
from interlock.constraints.postgres.sql import by_code_point, cast, ours, sql_type
from interlock.constraints.sql import number, paren, when
from interlock.constraints.types import Type
from interlock.engines.schema import Kind


def convert(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    inner, source, target = e.value(arg), arg.type.kind, node.type
    if source in (None, Kind.NULL):
        return cast(inner, sql_type(target))
    if target.kind is Kind.DECIMAL:
        return _to_decimal(inner, source, target)
    if source is Kind.TIMESTAMPTZ and target.kind is not Kind.TIMESTAMPTZ:
        moment = ours("in_utc", inner)
        return moment if target.kind is Kind.TIMESTAMP else cast(moment, "DATE")
    special = _CASTS.get((source, target.kind))
    if special is not None:
        return special(inner, target)
    return cast(inner, sql_type(target))


def _to_integer(inner: exp.Expression, target: Type) -> exp.Expression:
    return cast(ours("whole", inner, number(target.size)), "BIGINT")


def _to_decimal(inner: exp.Expression, source: Kind, target: Type) -> exp.Expression:
    if source is Kind.TEXT:
        inner = ours("number", inner)
    elif source is not Kind.FLOAT:
        inner = cast(inner, "NUMERIC")
    return ours("fitting", inner, number(target.size), number(target.scale))


def _zero_or_one(inner: exp.Expression, target: Type) -> exp.Expression:
    return when(inner, number(1), when(exp.Not(this=paren(inner.copy())), number(0)))


_CASTS: Mapping[tuple[Kind, Kind | None], Callable[[exp.Expression, Type], exp.Expression]] = {
    (Kind.INTEGER, Kind.INTEGER): lambda x, t: _to_integer(cast(x, "NUMERIC"), t),
    (Kind.DECIMAL, Kind.INTEGER): _to_integer,
    (Kind.FLOAT, Kind.INTEGER): _to_integer,
    (Kind.TEXT, Kind.INTEGER): lambda x, t: _to_integer(ours("number", x), t),
    (Kind.BOOLEAN, Kind.INTEGER): _zero_or_one,
    (Kind.TEXT, Kind.FLOAT): lambda x, t: ours("as_float", x),
    (Kind.DECIMAL, Kind.FLOAT): lambda x, t: ours("as_float", x),
    (Kind.TEXT, Kind.BOOLEAN): lambda x, t: ours("truth", x),
    (Kind.INTEGER, Kind.BOOLEAN): lambda x, t: paren(exp.NEQ(this=paren(x), expression=number(0))),
    (Kind.INTEGER, Kind.TEXT): lambda x, t: by_code_point(cast(x, "TEXT")),
    (Kind.BOOLEAN, Kind.TEXT): lambda x, t: by_code_point(cast(x, "TEXT")),
    (Kind.TEXT, Kind.TEXT): lambda x, t: x,
    (Kind.DATE, Kind.TEXT): lambda x, t: by_code_point(ours("date_text", x)),
    (Kind.TEXT, Kind.DATE): lambda x, t: cast(ours("as_timestamp", x), "DATE"),
    (Kind.TEXT, Kind.TIMESTAMP): lambda x, t: ours("as_timestamp", x),
    (Kind.DATE, Kind.TIMESTAMP): lambda x, t: ours("as_timestamp", x),
    (Kind.TEXT, Kind.TIME): lambda x, t: ours("as_time", x),
}
