"""Where the rows are that a condition holds for: every version of every partition whose file is still there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from sqlglot import exp

from interlock import constraints
from interlock.catalog import Mode, PartitionRecord, Reader, State, TableRecord, lake, partitions, scan
from interlock.catalog.records import CURRENT
from interlock.constraints.bind import MissingColumn
from interlock.engines.protocol import Relation
from interlock.engines.schema import Kind, Schema
from interlock.engines.types import column
from interlock.errors import ExpressionRefused, StorageFailed, UsageError
from interlock.gates.site import Site
from interlock.vault import snapshots

Progress = Callable[[int, int], None]
_TELLING = (Kind.TEXT, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
STANDING = (*CURRENT, State.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Affected:
    """A version of a partition with ``rows`` that are to go. ``needed``: somebody still reads the others."""

    record: PartitionRecord
    rows: int
    needed: bool

    @property
    def id(self) -> int:
        assert self.record.id is not None
        return self.record.id


def affected(
    site: Site, table: TableRecord, where: str, skip: Collection[int], progress: Progress
) -> list[Affected]:
    """Versions of the table's partitions, but for those with an id in ``skip``, oldest first.

    Raises `UsageError` for a table that is attached or has rows past the gate, and where a row, or a
    partition in quarantine, cannot be told; `ExpressionRefused`; `StorageFailed` where a file is missing.
    """
    with site.catalog.read() as rx:
        known = _known(rx, table)
        constraints.choosing(where, known)
        records = [p for p in partitions.all_(rx, table.name) if p.path and p.id not in skip]
        ids = [p.data_file_id for p in records if p.data_file_id is not None]
        listed = lake.listed(rx, table.name, ids) if ids else set()
        pinned = snapshots.pinned(rx)
    there = site.files.sizes(p.path or "" for p in records)
    constraints.provide(site.engine)
    found = []
    for done, record in enumerate(records, start=1):
        needed = record.state in STANDING or record.data_file_id in listed or record.path in pinned
        if record.path in there:
            rows = _count(site, record, where, known, needed=needed)
            found += [Affected(record, rows, needed)] if rows else []
        elif record.state in STANDING:
            raise StorageFailed(
                f"{site.files.place(record.path or '')} is missing", hint="`interlock doctor` shows all"
            )
        progress(done, len(records))
    return found


def _known(rx: Reader, table: TableRecord) -> Schema:
    """The columns the table has, or had."""
    if table.mode is Mode.ATTACHED:
        raise UsageError(f"{table.name} is attached: who has its files erases from them", hint=table.location)
    if table.lake_table_id is not None:
        ours = {p.data_file_id for p in partitions.current(rx, table.name)}
        if {f.id for f in lake.files(rx, table.name)} != ours or not scan.is_plain(rx, table.name):
            raise UsageError(
                f"part of {table.name} never passed the gate, and is not Interlock's to rewrite",
                hint="`interlock doctor` says which; write those partitions again",
            )
        return tuple(column(f.name, f.type.duckdb) for f in lake.columns(rx, table.name))
    records = partitions.all_(rx, table.name)
    return _schema(records[-1]) if records else ()


def source_of(site: Site, record: PartitionRecord) -> Relation:
    """A version's file, read where it lies."""
    place = site.files.place(record.path or "").replace("'", "''")
    view = exp.Var(this=f"read_parquet('{place}')")
    return Relation((), _schema(record), record.rows, view=view)


def _schema(record: PartitionRecord) -> Schema:
    return tuple(column(name, type_) for name, type_ in record.schema)


def chosen(record: PartitionRecord, where: str) -> tuple[exp.Expression, exp.Expression] | None:
    """As `constraints.choosing`; None for a version from before a column that the condition names."""
    try:
        return constraints.choosing(where, _schema(record))
    except MissingColumn:
        return None


def _count(site: Site, record: PartitionRecord, where: str, known: Schema, *, needed: bool) -> int:
    """Rows to go. Of a version that nobody needs and where nobody can tell, all."""
    try:
        made = chosen(record, where)
    except ExpressionRefused as error:
        if not needed:
            return record.rows
        raise UsageError(
            f"{record.table}@{record.label} ({record.state}) cannot be searched: {error.message}",
            hint="drop it from quarantine, or write a condition that fits its types",
        ) from None
    if made is None:
        return 0
    source = site.engine.source(source_of(site, record))
    counts = [exp.Count(this=exp.Case().when(one, exp.Literal.number(1))) for one in made]
    ((rows, failed),) = site.engine.run(exp.select(*counts).from_(source)).rows()
    if failed and needed:
        raise UsageError(
            f"the condition cannot be evaluated for {failed:,} rows of {record.table}@{record.label}",
            hint="write one that holds for a row, or not",
        )
    return int(rows) + int(failed)


def values(site: Site, one: Affected, where: str, spared: Collection[str], most: int) -> Iterator[str]:
    """What in this file only the rows hold that are to go, as text; at most ``most`` of a column."""
    made = chosen(one.record, where)
    if made is None:
        return
    source = site.engine.source(source_of(site, one.record))
    gone, left = made[0], exp.Not(this=exp.Paren(this=made[0].copy()))
    for c in _schema(one.record):
        if c.kind in _TELLING and c.name not in spared:
            name = exp.column(c.name, quoted=True)
            theirs = exp.select(name).from_(source).where(gone)
            others = (
                exp.select(name).from_(source).where(left).where(exp.In(this=name, query=theirs.subquery()))
            )
            query = exp.select(exp.cast(name, "VARCHAR")).distinct().from_(source).where(gone)
            query = query.where(exp.Not(this=exp.In(this=name, query=others.subquery()))).limit(most)
            yield from (text for (text,) in site.engine.run(query).rows() if text is not None)
