"""Sales, orders, baskets, stays, clicks, payments, loans and searches."""

from __future__ import annotations

import pandas as pd

from benchmarks.alerts.derived.common import Derived, Frame, band, hour_of, is_, of_each, ratio, times

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
    return (frame["srch_ci"] - frame["searched_at"].dt.normalize()).dt.days.astype(float)


SEARCHES = (
    Derived("hour_of_day", ("searched_at",), hour_of("searched_at")),
    Derived("distance_km", ("orig_destination_distance",), times("orig_destination_distance", 1.609344, 1)),
    Derived("lead_days", ("srch_ci", "searched_at"), _lead_days),
    Derived(
        "nights", ("srch_ci", "srch_co"), lambda f, w: (f["srch_co"] - f["srch_ci"]).dt.days.astype(float)
    ),
    Derived(
        "guests",
        ("srch_adults_cnt", "srch_children_cnt"),
        lambda f, w: f["srch_adults_cnt"] + f["srch_children_cnt"],
    ),
    Derived("party", ("guests",), band("guests", {"single": 0, "couple": 2, "family": 3, "group": 6})),
)
