"""The DuckLake 1.0 tables we write, as its extension lays them out in SQLite.

The statements that create them are in ``migrations``.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

_lake = MetaData()


def _table(name: str, **columns: str) -> Table:
    kinds = {"i": BigInteger, "t": Text}
    return Table(
        f"ducklake_{name}", _lake, *(Column(column, kinds[kind]) for column, kind in columns.items())
    )


snapshots = _table(
    "snapshot", snapshot_id="i", snapshot_time="t", schema_version="i", next_catalog_id="i", next_file_id="i"
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
    table_uuid="t",
    begin_snapshot="i",
    end_snapshot="i",
    schema_id="i",
    table_name="t",
    path="t",
    path_is_relative="i",
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
    nulls_allowed="i",
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
    path_is_relative="i",
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
    contains_nan="i",
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
    path_is_relative="i",
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
    contains_null="i",
    contains_nan="i",
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
