"""Which column is at fault where what several have to do with each other is broken, or still holds."""

from __future__ import annotations

import pytest

from interlock import detect
from interlock.detect import blame, wording
from interlock.profiles.dependency import Dependency, Form
from tests.detect.conftest import Profiler

PLACES = {"price": 0, "quantity": 1, "revenue": 2, "revenue_usd": 3, "at": 4, "hour": 5}


def _sources(*dependencies: Dependency) -> dict[str, set[str]]:
    return {made: set(of) for made, of in blame.sources(dependencies, PLACES.__getitem__).items()}


@pytest.mark.parametrize(
    ("dependency", "found"),
    [
        (Dependency(Form.LINEAR, ("revenue", "revenue_usd"), (0.9, 0.0, 0.01)), {"revenue_usd": {"revenue"}}),
        (
            Dependency(Form.PRODUCT, ("revenue", "price", "quantity"), (1.0, 0.01)),
            {"revenue": {"price", "quantity"}},
        ),
        (Dependency(Form.PART, ("hour", "at"), ("hour",)), {"hour": {"at"}}),
        (Dependency(Form.MAPPED, ("price", "quantity"), ("a", 1.0)), {"price": {"quantity"}}),
        (Dependency(Form.DETERMINES, ("at", "quantity", "price")), {"price": {"at", "quantity"}}),
        (Dependency(Form.EMPTY, ("revenue", "at")), {"at": {"revenue"}}),
        (Dependency(Form.ORDER, ("price", "revenue")), {}),
        (Dependency(Form.ALIKE, ("price", "revenue"), (1.0, 2.0)), {}),
    ],
)
def test_what_a_column_is_made_from_is_read_off_what_holds(
    dependency: Dependency, found: dict[str, set[str]]
) -> None:
    assert _sources(dependency) == found


def test_of_two_that_follow_from_each_other_the_first_is_the_source_by_either_name() -> None:
    there, back = (Dependency(Form.DETERMINES, pair) for pair in (("price", "revenue"), ("revenue", "price")))
    found = blame.sources((there, back), PLACES.__getitem__)
    assert found == {"revenue": {"price": frozenset({wording.dependency(there), wording.dependency(back)})}}


def test_what_holds_speaks_for_its_columns_but_a_form_of_one_column_for_nobody() -> None:
    assert blame.cleared(Dependency(Form.EQUAL, ("price", "revenue"))) == ("price", "revenue")
    assert blame.cleared(Dependency(Form.EMPTY, ("price", "revenue"))) == ("price",)
    assert blame.cleared(Dependency(Form.WHOLE, ("at",), ("minute",))) == ()


# --- what speaks against a column below the alarm ------------------------------------------------

DAYS, ROWS = 40, 200
DOUBLE = Dependency(Form.LINEAR, ("b", "a"), (2.0, 0.0, 1e-6))
TREBLE = Dependency(Form.LINEAR, ("c", "a"), (3.0, 0.0, 1e-6))


def _suspicion(profiles_of: Profiler, a: str, b: str, c: str) -> blame.Suspicion:
    """Of the day after ``DAYS`` on which b = 2·a and c = 3·a, with its columns made by these expressions."""
    made = profiles_of(
        f"""SELECT DATE '2024-01-01' + day::INT AS part, CASE WHEN day < {DAYS} THEN x ELSE {a} END AS a,
               CASE WHEN day < {DAYS} THEN 2 * x ELSE {b} END AS b,
               CASE WHEN day < {DAYS} THEN 3 * x ELSE {c} END AS c
            FROM (SELECT day, i, (50 + hash(day, i) % 40)::DOUBLE AS x
                  FROM range({DAYS + 1}) d(day), range({ROWS}) r(i))""",
        dependencies=(DOUBLE, TREBLE),
    )
    *past, today = made
    learned = detect.learn(detect.History.of(detect.Row(day, detect.features(made[day])) for day in past))
    return learned.suspicion(made[today], today)


def test_of_a_column_whose_relations_all_broke_more_is_suspected_than_of_those_it_has_to_do_with(
    profiles_of: Profiler,
) -> None:
    found = _suspicion(profiles_of, "CASE WHEN i < 20 THEN x + 3 ELSE x END", "2 * x", "3 * x").relations
    assert found["a"] > found["b"] == found["c"] > 0


def test_a_relation_that_holds_speaks_for_its_columns(profiles_of: Profiler) -> None:
    found = _suspicion(profiles_of, "x", "CASE WHEN i < 20 THEN 2 * x + 4 ELSE 2 * x END", "3 * x").relations
    assert found["b"] > found["a"] > found["c"] == 0


def test_of_two_columns_of_a_broken_relation_the_one_is_suspected_that_is_odd_in_itself(
    profiles_of: Profiler,
) -> None:
    found = _suspicion(profiles_of, "x", "CASE WHEN i < 16 THEN 130 ELSE 2 * x END", "3 * x").own
    assert 1 >= found["b"] > max(found["a"], found["c"])


def test_where_nothing_broke_no_relation_speaks_against_anything(profiles_of: Profiler) -> None:
    found = _suspicion(profiles_of, "x", "2 * x", "3 * x")
    assert not found.relations
    assert max(found.own.values()) < 1
