"""The mass-change guard: how much of a table may go or change at once, counted by statement and judged at commit.

Statement triggers count on the relation and on each of its partitions, since PostgreSQL fires those of the relation
that a statement names. ``mass_change.sql`` has what they call, and what is kept: approvals, refused attempts and
deleted rows.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from interlock.constraints.parse import span_text
from interlock.constraints.postgres import SCHEMA
from interlock.constraints.table_contract import MassChange
from interlock.engines.postgres import Part, Relation
from interlock.errors import RelationNotFound
from interlock.gates.native import quoting
from interlock.gates.native.trigger import Trigger

if TYPE_CHECKING:
    import psycopg

NAME = "interlock mass change"  # no rule is called so: theirs begin otherwise
_OLD, _NEW = "OLD TABLE AS old_rows", "NEW TABLE AS new_rows"
_EVENTS = {
    "insert": ("AFTER INSERT", f"REFERENCING {_NEW}"),
    "update": ("AFTER UPDATE", f"REFERENCING {_OLD} {_NEW}"),
    "delete": ("AFTER DELETE", f"REFERENCING {_OLD}"),
    "truncate": ("BEFORE TRUNCATE", ""),
}
_EVENT_TRIGGERS = {
    "interlock_mass_change_drop": "sql_drop",
    "interlock_mass_change_detach": "ddl_command_end WHEN TAG IN ('ALTER TABLE')",
}

# In the block that takes the schema off: what stands in `mass_change.sql` beside functions. Kept rows keep it all.
DROP = f"""
IF to_regclass('{SCHEMA}.kept') IS NOT NULL THEN
  IF EXISTS (SELECT FROM {SCHEMA}.kept) THEN
    RAISE dependent_objects_still_exist;
  END IF;
  {" ".join(f"DROP EVENT TRIGGER IF EXISTS {name};" for name in _EVENT_TRIGGERS)}
  DROP TABLE {", ".join(f"{SCHEMA}.{name}" for name in ("changing", "changed", "tally", "approval", "kept"))};
  DROP SEQUENCE {", ".join(f"{SCHEMA}.attempt{n}" for n in ("", *(f"_{i}" for i in range(48))))};
END IF;
"""


def drops(connection: psycopg.Connection[Any]) -> list[str]:
    """The statements after which DROP and DETACH of guarded tables are refused; none where it is so. A superuser's."""
    rows = connection.execute(
        "SELECT evtname FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid"
        f" WHERE evtenabled IN ('O', 'A') AND p.pronamespace = to_regnamespace('{SCHEMA}')"
    ).fetchall()
    there = {name for (name,) in rows}
    return [
        statement
        for name, event in _EVENT_TRIGGERS.items()
        if name not in there
        for statement in (
            f"DROP EVENT TRIGGER IF EXISTS {name}",
            f"CREATE EVENT TRIGGER {name} ON {event} EXECUTE FUNCTION {SCHEMA}.mass_change_ddl()",
        )
    ]


def triggers(relation: Relation, table: str, limit: MassChange | None) -> tuple[Trigger, ...]:
    """Those that shall stand; none without a limit. Raises `RelationNotFound` where it cannot be counted."""
    if limit is None:
        return ()
    for part in relation.parts:
        if part.kind == "f":
            raise RelationNotFound(
                f"{part} is a foreign table and a partition of {relation}: what goes from it cannot be counted",
                hint="detach it, or write `mass_change: false` for the table",
            )
    said = (table, repr(limit.share), str(limit.rows), span_text(limit.window))
    of_root = hashlib.sha256("\0".join(map(str, relation.parts)).encode()).hexdigest()[:16]
    made = _of(relation, (*said, "root", of_root if relation.parts else ""), limit)
    for part in relation.parts:
        made += _of(part, (*said, "partition"), limit)
    return made


def _of(relation: Relation | Part, said: tuple[str, ...], limit: MassChange) -> tuple[Trigger, ...]:
    on = quoting.relation(relation)
    call = f"EXECUTE FUNCTION {SCHEMA}.mass_change({', '.join(map(quoting.text, said))})"
    made = tuple(
        Trigger(on, f"{NAME}: {name}", events, f"{rows} FOR EACH STATEMENT {call}".strip())
        for name, (events, rows) in _EVENTS.items()
        if limit.updates or name != "update"
    )
    if limit.keep is None:
        return made
    kept = f"EXECUTE FUNCTION {SCHEMA}.keep_rows({quoting.text(span_text(limit.keep))})"
    keep = Trigger(on, f"{NAME}: keep", "AFTER DELETE", f"REFERENCING {_OLD} FOR EACH STATEMENT {kept}")
    return (*made, keep)
