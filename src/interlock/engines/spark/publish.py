"""Write, audit, publish: what was staged and judged takes its place in a folder or a table.

What readers see meanwhile is said with each function: Spark has no transaction
over files, and a table of plain Parquet has none either.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from interlock.engines.spark.columns import quoted
from interlock.engines.spark.engine import Table
from interlock.engines.spark.files import moved, path_of
from interlock.engines.spark.session import failing, prepared
from interlock.errors import DataNotFound, UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of Parquet files that holds one partition, such as ``…/events/day=2020-01-01``."""

    path: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One partition of a catalog table: its partition columns with their values; none for the whole table."""

    table: Table
    values: Mapping[str, str | int] = field(default_factory=dict)


def publish(session: SparkSession, staged: Folder | Table, into: Folder | Slot) -> None:
    """Let ``staged`` take the place of what ``into`` holds. Call it for what passed only.

    A `Folder` replaces a `Folder` by two renames: what was there is moved aside
    and removed afterwards. Where a rename is one step (HDFS, a local disk) readers
    that begin between the two find no folder, and none ever finds half of one; in
    object stores a rename copies file by file, and readers may see some of them.
    Whoever reads files that are replaced fails or must begin again.

    A `Table` or a `Folder` is copied into a `Slot` by ``INSERT OVERWRITE``, which is as
    atomic as the table's format: Delta and Iceberg commit it at once; of a table
    of plain Parquet files the partition's files are replaced one after the other
    when the job commits. Other partitions are left alone. The staged rows stay.
    """
    if isinstance(into, Folder):
        if not isinstance(staged, Folder):
            raise UsageError("only a folder can take a folder's place", hint="stage to a folder beside it")
        with failing(into.path):
            _replace(session, staged.path, into.path)
        return
    with failing(into.table.name), prepared(session):
        _overwrite(session, staged, into)


def _replace(session: SparkSession, staged: str, into: str) -> None:
    system, new = path_of(session, staged)
    other, place = path_of(session, into)
    if str(system.getUri()) != str(other.getUri()):
        raise UsageError(f"{staged} and {into} are in different file systems", hint="stage beside the target")
    if not system.exists(new):
        raise DataNotFound(f"{staged}: there is no such folder")
    _, aside = path_of(session, f"{place.getParent()}/.{place.getName()}-{uuid.uuid4().hex[:8]}")
    there = system.exists(place)
    if there:
        moved(system, place, aside)
    else:
        system.mkdirs(place.getParent())
    try:
        moved(system, new, place)
    except BaseException:
        if there:
            moved(system, aside, place)
        raise
    if there:
        system.delete(aside, True)
    session.catalog.refreshByPath(into)


def _overwrite(session: SparkSession, staged: Folder | Table, into: Slot) -> None:
    frame = session.table(staged.name) if isinstance(staged, Table) else session.read.parquet(staged.path)
    target = session.table(into.table.name)
    fixed = {name.casefold() for name in into.values}
    wanted = [f.name for f in target.schema.fields if f.name.casefold() not in fixed]
    present = {name.casefold(): name for name in frame.columns}
    missing = [name for name in wanted if name.casefold() not in present]
    extra = [n for n in present if n not in fixed and n not in {w.casefold() for w in wanted}]
    if missing or extra:
        raise UsageError(
            f"{into.table} and what was staged have different columns: {', '.join(missing + extra)}",
            hint="stage exactly the table's columns",
        )
    name = f"interlock_{uuid.uuid4().hex}"
    frame.createTempView(name)
    try:
        slot = ", ".join(f"{quoted(n)} = {_constant(v)}" for n, v in into.values.items())
        partition = f"PARTITION ({slot}) " if slot else ""
        items = ", ".join(quoted(present[w.casefold()]) for w in wanted)
        session.sql(f"INSERT OVERWRITE TABLE {into.table.name} {partition}SELECT {items} FROM {name}")
    finally:
        session.catalog.dropTempView(name)


def _constant(value: str | int) -> str:
    return exp.convert(value).sql("spark")
