"""What the marks in a database say has changed, and letting go of them once it is judged.

A mark is seen when its transaction has ended well, whatever order transactions began in, and forgotten by the number of
that transaction: one that ends later than others keeps its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from interlock.constraints.postgres import SCHEMA
from interlock.engines.postgres import Relation, transfer
from interlock.errors import NameRefused, RelationNotFound
from interlock.gates.native import marks, quoting
from interlock.names import NAME_LENGTH_MAX, partition_label

if TYPE_CHECKING:
    import psycopg

_LOCK = 0x696E_7465  # of whoever judges a relation; the other half of the key is its oid
_KEY = "%(of)s::int4, %(oid)s::int8::bit(32)::int4"
_DIGEST_LENGTH = 8
Raw = str | None  # the text of a partition's value, as its type writes it; None for NULL


@dataclass(frozen=True, slots=True)
class Marked:
    """A relation whose changes are marked, for ``table``; ``column`` splits it, None where nothing does.

    ``unmarked`` are relations of it at which a statement would leave no mark.
    """

    table: str
    relation: Relation
    column: str | None
    unmarked: tuple[str, ...] = ()

    @property
    def oids(self) -> list[int]:
        return [self.relation.oid, *(part.oid for part in self.relation.parts)]


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed: partitions by label, each with the texts of its values.

    ``everything``: any partition may have. ``counts``: any that holds another number of rows than before.
    ``seen`` and ``seen_whole`` are the transactions that said so.
    """

    labels: Mapping[str, tuple[Raw, ...]] = field(default_factory=dict)
    everything: bool = False
    counts: bool = False
    seen: tuple[str, ...] = ()
    seen_whole: tuple[str, ...] = ()
    snapshot: str = ""

    def __bool__(self) -> bool:
        return bool(self.labels or self.everything or self.counts)


def marked(connection: psycopg.Connection[Any], table: str, relation: Relation) -> Marked:
    """How a relation is marked. Raises `RelationNotFound` where it is not, or for another table."""
    rows = connection.execute(
        "SELECT tgrelid, tgargs, tgenabled IN ('O', 'A') FROM pg_trigger"
        f" WHERE tgrelid = ANY(%s) AND tgfoid = to_regproc('{SCHEMA}.{marks.FUNCTION}') ORDER BY tgrelid <> %s",
        [[relation.oid, *(p.oid for p in relation.parts)], relation.oid],
    ).fetchall()
    said = [bytes(arguments).split(b"\0") for oid, arguments, _ in rows if oid == relation.oid]
    if not said or said[0][0].decode() != table:
        raise RelationNotFound(
            f"no change of {relation} is marked for {table}",
            hint=f"interlock install {table} makes the marks",
        )
    enabled = [oid for oid, _, on in rows if on]
    named = {relation.oid: str(relation), **{p.oid: str(p) for p in relation.parts}}
    unmarked = tuple(name for oid, name in named.items() if enabled.count(oid) < marks.EVENTS)
    return Marked(table, relation, said[0][1].decode() or None, unmarked)


@contextlib.contextmanager
def alone(connection: psycopg.Connection[Any], of: Marked) -> Iterator[bool]:
    """Whether nobody else judges the relation now, nor will while this goes on, or until the connection ends.

    Anybody may hold such a lock; it counts where its holder may take marks.
    """
    key = {"of": _LOCK, "oid": of.relation.oid}
    held = _asked(connection, f"SELECT pg_try_advisory_lock({_KEY})", key)
    free = held or not _asked(
        connection,
        f"SELECT coalesce(bool_or(has_table_privilege(a.usesysid, '{SCHEMA}.mark', 'DELETE')), false)"
        " FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 2"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid = %(of)s AND objid = %(oid)s",
        key,
    )
    try:
        yield free
    finally:
        if held and not connection.closed:
            connection.execute(f"SELECT pg_advisory_unlock({_KEY})", key)


