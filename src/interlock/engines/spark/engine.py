"""The Spark engine: aggregates are computed by the executors, a sample of the rows comes here.

One look at a relation is one statement and one Spark job: the aggregates and
the sample are branches of one UNION ALL.
"""

from __future__ import annotations

import itertools
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from sqlglot import exp

from interlock.engines.duckdb import DuckDB
from interlock.engines.inputs import Files, Format, recognise
from interlock.engines.protocol import Gathered, Relation, Target
from interlock.engines.schema import Kind, Schema
from interlock.engines.spark import columns as types
from interlock.engines.spark import files
from interlock.engines.spark.columns import quoted, schema_of, sent, stored_type
from interlock.engines.spark.session import as_one_job, failing, prepared, pyspark
from interlock.errors import UsageError

if TYPE_CHECKING:
    import pyarrow
    from pyspark.sql import DataFrame, SparkSession

# What Spark can only compute without compiling it, or by rows spread anew: each in a branch of its own,
# so that the rest is one compiled loop.
_APART = re.compile(r"\b(DISTINCT|COLLECT_LIST|PERCENTILE)\b", re.IGNORECASE)
_EXTREME = re.compile(r"(min|max)\((?!length\()", re.IGNORECASE)
_TOGETHER_MAX = 40  # aggregates of one branch: Java compiles no methods that are much larger
_SAMPLE = -1  # the branch that holds the sample


@dataclass(frozen=True, slots=True)
class Table:
    """A table of Spark's catalog: ``name``, ``database.name`` or ``catalog.database.name``, as SQL writes it."""

    name: str

    def __str__(self) -> str:
        return self.name


