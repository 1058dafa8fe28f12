"""DuckLake's statistics: per file for pruning, per table for the optimizer.

Both are bounds that other readers trust, so what is not known for sure is left
NULL. A table's bounds only ever widen, since readers may look at old snapshots.
"""

from __future__ import annotations

import datetime as dt
import decimal
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

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
            ).where(f.c.data_file_id.in_(some), f.c.end_snapshot.is_(None))
        ).one()
        tx.connection.execute(
            update(t)
            .where(t.c.table_id == table_id)
            .values(
                record_count=t.c.record_count - int(rows), file_size_bytes=t.c.file_size_bytes - int(size)
            )
        )


def replace_file(tx: Writer, table_id: int, id_: int, file: DataFile, leaves: Sequence[Field]) -> None:
    """Another file stands for this one: its column statistics, and its share of the table's totals."""
    f, t = s.data_files, s.table_stats
    row = tx.connection.execute(
        select(f.c.record_count, f.c.file_size_bytes).where(
            f.c.data_file_id == id_, f.c.table_id == table_id, f.c.end_snapshot.is_(None)
        )
    ).first()
    if row is not None:
        more = {
            "record_count": t.c.record_count + file.rows - row.record_count,
            "file_size_bytes": t.c.file_size_bytes + file.size_bytes - row.file_size_bytes,
        }
        tx.connection.execute(update(t).where(t.c.table_id == table_id).values(**more))
    mine = (s.file_stats.c.data_file_id == id_, s.file_stats.c.table_id == table_id)
    tx.connection.execute(delete(s.file_stats).where(*mine))
    _insert_stats(tx, table_id, [id_], [file], leaves)


def narrow(tx: Writer, table_id: int, leaves: Sequence[Field]) -> None:
    """The table's bounds as its files, of whatever snapshot, have them now: no wider than rows that are there."""
    f = s.file_stats
    files = tx.connection.scalars(
        select(s.data_files.c.data_file_id).where(s.data_files.c.table_id == table_id)
    ).all()
    c = s.columns
    once_narrow = set(
        tx.connection.scalars(
            select(c.c.column_id).where(c.c.table_id == table_id, c.c.column_type == "float32")
        )
    )
    tx.connection.execute(delete(s.column_stats).where(s.column_stats.c.table_id == table_id))
    rows = []
    for leaf in leaves:
        of_column = select(f).where(f.c.table_id == table_id, f.c.column_id == leaf.id)
        known = {row.data_file_id: _stored(row) for row in tx.connection.execute(of_column)}
        stats = [known.get(id_) for id_ in files]
        if leaf.id in once_narrow and leaf.type.name == "float64":
            stats += [_as_narrow(one) for one in stats if one is not None]
        rows.append({"table_id": table_id, "column_id": leaf.id, **_merged(leaf, None, stats)})
    if rows:
        tx.connection.execute(insert(s.column_stats), rows)


def _stored(row: Any) -> ColumnStats:
    counts = (row.column_size_bytes or 0, row.value_count or 0, row.null_count or 0)
    return ColumnStats(*counts, row.min_value, row.max_value, row.contains_nan)


def _as_narrow(stats: ColumnStats) -> ColumnStats:
    low, high = (None if text is None else _as_float32(text) for text in (stats.min, stats.max))
    return replace(stats, min=low, max=high)


def add_files(
    tx: Writer, table_id: int, ids: Sequence[int], add: Sequence[DataFile], fields: Sequence[Field]
) -> None:
    """Store the files' column statistics and widen the table's."""
    leaves = [leaf for field in fields for leaf in field.leaves()]
    _insert_stats(tx, table_id, ids, add, leaves)
    _widen_table(tx, table_id, leaves, add)


def _insert_stats(
    tx: Writer, table_id: int, ids: Sequence[int], add: Sequence[DataFile], leaves: Sequence[Field]
) -> None:
    by_id = {leaf.id: leaf for leaf in leaves}
    rows = [
        {
            "data_file_id": file_id,
            "table_id": table_id,
            "column_id": column_id,
            "column_size_bytes": stats.size_bytes,
            "value_count": stats.value_count,
            "null_count": stats.null_count,
            "min_value": _normal(by_id[column_id], stats.min),
            "max_value": _normal(by_id[column_id], stats.max),
            "contains_nan": stats.contains_nan,
        }
        for file_id, file in zip(ids, add, strict=True)
        for column_id, stats in file.columns.items()
    ]
    if rows:
        tx.connection.execute(insert(s.file_stats), rows)


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
    """A table's bounds of one column after these files; None stands for a file without the column.

    No bounds means "no value so far", to other writers too. Where values are
    there and their bounds are not known, the type's own limits are the bounds.
    """
    order = _ORDERS.get(_family(leaf))
    null = bool(before.contains_null) if before is not None else False
    nan: bool | None = before.contains_nan if before is not None else False
    bounds = (
        [(before.min_value, before.max_value)] if before is not None and before.min_value is not None else []
    )
    for stats in files:
        if stats is None or stats.null_count:
            null = True
        if stats is not None and stats.value_count:
            nan = None if nan is None or stats.contains_nan is None else (nan or stats.contains_nan)
            bounds.append((_normal(leaf, stats.min), _normal(leaf, stats.max)))
    return {
        "contains_null": null,
        "contains_nan": nan if leaf.type.name.startswith("float") else None,
        "min_value": _extreme([low for low, _ in bounds], order, min, limits(leaf)[0]),
        "max_value": _extreme([high for _, high in bounds], order, max, limits(leaf)[1]),
    }


