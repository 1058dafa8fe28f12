"""What binding is made of: the walk itself, and how a node becomes the type that is needed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlglot import exp

from interlock.constraints import literals
from interlock.constraints.expression import Node
from interlock.constraints.types import (
    DECIMAL_DIGITS_MAX,
    DOUBLE,
    INTEGER_BITS_MAX,
    Type,
    unify,
)
from interlock.engines.schema import Kind

ONLY_EQUAL = (Kind.BINARY,)
UNORDERED = (Kind.NESTED, Kind.OTHER, Kind.INTERVAL)


class Refused(Exception):
    """A node is not allowed. `bind` turns it into an `ExpressionRefused` that underlines it."""

    def __init__(self, node: exp.Expression, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.node, self.problem, self.hint = node, problem, hint


# The parts a node may have, and what reads it.
Allowed = tuple[tuple[str, ...], Callable[["Binder", Any], Node]]


@dataclass(frozen=True, slots=True)
class Binder:
    """Reads one tree. ``columns`` None: names and types are taken on trust."""

    columns: Mapping[str, tuple[str, Type]] | None
    allowed: Mapping[type[exp.Expression], Allowed]
    within: str | None = None  # the aggregate around the node, None outside

    def bind(self, tree: exp.Expression) -> Node:
        kind = type(tree)
        handler = self.allowed.get(kind)
        if handler is None:
            raise Refused(tree, unknown_node(tree))
        parts, read = handler
        extra = [
            key for key, value in tree.args.items() if value not in (None, False, []) and key not in parts
        ]
        if extra:
            raise Refused(tree, f"{word(tree)} with {extra[0]!r} is not in the language")
        return read(self, tree)

    def all(self, trees: Sequence[exp.Expression]) -> tuple[Node, ...]:
        return tuple(self.bind(tree) for tree in trees)


def unknown_node(tree: exp.Expression) -> str:
    if isinstance(tree, exp.Query | exp.Exists | exp.Any | exp.All) or tree.find(exp.Query) is not None:
        return "a subquery is not in the language"
    if isinstance(tree, exp.Window):
        return "a window function is not in the language"
    if isinstance(tree, exp.Placeholder | exp.Parameter):
        return "a parameter is not in the language"
    if isinstance(tree, exp.Command | exp.DDL | exp.DML):
        return "a statement is not an expression"
    return f"{word(tree)} is not in the language"


def word(tree: exp.Expression) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(tree).__name__).lower()


def literal(value: Any, type_: Type) -> Node:
    return Node("literal", replace(type_, literal=True), value=value)


def coerce(node: Node, target: Type, at: exp.Expression) -> Node:
    """``node`` turned into ``target`` (from `types.unify`), or itself where nothing is to do."""
    source = node.type
    typed = replace(target, literal=False)
    if node.op == "literal" and node.value is None:
        return Node("literal", typed)
    if source.kind is Kind.NULL and target.kind not in (None, Kind.NULL):
        return Node("convert", typed, (node,))
    if source.kind is None or target.kind is None or source.kind is Kind.NULL:
        return node
    if node.op == "literal":
        return coerce_literal(node, target, at)
    if source.kind is target.kind and source.kind is not Kind.DECIMAL:
        return node
    if source.kind is Kind.DECIMAL and target.kind is Kind.DECIMAL and source.scale == target.scale:
        return node
    return Node("convert", typed, (node,))


def coerce_literal(node: Node, target: Type, at: exp.Expression) -> Node:
    kind, value = node.type.kind, node.value
    if target.kind is Kind.FLOAT and kind in (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT):
        number = float(value)  # type: ignore[arg-type]
        return literal(literals.narrow(number) if target.size == 32 else number, DOUBLE)
    if target.kind is Kind.DECIMAL:
        return literal(Decimal(value), target)  # type: ignore[arg-type]
    if kind is Kind.TEXT and target.kind is not None and target.kind.temporal:
        moment = literals.moment(str(value), target.kind)
        if moment is None:
            raise Refused(
                at,
                f"{value!r} is not {target}",
                "write it as ISO 8601, '2013-01-31' or '2013-01-31 10:00:00'",
            )
        return literal(moment, target)
    if kind is Kind.TIMESTAMPTZ and target.kind is Kind.TIMESTAMP:
        return literal(value.replace(tzinfo=None), target)  # type: ignore[attr-defined]
    if kind is Kind.DATE and target.kind is Kind.TIMESTAMP:
        return literal(dt.datetime.combine(value, dt.time()), target)  # type: ignore[arg-type]
    return node


def unified(nodes: Sequence[Node], at: exp.Expression) -> tuple[tuple[Node, ...], Type]:
    common = nodes[0].type
    for node in nodes[1:]:
        both = unify(common, node.type)
        if both is None:
            raise Refused(
                at, f"{common} and {node.type} cannot be compared or mixed", _mixing_hint(common, node.type)
            )
        common = both
    return tuple(coerce(node, common, at) for node in nodes), replace(common, literal=False)


def _mixing_hint(a: Type, b: Type) -> str | None:
    kinds = {a.kind, b.kind}
    if kinds == {Kind.TIMESTAMP, Kind.TIMESTAMPTZ}:
        return "a timestamp without a zone names no moment; CAST one of them"
    if kinds <= {Kind.INTEGER, Kind.DECIMAL}:
        return "together they need more than 38 digits; CAST one to DOUBLE"
    return "CAST one of them"


def to(node: Node, wanted: Type, at: exp.Expression, what: str) -> Node:
    """``node`` as ``wanted``, or a refusal that says ``what`` needs it."""
    both = unify(node.type, wanted)
    if both is None or (both.kind is not wanted.kind and both.kind is not None):
        raise Refused(at, f"{what} needs {wanted}, this is {node.type}")
    return coerce(node, wanted, at)


def plain(type_: Type) -> Type:
    return DOUBLE if type_.kind is Kind.FLOAT else replace(type_, literal=False)


def need_number(node: Node, tree: exp.Expression, what: str) -> None:
    if node.type.kind not in (None, Kind.NULL) and not node.type.numeric:
        raise Refused(tree, f"{what} needs a number, this is {node.type}")


def room(type_: Type, tree: exp.Expression) -> Type:
    """Arithmetic must fit whatever the values are."""
    if type_.kind is Kind.INTEGER and type_.size > INTEGER_BITS_MAX:
        raise Refused(tree, "the result may need more than 126 bits", "CAST one side to DOUBLE")
    if type_.kind is Kind.DECIMAL and type_.size > DECIMAL_DIGITS_MAX:
        raise Refused(tree, "the result may need more than 38 digits", "CAST one side to DOUBLE")
    return type_


def case(conditions: Sequence[Node], results: Sequence[Node], tree: exp.Expression) -> Node:
    """args: condition, result, condition, result, …, default."""
    values, common = unified(results, tree)
    args: list[Node] = []
    for condition, value in zip(conditions, values, strict=False):
        args += [condition, value]
    return Node("case", common, (*args, values[-1]))
