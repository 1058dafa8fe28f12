"""What shall stand on a relation, by its table's contract."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.constraints import Constraint
from interlock.constraints.table_contract import TableContract
from interlock.engines.postgres import Relation
from interlock.errors import ColumnMissing, RelationNotFound
from interlock.gates.native import rules
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

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Every trigger that shall stand on the relation and on its partitions."""
        return tuple(rule.trigger(self.relation, self.table, self.owner, self.key) for rule in self.rules)


def plan(table: str, contract: TableContract, relation: Relation) -> Plan:
    """The rules of a contract for a relation. Raises `RelationNotFound` where rules cannot stand on it.

    `ColumnMissing` where a key or a rule names a column that is not there.
    """
    _supported(relation)
    known = {c.name for c in relation.columns}
    for name in contract.key:
        if name not in known:
            raise ColumnMissing(f"{relation} has no column {name!r}, which is in the key of {table}")
    made: list[Rule] = []
    left: list[tuple[Constraint, str]] = []
    for constraint in contract.constraints:
        rule = rules.of(constraint, relation)
        if isinstance(rule, Rule):
            made.append(rule)
        else:
            left.append((constraint, rule))
    shown = tuple(name for name in contract.key if name not in contract.sensitive)
    return Plan(table, relation, tuple(made), tuple(left), shown, contract.owner)


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
