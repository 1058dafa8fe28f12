"""The tables that are measured and of which only the sums are looked at."""

from __future__ import annotations

import datetime as dt

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import days, on
from benchmarks.alerts.tables import HELD_OUT, Table

LOANS = Table(
    "car-loan",
    "nannyml: simulated car loans, the reference period",
    HELD_OUT,
    ("id",),
    ("salary_range", "size_of_downpayment"),
    (),
    derived.LOANS,
    bound=(
        "y_pred",
        "y_pred_proba",
        "repaid",
        "monthly_rate",
        "salary_middle",
        "value_to_salary",
        "salary_range",
    ),
)


def _birthdays_not_clean() -> dict[str, str]:
    """Holidays of 1980–82 on which hospitals induce few births, and days off around them."""
    found: dict[str, str] = {}
    for year, memorial, labor, thanks in (
        (1980, "05-26", "09-01", "11-27"),
        (1981, "05-25", "09-07", "11-26"),
        (1982, "05-31", "09-06", "11-25"),
    ):
        next_day = (dt.date.fromisoformat(f"{year}-{thanks}") + dt.timedelta(days=1)).isoformat()
        found |= on("New Year", (f"{year}-01-01", f"{year}-01-02", f"{year}-12-31"))
        found |= on("Memorial Day", (f"{year}-{memorial}",))
        found |= on("Independence Day", tuple(f"{year}-07-0{d}" for d in (3, 4, 5)))
        found |= on("Labor Day", (f"{year}-{labor}",))
        found |= on("Thanksgiving", (f"{year}-{thanks}", next_day))
        found |= on("Christmas", tuple(f"{year}-12-{d}" for d in (24, 25, 26)))
    return found | on("leap day", ("1980-02-29",))


BIRTHDAYS = Table(
    "birthdays",
    "mosaicData: births a day and state in the United States, 1980–1982",
    HELD_OUT,
    ("state", "date"),
    ("state",),
    ("year", "month", "day", "date", "wday"),
    derived.BIRTHDAYS,
    bound=("births", "share_of_day", "births_log"),
    not_clean=_birthdays_not_clean(),
)

BANDIT = Table(
    "recommendations",
    "obp (Apache-2.0): Open Bandit Dataset, items shown at random on a fashion site, by hour, a week of 2019",
    HELD_OUT,
    (),
    ("campaign", "user_feature_1", "user_feature_3"),
    (),
    derived.BANDIT,
    bound=(
        *("item_id", "propensity_score", "item_feature_0", "item_feature_1", "campaign", "position", "slot"),
        *("weight", "weighted_click", "shown_at", "minute"),
    ),
)

GROCERIES = Table(
    "groceries",
    "completejourney (MIT): what every fifth of 2,500 households bought, 2017, simulated after real shopping",
    HELD_OUT,
    ("basket_id", "product_id"),
    ("store_id", "department"),
    (),
    derived.GROCERIES,
    bound=(
        *("household_id", "store_id", "basket_id", "sold_at", "hour_of_day", "quantity", "sales_value"),
        *("retail_disc", "list_price", "discount_share", "unit_price", "basket_total", "basket_items"),
        *("product_id", "manufacturer_id", "department", "brand", "private_label", "product_category"),
        *("product_type", "package_size"),
    ),
    not_clean=days(
        2017,
        (
            ("01-01", "01-02", "New Year"),
            ("02-04", "02-05", "the Super Bowl and the day before"),
            ("02-14", "02-14", "Valentine's Day"),
            ("04-14", "04-16", "Easter"),
            ("05-14", "05-14", "Mother's Day"),
            ("05-29", "05-29", "Memorial Day"),
            ("07-03", "07-04", "Independence Day and the day before"),
            ("08-07", "08-07", "raw rows: 89,638 units in one line"),
            ("09-04", "09-04", "Labor Day"),
            ("10-31", "10-31", "Halloween"),
            ("11-20", "11-25", "Thanksgiving, and the shopping before it"),
            ("12-21", "12-24", "the shopping before Christmas"),
            ("12-26", "12-26", "the day after Christmas"),
            ("12-31", "12-31", "New Year's Eve"),
        ),
    ),
)

ELECTRICITY = Table(
    "electricity",
    "fpp2 (GPL-3): half-hourly electricity demand and temperature in Victoria, Australia, 2014",
    HELD_OUT,
    ("measured_at",),
    ("part_of_day",),
    ("work_day",),
    derived.ELECTRICITY,
    bound=(
        *("measured_at", "hour_of_day", "part_of_day", "demand", "demand_mw", "load"),
        *("temperature", "temperature_f", "cooling", "heating"),
    ),
    not_clean=on(
        "a heat wave: raw rows: over 38 °C", ("2014-01-28", "2014-02-02", "2014-02-08", "2014-02-09")
    )
    | days(
        2014,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("01-14", "01-17", "a heat wave: raw rows: over 41 °C"),
            ("01-27", "01-27", "Australia Day"),
            ("03-10", "03-10", "Labour Day"),
            ("04-18", "04-21", "Easter"),
            ("04-25", "04-25", "Anzac Day"),
            ("06-09", "06-09", "Queen's Birthday"),
            ("11-04", "11-04", "Melbourne Cup"),
            ("12-24", "12-31", "Christmas, and the days until New Year"),
        ),
    ),
)

TABLES = (LOANS, BIRTHDAYS, BANDIT, GROCERIES, ELECTRICITY)
