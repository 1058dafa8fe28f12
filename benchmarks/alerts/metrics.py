"""A profile as a row of numbers, for the methods that compare metrics with their own past."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from interlock.profiles.profile import Profile

Array = npt.NDArray[np.float64]
Name = tuple[str, str]  # column ("" for the whole table) and metric


@dataclass(frozen=True)
class Metrics:
    """Rows along partitions, columns along ``names``; NaN where a metric is undefined."""

    names: tuple[Name, ...]
    values: Array

    def of(self, metrics: Sequence[str]) -> Metrics:
        """These metrics only."""
        kept = [i for i, (_, metric) in enumerate(self.names) if metric in metrics]
        return Metrics(tuple(self.names[i] for i in kept), self.values[:, kept])


def metrics(profiles: Sequence[Profile], names: tuple[Name, ...] | None = None) -> Metrics:
    """Of these partitions; ``names`` is what an earlier call named, so that columns agree."""
    found = [_row(p) for p in profiles]
    names = names or tuple(dict.fromkeys(name for row in found for name in row))
    values = np.array([[row.get(name, math.nan) for name in names] for row in found], dtype=np.float64)
    return Metrics(names, values.reshape(len(found), len(names)))


def _row(profile: Profile) -> Mapping[Name, float]:
    rows = profile.rows
    found: dict[Name, float] = {("", "rows"): float(rows)}
    for name, column in profile.columns.items():
        known = rows - int(column["nulls"] or 0)
        found[name, "completeness"] = known / rows if rows else math.nan
        distinct = column["distinct"]
        if distinct is not None:
            found[name, "distinct"] = float(distinct)
            found[name, "uniqueness"] = distinct / known if known else math.nan
        if known and column["top"]:
            found[name, "top"] = float(column["top"][0][1]) / known
        if column.column.kind.numeric:
            for metric in ("mean", "stddev", "min", "max"):
                found[name, metric] = _number(column[metric])
            quantiles = {float(p): v for p, v in (column["quantiles"] or {}).items()}
            found[name, "p50"] = _number(quantiles.get(0.5))
            found[name, "p95"] = _number(quantiles.get(0.95))
            negatives = column["negatives"]
            found[name, "negatives"] = float(negatives or 0) / known if known else math.nan
        elif column["length_mean"] is not None:
            for metric in ("length_mean", "length_min", "length_max"):
                found[name, metric] = _number(column[metric])
    return found


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def domains(profile: Profile) -> dict[str, frozenset[str]]:
    """The values of each text column whose profile kept them all."""
    return {
        name: frozenset(str(v) for v, _ in column["domain"] if v is not None)
        for name, column in profile.columns.items()
        if column["domain"] and column["length_mean"] is not None
    }
