"""The DuckLake 1.0 tables we write, as its extension lays them out in SQLite and in PostgreSQL.

The statements that create them are in ``migrations``. SQLite holds truth values
as integers, moments and UUIDs as text.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    UUID,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

_lake = MetaData()


class SnapshotTime(TypeDecorator[dt.datetime]):
    """A moment as the extension writes it: ``2013-01-05 12:30:00.000000+00`` where it is text."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return DateTime(timezone=True) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else _moment(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The text, whatever the database."""
        return _moment(value) if isinstance(value, dt.datetime) else value


def _moment(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")


_KINDS: dict[str, Any] = {
    "i": BigInteger,
    "t": Text,
    "b": Boolean,
    "m": SnapshotTime,
    "u": Text().with_variant(UUID(as_uuid=False), "postgresql"),
}


def _table(name: str, **columns: str) -> Table:
    return Table(
        f"ducklake_{name}", _lake, *(Column(column, _KINDS[kind]) for column, kind in columns.items())
    )


metadata = _table("metadata", key="t", value="t", scope="t", scope_id="i")
schemas = _table(
    "schema",
    schema_id="i",
    schema_uuid="u",
    begin_snapshot="i",
    end_snapshot="i",
    schema_name="t",
    path="t",
    path_is_relative="b",
)
snapshots = _table(
    "snapshot", snapshot_id="i", snapshot_time="m", schema_version="i", next_catalog_id="i", next_file_id="i"
)
changes = _table(
    "snapshot_changes",
    snapshot_id="i",
    changes_made="t",
    author="t",
    commit_message="t",
    commit_extra_info="t",
)
tables = _table(
    "table",
    table_id="i",
    table_uuid="u",
    begin_snapshot="i",
    end_snapshot="i",
    schema_id="i",
    table_name="t",
    path="t",
    path_is_relative="b",
)
columns = _table(
    "column",
    column_id="i",
    begin_snapshot="i",
    end_snapshot="i",
    table_id="i",
    column_order="i",
    column_name="t",
    column_type="t",
    initial_default="t",
    default_value="t",
    nulls_allowed="b",
    parent_column="i",
    default_value_type="t",
    default_value_dialect="t",
)
data_files = _table(
    "data_file",
    data_file_id="i",
    table_id="i",
    begin_snapshot="i",
    end_snapshot="i",
    file_order="i",
    path="t",
    path_is_relative="b",
    file_format="t",
    record_count="i",
    file_size_bytes="i",
    footer_size="i",
    row_id_start="i",
    partition_id="i",
    encryption_key="t",
    mapping_id="i",
    partial_max="i",
)
file_stats = _table(
    "file_column_stats",
    data_file_id="i",
    table_id="i",
    column_id="i",
    column_size_bytes="i",
    value_count="i",
    null_count="i",
    min_value="t",
    max_value="t",
    contains_nan="b",
    extra_stats="t",
)
delete_files = _table(
    "delete_file",
    delete_file_id="i",
    table_id="i",
    begin_snapshot="i",
    end_snapshot="i",
    data_file_id="i",
    path="t",
    path_is_relative="b",
    format="t",
    delete_count="i",
    file_size_bytes="i",
    footer_size="i",
    encryption_key="t",
    partial_max="i",
)
table_stats = _table("table_stats", table_id="i", record_count="i", next_row_id="i", file_size_bytes="i")
column_stats = _table(
    "table_column_stats",
    table_id="i",
    column_id="i",
    contains_null="b",
    contains_nan="b",
    min_value="t",
    max_value="t",
    extra_stats="t",
)
partition_info = _table(
    "partition_info", partition_id="i", table_id="i", begin_snapshot="i", end_snapshot="i"
)
partition_columns = _table(
    "partition_column", partition_id="i", table_id="i", partition_key_index="i", column_id="i", transform="t"
)
partition_values = _table(
    "file_partition_value", data_file_id="i", table_id="i", partition_key_index="i", partition_value="t"
)
schema_versions = _table("schema_versions", begin_snapshot="i", schema_version="i", table_id="i")
inlined_tables = _table("inlined_data_tables", table_id="i", table_name="t", schema_version="i")
name_mappings = _table(
    "name_mapping",
    mapping_id="i",
    column_id="i",
    source_name="t",
    target_field_id="i",
    parent_column="i",
    is_partition="b",
)

WRITTEN = tuple(sorted(name for name in _lake.tables if name != name_mappings.name))
"""What our writer writes to."""
