"""From a constraint to the aggregates that decide it, counted in the profile's own pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from interlock.constraints import emit
from interlock.constraints.bind import MissingColumn
from interlock.constraints.constraint import Constraint, Level
from interlock.constraints.emit import Emitter, is_aggregate
from interlock.constraints.expression import Node
from interlock.constraints.parse import (
    Fresh,
    References,
    Statement,
    Unique,
    level_of,
    span_text,
    statement_of,
)
from interlock.constraints.sql import (
    any_of,
    call,
    cast,
    chain,
    is_null,
    literal,
    not_null,
    number,
    paren,
    when,
)
from interlock.engines.schema import Kind, Schema
from interlock.errors import ExpressionRefused

SourceOf = Callable[[str], exp.Expression | None]
Emits = Callable[[dict[str, str]], Emitter]  # an engine's, from columns and their types
_SHOWN_LENGTH = 80  # characters of an aggregate's value in a violation


@dataclass(frozen=True, slots=True)
class Compiled:
    """A constraint ready for one schema.

    ``checks`` are aggregates for the profile's pass; their values go to `judge`.
    ``inconclusive`` says why it cannot be judged; ``broken`` why it fails
    whatever the values are (a column is gone or has another type). Either
    leaves ``checks`` empty.
    """

    constraint: Constraint
    checks: tuple[exp.Expression, ...] = ()
    inconclusive: str | None = None
    broken: str | None = None
    shown: tuple[str, ...] = ()  # what the last checks are the values of
    revealing: tuple[bool, ...] = ()  # whether such a value is a cell's own
    counts_errors: bool = False
    limit: str = ""
    limits: tuple[tuple[str, float], ...] = ()  # numbers that rounded ones of ``shown`` are compared with


def compile(
    constraint: Constraint,
    schema: Schema,
    *,
    now: dt.datetime,
    source_of: SourceOf | None = None,
    emitter: Emits = Emitter,
) -> Compiled:
    """What to aggregate over a relation of ``schema`` to judge ``constraint``.

    ``now`` is the moment of judgement (with a zone). ``source_of`` gives the
    FROM item of a published table, None where there is none. ``emitter`` writes
    the engine's SQL.
    """
    try:
        statement = statement_of(constraint.sql, schema)
    except MissingColumn as missing:
        return Compiled(constraint, broken=f"column {missing.column!r} is missing")
    except ExpressionRefused as refused:
        return Compiled(constraint, broken=refused.message.split("\n")[0])
    lacking = _made(emitter, schema).lacks.get(type(statement).__name__.lower())
    if lacking:
        return Compiled(constraint, inconclusive=lacking)
    if isinstance(statement, Unique):
        return _unique(constraint, statement, _made(emitter, schema))
    if isinstance(statement, Fresh):
        return _fresh(constraint, statement, schema, now, _made(emitter, schema))
    if isinstance(statement, References):
        return _references(constraint, statement, source_of, _made(emitter, schema))
    try:
        built = _expression(constraint.sql, schema, emitter)
    except ExpressionRefused as refused:
        return Compiled(constraint, inconclusive=refused.message.split("\n")[0])
    finish = _made(emitter, schema).finish
    return Compiled(
        constraint,
        tuple(finish(c.copy()) for c in built.checks),
        shown=built.shown,
        revealing=built.revealing,
        counts_errors=built.counts_errors,
        limits=tuple(_limits(statement)),
    )


@dataclass(frozen=True, slots=True)
class _Built:
    checks: tuple[exp.Expression, ...]
    counts_errors: bool
    shown: tuple[str, ...] = ()
    revealing: tuple[bool, ...] = ()


@lru_cache(maxsize=1024)
def _expression(sql: str, schema: Schema, emitter: Emits = Emitter) -> _Built:
    statement = statement_of(sql, schema)
    assert isinstance(statement, Node)
    made = _made(emitter, schema)
    if level_of(statement) is Level.ROW:
        return _rows(made, statement)
    return _partition(made, statement)


def _made(emitter: Emits, schema: Schema) -> Emitter:
    return emitter({c.name: c.type for c in schema})


def _count(condition: exp.Expression) -> exp.Expression:
    return call("count", when(condition, number(1)))


def _rows(emitter: Emitter, node: Node) -> _Built:
    checks = [_count(emitter.violated(node))]
    failed = emitter.error(node)
    if failed is not None:
        checks.append(_count(failed))
    return _Built(tuple(checks), failed is not None)


def _partition(emitter: Emitter, node: Node) -> _Built:
    checks = [emitter.code(node)]
    aggregates = [n for n in _unique_nodes(node) if is_aggregate(n)]
    failed = any_of(*(emitter.error(arg) for a in aggregates for arg in a.args))
    if failed is not None:
        checks.append(_count(failed))
    shown, revealing = [], []
    for aggregate in aggregates:
        checks.append(_shown(emitter, emitter.value(aggregate), aggregate.type.kind))
        shown.append(text_of(aggregate))
        revealing.append(aggregate.op in ("min", "max", "quantile_disc"))
    return _Built(tuple(checks), failed is not None, tuple(shown), tuple(revealing))


_ROUNDED = ("sum", "avg", "stddev", "stddev_pop", "variance", "var_pop")
_COMPARED = ("=", "<>", "<", "<=", ">", ">=", "between", "not_between")


def _limits(node: Node) -> Iterator[tuple[str, float]]:
    """Each aggregate that is rounded, with each number it is compared with."""
    for n in node.walk():
        numbers = [float(a.value) for a in n.args if a.op == "literal" and isinstance(a.value, float | int)]
        for a in n.args:
            if n.op in _COMPARED and a.op in _ROUNDED and Kind.FLOAT in {v.type.kind for v in a.args}:
                yield from ((text_of(a), number) for number in numbers)


def _shown(emitter: Emitter, value: exp.Expression, kind: Kind | None) -> exp.Expression:
    """A value as text, the same whatever the session's time zone."""
    if kind is Kind.TIMESTAMPTZ:
        value = emitter.in_utc(value)
    return call("left", cast(value, "VARCHAR"), number(_SHOWN_LENGTH))


