"""Whatever is changed in the ledger's files or the rows it vouches for is found, and its place named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.catalog import AcceptRecord, Catalog, State, TableRecord, accepts, partitions, tables, verdicts
from interlock.catalog.records import Mode
from interlock.ledger import Ledger, merkle, tiles, verify
from interlock.ledger.ledger import LOCK
from tests import places
from tests.catalog.conftest import NOW, verdict, version
from tests.ledger.conftest import append


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name != LOCK)


def flips(byte: int) -> Iterator[int]:
    """One bit, another bit, and every bit of a byte."""
    yield from (byte ^ mask for mask in (0x01, 0x20, 0xFF))


def assert_every_flip_is_found(folder: Path, step: int) -> int:
    tried = 0
    for path in files(folder):
        good = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        for place in range(0, len(good), step):
            for byte in flips(good[place]):
                path.write_bytes(good[:place] + bytes([byte]) + good[place + 1 :])
                report = verify(folder)
                assert not report.ok, (name, place)
                assert name in {p.file for p in report.problems}, (name, place, report.problems)
                tried += 1
        path.write_bytes(good)
    assert verify(folder).ok
    return tried


def test_every_byte_of_a_small_ledger_counts(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 3)
    ledger.project(catalog)
    size = sum(path.stat().st_size for path in files(ledger.folder))
    assert assert_every_flip_is_found(ledger.folder, 1) == 3 * size


def test_bytes_of_a_ledger_with_full_tiles_count(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 260)
    ledger.project(catalog)
    assert_every_flip_is_found(ledger.folder, 997)


@pytest.fixture
def grown(catalog: Catalog, ledger: Ledger) -> Path:
    append(catalog, 260)
    ledger.project(catalog)
    return ledger.folder


def test_a_file_that_is_gone_is_missed(grown: Path) -> None:
    for path in files(grown):
        good = path.read_bytes()
        path.unlink()
        report = verify(grown)
        name = path.relative_to(grown).as_posix()
        if name == "checkpoint":
            assert report.size == 0, "without the catalog nobody knows that there was one"
        else:
            assert name in {p.file for p in report.problems}
        path.write_bytes(good)
    assert verify(grown).ok


def test_a_folder_that_is_gone_is_missed_by_the_catalog(catalog: Catalog, grown: Path) -> None:
    for name in ("checkpoint", "tile"):
        shutil.move(grown / name, grown.parent / name)
    assert verify(grown).ok
    assert [p.file for p in verify(grown, catalog).problems] == ["checkpoint"]


def test_a_file_cut_short_or_longer_is_found(grown: Path) -> None:
    for path in files(grown):
        good = path.read_bytes()
        for bad in (b"", good[:-1], good[: len(good) // 2], good + b"\x00", good + good):
            path.write_bytes(bad)
            assert path.relative_to(grown).as_posix() in {p.file for p in verify(grown).problems}
        path.write_bytes(good)


@pytest.mark.parametrize(
    "name", ["extra", "tile/0/002", "tile/0/001.p/9", "tile/2/000", "tile/0/000.p/x", "tile/x"]
)
def test_a_file_too_many_is_found(grown: Path, name: str) -> None:
    (grown / name).parent.mkdir(parents=True, exist_ok=True)
    (grown / name).write_bytes(b"x" * 32)
    assert name in {p.file for p in verify(grown).problems}


def test_the_lock_holds_nothing(grown: Path) -> None:
    (grown / LOCK).write_bytes(b"x")
    assert [p.file for p in verify(grown).problems] == [LOCK]


def test_a_swapped_entry_is_named(grown: Path) -> None:
    path = grown / tiles.path("entries", 0)
    entries = tiles.unbundle(path.read_bytes(), "")
    entries[7], entries[8] = entries[8], entries[7]
    path.write_bytes(tiles.bundle(entries))
    problems = verify(grown).problems
    assert [(p.file, p.entry) for p in problems] == [("tile/entries/000", 7), ("tile/entries/000", 8)]
    assert problems[0].offset == sum(2 + len(e) for e in entries[:7])


def test_a_ledger_rewritten_throughout_disagrees_with_the_catalog(catalog: Catalog, ledger: Ledger) -> None:
    append(catalog, 3)
    ledger.project(catalog)
    entries = [e.data for e in ledger.entries()]
    entries[1] = entries[1].replace(b'"note"', b'"nota"')
    leaves = [merkle.leaf_hash(e) for e in entries]
    origin = f"interlock/{catalog.id}"
    for name in tiles.required(3):
        data = tiles.tile_bytes(tiles.levels(leaves), entries, name)
        assert data is not None
        (ledger.folder / name).write_bytes(data)
    (ledger.folder / "checkpoint").write_bytes(tiles.Checkpoint.of(origin, leaves).encode())
    assert verify(ledger.folder).ok, "the files alone agree with each other"
    (problem,) = verify(ledger.folder, catalog).problems
    assert (problem.file, problem.entry) == ("catalog", 1)


@pytest.fixture
def judged(catalog: Catalog, ledger: Ledger) -> Catalog:
    """Two versions of a partition, two verdicts, an acceptance; all in the ledger."""
    with catalog.write() as tx:
        first = partitions.add(tx, version())
        verdicts.put(tx, verdict("v1"))
    with catalog.write() as tx:
        partitions.move(tx, [first], State.REPLACED)
        partitions.add(tx, version(rows=901))
        verdicts.put(tx, verdict("v2"))
        accepts.put(tx, AcceptRecord("flights", "2013-01-01", "holiday", NOW, "ann"))
        tables.put(tx, TableRecord("flights", Mode.MANAGED, None, (), None, {}, NOW, 1))
    ledger.project(catalog)
    assert verify(ledger.folder, catalog).ok
    return catalog


EDITS = {
    "UPDATE interlock_verdict SET outcome = 'fail' WHERE id = 'v1'": "verdict v1 is not what its entry says",
    "UPDATE interlock_verdict SET decision = 'refused'": "verdict v2 is not what its entry says",
    "UPDATE interlock_verdict SET label = 'x' WHERE id = 'v2'": "verdict v2",
    "UPDATE interlock_verdict SET judged_at = '2020-01-01T00:00:00+00:00'": "verdict v1",
    """UPDATE interlock_verdict SET document = '{"id":"v1","violations":[1]}' WHERE id = 'v1'""": "verdict v1",
    "UPDATE interlock_verdict SET document = 'rubbish' WHERE id = 'v1'": "verdict v1",
    "UPDATE interlock_verdict SET entry_digest = 'ab' WHERE id = 'v1'": "verdict v1",
    "DELETE FROM interlock_verdict WHERE id = 'v1'": "verdict v1 is gone",
    "UPDATE interlock_verdict SET id = 'v3' WHERE id = 'v1'": "verdict v3 is in no entry",
    "UPDATE interlock_partition SET rows = 1 WHERE id = 2": "differs from its entry in rows",
    "UPDATE interlock_partition SET state = 'published' WHERE id = 1": "differs from its entry in state",
    "UPDATE interlock_partition SET path = 'other' WHERE id = 1": "differs from its entry in path",
    "DELETE FROM interlock_partition WHERE id = 2": "(version 2) is gone",
    "UPDATE interlock_accept SET reason = 'none'": "the acceptance of flights since 2013-01-01 is in no entry",
    "DELETE FROM interlock_accept": "is gone",
    "UPDATE interlock_outbox SET kind = 'x' WHERE id = 1": "outbox row 1 has a kind",
    "UPDATE interlock_outbox SET digest = 'x' WHERE id = 1": "outbox row 1 has a digest",
    "UPDATE interlock_outbox SET ledger_index = 9 WHERE id = 1": "claims place 9",
    "UPDATE interlock_outbox SET entry = x'7b7d' WHERE id = 1": "outbox row 1 is not the entry in the ledger",
    "DELETE FROM interlock_outbox WHERE id = 3": "rows were removed",
}


@pytest.mark.parametrize(("edit", "complaint"), EDITS.items())
def test_an_edited_row_is_found(judged: Catalog, ledger: Ledger, edit: str, complaint: str) -> None:
    with judged.write() as tx:
        tx.connection.exec_driver_sql(places.said(tx, edit))
    problems = verify(ledger.folder, judged).problems
    assert any(complaint in str(p) for p in problems), problems
    assert {p.file for p in problems} == {"catalog"}


def test_verifying_writes_nothing(judged: Catalog, ledger: Ledger) -> None:
    def state() -> list[tuple[Path, int, bytes]]:
        return [(p, p.stat().st_mtime_ns, p.read_bytes()) for p in files(ledger.folder)]

    before = state()
    append(judged, 1)
    assert verify(ledger.folder, judged).ok, "entries still on their way are no problem"
    assert state() == before


def test_the_report_says_it_as_json(grown: Path) -> None:
    (grown / "extra").touch()
    said = verify(grown).to_dict()
    assert (said["ok"], said["entries"]) == (False, 260)
    assert said["problems"] == [
        {"file": "extra", "entry": None, "offset": None, "message": "does not belong to the ledger"}
    ]
