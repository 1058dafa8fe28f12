"""A session as our statements need it, and what Spark has against them as our errors."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from interlock.errors import (
    DataError,
    DataNotFound,
    DataUnreadable,
    ExtraMissing,
    InterlockError,
    QueryFailed,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Columns may be called `${env:HOME}`; casts that lose a value fail where we stage.
_SETTINGS = {
    "spark.sql.variable.substitute": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
}
_NOT_FOUND = ("PATH_NOT_FOUND", "TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")
_UNREADABLE = re.compile(
    r"FAILED_READ_FILE|CANNOT_READ|UNABLE_TO_INFER_SCHEMA|MALFORMED|is not a Parquet file|CAST_INVALID_INPUT"
    r"|CAST_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE"
)
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]")
_CREDENTIALS = re.compile(r"://[^/\s@]*@")
_STATE = re.compile(r"\s*SQLSTATE: \w+.*", re.DOTALL)
_LENGTH_MAX = 300


# Spark would compute branches of a union together again, in a job of its own.
_MERGING = (
    "org.apache.spark.sql.execution.planmerging.MergeSubplans",
    "org.apache.spark.sql.catalyst.optimizer.MergeScalarSubqueries",
)
_EXCLUDED = "spark.sql.optimizer.excludedRules"
_ROWS_A_TASK = 500_000  # of those that are spread anew, as they are to be counted DISTINCT

_FIELDS_MAX = 10_000  # Spark compiles nothing with more of them; a table's columns shall not decide


def as_one_job(session: SparkSession, rows: int) -> dict[str, str]:
    """Settings with which a statement over about so many rows is one job: else each exchange would be one."""
    most = int(session.conf.get("spark.sql.shuffle.partitions") or 1)
    tasks = max(1, min(most, -(-rows // _ROWS_A_TASK)))
    excluded = [rule for rule in (session.conf.get(_EXCLUDED, None) or "").split(",") if rule]
    return {
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": str(tasks),
        "spark.sql.codegen.maxFields": str(_FIELDS_MAX),
        _EXCLUDED: ",".join([*excluded, *_MERGING]),
    }


@contextlib.contextmanager
def prepared(session: SparkSession, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """The session with the settings that statements of ours rest on, and ``more``; afterwards as it was."""
    settings = {**_SETTINGS, **more}
    before = {name: session.conf.get(name, None) for name in settings}
    try:
        for name, value in settings.items():
            session.conf.set(name, value)
        yield
    finally:
        for name, was in before.items():
            if was is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, was)


def pyspark() -> Any:
    """The package ``pyspark.sql``. Raises `ExtraMissing`."""
    try:
        import pyspark.sql
    except ImportError:
        raise ExtraMissing("Spark needs PySpark", hint="pip install 'interlock[spark]'") from None
    return pyspark.sql


@contextlib.contextmanager
def failing(what: str, *, reading: bool = False) -> Iterator[None]:
    """What Spark has against the block as one of our errors, in one line, without the trace behind it."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except InterlockError:
        raise
    except (PySparkException, Py4JError) as error:
        failure = _translated(what, error, reading=reading)
    else:
        return
    raise failure from None


def _translated(what: str, error: Exception, *, reading: bool) -> DataError | QueryFailed:
    what = _CREDENTIALS.sub("://…@", what)
    text = str(getattr(error, "java_exception", None) or error)
    conditions = _CONDITION.findall(text)
    if any(c.startswith(_NOT_FOUND) for c in conditions) or "Path does not exist" in text:
        return DataNotFound(f"{what}: there is no such data")
    line = _line(text)
    if reading or _UNREADABLE.search(text):
        return DataUnreadable(f"{what}: {line}")
    return QueryFailed(f"{what}: {line}")


def _line(text: str) -> str:
    """What Spark says in its most inner error condition, or first, without credentials in addresses."""
    found = list(_CONDITION.finditer(text))
    said = text[found[-1].start() :] if found else text
    said = _STATE.sub("", said).strip()
    said = next(iter(said.splitlines()), "") or "no reason given"
    return _CREDENTIALS.sub("://…@", said)[:_LENGTH_MAX]
