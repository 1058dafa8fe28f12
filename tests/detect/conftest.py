"""Real flights, profiled once, and made partitions profiled by the real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pytest

from interlock import detect, profiles
from interlock.engines.duckdb import DuckDB
from interlock.incidents import flights
from interlock.profiles.profile import Profile

Profiler = Callable[..., dict[str, Profile]]


@pytest.fixture(scope="session")
def profiles_of() -> Iterator[Profiler]:
    """Profiles by ``part`` of the rows a query gives."""
    with duckdb.connect() as connection, DuckDB() as engine:
        connection.execute("SET TimeZone = 'UTC'")

        def made(query: str, by: str = "part", **more: object) -> dict[str, Profile]:
            return profiles.compute_by(engine, engine.relation(connection.sql(query)), by, **more)

        yield made


@pytest.fixture(scope="session")
def flights_by_day(profiles_of: Profiler) -> dict[str, Profile]:
    return profiles_of(f"FROM '{flights.path()}'", "day", key=flights.KEY)


@pytest.fixture(scope="session")
def histories(flights_by_day: dict[str, Profile]) -> dict[str, detect.History]:
    """The flights' history before each day."""
    history, before = detect.History.of([]), {}
    for label, profiled in flights_by_day.items():
        before[label] = history
        history = history.append(label, detect.features(profiled))
    return before
