"""A managed table's counterpart: a PostgreSQL table beside the catalog that holds the rows that are published.

It changes in the transaction that publishes, so who reads it sees what every other reader sees. The judged files
stay where they are: they are the versions, and what the counterpart is built from and compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from interlock.catalog import PartitionRecord, Reader, TableRecord, Writer, lake, outbox, partitions, tables
from interlock.engines.parquet import quoted
from interlock.engines.postgres import guarded
from interlock.engines.postgres.guarded import GUARD, VERSION, Name
from interlock.engines.protocol import Relation
from interlock.engines.schema import Schema
from interlock.engines.types import column
from interlock.errors import InterlockError, TableConflict, UsageError
from interlock.gates.site import Site
from interlock.settings import current

SETTING = "postgres"  # among a table's settings: schema and name
_RESERVED = ("interlock", "information_schema")


def of(record: TableRecord) -> Name | None:
    """The table's, or None where it has none."""
    given = record.settings.get(SETTING)
    return None if given is None else Name(*given)


def bind(site: Site, table: str, written: str) -> None:
    """Give a table its counterpart, called ``written`` as SQL writes it, and put there what is published already.

    Raises `UsageError` for what is no name and for a workspace in a folder, `TableConflict` where the table has
    another counterpart, another table has this one, or somebody else made it; and what `publish` raises.
    """
    if site.catalog.local:
        raise UsageError(
            f"{table} cannot be {written} in PostgreSQL: the workspace is in a folder",
            hint='interlock.open("postgresql://…", data=…) makes one in a database',
        )
    with site.catalog.read() as rx:
        name = guarded.named(rx.connection, written)
        if name is None:
            raise UsageError(
                f"{written!r} names no table in PostgreSQL", hint='write analytics.orders or "Orders"'
            )
        known = of(tables.get(rx, table))
    if known == name:
        return
    with (
        site.locks.locked(site.lock(table), timeout_s=current().lock_timeout_s),
        site.catalog.write() as tx,
    ):
        record = tables.get(tx, table)
        if of(record) == name:  # given by another process meanwhile
            return
        _free(tx, record, name)
        tables.put(tx, replace(record, settings={**record.settings, SETTING: [name.schema, name.table]}))
        outbox.append(tx, "table", {"table": table, SETTING: str(name)})
        publish(site, tx, table, (), ())


def _free(rx: Reader, record: TableRecord, name: Name) -> None:
    if name.schema in (*_RESERVED, guarded.own_schema(rx.connection)) or name.schema.startswith("pg_"):
        raise UsageError(f"the schema {name.schema!r} is not for tables of yours", hint="choose another")
    known = of(record)
    if known is not None and known != name:
        raise TableConflict(f"{record.name} is {known} in PostgreSQL, not {name}", hint="leave it as it was")
    for other in tables.list_(rx):
        if other.name != record.name and of(other) == name:
            raise TableConflict(f"{name} holds the rows of {other.name}", hint="choose another name")
    if guarded.found(rx.connection, name) is not None:
        raise _taken(record, name)


def _taken(record: TableRecord, name: Name) -> TableConflict:
    return TableConflict(
        f"{name} is there already, and not made for {record.name}; it was left as it is",
        hint="choose another name, or drop it",
    )


def publish(
    site: Site,
    tx: Writer,
    table: str,
    arrived: Sequence[tuple[int, Relation]],
    gone: Sequence[PartitionRecord],
) -> None:
    """Take the rows of versions that are ``gone`` out of a table's counterpart and add those of new ones.

    Nothing where it has none. Where it is not there it is made, with all that is published. Raises
    `DataTypeUnsupported`, `NameRefused` and `ValueRefused` for what PostgreSQL has no place for, `TableConflict`
    where something of its name was made by others.
    """
    record = tables.get(tx, table)
    name = of(record)
    if name is None or record.lake_table_id is None:
        return
    columns = _columns(tx, table)
    found = guarded.found(tx.connection, name)
    if found is None:
        guarded.make(tx.connection, name, columns, _comment(tx, record))
        arrived = [(p.id or 0, _judged(site, p, columns)) for p in partitions.current(tx, table)]
    elif found.ours:
        guarded.evolve(tx.connection, name, found.columns, columns)
        guarded.remove(tx.connection, name, [p.id for p in gone if p.id is not None])
    else:
        raise _taken(record, name)
    for version, rows in arrived:
        guarded.fill(tx.connection, site.engine, name, rows, version)


def _columns(rx: Reader, table: str) -> Schema:
    return tuple(column(f.name, f.type.duckdb) for f in lake.columns(rx, table))


def _comment(rx: Reader, record: TableRecord) -> str:
    return (
        f"What is published of {record.name}, written by Interlock alone (trigger {GUARD})."
        f" {VERSION} is an id of {guarded.own_schema(rx.connection)}.interlock_partition."
    )


def _judged(site: Site, record: PartitionRecord, columns: Schema) -> Relation:
    """A version's rows, in the types that the table has by now."""
    file = site.files.local(record.path or "", site.engine.temporary())
    stored = site.engine.relation(str(file))
    there = {c.name for c in stored.schema}
    kept = tuple(c for c in columns if c.name in there)
    cast = ", ".join(f"CAST({quoted(c.name)} AS {c.type}) AS {quoted(c.name)}" for c in kept)
    rows = f"(SELECT {cast} FROM {site.engine.source(stored).sql(dialect='duckdb')}) AS judged"
    return replace(stored, schema=kept, view=exp.Var(this=rows))


@dataclass(frozen=True, slots=True)
class Compared:
    """A table, its counterpart, and what that holds other than what is published."""

    table: str
    name: Name
    problems: tuple[str, ...]


def compared(site: Site, *, contents: bool) -> list[Compared]:
    """Every counterpart with what is published; ``contents``: row by row, not by the number of rows."""
    with site.catalog.read() as rx:
        known = [record for record in tables.list_(rx) if record.lake_table_id is not None]
    return [
        Compared(record.name, name, tuple(_tried(site, record, name, contents=contents)))
        for record in known
        if (name := of(record)) is not None
    ]


def _tried(site: Site, record: TableRecord, name: Name, *, contents: bool) -> list[str]:
    try:
        with site.catalog.read(scratch=True) as rx:
            return list(_problems(site, rx, record, name, contents=contents))
    except InterlockError as error:
        return [f"{name} cannot be compared: {error.message}"]


def _problems(site: Site, rx: Reader, record: TableRecord, name: Name, *, contents: bool) -> Iterator[str]:
    found = guarded.found(rx.connection, name)
    if found is None:
        yield f"{name} is gone"
        return
    if not found.ours:
        yield f"{name} is not what Interlock made"
        return
    if not found.guarded:
        yield f"{name}: the trigger {GUARD} is disabled, so anybody with the right to write may change rows"
    held, columns = guarded.counts(rx.connection, name), _columns(rx, record.name)
    for one in partitions.current(rx, record.name):
        rows = held.pop(one.id or 0, 0)
        if rows != one.rows:
            yield f"{name} has {rows:,} rows of {one.label}; {one.rows:,} are published"
        elif contents and one.id is not None:
            changed = guarded.differences(
                rx.connection, site.engine, name, _judged(site, one, columns), one.id
            )
            if changed:
                yield f"{name}: {changed:,} rows of {one.label} were changed past the gate"
    if held:
        yield f"{name} has {sum(held.values()):,} rows that belong to no partition that is published"