class Rows:
    """The rows of one statement."""

    def __init__(self, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        self.columns, self._rows = columns, rows

    def rows(self) -> list[tuple[Any, ...]]:
        return self._rows


class Spark:
    """An engine over one session, which it neither starts nor stops; a context manager for what it keeps here.

    Data is a Parquet file or folder (any address Spark can read), a `Table`, or a
    DataFrame of the session. Any other input that DuckDB accepts is staged on the
    driver's disk first, which executors elsewhere cannot read. While a statement
    runs the session has settings of ours; afterwards it is as it was.
    """

    name = "spark"
    dialect = "spark"
    lacks: Mapping[str, str] = MappingProxyType(
        {
            "files": "other files than Parquet are staged on the driver's disk first",
            "row_order": "the rows of a table have no order",
        }
    )

    def __init__(self, session: SparkSession) -> None:
        pyspark()
        self.statements: list[str] = []
        self.local = DuckDB()
        self.session = session
        self._views: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of views and temporary files. May be called twice."""
        while self._views:
            self.session.catalog.dropTempView(self._views.pop())
        self.local.close()

    def unique(self, relation: Relation, key: Sequence[str]) -> bool:
        """Spark keeps nothing unique."""
        return False

    def provide(self, functions: str) -> None:
        """Constraints call no functions of ours here."""

    # --- reading ------------------------------------------------------------------

    def describe(self, data: object) -> Schema:
        if isinstance(data, Relation):
            return data.schema
        with failing(_named(data), reading=True):
            frame = self._frame(data)
            return self.local.describe(data) if frame is None else schema_of(frame.schema)

    def relation(self, data: object) -> Relation:
        """Rows where they are; ``rows`` is what Spark's statistics say, or a guess from bytes."""
        if isinstance(data, Relation):
            return data
        with failing(_named(data), reading=True), prepared(self.session):
            frame = self._frame(data)
            if frame is not None:
                return self._registered(frame, _expected(frame))
            staged = self.local.stage(data, self.local.temporary())
            here = self.session.read.parquet(*map(str, staged.files))
            return self._registered(here, staged.rows)

    def _frame(self, data: object) -> DataFrame | None:
        """Data as Spark reads it; None for what DuckDB must read."""
        if isinstance(data, Table):
            return self.session.table(data.name)
        if isinstance(data, pyspark().DataFrame):
            frame: DataFrame = data
            return frame
        if isinstance(data, str | os.PathLike):
            path = os.fspath(data)
            if "://" in path or os.path.isdir(path):
                return self.session.read.parquet(path)
            given = recognise(data)
            if isinstance(given, Files) and given.format is Format.PARQUET:
                return self.session.read.parquet(*map(str, given.paths))
        return None

    def _registered(self, frame: DataFrame, rows: int) -> Relation:
        schema = schema_of(frame.schema)
        plain = types.by_code_point(frame.schema)
        frame = frame if plain is None else frame.selectExpr(*plain)
        name = f"interlock_{uuid.uuid4().hex}"
        frame.createTempView(name)
        self._views.append(name)
        return Relation((), schema, rows, view=exp.to_table(name))

    def part(self, relation: Relation, where: exp.Expression) -> Relation:
        """The rows of a relation for which ``where`` holds."""
        rows = exp.select("*").from_(self.source(relation)).where(where)
        item = exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier("interlock_part")))
        return replace(relation, view=item)

    def source(self, relation: Relation) -> exp.Expression:
        assert relation.view is not None
        return relation.view.copy()

    def run(self, tree: exp.Query) -> Rows:
        """Run one statement; failures are `QueryFailed`."""
        text = tree.sql(dialect=self.dialect)
        self.statements.append(text)
        with failing("query"), prepared(self.session):
            found = self.session.sql(text).toArrow()
        return Rows(found.column_names, [tuple(row.values()) for row in found.to_pylist()])

    def gather(
        self,
        relation: Relation,
        aggregates: Sequence[str],
        *,
        key: Sequence[str],
        whole_max: int,
        sample_rows: int,
    ) -> Gathered:
        """See `Afar.gather`. One statement, which is one job; a second one where ``relation.rows`` was far off."""
        source = self.source(relation).sql(dialect=self.dialect)
        whole = relation.rows <= whole_max
        some = _rows(relation.schema, source, key, None if whole else sample_rows, whole_max)
        branches = _branches(["count(*)", *aggregates], relation.schema)
        found = self._union([*(_select(b, source) for b in branches), some], relation.rows)
        values: dict[str, Any] = {}
        for number, branch in enumerate(branches):
            values |= zip(branch, _values(found, number), strict=True)
        rows = int(values["count(*)"])
        if whole is not (rows <= whole_max):
            whole = rows <= whole_max
            some = _rows(relation.schema, source, key, None if whole else sample_rows, whole_max)
            found = self._union([some], rows)
        sample = self._here(found, relation.schema)
        return Gathered((rows, *(values[a] for a in aggregates)), sample, whole=whole)

    def _union(self, selects: Sequence[str], rows: int) -> pyarrow.Table:
        """Each branch's items as one struct, in a column and rows of its own.

        In an array of one: NULL for a whole struct would be NULL for values that Arrow was told never are.
        """
        places = len(selects)
        written = []
        for place, select in enumerate(selects):
            number = _SAMPLE if place == places - 1 else place
            items = ", ".join("array(item)" if p == place else "NULL" for p in range(places))
            written.append(f"SELECT {number} AS branch, {items} FROM ({select})")
        names = ", ".join(f"b{p}" for p in range(places - 1))
        text = f"SELECT * FROM ({' UNION ALL '.join(written)}) AS found(branch{', ' + names if names else ''}, sample)"
        self.statements.append(text)
        with failing("query"), prepared(self.session, as_one_job(self.session, rows)):
            return self.session.sql(text).toArrow()

    def _here(self, found: pyarrow.Table, schema: Schema) -> Relation:
        """The sample's rows as a relation of `local`."""
        import pyarrow
        import pyarrow.compute

        given = found.filter(pyarrow.compute.equal(found["branch"], _SAMPLE))["sample"]
        only = (
            pyarrow.concat_arrays([chunk.flatten() for chunk in given.chunks]) if given.num_chunks else None
        )
        if only is None:
            only = pyarrow.array([], given.type.value_type)
        if not schema:
            return self.local.materialized(f"SELECT 1 AS rest FROM range({len(only)})")
        columns = only.flatten()
        return self.local.relation(pyarrow.Table.from_arrays(columns, names=[c.name for c in schema]))

    # --- staging ------------------------------------------------------------------

    def stage(
        self,
        data: object,
        into: Path | str | Table,
        *,
        columns: Sequence[Target] | None = None,
        where: exp.Expression | None = None,
    ) -> Relation:
        """Any accepted input as a new folder of Parquet files, or a new `Table`. All or nothing.

        Raises `DataUnreadable` where a value does not fit its target's type, `UsageError` where something is there.
        """
        relation = self.relation(data)
        query = exp.select(*_targets(relation.schema, columns)).from_(self.source(relation))
        query = query.where(where) if where is not None else query
        text = query.sql(dialect=self.dialect)
        self.statements.append(text)
        with failing(str(into), reading=True), prepared(self.session):
            frame = self.session.sql(text)
            if isinstance(into, Table):
                if self.session.catalog.tableExists(into.name):
                    raise UsageError(f"there is a table {into} already")
                frame.write.format("parquet").saveAsTable(into.name)
            else:
                files.write(self.session, frame, str(into))
        return self.relation(into)


