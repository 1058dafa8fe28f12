"""``interlock verdict`` and ``interlock dbt``: what stands, for whatever waits for it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import interlock
from tests.cli.conftest import Run

DAY = "2026-03-01"


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> interlock.Table:
    monkeypatch.chdir(tmp_path)
    table = interlock.open().table("orders", partition="day").require("amount > 0")
    table.require("amount < 100", block=False, severity="ticket")
    return table.require("avg(discount) < 1")


def load(table: interlock.Table, amount: int = 5, discount: str = "0.5") -> None:
    select = f"SELECT DATE '{DAY}' AS day, {amount} AS amount, {discount}::DOUBLE AS discount"
    table.write(duckdb.sql(select), DAY)


@pytest.mark.parametrize(
    ("amount", "discount", "usually", "strictly"),
    [(5, "0.5", 0, 0), (-5, "0.5", 1, 1), (500, "0.5", 0, 1), (5, "NULL", 0, 3), (500, "NULL", 0, 1)],
)
def test_the_exit_status_says_whether_what_follows_may_run(
    orders: interlock.Table, run: Run, amount: int, discount: str, usually: int, strictly: int
) -> None:
    load(orders, amount, discount)
    for place in (f"orders@{DAY}", "orders"):
        assert run("verdict", place).status == usually
        assert run("verdict", place, "--strict").status == strictly


def test_what_nobody_judged_is_3(orders: interlock.Table, run: Run) -> None:
    for place in (f"orders@{DAY}", "orders"):
        ran = run("verdict", place)
        assert (ran.status, ran.out) == (3, f"{place} has not been judged\n")
        ran = run("verdict", place, "--json")
        assert (ran.status, ran.json) == (3, None)


def test_it_shows_the_verdict_and_a_release(orders: interlock.Table, run: Run) -> None:
    load(orders, -5)
    assert f"orders@{DAY}  quarantined, 1 page" in run("verdict", f"orders@{DAY}").out
    orders.release(DAY, "refunds")
    ran = run("verdict", f"orders@{DAY}")
    assert ran.status == 0
    assert "released from quarantine by a person" in ran.out
    document = run("verdict", f"orders@{DAY}", "--json").json
    assert (document["decision"], document["released"], document["outcome"]) == ("published", True, "fail")


def test_a_table_that_is_not_there_is_2(orders: interlock.Table, run: Run) -> None:
    ran = run("verdict", f"ordrs@{DAY}")
    assert (ran.status, "did you mean 'orders'" in ran.err) == (2, True)


def test_dbt_says_what_it_wrote(orders: interlock.Table, run: Run, tmp_path: Path) -> None:
    load(orders)
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    ran = run("dbt", ".", "--json")
    assert ran.json == {
        "files": ["macros/interlock.sql", "macros/interlock_verdicts.sql"], "tables": ["orders"], "verdicts": 1,
    }  # fmt: skip
    assert run("dbt", ".", "orders").out == "1 verdict of 1 table in macros/interlock_verdicts.sql\n"
    assert run("dbt", ".", "ordrs").status == 2
    ran = run("dbt", "nowhere")
    assert (ran.status, "IL100" in ran.err, "no dbt project in nowhere" in ran.err) == (2, True, True)
