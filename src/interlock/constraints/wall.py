"""The second wall: a DuckDB that can reach nothing types what the first one let through.

The connection has no file, network, extension or Python-variable access, and
its configuration is locked. It holds no data.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlglot import exp

from interlock.engines.schema import Schema
from interlock.errors import ExpressionRefused

_CLOSED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
    "memory_limit": "256MB",
    "threads": "1",
}
_lock = threading.Lock()
_connection: Any = None


def _connected() -> Any:
    global _connection
    if _connection is None:
        import duckdb

        _connection = duckdb.connect(":memory:", config=dict(_CLOSED))
        atexit.register(_close)
    return _connection


def _close() -> None:
    global _connection
    if _connection is not None:
        _connection.close()
        _connection = None


def _run(sql: str) -> tuple[list[str], str | None]:
    """Column types of a statement, or the first line of what DuckDB says against it."""
    import duckdb

    with _lock:
        try:
            return [str(column[1]) for column in _connected().execute(sql).description], None
        except duckdb.Error as error:
            return [], str(error).split("\n")[0]


def check(trees: Iterable[exp.Expression], schema: Schema) -> None:
    """`ExpressionRefused` where DuckDB cannot run ``trees`` over columns of ``schema``."""
    trees = list(trees)
    used = {c.name.casefold() for tree in trees for c in tree.find_all(exp.Column)}
    columns = ", ".join(
        f"CAST(NULL AS {c.type}) AS {exp.to_identifier(c.name, quoted=True).sql('duckdb')}"
        for c in schema
        if c.name.casefold() in used
    )
    items = ", ".join(tree.sql("duckdb") for tree in trees)
    _, problem = _run(f"SELECT {items} FROM (SELECT {columns or '1'}) AS t WHERE FALSE")
    if problem:
        raise ExpressionRefused(f"DuckDB refuses the expression: {problem}")


@lru_cache(maxsize=1024)
def pattern_problem(pattern: str) -> str | None:
    """What is wrong with an RE2 pattern; None where it can be used."""
    constant = exp.Literal.string(pattern).sql("duckdb")
    _, problem = _run(f"SELECT regexp_matches(x, {constant}) FROM (SELECT '' AS x) AS t")
    return problem
