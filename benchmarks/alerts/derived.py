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


# --- what is common --------------------------------------------------------------------


def _hour_of(column: str) -> Compute:
    return lambda f, w: f[column].dt.hour.astype(float)


def _times(column: str, factor: float, digits: int) -> Compute:
    return lambda f, w: (f[column] * factor).round(digits)


def _ratio(above: str, below: str, digits: int) -> Compute:
    """Null where there is nothing to divide by."""
    return lambda f, w: (f[above] / f[below].where(f[below] != 0)).round(digits)


def _is(column: str, value: str) -> Compute:
    return lambda f, w: (f[column] == value).astype(float).where(f[column].notna())


def _band(column: str, names: dict[str, float]) -> Compute:
    """The name of the band a number lies in, by where each begins (the first: below all); null for null."""

    def compute(frame: Frame, was: Frame) -> pd.Series:
        edges = np.array([-np.inf, *list(names.values())[1:]])
        at = np.searchsorted(edges, frame[column].fillna(0), side="right") - 1
        found = pd.Series(np.array([*names], dtype=object)[at], index=frame.index, dtype=object)
        return found.where(frame[column].notna(), None)

    return compute


def _of_each(by: str, column: str, how: str) -> Compute:
    """A sum or a count over the rows with the same value of ``by``."""
    return lambda f, w: f.groupby(by, dropna=False)[column].transform(how).round(2).astype(float)


def _above(values: pd.Series, limit: float) -> pd.Series:
    return (values > limit).astype(float).where(values.notna())


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
    Derived("hour_of_day", ("timestamp",), _hour_of("timestamp")),
)


