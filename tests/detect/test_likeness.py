"""What is no news: zeros beside values near zero, sizes of names, records where records are wild, bursts as before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import pytest

from interlock import detect, profiles
from interlock.constraints.constraint import Violation
from interlock.detect.features import Array, Key
from interlock.detect.history import History
from interlock.detect.invariants import AFTER, Range, Rare
from interlock.detect.layout import Layout
from interlock.engines.duckdb import DuckDB
from interlock.names import Severity
from tests.detect.made import label

DAYS, ROWS = 70, 200
Made = Callable[[np.random.Generator], list[float]]
Change = Callable[[list[float]], None]


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as engine:
        yield engine


def _alarmed(engine: DuckDB, made: Made, today: Change) -> set[str]:
    """The statistics of ``a`` that alarm on a day changed by ``today``, after ten weeks of others."""
    return {v.statistic for v in _found(engine, made, today)}


def _found(engine: DuckDB, made: Made, today: Change) -> list[Violation]:
    """What alarms of ``a``."""

    def day(number: int, change: Change = lambda values: None) -> pd.DataFrame:
        rng = np.random.default_rng(number)
        values = made(rng)
        change(values)
        on = dt.date(2024, 1, 1) + dt.timedelta(days=number)
        whole = all(v == int(v) for v in values)
        return pd.DataFrame(
            {
                "day": on,
                "a": np.array(values, dtype=int if whole else float),
                "noise": rng.normal(size=len(values)),
            }
        )

    rows = (
        detect.Row(label(n), detect.features(profiles.compute(engine, engine.relation(day(n)))))
        for n in range(DAYS)
    )
    history = History.of(rows)
    found = detect.learn(history).judge(
        profiles.compute(engine, engine.relation(day(DAYS, today))), label(DAYS)
    )
    return [v for v in found if v.column == "a" and v.severity is not Severity.INFO]


def _set(value: float, rows: int) -> Change:
    def change(values: list[float]) -> None:
        values[:rows] = [value] * rows

    return change


# --- zero -------------------------------------------------------------------------------


def _near_zero(rng: np.random.Generator) -> list[float]:
    return list(rng.integers(1, 60, ROWS).astype(float))


def _far_from_zero(rng: np.random.Generator) -> list[float]:
    return list(rng.integers(40, 60, ROWS).astype(float))


def test_a_zero_beside_values_that_come_close_to_it_is_a_value_like_others(engine: DuckDB) -> None:
    assert "zeros" not in _alarmed(engine, _near_zero, _set(0.0, 2))


def test_many_zeros_are_news_there_too(engine: DuckDB) -> None:
    assert "zeros" in _alarmed(engine, _near_zero, _set(0.0, 20))


def test_a_few_zeros_far_from_all_values_are_news(engine: DuckDB) -> None:
    assert "zeros" in _alarmed(engine, _far_from_zero, _set(0.0, 3))


# --- numbers beyond all before --------------------------------------------------------------


def _few_counts(rng: np.random.Generator) -> list[float]:
    return list(rng.choice([0.0, 1.0, 2.0, 3.0, 4.0], ROWS, p=[0.5, 0.2, 0.15, 0.1, 0.05]))


def test_the_next_number_beyond_a_few_counts_is_no_new_code(engine: DuckDB) -> None:
    assert not _alarmed(engine, _few_counts, _set(5.0, 1))


def test_a_number_far_beyond_them_is_a_record(engine: DuckDB) -> None:
    assert "max" in _alarmed(engine, _few_counts, _set(9999.0, 1))


def test_a_new_code_is_told_without_the_record_beside_it(engine: DuckDB) -> None:
    def today(values: list[float]) -> None:
        values[:6] = [3.0] * 5 + [900.0]

    found = _found(engine, lambda rng: list(rng.choice([0.0, 1.0, 2.0, 4.0, 8.0], ROWS)), today)
    told = {v.statistic: v.observed for v in found}
    assert told["domain"] == "1 new value in 5 rows: '3'"
    assert "900" in told["max"]


def test_a_flag_that_is_neither_0_nor_1_is_a_new_code(engine: DuckDB) -> None:
    found = _alarmed(engine, lambda rng: list(rng.integers(0, 2, ROWS).astype(float)), _set(2.0, 3))
    assert "domain" in found


def _learned(extremes: Sequence[float], middle: float) -> tuple[Layout, Range, Array]:
    """What these largest values taught, and the middle of the column along the layout's keys."""
    layout = Layout()
    layout.extend([Key("", "rows"), Key("a", "nulls"), Key("a", "max"), Key("a", "min"), Key("a", "q50")])
    state, values = Range(5), np.full(5, np.nan)
    none, half = np.zeros(5, dtype=bool), np.full(5, middle)
    for extreme in extremes:
        values[layout.at[Key("a", "max")]] = extreme
        state.admit(values, ~none, none, half)
    return layout, state, half


