"""What instruments measure: weather, air, power and its price, wind, blood, charging and rooms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.alerts.derived.common import (
    Compute,
    Derived,
    Frame,
    above,
    band,
    hour_of,
    is_,
    of_each,
    ratio,
    times,
)


def _humidity(frame: Frame, was: Frame) -> pd.Series:
    """Relative humidity in percent from temperature and dew point in °F (Magnus, Alduchov 1996)."""
    t, d = (frame["temp"] - 32) / 1.8, (frame["dewp"] - 32) / 1.8
    share = np.exp((17.625 * d / (243.04 + d) - 17.625 * t / (243.04 + t)).clip(-50, 10))
    return (100 * share).round(2)


WEATHER = (
    Derived("humid", ("temp", "dewp"), _humidity),
    Derived("temp_c", ("temp",), lambda f, w: ((f["temp"] - 32) / 1.8).round(1)),
    Derived("wind_ms", ("wind_speed",), times("wind_speed", 0.44704, 2)),
)

ELECTRICITY = (
    Derived("demand_mw", ("demand",), times("demand", 1_000, 0)),
    Derived("temperature_f", ("temperature",), lambda f, w: (f["temperature"] * 1.8 + 32).round(1)),
    Derived("cooling", ("temperature",), lambda f, w: (f["temperature"] - 24).clip(lower=0).round(1)),
    Derived("heating", ("temperature",), lambda f, w: (18 - f["temperature"]).clip(lower=0).round(1)),
    Derived("load", ("demand",), band("demand", {"low": 0, "middle": 4, "high": 5})),
    Derived("hour_of_day", ("measured_at",), hour_of("measured_at")),
    Derived(
        "part_of_day",
        ("hour_of_day",),
        band("hour_of_day", {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}),
    ),
)

AIR = (
    Derived("hour_of_day", ("measured_at",), hour_of("measured_at")),
    Derived("temperature_f", ("temperature",), lambda f, w: (f["temperature"] * 1.8 + 32).round(1)),
    Derived("spread", ("temperature", "dew_point"), lambda f, w: f["temperature"] - f["dew_point"]),
    Derived(
        "air_quality",
        ("pm25",),
        band("pm25", {"excellent": 0, "good": 35, "light": 75, "moderate": 115, "heavy": 150, "severe": 250}),
    ),
    Derived("calm", ("wind",), is_("wind", "cv")),
)

HOUSEHOLD = (
    Derived("hour_of_day", ("measured_at",), hour_of("measured_at")),
    Derived(
        "apparent_power",
        ("active_power", "reactive_power"),
        lambda f, w: np.hypot(f["active_power"], f["reactive_power"]).round(3),
    ),
    Derived("power_factor", ("active_power", "apparent_power"), ratio("active_power", "apparent_power", 3)),
    Derived(
        "elsewhere",
        ("active_power", "kitchen", "laundry", "water_and_air"),
        lambda f, w: (f["active_power"] * 1000 / 60 - f["kitchen"] - f["laundry"] - f["water_and_air"]).round(
            1
        ),
    ),
    Derived(
        "load", ("active_power",), band("active_power", {"idle": 0, "low": 0.5, "middle": 1.5, "high": 4})
    ),
)


def _sector(frame: Frame, was: Frame) -> pd.Series:
    """The eighth of the compass that a direction in degrees lies in; null for null."""
    names = np.array(["N", "NE", "E", "SE", "S", "SW", "W", "NW"], dtype=object)
    degrees = frame["direction_78"]
    at = ((degrees.fillna(0) % 360 + 22.5) // 45 % 8).astype(int)
    return pd.Series(names[at], index=frame.index, dtype=object).where(degrees.notna(), None)


MAST = (
    Derived("hour_of_day", ("measured_at",), hour_of("measured_at")),
    Derived("sector", ("direction_78",), _sector),
    Derived("shear", ("speed_80", "speed_40"), ratio("speed_80", "speed_40", 3)),
    Derived("turbulence", ("speed_80_deviation", "speed_80"), ratio("speed_80_deviation", "speed_80", 3)),
    Derived("gust_factor", ("gust_80", "speed_80"), ratio("gust_80", "speed_80", 3)),
    Derived("temperature_f", ("temperature",), lambda f, w: (f["temperature"] * 1.8 + 32).round(1)),
    Derived(
        "wind",
        ("speed_80",),
        band("speed_80", {"calm": 0, "light": 3, "steady": 7, "strong": 12, "storm": 25}),
    ),
)

GLUCOSE = (
    Derived("hour_of_day", ("measured_at",), hour_of("measured_at")),
    Derived(
        "part_of_day",
        ("hour_of_day",),
        band("hour_of_day", {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}),
    ),
    Derived("glucose_mmol", ("glucose",), times("glucose", 0.05551, 1)),
    Derived("calibration", ("glucose", "current"), ratio("glucose", "current", 3)),
    Derived("range", ("glucose",), band("glucose", {"low": 0, "target": 70, "high": 180, "very high": 250})),
)


def _premium(frame: Frame, was: Frame) -> pd.Series:
    """What a place pays over the mean of the hour."""
    return (frame["price"] - frame.groupby("starts_at")["price"].transform("mean")).round(2)


POWER_PRICES = (
    Derived("hour_of_day", ("starts_at",), hour_of("starts_at")),
    Derived("kind", ("point",), lambda f, w: f["point"].str.split("_").str[0]),
    Derived("area", ("point",), lambda f, w: f["point"].str.split("_").str[1]),
    Derived("cents_per_kwh", ("price",), times("price", 0.1, 3)),
    Derived("price_band", ("price",), band("price", {"low": 0, "middle": 20, "high": 60, "scarce": 200})),
    Derived("hour_mean", ("starts_at", "price"), of_each("starts_at", "price", "mean"), whole=True),
    Derived("premium", ("starts_at", "price"), _premium, whole=True),
)

EMISSIONS = (
    Derived("hour_of_day", ("measured_at",), hour_of("measured_at")),
    Derived("grams_per_kwh", ("rate",), times("rate", 1_000, 1)),
    Derived("level", ("rate",), band("rate", {"clean": 0, "low": 0.1, "middle": 0.25, "high": 0.4})),
    Derived("missed", ("rate", "forecast_5m"), lambda f, w: (f["rate"] - f["forecast_5m"]).round(6)),
    Derived("trend", ("forecast_3h", "rate"), lambda f, w: (f["forecast_3h"] - f["rate"]).round(6)),
)


def _hours(begin: str, end: str) -> Compute:
    return lambda f, w: ((f[end] - f[begin]).dt.total_seconds() / 3_600).round(3)


CHARGING = (
    Derived("hour_of_day", ("arrived_at",), hour_of("arrived_at")),
    Derived("area", ("station",), lambda f, w: f["station"].str.slice(0, 4)),
    Derived("hours", ("arrived_at", "left_at"), _hours("arrived_at", "left_at")),
    Derived("hours_over", ("expected_until", "left_at"), _hours("expected_until", "left_at")),
    Derived("kilowatts", ("delivered_kwh", "hours"), ratio("delivered_kwh", "hours", 3)),
    Derived(
        "share_delivered", ("delivered_kwh", "requested_kwh"), ratio("delivered_kwh", "requested_kwh", 4)
    ),
    Derived("charge", ("delivered_kwh",), band("delivered_kwh", {"small": 0, "middle": 5, "large": 15})),
)

ROOMS = (
    Derived("hour_of_day", ("measured_at",), hour_of("measured_at")),
    Derived(
        "part_of_day",
        ("hour_of_day",),
        band("hour_of_day", {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}),
    ),
    Derived("total_wh", ("appliances_wh", "lights_wh"), lambda f, w: f["appliances_wh"] + f["lights_wh"]),
    Derived("lit", ("lights_wh",), lambda f, w: above(f["lights_wh"], 0)),
    Derived("load", ("appliances_wh",), band("appliances_wh", {"idle": 0, "usual": 50, "high": 100})),
    Derived(
        "warmer_inside",
        ("living_room", "outside"),
        lambda f, w: (f["living_room"] - f["outside"]).round(3),
    ),
    Derived("spread", ("outside", "dew_point"), lambda f, w: (f["outside"] - f["dew_point"]).round(3)),
)
