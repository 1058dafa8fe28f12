"""The arithmetic behind the alerts benchmark: planting, equal false-alarm rates, paired intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.alerts import derived, faults
from benchmarks.alerts.catalogue import GROUPS, TABLES
from benchmarks.alerts.change import WAYS
from benchmarks.alerts.compare import Outcome, Trial, caught_at, differences, precision
from benchmarks.alerts.derived import Derived, differs, recomputed
from benchmarks.alerts.faults import KINDS, ROWS, Broken, Site
from benchmarks.alerts.methods import METHODS
from benchmarks.alerts.metrics import Metrics
from benchmarks.alerts.tables import TUNING, Table

DOUBLED = Derived("double", ("price",), lambda f, w: f["price"] * 2)


class Shop(Table):
    """A table whose partitions are at hand."""

    @property
    def types(self) -> dict[str, str]:  # type: ignore[override]
        return {
            "id": "BIGINT", "price": "DOUBLE", "double": "DOUBLE", "store": "VARCHAR", "sold": "TIMESTAMP",
        }  # fmt: skip


def _day(seed: int, rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    price = rng.uniform(1, 90, rows).round(2)
    store = rng.choice(["north", "south", "east"], rows, p=[0.5, 0.3, 0.2]).astype(object)
    sold = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 86_400, rows), unit="s")
    ids = np.arange(rows) + 1000.0 * seed
    return pd.DataFrame({"id": ids, "price": price, "double": 2 * price, "store": store, "sold": sold})


@pytest.fixture(scope="module")
def shop() -> Table:
    found = Shop("shop", "", TUNING, ("id",), ("store",), (), (DOUBLED,), bound=("price", "double"))
    found.__dict__["partitions"] = {f"2024-01-{d:02d}": _day(d) for d in range(1, 31)}
    return found


def _site(shop: Table, seed: int = 1) -> Site:
    frame = shop.partitions["2024-01-30"]
    distinct = {c: int(n) for c, n in frame.nunique().items()}
    return Site(shop, "2024-01-30", frame, np.random.default_rng(seed), distinct)


@pytest.mark.parametrize("strength", faults.STRENGTHS)
@pytest.mark.parametrize("name", KINDS)
def test_a_fault_changes_at_least_its_share_of_the_rows(
    shop: Table, name: tuple[str, str], strength: float
) -> None:
    found = KINDS[name](_site(shop), strength)
    if found is None or found.place == ROWS:
        return
    was = shop.partitions["2024-01-30"]
    changed = np.logical_or.reduce([differs(found.frame[c], was[c]) for c in found.columns])
    assert changed.mean() >= strength
    assert found.share == changed.mean()


def test_a_kind_that_finds_no_place_is_left_out_and_no_other(shop: Table) -> None:
    absent = {name for name, kind in KINDS.items() if kind(_site(shop), 0.05) is None}
    # nothing to fill, every day and month the same, nothing made from a time …
    direct = {("direct", "nulls filled"), ("direct", "day and month swapped"), ("upstream", "time zone +5 h")}
    texts = (
        "default 'unknown'",
        "letter case",
        "padding",
        "category merged",
    )  # … the only text is the source
    assert absent == direct | {("confined", name) for name in texts}


def test_the_same_seed_plants_the_same_fault(shop: Table) -> None:
    first, again = (KINDS["direct", "noise"](_site(shop), 0.2) for _ in range(2))
    assert isinstance(first, Broken)
    assert isinstance(again, Broken)
    pd.testing.assert_frame_equal(first.frame, again.frame)


def test_an_upstream_fault_reaches_what_is_made_from_the_column(shop: Table) -> None:
    found = KINDS["upstream", "unit ×100"](_site(shop), 0.2)
    assert found is not None
    assert found.columns == ("price",)
    assert set(found.touched) == {"price", "double"}
    assert np.allclose(found.frame["double"], 2 * found.frame["price"])


def test_a_confined_fault_stays_within_one_source(shop: Table) -> None:
    found = KINDS["confined", "nulls"](_site(shop), 0.05)
    assert found is not None
    (column,) = found.columns
    rows = found.frame[column].isna()
    assert found.frame.loc[rows, "store"].nunique() == 1


def test_only_rows_whose_source_changed_are_made_again() -> None:
    was = pd.DataFrame({"price": [1.0, 2.0, 3.0], "double": [2.0, 99.0, 6.0]})
    now = recomputed(was.assign(price=[1.0, 2.0, 30.0]), was, (DOUBLED,))
    assert now["double"].tolist() == [2.0, 99.0, 60.0]


def _made(column: str, of: tuple[Derived, ...], frame: pd.DataFrame) -> list[object]:
    (one,) = (d for d in of if d.column == column)
    return list(one.compute(frame, frame))


def test_a_band_begins_at_its_number_and_null_is_in_none() -> None:
    frame = pd.DataFrame({"height": [0.0, 1.0, 999.0, 1_000.0, 32_500.0, -5.0, np.nan]})
    bands = _made("height_band", derived.STRIKES, frame)
    assert bands == ["ground", "low", "low", "middle", "high", "ground", None]


def test_nothing_is_divided_by_zero() -> None:
    frame = pd.DataFrame({"sales_value": [3.0, 3.0, 0.0], "quantity": [2.0, 0.0, 0.0]})
    made = _made("unit_price", derived.GROCERIES, frame)
    assert made[0] == 1.5
    assert np.isnan(made[1:]).all()  # type: ignore[call-overload]


def test_a_lead_time_that_no_calendar_holds_is_cut() -> None:
    arrival = pd.Series(pd.to_datetime(["2017-05-01", "2017-05-01"]))
    frame = pd.DataFrame({"arrival_date": arrival, "lead_time": [30.0, 9e9]})
    soon, never = _made("booked_on", derived.HOTEL, frame)
    assert soon == pd.Timestamp("2017-04-01")
    assert never < pd.Timestamp("1900-01-01")  # type: ignore[operator]


def test_a_total_is_over_the_rows_of_its_invoice() -> None:
    frame = pd.DataFrame(
        {"invoice": ["A", "B", "A"], "amount": [1.25, 5.0, 2.5], "quantity": [1.0, 1.0, 1.0]}
    )
    assert _made("invoice_total", derived.RETAIL, frame) == [3.75, 5.0, 3.75]
    assert _made("invoice_lines", derived.RETAIL, frame) == [2.0, 1.0, 2.0]


def test_a_density_follows_the_people_on_the_same_area() -> None:
    was = pd.DataFrame({"population": [1_000.0, 500.0], "density": [4.0, 25.0]})
    (one,) = (d for d in derived.DENGUE if d.column == "density")
    assert list(one.compute(was, was)) == [4.0, 25.0]
    assert list(one.compute(was.assign(population=[2_000.0, 0.0]), was)) == [8.0, 0.0]


def test_a_car_that_left_before_it_came_charged_for_less_than_no_time() -> None:
    came, left = (pd.to_datetime([day, day]) for day in ("2019-05-01 08:00", "2019-05-01 16:30"))
    frame = pd.DataFrame({"arrived_at": came, "left_at": left, "expected_until": came})
    frame.loc[1, "left_at"] = pd.Timestamp("2019-05-01 07:00")
    assert _made("hours", derived.CHARGING, frame) == [8.5, -1.0]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_what_is_made_from_a_made_column_comes_after_it(table: Table) -> None:
    """Else a fault would reach the first and stop short of the second."""
    made = [d.column for d in table.derived]
    for at, one in enumerate(table.derived):
        assert not set(one.sources) & set(made[at:]), one.column


def test_nulls_in_both_are_no_difference() -> None:
    assert differs(pd.Series([1.0, np.nan, np.nan]), pd.Series([1.0, np.nan, 2.0])).tolist() == [
        False,
        False,
        True,
    ]


def test_every_way_keeps_the_rows_and_the_kind_of_a_column() -> None:
    values = {
        "number": pd.Series([1.5, 2.5, np.nan, 40.0]),
        "text": pd.Series(["Anna", None, "Bob", "Cy"], dtype=object),
        "moment": pd.Series(pd.to_datetime(["2024-03-04", None, "2024-01-02", "2024-05-06"])),
    }
    for way in WAYS.values():
        for kind in way.on:
            new = way.change(values[kind], np.random.default_rng(1))
            assert new.index.equals(values[kind].index)
            assert new.dtype.kind == values[kind].dtype.kind


# --- equal rates and intervals -----------------------------------------------------------


def test_the_threshold_lets_exactly_so_many_clean_partitions_alarm() -> None:
    clean = np.array([5.0, 1.0, 4.0, 2.0, 3.0])
    for alarms in range(5):
        assert caught_at(clean, clean, alarms).sum() == alarms


def test_with_no_false_alarm_allowed_a_fault_must_pass_every_clean_score() -> None:
    assert caught_at(np.array([1.0, 3.0]), np.array([2.0, 3.0, 3.1]), 0).tolist() == [0.0, 0.0, 1.0]


def test_ties_with_the_threshold_are_drawn_among_clean_and_broken_alike() -> None:
    clean = np.array([0.0, 0.0, 0.0, 0.0])
    assert caught_at(clean, np.array([0.0, 1.0]), 1).tolist() == [0.25, 1.0]


def _outcome(clean: np.ndarray, alarmed: np.ndarray, scores: np.ndarray, caught: np.ndarray) -> Outcome:
    return Outcome(clean, alarmed, scores, caught, caught, 1.0)


def test_a_method_differs_from_itself_by_nothing() -> None:
    rng = np.random.default_rng(1)
    clean, scores = rng.random(100), rng.random(200) + 0.5
    alarmed, caught = (clean > 0.97) * 1.0, (scores > 0.97) * 1.0
    limit = np.sort(clean)[::-1][int(alarmed.sum())]
    caught = (scores > limit) * 1.0
    one = {"t": _outcome(clean, alarmed, scores, caught)}
    found = differences(
        [Trial("t", np.repeat(np.arange(10), 20))], one, one, {"all": {"t": np.ones(200)}}, 1
    )["all"]
    assert found.ours == found.peer
    assert found.low <= 0 <= found.high
    assert not found.behind


def test_a_blind_method_is_significantly_behind_one_that_sees() -> None:
    rng = np.random.default_rng(2)
    clean, blind = rng.random(200), rng.random(300)
    ours = {"t": _outcome(clean, np.zeros(200), np.ones(300), np.ones(300))}
    theirs = {"t": _outcome(clean, np.zeros(200), blind, np.zeros(300))}
    trial = Trial("t", np.repeat(np.arange(15), 20))
    masks = {"all": {"t": np.ones(300)}, "half": {"t": np.repeat([1.0, 0.0], 150)}}
    ahead = differences([trial], ours, theirs, masks, 1)
    sees = {"t": _outcome(clean, np.zeros(200), np.full(300, 2.0), np.ones(300))}
    behind = differences([trial], theirs, sees, masks, 1)
    assert ahead["all"].low > 0.9
    assert (ahead["all"].faults, ahead["half"].faults) == (300, 150)
    assert behind["all"].behind


def test_precision_weighs_both_by_how_many_partitions_are_faulty() -> None:
    assert precision(recall=0.9, false_alarms=0.01, prevalence=0.05) == pytest.approx(0.045 / 0.0545)
    assert precision(recall=0.0, false_alarms=0.0, prevalence=0.05) == 0.0


# --- the other methods, and the lists ------------------------------------------------------


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_every_method_finds_a_column_gone_empty_and_calls_the_usual_usual(method: object) -> None:
    rng = np.random.default_rng(3)
    names = (("", "rows"), ("a", "completeness"), ("a", "mean"), ("b", "completeness"), ("b", "mean"))
    values = np.column_stack(
        [
            rng.normal(500, 20, 101),
            1 - rng.random(101) / 50,
            rng.normal(5, 1, 101),
            np.ones(101),
            rng.normal(9, 1, 101),
        ]
    )
    past, usual = Metrics(names, values[:100]), values[100].copy()
    usual[1:] = np.median(values[:100, 1:], axis=0)
    empty = usual.copy()
    empty[1] = 0.1
    found = method.judge(past, Metrics(names, np.vstack([usual, empty])))  # type: ignore[attr-defined]
    assert found.scores[1] >= 1 > found.scores[0]
    assert found.columns[1] == "a"


def test_every_table_is_in_one_group_and_says_why_days_are_not_clean() -> None:
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(TABLES)
    assert all(why for t in TABLES.values() for why in t.not_clean.values())