def _unique_nodes(node: Node) -> list[Node]:
    return list(dict.fromkeys(node.walk()))


def _unique(constraint: Constraint, statement: Unique, emitter: Emitter) -> Compiled:
    present = chain(exp.And, [paren(not_null(emitter.column(c))) for c in statement.columns])
    columns = [emitter.column(c) for c in statement.columns]
    row = columns[0] if len(columns) == 1 else emitter.row(*columns)
    distinct = call("count", exp.Distinct(expressions=[when(present.copy(), row)]))
    return Compiled(constraint, (_count(present), distinct))


def _fresh(
    constraint: Constraint, statement: Fresh, schema: Schema, now: dt.datetime, emitter: Emitter
) -> Compiled:
    zoned = next(c.kind is Kind.TIMESTAMPTZ for c in schema if c.name == statement.column)
    oldest = now.astimezone(dt.UTC) - statement.within
    bound = literal(oldest if zoned else oldest.replace(tzinfo=None))
    newest = call("max", emitter.column(statement.column))
    code = exp.Case(
        ifs=[
            exp.If(this=is_null(newest), true=number(emit.NULL)),
            exp.If(this=exp.GTE(this=newest.copy(), expression=bound), true=number(emit.TRUE)),
        ],
        default=number(emit.FALSE),
    )
    limit = f"at least {oldest:%Y-%m-%d %H:%M:%S} UTC, {span_text(statement.within)} before it was judged"
    checks = (code, _shown(emitter, newest.copy(), Kind.TIMESTAMPTZ if zoned else None))
    return Compiled(constraint, checks, shown=(f"max({statement.column})",), revealing=(True,), limit=limit)


