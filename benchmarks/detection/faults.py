"""What is planted. A fault takes a partition (and the whole table) and gives the broken one.

``TUNED`` kinds were looked at while settings were chosen; ``HELD_OUT`` kinds
were written down afterwards and only ever reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.detection.tables import Table

Frame = pd.DataFrame
Rng = np.random.Generator


@dataclass(frozen=True)
class Fault:
    """``columns`` are the right answers to "which column?"; empty where it is the rows."""

    kind: str
    columns: tuple[str, ...]
    plant: Callable[[Frame, Rng], Frame]


def _some(frame: Frame, rng: Rng, share: float) -> np.ndarray:
    return rng.choice(len(frame), max(1, round(share * len(frame))), replace=False)


def _set(frame: Frame, column: str, rows: np.ndarray, change: Callable[[pd.Series], object]) -> Frame:
    frame = frame.copy()
    values = frame[column].astype(object).copy()
    values.iloc[rows] = change(frame[column].iloc[rows])
    frame[column] = values
    return frame


def _float(frame: Frame, column: str) -> pd.Series:
    return frame[column].astype("Float64").astype(float)


def _share(share: float) -> str:
    return f" {share:.0%}" if share < 1 else ""


def unit(column: str, factor: float, share: float = 1.0) -> Fault:
    return Fault(
        f"unit ×{factor:g}{_share(share)}",
        (column,),
        lambda f, r: _set(f, column, _some(f, r, share), lambda s: (s * factor).round()),
    )


def nulls(column: str, share: float) -> Fault:
    return Fault(
        f"nulls {share:.0%}", (column,), lambda f, r: _set(f, column, _some(f, r, share), lambda s: None)
    )


def negative(column: str, share: float) -> Fault:
    return Fault(
        f"negative {share:.0%}",
        (column,),
        lambda f, r: _set(f, column, _some(f, r, share), lambda s: -s.abs()),
    )


def duplicated(share: float) -> Fault:
    return Fault(f"duplicated {share:.0%}", (), lambda f, r: pd.concat([f, f.iloc[_some(f, r, share)]]))


def swapped(a: str, b: str, share: float = 1.0) -> Fault:
    def plant(frame: Frame, rng: Rng) -> Frame:
        rows = _some(frame, rng, share)
        return _set(
            _set(frame, a, rows, lambda s: frame[b].iloc[rows]), b, rows, lambda s: frame[a].iloc[rows]
        )

    return Fault(f"swapped{_share(share)}", (a, b), plant)


def lost(column: str, value: object) -> Fault:
    return Fault(f"lost {column}", (column,), lambda f, r: f[f[column] != value])


def default(column: str, value: object, share: float) -> Fault:
    return Fault(
        f"default {value!r} {share:.0%}",
        (column,),
        lambda f, r: _set(f, column, _some(f, r, share), lambda s: value),
    )


def lower(column: str, share: float) -> Fault:
    return Fault(
        f"letter case {share:.0%}",
        (column,),
        lambda f, r: _set(f, column, _some(f, r, share), lambda s: s.str.swapcase()),
    )


def padded(column: str, share: float) -> Fault:
    return Fault(
        f"padded {share:.0%}", (column,), lambda f, r: _set(f, column, _some(f, r, share), lambda s: s + " ")
    )


def truncated(share: float) -> Fault:
    return Fault(f"truncated to {share:.0%}", (), lambda f, r: f.iloc[: int(len(f) * share)])


def constant(column: str) -> Fault:
    return Fault("constant", (column,), lambda f, r: f.assign(**{column: f[column].mode().iloc[0]}))


def noise(column: str, size: float) -> Fault:
    return Fault(
        f"noise {size:g} sd",
        (column,),
        lambda f, r: f.assign(
            **{column: (_float(f, column) + r.normal(0, size * _float(f, column).std(), len(f))).round(2)}
        ),
    )


# --- written after the settings were chosen --------------------------------------------


def stale(table: Table) -> Fault:
    """The partition of seven before, with today's date on it."""
    labels = list(table.partitions)

    def plant(frame: Frame, rng: Rng) -> Frame:
        today = frame[table.partition].iloc[0]
        label = next(k for k, v in table.partitions.items() if v[table.partition].iloc[0] == today)
        return table.partitions[labels[labels.index(label) - 7]].assign(**{table.partition: today})

    return Fault("stale by seven", (), plant)


def clipped(column: str, quantile: float) -> Fault:
    return Fault(
        f"clipped at {quantile:.0%}",
        (column,),
        lambda f, r: f.assign(
            **{column: _float(f, column).clip(upper=round(_float(f, column).quantile(quantile)))}
        ),
    )


def imputed(column: str) -> Fault:
    return Fault(
        "nulls imputed",
        (column,),
        lambda f, r: f.assign(**{column: _float(f, column).fillna(round(_float(f, column).mean()))}),
    )


def merged(column: str, value: str, into: str) -> Fault:
    return Fault("value merged", (column,), lambda f, r: f.assign(**{column: f[column].replace(value, into)}))


def mojibake(column: str, share: float) -> Fault:
    return Fault(
        f"encoding {share:.0%}",
        (column,),
        lambda f, r: _set(f, column, _some(f, r, share), lambda s: "Ã" + s),
    )


