"""The write gate inside PostgreSQL: row rules as triggers, for every writer, also those who never heard of us.

A rule stands in the ``WHEN`` of an ``AFTER … FOR EACH ROW`` trigger, so that it sees the row as it will be
stored, after every other trigger and with its generated columns, and on every leaf of a partitioned table.
It is written once, when it is installed; nothing a writer sets changes what it means.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from interlock.constraints import Constraint, Level
from interlock.constraints.bind import MissingColumn
from interlock.constraints.expression import Node
from interlock.constraints.parse import statement_of
from interlock.constraints.postgres import SCHEMA, PostgresEmitter, functions
from interlock.constraints.table_contract import TableContract
from interlock.engines.postgres import Relation
from interlock.errors import ColumnMissing, DatabaseRefused, ExpressionRefused, RelationNotFound

if TYPE_CHECKING:
    import psycopg

LOCK_S = 5
NAME_BYTES_MAX = 63  # of a PostgreSQL identifier
_OURS = "interlock "  # how the comments on what is ours begin
_LOCK = 0x696E_7465_726C_6F63  # of everybody who installs


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint that stands as a trigger. ``breaks`` is true for rows of ``NEW`` that break it."""

    constraint: Constraint
    breaks: str

    @property
    def trigger(self) -> str:
        return _shortened(f"interlock_{self.constraint.name}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall stand on a relation. ``left`` says of other constraints why they are judged elsewhere."""

    table: str
    relation: Relation
    rules: tuple[Rule, ...]
    left: tuple[tuple[Constraint, str], ...]
    key: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A trigger of ours that is there. ``digest`` is of what it was made from."""

    trigger: str
    digest: str
    enabled: bool


def plan(table: str, contract: TableContract, relation: Relation) -> Plan:
    """The rules of a contract for a relation. Raises `RelationNotFound` where rules cannot stand on it.

    `ColumnMissing` where a key or a rule names a column that is not there.
    """
    _supported(relation)
    known = {c.name for c in relation.columns}
    for name in contract.key:
        if name not in known:
            raise ColumnMissing(f"{relation} has no column {name!r}, which is in the key of {table}")
    rules, left = [], []
    for constraint in contract.constraints:
        made = _rule(constraint, relation)
        if isinstance(made, Rule):
            rules.append(made)
        else:
            left.append((constraint, made))
    shown = tuple(name for name in contract.key if name not in contract.sensitive)
    return Plan(table, relation, tuple(rules), tuple(left), shown, contract.owner)


def _supported(relation: Relation) -> None:
    if relation.partition:
        raise RelationNotFound(
            f"{relation} is a partition", hint="install on its parent; every partition follows"
        )
    if relation.inherited:
        raise RelationNotFound(
            f"other tables inherit from {relation}, and triggers are not inherited",
            hint="install on each of them, or make it a partitioned table",
        )
    if relation.kind not in ("r", "p"):
        raise RelationNotFound(
            f"{relation} is no table that rows are written to", hint="rules stand on tables"
        )


def _rule(constraint: Constraint, relation: Relation) -> Rule | str:
    """The rule, or why it is none."""
    if not constraint.block:
        return "it does not block"
    if constraint.tolerance:
        return f"{constraint.tolerance:.4g} of the rows may break it, which no single row can tell"
    try:
        statement = statement_of(constraint.sql, relation.columns)
        if constraint.level is not Level.ROW:
            return "it is about a partition"
        if not isinstance(statement, Node):
            return "it needs other rows"
        emitter = PostgresEmitter({c.name: c.type for c in relation.columns}, row="NEW")
        return Rule(constraint, emitter.violated(statement).sql("postgres"))
    except MissingColumn as missing:
        raise ColumnMissing(
            f"{relation} has no column {missing.column!r}, which rule {constraint.name!r} needs"
        ) from None
    except ExpressionRefused as refused:
        return refused.message.split("\n")[0]


# --- statements -------------------------------------------------------------------------


def install(plan: Plan, standing: Sequence[Standing], schema: str | None) -> list[str]:
    """The statements that make a relation stand as planned; none where it does.

    ``schema`` is the digest of the functions that are there (`functions_there`).
    """
    wanted = {rule.trigger: rule for rule in plan.rules}
    there = {s.trigger: s for s in standing}
    made = list(_functions(schema))
    for name, found in there.items():
        rule = wanted.get(name)
        if rule is None or not found.enabled or found.digest != _digest(plan, rule):
            made.append(f"DROP TRIGGER {_name(name)} ON {_relation(plan.relation)}")
    for name, rule in wanted.items():
        if name not in there or not there[name].enabled or there[name].digest != _digest(plan, rule):
            made += _trigger(plan, rule)
    return made


def uninstall(relation: Relation, standing: Sequence[Standing], *, last: bool) -> list[str]:
    """The statements that take every rule off a relation; ``last``: and the functions, which nothing else needs."""
    made = [f"DROP TRIGGER {_name(s.trigger)} ON {_relation(relation)}" for s in standing]
    return [*made, f"DROP SCHEMA {SCHEMA} CASCADE"] if last else made


def script(statements: Sequence[str]) -> str:
    """The statements as one transaction, for an administrator to read and run."""
    body = [f"SET LOCAL lock_timeout = '{LOCK_S}s'", f"SELECT pg_advisory_xact_lock({_LOCK})", *statements]
    return "BEGIN;\n" + "".join(f"{s.rstrip().rstrip(';')};\n" for s in body) + "COMMIT;\n"


def change(connection: psycopg.Connection[Any], statements: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Carry ``statements`` out, all or none; they are asked for once nobody else changes anything."""
    with connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{LOCK_S}s'")
        connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        made = statements()
        for statement in made:
            connection.execute(statement)
    return made


def _functions(there: str | None) -> Iterator[str]:
    text = functions() + "\n" + resources.files(__package__).joinpath("native.sql").read_text("utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if there == digest:
        return
    if there is None:
        yield f"CREATE SCHEMA {SCHEMA}"
    yield text
    yield f"COMMENT ON SCHEMA {SCHEMA} IS {_text(_OURS + digest)}"


def _trigger(plan: Plan, rule: Rule) -> Iterator[str]:
    about = (plan.table, rule.constraint.name, rule.constraint.sql, plan.owner or "", *plan.key)
    name, on = _name(rule.trigger), _relation(plan.relation)
    yield (
        f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE ON {on} FOR EACH ROW\n"
        f"  WHEN ({rule.breaks})\n"
        f"  EXECUTE FUNCTION {SCHEMA}.refuse({', '.join(map(_text, about))})"
    )
    yield f"COMMENT ON TRIGGER {name} ON {on} IS {_text(_OURS + _digest(plan, rule))}"


def _digest(plan: Plan, rule: Rule) -> str:
    parts = (plan.table, rule.constraint.name, rule.constraint.sql, rule.breaks, plan.owner or "", *plan.key)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _shortened(name: str) -> str:
    """A name PostgreSQL keeps whole; a long one ends in a digest of what was cut."""
    raw = name.encode()
    if len(raw) <= NAME_BYTES_MAX:
        return name
    mark = hashlib.sha256(raw).hexdigest()[:8]
    return raw[: NAME_BYTES_MAX - 9].decode(errors="ignore") + "_" + mark


def _relation(relation: Relation) -> str:
    return f"{_name(relation.schema)}.{_name(relation.name)}"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    """A constant that means the same whatever ``standard_conforming_strings`` says."""
    quoted = "'" + text.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


# --- what is there ----------------------------------------------------------------------


def standing(connection: psycopg.Connection[Any], relation: Relation) -> tuple[Standing, ...]:
    """The triggers of ours on a relation."""
    rows = connection.execute(
        "SELECT t.tgname, coalesce(obj_description(t.oid, 'pg_trigger'), ''), t.tgenabled IN ('O', 'A')"
        " FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE t.tgrelid = %s AND n.nspname = %s AND NOT t.tgisinternal ORDER BY t.tgname",
        [relation.oid, SCHEMA],
    ).fetchall()
    return tuple(Standing(name, comment.removeprefix(_OURS), enabled) for name, comment, enabled in rows)


def functions_there(connection: psycopg.Connection[Any]) -> str | None:
    """The digest of the functions in the schema of ours; None where there is none.

    Raises `DatabaseRefused` where somebody else has a schema of that name.
    """
    row = connection.execute(
        "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = %s",
        [SCHEMA],
    ).fetchone()
    if row is None:
        return None
    if not str(row[0]).startswith(_OURS):
        raise DatabaseRefused(
            f"the database has a schema {SCHEMA!r} that Interlock did not make",
            hint="rename it; nothing was changed",
        )
    return str(row[0]).removeprefix(_OURS)


def is_last(connection: psycopg.Connection[Any], relation: Relation) -> bool:
    """Whether there is a schema of ours that nothing needs but the rules of this relation."""
    if functions_there(connection) is None:
        return False
    row = connection.execute(
        """
        SELECT NOT EXISTS (
            SELECT FROM pg_depend d JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
            LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
            WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)
              AND NOT (d.classid = 'pg_proc'::regclass AND EXISTS (
                SELECT FROM pg_proc o WHERE o.oid = d.objid AND o.pronamespace = p.pronamespace))
              AND t.tgrelid IS DISTINCT FROM %s
              AND NOT EXISTS (SELECT FROM pg_partition_tree(%s) k WHERE k.relid = t.tgrelid))
        """,
        [SCHEMA, relation.oid, relation.oid],
    ).fetchone()
    return bool(row and row[0])


def writers_who_own(connection: psycopg.Connection[Any], relation: Relation) -> tuple[str, ...]:
    """Roles that may log in, are the owner or act as it, and so could take a rule off: detected, not prevented."""
    rows = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper"
        " AND pg_has_role(oid, %s, 'MEMBER') ORDER BY 1",
        [relation.owner],
    ).fetchall()
    return tuple(str(name) for (name,) in rows)