def _references(
    constraint: Constraint, statement: References, source_of: SourceOf | None, emitter: Emitter
) -> Compiled:
    source = source_of(statement.table) if source_of else None
    if source is None:
        return Compiled(
            constraint, inconclusive=f"table {statement.table!r} has nothing published to refer to"
        )
    return Compiled(constraint, (_count(_dangling(statement, source, emitter)),))


def _dangling(statement: References, source: exp.Expression, emitter: Emitter) -> exp.Expression:
    column = emitter.column(statement.column)
    other = exp.column(statement.other, quoted=True)
    known = exp.select(other).from_(source.copy()).where(not_null(other.copy()))
    inside = exp.In(this=column.copy(), query=exp.Subquery(this=known))
    return exp.And(this=not_null(column), expression=exp.Not(this=inside))


def failing_rows(
    constraint: Constraint,
    schema: Schema,
    source: exp.Expression,
    columns: Sequence[str],
    limit: int,
    *,
    source_of: SourceOf | None = None,
    emitter: Emits = Emitter,
) -> exp.Query:
    """The first ``limit`` rows that break a constraint, ordered by ``columns``.

    No rows where none is to blame: a table-level constraint other than
    unique(), or one that cannot be evaluated.
    """
    try:
        statement = statement_of(constraint.sql, schema)
        condition = blame(statement, schema, source, source_of, emitter) or exp.false()
    except ExpressionRefused:
        condition = exp.false()
    wanted = [exp.column(c, quoted=True) for c in columns]
    order = [exp.Ordered(this=c.copy(), nulls_first=False) for c in wanted]
    condition = _made(emitter, schema).finish(condition)
    return exp.select(*wanted).from_(source.copy()).where(condition).order_by(*order).limit(limit)


def blame(
    statement: Statement,
    schema: Schema,
    source: exp.Expression,
    source_of: SourceOf | None,
    emitter: Emits = Emitter,
) -> exp.Expression | None:
    """The condition that is true for the rows to blame; None where no single row is."""
    if isinstance(statement, Unique):
        return _repeated(statement, source, _made(emitter, schema))
    if isinstance(statement, References):
        other = source_of(statement.table) if source_of else None
        return None if other is None else _dangling(statement, other, _made(emitter, schema))
    if isinstance(statement, Fresh) or level_of(statement) is Level.TABLE:
        return None
    return _made(emitter, schema).violated(statement)


def _repeated(statement: Unique, source: exp.Expression, emitter: Emitter) -> exp.Expression:
    columns = [emitter.column(c) for c in statement.columns]
    key = columns[0] if len(columns) == 1 else exp.Tuple(expressions=columns)
    names = [exp.column(c, quoted=True) for c in statement.columns]
    present = chain(exp.And, [paren(not_null(n.copy())) for n in names])
    more = exp.GT(this=exp.Count(this=exp.Star()), expression=number(1))
    keys = exp.select(*(c.copy() for c in columns)).from_(source.copy()).where(present.copy())
    repeated = exp.Subquery(this=keys.group_by(*names).having(more))
    return exp.And(this=paren(present), expression=exp.In(this=key, query=repeated))


def text_of(node: Node) -> str:
    """An aggregate as a person wrote it, or nearly."""
    inner = ", ".join(_short(a) for a in node.args)
    if node.op == "count_rows":
        return "count(*)"
    if node.op == "count_distinct":
        return f"count(DISTINCT {inner})"
    options = "".join(f", {o}" for o in node.value) if isinstance(node.value, tuple) else ""
    return f"{node.op}({inner}{options})"


def _short(node: Node) -> str:
    if node.op == "column":
        return str(node.value)
    if node.op == "convert":
        return _short(node.args[0])
    return "…"


def hides(compiled: Compiled, sensitive: Collection[str]) -> bool:
    """Whether a value of this constraint could be a cell of a sensitive column."""
    hidden = {c.casefold() for c in sensitive}
    return any(c.casefold() in hidden for c in compiled.constraint.columns)
