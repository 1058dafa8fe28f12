"""Which columns of which tables a query really reads, by DuckDB's own plan of it.

The query is planned, never run, over empty tables with the same columns, and the plan's scans say which columns
they give. So whatever DuckDB understands is understood here: common table expressions, subqueries, ``*`` and
``COLUMNS``, ``USING``, lateral joins, unions, whole rows, tables named by ``query_table``. The empty tables and
their columns have names of their own, so that no name of the workspace is ever looked for in a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from interlock.engines.parquet import quoted

Columns = Mapping[str, str]  # name → type as DuckDB writes it
Reads = dict[str, frozenset[str]]

# What would make an empty table's scan, or a column that a filter needs, vanish from the plan.
_OFF = "statistics_propagation,empty_result_pullup,filter_pushdown,row_group_pruner"


def columns(query: str, tables: Mapping[str, Columns]) -> Reads:
    """By table that the query reads, the columns. Where that cannot be told, all of the tables it may mean."""
    try:
        return _planned(query, tables)
    except Exception:  # a plan that this DuckDB writes in another way, or what only the real tables allow
        return unknown(query, tables)


def unknown(query: str, tables: Mapping[str, Columns]) -> Reads:
    """Every column of the tables whose names the query holds; of all tables where it holds none."""
    text = query.casefold()
    named = [t for t in tables if t.casefold().replace('"', '""') in text]
    return {table: frozenset(tables[table]) for table in named or tables}


def _planned(query: str, tables: Mapping[str, Columns]) -> Reads:
    found: Reads = {}
    names = list(tables)
    with duckdb.connect() as shadow:
        shadow.execute(f"SET disabled_optimizers = '{_OFF}'")
        for number, table in enumerate(names):
            _stand_in(shadow, number, table, tables[table])
        for _, plan in shadow.execute(f"EXPLAIN (FORMAT json) {query}").fetchall():
            for number, scanned in _scans(json.loads(plan)):
                table = names[number]
                found[table] = found.get(table, frozenset()) | _named(scanned, list(tables[table]))
    return found


def _stand_in(shadow: duckdb.DuckDBPyConnection, number: int, table: str, held: Columns) -> None:
    made = ", ".join(f"c{i} {type_}" for i, type_ in enumerate(held.values()))
    shown = ", ".join(f"c{i} AS {quoted(name)}" for i, name in enumerate(held))
    shadow.execute(f"CREATE TABLE interlock_{number} ({made})")
    shadow.execute(f"CREATE TEMP VIEW {quoted(table)} AS SELECT {shown} FROM memory.main.interlock_{number}")


def _scans(plan: Any) -> Iterator[tuple[int, list[str]]]:
    """The number of each table that is scanned, and what is taken from it."""
    pending = list(plan)
    while pending:
        node = pending.pop()
        pending += node["children"]
        said = node.get("extra_info") or {}
        place = str(said.get("Table", "")).rpartition(".")[2]
        if place.startswith("interlock_"):
            taken = said["Projections"]
            yield int(place.removeprefix("interlock_")), [taken] if isinstance(taken, str) else list(taken)


def _named(scanned: list[str], names: list[str]) -> frozenset[str]:
    """``c2`` is the third column, ``c2.x`` a part of it; an unknown word raises, and all columns count."""
    numbers = (int(item.partition(".")[0].removeprefix("c")) for item in scanned if item)
    return frozenset(names[i] for i in numbers)
