"""Pieces of SQL, as trees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlglot import exp

from interlock.constraints.types import Type
from interlock.engines.schema import Kind

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
