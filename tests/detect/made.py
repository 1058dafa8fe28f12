"""Partitions made of few features, beside them numbers that vary as in any table."""

from __future__ import annotations

import datetime as dt

import numpy as np

from interlock.detect.features import Features, Key

ROWS = 100


def label(day: int) -> str:
    return (dt.date(2024, 1, 1) + dt.timedelta(days=day)).isoformat()


def partition(day: int, key: Key, value: float, error: float = np.nan, *, rows: int = ROWS) -> Features:
    """The day's partition with one feature of a given value."""
    vary = [Key(f"c{i}", "mean") for i in range(20)]
    values = [rows, value, *np.random.default_rng(day).normal(size=len(vary))]
    errors = [1.0 / rows, error, *[0.1] * len(vary)]
    return Features(rows, (Key("", "rows"), key, *vary), np.array(values), np.array(errors), {})
