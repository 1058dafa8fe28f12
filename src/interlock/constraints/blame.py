"""Which rows break a constraint, and by what limits: what a repair needs to know."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from interlock.constraints import wall
from interlock.constraints.compile import blame
from interlock.constraints.constraint import Constraint, Level
from interlock.constraints.emit import TRUE, Emitter
from interlock.constraints.expression import Node
from interlock.constraints.parse import level_of, statement_of
from interlock.constraints.sql import number
from interlock.engines.schema import Schema
from interlock.errors import ExpressionRefused

Limits = tuple[exp.Expression | None, exp.Expression | None]


def violating(constraint: Constraint, schema: Schema, source: exp.Expression) -> exp.Expression | None:
    """True for a row that breaks a row-level constraint; None where no row is to blame."""
    try:
        return blame(statement_of(constraint.sql, schema), schema, source, None)
    except ExpressionRefused:
        return None


def choosing(sql: str, schema: Schema) -> tuple[exp.Expression, exp.Expression]:
    """What is true for the rows a condition holds for, NULL and failed being no; and for those it failed on.

    Raises `ExpressionRefused` for what the language does not have, and for a condition on more than a row.
    """
    statement = statement_of(sql.strip(), schema)
    if not isinstance(statement, Node) or level_of(statement) is Level.TABLE:
        raise ExpressionRefused("a condition on single rows is needed", hint="such as user_id = 42")
    emitter = Emitter({c.name: c.type for c in schema})
    wall.check([emitter.value(statement)], schema)
    chosen = exp.EQ(this=emitter.code(statement), expression=number(TRUE))
    return chosen, emitter.error(statement) or exp.false()


def limits(constraint: Constraint) -> Limits | None:
    """The inclusive lowest and highest allowed value of a plain range, either may be None.

    A plain range is ``column BETWEEN a AND b``, ``column >= a`` or ``column <= b``
    with literals; None for anything else (``>`` has no lowest allowed value).
    """
    tree = sqlglot.parse_one(constraint.sql, dialect="duckdb")
    if not isinstance(tree.this, exp.Column):
        return None
    if isinstance(tree, exp.Between):
        return tree.args["low"], tree.args["high"]
    if isinstance(tree, exp.GTE) and _literal(tree.expression):
        return tree.expression, None
    if isinstance(tree, exp.LTE) and _literal(tree.expression):
        return None, tree.expression
    return None


def _literal(tree: exp.Expression) -> bool:
    return not tree.find(exp.Column)
