"""Work done ahead of whoever takes its results."""

from __future__ import annotations

import threading

import pytest

from interlock import settings
from interlock.vault.ahead import ahead


def test_results_come_in_the_order_of_the_items() -> None:
    waits = [threading.Event() for _ in range(3)]

    def last_first(number: int) -> int:
        if number < 2:
            assert waits[number + 1].wait(10)
        waits[number].set()
        return number

    assert list(ahead(last_first, range(3))) == [0, 1, 2]


def test_it_is_never_far_ahead() -> None:
    started: list[int] = []
    with settings.override(vault_threads=2):
        results = ahead(lambda number: started.append(number) or number, range(1_000))
        assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
        assert len(started) <= 5 + 2
        results.close()


def test_an_error_comes_where_its_result_would_have_and_nothing_starts_after_it() -> None:
    started: list[int] = []

    def third_fails(number: int) -> int:
        started.append(number)
        return [0, 1][number]

    results = ahead(third_fails, range(1_000))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(IndexError):
        next(results)
    assert len(started) < 20
    assert threading.active_count() < 20


def test_no_items_are_no_work() -> None:
    assert list(ahead(str, [])) == []
