"""Pieces of Spark's SQL, as trees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp

from interlock.constraints.expression import Node
from interlock.constraints.sql import call, number, paren
from interlock.constraints.sql import text as quoted
from interlock.constraints.types import Type
from interlock.engines.schema import Kind

_REPEATED_MAX = 6  # SQL nodes of a value that may be written more than once
_BOUND = "bound"  # what a lambda calls its values; no column stands in its body


def sql_type(type_: Type) -> str:
    """The Spark type in which a value of ``type_`` is computed."""
    if type_.kind is Kind.INTEGER:
        return "BIGINT" if type_.size < 63 else "DECIMAL(38, 0)"
    if type_.kind is Kind.DECIMAL:
        return f"DECIMAL({type_.size}, {type_.scale})"
    return _TYPES.get(type_.kind, "STRING")


_TYPES: Mapping[Kind | None, str] = {
    Kind.FLOAT: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TEXT: "STRING",
    Kind.BINARY: "BINARY",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP_NTZ",
    Kind.TIMESTAMPTZ: "TIMESTAMP",
}


def cast(tree: exp.Expression, type_: str, *, safe: bool = False) -> exp.Expression:
    to = _data_type(type_).copy()
    return exp.TryCast(this=tree, to=to, safe=True) if safe else exp.Cast(this=tree, to=to)


@lru_cache(maxsize=256)
def _data_type(type_: str) -> exp.DataType:
    return exp.DataType.build(type_, dialect="spark")


def text(value: str) -> exp.Expression:
    """A constant that no setting of the session's parser reads otherwise."""
    if value.isprintable() and not set(value) & set("'\"\\$"):
        return quoted(value)
    return cast(exp.HexString(this=value.encode().hex()), "STRING")


def floating(value: float) -> exp.Expression:
    return cast(quoted(repr(value)), "DOUBLE")


def option(node: Node, place: int = 0) -> Any:
    return node.value[place] if isinstance(node.value, tuple) and len(node.value) > place else None


def fill(template: str, **parts: exp.Expression | int | float | str) -> exp.Expression:
    """``template``, Spark's SQL, with a part for each ``:name``; numbers and texts become constants.

    A part that stands there more than once and is no small one is bound to a
    name first (by a lambda over an array of one), so that expressions inside
    each other do not double with every level.
    """
    tree = _parsed(template).copy()
    places = [p for p in tree.find_all(exp.Placeholder) if p.name in parts]
    uses = Counter(p.name for p in places)
    made = {name: _constant(part) for name, part in parts.items() if name in uses}
    large = [name for name in made if uses[name] > 1 and _size(made[name]) > _REPEATED_MAX]
    if large:  # then every column goes with them: one may be called as what they are bound to
        large = [name for name in made if name in large or made[name].find(exp.Column)]
        fields = [part for name in large for part in (quoted(name), made[name])]
        for name in large:
            made[name] = exp.Dot(this=exp.to_identifier(_BOUND), expression=exp.to_identifier(name))
    for place in places:
        filled = paren(made[place.name].copy())
        if place is tree:
            tree = filled
        else:
            place.replace(filled)
    return _with_bound(tree, fields) if large else paren(tree)


def _with_bound(body: exp.Expression, fields: list[exp.Expression]) -> exp.Expression:
    values = call("array", call("named_struct", *fields))
    function = exp.Lambda(this=body, expressions=[exp.to_identifier(_BOUND)])
    return call("get", call("transform", values, function), number(0))


def _constant(part: exp.Expression | int | float | str) -> exp.Expression:
    if isinstance(part, exp.Expression):
        return part
    if isinstance(part, str):
        return text(part)
    return number(part) if isinstance(part, int) else floating(part)


def _size(tree: exp.Expression) -> int:
    return sum(1 for _ in tree.walk())


@lru_cache(maxsize=256)
def _parsed(template: str) -> exp.Expression:
    tree = sqlglot.parse_one(template, dialect="spark")
    assert isinstance(tree, exp.Expression)
    return tree


# --- brackets ---------------------------------------------------------------------------

_INFIX = (exp.Binary, exp.Connector)
_ENCLOSED = (
    *(exp.Column, exp.Literal, exp.Null, exp.Boolean, exp.Func, exp.Cast, exp.Case, exp.Paren, exp.Dot),
    exp.HexString,
)
_ENCLOSING = (
    *(exp.Func, exp.Case, exp.If, exp.Cast, exp.Select, exp.Alias, exp.Distinct, exp.Paren, exp.Lambda),
    *(exp.Where, exp.Having),
)


def bare(tree: exp.Expression) -> exp.Expression:
    """``tree`` without the brackets that say nothing.

    Spark's parser reads to the end of each bracket before it knows what it is:
    of trees that were written with one around every part that takes seconds.
    """
    for bracket in list(tree.find_all(exp.Paren)):
        inner = bracket.this
        if not _stands_alone(inner) and not _encloses(bracket.parent):
            continue
        if bracket is tree:
            tree = inner.pop()
        else:
            bracket.replace(inner)
    return tree


def _stands_alone(tree: exp.Expression) -> bool:
    return isinstance(tree, _ENCLOSED) and (not isinstance(tree, _INFIX) or isinstance(tree, exp.Dot))


def _encloses(tree: exp.Expr | None) -> bool:
    return isinstance(tree, _ENCLOSING) and not isinstance(tree, _INFIX)
