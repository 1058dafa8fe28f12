"""Evidently: the DataSummaryPreset report on a pandas frame."""

from __future__ import annotations

from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataSummaryPreset

PACKAGES = ("evidently", "pandas", "numpy")
ODD = ("Empty", "Constant", "AlmostConstant", "Duplicated", "AlmostDuplicated")
NAMES = {
    "RowCount": "rows",
    "MissingValueCount": "nulls",
    "UniqueValueCount": "distinct, value counts",
    "MinValue": "min",
    "MaxValue": "max",
    "MeanValue": "mean",
    "StdValue": "stddev",
    "QuantileValue": "quantiles",
    "DuplicatedRowCount": "row duplicates",
    "ColumnCount": "type",
    "DatasetMissingValueCount": "nulls",
    "EmptyRowsCount": "empty rows",
    **{f"{kind}ColumnsCount": "odd columns" for kind in ODD},
}


def load(path: str, option: str) -> pd.DataFrame:
    """Dates as timestamps and the boolean with nulls as text: Evidently fails on it otherwise."""
    frame = pd.read_parquet(path)
    frame["day"] = pd.to_datetime(frame["day"])
    frame["is_paid"] = frame["is_paid"].map({True: "true", False: "false"})
    return frame


def profile(frame: pd.DataFrame, option: str, threads: int) -> dict[str, Any]:
    numbers = frame.select_dtypes(["number"]).columns
    definition = DataDefinition(
        numerical_columns=list(numbers),
        categorical_columns=["status", "country", "city", "is_new", "is_paid"],
        text_columns=["session", "email"],
        datetime_columns=["day", "created_at"],
    )
    dataset = Dataset.from_pandas(frame, data_definition=definition)
    return Report([DataSummaryPreset()]).run(dataset, None).dict()


def found(result: dict[str, Any]) -> dict[str, str]:
    return {metric["metric_name"].partition("(")[0]: "exact" for metric in result["metrics"]}


def answers(result: dict[str, Any]) -> dict[str, Any]:
    values = {metric["metric_name"]: metric["value"] for metric in result["metrics"]}
    return {
        "nulls of stock": values["MissingValueCount(column=stock)"]["count"],
        "mean of quantity": values["MeanValue(column=quantity)"],
    }
