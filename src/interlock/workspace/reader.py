"""Reading what is published: DuckDB views over the lake's current files, the columns they have, their profiles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from interlock import profiles as profiling
from interlock.catalog import Mode, Reader, lake, partitions, profiles, scan, tables
from interlock.engines.duckdb import without_bar
from interlock.engines.failures import translated
from interlock.engines.parquet import quoted
from interlock.engines.types import column
from interlock.errors import PartitionNotFound, QueryFailed, UsageError, nearest
from interlock.gates.site import Site
from interlock.names import OnBroken
from interlock.workspace import read_gate

if TYPE_CHECKING:
    from interlock.catalog import TableRecord
    from interlock.engines.schema import Schema
    from interlock.profiles.profile import Profile


NOTHING: Mapping[str, Collection[int]] = {}


def sql(site: Site, query: str, on_broken: str = OnBroken.WARN) -> duckdb.DuckDBPyRelation:
    """A query over published data as a DuckDB relation; see `Workspace.sql`."""
    choices = [choice.value for choice in OnBroken]
    if on_broken not in choices:
        hint = nearest(str(on_broken), choices) or f"one of {', '.join(choices)}"
        raise UsageError(f"on_broken={on_broken!r} means nothing", hint=hint)
    connection = duckdb.connect()
    without_bar(connection)
    site.files.serve(connection)
    with translated("query", reading=False):
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise QueryFailed("that is not one query", hint="sql() reads; write() writes")
        with site.catalog.read() as rx:
            known = _views(site, rx, connection)
            relation = connection.sql(query)
            if on_broken != OnBroken.IGNORE:
                left_out = read_gate.judge(rx, connection, query, known, on_broken)
                if left_out:
                    _views(site, rx, connection, left_out)
                    relation = connection.sql(query)
        return relation


def _views(
    site: Site,
    rx: Reader,
    connection: duckdb.DuckDBPyConnection,
    without: Mapping[str, Collection[int]] = NOTHING,
) -> list[str]:
    """A view for each table that something is published of, without these versions of partitions; their names."""
    made = []
    for record in tables.list_(rx):
        text = published(site, rx, record, without.get(record.name, ()))
        if text is not None:
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(record.name)} AS {text}")
            made.append(record.name)
    return made


def fetched(relation: duckdb.DuckDBPyRelation) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows."""
    with translated("query", reading=False):
        return list(relation.columns), relation.fetchall()


def published(site: Site, rx: Reader, record: TableRecord, without: Collection[int] = ()) -> str | None:
    """The query that reads a table's published rows; None before its first partition.

    Versions of partitions with an id in ``without`` are left out.
    """
    current = partitions.current(rx, record.name) if without or record.mode is Mode.ATTACHED else []
    left_out = [p for p in current if p.id in without]
    if record.mode is Mode.ATTACHED:
        paths = [p.path for p in current if p.path]
        kept = [p.path for p in current if p.path and p not in left_out]
        if paths and not kept:
            return f"{_attached(site, paths)} WHERE false"
        return _attached(site, kept) if kept else None
    if record.lake_table_id is None:
        return None
    return scan.query(
        rx, record.name, without={p.data_file_id for p in left_out if p.data_file_id is not None}
    )


def _attached(site: Site, paths: list[str]) -> str:
    return f"SELECT * FROM {site.engine.source(site.engine.relation(paths)).sql(dialect='duckdb')}"


def source(site: Site, name: str) -> exp.Expression | None:
    """Another table's published rows as a FROM item; None where there is nothing published."""
    with site.catalog.read() as rx:
        record = tables.find(rx, name)
        if record is None:
            return None
        text = published(site, rx, record)
    if text is None:
        return None
    return exp.Var(this=f"({text}) AS referenced")


def schema(site: Site, name: str) -> Schema | None:
    """What a table holds today; None before its first partition."""
    with site.catalog.read() as rx:
        if tables.get(rx, name).lake_table_id is not None:
            return tuple(column(f.name, f.type.duckdb) for f in lake.columns(rx, name))
        current = partitions.current(rx, name)
    return tuple(column(n, t) for n, t in current[-1].schema) if current else None


def profile(site: Site, name: str, label: str) -> Profile:
    """The profile taken when a partition was judged. Raises `PartitionNotFound`."""
    with site.catalog.read() as rx:
        record = partitions.one(rx, name, label)
        document = profiles.document(rx, record.id) if record is not None and record.id is not None else None
        if document is None:
            known = [p.label for p in partitions.current(rx, name)]
            raise PartitionNotFound(f"{name} has no partition {label!r}", hint=nearest(label, known))
    return profiling.from_document(document)
