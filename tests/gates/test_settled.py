"""A change that has become normal is not told as one that went away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import interlock
from interlock.gates import settled
from interlock.workspace import Table, Workspace
from tests.cli.conftest import Run, run
from tests.gates.conftest import ws
from tests.gates.test_trigger import Server, server

__all__ = ["run", "server", "ws"]

FIRST = dt.date(2024, 1, 1)
HISTORY = 30
USUAL, CHANGED = 20.0, 31.0


def prices(number: int, price: float) -> pd.DataFrame:
    draw = np.random.default_rng(number)
    return pd.DataFrame(
        {
            "day": [FIRST + dt.timedelta(days=number)] * 200,
            "id": np.arange(200) + 1,
            "price": np.round(draw.normal(price, 0.5, 200), 2),
        }
    )


def sales(ws: Workspace) -> Table:
    """A quiet past of the table ``sales``."""
    table = ws.table("sales", partition="day", key=["id"])
    table.backfill(pd.concat([prices(n, USUAL) for n in range(HISTORY)]))
    assert ws.alerts() == []
    return table


def go_on(table: Table, prices_then: Iterable[float], start: int = HISTORY) -> None:
    for number, price in enumerate(prices_then, start):
        table.write(prices(number, price))


def test_a_change_that_lasts_is_told_as_the_new_normal(tmp_path: Path, server: Server, run: Run) -> None:
    (tmp_path / "interlock.yaml").write_text(
        "version: 1\ntables:\n  sales:\n    partition: day\n    key: [id]\n"
        f"    triggers:\n      - {{on: alert, notify: 'json://{server.address}/'}}\n"
    )
    with interlock.open(tmp_path) as ws:
        table = sales(ws)
        go_on(table, [CHANGED] * settled.AFTER)
        assert [(a.id, a.state, a.seen) for a in ws.alerts()] == [("A1", "open", 6)]
        go_on(table, [CHANGED], HISTORY + settled.AFTER)
        (alert,) = ws.alerts()
        assert (alert.state, alert.seen) == ("settled", 6)
        assert "it has lasted for 6 partitions and is taken as the new normal" in alert.standing
        assert alert.record.reason is None, "no person said anything"
        assert ws.verify_ledger().ok
    said = run("alerts", "show", "A1", "-w", tmp_path, columns=200).out
    assert "A1  settled  sales" in said
    assert "has lasted for 6 partitions and is taken as the new normal" in said
    told = [document for _, document in server.seen]
    assert [d["title"].rpartition(" ")[2] for d in told] == ["published", "settled"]
    assert (
        "A1 has lasted for 6 partitions and is taken as the new normal since 2024-01-31" in told[1]["message"]
    )


@pytest.mark.parametrize("days", [1, 5])
def test_what_goes_away_before_has_recovered(ws: Workspace, days: int) -> None:
    go_on(sales(ws), [*[CHANGED] * days, USUAL, USUAL])
    assert [(a.state, a.seen) for a in ws.alerts()] == [("recovered", days)]


def test_what_a_person_accepted_is_theirs(ws: Workspace) -> None:
    table = sales(ws)
    go_on(table, [CHANGED] * settled.AFTER)
    table.accept(FIRST + dt.timedelta(days=HISTORY), "a new price list")
    go_on(table, [CHANGED], HISTORY + settled.AFTER)
    assert [a.state for a in ws.alerts()] == ["recovered"]


def test_what_was_held_back_taught_nothing_and_has_recovered(ws: Workspace) -> None:
    table = sales(ws)
    table.enforce()
    go_on(table, [*[CHANGED] * (settled.AFTER + 1), USUAL])
    assert [(a.state, a.seen) for a in ws.alerts()] == [("recovered", settled.AFTER + 1)]


def test_what_was_declared_never_settles(ws: Workspace) -> None:
    table = sales(ws).require("price < 1000", block=False)
    odd = [prices(n, USUAL).assign(price=5000.0) for n in range(HISTORY, HISTORY + settled.AFTER)]
    for day in odd:
        table.write(day)
    go_on(table, [USUAL], HISTORY + settled.AFTER)
    assert "settled" not in {a.state for a in ws.alerts()}


def test_in_one_backfill_it_is_the_same(ws: Workspace) -> None:
    past = [prices(n, USUAL) for n in range(HISTORY)]
    later = [prices(n, CHANGED) for n in range(HISTORY, HISTORY + settled.AFTER + 2)]
    ws.table("sales", partition="day", key=["id"]).backfill(pd.concat([*past, *later]))
    assert [(a.state, a.seen) for a in ws.alerts()] == [("settled", settled.AFTER)]
