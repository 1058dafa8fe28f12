"""How far sampling alone moves a quantile: by its density, by a gap beside it, and no finer than the values lie."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.detect import quantiles

RANKS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def _errors(values: list[float], known: int = 10_000, distinct: float = 10_000.0) -> dict[str, float]:
    measured = quantiles.errors(RANKS, np.array([values]), np.array([known]), np.array([distinct]))
    return {name: float(errors[0]) for name, _, errors in measured}


def test_an_even_column_has_the_asymptotic_error_of_its_median_and_at_least_a_fiftieth_of_its_width() -> None:
    assert _errors([*RANKS], known=100)["50"] == pytest.approx(0.05)
    assert _errors([*RANKS])["50"] == pytest.approx(0.02 * 0.9)


def test_few_values_leave_gaps_that_a_quantile_may_jump() -> None:
    assert _errors([*RANKS], distinct=14.0)["50"] == pytest.approx(0.9 * 0.7 / 14)


def test_beside_a_gap_a_standard_error_of_the_rank_is_followed_across_it() -> None:
    gap = _errors([0.0, 0.0, 0.0, 0.0, 100.0, 100.0, 100.0], known=100, distinct=1e9)
    assert gap["50"] == pytest.approx(0.05 / 0.25 * 100.0)
    assert gap["05"] == pytest.approx(2.0)  # on the flat side nothing but the width


def test_a_quantile_without_its_neighbours_is_not_told() -> None:
    measured = quantiles.errors((0.25, 0.5, 0.75), np.ones((2, 3)), np.array([9, 9]), np.array([99.0, 99.0]))
    assert [name for name, _, _ in measured] == ["50"]


def test_each_column_is_measured_as_if_it_were_alone() -> None:
    values, known = np.array([[*RANKS], [x**3 for x in RANKS]]), np.array([50, 5_000])
    together = [e for _, _, e in quantiles.errors(RANKS, values, known, np.array([1e3, 1e3]))]
    alone = [_errors(list(v), n, 1e3) for v, n in zip(values, (50, 5_000), strict=True)]
    assert [[float(e[i]) for e in together] for i in (0, 1)] == [list(one.values()) for one in alone]