def _named(data: object) -> str:
    return str(data) if isinstance(data, str | os.PathLike | Table) else type(data).__name__


def _expected(frame: DataFrame) -> int:
    """How many rows Spark's optimizer thinks there are; 0 where it cannot say."""
    statistics = frame._jdf.queryExecution().optimizedPlan().stats()
    counted = statistics.rowCount()
    if counted.isDefined():
        return int(str(counted.get()))
    width = 8 + sum(8 for _ in frame.schema.fields)
    return int(str(statistics.sizeInBytes())) // width


def _branches(aggregates: Sequence[str], schema: Schema) -> list[list[str]]:
    """What is computed in one loop over the rows.

    The least text keeps Spark from compiling what is computed beside it, since texts have no fixed width. Columns
    stay together, so that few are read in two branches.
    """
    unfixed = [quoted(c.name) for c in schema if c.kind in (Kind.TEXT, Kind.OTHER)]
    alone: list[list[str]] = []
    texts: list[str] = []
    plain: list[str] = []
    for aggregate in dict.fromkeys(aggregates):
        if _APART.search(aggregate):
            alone.append([aggregate])
        elif _EXTREME.match(aggregate) and any(name in aggregate for name in unfixed):
            texts.append(aggregate)
        else:
            plain.append(aggregate)
    cut = [plain[i : i + _TOGETHER_MAX] for i in range(0, len(plain), _TOGETHER_MAX)]
    return [*cut, *([texts] if texts else []), *alone]


def _select(aggregates: Sequence[str], source: str) -> str:
    return f"SELECT {_struct(aggregates)} AS item FROM {source}"


def _struct(items: Sequence[str]) -> str:
    named = ", ".join(f"'v{i}', {item}" for i, item in enumerate(items))
    return f"named_struct({named})"


def _rows(schema: Schema, source: str, key: Sequence[str], sample: int | None, whole_max: int) -> str:
    """All rows, where they are expected to be few; else those of the smallest hashes, ties by the whole row's.

    Hashes are columns, so that each is computed once, and not whenever two rows are compared.
    """
    item = _struct([sent(c) for c in schema] or ["1"])
    if sample is None:
        return f"SELECT {item} AS item FROM {source} LIMIT {whole_max}"
    hashes = [f"xxhash64({', '.join(map(quoted, key))})"] if key else []
    hashes.append(f"xxhash64({', '.join(map(sent, schema))})")
    taken = {c.name.casefold() for c in schema}
    free = (name for i in itertools.count() if (name := f"interlock_hash_{i}") not in taken)
    names = list(itertools.islice(free, len(hashes)))
    hashed = ", ".join(f"{h} AS {name}" for h, name in zip(hashes, names, strict=True))
    order = f"ORDER BY {', '.join(names)} LIMIT {sample}"
    return f"SELECT {item} AS item FROM (SELECT *, {hashed} FROM {source} {order})"


def _values(found: pyarrow.Table, branch: int) -> list[Any]:
    import pyarrow.compute

    ((row,),) = found.filter(pyarrow.compute.equal(found["branch"], branch))[f"b{branch}"].to_pylist()
    return list(row.values())


def _targets(schema: Schema, columns: Sequence[Target] | None) -> list[exp.Expr]:
    if columns is None:
        return [exp.column(c.name, quoted=True) for c in schema]
    present = {c.name for c in schema}
    made: list[exp.Expr] = []
    for target in columns:
        stored = exp.column(target.name, quoted=True) if target.name in present else exp.null()
        value = (target.expression or stored).copy()
        kind = exp.DataType.build(stored_type(target.type), dialect="spark")
        made.append(exp.alias_(exp.Cast(this=value, to=kind), target.name, quoted=True))
    return made
