"""Folders of Parquet files by way of Hadoop's file systems, so that every address Spark reads will do."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

from interlock.errors import StorageFailed, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def path_of(session: SparkSession, name: str) -> tuple[Any, Any]:
    """A file system, and a path of it."""
    jvm: Any = session.sparkContext._jvm
    path = jvm.org.apache.hadoop.fs.Path(name)
    return path.getFileSystem(session._jsparkSession.sessionState().newHadoopConf()), path


def write(session: SparkSession, frame: DataFrame, into: str) -> None:
    """``frame`` as a new folder ``into``, which is there with all its files or not at all."""
    system, path = path_of(session, into)
    if system.exists(path):
        raise UsageError(f"{into} is there already")
    aside = f"{path.getParent()}/.{path.getName()}-{uuid.uuid4().hex[:8]}"
    _, beside = path_of(session, aside)
    try:
        frame.write.parquet(aside)
        moved(system, beside, path)
    finally:
        with contextlib.suppress(Exception):
            system.delete(beside, True)


def moved(system: Any, before: Any, after: Any) -> None:
    """Raises `StorageFailed` where it could not be renamed."""
    if not system.rename(before, after):
        raise StorageFailed(f"{before} could not be renamed to {after}")
