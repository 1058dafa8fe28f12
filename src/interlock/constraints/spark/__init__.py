"""The expression language on Spark: what it writes otherwise than DuckDB, and what it refuses."""

from interlock.constraints.spark.emit import REFUSED, SparkEmitter
from interlock.constraints.spark.sql import sql_type

__all__ = ["REFUSED", "SparkEmitter", "sql_type"]
