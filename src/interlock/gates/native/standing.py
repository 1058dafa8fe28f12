"""What of the write gate is in a PostgreSQL database: its functions, and the triggers on a relation.

Comments on both say what they were made from, and what the catalog said of them then (a seal): a trigger that was put
in another's place, a function that was replaced or a column that was renamed is known by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.constraints.postgres import SCHEMA
from interlock.engines.postgres import Relation
from interlock.errors import DatabaseRefused
from interlock.gates.native import quoting

if TYPE_CHECKING:
    import psycopg

OURS = "interlock "  # how the comments on what is ours begin
TRIGGER_SEAL = "md5(pg_get_triggerdef(oid))"
FUNCTIONS_SEAL = (
    "SELECT md5(string_agg(CASE prokind WHEN 'f' THEN pg_get_functiondef(p.oid)"
    " ELSE concat_ws(' ', aggtransfn::regprocedure, aggfinalfn::regprocedure, agginitval) END, ' '"
    " ORDER BY p.oid::regprocedure::text)) FROM pg_proc p LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid"
    f" WHERE pronamespace = to_regnamespace('{SCHEMA}')"
)
_PATH = "SET LOCAL search_path = pg_catalog, pg_temp"  # decides how the catalog writes what it holds


@dataclass(frozen=True, slots=True)
class Standing:
    """A trigger of ours that is there. ``on`` is its relation as SQL writes it, ``digest`` of what it was made from.

    ``intact``: it is as it was made, and enabled in every partition.
    """

    on: str
    trigger: str
    digest: str
    intact: bool

    def is_as(self, digest: str) -> bool:
        return self.intact and self.digest == digest


def of(connection: psycopg.Connection[Any], relation: Relation) -> tuple[Standing, ...]:
    """The triggers of ours on a relation and, made there, on its partitions."""
    with connection.transaction():
        connection.execute(_PATH)
        rows = connection.execute(
            f"""
            WITH RECURSIVE ours (root, oid) AS (
                SELECT t.oid, t.oid FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgrelid IN (SELECT %(oid)s UNION SELECT relid FROM pg_partition_tree(%(oid)s))
                AND p.pronamespace = to_regnamespace('{SCHEMA}') AND NOT t.tgisinternal AND t.tgparentid = 0
                UNION ALL SELECT root, t.oid FROM ours JOIN pg_trigger t ON t.tgparentid = ours.oid
            )
            SELECT n.nspname, c.relname, tgname, coalesce(obj_description(r.oid, 'pg_trigger'), ''),
                md5(pg_get_triggerdef(r.oid)),
                (SELECT bool_and(t.tgenabled IN ('O', 'A')) FROM ours JOIN pg_trigger t USING (oid) WHERE root = r.oid)
            FROM pg_trigger r JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
            WHERE r.oid IN (SELECT root FROM ours) ORDER BY 1, 2, 3
            """,
            {"oid": relation.oid},
        ).fetchall()
    return tuple(_standing(*row) for row in rows)


def _standing(schema: str, table: str, name: str, comment: str, seal: str, enabled: bool) -> Standing:
    digest, _, sealed = comment.removeprefix(OURS).partition(" ")
    on = f"{quoting.name(schema)}.{quoting.name(table)}"
    return Standing(on, name, digest, enabled and sealed == seal)


def functions_there(connection: psycopg.Connection[Any]) -> str | None:
    """The digest of the functions in the schema of ours, empty where they were changed; None where there is none.

    Raises `DatabaseRefused` where somebody has that schema whose word rules must not rest on.
    """
    with connection.transaction():
        connection.execute(_PATH)
        row = connection.execute(
            f"""
            SELECT coalesce(obj_description(n.oid, 'pg_namespace'), ''), ({FUNCTIONS_SEAL}), o.rolname,
                o.rolsuper OR o.rolname = current_user
                    OR n.nspowner = (SELECT datdba FROM pg_database WHERE datname = current_database()),
                NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND p.proowner <> n.nspowner)
            FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner WHERE n.nspname = '{SCHEMA}'
            """
        ).fetchone()
    if row is None:
        return None
    comment, seal, owner, trusted, one_owner = row
    if not comment.startswith(OURS):
        raise DatabaseRefused(
            f"the database has a schema {SCHEMA!r} that Interlock did not make",
            hint="rename it; nothing was changed",
        )
    if not trusted or not one_owner:
        raise DatabaseRefused(
            f"{owner} or others own the functions in schema {SCHEMA!r}, and could change what rules mean",
            hint="let the database's owner or a superuser own the schema and all in it; nothing was changed",
        )
    digest, _, sealed = comment.removeprefix(OURS).partition(" ")
    return str(digest) if sealed == seal else ""


def could_switch_off(connection: psycopg.Connection[Any], relation: Relation) -> tuple[str, ...]:
    """Roles that may log in and act as the table's owner, or as that of the functions: detected, not prevented."""
    rows = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND (pg_has_role(oid, %s, 'MEMBER')"
        " OR pg_has_role(oid, (SELECT nspowner FROM pg_namespace WHERE nspname = %s), 'MEMBER')) ORDER BY 1",
        [relation.owner, SCHEMA],
    ).fetchall()
    return tuple(str(name) for (name,) in rows)
