"""Great Expectations: no profiler since 1.0, so expectations that observe the usual statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import great_expectations as gx
import great_expectations.expectations as ex
import pandas as pd
from pandas.api import types

PACKAGES = ("great-expectations", "pandas", "numpy")
NAMES = {
    "expect_table_row_count_to_be_between": "rows",
    "expect_column_values_to_not_be_null": "nulls",
    "expect_column_unique_value_count_to_be_between": "distinct",
    "expect_column_min_to_be_between": "min",
    "expect_column_max_to_be_between": "max",
    "expect_column_mean_to_be_between": "mean",
    "expect_column_stdev_to_be_between": "stddev",
    "expect_column_quantile_values_to_be_between": "quantiles",
}
QUANTILES = {"quantiles": [0.05, 0.25, 0.5, 0.75, 0.95], "value_ranges": [[None, None]] * 5}
LONG_AGO = pd.Timestamp("1900-01-01").to_pydatetime()


def load(path: str, option: str) -> pd.DataFrame:
    """Dates as timestamps."""
    frame = pd.read_parquet(path)
    frame["day"] = pd.to_datetime(frame["day"])
    return frame


def profile(frame: pd.DataFrame, option: str, threads: int) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite("profile", expectations=list(_expectations(frame)))
    return batch.validate(suite, result_format="BASIC")


def _expectations(frame: pd.DataFrame) -> Iterator[Any]:
    yield ex.ExpectTableRowCountToBeBetween(min_value=0)
    for column in frame.columns:
        yield ex.ExpectColumnValuesToNotBeNull(column=column)
        yield ex.ExpectColumnUniqueValueCountToBeBetween(column=column, min_value=0)
        number = types.is_numeric_dtype(frame[column]) and not types.is_bool_dtype(frame[column])
        if number or types.is_datetime64_any_dtype(frame[column]):
            least = -1e99 if number else LONG_AGO
            yield ex.ExpectColumnMinToBeBetween(column=column, min_value=least)
            yield ex.ExpectColumnMaxToBeBetween(column=column, min_value=least)
        if number:
            yield ex.ExpectColumnMeanToBeBetween(column=column, min_value=-1e99)
            yield ex.ExpectColumnStdevToBeBetween(column=column, min_value=0)
            yield ex.ExpectColumnQuantileValuesToBeBetween(column=column, quantile_ranges=QUANTILES)


def found(result: Any) -> dict[str, str]:
    failed = [r for r in result.results if r.exception_info.get("raised_exception")]
    if failed:
        raise RuntimeError(f"{failed[0].expectation_config.type}: {failed[0].exception_info}")
    return {r.expectation_config.type: "exact" for r in result.results}


def answers(result: Any) -> dict[str, Any]:
    configured = [(r.expectation_config, r.result) for r in result.results]
    observed = {(c.type, c.kwargs.get("column")): values for c, values in configured}
    return {
        "nulls of stock": observed["expect_column_values_to_not_be_null", "stock"]["unexpected_count"],
        "mean of quantity": observed["expect_column_mean_to_be_between", "quantity"]["observed_value"],
    }
