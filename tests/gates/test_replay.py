"""Models that read a table: whom an alert hits, and what a bad partition costs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest

import interlock
from interlock.alerts.impact import Hit
from interlock.errors import ContractError, UsageError
from interlock.settings import override
from interlock.workspace import Table, Workspace
from tests.cli.conftest import Run, run
from tests.gates.conftest import a_day, label, ws

__all__ = ["run", "ws"]

DAYS = 5


def guarded(ws: Workspace) -> Table:
    """Rules that alert: a loud one that no model reads, a mild one that one does."""
    table = ws.table("flights", partition="day", key=["id"])
    table.require("carrier <> 'XX'", block=False, severity="page", name="carriers")
    return table.require("delay >= 0", block=False, severity="ticket", name="early")


def fill(table: Table) -> None:
    for number in range(DAYS):
        table.write(a_day(number))


def twice(frame: pd.DataFrame) -> Any:
    """The delay to come is twice the delay."""
    return 2.0 * frame["delay"].to_numpy()


def off(frame: pd.DataFrame, predicted: Any) -> Any:
    """What came was twice the row's number."""
    return np.abs(predicted - 2.0 * frame["id"].to_numpy())


def negative(number: int) -> pd.DataFrame:
    """Every delay has the wrong sign."""
    return a_day(number, delay=[-float(i) for i in range(30)])


def hit_of(ws: Workspace) -> Hit:
    (alert,) = ws.alerts(only_open=True)
    (hit,) = alert.hit
    return hit


def test_harm_is_the_loss_beyond_that_of_healthy_days_and_goes_with_the_broken_column(ws: Workspace) -> None:
    ws.model("eta", reads=["flights.delay"], predict=twice, loss=off)
    table = guarded(ws)
    fill(table)
    table.write(negative(DAYS))
    harm = hit_of(ws).harm
    assert harm is not None
    assert (harm.partition, harm.usual) == (label(DAYS), 0.0), "healthy days cost nothing"
    assert harm.loss == sum(4.0 * i for i in range(30))
    assert harm.clean == 0.0, "the delay of the healthy row with the same key mends every one"
    assert harm.through == harm.total == harm.loss


def test_the_order_is_by_what_it_costs_and_without_a_model_by_severity(ws: Workspace, tmp_path: Path) -> None:
    both = negative(DAYS).assign(carrier="XX")
    with interlock.open(tmp_path / "plain") as plain:
        table = guarded(plain)
        fill(table)
        assert [a.severity for a in table.write(both).alerts] == ["page", "ticket"]
        assert [a.impact for a in table.check(both).alerts] == [None, None]
    ws.model("eta", reads=["flights.delay", "flights.id"], predict=twice, loss=off)
    table = guarded(ws)
    fill(table)
    found = table.write(both).alerts
    assert [(a.severity, a.columns) for a in found] == [("ticket", ("delay",)), ("page", ("carrier",))]
    assert [a.table for a in ws.alerts(ranked=True, limit=1)] == ["flights"]
    assert ws.alerts(ranked=True)[0].record.columns == ("delay",)


def test_without_callables_the_importance_of_the_columns_speaks(ws: Workspace) -> None:
    ws.model("eta", ["flights.delay", "flights.id"], "etas", importance={"flights.delay": 3, "flights.id": 1})
    ws.model("staffing", ["etas.eta"])
    table = guarded(ws)
    table.write(negative(0))
    hit = hit_of(ws)
    assert (hit.columns, hit.importance, hit.writes, hit.readers) == (("delay",), 0.75, "etas", ("staffing",))
    assert ws.alerts()[0].record.impact == 0.75


