"""whylogs: why.log() of a pandas frame."""

from __future__ import annotations

from typing import Any

import pandas as pd
import whylogs as why

PACKAGES = ("whylogs", "whylogs-sketching", "pandas", "numpy")
QUANTILES = ["distribution/median", *(f"distribution/q_{p:02}" for p in (1, 5, 10, 25, 75, 90, 95, 99))]
NAMES = {
    **dict.fromkeys(QUANTILES, "quantiles"),
    "cardinality/est": "distinct",
    "cardinality/lower_1": "",
    "cardinality/upper_1": "",
    "counts/inf": "infinities",
    "counts/n": "rows",
    "counts/nan": "nans",
    "counts/null": "nulls",
    "counts/true": "true",
    "distribution/max": "max",
    "distribution/mean": "mean",
    "distribution/min": "min",
    "distribution/n": "",
    "distribution/stddev": "stddev",
    "frequent_items/frequent_strings": "top values",
    "ints/max": "max",
    "ints/min": "min",
    "type": "",
    **{f"types/{k}": "type" for k in ("boolean", "fractional", "integral", "object", "string", "tensor")},
}
APPROXIMATE = {*QUANTILES, "cardinality/est", "frequent_items/frequent_strings"}


def load(path: str, option: str) -> pd.DataFrame:
    return pd.read_parquet(path)


def profile(frame: pd.DataFrame, option: str, threads: int) -> pd.DataFrame:
    return why.log(frame).view().to_pandas()


def found(result: pd.DataFrame) -> dict[str, str]:
    return {name: "approximate" if name in APPROXIMATE else "exact" for name in result.columns}


def answers(result: pd.DataFrame) -> dict[str, Any]:
    return {
        "nulls of stock": result.loc["stock", "counts/null"],
        "mean of quantity": result.loc["quantity", "distribution/mean"],
    }
