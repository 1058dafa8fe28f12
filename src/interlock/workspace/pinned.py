"""Reading a dataset snapshot: the table as it was, from the files the vault pins."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from interlock.catalog.vault.records import Kind, VersionRecord
from interlock.engines.duckdb import without_bar
from interlock.engines.failures import translated
from interlock.errors import UsageError
from interlock.vault import materialise, snapshots
from interlock.vault.stores.opened import Stores


def read(
    stores: Stores, record: VersionRecord, table: str | None = None, *, verify: bool = True
) -> duckdb.DuckDBPyRelation:
    """A table of a snapshot as a DuckDB relation; see `Vault.read`."""
    if record.kind is not Kind.SNAPSHOT:
        raise UsageError(
            f"{record.ref} is a {record.kind}, and no table", hint=f"`interlock vault get {record.ref}`"
        )
    made = materialise.manifest(stores, record)
    chosen = snapshots.table_of(made, table)
    files = snapshots.files_of(made, chosen)
    lost = [file.path for file in materialise.unsound(stores, files)] if verify else []
    connection = duckdb.connect()
    without_bar(connection)
    stores.catalog.files.serve(connection)
    with translated("query", reading=False), tempfile.TemporaryDirectory(prefix="interlock-") as spare:
        got = materialise.get(stores, record, Path(spare), paths=lost) if lost else []
        fetched = {path.relative_to(spare).as_posix(): path for path in got}
        query = snapshots.query(stores.catalog, chosen, files, fetched)
        if not fetched:
            return connection.sql(query)
        connection.execute(f"CREATE TEMP TABLE fetched AS {query}")  # outlives the files
        return connection.table("fetched")