def _family(leaf: Field) -> str:
    return leaf.type.name.partition("(")[0]


def _normal(leaf: Field, text: str | None) -> str | None:
    """DuckLake writes booleans as 0 and 1."""
    return {"false": "0", "true": "1"}.get(text or "", text) if leaf.type.name == "boolean" else text


def _extreme(
    values: Sequence[str | None],
    order: Callable[[str], Any] | None,
    pick: Callable[..., str],
    limit: str | None,
) -> str | None:
    known = [value for value in values if value is not None]
    if order is None or not values:
        return None
    if len(known) < len(values):
        return limit
    try:
        return pick(known, key=order)
    except (ValueError, ArithmeticError):
        return limit


def limits(leaf: Field) -> tuple[str | None, str | None]:
    """The least and the greatest value of a type, as text; None where bounds are not used."""
    family = _family(leaf)
    if family == "decimal":
        width, scale = (int(part) for part in leaf.type.name[len("decimal(") : -1].split(","))
        most = format(decimal.Decimal(10**width - 1).scaleb(-scale), "f")
        return f"-{most}", most
    if family.startswith(("int", "uint")) and family != "interval":
        bits = int(family.lstrip("uint"))
        low = 0 if family.startswith("u") else -(2 ** (bits - 1))
        return str(low), str(low + 2**bits - 1)
    return _LIMITS.get(family, (None, None))


_LIMITS = {
    "boolean": ("0", "1"),
    "float32": ("-inf", "inf"),
    "float64": ("-inf", "inf"),
    "time": ("00:00:00", "24:00:00"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "varchar": ("", "\U0010ffff" * 4),
} | dict.fromkeys(
    ("date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamptz"),
    ("-infinity", "infinity"),
)


def _iso(text: str) -> str:
    """Orders four-digit years; anything else has no order here."""
    if len(text) < 5 or not text[:4].isdecimal() or text[4] != "-" or text.endswith("(BC)"):
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
    return orders | {"time": str, "uuid": str}


_ORDERS = _order_of()


def retype(tx: Writer, table_id: int, fields: Sequence[Field]) -> None:
    """Carry the bounds of columns over to their new, wider types.

    Texts of integers read the same in a wider type. Those of ``float32`` do
    not (``0.1`` is another number as ``float64``), so they are written anew.
    """
    t = s.column_stats
    for field in fields:
        if field.type.name == "float64":
            mine = (t.c.table_id == table_id, t.c.column_id == field.id)
            row = tx.connection.execute(select(t.c.min_value, t.c.max_value).where(*mine)).first()
            if row is not None and row[0] is not None:
                low, high = (_as_float32(text) for text in row)
                tx.connection.execute(update(t).where(*mine).values(min_value=low, max_value=high))


def _as_float32(text: str) -> str:
    try:
        return repr(struct.unpack("<f", struct.pack("<f", float(text)))[0])
    except OverflowError:
        return text


def admit_null(tx: Writer, table_id: int, column_ids: Iterable[int]) -> None:
    """A column added to a table with rows is NULL in all of them."""
    if (
        tx.connection.scalar(select(s.table_stats.c.table_id).where(s.table_stats.c.table_id == table_id))
        is None
    ):
        return
    rows = [{"table_id": table_id, "column_id": i, "contains_null": True} for i in column_ids]
    if rows:
        tx.connection.execute(insert(s.column_stats), rows)


def has_values(rx: Reader, table_id: int, column_id: int) -> bool:
    """Whether the table, at any snapshot, may hold a value of the column."""
    t, i = s.file_stats, s.inlined_tables
    valued = (t.c.table_id == table_id, t.c.column_id == column_id, func.coalesce(t.c.value_count, 1) > 0)
    if rx.connection.execute(select(t.c.data_file_id).where(*valued).limit(1)).first() is not None:
        return True
    return rx.connection.execute(select(i.c.table_id).where(i.c.table_id == table_id)).first() is not None
