"""The catalog of version 1: DuckLake 1.0 as its extension lays it out, and Interlock's own tables.

Revision ID: 0001
"""

from __future__ import annotations

from interlock.catalog.migrations import execute

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The text of these statements is what the ducklake extension 1.5.5 writes into SQLite.
DUCKLAKE = (
    """CREATE TABLE ducklake_metadata(
        "key" VARCHAR NOT NULL, "value" VARCHAR NOT NULL, "scope" VARCHAR, scope_id BIGINT
    )""",
    """CREATE TABLE ducklake_snapshot(
        snapshot_id BIGINT PRIMARY KEY, snapshot_time VARCHAR, schema_version BIGINT,
        next_catalog_id BIGINT, next_file_id BIGINT
    )""",
    """CREATE TABLE ducklake_snapshot_changes(
        snapshot_id BIGINT PRIMARY KEY, changes_made VARCHAR, author VARCHAR, commit_message VARCHAR,
        commit_extra_info VARCHAR
    )""",
    """CREATE TABLE ducklake_schema(
        schema_id BIGINT PRIMARY KEY, schema_uuid VARCHAR, begin_snapshot BIGINT, end_snapshot BIGINT,
        schema_name VARCHAR, path VARCHAR, path_is_relative BIGINT
    )""",
    """CREATE TABLE ducklake_table(
        table_id BIGINT, table_uuid VARCHAR, begin_snapshot BIGINT, end_snapshot BIGINT,
        schema_id BIGINT, table_name VARCHAR, path VARCHAR, path_is_relative BIGINT
    )""",
    """CREATE TABLE ducklake_view(
        view_id BIGINT, view_uuid VARCHAR, begin_snapshot BIGINT, end_snapshot BIGINT,
        schema_id BIGINT, view_name VARCHAR, dialect VARCHAR, "sql" VARCHAR, column_aliases VARCHAR
    )""",
    """CREATE TABLE ducklake_tag(
        object_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT, "key" VARCHAR, "value" VARCHAR
    )""",
    """CREATE TABLE ducklake_column_tag(
        table_id BIGINT, column_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT, "key" VARCHAR,
        "value" VARCHAR
    )""",
    """CREATE TABLE ducklake_data_file(
        data_file_id BIGINT PRIMARY KEY, table_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT,
        file_order BIGINT, path VARCHAR, path_is_relative BIGINT, file_format VARCHAR,
        record_count BIGINT, file_size_bytes BIGINT, footer_size BIGINT, row_id_start BIGINT,
        partition_id BIGINT, encryption_key VARCHAR, mapping_id BIGINT, partial_max BIGINT
    )""",
    """CREATE TABLE ducklake_file_column_stats(
        data_file_id BIGINT, table_id BIGINT, column_id BIGINT, column_size_bytes BIGINT,
        value_count BIGINT, null_count BIGINT, min_value VARCHAR, max_value VARCHAR,
        contains_nan BIGINT, extra_stats VARCHAR
    )""",
    """CREATE TABLE ducklake_file_variant_stats(
        data_file_id BIGINT, table_id BIGINT, column_id BIGINT, variant_path VARCHAR,
        shredded_type VARCHAR, column_size_bytes BIGINT, value_count BIGINT, null_count BIGINT,
        min_value VARCHAR, max_value VARCHAR, contains_nan BIGINT, extra_stats VARCHAR
    )""",
    """CREATE TABLE ducklake_delete_file(
        delete_file_id BIGINT PRIMARY KEY, table_id BIGINT, begin_snapshot BIGINT,
        end_snapshot BIGINT, data_file_id BIGINT, path VARCHAR, path_is_relative BIGINT,
        format VARCHAR, delete_count BIGINT, file_size_bytes BIGINT, footer_size BIGINT,
        encryption_key VARCHAR, partial_max BIGINT
    )""",
    """CREATE TABLE ducklake_column(
        column_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT, table_id BIGINT,
        column_order BIGINT, column_name VARCHAR, column_type VARCHAR, initial_default VARCHAR,
        default_value VARCHAR, nulls_allowed BIGINT, parent_column BIGINT, default_value_type VARCHAR,
        default_value_dialect VARCHAR
    )""",
    """CREATE TABLE ducklake_table_stats(
        table_id BIGINT, record_count BIGINT, next_row_id BIGINT, file_size_bytes BIGINT
    )""",
    """CREATE TABLE ducklake_table_column_stats(
        table_id BIGINT, column_id BIGINT, contains_null BIGINT, contains_nan BIGINT,
        min_value VARCHAR, max_value VARCHAR, extra_stats VARCHAR
    )""",
    """CREATE TABLE ducklake_partition_info(
        partition_id BIGINT, table_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT
    )""",
    """CREATE TABLE ducklake_partition_column(
        partition_id BIGINT, table_id BIGINT, partition_key_index BIGINT, column_id BIGINT,
        "transform" VARCHAR
    )""",
    """CREATE TABLE ducklake_file_partition_value(
        data_file_id BIGINT, table_id BIGINT, partition_key_index BIGINT, partition_value VARCHAR
    )""",
    """CREATE TABLE ducklake_files_scheduled_for_deletion(
        data_file_id BIGINT, path VARCHAR, path_is_relative BIGINT, schedule_start VARCHAR
    )""",
    """CREATE TABLE ducklake_inlined_data_tables(
        table_id BIGINT, table_name VARCHAR, schema_version BIGINT
    )""",
    """CREATE TABLE ducklake_column_mapping(
        mapping_id BIGINT, table_id BIGINT, "type" VARCHAR
    )""",
    """CREATE TABLE ducklake_name_mapping(
        mapping_id BIGINT, column_id BIGINT, source_name VARCHAR, target_field_id BIGINT,
        parent_column BIGINT, is_partition BIGINT
    )""",
    """CREATE TABLE ducklake_schema_versions(
        begin_snapshot BIGINT, schema_version BIGINT, table_id BIGINT
    )""",
    """CREATE TABLE ducklake_macro(
        schema_id BIGINT, macro_id BIGINT, macro_name VARCHAR, begin_snapshot BIGINT,
        end_snapshot BIGINT
    )""",
    """CREATE TABLE ducklake_macro_impl(
        macro_id BIGINT, impl_id BIGINT, dialect VARCHAR, "sql" VARCHAR, "type" VARCHAR
    )""",
    """CREATE TABLE ducklake_macro_parameters(
        macro_id BIGINT, impl_id BIGINT, column_id BIGINT, parameter_name VARCHAR,
        parameter_type VARCHAR, default_value VARCHAR, default_value_type VARCHAR
    )""",
    """CREATE TABLE ducklake_sort_info(
        sort_id BIGINT, table_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT
    )""",
    """CREATE TABLE ducklake_sort_expression(
        sort_id BIGINT, table_id BIGINT, sort_key_index BIGINT, expression VARCHAR, dialect VARCHAR,
        sort_direction VARCHAR, null_order VARCHAR
    )""",
)

