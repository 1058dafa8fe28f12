"""Columns made from other columns, by table."""

from __future__ import annotations

from benchmarks.alerts.derived.common import Derived, differs, recomputed
from benchmarks.alerts.derived.lives import BIRTHDAYS, COVID, EMPLOYMENT, FOOTBALL, PETS, RODENTS, STOPS
from benchmarks.alerts.derived.measured import AIR, ELECTRICITY, EMISSIONS, HOUSEHOLD, MAST, PRICES, WEATHER
from benchmarks.alerts.derived.trade import (
    BANDIT,
    CARDS,
    GRANTED,
    GROCERIES,
    HOTEL,
    LOANS,
    PIZZA,
    RETAIL,
    SALES,
    SEARCHES,
)
from benchmarks.alerts.derived.travel import CRASHES, DEPARTURES, FLIGHTS, STRIKES, TAXIS, TRAFFIC

__all__ = [
    "AIR",
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
    "GRANTED",
    "GROCERIES",
    "HOTEL",
    "HOUSEHOLD",
    "LOANS",
    "MAST",
    "PETS",
    "PIZZA",
    "PRICES",
    "RETAIL",
    "RODENTS",
    "SALES",
    "SEARCHES",
    "STOPS",
    "STRIKES",
    "TAXIS",
    "TRAFFIC",
    "WEATHER",
    "Derived",
    "differs",
    "recomputed",
]
