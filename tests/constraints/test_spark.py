"""Spark's verdict equals the plain-Python reference, on random tables and random expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("pyspark")

from interlock.constraints import compile, judge, parse
from interlock.constraints.compile import Compiled
from interlock.constraints.spark import SparkEmitter, sql_type
from interlock.constraints.types import of_column
from interlock.errors import ExpressionRefused
from interlock.names import Outcome
from interlock.testing import expressions
from tests.constraints.by_reference import by_the_reference
from tests.constraints.place import NOW

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Row = dict[str, Any]
COLUMNS = tuple(c for c in expressions.COLUMNS if c.name != "tm")


def _type(column: Any) -> str:
    return "FLOAT" if column.type == "FLOAT" else sql_type(of_column(column))


def _frame(spark: SparkSession, tables: Sequence[list[Row]]) -> DataFrame:
    """All tables as one, with a column that says which."""
    names = ", ".join(f"`{c.name}` {_type(c)}" for c in COLUMNS)
    rows = [[number, *(_stored(r[c.name]) for c in COLUMNS)] for number, table in enumerate(tables) for r in table]
    return spark.createDataFrame(rows, f"nr INT, {names}")


def _stored(value: Any) -> Any:
    from decimal import Decimal

    return Decimal(value) if isinstance(value, int) and abs(value) >= 2**63 - 1 else value
