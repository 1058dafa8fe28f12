"""From a checked expression to SQL that cannot fail.

Engines differ in when they evaluate, reorder and skip, so an error that merely
happens to be raised decides nothing here. Everything that could fail is
written so that it gives NULL instead, and whether it *did* fail is an
expression of its own (`Emitter.error`).

Where a boolean can fail, it is a code: 0 false, 1 error, 2 NULL, 3 true. AND is
then the least code; NOT swaps 0 and 3; OR follows by De Morgan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from sqlglot import exp

from interlock.constraints.expression import Node
from interlock.constraints.language import OPERATIONS
from interlock.constraints.sql import (
    any_of,
    call,
    cast,
    is_null,
    not_null,
    number,
    paren,
)
from interlock.constraints.writers import WRITERS, Writer, in_calendar, options
from interlock.engines.schema import Kind
from interlock.errors import ExpressionRefused

FALSE, ERROR, NULL, TRUE = range(4)
_CONNECTIVES = ("and", "or", "not")
_NODES_MAX = 50_000  # SQL nodes of one constraint; doubling inside nested branches must end somewhere


class Emitter:
    """DuckDB's SQL for one checked expression. What another engine writes otherwise it overrides."""

    writers: ClassVar[Mapping[str, Writer]] = WRITERS
    lacks: ClassVar[Mapping[str, str]] = {}  # kinds of constraints that the engine cannot judge, and why

    def __init__(self, stored: dict[str, str]) -> None:
        self._stored = stored  # column → its type as the engine writes it
        self._fallible: dict[int, bool] = {}
        self._made = 0

    @staticmethod
    def finish(tree: exp.Expression) -> exp.Expression:
        """What was written, as it is handed to the engine."""
        return tree

    def value(self, node: Node) -> exp.Expression:
        """The value; NULL or anything where `error` is true."""
        self._made += 1
        if self._made > _NODES_MAX:
            raise ExpressionRefused(
                "too many things that can fail inside each other's branches", hint="split the constraint"
            )
        if node.op in _CONNECTIVES and self.fallible(node):
            return self.of_code(self.code(node), [exp.false(), exp.Null(), exp.Null(), exp.true()])
        writer = self.writers.get(node.op)
        if writer is not None:
            return writer(self, node)
        return call(node.op, *(self.value(a) for a in node.args), *options(node))

    def fallible(self, node: Node) -> bool:
        """Can evaluating it fail for any value?"""
        known = self._fallible.get(id(node))
        if known is None:
            known = node.op in _GUARDS and _GUARDS[node.op](self, node) is not None
            known = known or (node.op not in _AGGREGATES and any(self.fallible(a) for a in node.args))
            self._fallible[id(node)] = known
        return known

    def error(self, node: Node) -> exp.Expression | None:
        """A boolean, never NULL: did evaluating it fail? None where it cannot."""
        if not self.fallible(node) or node.op in _AGGREGATES:
            return None
        if node.op in _CONNECTIVES:
            return exp.EQ(this=self.code(node), expression=number(ERROR))
        if node.op == "case":
            return self._case_error(node)
        if node.op == "coalesce":
            return self._coalesce_error(node)
        guard = _GUARDS[node.op](self, node) if node.op in _GUARDS else None
        return any_of(*(self.error(a) for a in node.args), guard)

    def _case_error(self, node: Node) -> exp.Expression:
        *branches, default = node.args
        ifs: list[exp.Expression] = []
        for condition, result in zip(branches[::2], branches[1::2], strict=True):
            failed = self.error(condition)
            if failed is not None:
                ifs.append(exp.If(this=failed, true=exp.true()))
            ifs.append(exp.If(this=self.value(condition), true=self.error(result) or exp.false()))
        return exp.Case(ifs=ifs, default=self.error(default) or exp.false())

    def _coalesce_error(self, node: Node) -> exp.Expression:
        ifs: list[exp.Expression] = []
        for arg in node.args:
            failed = self.error(arg)
            if failed is not None:
                ifs.append(exp.If(this=failed, true=exp.true()))
            ifs.append(exp.If(this=not_null(self.value(arg)), true=exp.false()))
        return exp.Case(ifs=ifs, default=exp.false())

    def code(self, node: Node) -> exp.Expression:
        """0 false, 1 error, 2 NULL, 3 true."""
        self._made += 1
        if node.op in _CONNECTIVES and self.fallible(node):
            if node.op == "not":
                return self._flip(self.code(node.args[0]))
            codes = [self.code(a) for a in node.args]
            if node.op == "and":
                return call("least", *codes)
            return self._flip(call("least", *map(self._flip, codes)))
        ifs = []
        failed = self.error(node)
        if failed is not None:
            ifs.append(exp.If(this=failed, true=number(ERROR)))
        ifs.append(exp.If(this=is_null(self.value(node)), true=number(NULL)))
        ifs.append(exp.If(this=self.value(node), true=number(TRUE)))
        return exp.Case(ifs=ifs, default=number(FALSE))

    def violated(self, node: Node) -> exp.Expression:
        """True where a row breaks it: false, or failed. NULL is no violation."""
        if not self.fallible(node):
            return exp.Not(this=paren(self.value(node)))
        return exp.LTE(this=self.code(node), expression=number(ERROR))

    def of_code(self, code: exp.Expression, outcomes: Sequence[exp.Expression]) -> exp.Expression:
        """The outcome that stands at the place a code says, from 0."""
        places = exp.Array(expressions=list(outcomes))
        return call("list_extract", places, exp.Add(this=code, expression=number(1)))

    def in_utc(self, moment: exp.Expression) -> exp.Expression:
        """A moment with a zone as a timestamp in UTC."""
        return call("make_timestamp", call("epoch_us", moment))

    def row(self, *values: exp.Expression) -> exp.Expression:
        """Several values as one, to be counted where they are different."""
        return call("row", *values)

    def _flip(self, code: exp.Expression) -> exp.Expression:
        return self.of_code(code, [number(TRUE), number(ERROR), number(NULL), number(FALSE)])

    def stored(self, name: str) -> str:
        """The type of a column as the schema has it; empty where it has none."""
        return self._stored.get(name, "")

    def column(self, name: str) -> exp.Expression:
        tree = exp.column(name, quoted=True)
        stored = self.stored(name).upper()
        if stored in ("FLOAT", "REAL", "FLOAT4"):
            return cast(tree, "DOUBLE")
        if stored.startswith("ENUM") or stored == "UUID":
            return cast(tree, "VARCHAR")
        if stored in ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
            return cast(tree, "TIMESTAMP", safe=True)
        return tree


