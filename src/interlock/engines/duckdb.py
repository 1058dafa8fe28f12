"""DuckDB over Parquet files: the embedded engine."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from interlock import durable, settings
from interlock.engines import alike, parquet, types
from interlock.engines.failures import translated
from interlock.engines.inputs import Files, Format, Frame, recognise
from interlock.engines.parquet import FileFacts, file_list, literal, quoted
from interlock.engines.protocol import FILE, Relation, Target
from interlock.engines.schema import Schema
from interlock.engines.scratch import Scratch
from interlock.errors import ColumnMissing, DataError, DataUnreadable
from interlock.names import partition_label

if TYPE_CHECKING:
    from interlock.catalog import Files as Published

STREAMED_ROWS = 16
CSV_TABLE_BYTES_MAX = 16 << 20  # of CSV files that are held as a table while they are staged


class Rows:
    """The rows of one statement. As an Arrow stream the statement runs once more."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, statement: str) -> None:
        result = connection.execute(statement)
        self.columns: Sequence[str] = tuple(str(d[0]) for d in result.description or ())
        self._fetched: list[tuple[Any, ...]] = result.fetchall()
        self._connection, self._statement = connection, statement

    def rows(self) -> list[tuple[Any, ...]]:
        return self._fetched

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        with translated("query", reading=False):
            return self._connection.sql(self._statement).__arrow_c_stream__(requested_schema)


def without_bar(connection: duckdb.DuckDBPyConnection) -> None:
    """No progress bar, which would be drawn on standard output. A notebook that cannot draw one has none anyway."""
    with contextlib.suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")


