"""Workspaces of other versions."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from interlock.catalog import (
    Catalog,
    State,
    alerts,
    lake,
    migrations,
    models,
    outbox,
    partitions,
    scan,
    schema,
    tables,
    verdicts,
)
from interlock.catalog import catalog as module
from interlock.catalog.catalog import FILE_NAME
from interlock.ledger import Ledger, verify
from tests.catalog.conftest import Parquet

OLD = Path(__file__).parent / "workspaces"

NEXT = """
from alembic import op

revision = "{revision}"
down_revision = "{newest}"


def upgrade() -> None:
    op.execute("ALTER TABLE interlock_table ADD COLUMN colour TEXT DEFAULT 'red'")
    op.execute({last!r})
"""


NEWEST, REVISION = schema.REVISION, f"{int(schema.REVISION) + 1:04}"


def test_the_revision_in_the_code_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == schema.REVISION


def test_the_migrations_make_the_tables_the_code_knows(catalog: Catalog) -> None:
    with catalog.read() as rx:
        there = inspect(rx.connection)
        for table in schema.metadata.sorted_tables:
            key = set(there.get_pk_constraint(table.name)["constrained_columns"])
            found = {
                (c["name"], not c["nullable"] or c["name"] in key, c["name"] in key)
                for c in there.get_columns(table.name)
            }
            known = {(c.name, not c.nullable or c.primary_key, c.primary_key) for c in table.columns}
            assert found == known, table.name


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build of Interlock with one more migration; returns that migration's file."""
    package = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, package)
    monkeypatch.setattr(migrations, "__file__", str(package / "__init__.py"))
    monkeypatch.setattr(module, "REVISION", REVISION)
    return package / "versions" / f"v{REVISION}_colour.py"


def test_an_older_workspace_is_brought_up_when_opened(
    catalog: Catalog, next_version: Path, place: str
) -> None:
    next_version.write_text(
        NEXT.format(revision=REVISION, newest=NEWEST, last="UPDATE interlock_workspace SET value = value")
    )
    identity = catalog.id
    for _ in range(2):
        with Catalog.open(place) as opened, opened.read() as rx:
            assert opened.id == identity
            assert "colour" in [c["name"] for c in inspect(rx.connection).get_columns("interlock_table")]


def test_a_migration_that_fails_changes_nothing(catalog: Catalog, next_version: Path, place: str) -> None:
    def dump() -> list[Any]:
        if catalog.local:
            with sqlite3.connect(catalog.folder / FILE_NAME) as con:
                return list(con.iterdump())
        with catalog.read() as rx:
            there = inspect(rx.connection)
            version = rx.connection.exec_driver_sql("SELECT version_num FROM interlock_version").all()
            return [version, *((t, str(there.get_columns(t))) for t in sorted(rx.relations()))]

    before = dump()
    next_version.write_text(NEXT.format(revision=REVISION, newest=NEWEST, last="NO SUCH STATEMENT"))
    with pytest.raises(Exception, match="NO"):
        Catalog.open(place)
    assert dump() == before


def _restore(name: str, into: Path) -> Path:
    """A stored workspace: its catalog is kept as SQL text, since that is what Git can show."""
    shutil.copytree(OLD / name, into, ignore=shutil.ignore_patterns("catalog.sql"))
    with sqlite3.connect(into / FILE_NAME) as con:
        con.executescript((OLD / name / "catalog.sql").read_text())
    return into


@pytest.mark.parametrize("name", sorted(p.name for p in OLD.iterdir()))
def test_a_workspace_of_every_version_there_was_is_still_read_and_verified(
    name: str, tmp_path: Path, parquet: Parquet
) -> None:
    folder = _restore(name, tmp_path / "old")
    with Catalog.open(folder) as opened:
        report = verify(folder / "ledger", opened)
        assert report.ok, report.problems
        assert report.size == 4
        with opened.read() as rx:
            assert [t.name for t in tables.list_(rx)] == ["flights"]
            assert [p.label for p in partitions.current(rx, "flights")] == ["2013-01-01"]
            assert [p.state for p in partitions.all_(rx)] == [
                State.REPLACED,
                State.PUBLISHED,
                State.QUARANTINED,
            ]
            assert [v.id for v in verdicts.list_(rx)] == ["v3", "v2", "v1"]
            assert parquet.rows(scan.query(rx, "flights")) == [(7, "a"), (8, "b")]
            assert parquet.rows(scan.query(rx, "flights", 2)) == [(1, "a")]
        with opened.write() as tx:
            outbox.append(tx, "note", {})
            lake.evolve(tx, "flights", (("id", "BIGINT"), ("name", "VARCHAR")))
        assert Ledger(folder / "ledger").project(opened) == 1
        assert verify(folder / "ledger", opened).ok


@pytest.mark.parametrize("name", ["v0002", "v0003"])
def test_an_alert_of_before_there_were_sources_is_one_of_its_table(name: str, tmp_path: Path) -> None:
    with Catalog.open(_restore(name, tmp_path / "old")) as opened, opened.read() as rx:
        (alert,) = alerts.list_(rx, "flights", only_open=True)
    (part,) = alert.parts
    assert (part.table, part.leading, part.columns) == ("flights", ("id",), ("id",))
    assert (part.first_label, part.last_label, part.seen, part.recovered) == (
        "2013-01-01",
        "2013-01-02",
        2,
        None,
    )


def test_a_model_is_still_known(tmp_path: Path) -> None:
    with Catalog.open(_restore("v0003", tmp_path / "old")) as opened, opened.read() as rx:
        (model,) = models.list_(rx)
    assert (model.name, model.reads, model.importance) == ("delay", ("flights.id",), {"flights.id": 1.0})
