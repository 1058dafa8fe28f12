"""Dirty marks: what a statement changed of a relation that is judged after the commit, told by a trigger of each event.

A statement trigger fires for the relation that the statement names, so there is one on the relation and on each of its
partitions, at every level; of the rows it sees all, wherever they went.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.constraints.postgres import SCHEMA
from interlock.constraints.table_contract import TableContract
from interlock.engines.postgres import Part, Relation, address
from interlock.engines.schema import Column, Kind
from interlock.errors import ColumnMissing, DataTypeUnsupported, RelationNotFound, nearest
from interlock.gates.native import quoting
from interlock.gates.native.trigger import Trigger

FUNCTION = "mark_change"
NAMED = "interlock mark "  # how the names of its triggers begin: with a space, so that no rule's does
CHANNEL = "interlock_mark"
SEEN = {
    "INSERT": "REFERENCING NEW TABLE AS interlock_added\n  ",
    "UPDATE": "REFERENCING OLD TABLE AS interlock_removed NEW TABLE AS interlock_added\n  ",
    "DELETE": "REFERENCING OLD TABLE AS interlock_removed\n  ",
    "TRUNCATE": "",
}
EVENTS = len(SEEN)  # triggers a relation
_LABELS = {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL, Kind.BOOLEAN, Kind.TEXT} | {
    *(Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
}


def triggers(table: str, contract: TableContract, relation: Relation) -> Iterator[Trigger]:
    """Those that mark changes; none unless the contract attaches the table where it is in PostgreSQL.

    Raises `ColumnMissing`, `DataTypeUnsupported`, `RelationNotFound` where marks would stop somebody from writing.
    """
    if not address.is_one(contract.attach):
        return
    column = contract.partition
    if column is not None:
        tells_apart(column, relation)
    for part in relation.parts:
        if part.kind == "f":
            raise RelationNotFound(
                f"{part} is a foreign partition of {relation}, whose rows no trigger sees",
                hint="detach it, or leave `attach` out of the contract: rules alone can stand",
            )
    arguments = ", ".join(map(quoting.text, (table, column or "")))
    everywhere: tuple[Relation | Part, ...] = (relation, *relation.parts)
    for on in everywhere:
        for event, seen in SEEN.items():
            yield Trigger(
                on=quoting.relation(on),
                name=NAMED + event.lower(),
                events=f"AFTER {event}",
                does=f"{seen}FOR EACH STATEMENT\n  EXECUTE FUNCTION {SCHEMA}.{FUNCTION}({arguments})",
            )


def tells_apart(name: str, relation: Relation) -> None:
    """Raises where rows cannot be grouped by a column, or a group not be found again by the text of its value."""
    known: dict[str, Column] = {c.name: c for c in relation.columns}
    if name not in known:
        raise ColumnMissing(
            f"{relation} has no column {name!r}, which shall split it", hint=nearest(name, known)
        )
    if known[name].kind not in _LABELS and known[name].type != "UUID":
        raise DataTypeUnsupported(
            f"column {name!r} of {relation} is {known[name].type}, by which a table cannot be split",
            hint="partition by a number, text, date or moment",
        )
