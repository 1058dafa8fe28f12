"""From a syntax tree to a checked expression: names, types, nothing outside the language.

Every node of the tree is looked up in a table of what is allowed; what is not
there is refused. The result holds no node a person wrote.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlglot import exp

from interlock.constraints import language, literals, wall
from interlock.constraints.expression import Node
from interlock.constraints.read import refusal, span_of
from interlock.constraints.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DECIMAL_DIGITS_MAX,
    DOUBLE,
    INTEGER_BITS_MAX,
    INTERVAL,
    NULL,
    TEXT,
    TIMESTAMP,
    UNKNOWN,
    Type,
    digits_of,
    integer,
    of_column,
    unify,
)
from interlock.engines.schema import Kind, Schema
from interlock.errors import ExpressionRefused, nearest

COUNT_MAX = 1_000_000
PLACES_MAX = 15
_COMPARABLE_ONLY_EQUAL = (Kind.BINARY,)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_UNORDERED = (Kind.NESTED, Kind.OTHER, Kind.INTERVAL)


class _Refused(Exception):
    def __init__(self, node: exp.Expression, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.node, self.problem, self.hint = node, problem, hint


class MissingColumn(ExpressionRefused):
    """The expression is fine, but names a column the schema lacks."""

    def __init__(self, message: str, *, hint: str | None = None, column: str = "") -> None:
        super().__init__(message, hint=hint)
        self.column = column


@dataclass(frozen=True, slots=True)
class Binder:
    """Reads one tree. ``columns`` None: names and types are taken on trust."""

    sql: str
    columns: dict[str, tuple[str, Type]] | None
    within: str | None = None  # the aggregate around the node, None outside

    def bind(self, tree: exp.Expression) -> Node:
        kind = type(tree)
        handler = _NODES.get(kind)
        if handler is None:
            raise _Refused(tree, _unknown_node(tree))
        allowed, read = handler
        extra = [
            key for key, value in tree.args.items() if value not in (None, False, []) and key not in allowed
        ]
        if extra:
            raise _Refused(tree, f"{_word(tree)} with {extra[0]!r} is not in the language")
        return read(self, tree)

    def all(self, trees: Sequence[exp.Expression]) -> tuple[Node, ...]:
        return tuple(self.bind(tree) for tree in trees)


def bind(sql: str, tree: exp.Expression, schema: Schema | None) -> Node:
    """``tree`` as a checked expression; `ExpressionRefused` where it is not in the language."""
    columns = None if schema is None else {c.name.casefold(): (c.name, of_column(c)) for c in schema}
    try:
        return Binder(sql, columns).bind(tree)
    except _Refused as refused:
        error = refusal(sql, refused.problem, span_of(refused.node), refused.hint)
        if isinstance(refused.node, exp.Column) and refused.problem.startswith("unknown column"):
            raise MissingColumn(error.message, hint=error.hint, column=refused.node.name) from None
        raise error from None
    except RecursionError:
        raise ExpressionRefused("the expression is nested too deeply") from None


def _unknown_node(tree: exp.Expression) -> str:
    if isinstance(tree, exp.Query | exp.Exists | exp.Any | exp.All) or tree.find(exp.Query) is not None:
        return "a subquery is not in the language"
    if isinstance(tree, exp.Window):
        return "a window function is not in the language"
    if isinstance(tree, exp.Placeholder | exp.Parameter):
        return "a parameter is not in the language"
    if isinstance(tree, exp.Command | exp.DDL | exp.DML):
        return "a statement is not an expression"
    return f"{_word(tree)} is not in the language"


def _word(tree: exp.Expression) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(tree).__name__).lower()


# --- leaves -----------------------------------------------------------------------------


def _column(b: Binder, tree: exp.Expression) -> Node:
    identifier = tree.this
    if not isinstance(identifier, exp.Identifier):
        raise _Refused(tree, "'*' stands only in count(*)")
    name = identifier.name
    if b.columns is None:
        return Node("column", UNKNOWN, value=name)
    found = b.columns.get(name.casefold())
    if found is None:
        if not identifier.args.get("quoted") and name.casefold() in language.REFUSED_FUNCTIONS:
            raise _Refused(tree, f"{name} is refused: {language.REFUSED_FUNCTIONS[name.casefold()]}")
        hint = nearest(name, [known for known, _ in b.columns.values()])
        raise _Refused(tree, f"unknown column {name!r}", hint)
    return Node("column", found[1], value=found[0])


def literal(value: Any, type_: Type) -> Node:
    return Node("literal", replace(type_, literal=True), value=value)


def _literal(b: Binder, tree: exp.Expression) -> Node:
    text = str(tree.this)
    if tree.args.get("is_string"):
        if "\x00" in text:
            raise _Refused(tree, "a text with a NUL character is not in the language")
        return literal(text, TEXT)
    return _number(tree, text)


def _number(tree: exp.Expression, text: str) -> Node:
    if re.fullmatch(r"\d+", text):
        value = int(text) if len(text) <= DECIMAL_DIGITS_MAX else 2 ** (INTEGER_BITS_MAX + 1)
        if value.bit_length() > INTEGER_BITS_MAX:
            raise _Refused(tree, "an integer of more than 126 bits is not in the language")
        return literal(value, integer(value.bit_length()))
    if re.fullmatch(r"\d*\.\d*", text) and text != ".":
        exact = Decimal(text)
        scale = max(0, -int(exact.as_tuple().exponent))
        width = max(len(exact.as_tuple().digits), scale + 1)
        if width > DECIMAL_DIGITS_MAX:
            raise _Refused(tree, f"a number of more than {DECIMAL_DIGITS_MAX} digits is not in the language")
        return literal(exact, Type(Kind.DECIMAL, width, scale))
    if re.fullmatch(r"(\d+\.?\d*|\.\d+)[eE][+-]?\d+", text):
        return literal(float(text), DOUBLE)
    raise _Refused(tree, f"{text!r} is not a number in the language")


def _interval(b: Binder, tree: exp.Expression) -> Node:
    amount, unit = tree.this, tree.args.get("unit")
    text = amount.name if isinstance(amount, exp.Literal) else ""
    name = unit.name.lower().rstrip("s") if isinstance(unit, exp.Var) else ""
    if not re.fullmatch(r"-?\d{1,9}", text) or name not in language.INTERVALS:
        raise _Refused(
            tree, "an interval is written INTERVAL '3 days'", "units: " + ", ".join(language.INTERVALS)
        )
    if abs(int(text)) > language.INTERVALS_MAX[name]:
        raise _Refused(
            tree, f"an interval of more than {language.INTERVALS_MAX[name]:,} {name}s is not in the language"
        )
    return Node("literal", INTERVAL, value=(int(text), name))


# --- conversions ------------------------------------------------------------------------


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
        return _coerce_literal(node, target, at)
    if source.kind is target.kind and source.kind is not Kind.DECIMAL:
        return node
    if source.kind is Kind.DECIMAL and target.kind is Kind.DECIMAL and source.scale == target.scale:
        return node
    return Node("convert", typed, (node,))


def _coerce_literal(node: Node, target: Type, at: exp.Expression) -> Node:
    kind, value = node.type.kind, node.value
    if target.kind is Kind.FLOAT and kind in (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT):
        number = float(value)  # type: ignore[arg-type]
        return literal(literals.narrow(number) if target.size == 32 else number, DOUBLE)
    if target.kind is Kind.DECIMAL:
        return literal(Decimal(value), target)  # type: ignore[arg-type]
    if kind is Kind.TEXT and target.kind is not None and target.kind.temporal:
        moment = literals.moment(str(value), target.kind)
        if moment is None:
            raise _Refused(
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


def _unified(nodes: Sequence[Node], at: exp.Expression) -> tuple[tuple[Node, ...], Type]:
    common = nodes[0].type
    for node in nodes[1:]:
        both = unify(common, node.type)
        if both is None:
            raise _Refused(
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


def _to(node: Node, wanted: Type, at: exp.Expression, what: str) -> Node:
    """``node`` as ``wanted``, or a refusal that says ``what`` needs it."""
    both = unify(node.type, wanted)
    if both is None or (both.kind is not wanted.kind and both.kind is not None):
        raise _Refused(at, f"{what} needs {wanted}, this is {node.type}")
    return coerce(node, wanted, at)


# --- operators --------------------------------------------------------------------------


def _comparison(op: str, *, ordered: bool) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        if isinstance(tree.this, _COMPARISONS) or isinstance(tree.expression, _COMPARISONS):
            raise _Refused(tree, "chained comparisons", "join them with AND, or put brackets around one")
        return _compare(op, b.all((tree.this, tree.expression)), tree, ordered=ordered)

    return read


def _compare(op: str, nodes: Sequence[Node], tree: exp.Expression, *, ordered: bool) -> Node:
    args, common = _unified(nodes, tree)
    if common.kind in _UNORDERED or (ordered and common.kind in _COMPARABLE_ONLY_EQUAL):
        raise _Refused(tree, f"values that are {common} cannot be compared so")
    return Node(op, BOOLEAN, args)


def _between(b: Binder, tree: exp.Expression) -> Node:
    return _compare("between", b.all((tree.this, tree.args["low"], tree.args["high"])), tree, ordered=True)


def _in(b: Binder, tree: exp.Expression) -> Node:
    members = tree.expressions
    if not members:
        raise _Refused(tree, "IN needs a list of values", "or use references(column, table.column)")
    return _compare("in", b.all((tree.this, *members)), tree, ordered=False)


def _is(b: Binder, tree: exp.Expression) -> Node:
    right = tree.expression
    if isinstance(right, exp.Null):
        return Node("is_null", BOOLEAN, (b.bind(tree.this),))
    if isinstance(right, exp.Boolean):
        name = "is_true" if right.this else "is_false"
        return Node(name, BOOLEAN, (_to(b.bind(tree.this), BOOLEAN, tree.this, "IS TRUE"),))
    raise _Refused(tree, "IS is followed by NULL, TRUE or FALSE")


def _like(op: str) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        left = _to(b.bind(tree.this), TEXT, tree.this, op.upper())
        pattern = b.bind(tree.expression)
        if pattern.op != "literal" or pattern.type.kind is not Kind.TEXT:
            raise _Refused(tree.expression, f"the pattern of {op.upper()} is a constant text")
        node = Node(op, BOOLEAN, (left,), pattern.value)
        return Node("not", BOOLEAN, (node,)) if tree.args.get("negate") else node

    return read


def _connective(op: str) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        operands: list[exp.Expression] = []
        pending = [tree]
        while pending:
            node = pending.pop()
            if type(node) is type(tree):
                pending += [node.expression, node.this]
            else:
                operands.append(node)
        return Node(op, BOOLEAN, tuple(_to(b.bind(o), BOOLEAN, o, op.upper()) for o in operands))

    return read


def _not(b: Binder, tree: exp.Expression) -> Node:
    return Node("not", BOOLEAN, (_to(b.bind(tree.this), BOOLEAN, tree.this, "NOT"),))


def _dpipe(b: Binder, tree: exp.Expression) -> Node:
    return Node("||", TEXT, tuple(_to(b.bind(t), TEXT, t, "||") for t in (tree.this, tree.expression)))


def _neg(b: Binder, tree: exp.Expression) -> Node:
    node = b.bind(tree.this)
    if node.op == "literal" and node.type.numeric:
        return literal(-node.value, node.type)  # type: ignore[operator]
    _need_number(node, tree, "-")
    return Node("neg", _room(_plain(node.type), tree), (node,))


def _plain(type_: Type) -> Type:
    return DOUBLE if type_.kind is Kind.FLOAT else replace(type_, literal=False)


def _need_number(node: Node, tree: exp.Expression, what: str) -> None:
    if node.type.kind not in (None, Kind.NULL) and not node.type.numeric:
        raise _Refused(tree, f"{what} needs a number, this is {node.type}")


def _room(type_: Type, tree: exp.Expression) -> Type:
    """Arithmetic must fit whatever the values are."""
    if type_.kind is Kind.INTEGER and type_.size > INTEGER_BITS_MAX:
        raise _Refused(tree, "the result may need more than 126 bits", "CAST one side to DOUBLE")
    if type_.kind is Kind.DECIMAL and type_.size > DECIMAL_DIGITS_MAX:
        raise _Refused(tree, "the result may need more than 38 digits", "CAST one side to DOUBLE")
    return type_


def _arithmetic(op: str) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        left, right = b.all((tree.this, tree.expression))
        if op in "+-" and (shifted := _shift(op, left, right, tree)):
            return shifted
        for node, at in ((left, tree.this), (right, tree.expression)):
            _need_number(node, at, op)
        return _RULES[op](op, left, right, tree)

    return read


def _shift(op: str, left: Node, right: Node, tree: exp.Expression) -> Node | None:
    """Dates: date ± interval, date - date."""
    if op == "+" and left.type.kind is Kind.INTERVAL:
        left, right = right, left
    if right.type.kind is Kind.INTERVAL:
        if left.type.kind not in (None, Kind.DATE, Kind.TIMESTAMP):
            raise _Refused(tree, f"an interval is added to a date or timestamp, this is {left.type}")
        amount, unit = right.value if isinstance(right.value, tuple) else (0, "day")
        signed = (-amount if op == "-" else amount, unit)
        return Node("shift", TIMESTAMP, (coerce(left, TIMESTAMP, tree),), signed)
    if op == "-" and left.type.kind is Kind.DATE and right.type.kind is Kind.DATE:
        return Node("days_between", BIGINT, (left, right))
    if Kind.TIMESTAMP in (left.type.kind, right.type.kind) and op == "-":
        raise _Refused(tree, "timestamps are not subtracted", "use date_diff('second', a, b)")
    return None


def _exact(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    """``+ - *``: exact between exact numbers, floating otherwise."""
    kinds = {left.type.kind, right.type.kind}
    if None in kinds or Kind.NULL in kinds:
        other = right.type if left.type.kind in (None, Kind.NULL) else left.type
        return Node(op, _plain(other), (left, right))
    if Kind.FLOAT in kinds:
        return Node(op, DOUBLE, (coerce(left, DOUBLE, tree), coerce(right, DOUBLE, tree)))
    if kinds == {Kind.INTEGER}:
        a, c = left.type.size, right.type.size
        return Node(op, _room(integer(a + c if op == "*" else max(a, c) + 1), tree), (left, right))
    return _exact_decimal(op, left, right, tree)


def _exact_decimal(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    a, c = (Type(Kind.DECIMAL, digits_of(n.type) + n.type.scale, n.type.scale) for n in (left, right))
    if op == "*":
        result = Type(Kind.DECIMAL, a.size + c.size, a.scale + c.scale)
    else:
        scale = max(a.scale, c.scale)
        result = Type(Kind.DECIMAL, max(digits_of(a), digits_of(c)) + scale + 1, scale)
    return Node(op, _room(result, tree), (coerce(left, a, tree), coerce(right, c, tree)))


def _divide(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    return Node(op, DOUBLE, (coerce(left, DOUBLE, tree), coerce(right, DOUBLE, tree)))


def _integer_divide(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    for node in (left, right):
        if node.type.kind not in (None, Kind.NULL, Kind.INTEGER):
            raise _Refused(tree, f"// needs integers, this is {node.type}", "use floor(a / b)")
    return Node(op, _room(_integer_like(left, right), tree), (left, right))


def _integer_like(left: Node, right: Node) -> Type:
    return integer(max((n.type.size for n in (left, right) if n.type.kind is Kind.INTEGER), default=63))


def _modulo(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    if {left.type.kind, right.type.kind} <= {Kind.INTEGER, Kind.NULL, None}:
        return Node("%", _room(_integer_like(left, right), tree), (left, right))
    return Node("fmod", DOUBLE, (coerce(left, DOUBLE, tree), coerce(right, DOUBLE, tree)))


_RULES: dict[str, Callable[[str, Node, Node, exp.Expression], Node]] = {
    "+": _exact,
    "-": _exact,
    "*": _exact,
    "/": _divide,
    "//": _integer_divide,
    "%": _modulo,
}


# --- choices, casts ---------------------------------------------------------------------


def _case(b: Binder, tree: exp.Expression) -> Node:
    conditions = []
    subject = b.bind(tree.this) if tree.this else None
    for branch in tree.args["ifs"]:
        when = b.bind(branch.this)
        if subject is not None:
            conditions.append(_compare("=", (subject, when), branch, ordered=False))
        else:
            conditions.append(_to(when, BOOLEAN, branch.this, "WHEN"))
    results = [b.bind(branch.args["true"]) for branch in tree.args["ifs"]]
    default = tree.args.get("default")
    results.append(b.bind(default) if default is not None else Node("literal", NULL))
    return case(conditions, results, tree)


def case(conditions: Sequence[Node], results: Sequence[Node], tree: exp.Expression) -> Node:
    """args: condition, result, condition, result, …, default."""
    values, common = _unified(results, tree)
    args: list[Node] = []
    for condition, value in zip(conditions, values, strict=False):
        args += [condition, value]
    return Node("case", common, (*args, values[-1]))


_CAST_TYPES: dict[exp.DType, Type] = {
    exp.DType.TINYINT: integer(7),
    exp.DType.SMALLINT: integer(15),
    exp.DType.INT: integer(31),
    exp.DType.BIGINT: integer(63),
    exp.DType.FLOAT: DOUBLE,
    exp.DType.DOUBLE: DOUBLE,
    exp.DType.TEXT: TEXT,
    exp.DType.VARCHAR: TEXT,
    exp.DType.BOOLEAN: BOOLEAN,
    exp.DType.DATE: DATE,
    exp.DType.TIMESTAMP: TIMESTAMP,
    exp.DType.TIMESTAMPNTZ: TIMESTAMP,
    exp.DType.TIMESTAMPTZ: Type(Kind.TIMESTAMPTZ),
    exp.DType.TIME: Type(Kind.TIME),
}
# from → to; the rest is refused.
_CASTS: dict[Kind, tuple[Kind, ...]] = {
    Kind.INTEGER: (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.BOOLEAN, Kind.TEXT),
    Kind.DECIMAL: (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT),
    Kind.FLOAT: (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT),
    Kind.BOOLEAN: (Kind.INTEGER, Kind.BOOLEAN, Kind.TEXT),
    Kind.TEXT: (
        Kind.INTEGER,
        Kind.DECIMAL,
        Kind.FLOAT,
        Kind.BOOLEAN,
        Kind.TEXT,
        Kind.DATE,
        Kind.TIMESTAMP,
        Kind.TIME,
    ),
    Kind.DATE: (Kind.DATE, Kind.TIMESTAMP, Kind.TEXT),
    Kind.TIME: (Kind.TIME,),
    Kind.TIMESTAMP: (Kind.TIMESTAMP, Kind.DATE),
    Kind.TIMESTAMPTZ: (Kind.TIMESTAMPTZ, Kind.TIMESTAMP, Kind.DATE),
}


def _cast(op: str) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        target = _cast_type(tree)
        node = b.bind(tree.this)
        if (
            node.op == "literal"
            and node.type.kind is Kind.TEXT
            and target.kind is not None
            and target.kind.temporal
        ):
            return _coerce_literal(node, target, tree)
        if node.type.kind is Kind.NULL or node.type.kind is None:
            return Node(op, target, (node,))
        if target.kind not in _CASTS.get(node.type.kind, ()):
            raise _Refused(tree, f"a CAST of {node.type} to {target} is not in the language")
        return Node(op, target, (node,))

    return read


def _cast_type(tree: exp.Expression) -> Type:
    to = tree.args["to"]
    if not isinstance(to, exp.DataType):
        raise _Refused(tree, "a CAST to this type is not in the language")
    if to.this is exp.DType.DECIMAL:
        numbers = [int(p.name) for p in to.expressions if p.name.isdigit()] or [18, 3]
        width, scale = (numbers + [0])[:2]
        if not 0 <= scale <= width or not 1 <= width <= DECIMAL_DIGITS_MAX:
            raise _Refused(tree, f"DECIMAL({width}, {scale}) does not exist")
        return Type(Kind.DECIMAL, width, scale)
    if to.expressions or to.this not in _CAST_TYPES:
        raise _Refused(tree, f"a CAST to {to.sql('duckdb')} is not in the language")
    return _CAST_TYPES[to.this]


# --- functions --------------------------------------------------------------------------


def _call(b: Binder, tree: exp.Expression, condition: exp.Expression | None = None) -> Node:
    written = str(tree.this).lower()
    name = language.ALIASES.get(written, written)
    if name in _SPECIAL:
        return _SPECIAL[name](b, tree, condition)
    if name in language.PART_FUNCTIONS:
        unit = exp.Literal.string(name)
        return _function(b, tree, language.OPERATIONS["date_part"], [unit, *tree.expressions], condition)
    operation = language.OPERATIONS.get(name)
    if operation is None:
        raise _unknown_function(tree, written)
    return _function(b, tree, operation, tree.expressions, condition)


def _unknown_function(tree: exp.Expression, name: str) -> _Refused:
    if name in language.REFUSED_FUNCTIONS:
        return _Refused(tree, f"{name}() is refused: {language.REFUSED_FUNCTIONS[name]}")
    if name in language.PREDICATES:
        return _Refused(tree, f"{name}() must be the whole constraint", language.PREDICATES[name])
    known = [
        *language.OPERATIONS,
        *language.SPECIAL,
        *language.ALIASES,
        *language.PARTS,
        *language.PREDICATES,
    ]
    return _Refused(tree, f"function {name}() is not in the language", nearest(name, known))


def _function(
    b: Binder,
    tree: exp.Expression,
    operation: language.Operation,
    written: Sequence[exp.Expression],
    condition: exp.Expression | None,
) -> Node:
    most, least = len(operation.parameters), len(operation.parameters) - operation.optional
    if not least <= len(written) <= most:
        raise _Refused(tree, f"{operation.signature} got {len(written)} arguments")
    inner = _inside(b, tree, operation.name) if operation.aggregate else b
    if condition is not None and not operation.aggregate:
        raise _Refused(tree, f"FILTER follows an aggregate, {operation.name} is none")
    args, options = [], []
    for parameter, argument in zip(operation.parameters, written, strict=False):
        if parameter in _OPTIONS:
            options.append(_OPTIONS[parameter](operation, argument))
        else:
            args.append(_argument(operation, parameter, inner.bind(argument), argument))
    first = args[0].type
    result = operation.result
    type_ = result(_plain(first)) if callable(result) and first.kind not in (None, Kind.NULL) else result
    node_type = type_ if isinstance(type_, Type) else first
    if operation.aggregate:
        args = _filtered(inner, args, condition, tree)
    return Node(operation.name, _room(node_type, tree), tuple(args), tuple(options) or None)


def _inside(b: Binder, tree: exp.Expression, name: str) -> Binder:
    if b.within:
        raise _Refused(tree, f"an aggregate inside {b.within}()")
    return replace(b, within=name)


def _filtered(
    b: Binder, args: list[Node], condition: exp.Expression | None, tree: exp.Expression
) -> list[Node]:
    """FILTER as CASE: engines differ in FILTER, and in DuckDB many cost quadratically."""
    if condition is None:
        return args
    test = _to(b.bind(condition), BOOLEAN, condition, "FILTER")
    return [case((test,), (args[0], Node("literal", NULL)), tree), *args[1:]]


def _argument(operation: language.Operation, parameter: str, node: Node, at: exp.Expression) -> Node:
    what = f"{operation.name}()"
    kind = node.type.kind
    if parameter in ("number", "float"):
        _need_number(node, at, what)
        return coerce(node, DOUBLE, at) if parameter == "float" or kind is Kind.NULL else node
    if parameter in ("text", "boolean"):
        return _to(node, TEXT if parameter == "text" else BOOLEAN, at, what)
    if parameter == "moment":
        return _moment(node, at, what)
    if parameter == "sized" and kind is Kind.NULL:
        return coerce(node, TEXT, at)
    if parameter == "sized" and kind not in (None, Kind.TEXT, Kind.NESTED):
        raise _Refused(at, f"{what} needs text or a list, this is {node.type}")
    if parameter == "ordered" and (kind in _UNORDERED or kind in _COMPARABLE_ONLY_EQUAL):
        raise _Refused(at, f"{what} needs values with an order, this is {node.type}")
    return node


def _moment(node: Node, at: exp.Expression, what: str) -> Node:
    if node.type.kind in (None, Kind.TIMESTAMP):
        return node
    if node.type.kind in (Kind.NULL, Kind.DATE, Kind.TIMESTAMPTZ):
        return coerce(node, TIMESTAMP, at)
    raise _Refused(at, f"{what} needs a date or timestamp, this is {node.type}")


def _constant(what: str, most: int) -> Callable[[language.Operation, exp.Expression], object]:
    def read(operation: language.Operation, tree: exp.Expression) -> object:
        text = tree.name if isinstance(tree, exp.Literal) and not tree.is_string else ""
        if not re.fullmatch(r"\d{1,9}", text) or int(text) > most:
            raise _Refused(tree, f"{operation.name}() needs a constant {what} from 0 to {most:,} here")
        return int(text)

    return read


def _fraction(operation: language.Operation, tree: exp.Expression) -> object:
    text = tree.name if isinstance(tree, exp.Literal) and not tree.is_string else ""
    if not re.fullmatch(r"(\d{0,2}\.\d{1,9}|[01])", text) or not 0 <= float(text) <= 1:
        raise _Refused(tree, f"{operation.name}() needs a constant from 0 to 1 here")
    return float(text)


def _pattern(operation: language.Operation, tree: exp.Expression) -> object:
    if not (isinstance(tree, exp.Literal) and tree.is_string):
        raise _Refused(tree, f"the pattern of {operation.name}() is a constant text")
    problem = wall.pattern_problem(tree.name)
    if problem is not None:
        raise _Refused(tree, f"not a pattern (RE2 syntax): {problem}")
    return tree.name


def _unit(operation: language.Operation, tree: exp.Expression) -> object:
    name = tree.name.lower() if isinstance(tree, exp.Literal | exp.Var) else ""
    name = {"dow": "dayofweek", "weekday": "dayofweek", "doy": "dayofyear"}.get(name, name)
    if name not in operation.units:
        raise _Refused(tree, f"{operation.name}() needs a unit", "one of " + ", ".join(operation.units))
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
        raise _Refused(tree, "count takes one argument", language.SPECIAL["count"])
    if not written or isinstance(written[0], exp.Star):
        if condition is None:
            return Node("count_rows", integer(40))
        return Node("count_if", integer(40), (_to(inner.bind(condition), BOOLEAN, condition, "FILTER"),))
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
        raise _Refused(tree, "count(DISTINCT x) needs a value", language.SPECIAL["count"])
    args = _filtered(b, list(b.all(written)), condition, tree)
    return Node("count_distinct", integer(40), tuple(args))


def _choose(op: str) -> Callable[[Binder, exp.Expression, exp.Expression | None], Node]:
    def read(b: Binder, tree: exp.Expression, condition: exp.Expression | None) -> Node:
        _no_filter(tree, condition)
        exactly_two = op == "nullif"
        if not tree.expressions or (exactly_two and len(tree.expressions) != 2):
            raise _Refused(tree, f"{op}() got {len(tree.expressions)} arguments")
        args, common = _unified(b.all(tree.expressions), tree)
        if common.kind in _UNORDERED:
            raise _Refused(tree, f"{op}() of values that are {common}")
        return Node(op, common, args)

    return read


def _if(b: Binder, tree: exp.Expression, condition: exp.Expression | None) -> Node:
    _no_filter(tree, condition)
    if len(tree.expressions) != 3:
        raise _Refused(tree, "if(condition, a, b) takes three arguments")
    test, *results = tree.expressions
    return case((_to(b.bind(test), BOOLEAN, test, "if()"),), b.all(results), tree)


def _no_filter(tree: exp.Expression, condition: exp.Expression | None) -> None:
    if condition is not None:
        raise _Refused(tree, "FILTER follows an aggregate")


_SPECIAL: dict[str, Callable[[Binder, exp.Expression, exp.Expression | None], Node]] = {
    "count": _count,
    "coalesce": _choose("coalesce"),
    "ifnull": _choose("coalesce"),
    "nullif": _choose("nullif"),
    "greatest": _choose("greatest"),
    "least": _choose("least"),
    "if": _if,
}


def _filter(b: Binder, tree: exp.Expression) -> Node:
    where = tree.expression
    if not isinstance(tree.this, exp.Anonymous) or not isinstance(where, exp.Where):
        raise _Refused(tree, "FILTER follows an aggregate")
    return _call(b, tree.this, where.this)


def _extract(b: Binder, tree: exp.Expression) -> Node:
    operation = language.OPERATIONS["date_part"]
    return _function(b, tree, operation, [tree.this, tree.expression], None)


def _paren(b: Binder, tree: exp.Expression) -> Node:
    return b.bind(tree.this)


_PAIR = ("this", "expression")
# What may stand in an expression: node → (arguments it may have, how it is read).
_NODES: dict[type[exp.Expression], tuple[tuple[str, ...], Callable[[Binder, Any], Node]]] = {
    exp.Column: (("this",), _column),
    exp.Literal: (("this", "is_string"), _literal),
    exp.Boolean: (("this",), lambda _, t: literal(bool(t.this), BOOLEAN)),
    exp.Null: ((), lambda _, __: Node("literal", NULL)),
    exp.Interval: (("this", "unit"), _interval),
    exp.Paren: (("this",), _paren),
    exp.Neg: (("this",), _neg),
    exp.Not: (("this",), _not),
    exp.And: (_PAIR, _connective("and")),
    exp.Or: (_PAIR, _connective("or")),
    exp.EQ: (_PAIR, _comparison("=", ordered=False)),
    exp.NEQ: (_PAIR, _comparison("<>", ordered=False)),
    exp.LT: (_PAIR, _comparison("<", ordered=True)),
    exp.LTE: (_PAIR, _comparison("<=", ordered=True)),
    exp.GT: (_PAIR, _comparison(">", ordered=True)),
    exp.GTE: (_PAIR, _comparison(">=", ordered=True)),
    exp.NullSafeNEQ: (_PAIR, _comparison("is_distinct", ordered=False)),
    exp.NullSafeEQ: (_PAIR, _comparison("is_same", ordered=False)),
    exp.Between: (("this", "low", "high"), _between),
    exp.In: (("this", "expressions"), _in),
    exp.Is: (_PAIR, _is),
    exp.Like: ((*_PAIR, "negate"), _like("like")),
    exp.ILike: ((*_PAIR, "negate"), _like("ilike")),
    exp.Add: (_PAIR, _arithmetic("+")),
    exp.Sub: (_PAIR, _arithmetic("-")),
    exp.Mul: (_PAIR, _arithmetic("*")),
    exp.Div: ((*_PAIR, "typed", "safe"), _arithmetic("/")),
    exp.IntDiv: (_PAIR, _arithmetic("//")),
    exp.Mod: (_PAIR, _arithmetic("%")),
    exp.DPipe: ((*_PAIR, "safe"), _dpipe),
    exp.Case: (("this", "ifs", "default"), _case),
    exp.Cast: (("this", "to"), _cast("cast")),
    exp.TryCast: (("this", "to", "safe"), _cast("try_cast")),
    exp.Anonymous: (("this", "expressions"), _call),
    exp.Filter: (_PAIR, _filter),
    exp.Extract: (_PAIR, _extract),
}
