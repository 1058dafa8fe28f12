"""Rows of MLflow's database as lines of JSON in the vault, and back.

One object a line, ``{"table": …, "row": {…}}``, a row before those that refer to it. Bytes and moments, which
JSON has not, are ``{"$bytes": base64}`` and ``{"$moment": ISO 8601}``.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import ColumnElement, MetaData, Table, and_, create_engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from interlock.errors import DatabaseRefused, VersionNotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from interlock.workspace.vault import Vault

FOLDER = "mlflow-rows"
REDACTED = {"model_versions": ("current_stage", "Deleted_Internal")}  # a row that MLflow blanked

Row = tuple[str, dict[str, Any]]


def of(connection: Connection, metadata: MetaData, table: str, is_it: ColumnElement[bool]) -> Iterator[Row]:
    """A table's rows that fit, and every row that refers to them and goes with them."""
    root = metadata.tables[table]
    pending: list[tuple[Table, Any]] = [(root, root)]
    seen: set[tuple[str, tuple[Any, ...]]] = set()
    while pending:
        at, joined = pending.pop(0)
        for found in connection.execute(select(at).select_from(joined).where(is_it)).mappings():
            row = dict(found)
            key = (at.name, tuple(row[c.name] for c in at.primary_key))
            if key not in seen:  # a row may refer to two of them
                seen.add(key)
                yield at.name, row
        pending += [(child, joined.join(child, _refers(fk))) for child, fk in _children(metadata, at)]


def _children(metadata: MetaData, table: Table) -> Iterator[tuple[Table, Any]]:
    for child in metadata.sorted_tables:
        for key in child.foreign_key_constraints:
            goes_along = (key.ondelete or "").upper() != "SET NULL"
            if key.referred_table is table and child is not table and goes_along:
                yield child, key


def _refers(key: Any) -> ColumnElement[bool]:
    return and_(*(element.parent == element.column for element in key.elements))


def write(found: Iterable[Row], file: BinaryIO) -> int:
    """Write rows as lines; returns how many."""
    count = 0
    for table, row in found:
        plain = {name: _plain(value) for name, value in row.items()}
        file.write(json.dumps({"table": table, "row": plain}).encode() + b"\n")
        count += 1
    return count


def put_back(vault: Vault, database: str, what: Sequence[str]) -> dict[str, int]:
    """Put rows that MLflow deleted back into its ``database``; how many of each table.

    ``what`` are folders under ``mlflow-rows``: ``registered_models/ranker``, ``runs/ID``, ``runs``. What is there
    is left as it is; of rows that were deleted several times the newest come back. All or nothing. Raises
    `VersionNotFound`, `DatabaseRefused`.
    """
    files = [name for folder in what for name in _kept(vault, folder.strip("/"))]
    engine = create_engine(database.removeprefix("vault:"))
    done: dict[str, int] = {}
    try:
        with engine.begin() as connection:
            tables = MetaData()
            for name in files:
                with vault.open(name) as file:
                    for line in file:
                        said = json.loads(line)
                        _put_back(connection, tables, said["table"], said["row"], done)
    except SQLAlchemyError as error:
        raise DatabaseRefused(
            f"MLflow's database: {error}", hint="is it of the same version of MLflow?"
        ) from error
    finally:
        engine.dispose()
    return done


def _kept(vault: Vault, folder: str) -> list[str]:
    """The files of rows at or under a folder, the newest of each first."""
    kept = [r.name for r in vault.versions(f"{FOLDER}/{folder}")]
    if not kept:
        raise VersionNotFound(
            f"no rows of {folder} were deleted through the vault",
            hint=f"`interlock vault ls {FOLDER}` lists what was",
        )
    return sorted(kept, reverse=True)


def _put_back(
    connection: Connection, tables: MetaData, name: str, said: dict[str, Any], done: dict[str, int]
) -> None:
    table = tables.tables[name] if name in tables.tables else Table(name, tables, autoload_with=connection)
    row = {key: _value(value) for key, value in said.items()}
    if row.get("lifecycle_stage") == "deleted":  # as it was just before it was purged
        row["lifecycle_stage"] = "active"
    is_it = and_(*(column == row[column.name] for column in table.primary_key))
    there = connection.execute(select(table).where(is_it)).mappings().first()
    column, blank = REDACTED.get(name, (None, None))
    if there is not None:
        if column is None or there[column] != blank:
            return
        connection.execute(delete(table).where(is_it))
    connection.execute(insert(table).values(**row))
    done[name] = done.get(name, 0) + 1


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"$bytes": base64.b64encode(value).decode()}
    return {"$moment": value.isoformat()} if isinstance(value, dt.datetime) else value


def _value(plain: Any) -> Any:
    if isinstance(plain, dict) and "$bytes" in plain:
        return base64.b64decode(plain["$bytes"])
    return (
        dt.datetime.fromisoformat(plain["$moment"])
        if isinstance(plain, dict) and "$moment" in plain
        else plain
    )