def _asked(connection: psycopg.Connection[Any], query: str, values: Mapping[str, int]) -> bool:
    row = connection.execute(query.encode(), values).fetchone()
    return row is not None and bool(row[0])


def changes(connection: psycopg.Connection[Any], of: Marked) -> Changes:
    """What marks say that can be seen now. They stay until `forget`."""
    rows = connection.execute(
        "SELECT label, whole, event = 'TRUNCATE', array_agg(DISTINCT txid::text), pg_current_snapshot()::text"
        f" FROM {SCHEMA}.mark WHERE relation = ANY(%s) GROUP BY 1, 2, 3",
        [of.oids],
    ).fetchall()
    said = [label for label, whole, *_ in rows if not whole] if of.column else []
    return Changes(
        labels=labels(connection, of, said),
        everything=any(whole and not emptied for _, whole, emptied, *_ in rows)
        or bool(rows and not of.column),
        counts=any(emptied for _, _, emptied, *_ in rows),
        seen=_transactions(txids for _, whole, _, txids, _ in rows if not whole),
        seen_whole=_transactions(txids for _, whole, _, txids, _ in rows if whole),
        snapshot=rows[0][4] if rows else "",
    )


def _transactions(found: Iterator[Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted({txid for txids in found for txid in txids}))


def forget(connection: psycopg.Connection[Any], of: Marked, changes: Changes, raws: Sequence[Raw]) -> None:
    """Let go of the marks of one partition, which is judged."""
    connection.execute(
        f"DELETE FROM {SCHEMA}.mark WHERE relation = ANY(%s) AND NOT whole AND txid = ANY(%s::xid8[])"
        " AND (label = ANY(%s) OR label IS NULL AND %s)",
        [of.oids, list(changes.seen), [r for r in raws if r is not None], None in raws],
    )


def forget_whole(connection: psycopg.Connection[Any], of: Marked, changes: Changes) -> None:
    """Let go of what is left of the marks that were seen; all it may be about is judged."""
    for whole, seen in ((True, changes.seen_whole), (False, changes.seen)):
        if seen:
            connection.execute(
                f"DELETE FROM {SCHEMA}.mark WHERE relation = ANY(%s) AND whole = %s AND txid = ANY(%s::xid8[])",
                [of.oids, whole, list(seen)],
            )


def sweep(connection: psycopg.Connection[Any]) -> None:
    """Let go of the marks of relations that are gone."""
    connection.execute(
        f"DELETE FROM {SCHEMA}.mark WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = relation)"
    )


# --- partitions and what they are called ------------------------------------------------


def labels(
    connection: psycopg.Connection[Any], of: Marked, raws: Sequence[Raw]
) -> dict[str, tuple[Raw, ...]]:
    """Partitions by label, with the texts that mean each: more than one where a value is written in several ways."""
    found: dict[str, list[Raw]] = {}
    for raw, label in zip(raws, _called(connection, of, raws), strict=True):
        found.setdefault(label, []).append(raw)
    return {label: tuple(dict.fromkeys(texts)) for label, texts in found.items()}


def present(connection: psycopg.Connection[Any], of: Marked, part: int | None = None) -> dict[Raw, int]:
    """The text of each value of the column that the relation, or one part of it, holds, and in how many rows.

    Empty where nothing splits it.
    """
    if of.column is None:
        return {}
    held = next((p for p in of.relation.parts if p.oid == part), of.relation)
    with _plainly(connection):
        rows = connection.execute(
            "SELECT CASE WHEN v IS NOT NULL THEN format('%s', v) END, n FROM (SELECT"
            f" {quoting.name(of.column)} AS v, count(*) AS n FROM {quoting.relation(held)} GROUP BY 1) c".encode()
        ).fetchall()
    return dict(rows)


def source(connection: psycopg.Connection[Any], of: Marked, raws: Sequence[Raw] | None) -> str:
    """What follows FROM to read a partition; the whole relation where ``raws`` is None, no row where it is empty."""
    held = quoting.relation(of.relation)
    return held if raws is None else f"{held} WHERE {where(connection, of, raws)}"


def where(connection: psycopg.Connection[Any], of: Marked, raws: Sequence[Raw]) -> str:
    """The condition that holds for the rows of a partition, and for none where it is empty."""
    if of.column is None:
        return "true"
    column, type_ = quoting.name(of.column), _type(connection, of)
    each = [
        f"{column} IS NULL" if r is None else f"{column} = CAST({quoting.text(r)} AS {type_})" for r in raws
    ]
    return " OR ".join(each) or "false"


def holds(
    connection: psycopg.Connection[Any], of: Marked, raws: Sequence[Raw] | None, *, more_than: int = 0
) -> bool:
    """Whether a partition has more rows than that; no more are read."""
    with _plainly(connection):
        row = connection.execute(
            f"SELECT EXISTS (SELECT FROM {source(connection, of, raws)} OFFSET {more_than})".encode()
        ).fetchone()
    return row is not None and bool(row[0])


def _type(connection: psycopg.Connection[Any], of: Marked) -> str:
    """As SQL writes it; of a domain what it is made of, whose checks would be somebody's code."""
    with _plainly(connection):
        row = connection.execute(
            """
            WITH RECURSIVE made (type, modifier) AS (
                SELECT atttypid, atttypmod FROM pg_attribute WHERE attrelid = %s AND attname = %s AND NOT attisdropped
                UNION ALL SELECT typbasetype, typtypmod FROM made JOIN pg_type t ON t.oid = type WHERE typtype = 'd'
            )
            SELECT format_type(type, modifier) FROM made JOIN pg_type t ON t.oid = type WHERE typtype <> 'd'
            """,
            [of.relation.oid, of.column],
        ).fetchone()
    return "text" if row is None else str(row[0])


def _called(connection: psycopg.Connection[Any], of: Marked, raws: Sequence[Raw]) -> list[str]:
    """The label of each text of a value, as Interlock calls partitions everywhere."""
    import psycopg

    if not raws or of.column is None:
        return []
    type_ = _type(connection, of)
    try:
        return [_label(v, r) for v, r in zip(_values(connection, type_, raws), raws, strict=True)]
    except psycopg.Error:  # among them is one that Python has no value for, such as infinity
        return [_label_of_one(connection, type_, raw) for raw in raws]


def _values(connection: psycopg.Connection[Any], type_: str, raws: Sequence[Raw]) -> list[Any]:
    """What the texts mean, read by their type: a cast from text may be somebody's code, a constant's reading is not."""
    each = ", ".join(
        f"({i}, CAST({'NULL' if raw is None else quoting.text(raw)} AS {type_}))"
        for i, raw in enumerate(raws)
    )
    with _plainly(connection):
        rows = connection.execute(f"SELECT v FROM (VALUES {each}) t (n, v) ORDER BY n".encode()).fetchall()
    return [value for (value,) in rows]


def _label_of_one(connection: psycopg.Connection[Any], type_: str, raw: Raw) -> str:
    import psycopg

    try:
        return _label(_values(connection, type_, [raw])[0], raw)
    except psycopg.Error:
        return _label(raw, raw)


def _label(value: object, raw: Raw) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        value = f"{value.normalize():f}"  # 1.50 and 1.5 are one value
    try:
        return partition_label(value)
    except NameRefused:  # too long, or with control characters
        text = raw or ""
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
        shown = "".join(c if c.isprintable() else " " for c in text)[: NAME_LENGTH_MAX - _DIGEST_LENGTH - 1]
        return f"{shown}-{digest}"


@contextlib.contextmanager
def _plainly(connection: psycopg.Connection[Any]) -> Iterator[None]:
    with connection.transaction():
        for setting in transfer.PLAIN:
            connection.execute(setting)
        yield


def today() -> str:
    """What the state of a relation that nothing splits is called: the day it is judged on."""
    return dt.datetime.now(dt.UTC).date().isoformat()
