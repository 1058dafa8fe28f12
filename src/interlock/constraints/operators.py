"""How operators, CASE and CAST are read: what they take, and the type they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from interlock.constraints.binder import (
    ONLY_EQUAL,
    UNORDERED,
    Binder,
    Refused,
    case,
    coerce,
    coerce_literal,
    literal,
    need_number,
    plain,
    room,
    to,
    unified,
)
from interlock.constraints.expression import Node
from interlock.constraints.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DECIMAL_DIGITS_MAX,
    DOUBLE,
    NULL,
    TEXT,
    TIMESTAMP,
    Type,
    digits_of,
    integer,
)
from interlock.engines.schema import Kind

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)


def comparison(op: str, *, ordered: bool) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        if isinstance(tree.this, _COMPARISONS) or isinstance(tree.expression, _COMPARISONS):
            raise Refused(tree, "chained comparisons", "join them with AND, or put brackets around one")
        return compare(op, b.all((tree.this, tree.expression)), tree, ordered=ordered)

    return read


def compare(op: str, nodes: Sequence[Node], tree: exp.Expression, *, ordered: bool) -> Node:
    args, common = unified(nodes, tree)
    if common.kind in UNORDERED or (ordered and common.kind in ONLY_EQUAL):
        raise Refused(tree, f"values that are {common} cannot be compared so")
    return Node(op, BOOLEAN, args)


def between(b: Binder, tree: exp.Expression) -> Node:
    return compare("between", b.all((tree.this, tree.args["low"], tree.args["high"])), tree, ordered=True)


def in_(b: Binder, tree: exp.Expression) -> Node:
    members = tree.expressions
    if not members:
        raise Refused(tree, "IN needs a list of values", "or use references(column, table.column)")
    return compare("in", b.all((tree.this, *members)), tree, ordered=False)


def is_(b: Binder, tree: exp.Expression) -> Node:
    right = tree.expression
    if isinstance(right, exp.Null):
        return Node("is_null", BOOLEAN, (b.bind(tree.this),))
    if isinstance(right, exp.Boolean):
        name = "is_true" if right.this else "is_false"
        return Node(name, BOOLEAN, (to(b.bind(tree.this), BOOLEAN, tree.this, "IS TRUE"),))
    raise Refused(tree, "IS is followed by NULL, TRUE or FALSE")


def like(op: str) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        left = to(b.bind(tree.this), TEXT, tree.this, op.upper())
        pattern = b.bind(tree.expression)
        if pattern.op != "literal" or pattern.type.kind is not Kind.TEXT:
            raise Refused(tree.expression, f"the pattern of {op.upper()} is a constant text")
        node = Node(op, BOOLEAN, (left,), pattern.value)
        return Node("not", BOOLEAN, (node,)) if tree.args.get("negate") else node

    return read


def connective(op: str) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        operands: list[exp.Expression] = []
        pending = [tree]
        while pending:
            node = pending.pop()
            if type(node) is type(tree):
                pending += [node.expression, node.this]
            else:
                operands.append(node)
        return Node(op, BOOLEAN, tuple(to(b.bind(o), BOOLEAN, o, op.upper()) for o in operands))

    return read


def not_(b: Binder, tree: exp.Expression) -> Node:
    return Node("not", BOOLEAN, (to(b.bind(tree.this), BOOLEAN, tree.this, "NOT"),))


def dpipe(b: Binder, tree: exp.Expression) -> Node:
    return Node("||", TEXT, tuple(to(b.bind(t), TEXT, t, "||") for t in (tree.this, tree.expression)))


def neg(b: Binder, tree: exp.Expression) -> Node:
    node = b.bind(tree.this)
    if node.op == "literal" and node.type.numeric:
        return literal(-node.value, node.type)  # type: ignore[operator]
    need_number(node, tree, "-")
    return Node("neg", room(plain(node.type), tree), (node,))


def arithmetic(op: str) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        left, right = b.all((tree.this, tree.expression))
        if op in "+-" and (shifted := _shift(op, left, right, tree)):
            return shifted
        for node, at in ((left, tree.this), (right, tree.expression)):
            need_number(node, at, op)
        return _RULES[op](op, left, right, tree)

    return read


def _shift(op: str, left: Node, right: Node, tree: exp.Expression) -> Node | None:
    """Dates: date ± interval, date - date."""
    if op == "+" and left.type.kind is Kind.INTERVAL:
        left, right = right, left
    if right.type.kind is Kind.INTERVAL:
        if left.type.kind not in (None, Kind.DATE, Kind.TIMESTAMP):
            raise Refused(tree, f"an interval is added to a date or timestamp, this is {left.type}")
        amount, unit = right.value if isinstance(right.value, tuple) else (0, "day")
        signed = (-amount if op == "-" else amount, unit)
        return Node("shift", TIMESTAMP, (coerce(left, TIMESTAMP, tree),), signed)
    kinds = {left.type.kind, right.type.kind}
    if op == "-" and Kind.DATE in kinds and kinds <= {Kind.DATE, None}:  # None: a column not known yet
        return Node("days_between", BIGINT, (left, right))
    if op == "-" and Kind.TIMESTAMP in kinds:
        raise Refused(tree, "timestamps are not subtracted", "use date_diff('second', a, b)")
    return None


def _exact(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    """``+ - *``: exact between exact numbers, floating otherwise."""
    kinds = {left.type.kind, right.type.kind}
    if None in kinds or Kind.NULL in kinds:
        other = right.type if left.type.kind in (None, Kind.NULL) else left.type
        return Node(op, plain(other), (left, right))
    if Kind.FLOAT in kinds:
        return Node(op, DOUBLE, (coerce(left, DOUBLE, tree), coerce(right, DOUBLE, tree)))
    if kinds == {Kind.INTEGER}:
        a, c = left.type.size, right.type.size
        return Node(op, room(integer(a + c if op == "*" else max(a, c) + 1), tree), (left, right))
    return _exact_decimal(op, left, right, tree)


def _exact_decimal(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    a, c = (Type(Kind.DECIMAL, digits_of(n.type) + n.type.scale, n.type.scale) for n in (left, right))
    if op == "*":
        result = Type(Kind.DECIMAL, a.size + c.size, a.scale + c.scale)
    else:
        scale = max(a.scale, c.scale)
        result = Type(Kind.DECIMAL, max(digits_of(a), digits_of(c)) + scale + 1, scale)
    return Node(op, room(result, tree), (coerce(left, a, tree), coerce(right, c, tree)))


def _divide(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    return Node(op, DOUBLE, (coerce(left, DOUBLE, tree), coerce(right, DOUBLE, tree)))


def _integer_divide(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    for node in (left, right):
        if node.type.kind not in (None, Kind.NULL, Kind.INTEGER):
            raise Refused(tree, f"// needs integers, this is {node.type}", "use floor(a / b)")
    return Node(op, room(_integer_like(left, right), tree), (left, right))


def _integer_like(left: Node, right: Node) -> Type:
    return integer(max((n.type.size for n in (left, right) if n.type.kind is Kind.INTEGER), default=63))


def _modulo(op: str, left: Node, right: Node, tree: exp.Expression) -> Node:
    if {left.type.kind, right.type.kind} <= {Kind.INTEGER, Kind.NULL, None}:
        return Node("%", room(_integer_like(left, right), tree), (left, right))
    return Node("fmod", DOUBLE, (coerce(left, DOUBLE, tree), coerce(right, DOUBLE, tree)))


_RULES: dict[str, Callable[[str, Node, Node, exp.Expression], Node]] = {
    "+": _exact,
    "-": _exact,
    "*": _exact,
    "/": _divide,
    "//": _integer_divide,
    "%": _modulo,
}


# --- CASE and CAST ----------------------------------------------------------------------


def case_when(b: Binder, tree: exp.Expression) -> Node:
    conditions = []
    subject = b.bind(tree.this) if tree.this else None
    for branch in tree.args["ifs"]:
        when = b.bind(branch.this)
        if subject is not None:
            conditions.append(compare("=", (subject, when), branch, ordered=False))
        else:
            conditions.append(to(when, BOOLEAN, branch.this, "WHEN"))
    results = [b.bind(branch.args["true"]) for branch in tree.args["ifs"]]
    default = tree.args.get("default")
    results.append(b.bind(default) if default is not None else Node("literal", NULL))
    return case(conditions, results, tree)


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


def cast(op: str) -> Callable[[Binder, exp.Expression], Node]:
    def read(b: Binder, tree: exp.Expression) -> Node:
        target = _cast_type(tree)
        node = b.bind(tree.this)
        if (
            node.op == "literal"
            and node.type.kind is Kind.TEXT
            and target.kind is not None
            and target.kind.temporal
        ):
            return coerce_literal(node, target, tree)
        if node.type.kind is Kind.NULL or node.type.kind is None:
            return Node(op, target, (node,))
        if target.kind not in _CASTS.get(node.type.kind, ()):
            raise Refused(tree, f"a CAST of {node.type} to {target} is not in the language")
        return Node(op, target, (node,))

    return read


def _cast_type(tree: exp.Expression) -> Type:
    to = tree.args["to"]
    if not isinstance(to, exp.DataType):
        raise Refused(tree, "a CAST to this type is not in the language")
    if to.this is exp.DType.DECIMAL:
        numbers = [int(p.name) for p in to.expressions if p.name.isdigit()] or [18, 3]
        width, scale = (numbers + [0])[:2]
        if not 0 <= scale <= width or not 1 <= width <= DECIMAL_DIGITS_MAX:
            raise Refused(tree, f"DECIMAL({width}, {scale}) does not exist")
        return Type(Kind.DECIMAL, width, scale)
    if to.expressions or to.this not in _CAST_TYPES:
        raise Refused(tree, f"a CAST to {to.sql('duckdb')} is not in the language")
    return _CAST_TYPES[to.this]
