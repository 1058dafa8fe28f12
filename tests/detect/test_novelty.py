"""New values are news where the domain is closed, and none where new ones keep coming."""

from __future__ import annotations

from interlock.detect.novelty import Domain


def _domain(days: list[dict[str, int]]) -> Domain:
    domain = Domain()
    for day in days:
        domain.admit(day)
    return domain


def test_a_new_value_in_a_closed_domain_alarms() -> None:
    domain = _domain([{"A": 60, "B": 40}] * 60)
    assert domain.score_new({"A": 60, "B": 35, "a": 5}) >= 1
    assert domain.score_new({"A": 60, "B": 40}) == 0


def test_new_values_come_as_the_partition_has_them_in_every_process() -> None:
    new = {f"v{i}": i for i in range(50)}
    assert list(_domain([{"A": 60}] * 30).unseen({"A": 60, **new}).items()) == list(new.items())


def test_a_single_row_is_weak_evidence_after_a_short_history() -> None:
    domain = _domain([{"A": 60, "B": 40}] * 10)
    assert domain.score_new({"A": 60, "B": 39, "C": 1}) < 1


def test_new_values_are_usual_where_every_day_brings_some() -> None:
    domain = _domain([{f"user{i * 10 + k}": 1 for k in range(10)} for i in range(40)])
    assert domain.score_new({f"user{400 + k}": 1 for k in range(10)}) < 1


def test_a_value_of_every_day_that_is_gone_alarms() -> None:
    domain = _domain([{"A": 60, "B": 40, "C": 1}] * 60)
    assert domain.score_gone({"A": 60, "C": 1})["B"] >= 1
    assert domain.score_gone({"A": 60, "B": 40})["C"] < 1
    assert domain.score_gone({"A": 3, "B": 2}).get("A") is None


def test_below_seven_partitions_nothing_is_said() -> None:
    assert _domain([{"A": 1}] * 6).score_new({"B": 500}) == 0


def test_a_domain_without_end_is_given_up() -> None:
    domain = _domain([{f"{i}-{k}": 1 for k in range(100)} for i in range(30)])
    assert domain.open
    assert domain.score_new({"x": 1}) == 0


def test_a_value_that_stayed_out_is_known_when_it_comes_for_the_third_time() -> None:
    domain, usual, new = _domain([{"A": 60}] * 30), {"A": 60}, {"A": 40, "B": 20}
    for _ in range(2):
        domain.recur(new)
        domain.recur(new)  # days in a row are one time
        domain.admit(usual)
        assert domain.score_new(new) >= 1
    domain.recur(new)
    assert domain.score_new(new) == 0
    assert domain.score_new({"A": 40, "C": 20}) >= 1


def test_the_more_domains_go_on_showing_new_values_the_less_one_says() -> None:
    growing = _domain([{"A": 60, f"once {day}": 1} if day % 20 == 0 else {"A": 60} for day in range(60)])
    closed = _domain([{"A": 60, "B": 40}] * 60)
    assert growing.score_new({"A": 60, "x": 5}, looks=50) < growing.score_new({"A": 60, "x": 5})
    assert closed.score_new({"A": 60, "x": 1}, looks=50) == closed.score_new({"A": 60, "x": 1}) > 0
