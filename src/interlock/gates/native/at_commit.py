"""Rules at commit: what must hold of a whole partition, judged when the transaction that touched it ends.

Chosen table by table in the contract, since it reads the partition in every commit. Statement triggers say which
partitions were touched, on the relation and on each of its partitions; ``at_commit.sql`` is what they call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from interlock.constraints import Constraint, Level, emit
from interlock.constraints.bind import MissingColumn
from interlock.constraints.compile import Compiled, compile, hides
from interlock.constraints.judge import percent
from interlock.constraints.parse import Fresh, References, statement_of
from interlock.constraints.postgres import SCHEMA, PostgresEmitter
from interlock.constraints.table_contract import TableContract
from interlock.engines.postgres import Part, Relation
from interlock.errors import ExpressionRefused, RelationNotFound
from interlock.gates.native import marks, quoting, rules
from interlock.gates.native.trigger import Trigger

NAMED = "interlock commit "  # how the names of its triggers begin: with a space, so that no rule's does
_NEVER = dt.datetime.min.replace(
    tzinfo=dt.UTC
)  # what depends on the moment of judgement is not judged at commit


@dataclass(frozen=True, slots=True)
class CommitRule:
    """A constraint judged at commit by two aggregates.

    ``broken`` is anything but false where it is; ``observed`` is what the refusal says was seen.
    """

    constraint: Constraint
    broken: str
    observed: str


def chosen(contract: TableContract, constraint: Constraint) -> bool:
    """Whether the contract wants it judged at commit."""
    named = contract.at_commit
    return named is True or (named is not False and constraint.name in named)


def of(constraint: Constraint, relation: Relation, sensitive: Collection[str] = ()) -> CommitRule | str:
    """The rule, or why it is none. Raises `ColumnMissing`."""
    if not constraint.block:
        return "it does not block"
    try:
        statement = statement_of(constraint.sql, relation.columns)
    except MissingColumn as missing:
        raise rules.column_missing(relation, constraint, missing) from None
    except ExpressionRefused as refused:
        return refused.message.split("\n")[0]
    if isinstance(statement, References):
        return "it needs another table"
    if isinstance(statement, Fresh):
        return "it depends on when it is judged"
    compiled = compile(constraint, relation.columns, now=_NEVER, emitter=PostgresEmitter)
    if compiled.inconclusive or compiled.broken:
        return str(compiled.inconclusive or compiled.broken)
    checks = [tree.sql("postgres") for tree in compiled.checks]
    if constraint.kind == "unique":
        return _unique(constraint, *checks)
    if constraint.level is Level.ROW:
        return _rows(constraint, checks[0])
    return _partition(compiled, checks, hidden=hides(compiled, sensitive))


def _unique(constraint: Constraint, present: str, distinct: str) -> CommitRule:
    said = f"concat({present} - {distinct}, ' of ', count(*), ' rows repeat an earlier one')"
    return CommitRule(constraint, f"{present} > {distinct}", said)


def _rows(constraint: Constraint, breaking: str) -> CommitRule:
    share = f"{breaking}::float8 / count(*)::float8"
    broken = f"CASE WHEN count(*) > 0 THEN {share} > '{constraint.tolerance!r}'::float8 ELSE false END"
    allowed = quoting.text(f" rows break it, and at most {percent(constraint.tolerance)} may")
    return CommitRule(constraint, broken, f"concat({breaking}, ' of ', count(*), {allowed})")


def _partition(compiled: Compiled, checks: Sequence[str], *, hidden: bool) -> CommitRule:
    code, *shown = checks
    errors = shown.pop(0) if compiled.counts_errors else "0"
    values = []
    for what, value, revealing in zip(compiled.shown, shown, compiled.revealing, strict=True):
        told = "'(hidden)'" if hidden and revealing else f"coalesce({value}, 'NULL')"
        values.append(f"{quoting.text(what + ' = ')}, {told}")
    outcome = (
        f"CASE {code} WHEN {emit.NULL} THEN ': nothing to judge by'"
        f" WHEN {emit.ERROR} THEN ': could not be evaluated' END"
    )
    listed = ", ', ', ".join(values)
    said = f"concat({listed}, {outcome})"
    if errors != "0":
        said = f"CASE WHEN {errors} > 0 THEN concat({errors}, ' rows could not be evaluated') ELSE {said} END"
    return CommitRule(compiled.constraint, f"({code}) <> {emit.TRUE} OR {errors} > 0", said)


def triggers(
    table: str, contract: TableContract, relation: Relation, rules: Sequence[CommitRule]
) -> Iterator[Trigger]:
    """Those that judge ``rules``; none without any.

    Raises `ColumnMissing`, `DataTypeUnsupported` or `RelationNotFound` where partitions cannot be told apart.
    """
    if not rules:
        return
    column = contract.partition or ""
    if column:
        marks.tells_apart(column, relation)
    for part in relation.parts:
        if part.kind == "f":
            raise RelationNotFound(
                f"{part} is a foreign partition of {relation}, whose rows no trigger sees",
                hint="detach it, or leave `at_commit` out of the contract",
            )
    everywhere: tuple[Relation | Part, ...] = (relation, *relation.parts)
    for on in everywhere:
        for event, seen in marks.SEEN.items():
            yield _trigger(on, f"changed {event.lower()}", f"AFTER {event}", "touch", (column,), seen)
        if column:
            yield _trigger(on, "emptied", "BEFORE TRUNCATE", "emptied", (column,))
        said = _said(table, contract, rules) if on is relation else ()
        first = _tried(relation, column, rules) if on is relation else ()
        yield _trigger(
            on, "due", "AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE", "fall_due", said, first=first
        )


def _trigger(
    on: Relation | Part,
    name: str,
    events: str,
    function: str,
    arguments: Sequence[str],
    seen: str = "",
    first: tuple[str, ...] = (),
) -> Trigger:
    call = f"{SCHEMA}.{function}({', '.join(map(quoting.text, arguments))})"
    does = f"{seen}FOR EACH STATEMENT\n  EXECUTE FUNCTION {call}"
    return Trigger(quoting.relation(on), NAMED + name, events, does, first)


def _said(table: str, contract: TableContract, rules: Sequence[CommitRule]) -> tuple[str, ...]:
    """As `at_commit.sql` reads it."""
    column = contract.partition or ""
    hidden = "hidden" if column in contract.sensitive else ""
    each = ((r.constraint.name, r.constraint.sql, r.broken, r.observed) for r in rules)
    return (table, contract.owner or "", column, hidden, *(text for said in each for text in said))


def _tried(relation: Relation, column: str, rules: Sequence[CommitRule]) -> tuple[str, ...]:
    """Statements that fail now where judging would fail in every commit."""
    on = quoting.relation(relation)
    ready = f"SELECT {SCHEMA}.can_judge({quoting.text(on)}::regclass, {quoting.text(column)}, true)"
    aggregates = ", ".join(f"{rule.broken}, {rule.observed}" for rule in rules)
    return ready, f"SELECT {aggregates} FROM {on} WHERE false"
