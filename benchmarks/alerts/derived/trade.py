"""Sales, orders, baskets, stays, searches, clicks, payments, loans, prices, rates and opinions."""

from __future__ import annotations

import pandas as pd

from benchmarks.alerts.derived.common import (
    Derived,
    Frame,
    above,
    band,
    hour_of,
    is_,
    of_each,
    percent_change,
    ratio,
    times,
)

SALES = (
    Derived("revenue", ("price", "quantity"), lambda f, w: (f["price"] * f["quantity"]).round(2)),
    Derived("total", ("revenue", "tax"), lambda f, w: (f["revenue"] + f["tax"]).round(2)),
    Derived("hour_of_day", ("timestamp",), hour_of("timestamp")),
)

PIZZA = (
    Derived("hour_of_day", ("sold_at",), hour_of("sold_at")),
    Derived("order_total", ("id", "price"), of_each("id", "price", "sum"), whole=True),
    Derived("order_items", ("id",), of_each("id", "price", "size"), whole=True),
    Derived("price_eur", ("price",), times("price", 0.9, 2)),
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
    Derived("price_to_usual", ("avg_price_per_room",), ratio("avg_price_per_room", "historical_adr", 3)),
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
    Derived("hour_of_day", ("invoiced_at",), hour_of("invoiced_at")),
    Derived("invoice_total", ("invoice", "amount"), of_each("invoice", "amount", "sum"), whole=True),
    Derived("invoice_lines", ("invoice",), of_each("invoice", "quantity", "size"), whole=True),
)

BANDIT = (
    Derived("minute", ("shown_at",), lambda f, w: f["shown_at"].dt.minute.astype(float)),
    Derived("slot", ("position",), band("position", {"left": 1, "centre": 2, "right": 3})),
    Derived(
        "weight",
        ("propensity_score",),
        lambda f, w: (1 / f["propensity_score"].where(f["propensity_score"] != 0)).round(2),
    ),
    Derived("weighted_click", ("click", "propensity_score"), ratio("click", "propensity_score", 2)),
)

GROCERIES = (
    Derived("unit_price", ("sales_value", "quantity"), ratio("sales_value", "quantity", 4)),
    Derived(
        "list_price",
        ("sales_value", "retail_disc", "coupon_match_disc"),
        lambda f, w: (f["sales_value"] + f["retail_disc"] + f["coupon_match_disc"]).round(2),
    ),
    Derived("discount_share", ("retail_disc", "list_price"), ratio("retail_disc", "list_price", 4)),
    Derived("private_label", ("brand",), is_("brand", "Private")),
    Derived("hour_of_day", ("sold_at",), hour_of("sold_at")),
    Derived(
        "basket_total", ("basket_id", "sales_value"), of_each("basket_id", "sales_value", "sum"), whole=True
    ),
    Derived("basket_items", ("basket_id",), of_each("basket_id", "quantity", "size"), whole=True),
)


def _months_left(frame: Frame, was: Frame) -> pd.Series:
    """Months from the payment until the card expires, written as 08/24; null where it is not."""
    until = frame["expiration_date"].astype(object).str.extract(r"^(\d\d)/(\d\d)$").astype(float)
    paid_at = frame["paid_at"]
    return (until[1] + 2000 - paid_at.dt.year) * 12 + until[0] - paid_at.dt.month


CARDS = (
    Derived("hour_of_day", ("paid_at",), hour_of("paid_at")),
    Derived("amount_units", ("amount",), times("amount", 0.01, 2)),
    Derived("amount_band", ("amount",), band("amount", {"small": 0, "middle": 20_000, "large": 60_000})),
    Derived("months_left", ("expiration_date", "paid_at"), _months_left),
    Derived("network", ("provider",), lambda f, w: f["provider"].str.split(" ").str[0]),
)

GRANTED = (
    Derived("grade", ("sub_grade",), lambda f, w: f["sub_grade"].str.slice(0, 1)),
    Derived(
        "credit_used",
        ("total_credit_utilized", "total_credit_limit"),
        ratio("total_credit_utilized", "total_credit_limit", 4),
    ),
    Derived(
        "installment_to_income", ("installment", "annual_income"), ratio("installment", "annual_income", 5)
    ),
    Derived("share_paid", ("paid_principal", "loan_amount"), ratio("paid_principal", "loan_amount", 4)),
    Derived("years_of_credit", ("earliest_credit_line",), lambda f, w: 2018 - f["earliest_credit_line"]),
    Derived(
        "income_band",
        ("annual_income",),
        band("annual_income", {"low": 0, "middle": 45_000, "high": 100_000}),
    ),
)


