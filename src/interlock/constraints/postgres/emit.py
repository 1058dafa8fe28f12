"""Checked expressions as PostgreSQL's SQL, and the functions that it calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import ClassVar

from sqlglot import exp

from interlock.constraints.emit import Emitter, is_aggregate
from interlock.constraints.expression import Node
from interlock.constraints.letters import changed
from interlock.constraints.postgres.sql import SCHEMA, by_code_point, cast, ours
from interlock.constraints.postgres.writers import POSTGRES_WRITERS
from interlock.constraints.sql import call, number, paren, text
from interlock.engines.schema import Kind
from interlock.errors import ExpressionRefused

# What is refused on PostgreSQL: as it is written, and why.
REFUSED = {
    "fmod": ("a remainder (%) of floats", "it has no such operator; CAST both sides to DECIMAL"),
}

SESSION = "pg_temp"  # the schema of a session's own functions


def functions(schema: str = SCHEMA) -> str:
    """The statements that make the functions, in a schema, over those that are there."""
    return re.sub(rf"\b{SCHEMA}\.", f"{schema}.", _functions())


def _functions() -> str:
    written = resources.files(__package__).joinpath("functions.sql").read_text(encoding="utf-8")
    for name, other in (("lower", str.lower), ("upper", str.upper)):
        before, after = changed(other)
        written = written.replace(f":{name}_from", _quoted(before)).replace(f":{name}_to", _quoted(after))
    return written


def _quoted(characters: str) -> str:
    return exp.Literal.string(characters).sql("postgres")


class PostgresEmitter(Emitter):
    """PostgreSQL's SQL for one checked expression. ``row`` qualifies its columns (``NEW`` in a trigger)."""

    writers = POSTGRES_WRITERS

    def __init__(self, stored: dict[str, str], *, row: str | None = None) -> None:
        super().__init__(stored)
        self._row = row

    def value(self, node: Node) -> exp.Expression:
        if node.op in REFUSED:
            written, why = REFUSED[node.op]
            raise ExpressionRefused(f"{written} is refused on PostgreSQL: {why}")
        if node.type.kind is Kind.NULL:
            return call("max", cast(exp.Null(), "TEXT")) if is_aggregate(node) else exp.Null()
        return super().value(node)

    def of_code(self, code: exp.Expression, outcomes: Sequence[exp.Expression]) -> exp.Expression:
        ifs = [exp.If(this=number(i), true=outcome) for i, outcome in enumerate(outcomes)]
        return exp.Case(this=paren(code), ifs=ifs)

    def in_utc(self, moment: exp.Expression) -> exp.Expression:
        return paren(exp.AtTimeZone(this=paren(moment), zone=text("UTC")))

    def column(self, name: str) -> exp.Expression:
        tree: exp.Expression = exp.column(name, table=self._row, quoted=True)
        if self._row is not None:
            tree.set("table", exp.to_identifier(self._row, quoted=False))
        stored = self._stored.get(name, "").upper()
        if stored == "NUMERIC":
            return ours("as_float", tree)
        if stored == "FLOAT":
            return cast(tree, "DOUBLE PRECISION")
        if stored == "VARCHAR" or stored.startswith("ENUM") or stored == "UUID":
            return by_code_point(cast(tree, "TEXT"))
        return tree


class SessionEmitter(PostgresEmitter):
    """`PostgresEmitter` for a session that judges: functions are temporary, so nothing need be installed."""

    lacks: ClassVar[Mapping[str, str]] = {
        "references": "a reference is not judged where the rows are: what is published lies elsewhere"
    }

    @staticmethod
    def finish(tree: exp.Expression) -> exp.Expression:
        for node in tree.find_all(exp.Anonymous):
            name = str(node.this)
            if name.startswith(f"{SCHEMA}."):
                node.set("this", SESSION + name.removeprefix(SCHEMA))
        return tree
