"""Quantiles that are values of the column: the smallest with at least that share at or below."""

from __future__ import annotations

from typing import Any

import numpy as np

from interlock.profiles.statistics.family import (
    Counts,
    Family,
    Meaning,
    Scope,
    State,
    Values,
    decoded,
    sampled,
)

SHARES = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
_PERCENTS = tuple(round(float(share) * 100) for share in SHARES)


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    if row[0] is None:
        return {"quantiles": None}
    return {"quantiles": {share: decoded(scope, v) for share, v in zip(SHARES, row[0], strict=True)}}


def _count(scope: Scope, counts: Counts) -> Values:
    if not counts.values:
        return {"quantiles": None}
    up_to = np.cumsum(counts.counts)
    total = int(up_to[-1])
    ranks = [max(1, -(-percent * total // 100)) for percent in _PERCENTS]
    return _read(scope, ([counts.values[i] for i in np.searchsorted(up_to, ranks).tolist()],), 0)


def _merge(a: State, b: State) -> Values:
    return {"quantiles": None}


FAMILY = Family(
    means={
        "quantiles": Meaning(
            f"Values at the shares {', '.join(SHARES)} of the finite values (numbers, dates and times).",
            "of the column",
            error="rank off by under 1.3 % in 999 of 1,000 columns",
        )
    },
    applies=lambda column: column.kind.numeric or column.kind.temporal,
    over_sample=lambda scope: (f"quantile_disc({scope.finite}, [{', '.join(SHARES)}])",),
    read=_read,
    count=_count,
    merge=_merge,
    classes=sampled,
    of_sample=frozenset({"quantiles"}),
)
