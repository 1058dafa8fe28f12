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


def test_who_is_hit_is_shown_told_and_in_the_json(
    ws: Workspace, run: Run, tmp_path: Path, place: str
) -> None:
    ws.model("eta", reads=["flights.delay"], writes="etas", predict=twice, loss=off)
    table = guarded(ws)
    fill(table)
    verdict = table.write(negative(DAYS))
    shown = run("alerts", "show", "A1", "-w", place, columns=160).out
    assert "hits" in shown
    assert "eta, 100% of what it goes by (delay); its predictions are in etas" in shown
    document = run("alerts", "show", "A1", "--json", "-w", place).json
    assert (document["hit"][0]["model"], document["hit"][0]["harm"]) == ("eta", 1740.0)
    assert verdict.to_dict()["alerts"][0]["hit"][0]["model"] == "eta"
    page = table.report(tmp_path / "report.html").read_text()
    assert "its predictions are in etas" in page
    assert run("alerts", "list", "--ranked", "-w", place).status == 0


def test_a_model_is_in_the_ledger_and_declaring_it_again_changes_nothing(ws: Workspace) -> None:
    for _ in range(2):
        ws.model("eta", reads=["flights.delay"], predict=twice, loss=off)
    kinds = [entry["kind"] for entry in ws.ledger_entries()]
    assert kinds.count("model") == 1
    assert ws.verify_ledger().ok


# --- what a model loses, watched ------------------------------------------------------


class World:
    """What comes of a row: about its delay; on some days worse to foresee, or not known yet (NaN times)."""

    def __init__(self, **times: float) -> None:
        self.times = times

    def loss(self, frame: pd.DataFrame, predicted: Any) -> Any:
        day = frame["day"].iloc[0].day
        times = self.times.get(f"day{day}", 1.0)
        return times * np.abs(np.random.default_rng(day).normal(10.0, 1.0, len(frame)))


def watched(ws: Workspace, world: World) -> Table:
    """A table of twenty days, and a model that foresees what comes of its rows."""
    ws.model("eta", reads=["flights.delay"], writes="etas", predict=twice, loss=world.loss)
    table = ws.table("flights", partition="day", key=["id"])
    table.backfill(pd.concat(a_day(number) for number in range(20)))
    return table


def test_a_model_that_loses_twice_as_much_is_news_though_the_data_look_as_ever(ws: Workspace) -> None:
    table = watched(ws, World(day22=2.0))
    assert table.write(a_day(20)).alerts == ()
    verdict = table.write(a_day(21))
    (alert,) = verdict.alerts
    assert (verdict.outcome, verdict.decision) == ("pass", "published")
    assert (alert.kind, alert.columns, alert.severity) == ("loss", (), "page")
    assert "the loss of eta is" in alert.title
    assert "nothing in the data says why" in alert.title
    (hit,) = alert.hit
    assert hit.harm is not None
    assert hit.harm.relative == pytest.approx(1.0, abs=0.15)
    table.write(a_day(22))
    assert [a.record.state for a in ws.alerts()] == ["recovered"]


def test_what_the_data_broke_more_loudly_carries_the_loss_in_one_alert(ws: Workspace) -> None:
    table = watched(ws, World(day22=2.0))
    (alert,) = table.write(a_day(21, delay=[-1000.0] * 30)).alerts
    assert alert.kind != "loss"
    assert "delay" in alert.columns
    assert [v.statistic for v in alert.violations][-1] == "loss"


@pytest.mark.parametrize("times", [0.3, float("nan")])
def test_losing_less_or_not_knowing_the_truth_yet_is_no_news(ws: Workspace, times: float) -> None:
    verdict = watched(ws, World(day22=times)).write(a_day(21))
    assert (verdict.alerts, verdict.notes) == ((), ())


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (lambda frame, predicted: frame["no"], "KeyError in its predict or loss"),
        (lambda frame, predicted: -frame["id"], "it is negative or not finite"),
        (lambda frame, predicted: frame["id"] * np.inf, "it is negative or not finite"),
    ],
)
def test_a_loss_that_cannot_be_measured_is_noted_and_changes_no_verdict(
    ws: Workspace, loss: Any, said: str
) -> None:
    ws.model("eta", reads=["flights.delay"], predict=twice, loss=loss)
    verdict = guarded(ws).write(a_day(0))
    assert verdict.decision == "published"
    assert verdict.notes == (f"the loss of eta was not measured: {said}",)


def test_a_backfill_and_files_in_place_watch_the_loss_as_writes_do(tmp_path: Path) -> None:
    days, told = [a_day(n) for n in range(22)], []
    for how in ("written", "at once", "in place"):
        with interlock.open(tmp_path / how) as ws:
            ws.model("eta", reads=["flights.delay"], predict=twice, loss=World(day22=2.0).loss)
            if how == "in place":
                files = tmp_path / "files"
                files.mkdir()
                for n, one in enumerate(days):
                    one.to_parquet(files / f"{label(n)}.parquet")
                ws.attach("flights", files / "*.parquet", key=["id"]).judge_new()
            elif how == "at once":
                ws.table("flights", partition="day", key=["id"]).backfill(pd.concat(days))
            else:
                for one in days:
                    ws.table("flights", partition="day", key=["id"]).write(one)
            told.append([(a.record.kind, a.first, a.title) for a in ws.alerts()])
    assert told[0] == told[1] == told[2]
    assert [(kind, first) for kind, first, _ in told[0]] == [("loss", label(21))]
