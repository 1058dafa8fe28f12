"""What Parquet footers tell: rows, bounds, which columns repeat, and file statistics."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock import settings
from interlock.engines.schema import Column, Kind, Schema

Run = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One leaf column of one file, as DuckLake's file statistics want it.

    ``path`` names the leaf from the top column down. ``min`` and ``max`` are
    texts, None where the file does not tell. ``contains_nan`` is None for types
    that have no NaN or where it is unknown.
    """

    path: tuple[str, ...]
    field_id: int | None
    column_size_bytes: int
    value_count: int
    null_count: int | None
    min: str | None
    max: str | None
    contains_nan: bool | None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts of one file; sizes in bytes."""

    rows: int
    file_size: int
    footer_size: int
    columns: tuple[ColumnFacts, ...]


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_list(files: Sequence[Path]) -> str:
    """Paths as a SQL list in which no character acts as a wildcard."""
    escaped = ("".join(f"[{c}]" if c in "*?[" else c for c in str(path)) for path in files)
    return "[" + ", ".join(map(literal, escaped)) + "]"


def row_count(run: Run, files: Sequence[Path]) -> int:
    """Rows in all files together."""
    return int(run(f"SELECT sum(num_rows) FROM parquet_file_metadata({file_list(files)})")[0][0] or 0)


def bounds_and_repeating(
    run: Run, files: Sequence[Path], schema: Schema
) -> tuple[dict[str, tuple[float, float]], frozenset[str]]:
    """Bounds of numeric columns, and the columns with few different values."""
    rows = run(
        "SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count = num_values,"
        " encodings LIKE '%DICTIONARY%', data_page_offset - dictionary_page_offset, total_uncompressed_size"
        f" FROM parquet_metadata({file_list(files)})"
    )
    chunks: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for name, *facts in rows:
        chunks[name].append(tuple(facts))
    bounds: dict[str, tuple[float, float]] = {}
    repeating = set()
    for column in schema:
        facts_of = [chunk for chunk in chunks.get(column.name, ()) if not chunk[2]]
        if not facts_of:
            continue
        spread = _bounds(facts_of, column)
        if spread:
            bounds[column.name] = spread
        if _repeats(facts_of, column, spread):
            repeating.add(column.name)
    return bounds, frozenset(repeating)


def _bounds(chunks: Sequence[tuple[Any, ...]], column: Column) -> tuple[float, float] | None:
    if not column.kind.numeric:
        return None
    number = int if column.kind is Kind.INTEGER else float
    try:
        low = min(number(chunk[0]) for chunk in chunks)
        high = max(number(chunk[1]) for chunk in chunks)
    except (TypeError, ValueError):
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _repeats(chunks: Sequence[tuple[Any, ...]], column: Column, spread: tuple[float, float] | None) -> bool:
    limits = settings.current()
    if column.kind is Kind.BOOLEAN:
        return True
    if column.kind is Kind.INTEGER and spread is not None:
        return spread[1] - spread[0] < limits.counted_values_max
    sizes = [chunk[4] if chunk[3] else None for chunk in chunks]
    return all(size is not None and 0 < size <= limits.counted_dictionary_bytes for size in sizes)


def file_facts(run: Run, paths: Sequence[Path]) -> list[FileFacts]:
    """Everything the catalog records about each of these files, in their order."""
    where = file_list(paths)
    sizes = run(
        f"SELECT file_name, num_rows, file_size_bytes, footer_size FROM parquet_file_metadata({where})"
    )
    nodes = _by_file(
        run(
            f"SELECT file_name, name, field_id, num_children, logical_type, type FROM parquet_schema({where})"
        )
    )
    chunks = _by_file(
        run(
            "SELECT file_name, column_id, sum(total_compressed_size)::BIGINT, sum(num_values)::BIGINT,"
            " sum(stats_null_count)::BIGINT, count(stats_null_count) = count(*),"
            " list(stats_min_value), list(stats_max_value), any_value(type)"
            f" FROM parquet_metadata({where}) GROUP BY file_name, column_id ORDER BY column_id"
        )
    )
    found = {}
    for name, rows, size, footer in sizes:
        by_id = {chunk[0]: chunk[1:] for chunk in chunks[name]}
        columns = tuple(_column_facts(leaf, by_id.get(i)) for i, leaf in enumerate(_leaves(nodes[name])))
        found[name] = FileFacts(int(rows), int(size), int(footer), columns)
    return [found[str(path)] for path in paths]


def _by_file(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for name, *rest in rows:
        found[name].append(tuple(rest))
    return found


def _leaves(nodes: Sequence[tuple[Any, ...]]) -> list[tuple[tuple[str, ...], int | None, str]]:
    """Path, field id and physical type of every leaf, in file order."""
    leaves: list[tuple[tuple[str, ...], int | None, str]] = []
    rest = iter(nodes)

    def walk(prefix: tuple[str, ...], children: int) -> None:
        for _ in range(children):
            name, field_id, below, _logical, physical = next(rest)
            path = (*prefix, name)
            if below:
                walk(path, int(below))
            else:
                leaves.append((path, field_id, str(physical)))

    root = next(rest)
    walk((), int(root[2] or 0))
    return leaves


def _column_facts(
    leaf: tuple[tuple[str, ...], int | None, str], chunk: tuple[Any, ...] | None
) -> ColumnFacts:
    path, field_id, physical = leaf
    floating = physical in ("FLOAT", "DOUBLE")
    if chunk is None:  # a file without row groups
        return ColumnFacts(path, field_id, 0, 0, 0, None, None, False if floating else None)
    size, values, nulls, nulls_known, lows, highs, _ = chunk
    known = nulls if nulls_known else None
    low, high = _text_bounds(lows, highs, physical)
    contains_nan = (False if low is not None or known == values else None) if floating else None
    return ColumnFacts(path, field_id, int(size), int(values), known, low, high, contains_nan)


def _text_bounds(
    lows: Sequence[str | None], highs: Sequence[str | None], physical: str
) -> tuple[str | None, str | None]:
    pairs = [
        (low, high) for low, high in zip(lows, highs, strict=True) if low is not None and high is not None
    ]
    if not pairs:
        return None, None
    key: Callable[[str], Any] = str
    if physical in ("INT32", "INT64", "FLOAT", "DOUBLE"):
        key = _orderable
    return min((low for low, _ in pairs), key=key), max((high for _, high in pairs), key=key)


def _orderable(text: str) -> Any:
    """Numbers by value; dates and times, which are texts of one shape, by text."""
    try:
        return (0, int(text), "")
    except ValueError:
        pass
    try:
        return (0, float(text), "")
    except ValueError:
        return (1, 0, text)
