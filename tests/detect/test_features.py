"""What of a profile is compared with history."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlock import detect
from interlock.detect.features import Family, Features, Key, features
from interlock.profiles.profile import Profile


def test_packing_and_unpacking_gives_the_same_features(flights_by_day: dict[str, Profile]) -> None:
    before = features(flights_by_day["2013-02-09"])
    after = Features.unpack(*before.pack())
    assert after.rows == before.rows
    assert after.keys == before.keys
    np.testing.assert_array_equal(after.values, before.values)
    np.testing.assert_array_equal(after.errors, before.errors)
    assert after.domains == before.domains


def test_a_key_survives_any_column_name() -> None:
    key = Key('a|"b"\n,é', "share", None, "x|y")
    assert Key.parse(key.text) == key


def test_a_share_knows_its_sampling_error(profiles_of) -> None:
    made = features(profiles_of("SELECT 1 AS part, i AS x FROM range(100) t(i)")["1"])
    at = made.keys.index(Key("x", "nulls"))
    assert made.values[at] == 0.0
    assert made.errors[at] == pytest.approx(1 / math.sqrt(100))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS part, NULL::INTEGER AS x",
        "SELECT 1 AS part, 'nan'::DOUBLE AS x FROM range(3)",
        "SELECT 1 AS part, unnest(['inf', '-inf', '1'])::DOUBLE AS x",
        "SELECT 1 AS part, [1, 2] AS x",
        "SELECT 1 AS part, 99999999999999999999.5::DECIMAL(38, 1) AS x",
        "SELECT 1 AS part, TIME '12:00' AS x",
        "SELECT 1 AS part, TIMESTAMPTZ '2020-01-01 00:00+02' AS x",
        "SELECT 1 AS part, 'é' AS \"sel ect\"",
    ],
)
def test_odd_columns_give_numbers_or_nothing_but_never_an_error(profiles_of, query: str) -> None:
    made = features(profiles_of(query)["1"])
    assert len(made.values) == len(made.errors) == len(made.keys)
    assert not np.isinf(made.values).any()


def test_every_feature_has_a_family(flights_by_day: dict[str, Profile]) -> None:
    assert {k.family for k in features(flights_by_day["2013-01-01"]).keys} == set(Family)


# --- a load of ever as many rows ---------------------------------------------------------------


def _alarming(profiles_of, past: list[int], then: list[int]) -> list[int]:
    """Which of the numbers `then` of rows alarm after days with those of `past`."""
    days = ", ".join(f"({day}, {n})" for day, n in enumerate([*past, *then]))
    vary = ", ".join(f"hash(day, i, {column}) % 1000 AS x{column}" for column in range(8))
    made = profiles_of(
        f"SELECT DATE '2024-01-01' + day AS part, {vary} FROM (VALUES {days}) t(day, n), range(n) r(i)"
    )
    labels = list(made)
    rows = (detect.Row(label, features(made[label])) for label in labels[: len(past)])
    learned = detect.learn(detect.History.of(rows))
    judged = (learned.judge(made[label], label) for label in labels[len(past) :])
    return [n for n, found in zip(then, judged, strict=True) if any(v.statistic == "rows" for v in found)]


def test_of_ever_as_many_rows_one_fewer_is_news(profiles_of) -> None:
    assert _alarming(profiles_of, [51] * 60, [48, 50, 51, 52, 54]) == [48, 50, 52, 54]
    assert _alarming(profiles_of, [51] * 10, [49, 50, 51, 52, 53]) == [49, 53]


def _panel(profiles_of, days: list[str]) -> list[list[str]]:
    """What is said, after the others, of the last days of a table that has a row for each of four stores each hour.

    A day is ``all``; ``late``, without its first hours, as when a clock is put forward; or ``lost``, without two rows.
    """
    rows = " UNION ALL ".join(
        f"SELECT {i} AS day, store, hour FROM range(4) s(store), range(24) h(hour) WHERE "
        + {"all": "true", "late": f"hour >= {1 + i % 3}", "lost": "(store, hour) NOT IN ((2, 17), (3, 5))"}[
            day
        ]
        for i, day in enumerate(days)
    )
    query = f"SELECT DATE '2024-01-01' + day::INT AS part, 's' || store AS store, hour FROM ({rows})"
    made = profiles_of(query, key=["store", "hour"])
    labels = list(made)
    learned = detect.learn(detect.History.of(detect.Row(n, features(made[n])) for n in labels[:-1]))
    return [[v.constraint, v.observed] for v in learned.judge(made[labels[-1]], labels[-1])]


def test_rows_missing_from_a_grid_are_news_whatever_the_number_of_rows(profiles_of) -> None:
    varied = ["all"] * 8 + ["late"] * 3
    (found,) = [v for v in _panel(profiles_of, [*varied * 6, "lost"]) if v[0] == "key_complete"]
    assert found[1] == "2 combinations, 2.1%: no row has these values of the key's columns"
    assert _panel(profiles_of, [*varied * 6, "all"]) == []


def test_a_grid_that_often_has_gaps_is_none(profiles_of) -> None:
    said = _panel(profiles_of, [*(["all", "lost"] * 20), "lost"])
    assert "key_complete" not in [name for name, _ in said]


def test_of_as_many_rows_as_ever_but_once_one_fewer_is_no_news(profiles_of) -> None:
    assert _alarming(profiles_of, [51] * 30 + [50] + [51] * 30, [50, 52]) == []


def test_of_one_number_of_rows_and_now_and_then_one_more_fewer_than_ever_are_news(profiles_of) -> None:
    """34 matches a part of a season, or 35: a count that is scheduled may vary a little."""
    past = ([34] * 20 + [35]) * 4
    assert _alarming(profiles_of, past, [32, 34, 35, 37]) == [32, 37]


def test_what_is_stated_of_a_scheduled_number_of_rows_is_where_it_alarms(profiles_of) -> None:
    counts = enumerate(([34] * 20 + [35]) * 4)
    days = ", ".join(f"({day}, {n})" for day, n in counts)
    made = profiles_of(
        f"SELECT DATE '2024-01-01' + day AS part, i AS x FROM (VALUES {days}) t(day, n), range(n) r(i)"
    )
    learned = detect.learn(detect.History.of(detect.Row(day, features(p)) for day, p in made.items()))
    (stated,) = [c.sql for c in learned.constraints if c.sql.startswith("count(*) BETWEEN")]
    low, high = (float(limit) for limit in stated.removeprefix("count(*) BETWEEN ").split(" AND "))
    assert 32 < low <= 34 < 35 <= high < 37


def test_a_number_of_rows_that_goes_up_and_down_is_not_held_to_its_record(profiles_of) -> None:
    past = np.exp(np.random.default_rng(11).normal(4, 0.4, 120)).astype(int).tolist()
    assert _alarming(profiles_of, past, [min(past) // 3, 2 * max(past)]) == []


def test_a_record_of_rows_that_come_by_chance_is_no_schedule(profiles_of) -> None:
    drawn = np.random.default_rng(11).poisson(51, 120).tolist()
    assert _alarming(profiles_of, drawn, [min(drawn) - 2, max(drawn) + 2]) == []


def test_rows_that_come_by_chance_are_not_held_to_one_row(profiles_of) -> None:
    drawn = np.random.default_rng(7).poisson(51, 60).tolist()
    within = list(range(51 - 14, 51 + 15))  # two standard deviations
    assert _alarming(profiles_of, drawn, [*within, 5]) == [5]


def test_the_error_of_a_row_count_is_one_row_and_never_more_than_a_quarter_of_chance(profiles_of) -> None:
    made = profiles_of("SELECT n AS part FROM (VALUES (4), (51), (10000)) t(n), range(n) r(i)")
    errors = {
        n: f.errors[f.keys.index(Key("", "rows"))] for n, f in ((n, features(p)) for n, p in made.items())
    }
    assert errors == pytest.approx({"4": 0.25 / 2, "51": 1 / 51, "10000": 1 / 10_000})


# --- how sure a spread is ----------------------------------------------------------------------


def test_a_spread_that_one_row_makes_is_not_sure(profiles_of) -> None:
    made = profiles_of(
        "SELECT part, random() + CASE WHEN part = 'far' AND i = 0 THEN 500 ELSE 0 END AS x "
        "FROM (VALUES ('even'), ('far')) p(part), range(1000) r(i)"
    )
    even, far = (features(made[part]) for part in ("even", "far"))
    at = even.keys.index(Key("x", "stddev"))
    assert even.errors[at] == pytest.approx(1.5 / 1000**0.5)
    assert far.errors[at] == pytest.approx(0.5, rel=0.01)  # of the logarithm: the most a single row can make
