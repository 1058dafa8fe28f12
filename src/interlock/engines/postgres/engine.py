"""The PostgreSQL engine: aggregates are computed by the server, a sample of the rows comes here.

Nothing is written to a table that is only looked at; one look is two statements in one snapshot.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from sqlglot import exp

from interlock.engines import postgres
from interlock.engines.duckdb import DuckDB
from interlock.engines.failures import one_line, translated
from interlock.engines.parquet import quoted
from interlock.engines.postgres import transfer
from interlock.engines.protocol import Gathered, Relation, Target
from interlock.engines.schema import Schema
from interlock.errors import DataUnreadable, QueryFailed

if TYPE_CHECKING:
    import psycopg

_SPACE = 2**32  # hashes are whole numbers below
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_UNIQUE = """
SELECT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = %s::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
        SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) AS k (number)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE NOT a.attnotnull OR a.attname <> ALL (%s)))
"""


class Rows:
    """The rows of one statement."""

    def __init__(self, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        self.columns, self._rows = columns, rows

    def rows(self) -> list[tuple[Any, ...]]:
        return self._rows


class PostgreSQL:
    """An engine over one connection, which it neither opens nor closes; a context manager for what it keeps here.

    Data is a relation of the database (`interlock.engines.postgres.Relation`, or a `Relation` of this engine);
    any other input that DuckDB accepts is copied to a temporary table first.
    """

    name = "postgres"
    dialect = "postgres"
    lacks: Mapping[str, str] = MappingProxyType(
        {
            "files": "rows are copied to a table of the database first",
            "row_order": "the rows of a table have no order",
        }
    )

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.statements: list[str] = []
        self.local = DuckDB()
        self._connection = connection
        self._names = itertools.count()
        self._provided: set[str] = set()
        for setting in transfer.PLAIN[1:]:  # the search path is the caller's
            connection.execute(setting.replace("SET LOCAL", "SET"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of memory and temporary files. May be called twice."""
        self.local.close()

    # --- reading ------------------------------------------------------------------

    def describe(self, data: object) -> Schema:
        if isinstance(data, Relation):
            return data.schema
        return data.columns if isinstance(data, postgres.Relation) else self.local.describe(data)

    def relation(self, data: object) -> Relation:
        """A relation of the database where it is; ``rows`` is what the planner expects."""
        if isinstance(data, Relation):
            return data
        if not isinstance(data, postgres.Relation):
            return self.stage(data, f"pg_temp.interlock_{next(self._names)}")
        item: exp.Expression = exp.Table(
            this=exp.to_identifier(data.name, quoted=True), db=exp.to_identifier(data.schema, quoted=True)
        )
        return Relation((), data.columns, self._planned(item), view=item)

    def provide(self, functions: str) -> None:
        if functions not in self._provided:
            with _failing("functions"), self._connection.transaction():
                self._connection.execute(functions.encode())
            self._provided.add(functions)

    def unique(self, relation: Relation, key: Sequence[str]) -> bool:
        """By a primary key, or a unique index of columns that are never NULL."""
        table = relation.view.find(exp.Table) if relation.view is not None else None
        if table is None or not key:
            return False
        row = self._connection.execute(_UNIQUE, [table.sql(dialect=self.dialect), list(key)]).fetchone()
        return bool(row and row[0])

    def part(self, relation: Relation, where: exp.Expression) -> Relation:
        """The rows of a relation for which ``where`` holds."""
        rows = exp.select("*", "ctid").from_(self.source(relation)).where(where)
        item = exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier("interlock_part")))
        return replace(relation, rows=self._planned(item), view=item)

    def source(self, relation: Relation) -> exp.Expression:
        assert relation.view is not None
        return relation.view.copy()

    def run(self, tree: exp.Query) -> Rows:
        """Run one statement; failures are `QueryFailed`."""
        text = tree.sql(dialect=self.dialect)
        self.statements.append(text)
        with _failing("query"), self._cursor() as cursor:
            cursor.execute(text.encode())
            columns = [d.name for d in cursor.description or ()]
            return Rows(columns, cursor.fetchall())

    def gather(
        self,
        relation: Relation,
        aggregates: Sequence[str],
        *,
        key: Sequence[str],
        whole_max: int,
        sample_rows: int,
    ) -> Gathered:
        """See `Afar.gather`. Two statements; a third where far fewer rows than expected had small hashes."""
        source = self.source(relation).sql(dialect=self.dialect)
        with self._snapshot():
            rows, *values = self._one(f"SELECT {', '.join(['count(*)', *aggregates])} FROM {source}")
            if rows <= whole_max:
                sample = self._fetch(transfer.items(relation.schema), source, "", relation.schema)
                return Gathered((rows, *values), sample, whole=True)
            hashed = _hash(key)
            items = f"{transfer.items(relation.schema)}, {hashed}"
            few = f"WHERE {hashed} < {min(_SPACE, 2 * sample_rows * _SPACE // rows)}"
            order = f"ORDER BY {hashed} LIMIT {sample_rows}"
            sample = self._fetch(items, source, f"{few} {order}", relation.schema)
            if sample.rows < sample_rows:
                sample = self._fetch(items, source, order, relation.schema)
        return Gathered((rows, *values), sample, whole=False)

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One view of the rows for several statements; within a caller's transaction it is the caller's."""
        from psycopg.pq import TransactionStatus

        alone = self._connection.info.transaction_status == TransactionStatus.IDLE
        with _failing("query"), self._connection.transaction():
            if alone:
                self._connection.execute(_SNAPSHOT)
            yield

    def _one(self, text: str) -> tuple[Any, ...]:
        self.statements.append(text)
        with self._cursor() as cursor:
            row = cursor.execute(text.encode()).fetchone()
        assert row is not None
        return tuple(row)

    def _cursor(self) -> psycopg.Cursor[Any]:
        """Of a kind that reads moments beyond Python's years as text, as DuckDB does."""
        cursor = self._connection.cursor()
        for type_, loader in _lenient():
            cursor.adapters.register_loader(type_, loader)
        return cursor

    def _fetch(self, items: str, source: str, rest: str, schema: Schema) -> Relation:
        """Rows as a relation of `local`."""
        text = f"SELECT {items} FROM {source} {rest}"
        self.statements.append(text)
        return transfer.bring(self._connection, self.local, text, schema, hashed=bool(rest))

    def _planned(self, item: exp.Expression) -> int:
        """Rows the planner expects."""
        with _failing("query"):
            row = self._connection.execute(
                f"EXPLAIN (FORMAT json) SELECT FROM {item.sql(dialect=self.dialect)}".encode()
            ).fetchone()
        assert row is not None
        return int(row[0][0]["Plan"]["Plan Rows"])

    # --- staging ------------------------------------------------------------------

    def stage(
        self,
        data: object,
        into: str,
        *,
        columns: Sequence[Target] | None = None,
        where: exp.Expression | None = None,
    ) -> Relation:
        """Any accepted input as a new table ``into``, its name as SQL writes it. All or nothing.

        ``where`` and the targets' expressions are evaluated where the rows are. Raises `DataUnreadable` where a
        value does not fit its target's type.
        """
        if isinstance(data, Relation) and not data.files:
            return self._copy(data, into, columns, where)
        staged = self.local.stage(data, self.local.temporary(), columns=columns, where=where)
        path = self.local.temporary().with_suffix(".csv")
        try:
            with translated(into, reading=True):
                transfer.write(self.local, staged, path)
            with _failing(into, reading=True), self._connection.transaction():
                self._connection.execute(
                    f"CREATE TABLE {into} ({transfer.definition(staged.schema)})".encode()
                )
                with (
                    path.open("rb") as file,
                    self._connection.cursor() as cursor,
                    cursor.copy(f"COPY {into} FROM STDIN (FORMAT csv)".encode()) as copy,
                ):
                    while block := file.read(1 << 20):
                        copy.write(block)
        finally:
            path.unlink(missing_ok=True)
        return self._found(into)

    def _copy(
        self, data: Relation, into: str, columns: Sequence[Target] | None, where: exp.Expression | None
    ) -> Relation:
        query = exp.select(*transfer.targets(data.schema, columns)).from_(self.source(data))
        query = query.where(where) if where is not None else query
        text = f"CREATE TABLE {into} AS {query.sql(dialect=self.dialect)}"
        self.statements.append(text)
        with _failing(into, reading=True), self._connection.transaction():
            self._connection.execute(text.encode())
        return self._found(into)

    def has(self, name: str) -> bool:
        """Whether there is a relation of this name, written as SQL writes it."""
        row = self._connection.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone()
        return bool(row and row[0])

    def _found(self, into: str) -> Relation:
        self._connection.execute(f"ANALYZE {into}".encode())
        return self.relation(postgres.relation(self._connection, into))


