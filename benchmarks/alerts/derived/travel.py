"""Flights, strikes, cars, trips, crashes and departures."""

from __future__ import annotations

import pandas as pd

from benchmarks.alerts.derived.common import Compute, Derived, Frame, above, band, hour_of, is_, ratio, times


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

STRIKES = (
    Derived("height_m", ("height",), times("height", 0.3048, 1)),
    Derived("speed_kmh", ("speed",), times("speed", 1.852, 1)),
    Derived(
        "height_band", ("height",), band("height", {"ground": 0, "low": 1, "middle": 1_000, "high": 5_000})
    ),
    Derived("weekday", ("struck_on",), lambda f, w: f["struck_on"].dt.day_of_week.astype(float)),
    Derived("airliner", ("ac_mass",), lambda f, w: above(f["ac_mass"], 3)),
    Derived(
        "species_known",
        ("species",),
        lambda f, w: (~f["species"].str.startswith("UNKNOWN").fillna(False).astype(bool)).astype(float),
    ),
)

TRAFFIC = (
    Derived("temp_c", ("temp",), lambda f, w: (f["temp"] - 273.15).round(2)),
    Derived("temp_f", ("temp_c",), lambda f, w: (f["temp_c"] * 1.8 + 32).round(1)),
    Derived("hour_of_day", ("measured_at",), hour_of("measured_at")),
    Derived(
        "load", ("traffic_volume",), band("traffic_volume", {"free": 0, "steady": 1_500, "dense": 4_500})
    ),
    Derived("clear_sky", ("weather_main",), is_("weather_main", "Clear")),
    Derived("cars_a_minute", ("traffic_volume",), times("traffic_volume", 1 / 60, 2)),
)

TAXIS = (
    Derived("hour_of_day", ("started_at",), hour_of("started_at")),
    Derived("weekday", ("started_at",), lambda f, w: f["started_at"].dt.day_of_week.astype(float)),
    Derived("trip_minutes", ("trip_seconds",), times("trip_seconds", 1 / 60, 1)),
    Derived("trip_km", ("trip_miles",), times("trip_miles", 1.609344, 2)),
    Derived("total", ("fare", "tips"), lambda f, w: (f["fare"] + f["tips"]).round(2)),
    Derived("tip_share", ("tips", "fare"), ratio("tips", "fare", 3)),
)

CRASHES = (
    Derived("place", ("caseid",), lambda f, w: f["caseid"].str.split(":").str[0]),
    Derived(
        "airbag",
        ("abcat",),
        lambda f, w: f["abcat"].map(lambda x: "none" if x == "unavail" else "airbag", na_action="ignore"),
    ),
    Derived("deploy", ("abcat",), is_("abcat", "deploy")),
    Derived("age_band", ("ageOFocc",), band("ageOFocc", {"young": 0, "middle": 25, "old": 65})),
    Derived("weight_thousand", ("weight",), times("weight", 0.001, 4)),
)

DEPARTURES = (
    Derived("distance_km", ("distance",), times("distance", 1.609344, 0)),
    Derived("miles_a_minute", ("distance", "air_time"), ratio("distance", "air_time", 2)),
    Derived("haul", ("distance",), band("distance", {"short": 0, "middle": 500, "long": 1_500})),
    Derived("late", ("departure_delay",), lambda f, w: above(f["departure_delay"], 14)),
    Derived(
        "wheels_off_delay",
        ("departure_delay", "taxi_out"),
        lambda f, w: f["departure_delay"] + f["taxi_out"],
    ),
)
