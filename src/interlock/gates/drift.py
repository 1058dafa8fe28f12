"""Schema drift: columns added, missing or retyped, each a violation with its own words."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.constraints.constraint import Violation
from interlock.engines.schema import Column, Kind, Schema
from interlock.names import Origin, Severity

# A change from one kind to another that keeps every value.
WIDENING = {
    (Kind.INTEGER, Kind.INTEGER),
    (Kind.FLOAT, Kind.FLOAT),
    (Kind.DECIMAL, Kind.DECIMAL),
}


def violations(table: Schema | None, data: Schema, problem: str | None = None) -> Iterator[Violation]:
    """What of ``data`` differs from what the ``table`` holds; nothing for a new table.

    ``problem`` says why the data cannot be stored beside what is there.
    """
    if problem is not None:
        yield _violation("incompatible", None, problem, "a type that fits the table", Severity.PAGE)
    if table is None:
        return
    before = {c.name: c for c in table}
    now = {c.name: c for c in data}
    for name in before.keys() - now.keys():
        yield _violation("missing", name, "no such column", before[name].type, Severity.PAGE)
    for name in now.keys() - before.keys():
        yield _violation("added", name, now[name].type, "no such column", Severity.TICKET)
    for name in before.keys() & now.keys():
        if retyped(before[name], now[name]):
            yield _violation("retyped", name, now[name].type, before[name].type, Severity.PAGE)


def retyped(before: Column, now: Column) -> bool:
    """Whether the type changed in a way that can change meaning.

    An all-null column has no type of its own, and another width of the same
    kind of number is no news.
    """
    if before.type == now.type or Kind.NULL in (before.kind, now.kind):
        return False
    return (before.kind, now.kind) not in WIDENING


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
