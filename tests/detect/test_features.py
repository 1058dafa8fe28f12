"""What of a profile is compared with history."""

from __future__ import annotations

import math

import numpy as np
import pytest

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
