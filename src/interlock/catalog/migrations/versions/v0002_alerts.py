"""Alerts with a life beyond one verdict.

Revision ID: 0002
"""

from __future__ import annotations

from interlock.catalog.migrations import execute

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE interlock_alert (
        id INTEGER PRIMARY KEY, table_name TEXT NOT NULL, kind TEXT NOT NULL, columns TEXT NOT NULL,
        aspects TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, title TEXT NOT NULL, cause TEXT,
        advice TEXT, owner TEXT, score REAL NOT NULL, share REAL, first_label TEXT NOT NULL,
        last_label TEXT NOT NULL, seen INTEGER NOT NULL, verdict_id TEXT NOT NULL, opened_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, closed_at TEXT, closed_label TEXT, closed_verdict TEXT, feedback TEXT,
        who TEXT, reason TEXT, quiet_until TEXT, silenced INTEGER NOT NULL, told TEXT, told_at TEXT,
        told_week TEXT, told_severity TEXT, told_score REAL, told_share REAL, recovery_told INTEGER NOT NULL
    )""",
    "CREATE INDEX interlock_alert_by_table ON interlock_alert (table_name, state)",
    "CREATE INDEX interlock_alert_by_week ON interlock_alert (told_week, owner)",
)


def upgrade() -> None:
    execute(STATEMENTS)
