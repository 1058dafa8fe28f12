"""Columns made from other columns, by table."""

from __future__ import annotations

from benchmarks.alerts.derived.common import Derived, differs, recomputed
from benchmarks.alerts.derived.lives import BIRTHDAYS, COVID, EMPLOYMENT, FOOTBALL, PETS, RODENTS, STOPS
from benchmarks.alerts.derived.measured import (
    AIR,
    ELECTRICITY,
    EMISSIONS,
    GLUCOSE,
    HOUSEHOLD,
    MAST,
    POWER_PRICES,
    WEATHER,
)
from benchmarks.alerts.derived.trade import (
    AVOCADOS,
    BANDIT,
    CARDS,
    GRANTED,
    GROCERIES,
    HOTEL,
    LOANS,
    PIZZA,
    PRICES,
    RATES,
    RETAIL,
    SALES,
    SEARCHES,
    STOCKS,
)
from benchmarks.alerts.derived.travel import CRASHES, DEPARTURES, FLIGHTS, STRIKES, TAXIS, TRAFFIC

__all__ = [
    "AIR",
    "AVOCADOS",
    "BANDIT",
    "BIRTHDAYS",
    "CARDS",
    "COVID",
    "CRASHES",
    "DEPARTURES",
    "ELECTRICITY",
    "EMISSIONS",
    "EMPLOYMENT",
    "FLIGHTS",
    "FOOTBALL",
    "GLUCOSE",
    "GRANTED",
    "GROCERIES",
    "HOTEL",
    "HOUSEHOLD",
    "LOANS",
    "MAST",
    "PETS",
    "PIZZA",
    "POWER_PRICES",
    "PRICES",
    "RATES",
    "RETAIL",
    "RODENTS",
    "SALES",
    "SEARCHES",
    "STOCKS",
    "STOPS",
    "STRIKES",
    "TAXIS",
    "TRAFFIC",
    "WEATHER",
    "Derived",
    "differs",
    "recomputed",
]
