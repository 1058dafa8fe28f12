"""Quarantine of rows, where the contract chooses it: a row that is loaded and breaks a rule is kept out, and kept.

The statement goes on without it. Only what is inserted: an update that breaks a rule is refused as ever, since a row
that a foreign key changes must not be left as it was in silence. What stands after every other trigger refuses still.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interlock.constraints.postgres import SCHEMA
from interlock.constraints.table_contract import TableContract
from interlock.engines.postgres import Relation
from interlock.gates.native import quoting
from interlock.gates.native.rules import Rule, tried, trigger
from interlock.gates.native.trigger import Trigger

FUNCTION = "quarantine_row"
NAMED = "interlock quarantine "  # how the names of its triggers begin: with a space, so that no rule's does
MOVED = "interlock moved"


def triggers(
    table: str, contract: TableContract, relation: Relation, rules: Sequence[Rule], key: Sequence[str]
) -> Iterator[Trigger]:
    """Those that keep rows out, before they are written; none for a rule about a column computed after that."""
    if contract.on_violation != "quarantine":
        return
    known = [rule for rule in rules if not rule.columns & relation.generated]
    for rule in known:
        about = ", ".join(map(quoting.text, (table, rule.constraint.name, *key)))
        yield Trigger(
            on=quoting.relation(relation),
            name=quoting.shortened(NAMED + rule.constraint.name),
            events="BEFORE INSERT",
            does=f"FOR EACH ROW\n  WHEN ({rule.breaks})\n  EXECUTE FUNCTION {SCHEMA}.{FUNCTION}({about})",
            first=tried([rule]),
        )
    if known and relation.kind == "p":  # an update that moves a row inserts it: refused before it moves
        yield trigger(relation, known, table, contract.owner, key, name=MOVED, events="BEFORE UPDATE")
