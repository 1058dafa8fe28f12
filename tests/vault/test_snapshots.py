"""Dataset snapshots: a table as it was, at the cost of a manifest, whatever becomes of the table."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import interlock
from interlock import settings
from interlock.catalog import State, lake, partitions
from interlock.catalog import lake_schema as lakes
from interlock.catalog.files import Folder
from interlock.catalog.vault import versions
from interlock.errors import (
    ObjectCorrupt,
    ObjectMissing,
    PartitionNotFound,
    TableNotFound,
    UsageError,
    VaultError,
    VersionNotFound,
)
from interlock.vault import intake
from interlock.vault.hashing import sha256_of_file
from interlock.workspace import Table, Workspace, recovery
from tests import places
from tests import s3 as stores
from tests.catalog.stock import Stock, stock
from tests.gates.conftest import a_day, label
from tests.postgres import Server

__all__ = ["stock"]


KINDS = pytest.mark.parametrize("place", places.KINDS, indirect=True)


@pytest.fixture
def flights(ws: Workspace) -> Table:
    """Two days of thirty rows."""
    table = ws.table("flights", partition="day", key=["id"]).require("delay >= 0")
    table.write(a_day(0))
    table.write(a_day(1))
    return table


def bytes_in(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def data_files(ws: Workspace) -> set[str]:
    return set(ws.site.files.listed())


def aged(ws: Workspace) -> None:
    """Every data file older than any grace period."""
    assert isinstance(ws.site.files, Folder)
    long_ago = time.time() - settings.current().orphan_grace_s - 1
    for path in data_files(ws):
        os.utime(ws.site.files.place(path), (long_ago, long_ago))


@KINDS
def test_a_snapshot_lists_the_files_that_are_published_with_their_digests(
    ws: Workspace, flights: Table
) -> None:
    record = ws.vault.snapshot("train/flights", "flights", metadata={"for": "ranker"})
    made = ws.vault.manifest("train/flights@v1")
    published = {f"flights/{Path(p.path or '').name}": p for p in flights.partitions()}
    assert (record.ref, record.kind, record.files) == ("train/flights@v1", "snapshot", 2)
    assert record.size_bytes == sum(p.size_bytes for p in published.values())
    assert {f.path for f in made.files} == set(published)
    for file in made.files:
        known = published[file.path]
        assert (file.stored, file.at, f"sha256:{file.sha256}") == ("lake", known.path, known.digest)
        assert sha256_of_file(Path(ws.site.files.place(file.at or ""))) == (file.sha256, file.size_bytes)
    with ws.site.catalog.read() as rx:
        assert made.of["snapshot_id"] == lake.latest(rx).id
        assert versions.keys(rx, record.id) == sorted(p.path or "" for p in published.values())
    columns = [[c[1], c[2]] for c in made.of["tables"]["flights"]["columns"]]
    assert columns == [["day", "DATE"], ["id", "BIGINT"], ["delay", "DOUBLE"], ["carrier", "VARCHAR"]]
    assert made.of["tables"]["flights"]["rows"] == 60


def test_a_snapshot_costs_no_copy(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(2, rows=200_000))
    listed, before = data_files(ws), bytes_in(ws.path / "data")
    record = ws.vault.snapshot("train", "flights")
    assert record.size_bytes > 300_000
    assert (data_files(ws), bytes_in(ws.path / "data")) == (listed, before)
    assert bytes_in(ws.path / "vault") < 3_000


@KINDS
def test_what_the_table_becomes_later_is_not_in_it(ws: Workspace, flights: Table) -> None:
    ws.vault.snapshot("train", "flights")
    flights.write(a_day(0, rows=5, late=[1] * 5))
    flights.write(a_day(2))
    seen = ws.vault.read("train").order("day, id").df()
    expected = pd.concat([a_day(0), a_day(1)], ignore_index=True)
    assert list(seen.columns) == ["day", "id", "delay", "carrier"]
    assert seen.id.tolist() == expected.id.tolist()
    assert seen.carrier.tolist() == expected.carrier.tolist()
    ws.vault.snapshot("train", "flights")
    assert ws.vault.read("train").columns == ["day", "id", "delay", "carrier", "late"]
    assert ws.vault.read("train").aggregate("count(*), count(late)").fetchall() == [(65, 5)]
    assert ws.vault.read("train@v1").aggregate("count(*)").fetchall() == [(60,)]


@KINDS
def test_a_column_that_widened_later_has_its_type_of_then(ws: Workspace, flights: Table) -> None:
    small = ws.table("small", partition="day")
    small.write(a_day(0, id=pd.array(range(30), dtype="int16")))
    ws.vault.snapshot("then", "small")
    small.write(a_day(1, id=pd.array(range(30), dtype="int64")))
    assert str(ws.vault.read("then").select("id").types[0]) == "SMALLINT"


def test_get_writes_the_pinned_files_verified(ws: Workspace, flights: Table, tmp_path: Path) -> None:
    ws.vault.snapshot("train", "flights")
    flights.write(a_day(1, rows=3))
    written = ws.vault.get("train@v1", tmp_path / "out")
    assert {path.parent for path in written} == {tmp_path / "out" / "flights"}
    assert sum(len(pd.read_parquet(path)) for path in written) == 60


def test_several_tables_are_one_snapshot_of_one_moment(ws: Workspace, flights: Table) -> None:
    ws.table("größe / nicht".replace("/", "-"), partition="day").write(a_day(0, rows=7))
    ws.vault.snapshot("train", ["flights", "größe - nicht"])
    assert ws.vault.read("train", "größe - nicht").aggregate("count(*)").fetchall() == [(7,)]
    assert ws.vault.read("train", "flights").aggregate("count(*)").fetchall() == [(60,)]
    with pytest.raises(VersionNotFound, match="2 tables: name one"):
        ws.vault.read("train")
    with pytest.raises(VersionNotFound, match="no table 'flight'") as refused:
        ws.vault.read("train", "flight")
    assert refused.value.hint == "did you mean 'flights'?"


def test_a_table_whose_name_is_too_long_for_a_folder_has_another(ws: Workspace) -> None:
    name = "ü" * 128
    ws.table(name).write(a_day(0))
    ws.vault.snapshot("long", name)
    assert ws.vault.read("long", name).aggregate("count(*)").fetchall() == [(30,)]


def test_only_some_partitions(ws: Workspace, flights: Table) -> None:
    ws.vault.snapshot("first", "flights", partitions=[label(0)])
    assert ws.vault.read("first").aggregate("max(day)::VARCHAR").fetchall() == [(label(0),)]
    with pytest.raises(PartitionNotFound, match="no partition '2013-01-09'"):
        ws.vault.snapshot("first", "flights", partitions=[label(0), label(8)])


def test_what_is_quarantined_is_not_in_it(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(1, rows=9, delay=[-1.0] * 9))
    flights.write(a_day(2, rows=11, delay=[-2.0] * 11))
    ws.vault.snapshot("train", "flights")
    assert ws.vault.read("train").aggregate("count(*)").fetchall() == [(60,)]


def test_what_cannot_be_a_snapshot_is_refused_and_leaves_nothing(
    ws: Workspace, flights: Table, tmp_path: Path
) -> None:
    a_day(0).to_parquet(tmp_path / "theirs.parquet")
    ws.attach("theirs", tmp_path / "*.parquet").judge_new()
    ws.table("empty")
    with pytest.raises(UsageError, match="theirs is attached") as refused:
        ws.vault.snapshot("train", ["flights", "theirs"])
    assert "adopt" in (refused.value.hint or "")
    with pytest.raises(VaultError, match="nothing is published of empty"):
        ws.vault.snapshot("train", "empty")
    with pytest.raises(TableNotFound, match="no table 'flight'"):
        ws.vault.snapshot("train", "flight")
    with pytest.raises(UsageError, match="no table"):
        ws.vault.snapshot("train", [])
    assert ws.vault.versions(deleted=True) == []
    assert not (ws.path / "vault" / "versions").exists()


@KINDS
def test_rows_past_the_gate_keep_a_table_from_being_a_snapshot(
    ws: Workspace, flights: Table, stock: Stock
) -> None:
    stock.run(ws.site.catalog, ["DELETE FROM lake.flights WHERE id = 3"])
    with pytest.raises(VaultError, match="never passed the gate") as refused:
        ws.vault.snapshot("train", "flights")
    assert "doctor" in (refused.value.hint or "")
    flights.write(a_day(0))
    flights.write(a_day(1))
    ws.vault.snapshot("train", "flights")
    stock.run(ws.site.catalog, ["INSERT INTO lake.flights SELECT * FROM lake.flights LIMIT 1"])
    with pytest.raises(VaultError, match="never passed the gate"):
        ws.vault.snapshot("train", "flights")


@KINDS
def test_nothing_removes_a_pinned_file_while_the_version_is_live_or_a_tombstone(
    ws: Workspace, flights: Table
) -> None:
    record = ws.vault.snapshot("train", "flights")
    pinned = {p.path for p in flights.partitions()}
    flights.write(a_day(0, rows=3))
    given_up(ws, pinned)
    aged(ws)
    assert recovery.collect_orphans(ws.site) == []
    with ws.site.catalog.write() as tx:
        versions.tombstone(tx, [record.id], who="ann", purge_after=tx.now)
    ws.doctor()
    assert pinned <= data_files(ws)
    assert ws.vault.read("train@v1", deleted=True).aggregate("count(*)").fetchall() == [(60,)]


def test_files_that_no_version_pins_any_more_go(ws: Workspace, flights: Table) -> None:
    pinned = {p.path for p in flights.partitions()}
    given_up(ws, pinned)
    aged(ws)
    assert set(recovery.collect_orphans(ws.site)) == pinned


def given_up(ws: Workspace, paths: set[str | None]) -> None:
    """As if the lake and the catalog had nothing to do with these files any more."""
    with ws.site.catalog.write() as tx:
        known = [p.id for p in partitions.all_(tx) if p.path in paths and p.id is not None]
        partitions.move(tx, known, State.DROPPED)
        files = lakes.data_files
        tx.connection.execute(files.delete().where(files.c.path.in_([Path(p or "").name for p in paths])))


@KINDS
def test_a_snapshot_of_files_that_were_given_up_meanwhile_is_refused(
    ws: Workspace, flights: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {p.path for p in flights.partitions()}
    begin = intake.staged

    def meanwhile(*given: Any) -> Any:
        given_up(ws, paths)
        return begin(*given)

    monkeypatch.setattr(intake, "staged", meanwhile)
    with pytest.raises(VaultError, match="erased meanwhile"):
        ws.vault.snapshot("train", "flights")
    assert ws.vault.versions() == []


def test_a_changed_or_missing_file_is_told_and_not_read(
    ws: Workspace, flights: Table, tmp_path: Path
) -> None:
    ws.vault.snapshot("train", "flights")
    first = Path(ws.site.files.place(flights.partitions()[0].path or ""))
    good = first.read_bytes()
    first.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
    with pytest.raises(ObjectCorrupt, match="not what was put"):
        ws.vault.read("train")
    with pytest.raises(ObjectCorrupt, match="not what was put"):
        ws.vault.get("train", tmp_path / "out")
    assert first.name not in {f.name for f in (tmp_path / "out" / "flights").iterdir()}
    first.unlink()
    with pytest.raises(ObjectMissing, match="No such file"):
        ws.vault.read("train")
    first.write_bytes(good)
    assert ws.vault.read("train").aggregate("count(*)").fetchall() == [(60,)]


def test_a_file_without_a_digest_on_record_is_hashed(ws: Workspace, flights: Table) -> None:
    from interlock.catalog import schema

    with ws.site.catalog.write() as tx:
        tx.connection.execute(schema.partitions.update().values(digest=None))
    ws.vault.snapshot("train", "flights")
    assert ws.vault.read("train").aggregate("count(*)").fetchall() == [(60,)]


def test_a_model_is_no_table(ws: Workspace) -> None:
    ws.vault.put("ranker", {"a.bin": b"abc"})
    with pytest.raises(UsageError, match=r"ranker@v1 is a model, and no table"):
        ws.vault.read("ranker")


def test_a_name_is_a_snapshot_or_a_model_for_ever(ws: Workspace, flights: Table) -> None:
    ws.vault.snapshot("train", "flights")
    with pytest.raises(VaultError, match="train is a snapshot in the vault, not a model"):
        ws.vault.put("train", {"a.bin": b"abc"})


def test_the_ledger_vouches_for_it(ws: Workspace, flights: Table) -> None:
    record = ws.vault.snapshot("train", "flights")
    put, fact = ws.ledger_entries(2)
    assert (put["action"], put["of"], put["name"], put["version"]) == ("put", "snapshot", "train", 1)
    assert fact["versions"][0]["manifest"] == record.manifest
    assert ws.verify_ledger().ok


def test_files_on_s3_are_pinned_and_read_where_they_are(
    s3: stores.Server, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**s3.environment, "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    bucket = s3.bucket()
    with (
        settings.override(home=str(tmp_path / "home")),
        interlock.open(f"{postgres.url()}?schema={bucket}", data=f"s3://{bucket}/lake") as ws,
    ):
        table = ws.table("flights", partition="day")
        table.write(a_day(0))
        ws.vault.snapshot("train", "flights")
        table.write(a_day(0, rows=3))
        assert ws.vault.read("train").aggregate("count(*)").fetchall() == [(30,)]
        (got,) = ws.vault.get("train", tmp_path / "out")
        assert len(pd.read_parquet(got)) == 30
        (file,) = ws.vault.manifest("train").files
        key = f"lake/{file.at}"
        s3.client().put_object(Bucket=bucket, Key=key, Body=got.read_bytes()[:-1] + b"!")
        with pytest.raises(ObjectCorrupt):
            ws.vault.read("train")
        s3.client().delete_object(Bucket=bucket, Key=key)
        with pytest.raises(ObjectMissing, match="no such object"):
            ws.vault.read("train")