def _lead_days(frame: Frame, was: Frame) -> pd.Series:
    return (frame["check_in"] - frame["searched_at"].dt.normalize()).dt.days.astype(float)


SEARCHES = (
    Derived("hour_of_day", ("searched_at",), hour_of("searched_at")),
    Derived("lead_days", ("check_in", "searched_at"), _lead_days),
    Derived(
        "nights",
        ("check_in", "check_out"),
        lambda f, w: (f["check_out"] - f["check_in"]).dt.days.astype(float),
    ),
    Derived("guests", ("adults", "children"), lambda f, w: f["adults"] + f["children"]),
    Derived("distance_km", ("distance",), times("distance", 1.609344, 1)),
    Derived("reach", ("distance",), band("distance", {"near": 0, "middle": 200, "far": 1_500})),
)


def _for_a_dollar(frame: Frame, was: Frame) -> pd.Series:
    """The rate against the dollar: by the dollar's own rate of the day, the first if there are two."""
    dollars = frame[frame["currency"] == "USD"].drop_duplicates("quoted_on").set_index("quoted_on")["rate"]
    of_day = frame["quoted_on"].map(dollars.where(dollars != 0)).astype(float)
    return (frame["rate"] / of_day).round(6)


def _weekday(frame: Frame, was: Frame) -> pd.Series:
    day = frame["quoted_on"]
    return day.dt.day_name().astype(object).where(day.notna(), None)


MOVE = Derived("move", ("change_percent",), band("change_percent", {"down": -1, "flat": -0.25, "up": 0.25}))

RATES = (
    Derived("weekday", ("quoted_on",), _weekday),
    Derived("euros", ("rate",), lambda f, w: (1 / f["rate"].where(f["rate"] != 0)).round(8)),
    Derived("change_percent", ("rate", "previous"), percent_change("rate", "previous", 4)),
    MOVE,
    Derived("for_a_dollar", ("rate", "currency", "quoted_on"), _for_a_dollar, whole=True),
)

STOCKS = (
    Derived("span", ("high", "low"), lambda f, w: (f["high"] - f["low"]).round(4)),
    Derived("turnover", ("close", "volume"), lambda f, w: (f["close"] * f["volume"] / 1e6).round(3)),
    Derived("change_percent", ("close", "previous"), percent_change("close", "previous", 4)),
    MOVE,
)

PRICES = (
    Derived("change_12_months", ("value", "year_ago"), percent_change("value", "year_ago", 1)),
    Derived(
        "trend",
        ("change_12_months",),
        band("change_12_months", {"falling": -1, "stable": 0, "rising": 2, "soaring": 5}),
    ),
    Derived("buys", ("value",), lambda f, w: (10_000 / f["value"].where(f["value"] != 0)).round(2)),
    Derived("item_group", ("item",), lambda f, w: f["item"].str.slice(0, 3)),
    Derived("item_depth", ("item",), lambda f, w: f["item"].str.len().astype(float)),
)

AVOCADOS = (
    Derived(
        "revenue",
        ("average_price", "total_volume"),
        lambda f, w: (f["average_price"] * f["total_volume"]).round(2),
    ),
    Derived(
        "loose",
        ("small_hass_sold", "large_hass_sold", "xlarge_hass_sold"),
        lambda f, w: (f["small_hass_sold"] + f["large_hass_sold"] + f["xlarge_hass_sold"]).round(2),
    ),
    Derived("bagged_share", ("total_bags", "total_volume"), ratio("total_bags", "total_volume", 4)),
    Derived("price_band", ("average_price",), band("average_price", {"low": 0, "middle": 1.1, "high": 1.6})),
    Derived("organic", ("kind",), is_("kind", "organic")),
    Derived("volume_tonnes", ("total_volume",), times("total_volume", 0.0001928, 3)),
)

FILMS = (
    Derived("hour_of_day", ("rated_at",), hour_of("rated_at")),
    Derived("liked", ("rating",), lambda f, w: above(f["rating"], 3)),
    Derived("first_genre", ("genres",), lambda f, w: f["genres"].str.split(" ").str[0]),
    Derived("film_age", ("release_year",), lambda f, w: 1998 - f["release_year"]),
    Derived(
        "age_band", ("age",), band("age", {"under 20": 0, "20 to 29": 20, "30 to 39": 30, "40 and over": 40})
    ),
    Derived("zip_area", ("zip_code",), lambda f, w: f["zip_code"].str.slice(0, 1)),
)
