"""Prefect: a task that is refused raises, so that what follows does not run; its verdict is an artifact."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from prefect import flow, get_client, task
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.testing.utilities import prefect_test_harness

from interlock.errors import GateRefused, PartitionNotFound, TableNotFound
from interlock.integrations import prefect as gate
from interlock.integrations.prefect import admit

from .conftest import FINE, NEGATIVE, UNKNOWN, UNSURE, Shop

DAY = "2026-03-01"
tried: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """Prefect's own, with a database that goes."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True)
def nothing_tried() -> None:
    tried.clear()


@task
def train(told: dict[str, Any]) -> str:
    tried.append("train")
    return f"trained on {told['table']}@{told['partition']}"


@flow
def load(data: str, strict: bool = False) -> str:
    return train(gate.write("orders", data, DAY, strict=strict))


@task(retries=2, retry_condition_fn=gate.retried)
def own(shop: Shop, how: str) -> dict[str, Any]:
    tried.append(how)
    if how == "missing":
        raise PartitionNotFound("not yet")
    return admit(shop.write(DAY, how))


@flow
def load_by_hand(shop: Shop, how: str) -> None:
    train(own(shop, how))


def artifacts(key: str) -> list[str]:
    async def read() -> list[str]:
        async with get_client() as client:
            wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
            return [str(a.data) for a in await client.read_artifacts(artifact_filter=wanted)]

    return asyncio.run(read())


def test_a_good_partition_is_published_and_what_follows_runs(shop: Shop) -> None:
    assert load(shop.file(DAY)) == f"trained on orders@{DAY}"
    assert shop.published() == [DAY]


def test_a_broken_partition_raises_and_what_follows_does_not_run(shop: Shop) -> None:
    with pytest.raises(GateRefused, match=rf"orders@{DAY} is quarantined: .* → interlock"):
        load(shop.file(DAY, NEGATIVE))
    assert tried == []
    assert shop.published() == []
    said = [text for text in artifacts("interlock-orders") if "quarantined" in text]
    assert "**page**" in said[-1]
    assert "next: interlock quarantine show" in said[-1]


def test_a_refusal_is_not_tried_again_but_what_is_not_there_yet_is(shop: Shop) -> None:
    assert load_by_hand(shop, NEGATIVE, return_state=True).is_failed()
    assert tried == [NEGATIVE]
    tried.clear()
    assert load_by_hand(shop, "missing", return_state=True).is_failed()
    assert tried == ["missing"] * 3


@flow(persist_result=True)
def look_twice(shop: Shop) -> list[str]:
    data = duckdb.read_parquet(shop.file(DAY))  # what cannot be pickled may be given
    found = [gate.write.with_options(persist_result=True)("orders", data, DAY)["decision"]]
    again = gate.published.with_options(persist_result=True)
    found.append(again("orders", DAY)["decision"])
    shop.write(DAY, NEGATIVE)
    return [*found, again("orders", DAY, return_state=True).type.value]


def test_a_verdict_is_asked_for_each_time_and_never_taken_from_a_cache(shop: Shop) -> None:
    assert look_twice(shop) == ["published", "published", "FAILED"]


def test_an_inconclusive_partition_publishes_unless_strict(shop: Shop) -> None:
    load(shop.file(DAY, UNSURE))
    assert (tried, shop.published()) == (["train"], [DAY])
    with pytest.raises(GateRefused, match="inconclusive"):
        load(shop.file(DAY, UNSURE), strict=True)


def test_what_only_alerts_stops_nothing_unless_strict(shop: Shop) -> None:
    load(shop.file(DAY, UNKNOWN))
    with pytest.raises(GateRefused, match="1 ticket"):
        load(shop.file(DAY, UNKNOWN), strict=True)
    assert tried == ["train"]


# --- without a flow: the tasks' own work -------------------------------------------------


def test_what_stands_of_a_partition_that_somebody_else_wrote(shop: Shop) -> None:
    with pytest.raises(PartitionNotFound, match=f"orders@{DAY} has not been judged"):
        gate.published.fn("orders", DAY)
    shop.write(DAY, NEGATIVE)
    with pytest.raises(GateRefused, match="is quarantined"):
        gate.published.fn("orders", DAY, workspace=shop.folder)
    shop.release(DAY)
    told = gate.published.fn("orders", DAY)
    assert (told["decision"], told["released"]) == ("published", True)
    assert json.loads(json.dumps(told)) == told


def test_a_check_of_data_stores_nothing_and_one_of_attached_files_judges_them(shop: Shop) -> None:
    with pytest.raises(GateRefused, match="would be quarantined"):
        gate.check.fn("orders", shop.file(DAY, NEGATIVE), DAY)
    assert gate.check.fn("orders", shop.file(DAY, FINE), DAY)["stored"] is False
    shop.scan(DAY, weight=0)
    with pytest.raises(GateRefused, match=f"scans@{DAY} is refused"):
        gate.check.fn("scans")
    assert shop.published() == []


def test_pages_are_logged_as_errors_and_tickets_as_warnings(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "interlock.integrations.prefect"):
        admit(shop.write(DAY, UNKNOWN))
        with pytest.raises(GateRefused):
            admit(shop.write(DAY, NEGATIVE))
    said = {(r.levelname, r.getMessage().split()[0]) for r in caplog.records if r.getMessage()[0] == "["}
    assert said == {("WARNING", "[ticket]"), ("ERROR", "[page]")}


@pytest.mark.parametrize(
    ("table", "key"),
    [("orders", "interlock-orders"), ('Sales 2% "x"', "interlock-sales-2-x"), ("表", "interlock")],
)
def test_an_artifact_s_key_is_one_that_prefect_takes(table: str, key: str, shop: Shop) -> None:
    document = {**shop.write(DAY).to_dict(), "table": table}
    flow(admit)(document)
    assert any(f"@{DAY}" in text for text in artifacts(key))


def test_a_table_that_is_not_there_is_said_with_the_nearest_name(shop: Shop) -> None:
    with pytest.raises(TableNotFound, match="did you mean 'orders'"):
        gate.check.fn("ordrs")
