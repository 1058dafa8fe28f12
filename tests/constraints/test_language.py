"""The engine's verdict equals the plain-Python reference, on random tables and random expressions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given

from interlock.constraints import compile, judge, language, parse
from interlock.constraints.emit import is_aggregate
from interlock.constraints.expression import Node
from interlock.constraints.parse import statement_of
from interlock.constraints.types import BOOLEAN
from interlock.errors import ExpressionRefused
from interlock.names import Outcome
from interlock.testing import expressions, reference, reference_aggregates
from tests.constraints.by_reference import EXAMPLES, RANDOM, by_the_reference, fill
from tests.constraints.place import NOW


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


def by_the_engine(
    sql: str, rows: list[dict[str, Any]], connection: duckdb.DuckDBPyConnection
) -> tuple[Outcome, int | None]:
    compiled = compile(parse(sql, expressions.COLUMNS), expressions.COLUMNS, now=NOW)
    items = ", ".join(check.sql("duckdb") for check in compiled.checks)
    values = connection.execute(f"SELECT {items} FROM t").fetchone()
    assert values is not None
    violation = judge(compiled, values, len(rows))
    return (violation.outcome, violation.rows) if violation else (Outcome.PASS, None)


@EXAMPLES
@given(random=RANDOM)
def test_the_engine_says_of_every_valid_expression_what_the_reference_says(
    random: Random, connection: duckdb.DuckDBPyConnection
) -> None:
    rows = expressions.table(random)
    fill(connection, rows)
    for _ in range(4):
        sql = expressions.expression(random)
        try:
            expected = by_the_reference(sql, rows)
        except ExpressionRefused:
            continue
        assert by_the_engine(sql, rows, connection) == expected, sql


@EXAMPLES
@given(random=RANDOM)
def test_what_is_valid_for_a_tables_columns_is_valid_before_they_are_known(random: Random) -> None:
    for _ in range(10):
        sql = expressions.expression(random)
        try:
            known = parse(sql, expressions.COLUMNS)
        except ExpressionRefused:
            continue
        assert parse(sql).level is known.level, sql


@EXAMPLES
@given(random=RANDOM)
def test_every_invalid_expression_is_refused(random: Random) -> None:
    sql = expressions.invalid(random)
    with pytest.raises(ExpressionRefused):
        parse(sql, expressions.COLUMNS)


def test_most_random_expressions_are_valid() -> None:
    random, valid = Random(7), 0
    for _ in range(300):
        with contextlib.suppress(ExpressionRefused):
            valid += statement_of(expressions.expression(random), expressions.COLUMNS) is not None
    assert valid > 240


def test_the_reference_knows_every_operation_of_the_language() -> None:
    known = {*reference._STRICT, *reference._LAZY, *reference._WITH_NULLS, *reference_aggregates.FUNCTIONS}
    assert set(language.OPERATIONS) - known == set()


def test_an_operation_is_an_aggregate_for_the_compiler_where_the_language_says_so() -> None:
    said = {name for name, operation in language.OPERATIONS.items() if operation.aggregate}
    made = {name for name in language.OPERATIONS if is_aggregate(Node(name, BOOLEAN))}
    assert said == made
    assert set(reference_aggregates.FUNCTIONS) - said == {"count", "count_rows", "count_distinct"}


@pytest.mark.parametrize(
    "sql",
    [
        "NOT p = q",
        "NOT p AND q",
        "p OR q AND NOT p",
        "NOT p IS NULL",
        "a = b IS NULL",
        "a + b * 2 > a - b",
        "a - b - 1 > 0",
        "-a * b > 0",
        "a BETWEEN 1 AND 2 = p",
        "NOT a IN (1, 2)",
        "s || 'x' = 'ax'",
        "a * -b > 0",
        "p = NOT q",
        "a < b OR p AND q",
        "a + 1 BETWEEN b - 1 AND b + 1 AND p",
        "-a::BIGINT > 0",
        "NOT s LIKE 'a%'",
        "p = a IN (1, 2)",
        "a % 3 * 2 = 0",
        "a * 2 % 3 = 0",
        "p AND q = p",
        "s || s LIKE 'aa%'",
        "p IS DISTINCT FROM q AND p",
    ],
)
def test_operators_bind_as_they_do_in_duckdb(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    from interlock.constraints.emit import Emitter
    from tests.constraints.place import schema

    columns = schema(a="INTEGER", b="INTEGER", p="BOOLEAN", q="BOOLEAN", s="VARCHAR")
    node = statement_of(sql, columns)
    assert isinstance(node, Node)
    ours = Emitter({c.name: c.type for c in columns}).value(node).sql("duckdb")
    different = connection.execute(
        f"""SELECT count(*) FROM (VALUES (1), (2), (-3), (0), (NULL)) AS x(a), (VALUES (1), (2), (-3), (7)) AS y(b),
            (VALUES (TRUE), (FALSE), (NULL)) AS u(p), (VALUES (TRUE), (FALSE), (NULL)) AS v(q),
            (VALUES ('a'), ('ab'), (NULL)) AS w(s) WHERE ({ours}) IS DISTINCT FROM ({sql})"""
    ).fetchone()
    assert different == (0,)
