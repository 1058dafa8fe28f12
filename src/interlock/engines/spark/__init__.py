"""Spark: a session, what a relation there holds, and tables that are judged before they are published.

Needs the extra ``interlock[spark]`` (PySpark 4) and a Java runtime, 17 or newer.
"""

from interlock.engines.spark.engine import Spark, Table
from interlock.engines.spark.publish import Folder, Slot, publish

__all__ = ["Folder", "Slot", "Spark", "Table", "publish"]
