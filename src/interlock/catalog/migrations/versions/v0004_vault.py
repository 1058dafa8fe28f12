"""The vault: models, versions, aliases, tombstones, approvals, holds and leases.

Revision ID: 0004
"""

from __future__ import annotations

from interlock.catalog.migrations import execute

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE interlock_vault_name (
        name TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, next_version INTEGER NOT NULL, owner TEXT,
        created_at TEXT NOT NULL
    )""",
    """CREATE TABLE interlock_vault_version (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, version INTEGER NOT NULL,
        state TEXT NOT NULL, manifest TEXT, size_bytes INTEGER NOT NULL, files INTEGER NOT NULL, sha256 TEXT,
        who TEXT NOT NULL, created_at TEXT NOT NULL, metadata TEXT NOT NULL, lineage TEXT NOT NULL,
        deleted_at TEXT, deleted_by TEXT, request_id INTEGER, purge_after TEXT, UNIQUE (name, version)
    )""",
    "CREATE INDEX interlock_vault_version_by_state ON interlock_vault_version (state, name)",
    "CREATE INDEX interlock_vault_version_by_request ON interlock_vault_version (request_id)",
    """CREATE TABLE interlock_vault_alias (
        name TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL, moved_at TEXT NOT NULL,
        who TEXT NOT NULL, PRIMARY KEY (name, alias)
    )""",
    """CREATE TABLE interlock_vault_object (
        key TEXT PRIMARY KEY NOT NULL, size_bytes INTEGER NOT NULL, kept_at TEXT NOT NULL, state TEXT NOT NULL,
        marked_at TEXT
    )""",
    "CREATE INDEX interlock_vault_object_by_size ON interlock_vault_object (size_bytes)",
    "CREATE INDEX interlock_vault_object_by_state ON interlock_vault_object (state)",
    """CREATE TABLE interlock_vault_use (
        version_id INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (version_id, key)
    )""",
    "CREATE INDEX interlock_vault_use_by_key ON interlock_vault_use (key)",
    """CREATE TABLE interlock_vault_copy (
        store TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, locked_until TEXT, verified_at TEXT,
        PRIMARY KEY (store, key)
    )""",
    """CREATE TABLE interlock_vault_lease (
        id TEXT NOT NULL, key TEXT NOT NULL, expires_at TEXT NOT NULL, PRIMARY KEY (id, key)
    )""",
    "CREATE INDEX interlock_vault_lease_by_key ON interlock_vault_lease (key)",
    """CREATE TABLE interlock_vault_request (
        id INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL, subject TEXT NOT NULL,
        document TEXT NOT NULL, models INTEGER NOT NULL, state TEXT NOT NULL, who TEXT NOT NULL, at TEXT NOT NULL,
        reason TEXT, why TEXT, decided_by TEXT, decided_at TEXT
    )""",
    "CREATE INDEX interlock_vault_request_by_at ON interlock_vault_request (at)",
    """CREATE TABLE interlock_vault_hold (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, version INTEGER, kind TEXT NOT NULL,
        who TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL, released_at TEXT, released_by TEXT
    )""",
    """CREATE TABLE interlock_vault_key (
        name TEXT PRIMARY KEY NOT NULL, salt TEXT NOT NULL, digest TEXT NOT NULL, who TEXT NOT NULL,
        at TEXT NOT NULL, retired_at TEXT
    )""",
)


def upgrade() -> None:
    execute(STATEMENTS)
