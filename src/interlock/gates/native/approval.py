"""Approvals of mass changes, and the attempts that were refused, as the database holds them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.constraints.postgres import SCHEMA
from interlock.engines.postgres import Relation
from interlock.errors import DatabaseRefused, RelationNotFound

if TYPE_CHECKING:
    import psycopg

VALID_MAX = dt.timedelta(days=30)  # as mass_change.sql has it: what is granted is about to happen


@dataclass(frozen=True, slots=True)
class Approval:
    """``rows`` of a table may go or change in one transaction before ``until``. ``who`` is whom it names.

    ``used_at``, ``used_by`` (the role) and ``used_rows`` are None until one did; of a DROP the rows are not counted.
    """

    rows: int
    reason: str
    who: str
    role: str
    at: dt.datetime
    until: dt.datetime
    used_at: dt.datetime | None = None
    used_by: str | None = None
    used_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A refusal. ``rows`` None and ``share`` 0: a DROP, or another statement whose rows are not counted."""

    at: dt.datetime
    role: str
    rows: int | None
    share: float


@dataclass(frozen=True, slots=True)
class Past:
    """What happened to a table: ``attempts`` are the last ones refused, of at most sixteen in the whole database.

    ``kept``: deleted rows that can be restored.
    """

    attempts: tuple[Attempt, ...]
    approvals: tuple[Approval, ...]
    kept: int
    kept_since: dt.datetime | None


def approve(
    connection: psycopg.Connection[Any],
    relation: Relation,
    rows: int,
    reason: str,
    who: str | None,
    valid: dt.timedelta,
) -> Approval:
    """Grant it. Raises `DatabaseRefused` unless the session's role is the table's owner or a member of it."""
    import psycopg

    _standing(connection)
    try:
        # row security shows the owner what was granted; the columns that are not named are the database's to fill
        row = connection.execute(
            f"INSERT INTO {SCHEMA}.approval (relation, rows, reason, who, until)"
            " VALUES (%s::oid, %s, %s, coalesce(%s, current_user), now() + %s)"
            " RETURNING rows, reason, who, role, at, until",
            [relation.oid, rows, reason, who, valid],
        ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseRefused(
            f"only {relation.owner}, who owns {relation}, or a member of that role approves",
            hint="ask the owner; nothing was changed",
        ) from None
    assert row is not None
    return Approval(*row)


def past(connection: psycopg.Connection[Any], relation: Relation) -> Past:
    """What the session's role may see: attempts everybody, the rest who owns the table."""
    _standing(connection)
    attempts = connection.execute(
        f"""
        SELECT to_timestamp((a >> 32) + 1577836800), coalesce(pg_get_userbyid((c >> 30)::oid), ''),
            nullif(b >> 24, 0), ((c >> 16) & 16383) / 10000.0::float8
        FROM generate_series(0, 15) slot,
            LATERAL (SELECT pg_sequence_last_value(format('{SCHEMA}.attempt_%%s', 3 * slot)::regclass) AS a,
                pg_sequence_last_value(format('{SCHEMA}.attempt_%%s', 3 * slot + 1)::regclass) AS b,
                pg_sequence_last_value(format('{SCHEMA}.attempt_%%s', 3 * slot + 2)::regclass) AS c) word
        WHERE (a & 4294967295)::oid = %s AND (b & 65535) = (c & 65535) ORDER BY b & 16777215 DESC
        """,
        [relation.oid],
    ).fetchall()
    approvals = connection.execute(
        f"SELECT rows, reason, who, role, at, until, used_at, used_by, used_rows FROM {SCHEMA}.approval"
        " WHERE relation = %s::oid ORDER BY id DESC",
        [relation.oid],
    ).fetchall()
    kept = connection.execute(
        f"SELECT count(*), min(at) FROM {SCHEMA}.kept WHERE relation = %s::oid", [relation.oid]
    ).fetchone()
    assert kept is not None
    return Past(tuple(Attempt(*a) for a in attempts), tuple(Approval(*a) for a in approvals), *kept)


def _standing(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(f"SELECT to_regclass('{SCHEMA}.approval') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        raise RelationNotFound(
            "no table of this database has a mass-change guard",
            hint="write `mass_change: 20%` and install it",
        )
