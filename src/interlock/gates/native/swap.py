"""What no longer works by a table's name once a view has it: told before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interlock.engines.postgres import Relation
from interlock.gates.native import quoting
from interlock.gates.native.reads import named
from interlock.names import GuardReads

if TYPE_CHECKING:
    import psycopg


def breaks(connection: psycopg.Connection[Any], relation: Relation) -> list[str]:
    """What no longer works by the table's name once a view has it, with what is known of this table."""
    table, _ = named(relation, GuardReads.SWAP)
    row = connection.execute(
        """
        SELECT (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confrelid = %(oid)s),
            (SELECT count(DISTINCT r.ev_class) FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid
             AND d.classid = 'pg_rewrite'::regclass WHERE d.refclassid = 'pg_class'::regclass
             AND d.refobjid = %(oid)s AND r.ev_class <> %(oid)s),
            (SELECT string_agg(DISTINCT pubname, ', ') FROM pg_publication_tables
             WHERE schemaname = %(schema)s AND tablename = %(name)s),
            (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = %(oid)s
             AND attnum > 0 AND attidentity <> ''),
            (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = %(oid)s
             AND attnum > 0 AND attgenerated <> ''),
            (SELECT count(*) FROM pg_inherits WHERE inhparent = %(oid)s),
            (SELECT count(*) FROM pg_proc WHERE %(type)s::regtype = ANY(proargtypes) OR prorettype = %(type)s::regtype)
        """,
        {
            "oid": relation.oid,
            "schema": relation.schema,
            "name": relation.name,
            "type": quoting.relation(relation),
        },
    ).fetchone()
    assert row is not None
    keys, views, published, identity, generated, children, functions = row
    found = [
        f"COPY, TRUNCATE, ALTER TABLE, VACUUM and CREATE INDEX need the name {table}",
        f"a new foreign key must name {table}" + (f"; the {keys} there are stay" if keys else ""),
        "while a column is broken: INSERT … ON CONFLICT, and an UPDATE that sets it, must name " + table,
        f"a GRANT or REVOKE from now on is needed for both {relation.name} and {table}",
        f"columns cannot be dropped, and their types not be changed, while the view reads them; "
        f"a new one shows after `interlock install`: until then it is read from {table}",
        f"pg_get_serial_sequence and what asks the catalog for keys, defaults and ctid must ask for {table}",
    ]
    if views:
        found.append(f"{views} views read the table itself, and go on without a warning")
    if published:
        found.append(
            f"logical replication ({published}) publishes it as {table}: its subscribers need that name"
        )
    if identity:
        found.append(f"identity columns ({identity}): an INSERT that names a broken column is refused")
    if generated:
        found.append(
            f"generated columns ({generated}) are plain columns of the view to what asks the catalog"
        )
    if children:
        found.append(f"partitions are attached to and detached from {table}; ONLY means nothing to a view")
    if functions:
        found.append(f"{functions} functions use the table's row type, which is called {table} then")
    return found
