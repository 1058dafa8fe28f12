"""What a backtest says of a table's past."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

import interlock
from interlock import backtest, detect, settings
from interlock.backtest import result
from interlock.backtest.interval import poisson, wilson
from interlock.backtest.result import Level, Recall
from interlock.backtest.run import TOO_EARLY, loud_alerts
from interlock.errors import HistoryTooShort
from interlock.gates import again
from interlock.workspace import trial
from tests.backtest.conftest import DAYS, rows


@pytest.fixture(scope="module")
def found(orders: interlock.Table) -> backtest.Backtest:
    return orders.backtest(partitions=6)


def test_the_same_data_and_seed_give_the_same_result(
    orders: interlock.Table, found: backtest.Backtest
) -> None:
    assert orders.backtest(partitions=6) == found
    assert orders.backtest(partitions=6, seed=1).levels != found.levels
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()


def test_every_partition_is_counted_or_said_to_be_left_out(found: backtest.Backtest) -> None:
    assert found.left_out == {TOO_EARLY: 7}
    assert {level.clean for level in found.levels} == {DAYS - 7}
    assert [level.sensitivity for level in found.levels] == ["low", "normal", "high"]


def test_more_sensitive_catches_and_costs_no_less(found: backtest.Backtest) -> None:
    for less, more in zip(found.levels, found.levels[1:], strict=False):
        assert less.alarmed <= more.alarmed
        assert less.recall.caught <= more.recall.caught
        assert less.recall.planted == more.recall.planted > 200


def test_replaying_says_what_the_gate_said_then(orders: interlock.Table) -> None:
    stored = orders._workspace.verdicts("orders")
    said = {v["partition"]: v for v in stored if again.NOTE not in v["notes"]}
    past, _ = trial.past(orders._site, orders._site.engine, "orders", orders.history(), ())
    by_label = {p.row.label: p for p in past}
    for row, before in orders.history().replayed():
        learned, profile = detect.learn(before), by_label[row.label].profile
        now = loud_alerts("orders", learned, row.features, row.label, profile)
        then = [a for a in said[row.label]["alerts"] if a["severity"] != "info"]
        assert [(a.title, a.severity.value, a.score) for a in now] == [
            (a["title"], a["severity"], a["score"]) for a in then
        ]


def test_days_that_a_person_named_or_accepted_are_not_counted_clean(tmp_path: Path) -> None:
    with interlock.open(tmp_path / "w") as ws, duckdb.connect() as connection:
        table = ws.table("orders", partition="day", key=["id"])
        table.backfill(connection.sql(rows(0, 20)))
        table.accept("2024-01-15", "another product")
        found = table.backtest(partitions=1, not_clean=["2024-01-12"])
        assert found.left_out == {TOO_EARLY: 7, trial.ACCEPTED: 1, trial.NAMED: 1}
        assert found.levels[0].clean == 20 - 9


def test_a_quarantined_day_is_left_out_and_said(tmp_path: Path) -> None:
    with interlock.open(tmp_path / "w") as ws, duckdb.connect() as connection:
        table = ws.table("orders", partition="day", key=["id"]).require("age > 0")
        table.backfill(connection.sql(rows(0, 20)))
        wrong = connection.sql(f"SELECT * REPLACE (-age AS age) FROM ({rows(20, 21)})")
        assert table.write(wrong, "2024-01-21").decision.value == "quarantined"
        assert table.backtest(partitions=1).left_out[trial.QUARANTINED] == 1


def test_large_partitions_are_told_the_same_as_small_ones(tmp_path: Path) -> None:
    """Their faults are profiled one a statement, of rows that are read again for each."""
    a_day = 9_000
    assert a_day > settings.current().counted_rows_max
    with interlock.open(tmp_path / "w") as ws, duckdb.connect() as connection:
        table = ws.table("orders", partition="day", key=["id"])
        table.backfill(connection.sql(rows(0, 15, a_day)))
        found = table.backtest(partitions=1, sensitivities=["normal"])
        with settings.override(counted_rows_max=10 * a_day):
            assert table.backtest(partitions=1, sensitivities=["normal"]) == found
    caught = {(r.kind, r.strength): r.caught for r in found.levels[0].by_kind}
    assert caught["nulls", 0.05] == caught["truncated", 0.2] == caught["duplicated", 0.05] == 1


@pytest.mark.parametrize(("gross", "caught"), [("net + tax", 3), ("other", 0)])
def test_what_only_a_dependency_can_see_counts_where_one_was_mined(
    tmp_path: Path, gross: str, caught: int
) -> None:
    """A shuffled column has every value it had, each beside another row's."""
    draws = ", ".join(
        f"(hash(i, d, '{c}') % 10000 / 100)::DECIMAL(9, 2) AS {c}" for c in ("net", "tax", "other")
    )
    with interlock.open(tmp_path / "w") as ws, duckdb.connect() as connection:
        days = f"SELECT DATE '2024-01-01' + d::INTEGER AS day, {draws} FROM range(24) t(d), range(400) u(i)"
        table = ws.table("orders", partition="day")
        table.backfill(connection.sql(f"SELECT day, net, tax, {gross} AS gross FROM ({days})"))
        found = table.backtest(partitions=3)
    (shuffled,) = (r for r in found.levels[1].by_kind if r.kind == "shuffled")
    assert (shuffled.planted, shuffled.caught) == (3, caught)


