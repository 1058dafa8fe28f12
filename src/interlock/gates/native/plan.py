"""What shall stand on a relation, by its table's contract."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.constraints import Constraint, Level
from interlock.constraints.table_contract import MassChange, TableContract
from interlock.engines.postgres import Relation
from interlock.errors import ColumnMissing, RelationNotFound
from interlock.gates.native import at_commit, marks, mass_change, quarantine, rules
from interlock.gates.native.at_commit import CommitRule
from interlock.gates.native.rules import Rule
from interlock.gates.native.trigger import Trigger


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall stand on a relation. ``left`` says of other constraints why they are judged elsewhere."""

    table: str
    relation: Relation
    rules: tuple[Rule, ...]
    left: tuple[tuple[Constraint, str], ...]
    key: tuple[str, ...] = ()
    owner: str | None = None
    mass_change: MassChange | None = None
    marks: tuple[Trigger, ...] = ()
    quarantine: tuple[Trigger, ...] = ()
    at_commit: tuple[CommitRule, ...] = ()
    commit: tuple[Trigger, ...] = ()

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Every trigger that shall stand on the relation and on its partitions."""
        refusing = (
            (rules.trigger(self.relation, self.rules, self.table, self.owner, self.key),)
            if self.rules
            else ()
        )
        return (
            *refusing,
            *self.marks,
            *self.quarantine,
            *self.commit,
            *mass_change.triggers(self.relation, self.table, self.mass_change),
        )


def plan(table: str, contract: TableContract, relation: Relation) -> Plan:
    """The rules of a contract for a relation. Raises `RelationNotFound` where rules cannot stand on it.

    `ColumnMissing` where a key, a rule or the partition names a column that is not there, `DataTypeUnsupported`
    where rows cannot be told apart by that column.
    """
    _supported(relation)
    known = {c.name for c in relation.columns}
    for name in contract.key:
        if name not in known:
            raise ColumnMissing(f"{relation} has no column {name!r}, which is in the key of {table}")
    made: list[Rule] = []
    judged: list[CommitRule] = []
    left: list[tuple[Constraint, str]] = []
    for constraint in contract.constraints:
        rule: Rule | CommitRule | str = rules.of(constraint, relation)
        if isinstance(rule, str) and at_commit.chosen(contract, constraint) and _of_many(constraint):
            rule = at_commit.of(constraint, relation, contract.sensitive)
        if isinstance(rule, Rule):
            made.append(rule)
        elif isinstance(rule, CommitRule):
            judged.append(rule)
        else:
            left.append((constraint, rule))
    shown = tuple(name for name in contract.key if name not in contract.sensitive)
    return Plan(
        table,
        relation,
        tuple(made),
        tuple(left),
        shown,
        contract.owner,
        contract.mass_change,
        marks=tuple(marks.triggers(table, contract, relation)),
        quarantine=tuple(quarantine.triggers(table, contract, relation, made, shown)),
        at_commit=tuple(judged),
        commit=tuple(at_commit.triggers(table, contract, relation, judged)),
    )


def _of_many(constraint: Constraint) -> bool:
    """Whether no single row can tell."""
    return constraint.level is Level.TABLE or constraint.tolerance > 0


def _supported(relation: Relation) -> None:
    if relation.partition:
        raise RelationNotFound(
            f"{relation} is a partition", hint="install on its parent; every partition follows"
        )
    if relation.inherited:
        raise RelationNotFound(
            f"other tables inherit from {relation}, and triggers are not inherited",
            hint="install on each of them, or make it a partitioned table",
        )
    if relation.kind not in ("r", "p"):
        raise RelationNotFound(
            f"{relation} is no table that rows are written to", hint="rules stand on tables"
        )
