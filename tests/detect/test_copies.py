"""The same data under another label: a load that ran for the wrong date."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from interlock import detect, profiles
from interlock.detect import copies, memory
from interlock.detect.history import History
from interlock.detect.invariants import SETTLES
from interlock.detect.watch import Watch
from interlock.engines.duckdb import DuckDB
from interlock.profiles.profile import Profile
from tests.detect.made import label

COPIED = "copied"


@pytest.fixture(scope="module")
def engine() -> DuckDB:
    return DuckDB()


def orders(day: int, rows: int = 40) -> pd.DataFrame:
    """A day's orders, different from any other's."""
    rng = np.random.default_rng(day)
    return pd.DataFrame(
        {
            "day": dt.date(2024, 1, 1) + dt.timedelta(days=day),
            "price": rng.gamma(2.0, 10.0, rows).round(2),
            "quantity": rng.integers(1, 9, rows),
            "city": rng.choice(["Rome", "Oslo", "Lima"], rows),
            "paid_at": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(day * 86_400 + rng.integers(0, 86_400, rows), "s"),
        }
    )


def under(day: int, frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(day=dt.date(2024, 1, 1) + dt.timedelta(days=day))


def profiled(engine: DuckDB, frame: pd.DataFrame) -> Profile:
    return profiles.compute(engine, engine.relation(frame))


def learned(engine: DuckDB, frames: list[pd.DataFrame]) -> History:
    found = enumerate(detect.features(profiled(engine, f)) for f in frames)
    return History.of(detect.Row(label(day), one) for day, one in found)


def told(engine: DuckDB, history: History, frame: pd.DataFrame) -> list[str]:
    """What is said of a partition that is a copy."""
    found = detect.learn(history).judge(profiled(engine, frame), label(len(history.rows)))
    return [v.observed for v in found if v.statistic == COPIED]


@pytest.fixture(scope="module")
def history(engine: DuckDB) -> History:
    return learned(engine, [orders(day) for day in range(30)])


@pytest.mark.parametrize("back", [1, 7, 28])
def test_an_earlier_partition_under_this_ones_date_is_named(
    engine: DuckDB, history: History, back: int
) -> None:
    (said,) = told(engine, history, under(30, orders(30 - back)))
    assert said == f"all 40 rows are those of {label(30 - back)}, under another label"


def test_rows_in_another_order_are_the_same_data(engine: DuckDB, history: History) -> None:
    assert told(engine, history, under(30, orders(12).sample(frac=1.0, random_state=1)))


def test_other_data_are_none(engine: DuckDB, history: History) -> None:
    assert not told(engine, history, orders(30))
    assert not told(engine, history, under(30, pd.concat([orders(12)[:-1], orders(30)[:1]])))


def test_what_is_too_little_to_tell_partitions_apart_by_has_no_digest(engine: DuckDB) -> None:
    def digest(frame: pd.DataFrame) -> str | None:
        return copies.digest(detect.features(profiled(engine, frame)))

    assert digest(orders(1)) is not None
    assert digest(orders(1, rows=5)) is None
    assert digest(orders(1)[["day", "quantity", "city"]]) is None, "two columns of several values"
    assert digest(orders(1).assign(price=1.0, quantity=2)) is None


def test_a_list_that_seldom_changes_may_come_again(engine: DuckDB) -> None:
    frames = [under(day, orders(day // 3)) for day in range(30)]
    assert not told(engine, learned(engine, frames), under(30, orders(29 // 3)))


def test_a_table_that_repeats_itself_from_the_beginning_may_go_on(engine: DuckDB) -> None:
    frames = [under(day, orders(day % 2)) for day in range(8)]
    assert not told(engine, learned(engine, frames[:7]), frames[7])


def test_a_source_that_stands_still_alarms_for_some_days_and_then_is_known(engine: DuckDB) -> None:
    frames = [orders(day) for day in range(30)] + [under(30 + day, orders(29)) for day in range(10)]
    alarmed = [
        day for day in range(30, 40) if told(engine, learned(engine, frames[:day]), under(day, frames[day]))
    ]
    assert alarmed == list(range(30, 30 + SETTLES + 1))


def test_copies_a_person_can_read_about(engine: DuckDB, history: History) -> None:
    """One alert, whatever else is odd about a day that is another's."""
    from interlock import alerts

    one = profiled(engine, under(30, orders(3)))
    found = detect.learn(history)
    violations = tuple(found.judge(one, label(30)))
    (alert,) = alerts.group(violations, table="orders", label=label(30), learned=found, profile=one)
    assert alert.kind == COPIED
    assert alert.title.startswith(
        f"orders@{label(30)}: the load is a copy: all 40 rows are those of {label(3)}"
    )
    assert len(alert.violations) == len(violations) > 1, "its moments are old too"


def test_what_came_is_remembered_by_the_next_process(history: History) -> None:
    restored = memory.load(memory.dump(history.watch(), history.rows), history.rows)
    assert restored is not None
    assert vars(restored[0].copies) == vars(history.watch().copies)
    assert len(restored[0].copies.first) == 30


def test_judging_teaches_nothing(engine: DuckDB, history: History) -> None:
    watch: Watch = history.watch()
    before = dict(watch.copies.first)
    told(engine, history, orders(77))
    assert watch.copies.first == before
