"""Row rules: constraints that one row can tell, in the ``WHEN`` of a trigger that refuses the statement.

An ``AFTER … FOR EACH ROW`` trigger sees the row as it is stored, after every other trigger and with its generated
columns, and PostgreSQL copies it to every leaf of a partitioned table. The condition is written once, when it is
installed; nothing a writer sets changes what it means. All rules are one condition: to ask another trigger costs
a row more than most rules do. Which of them was broken is found when one was.
"""

from __future__ import annotations

from collections.abc import Sequence
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

NAME = "interlock_rules"


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint that stands in a trigger. ``breaks`` is true for rows of ``NEW`` that break it."""

    constraint: Constraint
    breaks: str
    patterns: tuple[str, ...] = ()
    columns: frozenset[str] = frozenset()


def trigger(
    relation: Relation,
    rules: Sequence[Rule],
    table: str,
    owner: str | None,
    key: Sequence[str],
    *,
    name: str = NAME,
    events: str = "AFTER INSERT OR UPDATE",
) -> Trigger:
    """The one that refuses what breaks any of the rules. ``key`` names the columns of the key that it may tell."""
    about = [table, owner or "", str(len(key)), *key]
    for rule in rules:
        about += rule.constraint.name, rule.constraint.sql, rule.breaks
    broken = "\n    OR ".join(rule.breaks for rule in rules)
    return Trigger(
        on=quoting.relation(relation),
        name=name,
        events=events,
        does=f"FOR EACH ROW\n  WHEN ({broken})\n"
        f"  EXECUTE FUNCTION {SCHEMA}.refuse({', '.join(map(quoting.text, about))})",
        first=tried(rules),
    )


def tried(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Statements that fail where a pattern is none that PostgreSQL reads."""
    return tuple(f"SELECT '' ~ {pattern}" for rule in rules for pattern in rule.patterns)


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
        columns = frozenset(c.name for c in breaks.find_all(exp.Column))
        return Rule(constraint, breaks.sql("postgres"), patterns, columns)
    except MissingColumn as missing:
        raise column_missing(relation, constraint, missing) from None
    except ExpressionRefused as refused:
        return refused.message.split("\n")[0]


def column_missing(relation: Relation, constraint: Constraint, missing: MissingColumn) -> ColumnMissing:
    """The error for a rule on a column that is not there."""
    return ColumnMissing(f"{relation} has no column {missing.column!r}, which rule {constraint.name!r} needs")
