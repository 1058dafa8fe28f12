"""How data will be stored: each column's type and field id, decided before it is staged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from interlock.catalog import Reader, lake
from interlock.catalog.lake_columns import numbered
from interlock.catalog.types import Field
from interlock.engines.protocol import Engine, Relation, Target
from interlock.engines.schema import Kind, Schema
from interlock.errors import DataError, SchemaIncompatible

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """``columns`` are what the table must hold, ``targets`` how the file stores them.

    ``problem`` says why the data cannot be stored beside what is there: then it
    is staged as it came, and can only be quarantined.
    """

    columns: Columns
    targets: tuple[Target, ...] | None
    problem: str | None = None


def stored(fields: Sequence[Field]) -> Columns:
    """A table's columns as names and DuckDB types."""
    return tuple((f.name, f.type.duckdb) for f in fields)


def new_table(schema: Schema, expressions: Mapping[str, exp.Expression]) -> Layout:
    """The layout of a table's first data: the columns as they come, numbered from 1."""
    columns = tuple((c.name, c.type) for c in schema)
    return Layout(columns, _targets(numbered(columns, 1), expressions))


def existing_table(
    rx: Reader, table: str, engine: Engine, relation: Relation | None, schema: Schema, expressions: Mapping[str, exp.Expression]
) -> Layout:
    """The layout of more data: cast to the table's types where no value is lost.

    ``relation`` is scanned only where a type does not fit by itself.
    """
    fields = {f.name: f for f in lake.columns(rx, table)}
    columns = _fitted(engine, relation, schema, fields)
    try:
        evolution = lake.plan(rx, table, columns)
    except (SchemaIncompatible, DataError) as error:
        return Layout(columns, None, error.message)
    known = {f.name.casefold(): f for f in (*fields.values(), *evolution.retyped, *evolution.added)}
    targets = _targets([known[name.casefold()] for name, _ in columns], expressions)
    return Layout(columns, targets)


def _fitted(engine: Engine, relation: Relation | None, schema: Schema, fields: Mapping[str, Field]) -> Columns:
    """Column types, with the table's own type wherever every value survives the cast."""
    doubtful = {
        c.name: fields[c.name].type.duckdb
        for c in schema
        if c.name in fields and c.type != fields[c.name].type.duckdb and not fields[c.name].children
    }
    keeps = {c.name for c in schema if c.kind is Kind.NULL and c.name in doubtful}
    ask = [name for name in doubtful if name not in keeps]
    if ask and relation is not None:
        lost = _lost(engine, relation, {name: doubtful[name] for name in ask})
        keeps.update(name for name in ask if lost[name] == 0)
    return tuple((c.name, doubtful[c.name] if c.name in keeps else c.type) for c in schema)


def _lost(engine: Engine, relation: Relation, types: Mapping[str, str]) -> dict[str, int]:
    """How many values of each column would not survive a cast there and back."""
    original = {c.name: c.type for c in relation.schema}
    items = []
    for name, type_name in types.items():
        column = exp.column(name, quoted=True)
        there = exp.TryCast(this=column, to=exp.DataType.build(type_name, dialect="duckdb"))
        back = exp.TryCast(this=there, to=exp.DataType.build(original[name], dialect="duckdb"))
        changed = exp.and_(
            exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null())),
            exp.Or(
                this=exp.Is(this=there.copy(), expression=exp.Null()),
                expression=exp.NullSafeNEQ(this=back, expression=column.copy()),
            ),
        )
        items.append(exp.Count(this=exp.Case().when(changed, exp.Literal.number(1))))
    query = exp.select(*items).from_(engine.source(relation))
    return dict(zip(types, map(int, engine.run(query).rows()[0]), strict=True))


def _targets(fields: Sequence[Field], expressions: Mapping[str, exp.Expression]) -> tuple[Target, ...]:
    return tuple(replace(_target(f), expression=expressions.get(f.name)) for f in fields)


def _target(field: Field) -> Target:
    return Target(field.name, field.type.duckdb, field.id, tuple(_target(child) for child in field.children))
