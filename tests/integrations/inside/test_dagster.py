"""Dagster: a table's contract as asset checks; what is downstream of a bad partition does not run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest

from interlock.integrations import dagster as interlock_dagster
from interlock.integrations.dagster import asset_checks, check_name

from .conftest import FINE, NEGATIVE, ODD, UNKNOWN, UNSURE, Shop

DAYS = dg.StaticPartitionsDefinition(["2026-03-01", "2026-03-02", "2026-03-03"])
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class Ran:
    """A run: whether downstream ran, and each check's result by name."""

    success: bool
    downstream: bool
    checks: dict[str, Any]

    def said(self, name: str) -> tuple[bool, Any]:
        return self.checks[name].passed, self.checks[name].severity

    def metadata(self, name: str) -> dict[str, Any]:
        return {k: v.value for k, v in self.checks[name].metadata.items()}


Run = Callable[..., Ran]


@pytest.fixture
def run(shop: Shop) -> Run:
    """``run(day, how)``: the asset writes that day's orders through the gate, then ``model`` is due."""

    def run(day: str | None, how: str | None = FINE, *, tags: Any = None, **given: Any) -> Ran:
        reached: list[str] = []

        @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
        def orders(context: dg.AssetExecutionContext) -> None:
            for key in context.partition_keys if how is not None else ():
                shop.write(key, how)

        @dg.asset(deps=[orders], partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
        def model() -> None:
            reached.append("model")

        checks = asset_checks("orders", **given)
        result = dg.materialize([orders, model, checks], partition_key=day, tags=tags, raise_on_error=False)
        found = {e.check_name: e for e in result.get_asset_check_evaluations()}
        return Ran(result.success, bool(reached), found)

    return run


def test_a_good_partition_lets_what_is_downstream_run(run: Run, shop: Shop) -> None:
    ran = run("2026-03-01")
    assert (ran.success, ran.downstream) == (True, True)
    assert {name for name, check in ran.checks.items() if not check.passed} == set()
    assert ran.metadata("verdict")["rows"] == 10
    assert ran.metadata("verdict")["decision"] == "published"
    assert shop.published() == ["2026-03-01"]


def test_a_broken_partition_stops_it_and_says_why_and_what_to_do(run: Run, shop: Shop) -> None:
    ran = run("2026-03-01", NEGATIVE)
    assert (ran.success, ran.downstream) == (False, False)
    assert ran.said("verdict") == (False, ERROR)
    assert ran.said("positive") == (False, ERROR)
    assert ran.metadata("positive")["rows"] == 3
    assert "interlock quarantine show orders@2026-03-01" in ran.metadata("verdict")["what to do"]
    assert ran.checks["verdict"].description.startswith("orders@2026-03-01 is quarantined: ")
    assert "**page**" in ran.metadata("verdict")["alerts"]
    assert shop.published() == []


def test_what_only_alerts_is_a_warning_and_stops_nothing(run: Run) -> None:
    ran = run("2026-03-01", UNKNOWN)
    assert (ran.success, ran.downstream) == (True, True)
    assert ran.said("known_status") == (False, WARN)
    assert ran.metadata("known_status")["severity"] == "ticket"
    assert ran.said("verdict")[0]


def test_strict_stops_on_what_only_alerts(run: Run) -> None:
    ran = run("2026-03-01", UNKNOWN, strict=True)
    assert (ran.downstream, ran.said("verdict")) == (False, (False, ERROR))
    assert "1 ticket" in ran.checks["verdict"].description


def test_an_inconclusive_partition_publishes_and_warns(run: Run, shop: Shop) -> None:
    ran = run("2026-03-01", UNSURE)
    assert (ran.downstream, ran.said("cheap")) == (True, (False, WARN))
    assert ran.metadata("verdict")["outcome"] == "inconclusive"
    assert shop.published() == ["2026-03-01"]


def test_a_partition_that_nobody_judged_stops_it(run: Run, shop: Shop) -> None:
    shop.write("2026-03-01")
    ran = run("2026-03-02", None)
    assert (ran.downstream, ran.said("verdict")) == (False, (False, ERROR))
    assert "has not been judged" in ran.checks["verdict"].description
    assert not ran.said("positive")[0]


def test_the_run_s_partition_is_judged_and_no_other(run: Run, shop: Shop) -> None:
    shop.write("2026-03-01")
    shop.write("2026-03-02", NEGATIVE)
    assert run("2026-03-01", None).downstream
    assert not run("2026-03-02", None).downstream


def test_a_run_over_several_partitions_stops_on_any_of_them(run: Run, shop: Shop) -> None:
    whole = {
        "dagster/asset_partition_range_start": "2026-03-01",
        "dagster/asset_partition_range_end": "2026-03-03",
    }
    ran = run(None, FINE, tags=whole)
    assert ran.downstream
    assert ran.metadata("verdict")["rows"] == 30
    shop.write("2026-03-02", NEGATIVE)
    ran = run(None, None, tags=whole)
    assert not ran.downstream
    assert ran.checks["verdict"].description.startswith("orders@2026-03-02 is quarantined")


def test_a_partition_that_somebody_released_lets_it_run(run: Run, shop: Shop) -> None:
    shop.write("2026-03-01", NEGATIVE)
    shop.release("2026-03-01")
    ran = run("2026-03-01", None)
    assert ran.downstream
    assert ran.said("positive") == (False, WARN)


def test_a_good_partition_that_a_bad_load_would_have_replaced_stops_it(run: Run, shop: Shop) -> None:
    shop.write("2026-03-01")
    assert not run("2026-03-01", NEGATIVE).downstream
    assert shop.published() == ["2026-03-01"], "readers keep what was there"


def test_partitions_that_are_called_otherwise_are_found(run: Run, shop: Shop) -> None:
    shop.write("2026-03-02", NEGATIVE)
    day_after = {"2026-03-01": "2026-03-02"}
    assert not run("2026-03-01", None, partition=lambda context: day_after[context.partition_key]).downstream


def test_the_contract_makes_the_checks_and_what_blocks_there_blocks_here(shop: Shop) -> None:
    specs = {s.name: s for s in asset_checks("orders", asset=["lake", "orders"]).check_specs}
    odd = check_name(ODD)
    assert set(specs) == {"verdict", "positive", "known_status", "cheap", odd, "learned"}
    assert {name for name, s in specs.items() if s.blocking} == {"verdict", "positive", "cheap", odd}
    assert specs["positive"].metadata == {
        "constraint": "positive", "sql": "amount > 0", "severity": "page", "tolerance": 0.0,
        "blocks": True, "owner": "shop-team",
    }  # fmt: skip
    assert specs[odd].metadata["constraint"] == ODD
    assert {s.asset_key for s in specs.values()} == {dg.AssetKey(["lake", "orders"])}


def test_names_stay_apart_whatever_they_are_made_of() -> None:
    names = ["a b", "a_b", "a-b", "verdict", "learned", "ä", "ö", "x" * 63, "amount > 0", "amount < 0"]
    made = [check_name(n) for n in names]
    assert len(set(made)) == len(made)
    assert {"verdict", "learned"}.isdisjoint(made)
    for name in made:
        dg.AssetCheckSpec(name, asset="orders")  # Dagster takes it


def test_new_files_of_an_attached_table_are_judged_by_its_check(shop: Shop) -> None:
    reached: list[str] = []

    @dg.asset
    def scans() -> None:
        shop.scan(f"2026-03-0{len(reached) + 1}", weight=0 if reached else 1)

    @dg.asset(deps=[scans])
    def model() -> None:
        reached.append("model")

    checks = asset_checks("scans", workspace=shop.folder)
    assert dg.materialize([scans, model, checks], raise_on_error=False).success
    assert not dg.materialize([scans, model, checks], raise_on_error=False).success
    assert reached == ["model"]
    due = dg.AssetSelection.checks(checks) | dg.AssetSelection.assets(model)
    again = dg.materialize([model, checks], selection=due, raise_on_error=False)
    assert not again.success, "the last verdict stands though no file is new"


def test_what_was_learned_and_alarms_is_a_warning(shop: Shop) -> None:
    with shop.open() as ws:
        for day in range(1, 22):
            ws.table("orders").write(shop.file(f"2026-02-{day:02}"), f"2026-02-{day:02}")
        ws.table("orders").require("avg(discount) < 0.9", name="cheap", block=False)
    import duckdb

    strange = shop.folder / "strange.parquet"
    duckdb.sql(
        "COPY (SELECT DATE '2026-03-01' AS day, i AS id, i * 2000 + 70 AS amount, 'paid' AS status,"
        f" 0.1 AS discount FROM range(400) t(i)) TO '{strange}'"
    )
    with shop.open() as ws:
        ws.table("orders").write(str(strange), "2026-03-01")

    @dg.asset(partitions_def=DAYS)
    def orders() -> None: ...

    result = dg.materialize([orders, asset_checks("orders")], partition_key="2026-03-01")
    (learned,) = (e for e in result.get_asset_check_evaluations() if e.check_name == "learned")
    assert (learned.passed, learned.severity) == (False, WARN)
    assert learned.metadata["page"].value + learned.metadata["ticket"].value > 0


def test_a_table_that_is_not_there_is_told_when_the_checks_are_made(shop: Shop) -> None:
    with pytest.raises(Exception, match=r"no table 'ordrs' in .*did you mean 'orders'"):
        interlock_dagster.asset_checks("ordrs")
