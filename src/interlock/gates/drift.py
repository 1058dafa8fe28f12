"""Schema drift: columns added, missing or retyped, each a violation with its own words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlglot import exp

from interlock.constraints.constraint import Violation
from interlock.engines.protocol import Afar, Engine, Relation
from interlock.engines.schema import Column, Kind, Schema
from interlock.names import Origin, Severity


def of(engine: Engine | Afar, relation: Relation, table: Schema | None) -> tuple[Violation, ...]:
    """`violations` for a relation that is judged where it is."""
    if table is None:
        return ()
    fits = fitting(engine, relation, {c.name: c.type for c in table})
    return tuple(violations(table, relation.schema, fits))


def violations(
    table: Schema | None, data: Schema, fitting: Collection[str] = (), problem: str | None = None
) -> Iterator[Violation]:
    """What of ``data`` differs from what the ``table`` holds; nothing for a new table.

    ``fitting`` names the columns whose every value survives the cast to the
    table's type. ``problem`` says why the data cannot be stored beside what is there.
    """
    if problem is not None:
        yield _violation("incompatible", None, problem, "a type that fits the table", Severity.PAGE)
    if table is None:
        return
    before = {c.name: c for c in table}
    now = {c.name: c for c in data}
    for name in (n for n in before if n not in now):
        yield _violation("missing", name, "no such column", before[name].type, Severity.PAGE)
    for name in (n for n in now if n not in before):
        yield _violation("added", name, now[name].type, "no such column", Severity.TICKET)
    for name in (n for n in before if n in now):
        severity = retyped(before[name], now[name], fits=name in fitting)
        if severity is not None:
            yield _violation("retyped", name, now[name].type, before[name].type, severity)


def retyped(before: Column, now: Column, *, fits: bool) -> Severity | None:
    """How loud a change of type is; None where it cannot change meaning.

    An all-null column has no type of its own; another width of the same kind is
    no news, nor is a number or moment of another kind whose values all fit (a
    few nulls make pandas turn integers into floats).
    """
    if before.type == now.type or Kind.NULL in (before.kind, now.kind):
        return None
    alike = (before.kind.numeric and now.kind.numeric) or (before.kind.temporal and now.kind.temporal)
    if alike and (fits or before.kind is now.kind):
        return None
    return Severity.TICKET if fits else Severity.PAGE


def unreadable(reason: str) -> Violation:
    """A file that could not be read at all; always blocks."""
    return _violation("unreadable", None, reason, "a readable file", Severity.PAGE).with_(
        origin=Origin.DECLARED, blocking=True
    )


def _violation(what: str, column: str | None, observed: str, expected: str, severity: Severity) -> Violation:
    return Violation(
        constraint="_".join(filter(None, ("schema", what, column))),
        column=column,
        columns=(column,) if column else (),
        statistic="schema",
        observed=f"{what}: {observed}",
        expected=expected,
        severity=severity,
        score=10.0,
        origin=Origin.LEARNED,
        blocking=False,
    )


def fitting(engine: Engine | Afar, relation: Relation, types: Mapping[str, str]) -> frozenset[str]:
    """The columns that have another type than ``types`` says, but whose every value survives the cast.

    One statement over those columns, none where all types agree.
    """
    doubtful = {c.name: types[c.name] for c in relation.schema if c.name in types and c.type != types[c.name]}
    empty = {c.name for c in relation.schema if c.kind is Kind.NULL and c.name in doubtful}
    ask = {name: kind for name, kind in doubtful.items() if name not in empty}
    lost = _lost(engine, relation, ask) if ask else {}
    return frozenset(empty | {name for name, count in lost.items() if count == 0})


def _lost(engine: Engine | Afar, relation: Relation, types: Mapping[str, str]) -> dict[str, int]:
    """How many values of each column would not survive a cast there and back."""
    original = {c.name: c.type for c in relation.schema}
    items = []
    for name, type_name in types.items():
        column = exp.column(name, quoted=True)
        there = exp.TryCast(this=column, to=exp.DataType.build(type_name, dialect="duckdb"))
        back = exp.TryCast(this=there, to=exp.DataType.build(original[name], dialect="duckdb"))
        changed = exp.and_(
            exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null())),
            exp.Or(
                this=exp.Is(this=there.copy(), expression=exp.Null()),
                expression=exp.NullSafeNEQ(this=back, expression=column.copy()),
            ),
        )
        items.append(exp.Count(this=exp.Case().when(changed, exp.Literal.number(1))))
    query = exp.select(*items).from_(engine.source(relation))
    return dict(zip(types, map(int, engine.run(query).rows()[0]), strict=True))
