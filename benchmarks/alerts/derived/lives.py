"""People and animals: stops, births, work, matches, licences, trappings, tests, disease and jobs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.alerts.derived.common import (
    Derived,
    Frame,
    above,
    band,
    hour_of,
    is_,
    percent_change,
    ratio,
    times,
)


def _km_from_centre(frame: Frame, was: Frame) -> pd.Series:
    """Minneapolis City Hall; flat earth, which is within metres over a city."""
    north, east = (frame["lat"] - 44.9773) * 111.2, (frame["long"] + 93.2655) * 78.7
    return np.hypot(north, east).round(2)


STOPS = (
    Derived("hour_of_day", ("stopped_at",), hour_of("stopped_at")),
    Derived("km_from_centre", ("lat", "long"), _km_from_centre),
    Derived(
        "searched",
        ("personSearch", "vehicleSearch"),
        lambda f, w: ((f["personSearch"] == "YES") | (f["vehicleSearch"] == "YES")).astype(float),
    ),
)


def _share_of_day(frame: Frame, was: Frame) -> pd.Series:
    return (frame["births"] / frame["births"].sum()).round(6)


BIRTHDAYS = (
    Derived("share_of_day", ("births",), _share_of_day, whole=True),
    Derived("births_log", ("births",), lambda f, w: np.log(f["births"].where(f["births"] > 0)).round(4)),
)

EMPLOYMENT = (
    Derived("age_band", ("AGEP",), lambda f, w: (f["AGEP"] // 10 * 10).astype(float)),
    Derived("prediction", ("predicted_probability",), lambda f, w: above(f["predicted_probability"], 0.5)),
)

FOOTBALL = (
    Derived("goals", ("home_goals", "away_goals"), lambda f, w: f["home_goals"] + f["away_goals"]),
    Derived("difference", ("home_goals", "away_goals"), lambda f, w: f["home_goals"] - f["away_goals"]),
    Derived("result", ("difference",), band("difference", {"away": -1, "draw": 0, "home": 1})),
    Derived(
        "home_points",
        ("difference",),
        lambda f, w: (np.sign(f["difference"]).map({-1.0: 0.0, 0.0: 1.0, 1.0: 3.0})).astype(float),
    ),
    Derived("hour_of_day", ("kicked_off",), hour_of("kicked_off")),
    Derived("weekday", ("kicked_off",), lambda f, w: f["kicked_off"].dt.day_of_week.astype(float)),
)

PETS = (
    Derived("breed_group", ("breed",), lambda f, w: f["breed"].str.split(",").str[0]),
    Derived("name_length", ("name",), lambda f, w: f["name"].str.len().astype(float)),
    Derived("mixed", ("second_breed",), lambda f, w: f["second_breed"].notna().astype(float)),
    Derived("dog", ("species",), is_("species", "Dog")),
    Derived("zip_area", ("zip_code",), lambda f, w: f["zip_code"].str.slice(0, 3)),
)

RODENTS = (
    Derived("scientific_name", ("genus", "species"), lambda f, w: f["genus"] + " " + f["species"]),
    Derived("weight_oz", ("weight",), times("weight", 0.035274, 3)),
    Derived("weight_to_foot", ("weight", "hindfoot_length"), ratio("weight", "hindfoot_length", 3)),
    Derived(
        "size_class",
        ("weight",),
        band("weight", {"mouse": 0, "small": 15, "middle": 35, "large": 80}),
    ),
)

COVID = (
    Derived("positive", ("result",), is_("result", "positive")),
    Derived("name", ("first_name", "last_name"), lambda f, w: f["first_name"] + " " + f["last_name"]),
    Derived(
        "turnaround",
        ("col_rec_tat", "rec_ver_tat"),
        lambda f, w: (f["col_rec_tat"] + f["rec_ver_tat"]).round(1),
    ),
    Derived("speed", ("turnaround",), band("turnaround", {"fast": 0, "usual": 6, "slow": 12})),
    Derived("detected_cycles", ("ct_result",), lambda f, w: f["ct_result"].where(f["ct_result"] < 45)),
)


def _density(frame: Frame, was: Frame) -> pd.Series:
    """People a km²: the area is no column, but it is what the density was made with."""
    return (frame["population"] / (was["population"] / was["density"])).round(4)


DENGUE = (
    Derived("state_code", ("microregion",), lambda f, w: f["microregion"] // 1_000),
    Derived("density", ("population",), _density),
    Derived(
        "incidence",
        ("cases", "population"),
        lambda f, w: (100_000 * f["cases"] / f["population"].where(f["population"] != 0)).round(2),
    ),
    Derived(
        "activity", ("incidence",), band("incidence", {"none": 0, "low": 0.01, "middle": 10, "high": 100})
    ),
    Derived("warmth", ("warmest", "coolest"), lambda f, w: ((f["warmest"] + f["coolest"]) / 2).round(4)),
    Derived(
        "wetness",
        ("drought_index",),
        band("drought_index", {"drought": -9, "dry": -3, "usual": -1, "wet": 1, "very wet": 3}),
    ),
)

JOBS = (
    Derived("sector", ("series",), lambda f, w: f["series"].str.slice(3, 5)),
    Derived("branch", ("title",), lambda f, w: f["title"].str.split(":").str[0]),
    Derived("change", ("employed", "previous"), lambda f, w: (f["employed"] - f["previous"]).round(1)),
    Derived("change_percent", ("employed", "previous"), percent_change("employed", "previous", 2)),
    Derived("change_12_months", ("employed", "year_ago"), percent_change("employed", "year_ago", 1)),
    Derived(
        "trend",
        ("change_12_months",),
        band("change_12_months", {"shrinking": -9, "stable": -1, "growing": 1, "booming": 4}),
    ),
    Derived("millions", ("employed",), times("employed", 0.001, 4)),
)