def shifted(column: str, by: float, share: float) -> Fault:
    return Fault(
        f"shifted {by:+g} {share:.0%}",
        (column,),
        lambda f, r: _set(f, column, _some(f, r, share), lambda s: s + by),
    )


def confined(column: str, factor: float, by: str, value: str) -> Fault:
    return Fault(
        f"unit ×{factor:g} where {by} is one value",
        (column,),
        lambda f, r: _set(f, column, np.flatnonzero(f[by] == value), lambda s: (s * factor).round()),
    )


def confined_nulls(column: str, by: str, value: str) -> Fault:
    return Fault(
        f"nulls where {by} is one value",
        (column,),
        lambda f, r: _set(f, column, np.flatnonzero(f[by] == value), lambda s: None),
    )


def moved(columns: tuple[str, ...], by_hours: int) -> Fault:
    return Fault(
        f"time zone {by_hours:+d} h",
        columns,
        lambda f, r: f.assign(**{c: f[c] + pd.Timedelta(hours=by_hours) for c in columns}),
    )


def issue(table: Table) -> Iterator[Fault]:
    """The six kinds the issue names, on the flights."""
    yield from (
        unit("distance", 1.609344),
        unit("distance", 100),
        unit("air_time", 60),
        unit("dep_delay", 60),
        unit("arr_delay", 60),
    )
    for column in ("dep_time", "arr_delay", "air_time", "tailnum", "distance", "carrier", "sched_arr_time"):
        yield from (nulls(column, 0.1), nulls(column, 0.3))
    yield from (
        negative("distance", 0.5),
        negative("air_time", 0.5),
        negative("sched_dep_time", 0.2),
        negative("dep_delay", 1.0),
    )
    yield from (duplicated(0.1), duplicated(1.0))
    yield from (
        swapped("dep_time", "arr_time"),
        swapped("origin", "dest"),
        swapped("hour", "minute"),
        swapped("air_time", "distance"),
        swapped("dep_delay", "arr_delay"),
        swapped("sched_dep_time", "sched_arr_time"),
    )
    yield from (
        lost("carrier", c) for c in ("UA", "B6", "EV", "DL", "AA", "MQ", "US", "WN", "9E", "VX", "FL")
    )


def small(table: Table) -> Iterator[Fault]:
    """Smaller and other faults, looked at while settings were chosen."""
    yield from (
        unit("distance", 1.609344, 0.1),
        unit("arr_delay", 100, 0.05),
        nulls("dep_time", 0.05),
        nulls("dep_delay", 0.01),
        nulls("arr_delay", 0.02),
        nulls("tailnum", 0.02),
        nulls("distance", 0.01),
        negative("distance", 0.01),
        negative("dep_delay", 0.5),
        duplicated(0.01),
        swapped("origin", "dest", 0.05),
        swapped("dep_time", "arr_time", 0.2),
        swapped("sched_dep_time", "sched_arr_time", 0.1),
        lost("carrier", "AS"),
        lost("carrier", "HA"),
        default("distance", -1, 0.05),
        default("air_time", 0, 0.05),
        default("dep_delay", 0, 0.2),
        default("dest", "XXX", 0.02),
        lower("origin", 0.05),
        lower("tailnum", 0.1),
        padded("dest", 0.02),
        truncated(0.5),
        truncated(0.8),
        constant("minute"),
        noise("distance", 0.5),
    )


def unseen(table: Table) -> Iterator[Fault]:
    """Held out: written after the settings were chosen."""
    yield from (
        stale(table),
        clipped("distance", 0.5),
        clipped("dep_delay", 0.9),
        imputed("dep_delay"),
        imputed("air_time"),
        merged("origin", "LGA", "JFK"),
        merged("carrier", "DL", "UA"),
        mojibake("dest", 0.05),
        mojibake("tailnum", 0.2),
        shifted("sched_dep_time", 100, 1.0),
        shifted("flight", 10_000, 0.05),
        shifted("air_time", 30, 0.5),
        confined("distance", 1.609344, "carrier", "UA"),
        confined("dep_delay", 60, "origin", "EWR"),
        confined_nulls("tailnum", "carrier", "AA"),
        confined_nulls("air_time", "carrier", "DL"),
        moved(("time_hour",), 5),
        moved(("time_hour",), -24),
        unit("hour", 60),
        unit("air_time", 1000, 0.1),
        nulls("minute", 0.02),
        negative("minute", 0.3),
    )


def made(table: Table) -> Iterator[Fault]:
    """Held out: the same ideas on the made tables, by the type of each column."""
    sample = next(iter(table.partitions.values()))
    skipped = {table.partition, *table.key}
    numbers = [c for c in sample if c not in skipped and sample[c].dtype.kind in "if"]
    texts = [
        c
        for c in sample
        if c not in skipped and sample[c].dtype.kind not in "ifMb" and sample[c].notna().any()
    ]
    for column in numbers:
        yield from (
            unit(column, 100),
            unit(column, 10, 0.2),
            nulls(column, 0.2),
            negative(column, 0.3),
            default(column, 9999, 0.1),
            constant(column),
        )
    for column in texts:
        yield from (
            nulls(column, 0.3),
            lower(column, 0.3),
            default(column, "unknown", 0.2),
            padded(column, 0.2),
        )
    yield from (duplicated(0.2), duplicated(1.0), truncated(0.5))
    if len(numbers) > 1:
        yield swapped(numbers[0], numbers[1])
