"""The flights' year with a model of the delay: what ranks first is what cost the model most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import interlock
from interlock.incidents import flights_year
from interlock.workspace import Workspace

FEATURES = ("dep_delay", "distance", "air_time", "hour")
TRAINED_UNTIL = dt.date(2013, 2, 28)
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Delay:
    """Least squares of the delay at arrival, trained on the first two months; nulls read as the median."""

    weights: Vector
    middle: dict[str, float]
    spread: dict[str, float]

    @classmethod
    def trained(cls, flights: pd.DataFrame) -> Delay:
        known = flights.dropna(subset=["arr_delay"])
        middle = {c: float(known[c].median()) for c in FEATURES}
        spread = {c: float(known[c].std()) for c in FEATURES}
        empty = cls(np.zeros(len(FEATURES) + 1), middle, spread)
        weights, *_ = np.linalg.lstsq(empty.inputs(known), truth(known), rcond=None)
        return cls(weights, middle, spread)

    def inputs(self, flights: pd.DataFrame) -> Vector:
        columns = (flights[c].astype("float64").fillna(self.middle[c]).to_numpy() for c in FEATURES)
        return np.column_stack([*columns, np.ones(len(flights))])

    def predict(self, flights: pd.DataFrame) -> Vector:
        return np.asarray(self.inputs(flights) @ self.weights)

    @property
    def importance(self) -> dict[str, float]:
        """How far a feature usually moves the prediction, in minutes."""
        return {f"flights.{c}": abs(self.weights[i]) * self.spread[c] for i, c in enumerate(FEATURES)}


def truth(flights: pd.DataFrame) -> Vector:
    return np.asarray(flights["arr_delay"].astype("float64").to_numpy())


def loss(flights: pd.DataFrame, predicted: Vector) -> Vector:
    """Minutes off; NaN for a flight that never arrived."""
    return np.abs(predicted - truth(flights))


@pytest.fixture(scope="module")
def model() -> Delay:
    with flights_year.by_day() as days:
        return Delay.trained(days.between(dt.date(2013, 1, 1), TRAINED_UNTIL).df())


@pytest.fixture(scope="module")
def costs(model: Delay) -> dict[str, float]:
    """Mean absolute error × flights of every day as it first came, faults and all, by the true delays.

    No part of Interlock takes part in this but its stories, which plant the faults. No
    fault touches the delay at arrival: the truth is in the rows as they came.
    """
    found = {}
    with flights_year.by_day() as days:
        for day in days.all:
            fault = flights_year._FAULT_OF.get(day)
            came = (days.broken(day, fault) if fault is not None else days.clean(day)).df()
            if fault is not None:
                assert "arr_delay" not in fault.columns
                assert set(came["arr_delay"].dropna()) <= set(days.clean(day).df()["arr_delay"].dropna())
            errors = np.abs(model.predict(came) - truth(came))
            found[day.isoformat()] = float(np.nanmean(errors)) * len(came)
    return found


@pytest.fixture(scope="module")
def ws(model: Delay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The year as the demo takes it through the gate, with the model registered."""
    place = Path(tmp_path_factory.mktemp("year")) / "demo"
    opened = interlock.open

    def with_model(path: Path) -> Workspace:
        made = opened(path)
        made.model(
            "delay",
            reads=list(model.importance),
            writes="delay_predictions",
            importance=model.importance,
            predict=model.predict,
            loss=loss,
        )
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interlock, "open", with_model)
        flights_year.run(place)
    with opened(place) as reopened:
        yield reopened


def test_the_five_first_alerts_hold_four_of_the_five_days_that_cost_most(
    ws: Workspace, costs: dict[str, float]
) -> None:
    dearest = sorted(costs, key=lambda day: -costs[day])[:5]
    first = ws.alerts(limit=5, ranked=True)
    held = [day for day in dearest if any(a.first <= day <= a.last for a in first)]
    assert len(held) >= 4, (dearest, [(a.first, a.last, a.title) for a in first])


def test_by_score_alone_they_do_not(ws: Workspace, costs: dict[str, float]) -> None:
    """So the order is the models' doing, not luck."""
    dearest = sorted(costs, key=lambda day: -costs[day])[:5]
    loudest = sorted(ws.alerts(limit=None), key=lambda a: -a.record.score)[:5]
    assert len([d for d in dearest if any(a.first <= d <= a.last for a in loudest)]) < 4


def test_what_was_measured_is_what_the_days_cost(ws: Workspace, costs: dict[str, float]) -> None:
    """For the unit of dep_delay the stored loss is the cost that was counted outside."""
    (alert,) = [a for a in ws.alerts(limit=None) if a.first == "2013-10-22"]
    (hit,) = alert.hit
    assert hit.harm is not None and hit.harm.partition == "2013-10-22"
    assert hit.harm.loss == pytest.approx(costs["2013-10-22"], rel=0.01)
    assert hit.harm.clean < 0.1 * hit.harm.loss, "with healthy values in dep_delay nearly all of it is gone"


def test_a_page_about_what_the_model_does_not_read_comes_after_those_that_hurt(ws: Workspace) -> None:
    ranked = [a.first for a in ws.alerts(limit=None, ranked=True)]
    assert ranked.index("2013-08-06") > 5, "origin and dest swapped, score 44"
