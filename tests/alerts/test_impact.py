"""How much an alert matters, by the models that read what broke."""

from __future__ import annotations

import pytest

from interlock.alerts import impact
from interlock.alerts.impact import Harm, Hit


def hit(importance: float = 0.4, **more: object) -> Hit:
    return Hit("delay", "flights", ("dep_time",) if importance else (), importance, **more)  # type: ignore[arg-type]


def test_without_a_model_the_order_is_that_of_scores() -> None:
    scores = [1.0, 1.1, 2.5, 20.0, 44.0]
    ranks = [impact.rank(s, impact.of(())) for s in scores]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
    assert all(0 < r < 1 for r in ranks)


def test_what_no_known_model_reads_comes_last_and_stays() -> None:
    assert impact.of([hit(0.0)]) == impact.UNREAD
    assert impact.rank(1.0, impact.of([hit(0.4)])) > impact.rank(44.0, impact.of([hit(0.0)])) > 0


def test_the_importance_of_every_model_that_is_hit_adds_up() -> None:
    assert impact.of([hit(0.4), Hit("eta", "flights", ("dep_time",), 0.3)]) == pytest.approx(0.7)


def test_measured_harm_speaks_instead_of_importance() -> None:
    lost = hit(0.01, harm=Harm("2013-10-22", loss=300.0, usual=100.0, clean=100.0))
    assert impact.of([lost]) == pytest.approx(2.0)
    harmless = hit(0.9, harm=Harm("2013-10-22", loss=90.0, usual=100.0, clean=80.0))
    assert impact.of([harmless]) == impact.UNREAD


def test_harm_that_does_not_pass_through_the_broken_columns_counts_half() -> None:
    beside = Harm("2013-10-22", loss=300.0, usual=100.0, clean=300.0)
    assert (beside.total, beside.through, beside.relative) == (200.0, 0.0, 1.0)


def test_a_model_that_usually_loses_nothing_has_a_finite_harm() -> None:
    assert impact.of([hit(harm=Harm("d", 5.0, 0.0, 0.0))]) == impact.MOST


def test_of_several_partitions_the_worst_is_kept() -> None:
    first, second = (hit(harm=Harm(d, loss, 100.0, 100.0)) for d, loss in (("d1", 300.0), ("d2", 150.0)))
    assert impact.merged([first], [second]) == (first,)
    assert impact.merged([second], [first]) == (first,)


@pytest.mark.parametrize("one", [hit(), hit(0.0), hit(harm=Harm("d", 3.0, 2.0, 1.0)), hit(problem="no rows")])
def test_it_is_stored_and_read_again(one: Hit) -> None:
    assert impact.from_dict(one.to_dict()) == one
