"""How calls are read: looked up in the language, their arguments turned into what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from interlock.constraints import language, wall
from interlock.constraints.binder import (
    ONLY_EQUAL,
    UNORDERED,
    Binder,
    Refused,
    case,
    coerce,
    need_number,
    plain,
    room,
    to,
    unified,
)
from interlock.constraints.expression import Node
from interlock.constraints.types import (
    BOOLEAN,
    DOUBLE,
    NULL,
    TEXT,
    TIMESTAMP,
    Type,
    integer,
)
from interlock.engines.schema import Kind
from interlock.errors import nearest

COUNT_MAX = 1_000_000
PLACES_MAX = 15


def call(b: Binder, tree: exp.Expression, condition: exp.Expression | None = None) -> Node:
    written = str(tree.this).lower()
    name = language.ALIASES.get(written, written)
    if name in _SPECIAL:
        return _SPECIAL[name](b, tree, condition)
    if name in language.PART_FUNCTIONS:
        unit = exp.Literal.string(name)
        return _function(b, tree, language.OPERATIONS["date_part"], [unit, *tree.expressions], condition)
    operation = language.OPERATIONS.get(name)
    if operation is None:
        raise unknown_function(tree, written)
    return _function(b, tree, operation, tree.expressions, condition)


def unknown_function(tree: exp.Expression, name: str) -> Refused:
    if name in language.REFUSED_FUNCTIONS:
        return Refused(tree, f"{name}() is refused: {language.REFUSED_FUNCTIONS[name]}")
    if name in language.PREDICATES:
        return Refused(tree, f"{name}() must be the whole constraint", language.PREDICATES[name])
    known = [
        *language.OPERATIONS,
        *language.SPECIAL,
        *language.ALIASES,
        *language.PARTS,
        *language.PREDICATES,
    ]
    return Refused(tree, f"function {name}() is not in the language", nearest(name, known))


def _function(
    b: Binder,
    tree: exp.Expression,
    operation: language.Operation,
    written: Sequence[exp.Expression],
    condition: exp.Expression | None,
) -> Node:
    most, least = len(operation.parameters), len(operation.parameters) - operation.optional
    if not least <= len(written) <= most:
        raise Refused(tree, f"{operation.signature} got {len(written)} arguments")
    inner = _inside(b, tree, operation.name) if operation.aggregate else b
    if condition is not None and not operation.aggregate:
        raise Refused(tree, f"FILTER follows an aggregate, {operation.name} is none")
    args, options = [], []
    for parameter, argument in zip(operation.parameters, written, strict=False):
        if parameter in _OPTIONS:
            options.append(_OPTIONS[parameter](operation, argument))
        else:
            args.append(_argument(operation, parameter, inner.bind(argument), argument))
    first = args[0].type
    result = operation.result
    type_ = result(plain(first)) if callable(result) and first.kind not in (None, Kind.NULL) else result
    node_type = type_ if isinstance(type_, Type) else first
    if operation.aggregate:
        args = _filtered(inner, args, condition, tree)
    return Node(operation.name, room(node_type, tree), tuple(args), tuple(options) or None)


def _inside(b: Binder, tree: exp.Expression, name: str) -> Binder:
    if b.within:
        raise Refused(tree, f"an aggregate inside {b.within}()")
    return replace(b, within=name)


def _filtered(
    b: Binder, args: list[Node], condition: exp.Expression | None, tree: exp.Expression
) -> list[Node]:
    """FILTER as CASE: engines differ in FILTER, and in DuckDB many cost quadratically."""
    if condition is None:
        return args
    test = to(b.bind(condition), BOOLEAN, condition, "FILTER")
    return [case((test,), (args[0], Node("literal", NULL)), tree), *args[1:]]


def _argument(operation: language.Operation, parameter: str, node: Node, at: exp.Expression) -> Node:
    what = f"{operation.name}()"
    kind = node.type.kind
    if parameter in ("number", "float"):
        need_number(node, at, what)
        return coerce(node, DOUBLE, at) if parameter == "float" or kind is Kind.NULL else node
    if parameter in ("text", "boolean"):
        return to(node, TEXT if parameter == "text" else BOOLEAN, at, what)
    if parameter == "moment":
        return _moment(node, at, what)
    if parameter == "sized" and kind is Kind.NULL:
        return coerce(node, TEXT, at)
    if parameter == "sized" and kind not in (None, Kind.TEXT, Kind.NESTED):
        raise Refused(at, f"{what} needs text or a list, this is {node.type}")
    if parameter == "ordered" and (kind in UNORDERED or kind in ONLY_EQUAL):
        raise Refused(at, f"{what} needs values with an order, this is {node.type}")
    return node


def _moment(node: Node, at: exp.Expression, what: str) -> Node:
    if node.type.kind in (None, Kind.TIMESTAMP):
        return node
    if node.type.kind in (Kind.NULL, Kind.DATE, Kind.TIMESTAMPTZ):
        return coerce(node, TIMESTAMP, at)
    raise Refused(at, f"{what} needs a date or timestamp, this is {node.type}")


def _constant(what: str, most: int) -> Callable[[language.Operation, exp.Expression], object]:
    def read(operation: language.Operation, tree: exp.Expression) -> object:
        text = tree.name if isinstance(tree, exp.Literal) and not tree.is_string else ""
        if not re.fullmatch(r"\d{1,9}", text) or int(text) > most:
            raise Refused(tree, f"{operation.name}() needs a constant {what} from 0 to {most:,} here")
        return int(text)

    return read


def _fraction(operation: language.Operation, tree: exp.Expression) -> object:
    text = tree.name if isinstance(tree, exp.Literal) and not tree.is_string else ""
    if not re.fullmatch(r"(\d{0,2}\.\d{1,9}|[01])", text) or not 0 <= float(text) <= 1:
        raise Refused(tree, f"{operation.name}() needs a constant from 0 to 1 here")
    return float(text)


def _pattern(operation: language.Operation, tree: exp.Expression) -> object:
    if not (isinstance(tree, exp.Literal) and tree.is_string):
        raise Refused(tree, f"the pattern of {operation.name}() is a constant text")
    problem = wall.pattern_problem(tree.name)
    if problem is not None:
        raise Refused(tree, f"not a pattern (RE2 syntax): {problem}")
    return tree.name


def _unit(operation: language.Operation, tree: exp.Expression) -> object:
    name = tree.name.lower() if isinstance(tree, exp.Literal | exp.Var) else ""
    name = {"dow": "dayofweek", "weekday": "dayofweek", "doy": "dayofyear"}.get(name, name)
    if name not in operation.units:
        raise Refused(tree, f"{operation.name}() needs a unit", "one of " + ", ".join(operation.units))
    return name


_OPTIONS: dict[str, Callable[[language.Operation, exp.Expression], object]] = {
    "count": _constant("count", COUNT_MAX),
    "places": _constant("number of places", PLACES_MAX),
    "fraction": _fraction,
    "pattern": _pattern,
    "unit": _unit,
}


def _count(b: Binder, tree: exp.Expression, condition: exp.Expression | None) -> Node:
    inner = _inside(b, tree, "count")
    written = tree.expressions
    if len(written) > 1:
        raise Refused(tree, "count takes one argument", language.SPECIAL["count"])
    if not written or isinstance(written[0], exp.Star):
        if condition is None:
            return Node("count_rows", integer(40))
        return Node("count_if", integer(40), (to(inner.bind(condition), BOOLEAN, condition, "FILTER"),))
    if isinstance(written[0], exp.Distinct):
        return _count_distinct(inner, written[0], condition, tree)
    return Node("count", integer(40), tuple(_filtered(inner, [inner.bind(written[0])], condition, tree)))


def _count_distinct(
    b: Binder, distinct: exp.Distinct, condition: exp.Expression | None, tree: exp.Expression
) -> Node:
    written = distinct.expressions
    if len(written) == 1 and isinstance(written[0], exp.Tuple):
        written = written[0].expressions
    if not written or distinct.args.get("on"):
        raise Refused(tree, "count(DISTINCT x) needs a value", language.SPECIAL["count"])
    args = _filtered(b, list(b.all(written)), condition, tree)
    return Node("count_distinct", integer(40), tuple(args))


def _choose(op: str) -> Callable[[Binder, exp.Expression, exp.Expression | None], Node]:
    def read(b: Binder, tree: exp.Expression, condition: exp.Expression | None) -> Node:
        _no_filter(tree, condition)
        exactly_two = op == "nullif"
        if not tree.expressions or (exactly_two and len(tree.expressions) != 2):
            raise Refused(tree, f"{op}() got {len(tree.expressions)} arguments")
        args, common = unified(b.all(tree.expressions), tree)
        if common.kind in UNORDERED:
            raise Refused(tree, f"{op}() of values that are {common}")
        return Node(op, common, args)

    return read


def _if(b: Binder, tree: exp.Expression, condition: exp.Expression | None) -> Node:
    _no_filter(tree, condition)
    if len(tree.expressions) != 3:
        raise Refused(tree, "if(condition, a, b) takes three arguments")
    test, *results = tree.expressions
    return case((to(b.bind(test), BOOLEAN, test, "if()"),), b.all(results), tree)


def _no_filter(tree: exp.Expression, condition: exp.Expression | None) -> None:
    if condition is not None:
        raise Refused(tree, "FILTER follows an aggregate")


_SPECIAL: dict[str, Callable[[Binder, exp.Expression, exp.Expression | None], Node]] = {
    "count": _count,
    "coalesce": _choose("coalesce"),
    "ifnull": _choose("coalesce"),
    "nullif": _choose("nullif"),
    "greatest": _choose("greatest"),
    "least": _choose("least"),
    "if": _if,
}


def filter_(b: Binder, tree: exp.Expression) -> Node:
    where = tree.expression
    if not isinstance(tree.this, exp.Anonymous) or not isinstance(where, exp.Where):
        raise Refused(tree, "FILTER follows an aggregate")
    return call(b, tree.this, where.this)


def extract(b: Binder, tree: exp.Expression) -> Node:
    operation = language.OPERATIONS["date_part"]
    return _function(b, tree, operation, [tree.this, tree.expression], None)
