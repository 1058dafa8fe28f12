"""Pieces of PostgreSQL's SQL, as trees."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from interlock.constraints.expression import Node
from interlock.constraints.sql import call, paren, text
from interlock.constraints.types import Type
from interlock.engines.schema import Kind

SCHEMA = "interlock"


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


def ours(name: str, *args: exp.Expression) -> exp.Expression:
    return call(f"{SCHEMA}.{name}", *args)


def by_code_point(tree: exp.Expression) -> exp.Expression:
    return paren(exp.Collate(this=tree, expression=exp.to_identifier("C", quoted=True)))


def floating(value: float) -> exp.Expression:
    return cast(text(repr(value)), "DOUBLE PRECISION")


def option(node: Node, place: int = 0) -> object:
    return node.value[place] if isinstance(node.value, tuple) and len(node.value) > place else None
