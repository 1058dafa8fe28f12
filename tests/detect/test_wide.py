"""Wide tables: what a decision costs is counted, not timed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.wide import table
from interlock import alerts, detect
from interlock.detect import learned, odds, violations
from interlock.detect.expected import Expected
from interlock.detect.invariants import Apart, Order
from interlock.names import partition_time
from interlock.profiles.profile import Profile

COLUMNS, DAYS = 60, 40


@pytest.fixture(scope="module")
def base() -> Profile:
    return table.profile(COLUMNS)


@pytest.fixture(scope="module")
def known(base: Profile) -> detect.Learned:
    return detect.learn(detect.History.of(table.year(base, DAYS)))


def test_a_clean_day_is_quiet_and_broken_columns_are_named(base: Profile, known: detect.Learned) -> None:
    today = table.on(base, DAYS)
    assert [v.constraint for v in known.judge(today, table.label(DAYS)) if v.score >= 2] == []
    broken = {v.column for v in known.judge(table.broken(today, 5), table.label(DAYS))}
    assert len(broken & {c for c in today.columns if c.startswith(("amount", "count"))}) == 5


def test_the_features_of_a_partition_are_taken_once_for_its_verdict_and_its_alerts(
    base: Profile, known: detect.Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Profile] = []

    def counted(profile: Profile) -> detect.Features:
        taken.append(profile)
        return detect.features(profile)

    monkeypatch.setattr(learned, "features", counted)
    today = table.broken(table.on(base, DAYS), 8)
    fresh = detect.learn(known.history)
    found = fresh.judge(today, table.label(DAYS))
    alerts.group(found, table="t", label=table.label(DAYS), learned=fresh, profile=today)
    assert len(taken) == 1
    assert fresh.judge(table.on(base, DAYS), table.label(DAYS)) != found, "another profile is another answer"


def test_columns_are_compared_one_by_one_only_where_they_may_be_swapped(
    base: Profile, known: detect.Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = list(base.columns)
    watch = known.watch.copy()
    today = detect.features(table.broken(table.on(base, DAYS), 20))
    seen = Expected(watch, watch.observe(table.label(DAYS), partition_time(table.label(DAYS)), today))
    pairs = [(a, b) for i, a in enumerate(columns) for b in columns[i + 1 :]]
    slowly = [(a, b) for a, b in pairs if seen.looks_like(a, b) and seen.looks_like(b, a)]
    compared: list[Any] = []
    looks_like = Expected.looks_like

    def counted(self: Expected, column: str, other: str) -> bool:
        compared.append((column, other))
        return looks_like(self, column, other)

    monkeypatch.setattr(Expected, "looks_like", counted)
    assert list(seen.alike(columns)) == slowly
    assert len(compared) <= len(pairs) / 10


def test_two_columns_that_changed_places_are_still_found(base: Profile, known: detect.Learned) -> None:
    today = table.on(base, DAYS)
    a, b = [c for c in today.columns if c.startswith("amount")][:1] + [
        c for c in today.columns if c.startswith("share")
    ][:1]
    columns = dict(today.columns) | {a: today.columns[b], b: today.columns[a]}
    swapped = Profile(today.rows, columns, today.table, today.segments, today.checks)
    assert any(v.statistic == "swapped" for v in known.judge(swapped, table.label(DAYS)))


def test_odds_are_worked_out_for_the_pairs_of_columns_that_broke_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order, width = Order(50), 50
    same = np.full(width, 10.0)
    for _ in range(30):
        order.admit(same, 1_000.0, np.ones(width, dtype=bool))
    asked: list[int] = []
    never_seen = odds.never_seen

    def counted(count: Any, rows: Any, known: Any) -> Any:
        asked.append(np.size(count))
        return never_seen(count, rows, known)

    monkeypatch.setattr(odds, "never_seen", counted)
    now = same.copy()
    now[7] = 12.0
    apart = order.score(now, 1_000.0)
    assert asked == [width - 1]
    assert set(apart.more) == {7} and set(apart.fewer) == set(range(width)) - {7}
    assert (apart.equal > 0).all() and (apart.below > 0).all()


def test_a_column_without_a_count_breaks_no_order() -> None:
    order = Order(3)
    for _ in range(30):
        order.admit(np.array([5.0, 5.0, np.nan]), 100.0, np.ones(3, dtype=bool))
    assert order.agreed.tolist() == [[30, 30, 0], [30, 30, 0], [0, 0, 0]]
    assert not order.score(np.array([5.0, np.nan, 3.0]), 100.0).more.size
    assert order.score(np.array([5.0, 3.0, np.nan]), 100.0).more.tolist() == [0]


def test_a_count_that_was_below_anothers_may_be_so_again_and_not_above_it() -> None:
    order = Order(2)
    for at in range(30):
        order.admit(np.array([5.0, 5.0 if at else 4.0]), 100.0, np.ones(2, dtype=bool))
    assert not order.held_equal()[0, 1] and order.held_below().tolist() == [[True, False], [True, True]]
    assert not order.score(np.array([5.0, 3.0]), 100.0).more.size
    apart = order.score(np.array([3.0, 5.0]), 100.0)
    assert (apart.more.tolist(), apart.fewer.tolist(), apart.equal.tolist()) == ([1], [0], [0.0])
    assert apart.below[0] > 0


def test_what_is_told_of_columns_that_were_always_equal_is_not_told_again_as_an_order_between_them() -> None:
    more, fewer = np.array([0, 2, 0, 0]), np.array([1, 3, 2, 4])
    apart = Apart(more, fewer, np.array([2.0, 2.0, 0.0, 0.0]), np.array([2.0, 2.0, 3.0, 3.0]))
    assert list(violations._unrelated(apart)) == [
        (0, 1, "as many nulls as", 2.0),
        (2, 3, "as many nulls as", 2.0),
        (0, 4, "no more nulls than", 3.0),
    ]
