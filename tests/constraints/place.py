"""Where constraints are tried: small tables in a plain DuckDB."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any

import duckdb
from sqlglot import exp

from interlock.constraints import Compiled, Constraint, Violation, compile, doubt, failing_rows, judge, parse
from interlock.engines.schema import Column, Kind, Schema

NOW = dt.datetime(2020, 1, 10, 12, tzinfo=dt.UTC)

_KINDS = {
    "BOOLEAN": Kind.BOOLEAN,
    "VARCHAR": Kind.TEXT,
    "BLOB": Kind.BINARY,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMPTZ,
    "DOUBLE": Kind.FLOAT,
    "FLOAT": Kind.FLOAT,
    "UUID": Kind.OTHER,
}


def schema(**types: str) -> Schema:
    return tuple(Column(name, type_, _kind(type_)) for name, type_ in types.items())


def _kind(type_: str) -> Kind:
    if type_.startswith("DECIMAL"):
        return Kind.DECIMAL
    if type_.startswith("ENUM"):
        return Kind.TEXT
    if type_.endswith(("]", ")")):
        return Kind.NESTED
    return _KINDS.get(type_, Kind.INTEGER)


def source_of(table: str) -> exp.Expression | None:
    return exp.to_table(table) if table in ("t", "other") else None


class Place:
    """A table ``t`` (and ``other``) made by SQL, and the judgement of constraints on it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, query: str, other: str | None = None) -> None:
        self.connection = connection
        connection.execute(f"CREATE OR REPLACE TABLE t AS {query}")
        if other:
            connection.execute(f"CREATE OR REPLACE TABLE other AS {other}")
        described = connection.execute("SELECT * FROM t LIMIT 0").description
        self.schema = schema(**{column[0]: str(column[1]) for column in described})
        counted = connection.execute("SELECT count(*) FROM t").fetchone()
        self.rows = int(counted[0]) if counted else 0

    def judge(
        self,
        constraint: str | Constraint,
        *,
        sensitive: Collection[str] = (),
        source_of: Callable[[str], exp.Expression | None] = source_of,
        **options: Any,
    ) -> Violation | None:
        made = parse(constraint, self.schema, **options) if isinstance(constraint, str) else constraint
        compiled = compile(made, self.schema, now=NOW, source_of=source_of)
        return judge(compiled, self._values(compiled), self.rows, sensitive=sensitive)

    def doubt(self, constraint: str, *, sensitive: Collection[str] = ()) -> str | None:
        compiled = compile(parse(constraint, self.schema), self.schema, now=NOW)
        return doubt(compiled, self._values(compiled), sensitive=sensitive)

    def _values(self, compiled: Compiled) -> Any:
        items = ", ".join(check.sql("duckdb") for check in compiled.checks)
        return self.connection.execute(f"SELECT {items} FROM t").fetchone() if items else ()

    def failing(self, constraint: str | Constraint, *columns: str, limit: int = 5) -> list[tuple[Any, ...]]:
        made = parse(constraint, self.schema) if isinstance(constraint, str) else constraint
        query = failing_rows(made, self.schema, exp.to_table("t"), columns, limit, source_of=source_of)
        return self.connection.execute(query.sql("duckdb")).fetchall()
