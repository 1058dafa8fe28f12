"""Interlock: the profile's core statistics, or all of them, of the Parquet file."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import interlock.profiles
from interlock.engines.duckdb import DuckDB

PACKAGES = ("duckdb", "sqlglot", "numpy")
NAMES = {
    "top": "top values",
    "scale": "decimal scale",
    "increasing": "monotonic",
    "decreasing": "monotonic",
    "length_min": "text length",
    "length_max": "text length",
    "length_mean": "text length",
    "key_duplicates": "key duplicates",
    "row_duplicates": "row duplicates",
}
CLASSES = {"exact": "exact", "deterministic": "deterministic", "advisory": "approximate"}


def load(path: str, option: str) -> str:
    return path


def profile(path: str, option: str, threads: int) -> Any:
    """``threads`` reaches the engine as INTERLOCK_THREADS, which the whole run has in its environment."""
    with DuckDB() as engine:
        relation = engine.relation(path)
        key = ("id",) if option == "all" and any(c.name == "id" for c in relation.schema) else ()
        return interlock.profiles.compute(engine, relation, key=key, more=option == "all")


def found(result: Any) -> dict[str, str]:
    names = {"rows": "exact", "type": "exact", **dict.fromkeys(result.table, "exact")}
    for column in result.columns.values():
        for name, value in column.values.items():
            if value is not None and names.get(name, "exact") == "exact":
                names[name] = CLASSES[column.classes[name]]
    return names


def answers(result: Any) -> dict[str, Any]:
    if "stock" not in result.columns:
        return {}
    return {
        "nulls of stock": result.columns["stock"]["nulls"],
        "mean of quantity": result.columns["quantity"]["mean"],
    }


def fingerprint(result: Any) -> str:
    """Of everything that is to be the same in every run: all but the advisory statistics."""
    document = {
        name: {statistic: repr(v) for statistic, v in c.values.items() if c.classes[statistic] != "advisory"}
        for name, c in result.columns.items()
    }
    return hashlib.sha256(json.dumps([document, repr(result.table)]).encode()).hexdigest()