def test_thirteen_partitions_are_too_few(tmp_path: Path) -> None:
    with interlock.open(tmp_path / "w") as ws, duckdb.connect() as connection:
        table = ws.table("orders", partition="day")
        table.backfill(connection.sql(rows(0, 13)))
        with pytest.raises(HistoryTooShort, match="13 published partitions; a backtest needs 14") as refused:
            table.backtest()
        assert (refused.value.code, refused.value.exit_status) == ("IL409", 3)


def test_a_sensitivity_is_kept_recorded_and_judges(tmp_path: Path) -> None:
    with interlock.open(tmp_path / "w") as ws, duckdb.connect() as connection:
        table = ws.table("orders", partition="day", key=["id"])
        table.backfill(connection.sql(rows(0, 20)))
        table.sensitivity(3)
        assert ws.ledger_entries()[-1]["sensitivity"] == 3.0
        odd = connection.sql(f"SELECT * REPLACE (amount * 1.2 AS amount) FROM ({rows(20, 21)})")
        few = len(table.check(odd, "2024-01-21").violations)
        assert len(table.sensitivity("high").check(odd, "2024-01-21").violations) >= few
        assert table.backtest(partitions=1, sensitivities=["low"]).current == "high"


def _level(name: str, accepted: float, alerts: int, caught: int) -> Level:
    return Level(name, accepted, 300, alerts, alerts, 50.0, Recall("all", None, 1_000, caught, caught), ())


def test_the_quietest_that_catches_nearly_all_is_proposed() -> None:
    low, normal, high = _level("low", 1, 2, 800), _level("normal", 5, 5, 900), _level("high", 20, 20, 905)
    assert result.propose((low, normal, high), 0.5)[0] == "normal"
    assert result.propose((low, normal, _level("high", 20, 20, 990)), 0.5)[0] == "high"
    chosen, why = result.propose((low, normal, _level("high", 20, 60, 990)), 0.5)
    assert chosen == "normal" and "high raises more than 0.5 alerts a week" in why
    assert result.propose((_level("low", 1, 90, 900), _level("high", 20, 99, 990)), 0.5)[0] == "low"


def test_intervals_hold_what_they_should() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert poisson(0) == pytest.approx((0.0, 3.69), abs=0.05)
    assert poisson(10) == pytest.approx((4.80, 18.39), abs=0.05)  # exact: 4.795 … 18.390
