"""The write gate inside PostgreSQL: row rules as triggers, for every writer, also those who never heard of us.

A rule stands in the ``WHEN`` of an ``AFTER … FOR EACH ROW`` trigger, so that it sees the row as it will be
stored, after every other trigger and with its generated columns, and on every leaf of a partitioned table.
It is written once, when it is installed; nothing a writer sets changes what it means.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from interlock.constraints import Constraint, Level
from interlock.constraints.bind import MissingColumn
from interlock.constraints.expression import Node
from interlock.constraints.parse import statement_of
from interlock.constraints.postgres import SCHEMA, PostgresEmitter, functions
from interlock.constraints.table_contract import TableContract
from interlock.engines.postgres import Relation
from interlock.errors import ColumnMissing, ExpressionRefused, RelationNotFound
from interlock.gates.installed import FUNCTIONS_SEAL, OURS, TRIGGER_SEAL, Standing

if TYPE_CHECKING:
    import psycopg

LOCK_S = 5
NAME_BYTES_MAX = 63  # of a PostgreSQL identifier
_LOCK = 0x696E_7465_726C_6F63  # of everybody who installs


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint that stands as a trigger. ``breaks`` is true for rows of ``NEW`` that break it."""

    constraint: Constraint
    breaks: str
    patterns: tuple[str, ...] = ()  # PostgreSQL reads them only when a row comes

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
        breaks = emitter.violated(statement)
        patterns = tuple(p.expression.sql("postgres") for p in breaks.find_all(exp.RegexpLike))
        return Rule(constraint, breaks.sql("postgres"), patterns)
    except MissingColumn as missing:
        raise ColumnMissing(
            f"{relation} has no column {missing.column!r}, which rule {constraint.name!r} needs"
        ) from None
    except ExpressionRefused as refused:
        return refused.message.split("\n")[0]


# --- statements -------------------------------------------------------------------------

# What a session's own settings would change of what is installed: which operator stands for a sign, how a constant
# and the bytes of a script are read. The isolation level is one at which a lock that was waited for shows what is new.
_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL client_encoding = 'UTF8'",
)


def install(plan: Plan, standing: Sequence[Standing], schema: str | None) -> list[str]:
    """The statements that make a relation stand as planned; none where it does.

    ``schema`` is the digest of the functions that are there (`installed.functions_there`).
    """
    wanted = {rule.trigger: rule for rule in plan.rules}
    kept = {s.trigger for s in standing if s.trigger in wanted and s.is_as(_digest(plan, wanted[s.trigger]))}
    made = list(_functions(schema)) if plan.rules else []
    made += [_dropped(plan.relation, s) for s in standing if s.trigger not in kept]
    for name, rule in wanted.items():
        if name not in kept:
            made += _trigger(plan, rule)
    return made


def uninstall(relation: Relation, standing: Sequence[Standing]) -> list[str]:
    """The statements that take every rule off a relation, and the functions where nothing else needs them."""
    names = ", ".join(
        _text(name) for name in sorted(set(re.findall(rf"{SCHEMA}\.(\w+)\(", _function_text())))
    )
    unused = (
        "DECLARE ours text := (SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc"
        f" WHERE pronamespace = to_regnamespace('{SCHEMA}') AND proname IN ({names}));"
        f" BEGIN IF obj_description(to_regnamespace('{SCHEMA}'), 'pg_namespace') LIKE '{OURS}%' THEN"
        f" EXECUTE 'DROP ROUTINE ' || ours; DROP SCHEMA {SCHEMA}; END IF;"
        " EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN"
        f" RAISE NOTICE 'schema {SCHEMA} stays: it is used, or not yours'; END"
    )
    return [*(_dropped(relation, s) for s in standing), f"DO {_text(unused)}"]


def script(statements: Sequence[str]) -> str:
    """The statements as one transaction, for an administrator to read and run."""
    body = [*_SETTINGS, *_waiting(), *statements]
    return "BEGIN;\n" + "".join(f"{s.rstrip().rstrip(';')};\n" for s in body) + "COMMIT;\n"


def change(connection: psycopg.Connection[Any], statements: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Carry ``statements`` out, all or none; they are asked for once nobody else changes anything."""
    with connection.transaction():
        for setting in (*_SETTINGS, *_waiting()):
            connection.execute(setting)
        made = statements()
        for statement in made:
            connection.execute(statement)
    return made


def _waiting() -> tuple[str, ...]:
    return f"SET LOCAL lock_timeout = '{LOCK_S}s'", f"SELECT pg_advisory_xact_lock({_LOCK})"


def _functions(there: str | None) -> Iterator[str]:
    text = _function_text()
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if there == digest:
        return
    if there is None:
        yield f"CREATE SCHEMA {SCHEMA}"
        yield f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC"
    yield text
    yield f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO PUBLIC"
    yield _sealed(f"SCHEMA {SCHEMA}", digest, FUNCTIONS_SEAL)


def _function_text() -> str:
    return functions() + "\n" + resources.files(__package__).joinpath("native.sql").read_text("utf-8")


def _trigger(plan: Plan, rule: Rule) -> Iterator[str]:
    about = (plan.table, rule.constraint.name, rule.constraint.sql, plan.owner or "", *plan.key)
    name, on = _name(rule.trigger), _relation(plan.relation)
    for pattern in rule.patterns:
        yield f"SELECT '' ~ {pattern}"
    yield (
        f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE ON {on} FOR EACH ROW\n"
        f"  WHEN ({rule.breaks})\n"
        f"  EXECUTE FUNCTION {SCHEMA}.refuse({', '.join(map(_text, about))})"
    )
    made = f"FROM pg_trigger WHERE tgrelid = {_text(on)}::regclass AND tgname = {_text(rule.trigger)}"
    yield _sealed(f"TRIGGER {name} ON {on}", _digest(plan, rule), f"SELECT {TRIGGER_SEAL} {made}")


def _sealed(what: str, digest: str, seal: str) -> str:
    """A comment on what was made: what from, and what the catalog says of it, by which a change is known."""
    said = f"{_text(OURS + digest + ' ')} || ({seal})"
    comment = _text(f"COMMENT ON {what} IS ")
    return "DO " + _text(f"BEGIN EXECUTE {comment} || quote_literal({said}); END")


def _dropped(relation: Relation, standing: Standing) -> str:
    return f"DROP TRIGGER {_name(standing.trigger)} ON {_relation(relation)}"


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
