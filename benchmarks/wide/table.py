"""A wide table: one profiled partition of mixed columns, and a year of features around it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import duckdb
import numpy as np

from interlock import detect, profiles
from interlock.detect.features import Family, Features
from interlock.engines.duckdb import DuckDB
from interlock.profiles.profile import ColumnProfile, Profile

ROWS = 2_000
FIRST = dt.date(2024, 1, 1)

# What a column of each kind is, over the row number i and its own number c; nulls come in groups of columns.
KINDS = (
    ("amount", 30, "(ln(1 + hash(i, {c}) % 100000) * 37 + {c})::DOUBLE"),
    ("share", 15, "(hash(i, {c}) % 10007) / 10007.0::DOUBLE"),
    ("count", 15, "(hash(i, {c}) % (50 + {c}))::INTEGER"),
    ("code", 10, "(hash(i, {c}) % (3 + {c} % 12))::SMALLINT"),
    ("category", 12, "'v' || (hash(i, {c}) % (2 + {c} % 50))"),
    ("id", 8, "printf('%s-%05d', chr((65 + hash(i, {c}) % 26)::INTEGER), hash(i, {c} + 1) % 100000)"),
    ("flag", 5, "hash(i, {c}) % 7 = 0"),
    ("moment", 5, "TIMESTAMP '2024-01-01' + to_seconds((hash(i, {c}) % 86400)::INTEGER)"),
)


def profile(columns: int) -> Profile:
    """The profile of one partition of ``ROWS`` rows, computed as any other is."""
    every = [kind for kind in KINDS for _ in range(kind[1])]
    parts = []
    for c in range(columns):
        name, _, value = every[c * 37 % len(every)]
        text = value.format(c=c)
        if c % 4 == 0:  # a quarter has nulls, in groups that are empty together
            text = f"CASE WHEN hash(i, {c % 40}) % 20 > {c % 7} THEN {text} END"
        parts.append(f'{text} AS "{name}_{c}"')
    with DuckDB() as engine:
        made = duckdb.sql(f"SELECT {', '.join(parts)} FROM range({ROWS}) t(i)")
        return profiles.compute(engine, engine.relation(made))


def on(base: Profile, day: int) -> Profile:
    """The same partition on another day: its moments are of that day."""
    later = dt.timedelta(days=day)
    columns = {n: _later(c, later) if n.startswith("moment") else c for n, c in base.columns.items()}
    return replace(base, columns=columns)


def _later(column: ColumnProfile, by: dt.timedelta) -> ColumnProfile:
    v = dict(column.values)
    for name in ("min", "max"):
        v[name] = None if v[name] is None else v[name] + by
    v["quantiles"] = {p: None if q is None else q + by for p, q in (v["quantiles"] or {}).items()}
    return replace(column, values=v)


def label(day: int) -> str:
    return (FIRST + dt.timedelta(days=day)).isoformat()


def year(base: Profile, days: int, seed: int = 0) -> list[detect.Row]:
    """Features of ``days`` days around the base: weekdays, slow drift, sampling noise of each feature's own size."""
    rng = np.random.default_rng(seed)
    found = detect.features(base)
    week = 0.05 * rng.standard_normal((7, len(found.keys)))
    return [detect.Row(label(n), _day(found, n, week, rng)) for n in range(days)]


def _day(found: Features, number: int, week: np.ndarray, rng: np.random.Generator) -> Features:
    families = np.array([k.family for k in found.keys])
    noise = rng.standard_normal(len(found.keys)) * np.nan_to_num(found.errors) + week[number % 7] * 0.1
    values = found.values.copy()
    share, count = families == Family.SHARE, families == Family.COUNT
    real, moment = families == Family.REAL, families == Family.MOMENT
    values[share] = np.where(values[share] > 0, np.clip(values[share] * (1 + 0.2 * noise[share]), 0, 1), 0)
    whole = np.array([k.feature in ("rows", "distinct") for k in found.keys])
    values[count] = values[count] * np.exp(noise[count] * 0.2)
    values[whole] = np.maximum(np.round(values[whole]), 1)
    values[real] = values[real] + noise[real]
    values[moment] = values[moment] + 86_400.0 * number
    _same_nulls(found, values)
    domains = {
        c: {v: max(1, int(n * (1 + 0.1 * rng.standard_normal()))) for v, n in d.items()}
        for c, d in found.domains.items()
    }
    return replace(found, values=values, domains=domains)


def _same_nulls(found: Features, values: np.ndarray) -> None:
    """Columns with equal numbers of nulls keep equal ones: they are empty together."""
    at = [i for i, k in enumerate(found.keys) if k.feature == "nulls"]
    groups: dict[float, list[int]] = {}
    for i in at:
        groups.setdefault(float(found.values[i]), []).append(i)
    for same in groups.values():
        values[same] = np.round(values[same[0]] * ROWS) / ROWS


def broken(base: Profile, columns: int) -> Profile:
    """The same partition with that many of its columns of amounts a thousandfold and half negative."""
    wrong = [name for name in base.columns if name.startswith(("amount", "count"))][:columns]
    return replace(base, columns={**base.columns, **{n: _scaled(base.columns[n]) for n in wrong}})


def _scaled(column: ColumnProfile) -> ColumnProfile:
    v = dict(column.values)
    for name in ("min", "max", "mean", "stddev"):
        v[name] = None if v[name] is None else v[name] * 1000
    v["quantiles"] = {p: None if q is None else q * 1000 for p, q in (v["quantiles"] or {}).items()}
    v["negatives"] = ROWS // 2
    return replace(column, values=v)
