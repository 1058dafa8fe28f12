"""What an engine says of rows is what DuckDB says of them: statistics and verdicts, on flights and random tables."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from sqlglot import exp

from interlock import constraints, settings
from interlock.constraints.judge import ROUNDING
from interlock.engines.duckdb import DuckDB
from interlock.engines.protocol import Afar, Engine, Relation
from interlock.engines.schema import Kind, Schema
from interlock.errors import ExpressionRefused
from interlock.incidents import flights
from interlock.names import Outcome
from interlock.profiles import ColumnProfile, Profile, compute
from interlock.profiles.statistics.spelling import SQUARED_MAX
from interlock.testing import expressions, tables

EXACT = ("nulls", "nans", "infinities", "zeros", "negatives", "min", "max", "length_min", "length_max")
SUMS = ("mean", "stddev", "length_mean")
RELATIVE = ROUNDING
_NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FLIGHTS_RULES = (
    "distance BETWEEN 10 AND 6000",
    "air_time > 0",
    "dep_delay < 1000",
    "carrier IN ('AA', 'B6', 'DL', 'EV', 'MQ', 'UA', 'US', 'WN')",
    "origin <> dest",
    "regexp_matches(tailnum, '^N[0-9]{1,5}[A-Z]{0,2}$')",
    "length(dest) = 3",
    "arr_time IS NOT NULL OR air_time IS NULL",
    "abs(arr_delay - dep_delay) < 120",
    "lower(carrier) <> carrier",
    "count(*) > 500",
    "avg(dep_delay) < 20",
    "count(DISTINCT dest) BETWEEN 20 AND 120",
    "sum(distance) > 0",
    "max(air_time) < 400",
    "unique(carrier, flight, origin)",
)


class AgreementConformance:
    """Inherit it and provide the fixture ``engine``; `tables` and `expressions` say how much is tried.

    ``unreadable`` are the kinds of columns that the engine has no type for.
    """

    tables = 25
    expressions = 12
    unreadable: tuple[Kind, ...] = ()

    @pytest.fixture
    def local(self) -> Iterator[DuckDB]:
        with DuckDB() as local:
            yield local

    @pytest.fixture
    def flights(self, tmp_path: Path) -> Path:
        """One day of flights, 843 rows."""
        path = tmp_path / "flights.parquet"
        day = f"SELECT * FROM read_parquet('{flights.path()}') WHERE day = '2013-01-02'"
        duckdb.connect().execute(f"COPY ({day}) TO '{path}' (FORMAT parquet)")
        return path

    # --- statistics -----------------------------------------------------------------

    def test_statistics_of_flights(self, engine: Afar, local: DuckDB, flights: Path) -> None:
        there, here = engine.relation(flights), local.relation(flights)
        key = list(flights_key(here))
        found, expected = compute(engine, there, key=key), compute(local, here, key=key)
        assert found.table == expected.table
        assert _differences(engine, found, expected, whole=True) == []

    def test_statistics_of_more_rows_than_a_sample_holds(
        self, engine: Afar, local: DuckDB, flights: Path
    ) -> None:
        there, here = engine.relation(flights), local.relation(flights)
        expected = compute(local, here, key=flights_key(here))
        with settings.override(exact_rows_max=300, sample_rows=200):
            found = compute(engine, there, key=flights_key(here))
            again = compute(engine, there, key=flights_key(here))
        assert found == again
        assert found.table["key_duplicates"] == expected.table["key_duplicates"]
        assert _differences(engine, found, expected, whole=False) == []
        delays = found.columns["dep_delay"]["quantiles"]
        assert _rank(local, here, "dep_delay", delays["0.5"]) == pytest.approx(0.5, abs=0.12)

    def test_statistics_of_random_tables(self, engine: Afar, local: DuckDB, tmp_path: Path) -> None:
        paths = itertools.count()

        @self._examples(self.tables)
        @given(tables.tables(self.unreadable))
        def agree(table: tuple[Schema, tables.Rows]) -> None:
            path = tables.written(*table, tmp_path / f"{next(paths)}.parquet")
            there, here = engine.relation(path), local.relation(path)
            expected = compute(local, here)
            assert _differences(engine, compute(engine, there), expected, whole=True) == []
            with settings.override(exact_rows_max=2, sample_rows=2):
                found = compute(engine, there)
            assert _differences(engine, found, expected, whole=expected.rows <= 2) == []

        agree()

    # --- verdicts -------------------------------------------------------------------

    def test_verdicts_on_flights(self, engine: Afar, local: DuckDB, flights: Path) -> None:
        there, here = engine.relation(flights), local.relation(flights)
        found, expected = _verdicts(engine, there, FLIGHTS_RULES), _verdicts(local, here, FLIGHTS_RULES)
        assert {s: f for s, f in found.items() if f[0] is Outcome.INCONCLUSIVE} == {}
        assert found == expected
        assert {outcome for outcome, _ in found.values()} == {Outcome.PASS, Outcome.FAIL}

    def test_verdicts_on_random_tables(self, engine: Afar, local: DuckDB, tmp_path: Path) -> None:
        paths, judged = itertools.count(), [0]

        @self._examples(self.tables)
        @given(tables.tables(self.unreadable), st.integers(0, 2**64 - 1).map(Random))
        def agree(table: tuple[Schema, tables.Rows], random: Random) -> None:
            path = tables.written(*table, tmp_path / f"{next(paths)}.parquet")
            there, here = engine.relation(path), local.relation(path)
            alike = {c.name for c in there.schema if c in here.schema}
            texts = _expressions(random, self.expressions, alike)
            refused = _refused(engine, there, texts)
            found, expected = _verdicts(engine, there, texts), _verdicts(local, here, texts)
            judged[0] += len(found) - len(refused)
            wrong = {
                t: (found[t], expected[t]) for t in texts if t not in refused and found[t] != expected[t]
            }
            assert wrong == {}

        agree()
        assert judged[0] > self.tables * self.expressions // 3

    def _examples(self, many: int) -> hypothesis.settings:
        """The same tables every time: what an engine does wrong, it does wrong for everybody."""
        return hypothesis.settings(
            max_examples=many,
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.generate,),  # each table costs statements, and a failing one is printed whole
            suppress_health_check=list(HealthCheck),
        )

    def test_the_rows_to_blame_are_the_same(self, engine: Afar, local: DuckDB, flights: Path) -> None:
        for text in ("dep_delay < 100", "unique(carrier, flight, origin)"):
            assert _failing(engine, engine.relation(flights), text) == _failing(
                local, local.relation(flights), text
            )


def flights_key(relation: Relation) -> tuple[str, ...]:
    names = {c.name for c in relation.schema}
    return tuple(c for c in flights.KEY if c in names)


def _differences(engine: Afar, found: Profile, expected: Profile, *, whole: bool) -> list[str]:
    """Statistics that differ beyond what an engine may: of a sample only what all rows were asked for."""
    if found.rows != expected.rows:
        return [f"{found.rows} rows instead of {expected.rows}"]
    wrong = []
    for name, column in expected.columns.items():
        one = found.columns[name]
        if one.column.kind is not column.column.kind:
            continue  # stored as another kind there
        wanted = set(column.values) - {"increasing", "decreasing"} if whole else {*EXACT, *SUMS}
        for statistic in sorted(wanted & set(column.values)):
            if not _same(statistic, one, column):
                wrong.append(f"{name}.{statistic}: {one[statistic]!r} instead of {column[statistic]!r}")
    return wrong


def _same(statistic: str, found: ColumnProfile, expected: ColumnProfile) -> bool:
    a, b = found[statistic], expected[statistic]
    if statistic not in SUMS or a is None or b is None:
        return a == b or (a is None and statistic in SUMS and _beyond(expected))
    size = (
        max(abs(float(expected[end] or 0)) for end in ("min", "max")) if statistic != "length_mean" else 0.0
    )
    return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=RELATIVE * size)


def _beyond(column: ColumnProfile) -> bool:
    return column.column.kind is Kind.FLOAT and any(
        abs(float(column[end] or 0)) >= SQUARED_MAX for end in ("min", "max")
    )


def _rank(local: DuckDB, relation: Relation, column: str, value: Any) -> float:
    share = exp.Var(this=f"avg(CASE WHEN {column} <= {value} THEN 1.0 ELSE 0.0 END)")
    condition = exp.column(column).is_(exp.null()).not_()
    return float(local.run(exp.select(share).from_(local.source(relation)).where(condition)).rows()[0][0])


def _expressions(random: Random, many: int, columns: set[str]) -> tuple[str, ...]:
    """Expressions over these columns only."""
    found: dict[str, None] = {}
    while len(found) < many:
        text = expressions.expression(random)
        with contextlib.suppress(ExpressionRefused):  # it says nothing about the data
            if set(constraints.parse(text).columns) <= columns:
                found[text] = None
    return tuple(found)


def _compiled(
    engine: Engine | Afar, relation: Relation, texts: tuple[str, ...]
) -> dict[str, constraints.Compiled]:
    emitter = constraints.EMITTERS[engine.name]
    return {
        text: constraints.compile(constraints.parse(text), relation.schema, now=_NOW, emitter=emitter)
        for text in texts
    }


def _refused(engine: Afar, relation: Relation, texts: tuple[str, ...]) -> set[str]:
    return {text for text, c in _compiled(engine, relation, texts).items() if c.inconclusive}


def _verdicts(
    engine: Engine | Afar, relation: Relation, texts: tuple[str, ...]
) -> dict[str, tuple[Outcome, int | None]]:
    """Of each expression the outcome, and how many rows break it."""
    compiled = _compiled(engine, relation, texts)
    constraints.provide(engine)
    checks = {text: c.checks for text, c in compiled.items() if c.checks}
    profile = compute(engine, relation, checks=checks, more=False)
    answers = {}
    for text, one in compiled.items():
        broken = constraints.judge(one, profile.checks.get(text, ()), profile.rows)
        answers[text] = (Outcome.PASS, None) if broken is None else (broken.outcome, broken.rows)
    return answers


def _failing(engine: Engine | Afar, relation: Relation, text: str) -> list[tuple[Any, ...]]:
    query = constraints.failing_rows(
        constraints.parse(text),
        relation.schema,
        engine.source(relation),
        flights.KEY,
        20,
        emitter=constraints.EMITTERS[engine.name],
    )
    return sorted(engine.run(query).rows())
