"""TFDV: a pandas frame in memory (its way for what fits), or Apache Beam over the Parquet file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pandas as pd
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tfx_bsl.arrow import table_util

PACKAGES = ("tensorflow-data-validation", "tensorflow", "apache-beam", "pandas", "numpy")
NAMES = {
    "common_stats.num_non_missing": "rows",
    "common_stats.num_missing": "nulls",
    "common_stats.tot_num_values": "",
    "common_stats.min_num_values": "",
    "common_stats.max_num_values": "",
    "common_stats.avg_num_values": "",
    "common_stats.num_values_histogram": "",
    "num_stats.common_stats": "",
    "string_stats.common_stats": "",
    "num_stats.mean": "mean",
    "num_stats.std_dev": "stddev",
    "num_stats.num_zeros": "zeros",
    "num_stats.num_nan": "nans",
    "num_stats.min": "min",
    "num_stats.max": "max",
    "num_stats.median": "quantiles",
    "num_stats.histograms": "histogram",
    "string_stats.unique": "distinct",
    "string_stats.top_values": "top values",
    "string_stats.avg_length": "text length",
    "string_stats.rank_histogram": "top values",
    "type": "type",
}
APPROXIMATE = {"num_stats.median", "num_stats.histograms", "string_stats.unique", "string_stats.top_values"}


def load(path: str, option: str) -> Any:
    """A frame with dates and timestamps as whole numbers: TFDV knows no temporal type."""
    if option == "beam":
        return path
    frame = pd.read_parquet(path)
    frame["day"] = pd.to_datetime(frame["day"]).astype("int64")
    frame["created_at"] = frame["created_at"].astype("int64")
    return frame


def profile(table: Any, option: str, threads: int) -> Any:
    """Workers beyond the first cost more in start-up than they bring on this table, both ways."""
    if option == "beam":
        return _pipeline(table)
    return tfdv.generate_statistics_from_dataframe(table, n_jobs=1)


def _pipeline(path: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "statistics")
        with beam.Pipeline() as pipeline:
            (
                pipeline
                | beam.io.ReadFromParquetBatched(path)
                | beam.FlatMap(_batches)
                | tfdv.GenerateStatistics(tfdv.StatsOptions())
                | tfdv.WriteStatisticsToTFRecord(out)
            )
        return tfdv.load_statistics(out)


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    columns = [_known(column) for column in table.columns]
    for batch in pa.table(columns, names=table.column_names).to_batches():
        yield table_util.CanonicalizeRecordBatch(batch)


def _known(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_temporal(column.type):
        return column.cast(pa.timestamp("us")).cast(pa.int64())
    return column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column


def found(result: Any) -> dict[str, str]:
    names = {"type"}
    for feature in result.datasets[0].features:
        kind = feature.WhichOneof("stats")
        statistics = getattr(feature, kind)
        names.update(f"{kind}.{field.name}" for field, _ in statistics.ListFields())
        names.update(f"common_stats.{field.name}" for field, _ in statistics.common_stats.ListFields())
    return {name: "approximate" if name in APPROXIMATE else "exact" for name in sorted(names)}


def answers(result: Any) -> dict[str, Any]:
    features = {feature.path.step[0]: feature for feature in result.datasets[0].features}
    return {
        "nulls of stock": features["stock"].num_stats.common_stats.num_missing,
        "mean of quantity": features["quantity"].num_stats.mean,
    }
