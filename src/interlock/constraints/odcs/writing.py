"""From a contract to a file of the standard."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from interlock.constraints import sugar, yaml_file
from interlock.constraints.constraint import Constraint
from interlock.constraints.contract import Contract, constraint_document, table_document
from interlock.constraints.odcs.quality import ENGINE, SEVERITIES
from interlock.constraints.odcs.reading import EXTENSION
from interlock.constraints.table_contract import TableContract
from interlock.engines.schema import Column, Kind, Schema

VERSION = "v3.1.0"
_LOGICAL = {
    Kind.INTEGER: "integer",
    Kind.FLOAT: "number",
    Kind.DECIMAL: "number",
    Kind.BOOLEAN: "boolean",
    Kind.TEXT: "string",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamp",
    Kind.TIMESTAMPTZ: "timestamp",
    Kind.NESTED: "object",
}
_OURS = {ours: theirs for theirs, ours in SEVERITIES.items()}


def dumps(contract: Contract, id: str, *, schemas: Mapping[str, Schema] = {}, name: str | None = None) -> str:
    """The contract as YAML of the standard; reading it gives an equal contract.

    ``id`` stays the same from one export to the next. ``schemas`` are the columns
    of tables whose data is known; others have the columns the contract names.
    """
    tables = [_table(n, t, schemas.get(n, ()), contract.notify) for n, t in contract.tables.items()]
    document: dict[str, Any] = {"apiVersion": VERSION, "kind": "DataContract", "id": id, "version": "1.0.0"}
    document |= {"status": "active"} | ({"name": name} if name else {}) | {"schema": tables}
    promises = [p for n, t in contract.tables.items() for p in _promises(n, t)]
    if promises:
        document["slaProperties"] = promises
    owners = {t.owner for t in contract.tables.values()}
    if len(owners) == 1 and (owner := next(iter(owners))):
        document["team"] = {"members": [{"username": owner, "role": "Owner"}]}
    if contract.notify:
        document["customProperties"] = [_custom({"notify": list(contract.notify)})]
    out = io.StringIO()
    writer = yaml_file.reader()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(document, out)
    return out.getvalue()


def _table(name: str, table: TableContract, schema: Schema, notify: tuple[str, ...]) -> dict[str, Any]:
    document: dict[str, Any] = {"name": name, "physicalType": "table"}
    columns = _columns(table, schema)
    if columns:
        document["properties"] = list(columns.values())
    rules = [_rule(c) for c in table.constraints]
    if rules:
        document["quality"] = rules
    rest = table_document(table, notify)
    for said in ("partition", "key", "sensitive", "constraints"):
        rest.pop(said, None)
    if rest:
        document["customProperties"] = [_custom(rest)]
    return document


def _columns(table: TableContract, schema: Schema) -> dict[str, dict[str, Any]]:
    columns = {c.name: _column(c) for c in schema}
    named = [*table.key, *table.sensitive, *(c for made in table.constraints for c in made.columns)]
    for name in [table.partition, *named] if table.partition else named:
        columns.setdefault(name, {"name": name})
    for i, key in enumerate(table.key, 1):
        columns[key] |= {"primaryKey": True, "primaryKeyPosition": i}
    if table.partition:
        columns[table.partition] |= {"partitioned": True, "partitionKeyPosition": 1}
    for column in table.sensitive:
        columns[column]["classification"] = "confidential"
    for constraint in table.constraints:  # for who reads no rules; said in full there
        if len(constraint.columns) == 1 and constraint == sugar.not_null(constraint.columns[0]):
            columns[constraint.columns[0]]["required"] = True
        elif len(constraint.columns) == 1 and constraint == sugar.unique(constraint.columns[0]):
            columns[constraint.columns[0]]["unique"] = True
    return columns


def _column(column: Column) -> dict[str, Any]:
    logical = _LOGICAL.get(column.kind)
    return (
        {"name": column.name} | ({"logicalType": logical} if logical else {}) | {"physicalType": column.type}
    )


def _rule(constraint: Constraint) -> dict[str, Any]:
    """A constraint as Interlock writes it, beside what other tools can show of it."""
    return {
        "name": constraint.name,
        "description": constraint.sql,
        "type": "custom",
        "engine": ENGINE,
        "severity": _OURS[constraint.severity.value],
        "implementation": constraint_document(constraint),
    }


def _promises(name: str, table: TableContract) -> list[dict[str, Any]]:
    if table.slo is None or table.slo.fresh is None:
        return []
    clock = DoubleQuotedScalarString(f"{table.slo.fresh:%H:%M}")  # a number to readers of YAML 1.1
    value = {"value": clock, "valueExt": table.slo.zone}
    return [{"property": "timeOfAvailability", **value, "element": name}]


def _custom(value: dict[str, Any]) -> dict[str, Any]:
    return {"property": EXTENSION, "value": value}