def _hash(key: Sequence[str]) -> str:
    """A whole number below 2^32 for each row: of its key, else of its place."""
    hashed = (
        f"hash_record_extended(ROW({', '.join(map(quoted, key))}), 0)" if key else "hashtidextended(ctid, 0)"
    )
    return f"({hashed} & {_SPACE - 1})"


@cache
def _lenient() -> tuple[tuple[str, Any], ...]:
    from psycopg import DataError
    from psycopg.types import datetime as moments

    def lenient(strict: Any) -> Any:
        class Lenient(strict):  # type: ignore[misc]
            def load(self, data: Any) -> Any:
                try:
                    return super().load(data)
                except DataError:
                    return re.sub(r"^(\S+)(.*) BC$", r"\1 (BC)\2", bytes(data).decode())

        return Lenient

    return ("date", lenient(moments.DateLoader)), ("timestamp", lenient(moments.TimestampLoader))


@contextlib.contextmanager
def _failing(what: str, *, reading: bool = False) -> Iterator[None]:
    """What PostgreSQL has against a statement as one of our errors; a lost connection stays what it is."""
    import psycopg

    try:
        yield
    except psycopg.OperationalError:
        raise
    except (psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
        raise (DataUnreadable if reading else QueryFailed)(f"{what}: {one_line(error)}") from None
