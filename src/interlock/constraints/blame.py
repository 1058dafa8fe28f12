"""Which rows break a constraint, and by what limits: what a repair needs to know."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from interlock.constraints.compile import blame
from interlock.constraints.constraint import Constraint
from interlock.constraints.parse import statement_of
from interlock.engines.schema import Schema
from interlock.errors import ExpressionRefused

Limits = tuple[exp.Expression | None, exp.Expression | None]


def violating(constraint: Constraint, schema: Schema, source: exp.Expression) -> exp.Expression | None:
    """True for a row that breaks a row-level constraint; None where no row is to blame."""
    try:
        return blame(statement_of(constraint.sql, schema), schema, source, None)
    except ExpressionRefused:
        return None


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
