"""From a syntax tree to a checked expression: names, types, nothing outside the language.

Every node of the tree is looked up in a table of what is allowed; what is not
there is refused. The result holds no node a person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlglot import exp

from interlock.constraints import language
from interlock.constraints.binder import (
    Binder,
    Refused,
    literal,
)
from interlock.constraints.expression import Node
from interlock.constraints.functions import call, extract, filter_
from interlock.constraints.operators import (
    arithmetic,
    between,
    case_when,
    cast,
    comparison,
    connective,
    dpipe,
    in_,
    is_,
    like,
    neg,
    not_,
)
from interlock.constraints.read import refusal, span_of
from interlock.constraints.types import (
    BOOLEAN,
    DECIMAL_DIGITS_MAX,
    DOUBLE,
    INTEGER_BITS_MAX,
    INTERVAL,
    NULL,
    TEXT,
    UNKNOWN,
    Type,
    integer,
    of_column,
)
from interlock.engines.schema import Kind, Schema
from interlock.errors import ExpressionRefused, nearest


class MissingColumn(ExpressionRefused):
    """The expression is fine, but names a column the schema lacks."""

    def __init__(self, message: str, *, hint: str | None = None, column: str = "") -> None:
        super().__init__(message, hint=hint)
        self.column = column


def bind(sql: str, tree: exp.Expression, schema: Schema | None) -> Node:
    """``tree`` as a checked expression; `ExpressionRefused` where it is not in the language."""
    columns = None if schema is None else {c.name.casefold(): (c.name, of_column(c)) for c in schema}
    try:
        return Binder(columns, _NODES).bind(tree)
    except Refused as refused:
        error = refusal(sql, refused.problem, span_of(refused.node), refused.hint)
        if isinstance(refused.node, exp.Column) and refused.problem.startswith("unknown column"):
            raise MissingColumn(error.message, hint=error.hint, column=refused.node.name) from None
        raise error from None
    except RecursionError:
        raise ExpressionRefused("the expression is nested too deeply") from None


# --- leaves -----------------------------------------------------------------------------


def _column(b: Binder, tree: exp.Expression) -> Node:
    identifier = tree.this
    if not isinstance(identifier, exp.Identifier):
        raise Refused(tree, "'*' stands only in count(*)")
    name = identifier.name
    if b.columns is None:
        return Node("column", UNKNOWN, value=name)
    found = b.columns.get(name.casefold())
    if found is None:
        if not identifier.args.get("quoted") and name.casefold() in language.REFUSED_FUNCTIONS:
            raise Refused(tree, f"{name} is refused: {language.REFUSED_FUNCTIONS[name.casefold()]}")
        hint = nearest(name, [known for known, _ in b.columns.values()])
        raise Refused(tree, f"unknown column {name!r}", hint)
    return Node("column", found[1], value=found[0])


def _literal(b: Binder, tree: exp.Expression) -> Node:
    text = str(tree.this)
    if tree.args.get("is_string"):
        if "\x00" in text:
            raise Refused(tree, "a text with a NUL character is not in the language")
        return literal(text, TEXT)
    return _number(tree, text)


def _number(tree: exp.Expression, text: str) -> Node:
    if re.fullmatch(r"\d+", text):
        value = int(text) if len(text) <= DECIMAL_DIGITS_MAX else 2 ** (INTEGER_BITS_MAX + 1)
        if value.bit_length() > INTEGER_BITS_MAX:
            raise Refused(tree, "an integer of more than 126 bits is not in the language")
        return literal(value, integer(value.bit_length()))
    if re.fullmatch(r"\d*\.\d*", text) and text != ".":
        exact = Decimal(text)
        scale = max(0, -int(exact.as_tuple().exponent))
        width = max(len(exact.as_tuple().digits), scale + 1)
        if width > DECIMAL_DIGITS_MAX:
            raise Refused(tree, f"a number of more than {DECIMAL_DIGITS_MAX} digits is not in the language")
        return literal(exact, Type(Kind.DECIMAL, width, scale))
    if re.fullmatch(r"(\d+\.?\d*|\.\d+)[eE][+-]?\d+", text):
        return literal(float(text), DOUBLE)
    raise Refused(tree, f"{text!r} is not a number in the language")


def _interval(b: Binder, tree: exp.Expression) -> Node:
    amount, unit = tree.this, tree.args.get("unit")
    text = amount.name if isinstance(amount, exp.Literal) else ""
    name = unit.name.lower().rstrip("s") if isinstance(unit, exp.Var) else ""
    if not re.fullmatch(r"-?\d{1,9}", text) or name not in language.INTERVALS:
        raise Refused(
            tree, "an interval is written INTERVAL '3 days'", "units: " + ", ".join(language.INTERVALS)
        )
    if abs(int(text)) > language.INTERVALS_MAX[name]:
        raise Refused(
            tree, f"an interval of more than {language.INTERVALS_MAX[name]:,} {name}s is not in the language"
        )
    return Node("literal", INTERVAL, value=(int(text), name))


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
    exp.Neg: (("this",), neg),
    exp.Not: (("this",), not_),
    exp.And: (_PAIR, connective("and")),
    exp.Or: (_PAIR, connective("or")),
    exp.EQ: (_PAIR, comparison("=", ordered=False)),
    exp.NEQ: (_PAIR, comparison("<>", ordered=False)),
    exp.LT: (_PAIR, comparison("<", ordered=True)),
    exp.LTE: (_PAIR, comparison("<=", ordered=True)),
    exp.GT: (_PAIR, comparison(">", ordered=True)),
    exp.GTE: (_PAIR, comparison(">=", ordered=True)),
    exp.NullSafeNEQ: (_PAIR, comparison("is_distinct", ordered=False)),
    exp.NullSafeEQ: (_PAIR, comparison("is_same", ordered=False)),
    exp.Between: (("this", "low", "high"), between),
    exp.In: (("this", "expressions"), in_),
    exp.Is: (_PAIR, is_),
    exp.Like: ((*_PAIR, "negate"), like("like")),
    exp.ILike: ((*_PAIR, "negate"), like("ilike")),
    exp.Add: (_PAIR, arithmetic("+")),
    exp.Sub: (_PAIR, arithmetic("-")),
    exp.Mul: (_PAIR, arithmetic("*")),
    exp.Div: ((*_PAIR, "typed", "safe"), arithmetic("/")),
    exp.IntDiv: (_PAIR, arithmetic("//")),
    exp.Mod: (_PAIR, arithmetic("%")),
    exp.DPipe: ((*_PAIR, "safe"), dpipe),
    exp.Case: (("this", "ifs", "default"), case_when),
    exp.Cast: (("this", "to"), cast("cast")),
    exp.TryCast: (("this", "to", "safe"), cast("try_cast")),
    exp.Anonymous: (("this", "expressions"), call),
    exp.Filter: (_PAIR, filter_),
    exp.Extract: (_PAIR, extract),
}
