"""Columns made from other columns of the same row or partition, as a pipeline makes them.

A fault in a column they are made from reaches them too: `recomputed` makes
them again where their sources changed, which is what a pipeline would have done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

Frame = pd.DataFrame
Compute = Callable[[Frame, Frame], pd.Series]  # the frame as it is now, the frame as it was


@dataclass(frozen=True)
class Derived:
    """A column made from ``sources``.

    ``compute`` takes the frame and the frame as it was before anything broke (the
    same rows); only clock columns need the latter, to keep the zone. ``whole``:
    a value depends on other rows, so that all of them are made again.
    """

    column: str
    sources: tuple[str, ...]
    compute: Compute
    whole: bool = False


def recomputed(frame: Frame, was: Frame, derived: tuple[Derived, ...]) -> Frame:
    """The frame with every derived column made again where a source differs from ``was``."""
    frame = frame.copy()
    for one in derived:
        changed = np.zeros(len(frame), dtype=bool)
        for source in one.sources:
            changed |= differs(frame[source], was[source])
        if not changed.any():
            continue
        new = one.compute(frame, was)
        frame[one.column] = new if one.whole else frame[one.column].where(~changed, new)
    return frame


def differs(now: pd.Series, was: pd.Series) -> np.ndarray:
    """Where two columns hold different values; two nulls are alike."""
    same = (now == was) | (now.isna() & was.isna())
    return ~same.fillna(False).to_numpy(dtype=bool)


# --- clocks written as HHMM ------------------------------------------------------------


def _minutes(hhmm: pd.Series) -> pd.Series:
    return hhmm // 100 * 60 + hhmm % 100


def _late(actual: str, scheduled: str) -> Compute:
    """Minutes of delay: no flight leaves three hours early, so a larger lead is a delay past midnight."""

    def compute(frame: Frame, was: Frame) -> pd.Series:
        apart = _minutes(frame[actual]) - _minutes(frame[scheduled])
        return (apart + 180) % 1440 - 180

    return compute


def _moved(column: str, hour: str) -> Compute:
    """The hour's time stamp moves as far as the hour did."""

    def compute(frame: Frame, was: Frame) -> pd.Series:
        return was[column] + pd.to_timedelta((frame[hour] - was[hour]).clip(-1e5, 1e5), unit="h")

    return compute


FLIGHTS = (
    Derived("hour", ("sched_dep_time",), lambda f, w: f["sched_dep_time"] // 100),
    Derived("minute", ("sched_dep_time",), lambda f, w: f["sched_dep_time"] % 100),
    Derived("time_hour", ("hour",), _moved("time_hour", "hour")),
    Derived("dep_delay", ("dep_time", "sched_dep_time"), _late("dep_time", "sched_dep_time")),
    Derived("arr_delay", ("arr_time", "sched_arr_time"), _late("arr_time", "sched_arr_time")),
)

# --- amounts ---------------------------------------------------------------------------

SALES = (
    Derived("revenue", ("price", "quantity"), lambda f, w: (f["price"] * f["quantity"]).round(2)),
    Derived("total", ("revenue", "tax"), lambda f, w: (f["revenue"] + f["tax"]).round(2)),
    Derived("hour_of_day", ("timestamp",), lambda f, w: f["timestamp"].dt.hour.astype(float)),
)


def _per_order(how: str) -> Compute:
    return lambda f, w: f.groupby("id", dropna=False)["price"].transform(how).round(2).astype(float)


PIZZA = (
    Derived("hour_of_day", ("sold_at",), lambda f, w: f["sold_at"].dt.hour.astype(float)),
    Derived("order_total", ("id", "price"), _per_order("sum"), whole=True),
    Derived("order_items", ("id",), _per_order("size"), whole=True),
    Derived("price_eur", ("price",), lambda f, w: (f["price"] * 0.9).round(2)),
)


def _middle_salary(frame: Frame, was: Frame) -> pd.Series:
    known = {"0 - 20K €": 10.0, "20K - 40K €": 30.0, "40K - 60K €": 50.0, "60K+ €": 70.0}
    return frame["salary_range"].map(known).astype(float)


LOANS = (
    Derived(
        "monthly_rate",
        ("car_value", "loan_length"),
        lambda f, w: (f["car_value"] / f["loan_length"]).round(2),
    ),
    Derived("salary_middle", ("salary_range",), _middle_salary),
    Derived(
        "value_to_salary",
        ("car_value", "salary_middle"),
        lambda f, w: (f["car_value"] / 1000 / f["salary_middle"]).round(3),
    ),
)

# --- places, weather, people -----------------------------------------------------------


def _km_from_centre(frame: Frame, was: Frame) -> pd.Series:
    """Minneapolis City Hall; flat earth, which is within metres over a city."""
    north, east = (frame["lat"] - 44.9773) * 111.2, (frame["long"] + 93.2655) * 78.7
    return np.hypot(north, east).round(2)


STOPS = (
    Derived("hour_of_day", ("stopped_at",), lambda f, w: f["stopped_at"].dt.hour.astype(float)),
    Derived("km_from_centre", ("lat", "long"), _km_from_centre),
    Derived(
        "searched",
        ("personSearch", "vehicleSearch"),
        lambda f, w: ((f["personSearch"] == "YES") | (f["vehicleSearch"] == "YES")).astype(float),
    ),
)


def _humidity(frame: Frame, was: Frame) -> pd.Series:
    """Relative humidity in percent from temperature and dew point in °F (Magnus, Alduchov 1996)."""
    t, d = (frame["temp"] - 32) / 1.8, (frame["dewp"] - 32) / 1.8
    ratio = np.exp((17.625 * d / (243.04 + d) - 17.625 * t / (243.04 + t)).clip(-50, 10))
    return (100 * ratio).round(2)


WEATHER = (
    Derived("humid", ("temp", "dewp"), _humidity),
    Derived("temp_c", ("temp",), lambda f, w: ((f["temp"] - 32) / 1.8).round(1)),
    Derived("wind_ms", ("wind_speed",), lambda f, w: (f["wind_speed"] * 0.44704).round(2)),
)


def _share_of_day(frame: Frame, was: Frame) -> pd.Series:
    return (frame["births"] / frame["births"].sum()).round(6)


BIRTHDAYS = (
    Derived("share_of_day", ("births",), _share_of_day, whole=True),
    Derived("births_log", ("births",), lambda f, w: np.log(f["births"].where(f["births"] > 0)).round(4)),
)

EMPLOYMENT = (
    Derived("age_band", ("AGEP",), lambda f, w: (f["AGEP"] // 10 * 10).astype(float)),
    Derived("prediction", ("predicted_probability",), lambda f, w: _above(f["predicted_probability"], 0.5)),
)


def _above(values: pd.Series, limit: float) -> pd.Series:
    return (values > limit).astype(float).where(values.notna())
