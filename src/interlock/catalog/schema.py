"""Interlock's own tables in the catalog database, prefix ``interlock_``.

What each column means is written in ``docs/formats/workspace-v1.md``; how the
tables came to be, in ``migrations``. Moments are ISO 8601 text in UTC.
"""

from __future__ import annotations

import datetime as dt
import json
import zlib
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

REVISION = "0004"
"""The newest migration; a workspace at this revision opens without Alembic."""

VERSION_TABLE = "interlock_version"

metadata = MetaData()


class Moment(TypeDecorator[dt.datetime]):
    """An aware datetime as ISO 8601 text in UTC with microseconds."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(dt.UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else dt.datetime.fromisoformat(value)


def dumps(value: Any) -> str:
    """The JSON text of a stored document: compact, keys in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Document(TypeDecorator[Any]):
    """A JSON document as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Packed(TypeDecorator[Any]):
    """A JSON document as zlib-compressed UTF-8."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else zlib.compress(dumps(value).encode(), 1)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(zlib.decompress(value))


workspace = Table(
    "interlock_workspace",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

tables = Table(
    "interlock_table",
    metadata,
    Column("name", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("partition", Text),
    Column("key", Document, nullable=False),
    Column("location", Text),
    Column("settings", Document, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("lake_table_id", BigInteger),
)

constraints = Table(
    "interlock_constraint",
    metadata,
    Column("table_name", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("document", Document, nullable=False),
)

partitions = Table(
    "interlock_partition",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("path", Text),
    Column("digest", Text),
    Column("data_file_id", BigInteger),
    Column("snapshot_id", BigInteger),
    Column("verdict_id", Text),
    Column("loaded_at", Moment, nullable=False),
    Column("schema", Document, nullable=False),
)

vector_schemas = Table(
    "interlock_vector_schema",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("names", Packed, nullable=False),
)

profiles = Table(
    "interlock_profile",
    metadata,
    Column("partition_id", Integer, primary_key=True),
    Column("document", Packed, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("vector_schema_id", Integer, nullable=False),
    Column("domains", Text, nullable=False),
)

verdicts = Table(
    "interlock_verdict",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sequence", Integer, nullable=False, unique=True),
    Column("table_name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("gate", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("judged_at", Moment, nullable=False),
    Column("document", Text, nullable=False),
    Column("entry_digest", Text, nullable=False),
)

accepts = Table(
    "interlock_accept",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
)

enforcements = Table(
    "interlock_enforcement",
    metadata,
    Column("table_name", Text, primary_key=True),
    Column("name", Text, primary_key=True),
)

alerts = Table(
    "interlock_alert",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("columns", Document, nullable=False),
    Column("aspects", Document, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("cause", Text),
    Column("advice", Text),
    Column("owner", Text),
    Column("score", Float, nullable=False),
    Column("share", Float),
    Column("first_label", Text, nullable=False),
    Column("last_label", Text, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("verdict_id", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("closed_label", Text),
    Column("closed_verdict", Text),
    Column("feedback", Text),
    Column("who", Text),
    Column("reason", Text),
    Column("quiet_until", Moment),
    Column("silenced", Integer, nullable=False),
    Column("told", Text),
    Column("told_at", Moment),
    Column("told_week", Text),
    Column("told_severity", Text),
    Column("told_score", Float),
    Column("told_share", Float),
    Column("recovery_told", Integer, nullable=False),
    Column("source", Text),
    Column("manner", Text),
    Column("opened_as", Text),
    Column("impact", Float),
    Column("hit", Document),
)

alert_parts = Table(
    "interlock_alert_part",
    metadata,
    Column("alert_id", Integer, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("leading", Document, nullable=False),
    Column("columns", Document, nullable=False),
    Column("broken", Document, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("first_label", Text, nullable=False),
    Column("last_label", Text, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("verdict_id", Text, nullable=False),
    Column("recovered_label", Text),
)

models = Table(
    "interlock_model",
    metadata,
    Column("name", Text, primary_key=True),
    Column("document", Document, nullable=False),
    Column("created_at", Moment, nullable=False),
)

trigger_runs = Table(
    "interlock_trigger_run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("verdict_id", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("trigger", Document, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("detail", Text),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

snapshots = Table(
    "interlock_snapshot",
    metadata,
    Column("snapshot_id", BigInteger, primary_key=True),
    Column("ours", Integer, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

outbox = Table(
    "interlock_outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("ledger_index", BigInteger),
)
