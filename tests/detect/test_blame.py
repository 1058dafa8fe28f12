"""Which column is at fault where what several have to do with each other is broken, or still holds."""

from __future__ import annotations

import pytest

from interlock.detect import blame, wording
from interlock.profiles.dependency import Dependency, Form

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