INTERLOCK = (
    "CREATE TABLE interlock_workspace (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE interlock_table (
        name TEXT PRIMARY KEY, mode TEXT NOT NULL, partition TEXT, key TEXT NOT NULL, location TEXT,
        settings TEXT NOT NULL, created_at TEXT NOT NULL, lake_table_id BIGINT
    )""",
    """CREATE TABLE interlock_constraint (
        table_name TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (table_name, name)
    )""",
    """CREATE TABLE interlock_partition (
        id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, label TEXT NOT NULL,
        state TEXT NOT NULL, rows BIGINT NOT NULL, size_bytes BIGINT NOT NULL, path TEXT, digest TEXT,
        data_file_id BIGINT, snapshot_id BIGINT, verdict_id TEXT, loaded_at TEXT NOT NULL,
        schema TEXT NOT NULL
    )""",
    "CREATE INDEX interlock_partition_by_label ON interlock_partition (table_name, label)",
    "CREATE INDEX interlock_partition_by_state ON interlock_partition (table_name, state)",
    """CREATE TABLE interlock_vector_schema (
        id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, names BLOB NOT NULL
    )""",
    """CREATE TABLE interlock_profile (
        partition_id INTEGER PRIMARY KEY, document BLOB NOT NULL, vector BLOB NOT NULL,
        vector_schema_id INTEGER NOT NULL, domains TEXT NOT NULL
    )""",
    """CREATE TABLE interlock_verdict (
        id TEXT PRIMARY KEY, sequence INTEGER NOT NULL UNIQUE, table_name TEXT NOT NULL, label TEXT NOT NULL,
        gate TEXT NOT NULL, outcome TEXT NOT NULL, decision TEXT NOT NULL, judged_at TEXT NOT NULL,
        document TEXT NOT NULL, entry_digest TEXT NOT NULL
    )""",
    "CREATE INDEX interlock_verdict_by_table ON interlock_verdict (table_name, sequence)",
    """CREATE TABLE interlock_accept (
        id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, since TEXT NOT NULL,
        reason TEXT NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL
    )""",
    """CREATE TABLE interlock_enforcement (
        table_name TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (table_name, name)
    )""",
    """CREATE TABLE interlock_trigger_run (
        id INTEGER PRIMARY KEY AUTOINCREMENT, verdict_id TEXT NOT NULL, table_name TEXT NOT NULL,
        label TEXT NOT NULL, trigger TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
        detail TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    )""",
    "CREATE INDEX interlock_trigger_run_by_state ON interlock_trigger_run (state)",
    """CREATE TABLE interlock_snapshot (
        snapshot_id BIGINT PRIMARY KEY, ours INTEGER NOT NULL, seen_at TEXT NOT NULL
    )""",
    """CREATE TABLE interlock_outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, at TEXT NOT NULL, entry BLOB NOT NULL,
        digest TEXT NOT NULL, ledger_index BIGINT UNIQUE
    )""",
)


def upgrade() -> None:
    execute((*DUCKLAKE, *INTERLOCK))
