"""Alerts over several tables, how much an alert matters, and the models that read tables.

Revision ID: 0003
"""

from __future__ import annotations

from interlock.catalog.migrations import execute

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE interlock_alert ADD COLUMN source TEXT",
    "ALTER TABLE interlock_alert ADD COLUMN manner TEXT",
    "ALTER TABLE interlock_alert ADD COLUMN opened_as TEXT",
    "ALTER TABLE interlock_alert ADD COLUMN impact REAL",
    "ALTER TABLE interlock_alert ADD COLUMN hit TEXT",
    "CREATE INDEX interlock_alert_by_source ON interlock_alert (source, state)",
    """CREATE TABLE interlock_alert_part (
        alert_id INTEGER NOT NULL, table_name TEXT NOT NULL, position INTEGER NOT NULL, "leading" TEXT NOT NULL,
        columns TEXT NOT NULL, broken TEXT NOT NULL, severity TEXT NOT NULL, title TEXT NOT NULL,
        first_label TEXT NOT NULL, last_label TEXT NOT NULL, seen INTEGER NOT NULL, verdict_id TEXT NOT NULL,
        recovered_label TEXT, PRIMARY KEY (alert_id, table_name)
    )""",
    "CREATE INDEX interlock_alert_part_by_table ON interlock_alert_part (table_name)",
    """INSERT INTO interlock_alert_part
        SELECT id, table_name, 0, columns, columns, columns, severity, title, first_label, last_label, seen,
               verdict_id, closed_label
        FROM interlock_alert""",
    """CREATE TABLE interlock_model (
        name TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL, created_at TEXT NOT NULL
    )""",
)


def upgrade() -> None:
    execute(STATEMENTS)
