"""The verdict that stands: of each partition the last decision, and what people decided since."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

import interlock

FIRST, SECOND = "2026-03-01", "2026-03-02"


@pytest.fixture
def table(tmp_path: Path) -> interlock.Table:
    return interlock.open(tmp_path / "w").table('t; "o\'dd" 表', partition="day").require("n >= 0")


def load(table: interlock.Table, label: str, n: int) -> str:
    data = duckdb.sql(f"SELECT DATE '{label}' AS day, {n} AS n FROM range(3)")
    return table.write(data, label).id


def stands(table: interlock.Table, label: object = None) -> tuple[str, str, bool] | None:
    document = table.verdict(label)
    return None if document is None else (document["id"], document["decision"], document["released"])


def test_nothing_stands_before_something_was_judged(table: interlock.Table) -> None:
    assert (table.verdict(), table.verdict(FIRST), table.verdicts()) == (None, None, [])


def test_the_last_decision_stands(table: interlock.Table) -> None:
    good = load(table, FIRST, 1)
    assert stands(table, FIRST) == stands(table, dt.date(2026, 3, 1)) == (good, "published", False)
    bad = load(table, FIRST, -1)
    assert stands(table, FIRST) == (bad, "quarantined", False), "though readers still see the good one"
    better = load(table, FIRST, 2)
    assert stands(table, FIRST) == (better, "published", False)


def test_a_release_publishes_what_stands(table: interlock.Table) -> None:
    bad = load(table, FIRST, -1)
    table.release(FIRST, "right after all")
    assert stands(table, FIRST) == (bad, "published", True)


def test_what_was_dropped_never_was(table: interlock.Table) -> None:
    good = load(table, FIRST, 1)
    load(table, FIRST, -1)
    load(table, SECOND, -1)
    table.drop(FIRST, "sent twice")
    table.drop(SECOND, "sent twice")
    assert stands(table, FIRST) == (good, "published", False)
    assert stands(table, SECOND) is None


def test_without_a_partition_it_is_the_one_judged_last_whatever_it_is_called(table: interlock.Table) -> None:
    second, first = load(table, SECOND, 1), load(table, FIRST, -1)
    assert stands(table) == (first, "quarantined", False)
    assert [d["id"] for d in table.verdicts()] == [first, second]
    assert [d["id"] for d in table.verdicts(1)] == [first]


def test_of_an_attached_file_it_is_admitted_or_refused_and_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    table = interlock.open(tmp_path / "w").attach("t", tmp_path / "*.csv").require("n >= 0")
    for n, decision in ((-1, "refused"), (10, "admitted"), (-100, "refused")):
        file.write_text(f"n\n{n}\n")
        table.judge_new()
        assert (table.verdict("a") or {})["decision"] == decision
    table.release("a", "right after all")
    assert (stands(table, "a") or ())[1:] == ("admitted", True)
    assert len(table.verdicts()) == 1


def test_a_partition_of_another_table_is_none_of_this(table: interlock.Table) -> None:
    other = table.workspace.table("other", partition="day")
    load(other, FIRST, 1)
    assert (table.verdict(), table.verdict(FIRST)) == (None, None)
