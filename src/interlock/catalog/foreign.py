"""Commits made past the gate: snapshots of the lake that our writer did not make."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import or_, select, text

from interlock.catalog import lake_schema as s
from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.lake_columns import id_of
from interlock.catalog.records import CURRENT, ForeignSnapshot

_TABLE_ID = re.compile(r"(?:^|,)\w+:(\d+)(?=,|$)")
_KIND = re.compile(r"(?:^|,)(\w+):")
_TABLE_NAME = re.compile(r'(?:created|dropped)_table:"(?:[^"]|"")*"\."((?:[^"]|"")*)"')


def unseen(rx: Reader) -> list[ForeignSnapshot]:
    """Foreign snapshots nobody has been told of yet, oldest first; see `mark_seen`."""
    known = select(schema.snapshots.c.snapshot_id)
    t = s.snapshots
    rows = rx.connection.execute(
        select(t.c.snapshot_id, t.c.snapshot_time)
        .where(t.c.snapshot_id.not_in(known))
        .order_by(t.c.snapshot_id)
    ).all()
    return [_describe(rx, id_, at) for id_, at in rows]


def lasting(rx: Reader) -> list[ForeignSnapshot]:
    """Those of `unseen` whose effect readers still see.

    A partition written again through the gate replaces what others added to it,
    deleted from it, or removed of it; then nothing is left to tell.
    """
    return [found for found in unseen(rx) if _lasts(rx, found)]


def _lasts(rx: Reader, found: ForeignSnapshot) -> bool:
    kinds = set(_KIND.findall(found.changes))
    if found.rows_inlined or not kinds <= {"inserted_into_table", "deleted_from_table"}:
        return True
    f, d, p = s.data_files, s.delete_files, schema.partitions
    removed = select(f.c.data_file_id).where(f.c.end_snapshot == found.snapshot_id)
    touched = or_(d.c.begin_snapshot == found.snapshot_id, d.c.partial_max == found.snapshot_id)
    current = p.c.state.in_([state.value for state in CURRENT])
    asked = (
        select(f.c.data_file_id).where(f.c.begin_snapshot == found.snapshot_id, f.c.end_snapshot.is_(None)),
        select(d.c.delete_file_id).where(touched, d.c.end_snapshot.is_(None)),
        select(p.c.id).where(current, p.c.data_file_id.in_(removed)),
    )
    return any(rx.connection.execute(one.limit(1)).first() is not None for one in asked)


def files(rx: Reader, table: str) -> list[int]:
    """Current data files of a table that no partition of ours lists: somebody put them there past the gate."""
    f, p = s.data_files, schema.partitions
    ours = select(p.c.data_file_id).where(p.c.table_name == table, p.c.data_file_id.is_not(None))
    current = (f.c.table_id == id_of(rx, table), f.c.end_snapshot.is_(None))
    return list(
        rx.connection.scalars(select(f.c.data_file_id).where(*current, f.c.data_file_id.not_in(ours)))
    )


def mark_seen(tx: Writer, snapshot_ids: Iterable[int]) -> None:
    """Don't report these again. They stay on record as foreign."""
    rows = [{"snapshot_id": id_, "ours": 0, "seen_at": tx.now} for id_ in snapshot_ids]
    if rows:
        tx.connection.execute(tx.insert(schema.snapshots).on_conflict_do_nothing(), rows)


def seen(rx: Reader) -> list[int]:
    """The foreign snapshots that were reported once."""
    t = schema.snapshots
    return list(rx.connection.scalars(select(t.c.snapshot_id).where(t.c.ours == 0).order_by(t.c.snapshot_id)))


def _describe(rx: Reader, id_: int, at: str) -> ForeignSnapshot:
    c = s.changes
    change = rx.connection.execute(
        select(c.c.changes_made, c.c.author, c.c.commit_message).where(c.c.snapshot_id == id_)
    ).first()
    made, author, message = change if change is not None else ("", None, None)
    f, d = s.data_files, s.delete_files
    added = rx.connection.execute(select(f.c.table_id, f.c.path).where(f.c.begin_snapshot == id_)).all()
    removed = rx.connection.execute(select(f.c.table_id, f.c.path).where(f.c.end_snapshot == id_)).all()
    deleted = rx.connection.execute(
        select(d.c.table_id).where(or_(d.c.begin_snapshot == id_, d.c.partial_max == id_))
    ).all()
    ids = {row[0] for row in (*added, *removed, *deleted)} | {int(m) for m in _TABLE_ID.findall(made or "")}
    names = {n.replace('""', '"') for n in _TABLE_NAME.findall(made or "")}
    return ForeignSnapshot(
        snapshot_id=id_,
        at=at,
        changes=made or "",
        author=author,
        message=message,
        tables=tuple(sorted(names | _names(rx, ids))),
        files_added=tuple(path for _, path in added),
        files_removed=tuple(path for _, path in removed),
        delete_files=len(deleted),
        rows_inlined=_rows_inlined(rx, id_),
    )


def _names(rx: Reader, table_ids: set[int]) -> set[str]:
    t = s.tables
    return set(rx.connection.scalars(select(t.c.table_name).where(t.c.table_id.in_(sorted(table_ids)))))


def _rows_inlined(rx: Reader, id_: int) -> int:
    """Rows this snapshot put into, or deleted through, the catalog."""
    t = s.inlined_tables
    total = 0
    for name in rx.connection.scalars(select(t.c.table_name)).all():
        changed = f'SELECT count(*) FROM "{name}" WHERE begin_snapshot = :id OR end_snapshot = :id'
        total += rx.connection.scalar(text(changed), {"id": id_}) or 0
    for name in sorted(name for name in rx.relations() if name.startswith("ducklake_inlined_delete_")):
        deleted = f'SELECT count(*) FROM "{name}" WHERE begin_snapshot = :id'
        total += rx.connection.scalar(text(deleted), {"id": id_}) or 0
    return total