def _range(extremes: list[float], middle: float) -> float:
    """The score of the last of these largest values, after the others were learned."""
    layout, state, half = _learned(extremes[:-1], middle)
    values, at = np.full(5, np.nan), layout.at[Key("a", "max")]
    values[at] = extremes[-1]
    return float(state.score(values, layout.places, half, np.zeros(5))[at])


def _limit(extremes: list[float], middle: float) -> float:
    layout, state, half = _learned(extremes, middle)
    return float(state.limits(half, np.zeros(5), layout.places)[1][layout.at[Key("a", "max")]])


@pytest.mark.parametrize("sigma", [0.1, 1.2], ids=["light", "heavy"])
def test_the_limit_of_a_record_is_where_it_would_alarm(sigma: float) -> None:
    amounts = list(np.random.default_rng(3).lognormal(5, sigma, 300))
    limit = _limit(amounts, 150.0)
    assert _range([*amounts, limit], middle=150.0) == pytest.approx(1.0)


def test_a_column_without_a_record_has_no_limit() -> None:
    assert _limit([0.0] * 20 + [3.0] + [0.0] * 20, middle=0.0) == np.inf


def test_a_column_that_was_rarely_anything_but_its_middle_has_no_record_to_break() -> None:
    sparse = [0.0] * 20 + [3.0] + [0.0] * 20
    assert _range([*sparse, 40.0], middle=0.0) == 0
    assert _range([0.0] * 40 + [40.0], middle=0.0) > 1  # it never was anything else
    assert _range([*sparse, *[3.0] * AFTER, 4000.0], middle=0.0) > 1


def test_a_record_of_a_heavy_tail_is_judged_by_factors() -> None:
    amounts = list(np.random.default_rng(3).lognormal(5, 1.2, 300))
    top = max(amounts)
    assert _range([*amounts, 2 * top], middle=150.0) < 1
    assert _range([*amounts, 30 * top], middle=150.0) > 1


# --- names and bursts -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["id", "store_id", "ZIP_CODE", "customerId", "orderID", "order key"])
def test_how_large_identifiers_are_has_no_baseline(name: str) -> None:
    assert not _compared(name)


@pytest.mark.parametrize("name", ["paid", "amount", "code_length", "idle", "keyboard", "Grid"])
def test_how_large_other_numbers_are_has_one(name: str) -> None:
    assert _compared(name)


def _compared(column: str) -> bool:
    layout = Layout()
    layout.extend([Key(column, "nulls"), Key(column, "q50")])
    assert layout.compared[0]  # a name that is missing is missing
    return bool(layout.compared[1])


def _burst(past: list[int], now: int) -> float:
    """How surprising so many broken rows of a thousand are."""
    state, watched = Rare(1), np.array([0])
    for count in past:
        state.admit(np.array([count / 1000]), np.array([1000.0]), watched)
    return float(state.surprise(np.array([now / 1000]), np.array([1000.0]), watched)[0])


def test_a_burst_is_less_of_a_surprise_where_rows_come_in_bursts() -> None:
    evenly, at_once = [2] * 100, ([0] * 9 + [20]) * 10
    assert _burst(evenly, 25) > 2 * _burst(at_once, 25) > 0
