"""An engine that the project knows nothing of: tables in a DuckDB database file, which another process may own.

It shows what an engine afar has to bring: how its rows are reached (`DatabaseFile`), how statistics are written
(`FileSpelling`) and how constraints are (DuckDB's own `Emitter`). See "Add an engine" in CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import duckdb
from sqlglot import exp

from interlock.constraints import EMITTERS
from interlock.constraints.emit import Emitter
from interlock.engines import types
from interlock.engines.duckdb import DuckDB
from interlock.engines.protocol import Gathered, Relation, Target
from interlock.engines.schema import Kind, Schema
from interlock.errors import DataUnreadable, QueryFailed
from interlock.profiles.spellings import SPELLINGS
from interlock.profiles.statistics.spelling import Spelling

NAME = "database-file"


class FileSpelling(Spelling):
    """DuckDB's way, with sums in one pass."""

    afar = True
    lacks = dict.fromkeys(("increasing", "decreasing"), "the rows of a table have no order")

    def moments(self, x: str, kind: Kind, type: str) -> tuple[str, ...]:
        if type in ("TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER"):
            return f"count({x})", f"sum({x})", f"sum({x}::BIGINT * {x})"
        x = f"{x}::DOUBLE"
        within = f"CASE WHEN abs({x}) < 1e150 THEN {x} END"
        beyond = f"coalesce(bool_or(isfinite({x}) AND abs({x}) >= 1e150), false)"
        return tuple(f"CASE WHEN NOT {beyond} THEN {f}({within}) END" for f in ("avg", "stddev_samp"))


SPELLINGS[NAME] = FileSpelling()
EMITTERS[NAME] = Emitter


class Rows:
    """The rows of one statement."""

    def __init__(self, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        self.columns, self._rows = columns, rows

    def rows(self) -> list[tuple[Any, ...]]:
        return self._rows


class DatabaseFile:
    """Tables of one DuckDB file; data is a table's name, or what DuckDB can read, which becomes a table first."""

    name = NAME
    dialect = "duckdb"
    lacks: Mapping[str, str] = {"row_order": "the rows of a table have no order"}

    def __init__(self, file: Path) -> None:
        self.statements: list[str] = []
        self.local = DuckDB()
        self._connection = duckdb.connect(str(file))
        self._connection.execute("SET TimeZone = 'UTC'")
        self._made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self.local.close()

    def describe(self, data: object) -> Schema:
        return self.relation(data).schema

    def relation(self, data: object) -> Relation:
        if isinstance(data, Relation):
            return data
        if isinstance(data, str) and self.has(data):
            return self._table(exp.to_identifier(data, quoted=True))
        self._made += 1
        return self.stage(data, f"interlock_{self._made}")

    def source(self, relation: Relation) -> exp.Expression:
        assert relation.view is not None
        return relation.view.copy()

    def run(self, tree: exp.Query) -> Rows:
        text = tree.sql(dialect=self.dialect)
        self.statements.append(text)
        try:
            found = self._connection.execute(text)
        except duckdb.Error as error:
            raise QueryFailed(f"query: {str(error).splitlines()[0]}") from None
        return Rows([d[0] for d in found.description or ()], found.fetchall())

    def provide(self, functions: str) -> None:
        """Nothing is missing."""

    def part(self, relation: Relation, where: exp.Expression) -> Relation:
        rows = exp.select("*", "rowid").from_(self.source(relation)).where(where)
        return replace(relation, view=exp.Subquery(this=rows))

    def gather(
        self,
        relation: Relation,
        aggregates: Sequence[str],
        *,
        key: Sequence[str],
        whole_max: int,
        sample_rows: int,
    ) -> Gathered:
        source = self.source(relation)
        ((rows, *values),) = self.run(exp.select("count(*)", *map(_raw, aggregates)).from_(source)).rows()
        sample = exp.select(*(exp.column(c.name, quoted=True) for c in relation.schema)).from_(source)
        if rows > whole_max:
            of = [exp.column(name, quoted=True) for name in key] or [exp.column("rowid")]
            sample = sample.order_by(exp.func("hash", *of)).limit(sample_rows)
        text = sample.sql(dialect=self.dialect)
        self.statements.append(text)
        near = self.local.stage(self._connection.sql(text), self.local.temporary())
        return Gathered((rows, *values), near, whole=rows <= whole_max)

    def stage(
        self,
        data: object,
        into: str,
        *,
        columns: Sequence[Target] | None = None,
        where: exp.Expression | None = None,
    ) -> Relation:
        given = (
            self._connection.sql(f"FROM {self.source(data).sql('duckdb')}")
            if isinstance(data, Relation)
            else data
        )
        near = self.local.stage(given, self.local.temporary(), columns=columns, where=where)
        name = exp.to_identifier(into, quoted=True)
        rows = self.local.source(near).sql(dialect=self.dialect)
        try:
            self._connection.execute(f"CREATE TABLE {name.sql(self.dialect)} AS FROM {rows}")
        except duckdb.Error as error:
            raise DataUnreadable(f"{into}: {str(error).splitlines()[0]}") from None
        return self._table(name)

    def has(self, name: str) -> bool:
        found = self._connection.execute("FROM duckdb_tables() WHERE table_name = ?", [name])
        return found.fetchone() is not None

    def _table(self, name: exp.Identifier) -> Relation:
        item = exp.Table(this=name)
        described = self._connection.execute(f"DESCRIBE {item.sql(self.dialect)}").fetchall()
        schema = tuple(types.column(column, type_) for column, type_, *_ in described)
        return Relation((), schema, self.run(exp.select("count(*)").from_(item)).rows()[0][0], view=item)


def _raw(text: str) -> exp.Expression:
    return exp.Var(this=text)
