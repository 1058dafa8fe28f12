"""The flights that left New York City in 2013, and the days on which the world was not as usual."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from pathlib import Path

KEY = ("carrier", "flight", "origin")


def path() -> Path:
    """The Parquet file shipped with the package (see ``data/PROVENANCE.md``)."""
    return Path(str(files("interlock.incidents") / "data" / "flights.parquet"))


def _days(*spans: tuple[str, str, str]) -> dict[dt.date, str]:
    found: dict[dt.date, str] = {}
    for first, last, why in spans:
        day = dt.date.fromisoformat(f"2013-{first}")
        while day <= dt.date.fromisoformat(f"2013-{last}"):
            found[day] = why
            day += dt.timedelta(days=1)
    return found


# Written down before anything was measured on this table, from the calendar and the news of
# 2013, not from the flights. An alarm on one of these days is not a false alarm; every other
# day is clean.
NOT_CLEAN: dict[dt.date, str] = _days(
    ("01-01", "01-01", "New Year's Day: reduced schedule"),
    ("01-30", "01-31", "gale-force winds and heavy rain along the East Coast"),
    ("02-08", "02-10", "blizzard Nemo: New York airports closed, reopening on the 9th and 10th"),
    ("03-06", "03-08", "March nor'easter: Washington on the 6th, snow in New York on the 8th"),
    ("03-18", "03-19", "snow and sleet storm in New York and New England"),
    ("03-31", "03-31", "Easter Sunday"),
    (
        "04-21",
        "04-27",
        "sequestration: air-traffic controllers on furlough, flights metered at all three airports",
    ),
    ("05-26", "05-27", "Memorial Day weekend: reduced schedule"),
    ("06-07", "06-08", "tropical storm Andrea"),
    ("06-13", "06-13", "derecho series and flood rains"),
    ("07-04", "07-05", "Independence Day: reduced schedule"),
    ("07-06", "07-07", "Asiana 214 crashed at San Francisco, the airport was closed"),
    ("07-22", "07-23", "Southwest 345 crashed on LaGuardia's runway; thunderstorms the day after"),
    ("08-31", "09-02", "Labor Day weekend: reduced schedule"),
    ("09-12", "09-12", "severe thunderstorms over the New York airspace"),
    ("11-01", "11-01", "shooting at Los Angeles International, terminals evacuated"),
    ("11-26", "12-01", "Thanksgiving week, with a nor'easter on the 26th and 27th"),
    ("12-05", "12-10", "ice storm Cleon in Texas and the South, then snow in New York on the 8th and 10th"),
    ("12-14", "12-15", "winter storm Electra: snow in New York"),
    ("12-17", "12-17", "snow in New York"),
    ("12-24", "12-25", "Christmas: reduced schedule"),
    ("12-31", "12-31", "New Year's Eve: reduced schedule"),
)
