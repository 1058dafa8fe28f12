"""Held-out tables of journeys."""

from __future__ import annotations

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import days, on
from benchmarks.alerts.tables import HELD_OUT, Table

DEPARTURES = Table(
    "departures",
    "popmon (MIT; US Department of Transportation, public domain): a sample of flights in the United States, 2015",
    HELD_OUT,
    (),
    ("airline", "haul"),
    ("flown_on",),
    derived.DEPARTURES,
    bound=(
        *("cancelled", "departure_delay", "late", "taxi_out", "wheels_off_delay"),
        *("distance", "distance_km", "air_time", "miles_a_minute", "haul"),
    ),
    not_clean=on(
        "storms: raw rows: over 4.5% of the flights were cancelled, three times as many as usual",
        (
            *("2015-01-26", "2015-01-27", "2015-02-01", "2015-02-02", "2015-02-03", "2015-02-09"),
            *("2015-02-15", "2015-02-16", "2015-02-17", "2015-02-21", "2015-02-22", "2015-02-23"),
            *("2015-02-25", "2015-02-27", "2015-02-28", "2015-03-01", "2015-03-03", "2015-03-04"),
            *("2015-03-05", "2015-04-09", "2015-05-10", "2015-06-15", "2015-06-16", "2015-06-22"),
            *("2015-11-17", "2015-11-21", "2015-12-15"),
        ),
    )
    | on(
        "raw rows: flights left 25 minutes late on average, usually nine",
        ("2015-03-23", "2015-05-27", "2015-06-18", "2015-06-23", "2015-08-20"),
    )
    | days(
        2015,
        (
            ("01-01", "01-05", "New Year, and the way home from it"),
            ("01-19", "01-19", "Martin Luther King Day"),
            ("04-05", "04-05", "Easter Sunday"),
            ("05-22", "05-25", "Memorial Day, and the weekend before it"),
            ("07-01", "07-01", "US Airways' flights are told as American's from here on"),
            ("07-02", "07-05", "Independence Day, and the days around it"),
            ("07-06", "07-07", "the first week without US Airways"),
            ("07-08", "07-08", "United's computers failed, and it kept all its flights on the ground"),
            ("08-15", "08-15", "air traffic control in Virginia failed"),
            ("08-23", "08-23", "raw rows: a flight 25 hours late"),
            ("09-05", "09-07", "Labor Day, and the weekend before it"),
            ("09-17", "09-17", "American's computers failed"),
            ("10-11", "10-11", "Southwest's computers failed"),
            ("11-25", "11-29", "Thanksgiving, and the way there and home"),
            ("12-23", "12-31", "Christmas and New Year; storms from the 26th on"),
        ),
    ),
)

TABLES = (DEPARTURES,)