class DuckDB:
    """An in-process engine with a private folder for what it stages.

    A context manager; `close` removes the folder. Not safe for use by several
    threads at once: give each thread its own.
    """

    name = "duckdb"
    dialect = "duckdb"

    def __init__(self, published: Published | None = None) -> None:
        """``published``: the files of a workspace, which statements may read where they lie."""
        self.statements: list[str] = []
        self._scratch = Scratch()
        self._folder = self._scratch.path
        self._names = itertools.count()
        self._connection = duckdb.connect(config=self._config())
        self._connection.execute("SET TimeZone = 'UTC'")
        without_bar(self._connection)
        if published is not None:
            published.serve(self._connection)

    def _config(self) -> dict[str, str | bool | int | float | list[str]]:
        limits = settings.current()
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{limits.memory_limit_mb}MB",
            "temp_directory": str(self._folder / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }
        if limits.threads:
            config["threads"] = limits.threads
        return config

    def __enter__(self) -> DuckDB:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of memory and temporary files. May be called twice."""
        self._connection.close()
        self._scratch.close()

    def temporary(self) -> Path:
        """A new file name in this engine's own folder, gone when it closes."""
        return self._folder / f"{uuid.uuid4().hex}.parquet"

    # --- reading ------------------------------------------------------------------

    def describe(self, data: object) -> Schema:
        """The columns of any accepted input. A one-shot stream is used up by it."""
        if isinstance(data, Relation):
            return data.schema
        given = recognise(data)
        with translated(str(given), reading=True), self._reading(given) as item:
            return self._schema(item)

    def relation(self, data: object) -> Relation:
        """Parquet where it lies; anything else staged to a temporary file of this engine."""
        if isinstance(data, Relation):
            return data
        given = recognise(data)
        if isinstance(given, Files) and given.format is Format.PARQUET:
            with translated(str(given), reading=True):
                return self._scan(given.paths)
        return self._stage(given, self.temporary(), None, None)

    def alike(self, data: object) -> Relation | None:
        """Files of one layout as one relation with the column `FILE`: the place of a row's file among them.

        Parquet is scanned where it lies, CSV staged. None where the files differ,
        hold a column of that name, or can only be read one by one.
        """
        given = recognise(data)
        if not isinstance(given, Files):
            return None
        try:
            with translated(str(given), reading=True):
                found = self._alike(given)
        except DataError:
            return None
        return found

    def _alike(self, given: Files) -> Relation | None:
        if given.format is Format.PARQUET:
            if not alike.same_schema(self._fetch, given.paths):
                return None
            scan = self._scan(given.paths)
            place = types.column(FILE, "UBIGINT")
            return None if _has_file(scan.schema) else replace(scan, schema=(*scan.schema, place))
        item = alike.read_csv(self._fetch, given.paths) if given.format is Format.CSV else None
        schema = self._schema(item) if item is not None else ()
        if item is None or _has_file(schema):
            return None
        into = self.temporary()
        query = f"SELECT {_select(schema, None)}, {FILE} AS {FILE} FROM {item}"
        self._execute(f"COPY ({query}) TO {literal(str(into))} ({_copy_options(None)})")
        return self._scan((into,))

    def source(self, relation: Relation) -> exp.Expression:
        """``read_parquet([…])``, which has `FILE` and `ROW` as virtual columns."""
        return relation.view or exp.Var(this=_read_parquet(relation.files))

    def stream(self, tree: exp.Query, arrays: Sequence[str] = ()) -> Iterator[tuple[Any, ...]]:
        """`run`, a few rows at a time; with ``arrays`` all at once, their lists in a fifth of the time.

        No other statement may run before the last row was taken.
        """
        text = tree.sql(dialect=self.dialect)
        if arrays:
            lists = ", ".join(map(quoted, arrays))
            text = f"SELECT row(*COLUMNS(* EXCLUDE ({lists}))), {lists} FROM ({text})"
        self.statements.append(text)
        with translated("query", reading=False):
            result = self._connection.execute(text)
            if arrays:
                columns = [column.tolist() for column in result.fetchnumpy().values()]
                yield from ((*row, *lists) for row, *lists in zip(*columns, strict=True))
                return
            while rows := result.fetchmany(STREAMED_ROWS):
                yield from rows

    def run(self, tree: exp.Query) -> Rows:
        """Run one statement; failures are `QueryFailed`."""
        text = tree.sql(dialect=self.dialect)
        self.statements.append(text)
        with translated("query", reading=False):
            return Rows(self._connection, text)

    def materialized(self, query: str) -> Relation:
        """The rows of a query of this engine's as a relation of their own, gone when it closes."""
        into = self.temporary()
        with translated("query", reading=True):
            self._execute(f"COPY ({query}) TO {literal(str(into))} ({_copy_options(None)})")
            return self._scan((into,))

    def export(self, query: str, into: Path, options: str) -> None:
        """The rows of a query as a file, with ``options`` as COPY takes them."""
        self._execute(f"COPY ({query}) TO {literal(str(into))} ({options})")

    def parquet_facts(self, paths: Sequence[Path]) -> list[FileFacts]:
        """What files' footers say, for the catalog's file statistics; in the order of ``paths``."""
        with translated("reading the footers", reading=True):
            return parquet.file_facts(self._fetch, paths)

    # --- staging ------------------------------------------------------------------

    def stage(
        self,
        data: object,
        into: Path,
        *,
        columns: Sequence[Target] | None = None,
        where: exp.Expression | None = None,
    ) -> Relation:
        """Write one Parquet file, durable when this returns, and scan it.

        Row order is kept. Raises `DataUnreadable` where a value does not fit its
        target's type, `StorageFailed` where the file cannot be written.
        """
        given = data if isinstance(data, Relation) else recognise(data)
        return self._stage(given, into, columns, where)

    def stage_partitions(
        self, data: object, into: Path, by: str, *, columns: Sequence[Target] | None = None
    ) -> dict[str, Relation]:
        """One durable Parquet file per value of ``by`` in the folder ``into``, by partition label.

        Row order is kept within a partition and ``by`` stays a column. Labels
        come in the order of their values, NULL last.
        """
        given = data if isinstance(data, Relation) else recognise(data)
        with translated(_what(given), reading=True), self._reading(given) as item:
            schema = self._schema(item)
            key = next((c.name for c in schema if c.name.casefold() == by.casefold()), None)
            if key is None:
                raise ColumnMissing(f"no column {by!r} to split by")
            select = _select(schema, columns)
            return self._split(f"SELECT {select} FROM {item}", key, into, columns)

    def _split(
        self, query: str, key: str, into: Path, columns: Sequence[Target] | None
    ) -> dict[str, Relation]:
        durable.make_folder(into)
        whole = f"interlock_split_{next(self._names)}"
        work = self._folder / uuid.uuid4().hex
        try:
            self._execute(f"CREATE TEMP TABLE {whole} AS {query}")
            schema = self._schema(whole)
            self._fetch("SET threads = 1")  # one writer keeps the order of rows and makes one file a value
            values = self._fetch(
                f"SELECT {_fetchable(key, schema)}, rank, rows FROM (SELECT {quoted(key)}, count(*) AS rows,"
                f" row_number() OVER (ORDER BY {quoted(key)} NULLS LAST) AS rank FROM {whole} GROUP BY {quoted(key)})"
                " ORDER BY rank"
            )
            options = _copy_options(columns) + ", PARTITION_BY (interlock_rank), FILENAME_PATTERN 'part'"
            self._execute(
                f"COPY (SELECT w.*, r.interlock_rank FROM {whole} w JOIN (SELECT {quoted(key)} AS k,"
                f" row_number() OVER (ORDER BY {quoted(key)} NULLS LAST) AS interlock_rank FROM {whole}"
                f" GROUP BY {quoted(key)}) r ON w.{quoted(key)} IS NOT DISTINCT FROM r.k ORDER BY w.rowid)"
                f" TO {literal(str(work))} ({options})"
            )
            return self._collect(work, into, schema, values)
        finally:
            self._connection.execute("RESET threads")
            self._connection.execute(f"DROP TABLE IF EXISTS {whole}")
            shutil.rmtree(work, ignore_errors=True)
            if settings.current().threads:
                self._connection.execute(f"SET threads = {settings.current().threads}")

    def _collect(
        self, work: Path, into: Path, schema: Schema, values: list[tuple[Any, ...]]
    ) -> dict[str, Relation]:
        staged: dict[str, Relation] = {}
        for value, rank, rows in values:
            (part,) = (work / f"interlock_rank={rank}").iterdir()
            target = into / f"{uuid.uuid4().hex}.parquet"
            shutil.move(part, target)
            durable.sync_file(target)
            staged[partition_label(value)] = self._with_footers((target,), schema, int(rows))
        durable.sync_folder(into)
        return staged

    def _stage(
        self,
        given: Files | Frame | Relation,
        into: Path,
        columns: Sequence[Target] | None,
        where: exp.Expression | None,
    ) -> Relation:
        with (
            translated(_what(given), reading=True),
            self._reading(given) as source,
            self._sniffed_once(given, source) as item,
        ):
            schema = self._schema(item)
            condition = f" WHERE {where.sql(dialect=self.dialect)}" if where is not None else ""
            query = f"SELECT {_select(schema, columns)} FROM {item}{condition}"
            try:
                self._execute(f"COPY ({query}) TO {literal(str(into))} ({_copy_options(columns)})")
            except BaseException:
                into.unlink(missing_ok=True)
                raise
            durable.sync_file(into)
            durable.sync_folder(into.parent)
            return self._scan((into,))

    @contextmanager
    def _sniffed_once(self, given: Files | Frame | Relation, item: str) -> Iterator[str]:
        """A small CSV as a table: every statement on the file itself finds out its dialect and types anew."""
        if (
            not isinstance(given, Files)
            or given.format is not Format.CSV
            or _size(given) > CSV_TABLE_BYTES_MAX
        ):
            yield item
            return
        name = f"interlock_csv_{next(self._names)}"
        self._execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {item}")
        try:
            yield name
        finally:
            self._connection.execute(f"DROP TABLE {name}")

    # --- within -------------------------------------------------------------------

    def _execute(self, text: str) -> None:
        self.statements.append(text)
        self._connection.execute(text)

    def _fetch(self, text: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(text).fetchall()

    def _schema(self, item: str) -> Schema:
        found = self._fetch(f"DESCRIBE SELECT * FROM {item}")
        if not found:
            raise DataUnreadable("the data has no columns")
        return tuple(types.column(str(name), str(type_name)) for name, type_name, *_ in found)

    def _scan(self, files: tuple[Path, ...]) -> Relation:
        schema = self._schema(_read_parquet(files))
        return self._with_footers(files, schema, parquet.row_count(self._fetch, files))

    def _with_footers(self, files: tuple[Path, ...], schema: Schema, rows: int) -> Relation:
        if rows <= settings.current().counted_rows_max:
            return Relation(files, schema, rows)
        return Relation(files, schema, rows, *parquet.bounds_and_repeating(self._fetch, files, schema))

    def _reading(self, given: Files | Frame | Relation) -> _Reading:
        return _Reading(self._connection, given, f"interlock_input_{next(self._names)}")


class _Reading:
    """A FROM item for an input, for the length of a ``with`` block."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, given: Files | Frame | Relation, name: str
    ) -> None:
        self._connection, self._given, self._name = connection, given, name

    def __enter__(self) -> str:
        if isinstance(self._given, Relation):
            view = self._given.view
            return view.sql(dialect="duckdb") if view is not None else _read_parquet(self._given.files)
        if isinstance(self._given, Files):
            return _read(self._given)
        self._connection.register(self._name, self._given.value)
        return self._name

    def __exit__(self, *_: object) -> None:
        if isinstance(self._given, Frame):
            self._connection.unregister(self._name)


def _size(files: Files) -> int:
    with durable.refusals():
        return sum(path.stat().st_size for path in files.paths)


def _has_file(schema: Schema) -> bool:
    return any(c.name.casefold() == FILE for c in schema)


def _what(given: Files | Frame | Relation) -> str:
    return str(Files(given.files, Format.PARQUET)) if isinstance(given, Relation) else str(given)


def _read_parquet(files: Sequence[Path]) -> str:
    together = ", union_by_name = true" if len(files) > 1 else ""
    return f"read_parquet({file_list(files)}{together})"


def _read(files: Files) -> str:
    paths = file_list(files.paths)
    together = ", union_by_name = true" if len(files.paths) > 1 else ""
    if files.format is Format.PARQUET:
        return _read_parquet(files.paths)
    packed = {p.suffix.lower() for p in files.paths}
    unpack = (
        {".gz": ", compression = 'gzip'", ".zst": ", compression = 'zstd'"}.get(*packed)
        if len(packed) == 1
        else ""
    )
    if files.format is Format.CSV:
        return f"read_csv({paths}, sample_size = -1{together}{unpack or ''})"
    return f"read_json({paths}, sample_size = -1{together}{unpack or ''})"


def _fetchable(name: str, schema: Schema) -> str:
    """A column as Python can take it: a zoned timestamp needs an extra module, so it goes as UTC."""
    zoned = any(c.name == name and c.type == "TIMESTAMP WITH TIME ZONE" for c in schema)
    return f"make_timestamp(epoch_us({quoted(name)}))" if zoned else quoted(name)


def _select(schema: Schema, columns: Sequence[Target] | None) -> str:
    if columns is None:
        return ", ".join(_kept(c.name, types.stored_type(c.type)) for c in schema)
    present = {c.name for c in schema}
    return ", ".join(_wanted(target, present) for target in columns)


def _kept(name: str, cast: str | None) -> str:
    return f"CAST({quoted(name)} AS {cast}) AS {quoted(name)}" if cast else quoted(name)


def _wanted(target: Target, present: set[str]) -> str:
    if target.expression is not None:
        value = target.expression.sql(dialect="duckdb")
    else:
        value = quoted(target.name) if target.name in present else "NULL"
    return f"CAST({value} AS {target.type}) AS {quoted(target.name)}"


def _copy_options(columns: Sequence[Target] | None) -> str:
    options = "FORMAT parquet, COMPRESSION zstd"
    if columns and all(c.field_id is not None for c in columns):
        options += f", FIELD_IDS {{{', '.join(map(_field_id, columns))}}}"
    return options


def _field_id(target: Target) -> str:
    if not target.children:
        return f"{quoted(target.name)}: {target.field_id}"
    below = ", ".join(map(_field_id, target.children))
    return f"{quoted(target.name)}: {{__duckdb_field_id: {target.field_id}, {below}}}"
