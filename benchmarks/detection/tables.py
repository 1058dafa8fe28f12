"""The tables: the real flights, and made ones of other shapes. Seeds are fixed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pandas as pd

from interlock.incidents import flights


@dataclass(frozen=True)
class Table:
    """Partitions in order. ``not_clean`` are labels on which an alarm would be right."""

    name: str
    partition: str
    key: tuple[str, ...]
    partitions: dict[str, pd.DataFrame]
    types: dict[str, str]
    made: bool
    not_clean: frozenset[str] = frozenset()
    segments: tuple[str, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)


def _split(name: str, frame: pd.DataFrame, partition: str, key: tuple[str, ...], **more: object) -> Table:
    with duckdb.connect() as connection:
        described = connection.sql("DESCRIBE frame").fetchall()
    types = {row[0]: row[1] for row in described}
    types.update(more.pop("types", {}))  # type: ignore[arg-type]
    parts = {
        pd.Timestamp(k).isoformat().removesuffix("T00:00:00") if not isinstance(k, str) else k: g.reset_index(
            drop=True
        )
        for k, g in frame.groupby(partition, sort=True)
    }
    return Table(name, partition, key, parts, types, **more)  # type: ignore[arg-type]


def real_flights(segments: tuple[str, ...] = ()) -> Table:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        relation = connection.sql(
            f"SELECT * REPLACE (time_hour::TIMESTAMP AS time_hour) FROM '{flights.path()}'"
        )
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        frame = relation.df()
    not_clean = frozenset(d.isoformat() for d in flights.NOT_CLEAN)
    name = "flights" + (" by carrier" if segments else "")
    return _split(
        name, frame, "day", flights.KEY, made=False, not_clean=not_clean, segments=segments, types=types
    )


def _days(count: int, start: str = "2022-01-03") -> list[dt.date]:
    first = dt.date.fromisoformat(start)
    return [first + dt.timedelta(days=i) for i in range(count)]


def tiny() -> Table:
    """Twenty rows a day: small clinics reporting."""
    rng = np.random.default_rng(1)
    frames = []
    for i, day in enumerate(_days(300)):
        n = max(5, int(rng.poisson(20)))
        frames.append(
            pd.DataFrame(
                {
                    "day": day,
                    "visit": np.arange(n) + 1000 * i,
                    "age": rng.integers(1, 95, n),
                    "temperature": np.round(rng.normal(37.0, 0.6, n), 1),
                    "ward": rng.choice(["A", "B", "C"], n, p=[0.5, 0.3, 0.2]),
                    "bill": np.round(rng.lognormal(5, 1, n), 2),
                    "note": np.where(rng.random(n) < 0.4, None, "seen"),
                }
            )
        )
    return _split("tiny", pd.concat(frames), "day", ("visit",), made=True)


def hourly() -> Table:
    """Three hundred rows an hour with a strong daily rhythm: sensor and order traffic."""
    rng = np.random.default_rng(2)
    frames = []
    first = dt.datetime.fromisoformat("2022-01-03T00:00:00")
    for i in range(24 * 21):
        hour = first + dt.timedelta(hours=i)
        level = 1.0 + 0.7 * np.sin((hour.hour - 9) / 24 * 2 * np.pi)
        n = int(rng.poisson(300 * level))
        frames.append(
            pd.DataFrame(
                {
                    "hour": hour,
                    "order_id": np.arange(n) + 10_000 * i,
                    "amount": np.round(rng.gamma(2.0, 20 * level, n), 2),
                    "items": 1 + rng.poisson(1.5, n),
                    "channel": rng.choice(["web", "app", "shop"], n, p=[0.5, 0.4, 0.1]),
                    "latency_ms": rng.lognormal(4 + 0.3 * level, 0.5, n),
                    "ok": rng.random(n) < 0.97,
                    "at": [hour + dt.timedelta(seconds=int(s)) for s in rng.integers(0, 3600, n)],
                }
            )
        )
    return _split("hourly", pd.concat(frames), "hour", ("order_id",), made=True)


def steady() -> Table:
    """Two thousand rows a day without any season, with columns that never change."""
    rng = np.random.default_rng(3)
    frames = []
    for i, day in enumerate(_days(200)):
        n = 2000
        frames.append(
            pd.DataFrame(
                {
                    "day": day,
                    "id": np.arange(n) + n * i,
                    "score": rng.beta(2, 5, n),
                    "version": 7,
                    "country": rng.choice([f"C{k:02d}" for k in range(40)], n, p=_zipf(40)),
                    "income": np.where(rng.random(n) < 0.3, np.nan, rng.lognormal(10, 0.5, n).round()),
                    "email": [f"user{k}@example.org" for k in rng.integers(0, 10**6, n)],
                    "weight_kg": rng.normal(75, 12, n).round(1),
                    "label": rng.random(n) < 0.1,
                }
            )
        )
    return _split("steady", pd.concat(frames), "day", ("id",), made=True)


def growing() -> Table:
    """A young product: rows and amounts grow by about one per cent a day, weekends are slow."""
    rng = np.random.default_rng(4)
    frames = []
    for i, day in enumerate(_days(240)):
        weekend = 0.6 if day.weekday() >= 5 else 1.0
        n = int(rng.poisson(200 * 1.008**i * weekend * np.exp(rng.normal(0, 0.05))))
        frames.append(
            pd.DataFrame(
                {
                    "day": day,
                    "event": np.arange(n) + 100_000 * i,
                    "user_id": rng.integers(0, 500 + 40 * i, n),
                    "price": np.round(rng.lognormal(3 + 0.002 * i, 0.6, n), 2),
                    "currency": rng.choice(["EUR", "USD"], n),
                    "plan": rng.choice(["free", "pro", "team"], n, p=[0.8, 0.15, 0.05]),
                    "sessions": rng.poisson(3, n),
                }
            )
        )
    return _split("growing", pd.concat(frames), "day", ("event",), made=True)


def sparse() -> Table:
    """Mostly empty and constant columns, some only rarely filled."""
    rng = np.random.default_rng(5)
    frames = []
    for i, day in enumerate(_days(200)):
        n = int(rng.poisson(400))
        rare = rng.random(n) < 0.01
        frames.append(
            pd.DataFrame(
                {
                    "day": day,
                    "id": np.arange(n) + 1000 * i,
                    "source": "crm",
                    "always": 1,
                    "discount": np.where(rng.random(n) < 0.95, np.nan, rng.integers(1, 50, n)),
                    "refund": np.where(rare, np.round(rng.gamma(2, 30, n), 2), np.nan),
                    "flag": np.where(rare, "refunded", None),
                    "amount": np.round(rng.gamma(3, 30, n), 2),
                }
            )
        )
    return _split("sparse", pd.concat(frames), "day", ("id",), made=True)


def _zipf(n: int) -> np.ndarray:
    weights = 1.0 / np.arange(1, n + 1)
    return weights / weights.sum()


TABLES: tuple[Callable[[], Table], ...] = (real_flights, tiny, hourly, steady, growing, sparse)