PIZZA = (
    Derived("hour_of_day", ("sold_at",), _hour_of("sold_at")),
    Derived("order_total", ("id", "price"), _of_each("id", "price", "sum"), whole=True),
    Derived("order_items", ("id",), _of_each("id", "price", "size"), whole=True),
    Derived("price_eur", ("price",), _times("price", 0.9, 2)),
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
    Derived("hour_of_day", ("stopped_at",), _hour_of("stopped_at")),
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
    Derived("wind_ms", ("wind_speed",), _times("wind_speed", 0.44704, 2)),
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


# --- stays, orders, strikes, clicks, cars, matches -------------------------------------


def _booked_on(frame: Frame, was: Frame) -> pd.Series:
    """The lead before the arrival; what no calendar holds is cut at two centuries."""
    return frame["arrival_date"] - pd.to_timedelta(frame["lead_time"].clip(-73_000, 73_000), unit="D")


HOTEL = (
    Derived(
        "nights",
        ("stays_in_weekend_nights", "stays_in_week_nights"),
        lambda f, w: f["stays_in_weekend_nights"] + f["stays_in_week_nights"],
    ),
    Derived(
        "guests", ("adults", "children", "babies"), lambda f, w: f["adults"] + f["children"] + f["babies"]
    ),
    Derived(
        "room_total",
        ("avg_price_per_room", "nights"),
        lambda f, w: (f["avg_price_per_room"] * f["nights"]).round(2),
    ),
    Derived("price_to_usual", ("avg_price_per_room",), _ratio("avg_price_per_room", "historical_adr", 3)),
    Derived("booked_on", ("lead_time",), _booked_on),
    Derived(
        "room_changed",
        ("reserved_room_type", "assigned_room_type"),
        lambda f, w: (f["reserved_room_type"] != f["assigned_room_type"]).astype(float),
    ),
)

RETAIL = (
    Derived("amount", ("quantity", "price"), lambda f, w: (f["quantity"] * f["price"]).round(2)),
    Derived("cancelled", ("invoice",), lambda f, w: f["invoice"].str.startswith("C").astype(float)),
    Derived("stock_range", ("stock_code",), lambda f, w: f["stock_code"].str.slice(0, 2)),
    Derived("hour_of_day", ("invoiced_at",), _hour_of("invoiced_at")),
    Derived("invoice_total", ("invoice", "amount"), _of_each("invoice", "amount", "sum"), whole=True),
    Derived("invoice_lines", ("invoice",), _of_each("invoice", "quantity", "size"), whole=True),
)

STRIKES = (
    Derived("height_m", ("height",), _times("height", 0.3048, 1)),
    Derived("speed_kmh", ("speed",), _times("speed", 1.852, 1)),
    Derived(
        "height_band", ("height",), _band("height", {"ground": 0, "low": 1, "middle": 1_000, "high": 5_000})
    ),
    Derived("weekday", ("struck_on",), lambda f, w: f["struck_on"].dt.day_of_week.astype(float)),
    Derived("airliner", ("ac_mass",), lambda f, w: _above(f["ac_mass"], 3)),
    Derived(
        "species_known",
        ("species",),
        lambda f, w: (~f["species"].str.startswith("UNKNOWN").fillna(False).astype(bool)).astype(float),
    ),
)

BANDIT = (
    Derived("minute", ("shown_at",), lambda f, w: f["shown_at"].dt.minute.astype(float)),
    Derived("slot", ("position",), _band("position", {"left": 1, "centre": 2, "right": 3})),
    Derived(
        "weight",
        ("propensity_score",),
        lambda f, w: (1 / f["propensity_score"].where(f["propensity_score"] != 0)).round(2),
    ),
    Derived("weighted_click", ("click", "propensity_score"), _ratio("click", "propensity_score", 2)),
)

TRAFFIC = (
    Derived("temp_c", ("temp",), lambda f, w: (f["temp"] - 273.15).round(2)),
    Derived("temp_f", ("temp_c",), lambda f, w: (f["temp_c"] * 1.8 + 32).round(1)),
    Derived("hour_of_day", ("measured_at",), _hour_of("measured_at")),
    Derived(
        "load", ("traffic_volume",), _band("traffic_volume", {"free": 0, "steady": 1_500, "dense": 4_500})
    ),
    Derived("clear_sky", ("weather_main",), _is("weather_main", "Clear")),
    Derived("cars_a_minute", ("traffic_volume",), _times("traffic_volume", 1 / 60, 2)),
)

FOOTBALL = (
    Derived("goals", ("home_goals", "away_goals"), lambda f, w: f["home_goals"] + f["away_goals"]),
    Derived("difference", ("home_goals", "away_goals"), lambda f, w: f["home_goals"] - f["away_goals"]),
    Derived("result", ("difference",), _band("difference", {"away": -1, "draw": 0, "home": 1})),
    Derived(
        "home_points",
        ("difference",),
        lambda f, w: (np.sign(f["difference"]).map({-1.0: 0.0, 0.0: 1.0, 1.0: 3.0})).astype(float),
    ),
    Derived("hour_of_day", ("kicked_off",), _hour_of("kicked_off")),
    Derived("weekday", ("kicked_off",), lambda f, w: f["kicked_off"].dt.day_of_week.astype(float)),
)

# --- baskets, power --------------------------------------------------------------------

GROCERIES = (
    Derived("unit_price", ("sales_value", "quantity"), _ratio("sales_value", "quantity", 4)),
    Derived(
        "list_price",
        ("sales_value", "retail_disc", "coupon_match_disc"),
        lambda f, w: (f["sales_value"] + f["retail_disc"] + f["coupon_match_disc"]).round(2),
    ),
    Derived("discount_share", ("retail_disc", "list_price"), _ratio("retail_disc", "list_price", 4)),
    Derived("private_label", ("brand",), _is("brand", "Private")),
    Derived("hour_of_day", ("sold_at",), _hour_of("sold_at")),
    Derived(
        "basket_total", ("basket_id", "sales_value"), _of_each("basket_id", "sales_value", "sum"), whole=True
    ),
    Derived("basket_items", ("basket_id",), _of_each("basket_id", "quantity", "size"), whole=True),
)

ELECTRICITY = (
    Derived("demand_mw", ("demand",), _times("demand", 1_000, 0)),
    Derived("temperature_f", ("temperature",), lambda f, w: (f["temperature"] * 1.8 + 32).round(1)),
    Derived("cooling", ("temperature",), lambda f, w: (f["temperature"] - 24).clip(lower=0).round(1)),
    Derived("heating", ("temperature",), lambda f, w: (18 - f["temperature"]).clip(lower=0).round(1)),
    Derived("load", ("demand",), _band("demand", {"low": 0, "middle": 4, "high": 5})),
    Derived("hour_of_day", ("measured_at",), _hour_of("measured_at")),
    Derived(
        "part_of_day",
        ("hour_of_day",),
        _band("hour_of_day", {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}),
    ),
)

# --- payments, trips, licences, animals, loans ------------------------------------------


def _months_left(frame: Frame, was: Frame) -> pd.Series:
    """Months from the payment until the card expires, written as 08/24; null where it is not."""
    until = frame["expiration_date"].astype(object).str.extract(r"^(\d\d)/(\d\d)$").astype(float)
    paid_at = frame["paid_at"]
    return (until[1] + 2000 - paid_at.dt.year) * 12 + until[0] - paid_at.dt.month


CARDS = (
    Derived("hour_of_day", ("paid_at",), _hour_of("paid_at")),
    Derived("amount_units", ("amount",), _times("amount", 0.01, 2)),
    Derived("amount_band", ("amount",), _band("amount", {"small": 0, "middle": 20_000, "large": 60_000})),
    Derived("months_left", ("expiration_date", "paid_at"), _months_left),
    Derived("network", ("provider",), lambda f, w: f["provider"].str.split(" ").str[0]),
)

TAXIS = (
    Derived("hour_of_day", ("started_at",), _hour_of("started_at")),
    Derived("weekday", ("started_at",), lambda f, w: f["started_at"].dt.day_of_week.astype(float)),
    Derived("trip_minutes", ("trip_seconds",), _times("trip_seconds", 1 / 60, 1)),
    Derived("trip_km", ("trip_miles",), _times("trip_miles", 1.609344, 2)),
    Derived("total", ("fare", "tips"), lambda f, w: (f["fare"] + f["tips"]).round(2)),
    Derived("tip_share", ("tips", "fare"), _ratio("tips", "fare", 3)),
)

PETS = (
    Derived("breed_group", ("breed",), lambda f, w: f["breed"].str.split(",").str[0]),
    Derived("name_length", ("name",), lambda f, w: f["name"].str.len().astype(float)),
    Derived("mixed", ("second_breed",), lambda f, w: f["second_breed"].notna().astype(float)),
    Derived("dog", ("species",), _is("species", "Dog")),
    Derived("zip_area", ("zip_code",), lambda f, w: f["zip_code"].str.slice(0, 3)),
)

RODENTS = (
    Derived("scientific_name", ("genus", "species"), lambda f, w: f["genus"] + " " + f["species"]),
    Derived("weight_oz", ("weight",), _times("weight", 0.035274, 3)),
    Derived("weight_to_foot", ("weight", "hindfoot_length"), _ratio("weight", "hindfoot_length", 3)),
    Derived(
        "size_class",
        ("weight",),
        _band("weight", {"mouse": 0, "small": 15, "middle": 35, "large": 80}),
    ),
)

GRANTED = (
    Derived("grade", ("sub_grade",), lambda f, w: f["sub_grade"].str.slice(0, 1)),
    Derived(
        "credit_used",
        ("total_credit_utilized", "total_credit_limit"),
        _ratio("total_credit_utilized", "total_credit_limit", 4),
    ),
    Derived(
        "installment_to_income", ("installment", "annual_income"), _ratio("installment", "annual_income", 5)
    ),
    Derived("share_paid", ("paid_principal", "loan_amount"), _ratio("paid_principal", "loan_amount", 4)),
    Derived("years_of_credit", ("earliest_credit_line",), lambda f, w: 2018 - f["earliest_credit_line"]),
    Derived(
        "income_band",
        ("annual_income",),
        _band("annual_income", {"low": 0, "middle": 45_000, "high": 100_000}),
    ),
)

# --- air, power, tests, crashes ---------------------------------------------------------

AIR = (
    Derived("hour_of_day", ("measured_at",), _hour_of("measured_at")),
    Derived("temperature_f", ("temperature",), lambda f, w: (f["temperature"] * 1.8 + 32).round(1)),
    Derived("spread", ("temperature", "dew_point"), lambda f, w: f["temperature"] - f["dew_point"]),
    Derived(
        "air_quality",
        ("pm25",),
        _band(
            "pm25", {"excellent": 0, "good": 35, "light": 75, "moderate": 115, "heavy": 150, "severe": 250}
        ),
    ),
    Derived("calm", ("wind",), _is("wind", "cv")),
)

HOUSEHOLD = (
    Derived("hour_of_day", ("measured_at",), _hour_of("measured_at")),
    Derived(
        "apparent_power",
        ("active_power", "reactive_power"),
        lambda f, w: np.hypot(f["active_power"], f["reactive_power"]).round(3),
    ),
    Derived("power_factor", ("active_power", "apparent_power"), _ratio("active_power", "apparent_power", 3)),
    Derived(
        "elsewhere",
        ("active_power", "kitchen", "laundry", "water_and_air"),
        lambda f, w: (f["active_power"] * 1000 / 60 - f["kitchen"] - f["laundry"] - f["water_and_air"]).round(
            1
        ),
    ),
    Derived(
        "load", ("active_power",), _band("active_power", {"idle": 0, "low": 0.5, "middle": 1.5, "high": 4})
    ),
)

COVID = (
    Derived("positive", ("result",), _is("result", "positive")),
    Derived("name", ("first_name", "last_name"), lambda f, w: f["first_name"] + " " + f["last_name"]),
    Derived(
        "turnaround",
        ("col_rec_tat", "rec_ver_tat"),
        lambda f, w: (f["col_rec_tat"] + f["rec_ver_tat"]).round(1),
    ),
    Derived("speed", ("turnaround",), _band("turnaround", {"fast": 0, "usual": 6, "slow": 12})),
    Derived("detected_cycles", ("ct_result",), lambda f, w: f["ct_result"].where(f["ct_result"] < 45)),
)

CRASHES = (
    Derived("place", ("caseid",), lambda f, w: f["caseid"].str.split(":").str[0]),
    Derived(
        "airbag",
        ("abcat",),
        lambda f, w: f["abcat"].map(lambda x: "none" if x == "unavail" else "airbag", na_action="ignore"),
    ),
    Derived("deploy", ("abcat",), _is("abcat", "deploy")),
    Derived("age_band", ("ageOFocc",), _band("ageOFocc", {"young": 0, "middle": 25, "old": 65})),
    Derived("weight_thousand", ("weight",), _times("weight", 0.001, 4)),
)
