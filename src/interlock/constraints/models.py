"""Models that read tables, as a contract or Python declares them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.catalog import ModelRecord
from interlock.errors import UsageError

WRITTEN = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # of a model that a contract declares: it has no moment


def declared(
    name: str,
    reads: Sequence[str],
    writes: str | None,
    importance: Mapping[str, float] | None,
    at: dt.datetime,
) -> ModelRecord:
    """A model's record. Raises `UsageError` for a column without its table, or a weight that is none."""
    if not name.strip():
        raise UsageError("a model needs a name")
    if isinstance(reads, str) or not reads:
        raise UsageError(f"model {name!r} reads nothing", hint='reads=["flights.dep_time"]')
    weights = dict(importance or {})
    for column in (*reads, *weights):
        table, _, rest = column.partition(".")
        if not table or not rest:
            raise UsageError(
                f"{column!r} names no column of a table", hint="write table.column, such as flights.dep_time"
            )
    unread = [c for c in weights if c not in reads]
    if unread:
        raise UsageError(
            f"model {name!r} does not read {unread[0]!r}", hint="importance is of columns in reads"
        )
    for column, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            raise UsageError(f"the importance of {column!r} is {weight!r}", hint="it is a number ≥ 0")
    return ModelRecord(name, tuple(dict.fromkeys(reads)), weights, writes, at)


def document(model: ModelRecord) -> dict[str, Any]:
    """One entry of ``models``."""
    said: dict[str, Any] = {"reads": list(model.reads)}
    if model.writes is not None:
        said["writes"] = model.writes
    if model.importance:
        said["importance"] = dict(model.importance)
    return said
