"""Row rules: constraints that one row can tell, each in the ``WHEN`` of a trigger that refuses the statement.

An ``AFTER … FOR EACH ROW`` trigger sees the row as it is stored, after every other trigger and with its generated
columns, and PostgreSQL copies it to every leaf of a partitioned table. The condition is written once, when it is
installed; nothing a writer sets changes what it means.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from interlock.constraints import Constraint, Level
from interlock.constraints.bind import MissingColumn
from interlock.constraints.expression import Node
from interlock.constraints.parse import statement_of
from interlock.constraints.postgres import SCHEMA, PostgresEmitter
from interlock.engines.postgres import Relation
from interlock.errors import ColumnMissing, ExpressionRefused
from interlock.gates.native import quoting
from interlock.gates.native.trigger import Trigger


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint that stands as a trigger. ``breaks`` is true for rows of ``NEW`` that break it."""

    constraint: Constraint
    breaks: str
    patterns: tuple[str, ...] = ()

    def trigger(self, relation: Relation, table: str, owner: str | None, key: tuple[str, ...]) -> Trigger:
        """``key`` names the columns of the key that a refusal may tell."""
        about = (table, self.constraint.name, self.constraint.sql, owner or "", *key)
        return Trigger(
            on=quoting.relation(relation),
            name=quoting.shortened(f"interlock_{self.constraint.name}"),
            events="AFTER INSERT OR UPDATE",
            does=f"FOR EACH ROW\n  WHEN ({self.breaks})\n"
            f"  EXECUTE FUNCTION {SCHEMA}.refuse({', '.join(map(quoting.text, about))})",
            first=tuple(f"SELECT '' ~ {pattern}" for pattern in self.patterns),
        )


def of(constraint: Constraint, relation: Relation) -> Rule | str:
    """The rule, or why it is none. Raises `ColumnMissing`."""
    if not constraint.block:
        return "it does not block"
    if constraint.tolerance:
        return f"{constraint.tolerance:.4g} of the rows may break it, which no single row can tell"
    try:
        statement = statement_of(constraint.sql, relation.columns)
        if constraint.level is not Level.ROW:
            return "it is about a partition"
        if not isinstance(statement, Node):
            return "it needs other rows"
        emitter = PostgresEmitter({c.name: c.type for c in relation.columns}, row="NEW")
        breaks = emitter.violated(statement)
        patterns = tuple(p.expression.sql("postgres") for p in breaks.find_all(exp.RegexpLike))
        return Rule(constraint, breaks.sql("postgres"), patterns)
    except MissingColumn as missing:
        raise ColumnMissing(
            f"{relation} has no column {missing.column!r}, which rule {constraint.name!r} needs"
        ) from None
    except ExpressionRefused as refused:
        return refused.message.split("\n")[0]
