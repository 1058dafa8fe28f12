"""Checked expressions as Spark's SQL, the same with ANSI mode on or off, in any session's time zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sqlglot import exp

from interlock.constraints.emit import Emitter, is_aggregate
from interlock.constraints.expression import Node
from interlock.constraints.spark.sql import bare, cast, fill
from interlock.constraints.spark.writers import SPARK_WRITERS
from interlock.constraints.sql import call
from interlock.engines.schema import Kind
from interlock.errors import ExpressionRefused

# What is refused on Spark: as it is written, and why.
REFUSED = {
    Kind.TIME: ("a time of day", "it has no type for it that is on by default; use a timestamp, or text"),
}


class SparkEmitter(Emitter):
    """Spark's SQL for one checked expression."""

    writers = SPARK_WRITERS
    lacks: ClassVar[Mapping[str, str]] = {
        "references": "a reference is not judged where the rows are: what is published lies elsewhere"
    }

    def value(self, node: Node) -> exp.Expression:
        if node.type.kind in REFUSED:
            written, why = REFUSED[node.type.kind]
            raise ExpressionRefused(f"{written} is refused on Spark: {why}")
        if node.type.kind is Kind.NULL:
            return call("max", cast(exp.Null(), "STRING")) if is_aggregate(node) else exp.Null()
        return super().value(node)

    def of_code(self, code: exp.Expression, outcomes: Sequence[exp.Expression]) -> exp.Expression:
        return call("get", call("array", *outcomes), code)

    def row(self, *values: exp.Expression) -> exp.Expression:
        return call("struct", *values)

    def in_utc(self, moment: exp.Expression) -> exp.Expression:
        return fill(
            "timestampadd(MICROSECOND, unix_micros(:moment), TIMESTAMP_NTZ'1970-01-01')", moment=moment
        )

    def column(self, name: str) -> exp.Expression:
        tree = exp.column(name, quoted=True)
        return cast(tree, "DOUBLE") if self.stored(name).upper() == "FLOAT" else tree

    @staticmethod
    def finish(tree: exp.Expression) -> exp.Expression:
        return bare(tree)
