"""The tables that are measured and of which only the sums are looked at."""

from __future__ import annotations

import datetime as dt

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import on
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

TABLES = (LOANS, BIRTHDAYS)
