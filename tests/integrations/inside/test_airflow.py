"""Airflow: a verdict that holds what follows fails the task for good; a sensor waits for one that does not."""

from __future__ import annotations

import json
import logging
import os
import runpy
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.models.asset import AssetEvent
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select

import interlock
from interlock.errors import PartitionNotFound
from interlock.integrations.airflow import (
    InterlockCheckOperator,
    InterlockSensor,
    InterlockWriteOperator,
    admit,
)

from .conftest import FINE, NEGATIVE, UNKNOWN, UNSURE, Shop

DAY = "2026-03-01"


@dataclass(frozen=True)
class Ran:
    """The states of a run's tasks, how often each was tried, and what each handed on."""

    states: dict[str, str]
    tries: dict[str, int]
    handed: dict[str, Any]


@pytest.fixture(scope="session", autouse=True)
def dag() -> DAG:
    """The one of ``dags/load_orders.py``, with a database of Airflow's own: SQLite, in ``$AIRFLOW_HOME``."""
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    folder.mkdir()
    file = shutil.copy(Path(__file__).parent / "dags" / "load_orders.py", folder)
    initdb()
    return runpy.run_path(file)["dag"]


def run(dag: DAG, shop: Shop, how: str) -> Ran:
    """A real run, in this process, on a file of this kind."""
    conf = {"day": DAY, "data": shop.file(DAY, how), "workspace": str(shop.folder)}
    found = {ti.task_id: ti for ti in dag.test(run_conf=conf).get_task_instances()}
    return Ran(
        states={name: str(ti.state) for name, ti in found.items()},
        tries={name: ti.try_number for name, ti in found.items()},
        handed={name: ti.xcom_pull(task_ids=name) for name, ti in found.items()},
    )


def updates() -> list[dict[str, Any]]:
    """What each update of the asset told so far."""
    with create_session() as session:
        return [event.extra for event in session.scalars(select(AssetEvent).order_by(AssetEvent.id))]


def test_a_good_partition_is_published_and_what_follows_runs(dag: DAG, shop: Shop) -> None:
    before = len(updates())
    ran = run(dag, shop, FINE)
    assert set(ran.states.values()) == {"success"}
    assert shop.published() == [DAY]
    decided = {name: ran.handed[name]["decision"] for name in ("write", "check", "wait")}
    assert set(decided.values()) == {"published"}
    (update,) = updates()[before:]
    assert (update["interlock"]["partition"], update["interlock"]["rows"]) == (DAY, 10)


def test_a_broken_partition_fails_for_good_and_nothing_that_follows_runs(dag: DAG, shop: Shop) -> None:
    before = len(updates())
    ran = run(dag, shop, NEGATIVE)
    assert ran.states["write"] == "failed"
    assert {ran.states[name] for name in ("check", "wait", "model")} == {"upstream_failed"}
    assert ran.tries["write"] == 1, "the same data would fail again"
    assert shop.published() == []
    assert updates()[before:] == [], "no DAG that waits for the asset starts"


# --- without a run, which takes a second: the operators' own work ------------------------


class Context(dict[str, Any]):
    """What a task is given; nothing of it is needed here."""


def test_an_inconclusive_partition_publishes_unless_strict(shop: Shop) -> None:
    asked = {"task_id": "write", "table": "orders", "data": shop.file(DAY, UNSURE), "partition": DAY}
    told = InterlockWriteOperator(**asked).execute(Context())
    assert (told["outcome"], told["decision"]) == ("inconclusive", "published")
    with pytest.raises(AirflowFailException, match="inconclusive"):
        InterlockWriteOperator(**asked, strict=True).execute(Context())


def test_what_is_handed_on_is_small_and_plain_json_and_shows_no_row(shop: Shop) -> None:
    write = InterlockWriteOperator(
        task_id="write", table="orders", data=shop.file(DAY, UNKNOWN), partition=DAY
    )
    told = write.execute(Context())
    assert json.loads(json.dumps(told)) == told
    assert told["alerts"][0]["severity"] == "ticket"
    assert "violations" not in json.dumps(told)
    assert len(json.dumps(told)) < 2_000


