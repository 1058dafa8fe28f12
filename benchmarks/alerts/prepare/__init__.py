"""How each public table becomes partitions: read from its package, typed, its derived columns made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.alerts.prepare import lives, measured, trade, travel
from benchmarks.alerts.prepare.common import PARTITION, Frame

__all__ = ["PARTITION", "prepared"]

RECIPES: dict[str, Callable[[], Frame]] = {
    "flights": travel.flights,
    "global_sales": trade.global_sales,
    "stops": lives.stops,
    "weather": measured.weather,
    "pizzaplace": trade.pizzaplace,
    "car-loan": trade.car_loan,
    "employment": lives.employment,
    "birthdays": lives.birthdays,
    "hotel": trade.hotel,
    "online-retail": trade.online_retail,
    "bird-strikes": travel.bird_strikes,
    "recommendations": trade.recommendations,
    "traffic": travel.traffic,
    "football": lives.football,
    "groceries": trade.groceries,
    "electricity": measured.electricity,
    "card-payments": trade.card_payments,
    "taxi-trips": travel.taxi_trips,
    "pets": lives.pets,
    "rodents": lives.rodents,
    "loans": trade.loans,
    "air": measured.air,
    "household": measured.household,
    "covid-tests": lives.covid_tests,
    "crashes": travel.crashes,
    "stocks": trade.stocks,
    "hotel-searches": trade.hotel_searches,
    "wind-mast": measured.wind_mast,
    "consumer-prices": trade.consumer_prices,
    "exchange-rates": trade.exchange_rates,
    "avocados": trade.avocados,
    "glucose": measured.glucose,
    "departures": travel.departures,
    "power-prices": measured.power_prices,
    "grid-emissions": measured.grid_emissions,
    "car-charging": measured.car_charging,
    "rooms": measured.rooms,
    "film-ratings": trade.film_ratings,
    "dengue": lives.dengue,
    "jobs": lives.jobs,
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
