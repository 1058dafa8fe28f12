"""Which engine's SQL is written by what, by its dialect."""

from __future__ import annotations

from interlock.constraints.compile import Emits
from interlock.constraints.emit import Emitter
from interlock.constraints.postgres import PostgresEmitter
from interlock.constraints.spark import SparkEmitter

EMITTERS: dict[str, Emits] = {"duckdb": Emitter, "postgres": PostgresEmitter, "spark": SparkEmitter}