# --- what can fail ----------------------------------------------------------------------

Guard = Callable[[Emitter, Node], exp.Expression | None]


def _zero_divisor(e: Emitter, node: Node) -> exp.Expression | None:
    divisor = node.args[1]
    if divisor.op == "literal" and divisor.value:
        return None
    left, right = node.args
    zero = exp.EQ(this=paren(e.value(right)), expression=number(0))
    return call("coalesce", paren(exp.And(this=zero, expression=not_null(e.value(left)))), exp.false())


def _lost(e: Emitter, node: Node) -> exp.Expression | None:
    """A cast that has no value where its argument has one."""
    (arg,) = node.args
    kinds = (arg.type.kind, node.type.kind)
    if node.op == "convert" and kinds not in (
        (Kind.DATE, Kind.TIMESTAMP),
        (Kind.TIMESTAMPTZ, Kind.TIMESTAMP),
    ):
        return None
    if kinds[0] is kinds[1] and kinds[0] not in (Kind.INTEGER, Kind.DECIMAL):
        return None
    if Kind.FLOAT is kinds[1] and kinds[0] is not Kind.TEXT:
        return None
    if Kind.TEXT is kinds[1]:
        return None
    return paren(exp.And(this=is_null(e.value(node)), expression=not_null(e.value(arg))))


def _outside_calendar(e: Emitter, node: Node) -> exp.Expression | None:
    moment = e.value(node.args[0])
    inside = call("coalesce", in_calendar(e.value(node)), exp.false())
    return paren(exp.And(this=not_null(moment), expression=exp.Not(this=inside)))


_GUARDS: dict[str, Guard] = {
    "//": _zero_divisor,
    "%": _zero_divisor,
    "cast": _lost,
    "convert": _lost,
    "shift": _outside_calendar,
    "date_trunc": _outside_calendar,
}

_AGGREGATES = {name for name, operation in OPERATIONS.items() if operation.aggregate}
_AGGREGATES |= {"count_rows", "count", "count_distinct"}


def is_aggregate(node: Node) -> bool:
    return node.op in _AGGREGATES
