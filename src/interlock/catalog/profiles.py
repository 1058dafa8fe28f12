"""Profiles of partition versions, and the features learning reads from them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select

from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer, inserted_id
from interlock.catalog.records import CURRENT, HistoryRow, State
from interlock.errors import WorkspaceCorrupt
from interlock.names import Digest


def put(
    tx: Writer,
    partition_id: int,
    document: Mapping[str, Any],
    vector: bytes,
    vector_schema: Sequence[str],
    domains: Mapping[str, Any],
) -> None:
    """Store the profile of a partition version.

    ``vector`` holds one little-endian float64 per name in ``vector_schema``;
    ``domains`` maps a column to its values. The schema is stored once however
    many vectors share it.
    """
    put_all(tx, [(partition_id, document, vector, vector_schema, domains)])


def put_all(
    tx: Writer, profiles: Iterable[tuple[int, Mapping[str, Any], bytes, Sequence[str], Mapping[str, Any]]]
) -> None:
    """`put` for many."""
    known: dict[tuple[str, ...], int] = {}
    rows = []
    for partition_id, document, vector, names, domains in profiles:
        key = tuple(names)
        if key not in known:
            known[key] = _intern(tx, key)
        rows.append(
            {
                "partition_id": partition_id,
                "document": document,
                "vector": vector,
                "vector_schema_id": known[key],
                "domains": schema.dumps(domains),
            }
        )
    if rows:
        statement = tx.insert(schema.profiles)
        changed = {name: statement.excluded[name] for name in rows[0] if name != "partition_id"}
        tx.connection.execute(
            statement.on_conflict_do_update(index_elements=["partition_id"], set_=changed), rows
        )


def forget(tx: Writer, partition_ids: Iterable[int]) -> None:
    """The profiles of these partition versions are gone."""
    t = schema.profiles
    for some in _chunks(partition_ids):
        tx.connection.execute(delete(t).where(t.c.partition_id.in_(some)))


def history(
    rx: Reader,
    table: str,
    *,
    states: Sequence[State] = CURRENT,
    since: dt.datetime | None = None,
) -> list[HistoryRow]:
    """Features of a table's partition versions, in order of loading.

    ``since`` leaves out those loaded before that moment.
    """
    p, f = schema.partitions, schema.profiles
    statement = (
        select(
            p.c.id,
            p.c.label,
            p.c.state,
            p.c.loaded_at,
            p.c.rows,
            f.c.vector,
            f.c.vector_schema_id,
            f.c.domains,
        )
        .join(f, f.c.partition_id == p.c.id)
        .where(p.c.table_name == table, p.c.state.in_([state.value for state in states]))
        .order_by(p.c.id)
    )
    if since is not None:
        statement = statement.where(p.c.loaded_at >= since)
    rows = rx.connection.execute(statement).all()
    # One parse of all domains together is several times faster than one each.
    domains = json.loads("[" + ",".join(row[7] for row in rows) + "]")
    return [
        HistoryRow(id_, label, State(state), loaded_at, count, vector, schema_id, domain)
        for (id_, label, state, loaded_at, count, vector, schema_id, _), domain in zip(
            rows, domains, strict=True
        )
    ]


def vector_schema(rx: Reader, id: int) -> tuple[str, ...]:
    """The feature names behind a vector schema's id."""
    names = rx.connection.scalar(
        select(schema.vector_schemas.c.names).where(schema.vector_schemas.c.id == id)
    )
    if names is None:
        raise WorkspaceCorrupt(f"{rx.catalog.where} holds no vector schema {id}")
    return tuple(names)


def document(rx: Reader, partition_id: int) -> dict[str, Any] | None:
    """The profile of a partition version as it was put, or None."""
    found = rx.connection.scalar(
        select(schema.profiles.c.document).where(schema.profiles.c.partition_id == partition_id)
    )
    return None if found is None else dict(found)


def documents(rx: Reader, partition_ids: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The profiles of these partition versions as they were put, one in memory at a time."""
    t = schema.profiles
    for some in _chunks(partition_ids):
        found = rx.connection.execute(
            select(t.c.partition_id, t.c.document).where(t.c.partition_id.in_(some))
        )
        yield from ((id_, dict(document)) for id_, document in found)


def vectors(rx: Reader, partition_ids: Iterable[int]) -> dict[int, tuple[tuple[str, ...], bytes]]:
    """The feature names and the vector of each of these partition versions."""
    t, s = schema.profiles, schema.vector_schemas
    found = {
        id_: (schema_id, vector)
        for some in _chunks(partition_ids)
        for id_, schema_id, vector in rx.connection.execute(
            select(t.c.partition_id, t.c.vector_schema_id, t.c.vector).where(t.c.partition_id.in_(some))
        )
    }
    names = {
        id_: tuple(listed)
        for some in _chunks({schema_id for schema_id, _ in found.values()})
        for id_, listed in rx.connection.execute(select(s.c.id, s.c.names).where(s.c.id.in_(some)))
    }
    return {id_: (names[schema_id], vector) for id_, (schema_id, vector) in found.items()}


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    """What one statement may ask for."""
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), 500):
        yield wanted[start : start + 500]


def _intern(tx: Writer, names: tuple[str, ...]) -> int:
    t = schema.vector_schemas
    digest = Digest.of(schema.dumps(names).encode()).hex
    found = tx.connection.scalar(select(t.c.id).where(t.c.digest == digest))
    if found is None:
        added = tx.connection.execute(insert(t).values(digest=digest, names=list(names)))
        found = inserted_id(added)
    return int(found)
