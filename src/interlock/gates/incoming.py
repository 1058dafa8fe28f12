"""What arrives at the write gate: which partition it is, as one durable file in the table's layout."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp

from interlock.catalog import tables
from interlock.engines.protocol import Relation
from interlock.engines.schema import Column, Kind, Schema
from interlock.errors import DataUnreadable, PartitionMixed
from interlock.gates import layout
from interlock.gates.request import Request
from interlock.gates.site import Site
from interlock.names import partition_label


@dataclass(frozen=True, slots=True)
class Staged:
    """Data as a durable file, with what storing it asks of the table."""

    relation: Relation
    schema: Schema
    label: str
    layout: layout.Layout
    value: Any = None


def stage(site: Site, request: Request, into: Path) -> Staged:
    """Write the data as one durable file in the table's layout."""
    data, schema = described(site, request.data)
    label, value, expressions, schema = _partition(site, request, data, schema)
    with site.catalog.read() as rx:
        known = tables.get(rx, request.table.name).lake_table_id is not None
        plan = (
            layout.existing_table(rx, request.table.name, site.engine, data, schema, expressions)
            if known
            else layout.new_table(schema, expressions)
        )
    relation = site.engine.stage(data, into, columns=plan.targets)
    return Staged(relation, schema, label, plan, value)


def described(site: Site, data: object) -> tuple[Relation, Schema]:
    """The data as something that can be scanned more than once, and its columns."""
    relation = site.engine.relation(data)
    if not relation.schema:
        raise DataUnreadable("the data has no columns")
    return relation, relation.schema


def _partition(
    site: Site, request: Request, data: Relation, schema: Schema
) -> tuple[str, Any, dict[str, exp.Expression], Schema]:
    """Which partition this is; the partition column is added where the data lacks it."""
    column = request.table.partition
    if column is None:
        return request.label or partition_label(request.now), None, {}, schema
    if column not in {c.name for c in schema}:
        if request.label is None:
            raise PartitionMixed(
                f"the data has no column {column!r} and no partition was named",
                hint="name the partition: write(data, value)",
            )
        value = typed(request.label)
        added = Column(column, _type_of(value), _kind_of(value))
        return request.label, value, {column: literal(value)}, (*schema, added)
    found = _values(site, data, column)
    labels = {partition_label(v) for v in found}
    if request.label is None:
        if len(labels) != 1:
            raise PartitionMixed(_mixed(column, labels), hint="backfill(data) splits it by that column")
        return labels.pop(), found[0], {}, schema
    if labels - {request.label}:
        raise PartitionMixed(
            f"the data for partition {request.label!r} holds rows where {column!r} is {_few(labels - {request.label})}",
            hint="backfill(data) splits it by that column",
        )
    return request.label, found[0] if found else typed(request.label), {}, schema


def _values(site: Site, data: Relation, column: str) -> list[Any]:
    item = exp.column(column, quoted=True)
    query = exp.select(item).distinct().from_(site.engine.source(data)).limit(6)
    return [row[0] for row in site.engine.run(query).rows()]


def _mixed(column: str, labels: set[str]) -> str:
    if not labels:
        return f"the data has no rows and no partition was named, so {column!r} is unknown"
    return f"the data holds several partitions: {column!r} is {_few(labels)}"


def _few(labels: set[str]) -> str:
    shown = sorted(labels)[:3]
    return ", ".join(map(repr, shown)) + (" …" if len(labels) > len(shown) else "")


def typed(label: str) -> Any:
    """The value a partition label stands for: a number, date or moment if it reads as one and is written so."""
    if label == partition_label(None):
        return None
    for parse in (int, dt.date.fromisoformat, dt.datetime.fromisoformat):
        with contextlib.suppress(ValueError):
            value = parse(label)
            if partition_label(value) == label:
                return value
    return label


def literal(value: Any) -> exp.Expression:
    """A Python value as SQL."""
    made = exp.convert(value)
    assert isinstance(made, exp.Expression)
    return made


def _type_of(value: Any) -> str:
    names = {int: "BIGINT", dt.date: "DATE", dt.datetime: "TIMESTAMP"}
    return names.get(type(value), "VARCHAR")


def _kind_of(value: Any) -> Kind:
    kinds = {int: Kind.INTEGER, dt.date: Kind.DATE, dt.datetime: Kind.TIMESTAMP}
    return kinds.get(type(value), Kind.TEXT)
