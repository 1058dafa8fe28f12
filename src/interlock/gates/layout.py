"""How data will be stored: each column's type and field id, decided before it is staged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from interlock.catalog import Reader, lake
from interlock.catalog.lake_columns import numbered
from interlock.catalog.types import Field
from interlock.engines.protocol import Engine, Relation, Target
from interlock.engines.schema import Schema
from interlock.errors import DataError, SchemaIncompatible
from interlock.gates import drift

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """``columns`` are what the table must hold, ``targets`` how the file stores them.

    ``fitting`` names columns of another type whose every value survives the cast.
    ``problem`` says why the data cannot be stored beside what is there: then it
    is staged as it came, and can only be quarantined.
    """

    columns: Columns
    targets: tuple[Target, ...] | None
    fitting: frozenset[str] = frozenset()
    problem: str | None = None


def stored(fields: Sequence[Field]) -> Columns:
    """A table's columns as names and DuckDB types."""
    return tuple((f.name, f.type.duckdb) for f in fields)


def new_table(schema: Schema, expressions: Mapping[str, exp.Expression]) -> Layout:
    """The layout of a table's first data: the columns as they come, numbered from 1."""
    columns = tuple((c.name, c.type) for c in schema)
    return Layout(columns, _targets(numbered(columns, 1), expressions))


def existing_table(
    rx: Reader,
    table: str,
    engine: Engine,
    relation: Relation,
    schema: Schema,
    expressions: Mapping[str, exp.Expression],
) -> Layout:
    """The layout of more data: cast to the table's types where no value is lost.

    ``schema`` are the relation's columns and those ``expressions`` add. The
    relation is scanned only where a type does not fit by itself.
    """
    fields = {f.name: f for f in lake.columns(rx, table)}
    types = {name: f.type.duckdb for name, f in fields.items() if not f.children}
    fitted = drift.fitting(engine, relation, types)
    columns = tuple((c.name, types[c.name] if c.name in fitted else c.type) for c in schema)
    try:
        evolution = lake.plan(rx, table, columns)
    except (SchemaIncompatible, DataError) as error:
        return Layout(columns, None, fitted, error.message)
    known = {f.name.casefold(): f for f in (*fields.values(), *evolution.retyped, *evolution.added)}
    return Layout(columns, _targets([known[name.casefold()] for name, _ in columns], expressions), fitted)


def _targets(fields: Sequence[Field], expressions: Mapping[str, exp.Expression]) -> tuple[Target, ...]:
    return tuple(replace(_target(f), expression=expressions.get(f.name)) for f in fields)


def _target(field: Field) -> Target:
    return Target(field.name, field.type.duckdb, field.id, tuple(_target(child) for child in field.children))
