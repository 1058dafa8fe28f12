"""What is declared of a table, wherever it was said, as a contract that others can read."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from interlock.constraints import odcs
from interlock.constraints.contract import Contract
from interlock.constraints.table_contract import TableContract
from interlock.workspace import measured

if TYPE_CHECKING:
    from interlock.workspace.table import Table


def of(table: Table) -> TableContract:
    """The file's word and the catalog's together. Learned constraints are no promise and stay out."""
    record, written = table.record, table.workspace.contract_of(table.name)
    own = record.settings
    return replace(
        written,
        partition=written.partition or record.partition,
        key=written.key or record.key,
        owner=written.owner or own.get("owner"),
        sensitive=_joined(written.sensitive, own.get("sensitive", ())),
        segments=_joined(written.segments, own.get("segments", ())),
        attach=written.attach or record.location,
        slo=measured.promised(record, written.slo),
        sensitivity=own.get("sensitivity") if written.sensitivity is None else written.sensitivity,
        constraints=table.declared,
    )


def to_odcs(table: Table) -> str:
    """The table's contract in the standard, with an id that stays the same."""
    id_ = uuid.uuid5(uuid.UUID(table.workspace.site.catalog.id), table.name)
    contract = Contract({table.name: of(table)})
    return odcs.dumps(contract, str(id_), schemas={table.name: table.columns}, name=table.name)


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
