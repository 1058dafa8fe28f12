"""A planted fault changes what it says, in as many rows as it says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

import interlock
from interlock import detect, profiles, settings
from interlock.backtest import faults, plant
from interlock.engines.duckdb import DuckDB
from interlock.profiles.profile import Profile
from tests.backtest.conftest import ROWS

SITE = plant.Site(("id",), (), frozenset({"day"}))
AT = 30


@pytest.fixture(scope="module", params=[{}, {"counted_rows_max": -1}], ids=["small", "large"])
def limits(request: pytest.FixtureRequest) -> dict[str, int]:
    """With which a partition is small, and one statement profiles many faults, or large, and each takes its own."""
    made: dict[str, int] = request.param
    return made


@pytest.fixture(scope="module")
def cases(limits: dict[str, int], files: list[Path]) -> list[plant.Case]:
    with DuckDB() as engine, settings.override(**limits):
        clean, rng = _profile(engine, files[AT], "id"), np.random.default_rng(0)
        return plant.cases(engine, SITE, files[AT], files[AT - 1], clean, rng)


def _broken(files: list[Path], fault: faults.Fault) -> list[tuple[object, ...]]:
    """The clean rows beside the broken ones: place, then each column's two values."""
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE VIEW interlock_rows AS SELECT *, file_index, file_row_number FROM '{files[AT]}'"
        )
        connection.execute(
            f"CREATE VIEW interlock_before AS SELECT *, file_index, file_row_number FROM '{files[AT - 1]}'"
        )
        columns = [c for c, *_ in connection.sql(f"DESCRIBE FROM '{files[AT]}'").fetchall()]
        pairs = ", ".join(f'a."{c}" IS DISTINCT FROM b."{c}" AS "{c}"' for c in columns)
        return connection.sql(
            f"SELECT {pairs} FROM interlock_rows a JOIN ({fault.select}) b USING (file_row_number)"
        ).fetchall()


def test_every_kind_is_planted_where_there_is_a_column_for_it(cases: list[plant.Case]) -> None:
    kinds = {c.fault.kind for c in cases}
    assert kinds >= {k.name for k in faults.VALUES}
    assert kinds >= {"duplicated", "truncated", "category lost", "swapped", "shuffled", "frozen column"}
    assert not any("day" in c.fault.columns for c in cases)


def test_a_fault_of_a_strength_changes_that_share_of_rows_in_its_column_only(
    cases: list[plant.Case], files: list[Path], orders: interlock.Table
) -> None:
    names = [c.name for c in orders.profile(orders.partitions()[AT].label).schema]
    valued = [c.fault for c in cases if c.fault.strength is not None and c.fault.columns]
    assert len(valued) >= 25
    for fault in valued:
        changed = np.array(_broken(files, fault), dtype=bool).sum(axis=0)
        wanted = round((fault.strength or 0) * ROWS)
        assert {n: int(k) for n, k in zip(names, changed, strict=True) if k} == {fault.columns[0]: wanted}, (
            fault
        )


def test_faults_in_the_rows_change_their_number(cases: list[plant.Case]) -> None:
    for case in cases:
        if case.fault.kind == "duplicated":
            assert case.profile.rows == ROWS + round((case.fault.strength or 0) * ROWS)
            assert case.profile.table["key_duplicates"] == case.profile.rows - ROWS
        if case.fault.kind == "truncated":
            assert case.profile.rows == ROWS - round((case.fault.strength or 0) * ROWS)
        if case.fault.kind == "category lost":
            assert case.profile.rows < ROWS


def test_a_fault_is_profiled_as_a_file_of_its_rows_would_be(
    limits: dict[str, int], cases: list[plant.Case], files: list[Path], tmp_path: Path
) -> None:
    """Only whole numbers are wider: a load that is a hundred times too large does not fit the old type.

    And whether a column of a large partition has few values is known before a fault is planted in it.
    """
    with duckdb.connect() as connection, DuckDB() as engine, settings.override(**limits):
        connection.execute(
            f"CREATE VIEW interlock_rows AS SELECT *, file_index, file_row_number FROM '{files[AT]}'"
        )
        connection.execute(
            f"CREATE VIEW interlock_before AS SELECT *, file_index, file_row_number FROM '{files[AT - 1]}'"
        )
        few = detect.features(_profile(engine, files[AT], "id")).domains.keys()
        for i, case in enumerate(cases):
            file = tmp_path / f"{i}.parquet"
            query = f"SELECT * EXCLUDE (file_index, file_row_number) FROM ({case.fault.select})"
            if case.fault.kind.startswith("unit"):
                continue
            connection.execute(f"COPY ({query}) TO '{file}'")
            written = detect.features(_profile(engine, file, "id"))
            seen = detect.features(case.profile)
            assert seen.keys == written.keys
            np.testing.assert_allclose(seen.values, written.values, rtol=1e-9, err_msg=str(case.fault))
            assert {c: seen.domains.get(c) for c in few} == {c: written.domains.get(c) for c in few}


def _profile(engine: DuckDB, file: Path, *key: str) -> Profile:
    return profiles.compute(engine, engine.relation(str(file)), key=key)


@pytest.mark.parametrize("rows", [1, 2, 7, 400, 1_000])
def test_a_visit_meets_every_row_once(rows: int) -> None:
    for seed in range(20):
        step, start = faults.visits(rows, np.random.default_rng(seed))
        assert sorted((i * step + start) % rows for i in range(rows)) == list(range(rows))


def test_odd_types_and_values_that_do_not_fit_are_passed_over(tmp_path: Path) -> None:
    query = (
        "SELECT i::UBIGINT + 18446744073709551000 AS top, i::HUGEINT * 10 AS wide, i::DECIMAL(38, 2) AS exact,"
        " [i] AS nested, i::VARCHAR::BLOB AS raw, NULL AS nothing, i::FLOAT AS f, i % 2 = 0 AS yes,"
        ' \'é\' || i AS "odd "" name" FROM range(200) t(i)'
    )
    with duckdb.connect() as connection, DuckDB() as engine:
        connection.execute(f"COPY ({query}) TO '{tmp_path}/odd.parquet'")
        file = tmp_path / "odd.parquet"
        profile = _profile(engine, file)
        made = plant.cases(engine, plant.Site(), file, None, profile, np.random.default_rng(0))
    assert {"nulls", "default 0", "letter case", "duplicated"} <= {c.fault.kind for c in made}
    assert not any(c.fault.kind == "sign flipped" and c.fault.columns == ("top",) for c in made)
