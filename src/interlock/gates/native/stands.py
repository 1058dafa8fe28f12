"""Whether a relation is as its contract says, looked at and left as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interlock.constraints.table_contract import TableContract
from interlock.engines import postgres
from interlock.gates.native import reads, standing
from interlock.gates.native.plan import plan
from interlock.gates.native.statements import install

if TYPE_CHECKING:
    import psycopg


def otherwise(
    connection: psycopg.Connection[Any], table: str, contract: TableContract, relation: str
) -> bool | None:
    """Whether installing again would change anything; None where nothing of ours stands on it.

    Raises what planning raises: `RelationNotFound`, `ColumnMissing`, `DataTypeUnsupported`, `DatabaseRefused`.
    """
    found = reads.behind(connection, postgres.relation(connection, relation))
    there, view = standing.of(connection, found), reads.guarded(connection, found, None)
    if not there and not view:
        return None
    return bool(install(plan(table, contract, found), there, standing.functions_there(connection), view))
