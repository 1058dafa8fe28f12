"""The files of the log: what is written when, and that it can be read by others."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from interlock import durable, settings
from interlock.catalog import Catalog, outbox
from interlock.errors import LedgerTampered, WorkspaceBusy
from interlock.ledger import Checkpoint, Ledger, merkle, tiles, verify
from interlock.ledger.ledger import LOCK
from tests import places
from tests.ledger.conftest import append
from tests.postgres import Server


def names(ledger: Ledger) -> set[str]:
    return {p.relative_to(ledger.folder).as_posix() for p in ledger.folder.rglob("*") if p.is_file()} - {LOCK}


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 67, 8, "tile/0/067.p/8"),
        (1, 1_234_067, 256, "tile/1/x001/x234/067"),
        ("entries", 1_000, 1, "tile/entries/x001/000.p/1"),
    ],
)
def test_tiles_are_named_as_c2sp_names_them(level: int | str, index: int, width: int, path: str) -> None:
    assert tiles.path(level, index, width) == path
    assert tiles.parse_path(path) == (level, index, width)


@pytest.mark.parametrize(
    "path", ["tile/0/1", "tile/0/000.p/256", "tile/0/000.p/0", "tile/64/000", "tile/0/x000/000", "x"]
)
def test_other_names_are_no_tiles(path: str) -> None:
    assert tiles.parse_path(path) is None


def test_a_projected_log_has_entries_tiles_and_a_checkpoint(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 3)
    assert ledger.project(catalog) == 3
    assert names(ledger) == {"checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"}
    with catalog.read() as rx:
        rows = outbox.all_(rx)
    assert [row.ledger_index for row in rows] == [0, 1, 2]
    assert [entry.data for entry in ledger.entries()] == [row.entry for row in rows]
    leaves = [merkle.leaf_hash(row.entry) for row in rows]
    lines = (ledger.folder / "checkpoint").read_text().splitlines()
    assert lines == [f"interlock/{catalog.id}", "3", base64.b64encode(merkle.root(leaves)).decode()]
    assert [e.value["n"] for e in ledger.entries(1, 9)] == [1, 2]


def test_projecting_again_does_nothing(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 3)
    ledger.project(catalog)
    before = {name: (ledger.folder / name).stat().st_mtime_ns for name in names(ledger)}
    assert Ledger(ledger.folder).project(catalog) == 0
    assert {name: (ledger.folder / name).stat().st_mtime_ns for name in names(ledger)} == before


@pytest.mark.parametrize("steps", [[1, 254, 1, 1], [255, 2], [256, 256, 1], [600], [100] * 7])
def test_however_it_grew_the_log_is_the_same(catalog: Catalog, ledger: Ledger, steps: list[int]) -> None:
    for count in steps:
        append(catalog, count)
        assert ledger.project(catalog) == count
    total = sum(steps)
    assert names(ledger) == {"checkpoint", *tiles.required(total)}
    report = verify(ledger.folder, catalog)
    assert (report.size, report.problems, report.notes) == (total, (), ())


def test_proofs_from_the_files_hold_against_the_checkpoint(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 200)
    ledger.project(catalog)
    old = ledger.checkpoint()
    append(catalog, 100)
    ledger.project(catalog)
    new = ledger.checkpoint()
    assert old is not None
    assert new is not None
    proof = ledger.prove_consistency(old.size)
    assert merkle.verify_consistency(old.size, old.root, new.size, new.root, proof)
    (entry,) = ledger.entries(270, 271)
    leaf = merkle.leaf_hash(entry.data)
    assert merkle.verify_inclusion(leaf, 270, new.size, ledger.prove_inclusion(270), new.root)


def test_an_empty_ledger_is_no_error(catalog: Catalog, ledger: Ledger) -> None:
    assert ledger.size == 0
    assert list(ledger.entries()) == []
    assert ledger.project(catalog) == 0
    assert verify(ledger.folder, catalog).ok


def test_a_ledger_is_not_extended_by_another_workspace(
    catalog: Catalog, ledger: Ledger, tmp_path: Path
) -> None:
    append(catalog, 1)
    ledger.project(catalog)
    with Catalog.create(tmp_path / "other") as other:
        append(other, 1)
        with pytest.raises(LedgerTampered, match="belongs to another workspace"):
            ledger.project(other)


def test_a_ledger_that_was_rolled_back_is_not_extended(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 2)
    ledger.project(catalog)
    (ledger.folder / "checkpoint").unlink()
    with pytest.raises(LedgerTampered, match="speaks of 0 entries; 2 had been written"):
        ledger.project(catalog)


def test_a_catalog_that_was_rolled_back_does_not_extend_the_ledger(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 3)
    ledger.project(catalog)
    with catalog.write() as tx:
        tx.connection.exec_driver_sql("DELETE FROM interlock_outbox WHERE id = 3")
    with pytest.raises(LedgerTampered, match="the catalog holds 2"):
        ledger.project(catalog)


def test_a_rewritten_outbox_does_not_extend_the_ledger(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 3)
    ledger.project(catalog)
    append(catalog, 1)
    with catalog.write() as tx:
        tx.connection.exec_driver_sql(
            places.said(tx, "UPDATE interlock_outbox SET entry = x'7b7d' WHERE id = 2")
        )
    with pytest.raises(LedgerTampered, match="do not lead to the checkpoint's root"):
        ledger.project(catalog)


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_who_lost_the_lock_puts_back_no_older_checkpoint(
    catalog: Catalog,
    ledger: Ledger,
    place: str,
    postgres: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    append(catalog, 1)
    written, taken_over = durable.write_all, list[int]()

    def meanwhile(files: dict[Path, bytes]) -> None:
        written(files)
        if not taken_over:
            taken_over.append(1)
            with postgres.connect() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
                    " WHERE application_name = 'interlock'"
                )
            with Catalog.open(place) as other:
                append(other, 3)
                Ledger(ledger.folder).project(other)

    monkeypatch.setattr(durable, "write_all", meanwhile)
    with pytest.raises(WorkspaceBusy, match="another process has extended"):
        ledger.project(catalog)
    assert ledger.size == 4
    assert ledger.project(catalog) == 0
    assert verify(ledger.folder, catalog).ok


def test_a_second_projector_waits_its_time(catalog: Catalog, ledger: Ledger, place: str) -> None:
    append(catalog, 1)
    ledger.project(catalog)
    with (
        Catalog.open(place) as other,
        other.locks.locked(ledger.folder / LOCK, timeout_s=0),
        settings.override(lock_timeout_s=0.05),
        pytest.raises(WorkspaceBusy, match="another process holds"),
    ):
        ledger.project(catalog)


@pytest.mark.parametrize(
    "text", ["", "o\n1\n", "o\n01\n" + "A" * 43 + "=\n", "o\n1\n" + "A" * 42 + "B=\n", "\n1\n\n"]
)
def test_a_checkpoint_has_one_spelling(text: str) -> None:
    with pytest.raises(LedgerTampered):
        Checkpoint.decode(text.encode())
