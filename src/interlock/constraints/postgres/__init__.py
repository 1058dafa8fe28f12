"""The expression language in PostgreSQL: what it writes otherwise than DuckDB, and what it refuses."""

from interlock.constraints.postgres.emit import REFUSED, PostgresEmitter, functions
from interlock.constraints.postgres.sql import SCHEMA, sql_type

__all__ = ["REFUSED", "SCHEMA", "PostgresEmitter", "functions", "sql_type"]
