"""A verdict says of random data and random constraints what a plain-Python reading of them says."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import given, settings

import interlock
from interlock.constraints import parse
from interlock.errors import ExpressionRefused
from interlock.names import Outcome
from interlock.settings import override
from interlock.testing import expressions
from tests.constraints.by_reference import EXAMPLES, RANDOM, by_the_reference, fill

AT_ONCE = 12  # constraints of one table, all counted in the profile's pass
SIZES = ({}, {"counted_rows_max": -1, "exact_rows_max": -1})


@pytest.mark.parametrize("limits", SIZES, ids=["counted", "aggregated"])
@settings(EXAMPLES, max_examples=15)  # each opens a workspace
@given(random=RANDOM)
def test_a_verdict_says_what_the_reference_says(
    limits: dict[str, int], random: Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = expressions.table(random)
    expected: dict[str, tuple[str, tuple[Outcome, int | None]]] = {}
    for _ in range(AT_ONCE):
        sql = expressions.expression(random)
        with contextlib.suppress(ExpressionRefused):
            expected[parse(sql, expressions.COLUMNS).name] = sql, by_the_reference(sql, rows)
    folder = tmp_path_factory.mktemp("reference")
    with override(**limits), interlock.open(folder / "workspace") as ws:
        t = ws.table("t").require(*(sql for sql, _ in expected.values()))
        verdict = t.check(written(rows, folder), "today")
    found = {v.constraint: (v.outcome, v.rows) for v in verdict.violations}
    for name, (sql, answer) in expected.items():
        assert found.pop(name, (Outcome.PASS, None)) == answer, sql
    assert not found
    outcomes = {outcome for _, (outcome, _) in expected.values()}
    worst = next((o for o in (Outcome.FAIL, Outcome.INCONCLUSIVE) if o in outcomes), Outcome.PASS)
    assert verdict.outcome is (worst if expected else Outcome.INCONCLUSIVE)


def written(rows: list[dict[str, object]], folder: Path) -> Path:
    with duckdb.connect() as connection:
        fill(connection, rows)
        connection.execute(f"COPY t TO '{folder / 'data.parquet'}'")
    return folder / "data.parquet"
