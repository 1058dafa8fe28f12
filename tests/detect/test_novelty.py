"""New values are news where the domain is closed, and none where new ones keep coming."""

from __future__ import annotations

from interlock import detect
from interlock.detect.novelty import Domain
from tests.detect.conftest import Profiler


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


def _after_news(days: int) -> Domain:
    """A hundred usual days; then so many that each brought two rows of a value of its own, and alarmed."""
    domain = _domain([{"A": 60, "B": 40}] * 100)
    for day in range(days):
        domain.admit({"A": 60, "B": 38, f"typo{day}": 2}, alarmed=True)
    return domain


def test_values_that_alarmed_on_a_few_days_do_not_make_others_likelier() -> None:
    new = {"A": 60, "B": 38, "unknown": 2}
    before = _after_news(0).score_new(new)
    assert [_after_news(days).score_new(new) >= before for days in (1, 2, 3)] == [True] * 3


def test_values_that_alarmed_on_many_days_do() -> None:
    new = {"A": 60, "B": 38, "unknown": 2}
    assert _after_news(10).score_new(new) < 1 <= _after_news(0).score_new(new)


def test_a_value_that_alarmed_is_known_from_then_on() -> None:
    assert _after_news(1).score_new({"A": 60, "B": 38, "typo0": 2}) == 0


def test_what_was_doubted_is_copied_with_a_domain_and_not_shared() -> None:
    first = _after_news(1)
    second = first.copy()
    second.admit({"A": 60, "C": 1}, alarmed=True)
    assert (first.doubted, first.doubts) == (["typo0"], 1)
    assert (second.doubted, second.doubts) == (["typo0", "C"], 2)


def _new(profiles_of: Profiler, then: list[str], accepted: str | None = None) -> list[bool]:
    """Whether each day, after a hundred of two values, alarms of a new value in three of its hundred rows."""
    odd = "CASE " + " ".join(f"WHEN day = {100 + i} THEN '{v}'" for i, v in enumerate(then)) + " ELSE 'A' END"
    kind = f"CASE WHEN i >= 97 THEN {odd} WHEN i % 2 = 0 THEN 'A' ELSE 'B' END"
    made = profiles_of(
        f"SELECT DATE '2024-01-01' + day::INT AS part, {kind} AS kind "
        f"FROM range({100 + len(then)}) d(day), range(100) r(i)"
    )
    rows = [detect.Row(day, detect.features(p), trusted=day == accepted) for day, p in made.items()]
    found = []
    for at in range(100, len(rows)):
        said = detect.learn(detect.History.of(rows[:at])).judge(made[rows[at].label], rows[at].label)
        found.append(any(v.statistic == "domain" for v in said))
    return found


def test_a_table_goes_on_alarming_of_new_values_after_a_day_that_brought_one(profiles_of: Profiler) -> None:
    assert _new(profiles_of, ["x", "y", "z"]) == [True, True, True]


def test_new_values_that_a_person_trusted_show_that_others_may_come(profiles_of: Profiler) -> None:
    assert _new(profiles_of, ["x", "y"], accepted="2024-04-10") == [True, False]
