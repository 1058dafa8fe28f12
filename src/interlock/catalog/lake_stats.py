"""DuckLake's statistics: per file for pruning, per table for the optimizer.

Both are bounds that other readers trust, so what is not known for sure is left
NULL. A table's bounds only ever widen, since readers may look at old snapshots.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from interlock.catalog import lake_schema as s
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.records import ColumnStats, DataFile
from interlock.catalog.types import Field


def text_of(value: Any) -> str | None:
    """A partition value as DuckLake writes it: DuckDB's cast to text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return _timestamp(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _timestamp(value: dt.datetime) -> str:
    zone = "" if value.tzinfo is None else "+00"
    moment = value if value.tzinfo is None else value.astimezone(dt.UTC)
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return text + fraction + zone


def take_row_ids(tx: Writer, table_id: int, add: Sequence[DataFile]) -> int:
    """Count the files into the table's totals; returns the row id the first new row gets."""
    t = s.table_stats
    rows, size = sum(f.rows for f in add), sum(f.size_bytes for f in add)
    known = tx.connection.execute(select(t.c.next_row_id).where(t.c.table_id == table_id)).first()
    if known is None:
        tx.connection.execute(
            insert(t).values(table_id=table_id, record_count=rows, next_row_id=rows, file_size_bytes=size)
        )
        return 0
    tx.connection.execute(
        update(t)
        .where(t.c.table_id == table_id)
        .values(
            record_count=t.c.record_count + rows,
            next_row_id=t.c.next_row_id + rows,
            file_size_bytes=t.c.file_size_bytes + size,
        )
    )
    return int(known[0])


def subtract_files(tx: Writer, table_id: int, ids: Sequence[int]) -> None:
    """Take files that end out of the table's totals."""
    f, t = s.data_files, s.table_stats
    for start in range(0, len(ids), 500):
        some = list(ids[start : start + 500])
        rows, size = tx.connection.execute(
            select(
                func.coalesce(func.sum(f.c.record_count), 0), func.coalesce(func.sum(f.c.file_size_bytes), 0)
            ).where(f.c.data_file_id.in_(some))
        ).one()
        tx.connection.execute(
            update(t)
            .where(t.c.table_id == table_id)
            .values(record_count=t.c.record_count - rows, file_size_bytes=t.c.file_size_bytes - size)
        )


def add_files(
    tx: Writer, table_id: int, ids: Sequence[int], add: Sequence[DataFile], fields: Sequence[Field]
) -> None:
    """Store the files' column statistics and widen the table's."""
    leaves = [leaf for field in fields for leaf in field.leaves()]
    rows = [
        {
            "data_file_id": file_id,
            "table_id": table_id,
            "column_id": column_id,
            "column_size_bytes": stats.size_bytes,
            "value_count": stats.value_count,
            "null_count": stats.null_count,
            "min_value": stats.min,
            "max_value": stats.max,
            "contains_nan": None if stats.contains_nan is None else int(stats.contains_nan),
        }
        for file_id, file in zip(ids, add, strict=True)
        for column_id, stats in file.columns.items()
    ]
    if rows:
        tx.connection.execute(insert(s.file_stats), rows)
    _widen_table(tx, table_id, leaves, add)


def _widen_table(tx: Writer, table_id: int, leaves: Sequence[Field], add: Sequence[DataFile]) -> None:
    t = s.column_stats
    known = {row.column_id: row for row in tx.connection.execute(select(t).where(t.c.table_id == table_id))}
    fresh, changed = [], []
    for leaf in leaves:
        before = known.get(leaf.id)
        values = _merged(leaf, before, [file.columns.get(leaf.id) for file in add])
        if before is None:
            fresh.append({"table_id": table_id, "column_id": leaf.id, **values})
        elif any(getattr(before, name) != value for name, value in values.items()):
            changed.append({"of_column": leaf.id, **values})
    if fresh:
        tx.connection.execute(insert(t), fresh)
    if changed:
        mine = (t.c.table_id == table_id, t.c.column_id == bindparam("of_column"))
        tx.connection.execute(update(t).where(*mine), changed)


def _merged(leaf: Field, before: Any, files: Sequence[ColumnStats | None]) -> dict[str, Any]:
    """A table's bounds of one column after these files; None where a file has no say (column absent)."""
    order = _ORDERS.get(leaf.type.name.partition("(")[0])
    null = bool(before.contains_null) if before is not None else False
    nan: int | None = before.contains_nan if before is not None else 0
    lows = [] if before is None else [before.min_value]
    highs = [] if before is None else [before.max_value]
    for stats in files:
        if stats is None or stats.null_count:
            null = True
        if stats is None:
            continue
        if stats.value_count:
            nan = None if nan is None or stats.contains_nan is None else int(nan or stats.contains_nan)
            lows.append(stats.min)
            highs.append(stats.max)
    return {
        "contains_null": int(null),
        "contains_nan": nan if leaf.type.name.startswith("float") else None,
        "min_value": _extreme(lows, order, min),
        "max_value": _extreme(highs, order, max),
    }


def _extreme(
    values: Sequence[str | None], order: Callable[[str], Any] | None, pick: Callable[..., str]
) -> str | None:
    if order is None or not values or any(value is None for value in values):
        return None
    try:
        return pick([value for value in values if value is not None], key=order)
    except (ValueError, ArithmeticError):
        return None


def _iso(text: str) -> str:
    """Orders four-digit years; anything else has no order here."""
    if len(text) < 5 or not text[:4].isdecimal() or text[4] != "-" or text.endswith("BC"):
        raise ValueError(text)
    return text


def _order_of() -> dict[str, Callable[[str], Any]]:
    orders: dict[str, Callable[[str], Any]] = {"decimal": decimal.Decimal, "varchar": str.encode}
    orders |= dict.fromkeys(("boolean", "int8", "int16", "int32", "int64", "int128"), int)
    orders |= dict.fromkeys(("uint8", "uint16", "uint32", "uint64", "uint128"), int)
    orders |= dict.fromkeys(("float32", "float64"), float)
    orders |= dict.fromkeys(
        ("date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamptz"), _iso
    )
    return orders


_ORDERS = _order_of()


def forget(tx: Writer, table_id: int, column_ids: Sequence[int]) -> None:
    """Drop a retyped column's bounds: they were texts of another type."""
    t = s.column_stats
    for column_id in column_ids:
        mine = (t.c.table_id == table_id, t.c.column_id == column_id)
        tx.connection.execute(
            update(t).where(*mine).values(min_value=None, max_value=None, contains_nan=None)
        )


def admit_null(tx: Writer, table_id: int, column_ids: Iterable[int]) -> None:
    """A column added to a table with rows is NULL in all of them."""
    if (
        tx.connection.scalar(select(s.table_stats.c.table_id).where(s.table_stats.c.table_id == table_id))
        is None
    ):
        return
    rows = [{"table_id": table_id, "column_id": i, "contains_null": 1} for i in column_ids]
    if rows:
        tx.connection.execute(insert(s.column_stats), rows)


def has_values(rx: Reader, table_id: int, column_id: int) -> bool:
    """Whether any file, also one that was replaced, may hold a value of the column."""
    f, t = s.data_files, s.file_stats
    files = rx.connection.scalar(select(func.count()).where(f.c.table_id == table_id))
    empty = rx.connection.scalar(
        select(func.count(func.distinct(t.c.data_file_id))).where(
            t.c.table_id == table_id, t.c.column_id == column_id, t.c.value_count == 0
        )
    )
    return files != empty
