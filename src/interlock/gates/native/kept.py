"""Deleted rows that the mass-change guard kept, put back as they were."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.constraints.postgres import SCHEMA
from interlock.engines.postgres import Relation
from interlock.errors import RelationNotFound
from interlock.gates.native import quoting

if TYPE_CHECKING:
    import psycopg

# As ``keep_rows`` in mass_change.sql wrote them.
_SETTINGS = (
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL standard_conforming_strings = on",
)
_NAMES = "ARRAY(SELECT pg_catalog.jsonb_object_keys(cells) ORDER BY 1)"


@dataclass(frozen=True, slots=True)
class Restored:
    """``skipped`` rows were not put back, since their key is there again; they are kept on."""

    rows: int
    skipped: int


def restore(connection: psycopg.Connection[Any], relation: Relation, since: dt.datetime | None) -> Restored:
    """Put kept rows back: those deleted since then, or without it by the last transaction that deleted any.

    What is put back is kept no longer. A column that is gone is left out; one that is new has its default. All or none:
    where a rule, a foreign key or a missing partition refuses a row, nothing is changed. Sees only what the role owns.
    """
    _standing(connection)
    which = "relation = %(oid)s::oid AND until > now() AND " + (
        f"xid = (SELECT xid FROM {SCHEMA}.kept WHERE relation = %(oid)s::oid AND until > now()"
        " ORDER BY at DESC, xid DESC LIMIT 1)"
        if since is None
        else "at >= %(since)s"
    )
    given = {"oid": relation.oid, "since": since}
    restored = Restored(0, 0)
    with connection.transaction():
        for setting in _SETTINGS:
            connection.execute(setting)
        rows = connection.execute(
            f"SELECT {_NAMES}, array_agg(ctid::text) FROM {SCHEMA}.kept WHERE {which} GROUP BY 1", given
        ).fetchall()
        for names, places in rows:
            put = _put(connection, relation, names, places)
            restored = Restored(restored.rows + put, restored.skipped + len(places) - put)
    return restored


def tidy(connection: psycopg.Connection[Any]) -> int:
    """Let kept rows go whose time is over, of every table the session's role owns; how many."""
    _standing(connection)
    row = connection.execute(f"SELECT {SCHEMA}.tidy()").fetchone()
    assert row is not None
    return int(row[0])


def there(connection: psycopg.Connection[Any]) -> bool:
    """Whether this database keeps deleted rows of any table."""
    row = connection.execute(f"SELECT to_regclass('{SCHEMA}.kept') IS NOT NULL").fetchone()
    return bool(row and row[0])


def _standing(connection: psycopg.Connection[Any]) -> None:
    if not there(connection):
        raise RelationNotFound("this database keeps no deleted rows", hint="write `mass_change: {keep: 30d}`")


def _put(connection: psycopg.Connection[Any], relation: Relation, names: list[str], places: list[str]) -> int:
    """How many of the rows at ``places``, which all have cells of these names, could be put back."""
    import psycopg

    types = _types(connection, relation, names)
    columns = ", ".join(quoting.name(name) for name in types)
    cells = ", ".join(
        f"CAST(pg_catalog.jsonb_object_field_text(cells, {quoting.text(name)}) AS {type_})"
        for name, type_ in types.items()
    )
    into = f"INSERT INTO {quoting.relation(relation)} ({columns}) OVERRIDING SYSTEM VALUE SELECT {cells}"
    into = into.replace("%", "%%")
    try:
        with connection.transaction():
            return connection.execute(
                f"WITH taken AS (DELETE FROM {SCHEMA}.kept WHERE ctid = ANY (%s::tid[]) RETURNING cells)"
                f" {into} FROM taken",
                [places],
            ).rowcount
    except (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation):
        one = (
            f"WITH put AS ({into} FROM {SCHEMA}.kept WHERE ctid = %(place)s::tid ON CONFLICT DO NOTHING RETURNING 1)"
            f" DELETE FROM {SCHEMA}.kept WHERE ctid = %(place)s::tid AND EXISTS (SELECT FROM put)"
        )
        return sum(connection.execute(one, {"place": place}).rowcount for place in places)


def _types(connection: psycopg.Connection[Any], relation: Relation, names: list[str]) -> dict[str, str]:
    """The columns that are still there and that an INSERT may name, with their types as this session writes them."""
    rows = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' AND attname = ANY (%s) ORDER BY attnum",
        [relation.oid, names],
    ).fetchall()
    return dict(rows)
