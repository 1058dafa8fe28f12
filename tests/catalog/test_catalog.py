"""Opening a workspace's catalog, and what a transaction promises."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from interlock import errors, settings
from interlock.catalog import Catalog, TableRecord, outbox, tables
from interlock.catalog.catalog import FILE_NAME, Writer
from interlock.catalog.records import Mode
from interlock.catalog.schema import REVISION
from tests import places
from tests.catalog.conftest import NOW


def a_table(name: str) -> TableRecord:
    return TableRecord(name, Mode.MANAGED, "day", ("id",), None, {}, NOW)


def kinds(catalog: Catalog) -> list[str]:
    with catalog.read() as rx:
        return [row.kind for row in outbox.all_(rx)]


def note(tx: Writer, kind: str) -> None:
    outbox.append(tx, kind, {})


def test_a_workspace_keeps_its_id(place: str) -> None:
    with Catalog.create(place) as made, Catalog.open(place) as opened, Catalog.create(place) as again:
        assert made.id == opened.id == again.id


def test_opening_where_nothing_is_says_there_is_no_workspace(place: str) -> None:
    with pytest.raises(errors.WorkspaceNotFound, match="no workspace in"):
        Catalog.open(place)


def test_opening_a_workspace_of_this_version_needs_no_alembic(place: str) -> None:
    Catalog.create(place).close()
    code = f"""
        import sys
        from interlock.catalog import Catalog
        Catalog.open({place!r}).close()
        assert "alembic" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", "\n".join(map(str.strip, code.splitlines()))], check=True)


def test_what_a_block_writes_is_there_when_it_ends(catalog: Catalog) -> None:
    with catalog.write() as tx:
        note(tx, "one")
    assert kinds(catalog) == ["one"]


def test_an_error_takes_everything_back(catalog: Catalog) -> None:
    with pytest.raises(KeyError), catalog.write() as tx:  # noqa: PT012 (the error comes after a write that worked)
        note(tx, "one")
        raise KeyError
    assert kinds(catalog) == []
    with catalog.write() as tx:
        note(tx, "two")
    assert kinds(catalog) == ["two"]


def test_a_reader_sees_the_moment_it_began(catalog: Catalog) -> None:
    with catalog.read() as rx:
        with catalog.write() as tx:
            note(tx, "later")
        assert outbox.all_(rx) == []
    assert kinds(catalog) == ["later"]


def test_a_second_writer_gives_up_in_time(catalog: Catalog, place: str) -> None:
    with settings.override(lock_timeout_s=0.05), Catalog.open(place) as other, catalog.write():
        with pytest.raises(errors.WorkspaceBusy, match="another process is writing"), other.write():
            pass
        with other.read() as rx:
            assert outbox.all_(rx) == []


def test_a_newer_workspace_is_refused_untouched(catalog: Catalog, place: str) -> None:
    with catalog.write() as tx:
        tx.connection.exec_driver_sql("UPDATE interlock_version SET version_num = '9999'")
    file = catalog.folder / FILE_NAME
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(errors.WorkspaceVersion, match=f"version 9999; this Interlock knows up to {REVISION}"):
        Catalog.open(place)
    with catalog.read() as rx:
        assert rx.connection.exec_driver_sql("SELECT version_num FROM interlock_version").scalar() == "9999"
    assert (file.read_bytes() if file.exists() else None) == before


def test_a_newer_ducklake_is_refused(catalog: Catalog, place: str) -> None:
    with catalog.write() as tx:
        tx.connection.exec_driver_sql("UPDATE ducklake_metadata SET value = '2.0' WHERE key = 'version'")
    with pytest.raises(errors.WorkspaceVersion, match=r"DuckLake 2\.0"):
        Catalog.open(place)


def test_a_ducklake_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        other.execute("CREATE TABLE ducklake_metadata (key, value, scope, scope_id)")
    with pytest.raises(errors.WorkspaceVersion, match="no Interlock workspace"):
        Catalog.open(tmp_path)


@pytest.mark.parametrize("rubbish", [b"rubbish" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_rubbish_is_named_as_such(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(rubbish)
    with pytest.raises(errors.WorkspaceCorrupt, match=r"catalog\.sqlite"):
        Catalog.open(tmp_path)


@places.IN_A_FOLDER
def test_a_moved_workspace_tells_other_readers_where_its_data_is(catalog: Catalog, tmp_path: Path) -> None:
    identity = catalog.id
    catalog.close()
    shutil.move(catalog.folder, tmp_path / "elsewhere")
    with Catalog.open(tmp_path / "elsewhere") as moved, moved.read() as rx:
        path = rx.connection.exec_driver_sql(
            "SELECT value FROM ducklake_metadata WHERE key = 'data_path'"
        ).scalar()
        assert path == f"{tmp_path / 'elsewhere' / 'data'}/"
        assert moved.id == identity


def test_tables_come_back_as_they_were_put(catalog: Catalog) -> None:
    record = TableRecord(
        "Flüge", Mode.ATTACHED, None, ("a", "b"), "in/*.csv", {"owner": "ü", "n": [1]}, NOW, None
    )
    with catalog.write() as tx:
        tables.put(tx, a_table("zebra"))
        tables.put(tx, record)
    with catalog.read() as rx:
        assert tables.get(rx, "Flüge") == record
        assert [t.name for t in tables.list_(rx)] == ["Flüge", "zebra"]
        with pytest.raises(errors.TableNotFound, match="did you mean 'zebra'"):
            tables.get(rx, "zebar")


def test_putting_a_table_again_changes_it(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tables.put(tx, a_table("flights"))
        tables.put(tx, TableRecord("flights", Mode.MANAGED, "day", ("id",), None, {"owner": "ops"}, NOW, 7))
    with catalog.read() as rx:
        (record,) = tables.list_(rx)
        assert (record.settings, record.lake_table_id) == ({"owner": "ops"}, 7)


def test_names_that_differ_only_in_case_are_one_table_to_duckdb(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tables.put(tx, a_table("flights"))
    with pytest.raises(errors.TableConflict), catalog.write() as tx:
        tables.put(tx, a_table("Flights"))
