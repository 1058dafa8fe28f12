"""Random tables and expressions, and what a plain-Python reading of the language says of them."""

from __future__ import annotations

from random import Random
from typing import Any

import duckdb
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from interlock.constraints.constraint import Level
from interlock.constraints.expression import Node
from interlock.constraints.parse import level_of, statement_of
from interlock.constraints.sql import literal
from interlock.constraints.types import of_column
from interlock.names import Outcome
from interlock.testing import expressions, reference

RANDOM = st.integers(0, 2**64 - 1).map(Random)
# A failing example is printed whole; shrinking the seed of a generator would only find another one.
EXAMPLES = settings(
    max_examples=100,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)


def fill(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(f'"{c.name}" {c.type}' for c in expressions.COLUMNS)
    connection.execute(f"CREATE OR REPLACE TABLE t ({columns})")
    for row in rows:
        values = (literal(row[c.name], of_column(c)).sql("duckdb") for c in expressions.COLUMNS)
        connection.execute(f"INSERT INTO t VALUES ({', '.join(values)})")


def by_the_reference(sql: str, rows: list[dict[str, Any]]) -> tuple[Outcome, int | None]:
    """The outcome, and how many rows break it where rows do."""
    node = statement_of(sql, expressions.COLUMNS)
    assert isinstance(node, Node)
    if level_of(node) is Level.ROW:
        broken = reference.rows_answer(node, rows).broken
        return (Outcome.FAIL, broken) if broken else (Outcome.PASS, None)
    answer = reference.partition_answer(node, rows)
    if answer.failed:
        return Outcome.FAIL, answer.failed
    if answer.broken or answer.value is False:
        return Outcome.FAIL, None
    return (Outcome.INCONCLUSIVE if answer.value is None else Outcome.PASS), None
