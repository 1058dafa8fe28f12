"""The vault's tables in the catalog database, prefix ``interlock_vault_``.

What each column means is written in ``docs/formats/workspace-v1.md``.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from interlock.catalog.schema import Document, Moment, metadata

names = Table(
    "interlock_vault_name",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("next_version", Integer, nullable=False),
    Column("owner", Text),
    Column("created_at", Moment, nullable=False),
)

versions = Table(
    "interlock_vault_version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("manifest", Text),
    Column("size_bytes", BigInteger, nullable=False),
    Column("files", Integer, nullable=False),
    Column("sha256", Text),
    Column("who", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("metadata", Document, nullable=False),
    Column("lineage", Document, nullable=False),
    Column("deleted_at", Moment),
    Column("deleted_by", Text),
    Column("request_id", Integer),
    Column("purge_after", Moment),
)

aliases = Table(
    "interlock_vault_alias",
    metadata,
    Column("name", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("moved_at", Moment, nullable=False),
    Column("who", Text, nullable=False),
)

objects = Table(
    "interlock_vault_object",
    metadata,
    Column("key", Text, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("kept_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("marked_at", Moment),
)

uses = Table(
    "interlock_vault_use",
    metadata,
    Column("version_id", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
)

copies = Table(
    "interlock_vault_copy",
    metadata,
    Column("store", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("locked_until", Moment),
    Column("verified_at", Moment),
)

leases = Table(
    "interlock_vault_lease",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("expires_at", Moment, nullable=False),
)

requests = Table(
    "interlock_vault_request",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("document", Document, nullable=False),
    Column("models", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("reason", Text),
    Column("why", Text),
    Column("decided_by", Text),
    Column("decided_at", Moment),
)

holds = Table(
    "interlock_vault_hold",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer),
    Column("kind", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("released_at", Moment),
    Column("released_by", Text),
)

keys = Table(
    "interlock_vault_key",
    metadata,
    Column("name", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("retired_at", Moment),
)