def test_pages_are_logged_as_errors_and_tickets_as_warnings(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "interlock.integrations.airflow"):
        admit(shop.write(DAY, UNKNOWN))
        with pytest.raises(AirflowFailException, match=rf"orders@{DAY} is quarantined: .* → interlock"):
            admit(shop.write(DAY, NEGATIVE))
    said = [(r.levelname, r.getMessage()) for r in caplog.records]
    assert [level for level, text in said if text.startswith("[ticket]")] == ["WARNING"]
    assert [level for level, text in said if text.startswith("[page]")] == ["ERROR"]


def test_a_check_of_data_stores_nothing(shop: Shop) -> None:
    check = InterlockCheckOperator(task_id="c", table="orders", data=shop.file(DAY, NEGATIVE), partition=DAY)
    with pytest.raises(AirflowFailException, match="would be quarantined"):
        check.execute(Context())
    with shop.open() as ws:
        assert ws.table("orders").verdict(DAY) is None


def test_a_check_judges_the_new_files_of_an_attached_table(shop: Shop) -> None:
    shop.scan("2026-03-01")
    shop.scan("2026-03-02", weight=0)
    with pytest.raises(AirflowFailException, match="scans@2026-03-02 is refused"):
        InterlockCheckOperator(task_id="c", table="scans").execute(Context())
    good = InterlockCheckOperator(task_id="c", table="scans", partition="2026-03-01").execute(Context())
    assert good["decision"] == "admitted"
    with pytest.raises(AirflowFailException, match="scans@2026-03-02 is refused"):
        InterlockCheckOperator(task_id="c", table="scans").execute(Context())


def test_a_partition_nobody_judged_is_no_refusal_and_may_be_tried_again(shop: Shop) -> None:
    with pytest.raises(PartitionNotFound, match=f"orders@{DAY} has not been judged"):
        InterlockCheckOperator(task_id="c", table="orders", partition=DAY).execute(Context())


def test_a_sensor_waits_while_nothing_was_judged_and_in_quarantine_until_it_is_released(shop: Shop) -> None:
    wait = InterlockSensor(task_id="wait", table="orders", partition=DAY)
    assert not wait.poke(Context()).is_done
    shop.write(DAY, NEGATIVE)
    assert not wait.poke(Context()).is_done
    shop.release(DAY)
    looked = wait.poke(Context())
    assert looked.is_done
    assert (looked.xcom_value["decision"], looked.xcom_value["released"]) == ("published", True)


def test_a_sensor_may_fail_at_once_on_quarantine(shop: Shop) -> None:
    shop.write(DAY, NEGATIVE)
    with pytest.raises(AirflowFailException, match="is quarantined"):
        InterlockSensor(task_id="w", table="orders", partition=DAY, fail_on_quarantine=True).poke(Context())


def test_a_strict_sensor_waits_on_a_ticket(shop: Shop) -> None:
    shop.write(DAY, UNKNOWN)
    assert InterlockSensor(task_id="w", table="orders", partition=DAY).poke(Context()).is_done
    assert (
        not InterlockSensor(task_id="w", table="orders", partition=DAY, strict=True).poke(Context()).is_done
    )


def test_a_sensor_gives_its_slot_back_between_looks(shop: Shop) -> None:
    assert InterlockSensor(task_id="w", table="orders", partition=DAY).reschedule
    assert not InterlockSensor(task_id="w", table="orders", partition=DAY, mode="poke").reschedule


def test_where_there_is_no_workspace_none_is_made(shop: Shop) -> None:
    nowhere = shop.folder / "nowhere"
    with pytest.raises(interlock.InterlockError, match="no workspace"):
        InterlockCheckOperator(task_id="c", table="orders", workspace=nowhere).execute(Context())
    assert not nowhere.exists()


def test_the_templates_are_the_table_the_data_the_partition_and_the_workspace() -> None:
    assert set(InterlockWriteOperator.template_fields) == {"table", "data", "partition", "workspace"}
    assert set(InterlockSensor.template_fields) == {"table", "partition", "workspace"}
