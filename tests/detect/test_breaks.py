"""Rows that break what held: how loud that is, which column is named, and how long it stays news."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock import detect, profiles
from interlock.constraints.constraint import Violation
from interlock.detect import memory
from interlock.detect.calibration import Breaks, Evidence
from interlock.detect.history import History
from interlock.detect.invariants import AFTER
from interlock.engines.duckdb import DuckDB
from interlock.profiles.profile import Profile

ROWS = 300
SUMS = [("net", "tax", "total"), ("net", "fee", "paid"), ("net", "tip", "due")]
SCORES = st.lists(st.floats(0.0, 3.0), max_size=200)


# --- thresholds from past breaks ----------------------------------------------------------


@given(past=SCORES, share=st.floats(1e-4, 0.5))
def test_the_threshold_of_breaks_is_never_above_what_the_odds_say(past: list[float], share: float) -> None:
    assert 0.0 < Breaks(np.array(past)).exceeded(share) <= 1.0


@given(past=SCORES, more=st.integers(0, 400), share=st.floats(1e-4, 0.5))
def test_clean_partitions_only_ever_lower_it(past: list[float], more: int, share: float) -> None:
    before, after = Breaks(np.array(past)), Breaks(np.array([*past, *[0.0] * more]))
    assert after.exceeded(share) <= before.exceeded(share)


@given(past=SCORES, score=st.floats(0.0, 3.0))
def test_a_share_beyond_is_a_share_and_falls_with_the_score(past: list[float], score: float) -> None:
    made = Breaks(np.array(past))
    assert 0.0 <= made.share_beyond(score + 0.5) <= made.share_beyond(score) <= 1.0


def test_it_falls_as_the_past_grows_and_rises_where_breaks_are_usual() -> None:
    by_length = [Breaks(np.zeros(n)).exceeded(1 / 450) for n in (0, 30, 365)]
    assert by_length == sorted(by_length, reverse=True) and by_length[-1] < by_length[0]
    usual = Breaks(np.array([0.0, 0.6] * 180)).exceeded(1 / 450)
    assert by_length[-1] < 0.6 < usual <= 1.0


# --- a table with relations between its columns ---------------------------------------------


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as engine:
        yield engine


def _label(day: int) -> str:
    return (dt.date(2024, 1, 1) + dt.timedelta(days=day)).isoformat()


def _day(day: int) -> dict[str, np.ndarray]:
    """Whole cents, so that a total is the sum of its parts exactly; fees and tips have nothing to do with them."""
    rng = np.random.default_rng(day)
    net, tax, fee, tip = (rng.integers(100, 900, ROWS) for _ in range(4))
    return {
        "net": net, "tax": tax, "total": net + tax, "fee": fee, "tip": tip, "paid": net + fee, "due": net + tip,
    }  # fmt: skip


def _profiled(engine: DuckDB, history: History, rows: dict[str, np.ndarray]) -> Profile:
    relation = engine.relation(pl.DataFrame(rows))
    asked = detect.asked(history.watch() if history.rows else None, engine, relation)
    return profiles.compute(engine, relation, dependencies=asked)


def _append(engine: DuckDB, history: History, day: int, rows: dict[str, np.ndarray]) -> History:
    return history.append(_label(day), detect.features(_profiled(engine, history, rows)))


def _judged(engine: DuckDB, history: History, day: int, rows: dict[str, np.ndarray]) -> list[Violation]:
    return detect.learn(history).judge(_profiled(engine, history, rows), _label(day))


def _broken(violations: list[Violation]) -> list[Violation]:
    return [v for v in violations if v.statistic == "dependency"]


@pytest.fixture(scope="module")
def past(engine: DuckDB) -> History:
    history = History.of([])
    for day in range(40):
        history = _append(engine, history, day, _day(day))
    return history


def _shifted(day: int, column: str, rows: int) -> dict[str, np.ndarray]:
    """The column's values of the first rows moved on by one row: each value still is one of its own."""
    made = _day(day)
    moved = made[column].copy()
    moved[:rows] = np.roll(moved[:rows], 1)
    return {**made, column: moved}


def test_a_clean_day_breaks_nothing(engine: DuckDB, past: History) -> None:
    assert _broken(_judged(engine, past, 41, _day(41))) == []


@pytest.mark.parametrize("column", ["net", "tax", "total", "paid", "tip"])
def test_a_column_whose_rows_were_shuffled_is_named_first(engine: DuckDB, past: History, column: str) -> None:
    found = _broken(_judged(engine, past, 41, _shifted(41, column, ROWS)))
    relations = {frozenset(v.columns) for v in found}
    assert relations and all(column in v.columns for v in found), relations
    if column == "net":  # three sums hold it, any other column stands in one
        assert {frozenset(c) for c in SUMS} <= relations
        assert {v.column for v in found} == {"net"}


def test_one_broken_row_is_found_and_counted_once_enough_rows_kept_to_it(
    engine: DuckDB, past: History
) -> None:
    history = past
    for day in range(40, 200):
        history = _append(engine, history, day, _day(day))
    rows = _day(200)
    rows["total"] = rows["total"].copy()
    rows["total"][7] += 1
    found = [
        v for v in _broken(_judged(engine, history, 200, rows)) if set(v.columns) == {"net", "tax", "total"}
    ]
    assert found and all(v.rows == 1 and v.score >= 1 for v in found)


def test_before_seven_partitions_nothing_is_said(engine: DuckDB) -> None:
    history = History.of([])
    for day in range(AFTER - 1):
        history = _append(engine, history, day, _day(day))
    assert _judged(engine, history, AFTER, _shifted(AFTER, "net", ROWS)) == []


def test_what_lasts_for_five_partitions_is_no_news_any_more(engine: DuckDB, past: History) -> None:
    history, loud = past, []
    for day in range(40, 52):
        rows = _shifted(day, "tax", ROWS)
        loud.append(bool(_broken(_judged(engine, history, day, rows))))
        history = _append(engine, history, day, rows)
    assert loud[:5] == [True] * 5
    assert not any(loud[-4:])


def test_once_fixed_the_relation_is_not_alarmed_about(engine: DuckDB, past: History) -> None:
    history = _append(engine, past, 40, _shifted(40, "tax", ROWS))
    assert _broken(_judged(engine, history, 41, _day(41))) == []
    assert _broken(_judged(engine, history, 41, _shifted(41, "tax", ROWS)))


def test_a_watch_is_remembered_with_what_is_loud_and_what_broke(engine: DuckDB, past: History) -> None:
    history = past
    for day in (40, 41):
        history = _append(engine, history, day, _shifted(day, "tax", ROWS))
    watch = history.watch()
    assert max(watch.loud_for.values()) == 2 and any(watch.broken[Evidence.HELD])
    restored, count = memory.load(memory.dump(watch, history.rows), history.rows) or (None, 0)
    assert restored is not None and count == len(history.rows)
    assert (restored.loud_for, restored.broken) == (watch.loud_for, watch.broken)
    assert restored.dependencies == watch.dependencies
    assert restored.strictness == watch.strictness
    rows = _shifted(42, "tax", ROWS)
    remembered = History(history.rows, history.memory())
    assert _judged(engine, remembered, 42, rows) == _judged(engine, history, 42, rows)
