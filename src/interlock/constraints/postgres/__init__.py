"""The expression language in PostgreSQL: what it writes otherwise than DuckDB, and what it refuses."""

from interlock.constraints.postgres.emit import REFUSED, SESSION, PostgresEmitter, SessionEmitter, functions
from interlock.constraints.postgres.sql import SCHEMA, sql_type

__all__ = ["REFUSED", "SCHEMA", "SESSION", "PostgresEmitter", "SessionEmitter", "functions", "sql_type"]