def test_models_may_be_written_in_the_contract(tmp_path: Path) -> None:
    entry = "reads: [flights.delay], importance: {flights.delay: 0.4}, writes: etas"
    text = f"version: 1\nmodels:\n  eta: {{{entry}}}\n"
    (tmp_path / "interlock.yaml").write_text(text + "tables:\n  flights: {partition: day}\n")
    with interlock.open(tmp_path) as ws:
        (model,) = ws.models()
        assert (model.name, model.reads, model.importance, model.writes) == (
            "eta",
            ("flights.delay",),
            {"flights.delay": 0.4},
            "etas",
        )
        guarded(ws).write(negative(0))
        assert hit_of(ws).model == "eta"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{reads: [delay]}", "names no column of a table"),
        ("{reads: []}", "reads nothing"),
        ("{reads: [t.a], importance: {t.b: 1}}", "does not read 't.b'"),
        ("{reads: [t.a], importance: {t.a: -1}}", "greater than or equal to 0"),
        ("{reads: [t.a], wirtes: x}", "did you mean 'writes'"),
    ],
)
def test_a_mistake_in_a_model_is_named_with_its_place(tmp_path: Path, entry: str, said: str) -> None:
    (tmp_path / "interlock.yaml").write_text(f"version: 1\nmodels:\n  eta: {entry}\n")
    with pytest.raises(ContractError, match=said) as caught:
        interlock.open(tmp_path)
    assert "interlock.yaml:3" in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"reads": ["delay"]},
        {"reads": []},
        {"reads": ["t.a"], "importance": {"t.a": float("nan")}},
        {"reads": ["t.a"], "predict": twice},
        {"reads": ["t.a"], "predict": twice, "loss": off, "frame": "polars"},
    ],
)
def test_a_model_that_makes_no_sense_is_refused(ws: Workspace, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ws.model("eta", **given)


def test_a_model_that_fails_is_noted_without_its_words_and_changes_no_verdict(ws: Workspace) -> None:
    def broken(frame: pd.DataFrame) -> Any:
        raise ValueError(f"cannot read {frame['carrier'].iloc[0]}")

    ws.model("eta", reads=["flights.delay"], predict=broken, loss=off)
    table = guarded(ws)
    fill(table)
    verdict = table.write(negative(DAYS))
    assert verdict.decision == "published"
    hit = hit_of(ws)
    assert (hit.harm, hit.importance) == (None, 1.0)
    assert hit.problem == "ValueError in its predict or loss", "its message may quote a cell"


def test_a_model_may_take_arrow_tables_and_give_a_mean(ws: Workspace) -> None:
    def predict(rows: pyarrow.Table) -> Any:
        return 2.0 * rows["delay"].to_numpy()

    def loss(rows: pyarrow.Table, predicted: Any) -> float:
        return float(np.abs(predicted - 2.0 * rows["id"].to_numpy()).mean())

    ws.model("eta", reads=["flights.delay"], predict=predict, loss=loss, frame="arrow")
    table = guarded(ws)
    fill(table)
    table.write(negative(DAYS))
    harm = hit_of(ws).harm
    assert harm is not None and harm.loss == pytest.approx(sum(4.0 * i for i in range(30)))


def test_of_a_large_partition_a_part_stands_for_all(ws: Workspace) -> None:
    ws.model("eta", reads=["flights.delay"], predict=twice, loss=off)
    table = guarded(ws)
    with override(replay_rows_max=10):
        fill(table)
        table.write(negative(DAYS))
    harm = hit_of(ws).harm
    assert harm is not None and harm.loss == pytest.approx(30 * np.mean([4.0 * i for i in range(0, 30, 3)]))


def test_a_backfill_measures_what_day_by_day_would_have(tmp_path: Path) -> None:
    days = [negative(n) if n == DAYS else a_day(n) for n in range(DAYS + 1)]
    found = []
    for name in ("at once", "one by one"):
        with interlock.open(tmp_path / name) as ws:
            ws.model("eta", reads=["flights.delay"], predict=twice, loss=off)
            table = guarded(ws)
            if name == "at once":
                table.backfill(pd.concat(days))
            else:
                for one in days:
                    table.write(one)
            found.append(hit_of(ws))
    assert found[0] == found[1]
    assert found[0].harm is not None


def test_who_is_hit_is_shown_told_and_in_the_json(ws: Workspace, run: Run, tmp_path: Path) -> None:
    ws.model("eta", reads=["flights.delay"], writes="etas", predict=twice, loss=off)
    table = guarded(ws)
    fill(table)
    verdict = table.write(negative(DAYS))
    shown = run("alerts", "show", "A1", "-w", ws.path, columns=160).out
    assert "hits" in shown
    assert "eta, 100% of what it goes by (delay); its predictions are in etas" in shown
    document = run("alerts", "show", "A1", "--json", "-w", ws.path).json
    assert (document["hit"][0]["model"], document["hit"][0]["harm"]) == ("eta", 1740.0)
    assert verdict.to_dict()["alerts"][0]["hit"][0]["model"] == "eta"
    page = table.report(tmp_path / "report.html").read_text()
    assert "its predictions are in etas" in page
    assert run("alerts", "list", "--ranked", "-w", ws.path).status == 0


def test_a_model_is_in_the_ledger_and_declaring_it_again_changes_nothing(ws: Workspace) -> None:
    for _ in range(2):
        ws.model("eta", reads=["flights.delay"], predict=twice, loss=off)
    kinds = [entry["kind"] for entry in ws.ledger_entries()]
    assert kinds.count("model") == 1
    assert ws.verify_ledger().ok
