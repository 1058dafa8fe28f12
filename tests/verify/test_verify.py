"""`interlock verify` finds whatever was changed in catalog, ledger or vault, and says where."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import interlock
from interlock import Workspace
from interlock.catalog import outbox
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import Kind, VersionState
from interlock.errors import DeleteRefused, WorkspaceCorrupt, WorkspaceNotFound
from interlock.gates.delete import approval
from interlock.verify import verify
from tests import places
from tests.vault import harm, stories
from tests.verify.conftest import lived_in


def changed(folder: Path, *statements: str) -> None:
    """Behind everybody's back."""
    with contextlib.closing(sqlite3.connect(folder / "catalog.sqlite")) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement


def said(folder: Path, *, data: bool = False) -> list[str]:
    report = verify(folder, data=data)
    assert report.ok == (not report.problems)
    return [str(problem) for problem in report.problems]


@pytest.mark.parametrize("place", places.KINDS)
def test_a_workspace_in_order_has_no_problems(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = places.of(place, tmp_path / "workspace", request)
    lived_in(where, tmp_path)
    report = verify(where, data=True)
    assert (report.problems, report.notes) == ([], [])
    assert (report.versions, report.files) == (7, 12)
    assert report.read_bytes > 1_000_000
    assert report.entries > 15
    with interlock.open(where) as ws:
        known = ws.verify_ledger()
        assert (report.entries, report.root) == (known.size, known.root)
        with ws.site.catalog.write() as tx:
            tx.connection.exec_driver_sql("UPDATE interlock_vault_version SET state='purged' WHERE id=1")
    assert said(where) == ["catalog: ranker@v1: differs from its entry: state is purged, not live"]  # type: ignore[arg-type]


# --- the catalog --------------------------------------------------------------------------

VERSION = "interlock_vault_version"
OF_V2 = "(SELECT id FROM interlock_vault_version WHERE name='ranker' AND version=2)"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            f"UPDATE {VERSION} SET state='live' WHERE state='deleted'",
            "differs from its entry: state is live, not deleted",
        ),
        (
            f"UPDATE {VERSION} SET manifest='{'0' * 64}' WHERE id={OF_V2}",
            "ranker@v2: differs from its entry: manifest",
        ),
        (f"UPDATE {VERSION} SET name='other' WHERE id={OF_V2}", "other@v2: differs from its entry: name"),
        (f"DELETE FROM {VERSION} WHERE id={OF_V2}", "ranker@v2: is gone; the ledger has it live"),
        (
            f"UPDATE {VERSION} SET state='staged' WHERE id={OF_V2}",
            "ranker@v2: is staged; the ledger has it live",
        ),
        (
            f"INSERT INTO {VERSION} SELECT 999, name, 7, state, manifest, size_bytes, files, sha256, who, created_at,"
            f" metadata, lineage, NULL, NULL, NULL, NULL FROM {VERSION} WHERE id={OF_V2}",
            "ranker@v7: is live, which no entry says",
        ),
        (
            f"UPDATE {VERSION} SET size_bytes=1 WHERE id={OF_V2}",
            "versions/ranker/v2.json: ranker@v2: is of another name",
        ),
        (
            f"UPDATE {VERSION} SET purge_after='2099-01-01T00:00:00.000000+00:00' WHERE state='purged'",
            "runs/ended@v1: differs from its entry: purge_after is 2099-01-01T00:00:00.000000+00:00, not 20",
        ),
        (
            "UPDATE interlock_vault_request SET decided_by='root' WHERE action='purge'",
            "the ledger has it approved by kim",
        ),
        (
            "UPDATE interlock_vault_request SET document='{\"versions\":[]}' WHERE action='purge'",
            "does not list it",
        ),
        (
            "UPDATE interlock_vault_name SET next_version=2 WHERE name='ranker'",
            "ranker: v2 would be given again",
        ),
        (
            f"UPDATE {VERSION} SET deleted_at='2020-01-01T00:00:00.000000+00:00' WHERE state='deleted'",
            "was deleted at ",
        ),
        (
            f"UPDATE {VERSION} SET purge_after=NULL WHERE state='deleted'",
            "nobody says when, by whom, or until when",
        ),
        ("DELETE FROM interlock_vault_name WHERE name='runs/ended'", "runs/ended: v1 would be given again"),
        (
            f"UPDATE {VERSION} SET purge_after='2020-01-01T00:00:00.000000+00:00' WHERE state='deleted'",
            "differs from its entry: purge_after is 2020-01-01T00:00:00.000000+00:00, not 20",
        ),
        ("UPDATE interlock_vault_alias SET version=1", "alias ranker@champion: version is 1, not 2"),
        ("DELETE FROM interlock_vault_alias", "alias ranker@champion: is gone"),
        (
            "INSERT INTO interlock_vault_alias SELECT name, 'other', version, moved_at, who FROM interlock_vault_alias",
            "alias ranker@other: is in no entry",
        ),
        ("UPDATE interlock_vault_alias SET version=9", "ranker@champion: stands for v9, which is not there"),
        ("UPDATE interlock_vault_alias SET name='runs/ended', version=1", "stands for v1, which is purged"),
        (f"DELETE FROM interlock_vault_use WHERE version_id={OF_V2}", "ranker@v2: nothing keeps objects/"),
        ("DELETE FROM interlock_vault_use WHERE key LIKE 'data/%'", "nothing keeps data/main/flights/"),
        ("DELETE FROM interlock_vault_use WHERE key LIKE 'chunks/%'", "large@v1: nothing keeps chunks/"),
        (
            f"INSERT INTO interlock_vault_use VALUES ({OF_V2}, 'objects/00/00')",
            "needs objects/00/00 by the catalog",
        ),
        (
            "DELETE FROM interlock_vault_copy WHERE key='versions/ranker/v2.json'",
            "no bytes are pinned as its manifest",
        ),
        ("DELETE FROM interlock_vault_copy WHERE key LIKE 'objects/%'", "no bytes are pinned as objects/"),
        (
            "UPDATE interlock_vault_object SET state='deleting' WHERE key LIKE 'objects/%'",
            "is being removed, and a version needs it",
        ),
        (
            "UPDATE interlock_partition SET rows=99 WHERE id=1",
            "partition flights@2013-01-01 (version 1) differs",
        ),
        ("DELETE FROM interlock_partition WHERE id=1", "partition flights@2013-01-01 (version 1) is gone"),
        ("UPDATE interlock_verdict SET outcome='fail'", "is not what its entry says"),
        ("UPDATE interlock_verdict SET document='{}'", "is not what its entry says"),
        ("UPDATE interlock_verdict SET entry_digest='x'", "is not what its entry says"),
        ("DELETE FROM interlock_verdict", "is gone"),
        ("UPDATE interlock_verdict SET id='other' WHERE sequence=1", "verdict other is in no entry"),
        ("DELETE FROM interlock_accept", "the acceptance of flights since 2013-01-02 is gone"),
        (
            "UPDATE interlock_accept SET reason='another'",
            "the acceptance of flights since 2013-01-02 is in no entry",
        ),
        ("UPDATE interlock_outbox SET entry=x'7b7d' WHERE id=3", "outbox row 3 is not entry 2 of the ledger"),
        (
            "UPDATE interlock_outbox SET digest='x' WHERE id=3",
            "outbox row 3 is no entry, or not that of its digest",
        ),
        ("UPDATE interlock_outbox SET kind='x' WHERE id=3", "outbox row 3 is another entry than it says"),
        ("UPDATE interlock_outbox SET ledger_index=999 WHERE id=3", "outbox row 3 claims place 999"),
        ("DELETE FROM interlock_outbox WHERE id=(SELECT max(id) FROM interlock_outbox)", "rows were removed"),
    ],
)
def test_a_changed_row_is_found(folder: Path, statement: str, problem: str) -> None:
    changed(folder, statement)
    assert any(problem in line for line in said(folder)), said(folder)


def test_what_was_said_of_an_alert_is_compared(ws: Workspace, folder: Path) -> None:
    table = ws.table("orders")
    table.require("amount > 0")
    import pandas as pd

    table.write(pd.DataFrame({"amount": [1, -1]}))
    ws.alerts()[0].useful("it was")
    assert said(folder) == []
    changed(folder, "UPDATE interlock_alert SET feedback='false_alarm'")
    assert said(folder) == ["catalog: alert A1 is not what its entry says"]
    changed(folder, "UPDATE interlock_alert SET id=2")
    assert said(folder) == ["catalog: what was said of alert A2 is in no entry", "catalog: alert A1 is gone"]


def test_an_end_that_nobody_else_approved_is_found(ws: Workspace, folder: Path) -> None:
    """Written by a writer that forgot the gate: row and ledger agree."""
    with ws.site.catalog.write() as tx:
        record = versions.one(tx, "runs/old", 1)
        assert record is not None
        versions.change(tx, [record.id], VersionState.DELETED, VersionState.PURGED)
    ws.project()
    assert "catalog: runs/old@v1: was purged without a second person's approval" in said(folder)


def test_an_end_before_its_time_is_found_though_the_catalog_was_told_otherwise(
    ws: Workspace, folder: Path
) -> None:
    ws.vault.put("runs/early", {"model.bin": b"one"})
    ws.vault.delete("runs/early")
    changed(folder, f"UPDATE {VERSION} SET purge_after=deleted_at WHERE name='runs/early'")
    with pytest.raises(DeleteRefused) as refused:
        ws.vault.purge("runs/early")
    approval.approve(replace(ws.vault.gate, who="kim"), refused.value.request or "")
    (line,) = said(folder)
    assert line.startswith("catalog: runs/early@v1: was purged before its retention was over, on 20")


def test_what_was_erased_is_in_order(ws: Workspace, folder: Path) -> None:
    """Verdicts are redacted, files rewritten, and what was made of them ends before its time."""
    first = ws.vault.show("train/$flights ü")
    ws.vault.delete(first.ref)
    ws.vault.snapshot("train/$flights ü", "flights")
    asked = ws.erase("flights", "delay = 2", "request 17")
    assert asked.request is not None
    approval.approve(replace(ws.vault.gate, who="kim"), asked.request.ref)
    with ws.site.catalog.read() as rx:
        ended = versions.get(rx, [first.id])[0]
    assert ended.state == VersionState.PURGED
    assert ended.deleted_at is not None and ended.purge_after is not None
    assert ended.purge_after < ended.deleted_at + ws.vault.policy.retention
    ws.vault.collect()
    assert said(folder, data=True) == []


def test_a_number_that_is_given_twice_and_an_end_that_was_none_are_found(ws: Workspace, folder: Path) -> None:
    with ws.site.catalog.write() as tx:
        ended = versions.one(tx, "runs/ended", 1)
        assert ended is not None
        (fact,) = versions.facts(tx, [ended.id])
        outbox.append(tx, "versions", {"versions": [{**fact, "state": "live"}, {**fact, "id": 999}]})
    ws.project()
    found = said(folder)
    assert "catalog: runs/ended@v1: the ledger has it live after purged" in found
    assert "catalog: runs/ended@v1: the ledger has it purged after nothing" in found
    assert "catalog: runs/ended@v1: this number was given twice" in found


def test_an_entry_that_says_one_thing_twice_is_none(ws: Workspace, folder: Path) -> None:
    changed(
        folder,
        'UPDATE interlock_outbox SET entry=CAST(replace(CAST(entry AS TEXT), \'"v":1\', \'"v":1,"v":1\') AS BLOB)'
        " WHERE id=1",
    )
    assert "catalog: outbox row 1 is no entry, or not that of its digest" in said(folder)


# --- the ledger's files -------------------------------------------------------------------


def test_any_byte_of_the_ledger_is_accounted_for(folder: Path) -> None:
    for path in sorted(p for p in (folder / "ledger").rglob("*") if p.is_file()):
        data = path.read_bytes()
        for place in {0, len(data) // 2, len(data) - 1} if data else {0}:
            other = bytearray(data or b"\0")
            other[place] ^= 1
            path.write_bytes(bytes(other))
            assert said(folder), f"byte {place} of {path.name}"
        path.unlink()
        assert said(folder) or path.name == ".lock", f"{path.name} is missing"
        path.write_bytes(data)
    assert said(folder) == []


def test_an_entry_that_was_changed_is_named(folder: Path) -> None:
    bundle = next((folder / "ledger/tile/entries").rglob("*.p/*"))
    data = bundle.read_bytes()
    bundle.write_bytes(data.replace(b'"flights"', b'"flughts"', 1))
    assert said(folder) == [f"{bundle.relative_to(folder / 'ledger')}: entry 0 is not the one in the tree"]


def test_what_does_not_belong_to_the_ledger_is_named(folder: Path) -> None:
    (folder / "ledger/tile/0/notes.txt").write_text("x")
    assert said(folder) == ["tile/0/notes.txt: does not belong to the ledger"]


def test_a_ledger_that_was_rolled_back_is_found(ws: Workspace, folder: Path) -> None:
    import shutil

    shutil.copytree(folder / "ledger", folder.parent / "old")
    ws.vault.put_file("runs/new", b"new")
    shutil.rmtree(folder / "ledger")
    shutil.copytree(folder.parent / "old", folder / "ledger")
    assert any("had been written" in line for line in said(folder))


def test_what_an_interrupted_projection_leaves_is_no_damage(ws: Workspace, folder: Path) -> None:
    import shutil

    shutil.copytree(folder / "ledger/tile", folder.parent / "tile")
    ws.vault.put_file("runs/new", b"new")
    shutil.copytree(folder.parent / "tile", folder / "ledger/tile", dirs_exist_ok=True)  # narrower tiles
    with ws.site.catalog.write() as tx:
        outbox.append(tx, "note", {})
    report = verify(folder)
    assert report.ok
    assert "1 entries are not in the ledger's files yet" in report.notes
    assert any("left from interrupted writes" in note for note in report.notes)


# --- the vault ----------------------------------------------------------------------------


def main(folder: Path) -> Path:
    return folder / "vault"


def needed(folder: Path) -> dict[str, Path]:
    """What versions need that can be read."""
    nobodys = {"format.json", stories.key_of(b"z" * 10), "versions/runs/ended/v1.json"}
    return {key: path for key, path in harm.files(main(folder)).items() if key not in nobodys}


@pytest.mark.parametrize("kind", ["remove", "cut"])
def test_an_object_that_is_gone_or_has_another_size_is_named(folder: Path, kind: str) -> None:
    assert len(needed(folder)) >= 14
    for key, path in needed(folder).items():
        data = path.read_bytes()
        harm.KINDS[kind](path)
        found = said(folder)
        compressed = kind == "cut" and key.endswith(".zst")  # nobody noted its size
        assert compressed or (all(line.startswith(f"{key}: ") for line in found) and found), key
        path.unlink(missing_ok=True)
        path.write_bytes(data)


def test_any_other_bytes_are_found_where_they_are_read(folder: Path) -> None:
    for path in needed(folder).values():
        if path.stat().st_size:
            harm.flip(path)
    places_ = {line.partition(": ")[0] for line in said(folder, data=True)}
    kept = {
        k
        for k in needed(folder)
        if k.startswith(("objects/", "chunks/")) and needed(folder)[k].stat().st_size
    }
    assert {p for p in places_ if p.startswith("versions/")} == {
        k for k in needed(folder) if k.startswith("versions/")
    }
    assert not kept & places_, "who has no manifest needs nothing"


@pytest.mark.parametrize("part", ["objects/", "chunks/", "recipes/"])
def test_other_bytes_of_the_same_size_are_found_with_data(folder: Path, part: str) -> None:
    for key, path in needed(folder).items():
        if key.startswith(part) and path.stat().st_size:
            data = path.read_bytes()
            harm.flip(path)
            assert {line.partition(": ")[0] for line in said(folder, data=True)} == {key}
            harm.rewrite(path, data)


def test_a_data_file_of_a_snapshot_that_is_lost_is_named(ws: Workspace, folder: Path) -> None:
    lost, changed_ = sorted((folder / "data").rglob("*.parquet"))[:2]
    lost.unlink()
    harm.flip(changed_)
    assert [line.partition(": train")[0] for line in said(folder)] == [lost.relative_to(folder).as_posix()]
    found = said(folder, data=True)
    assert len(found) == 2
    assert all(line.endswith("; the replica has it") for line in found)
    assert ws.vault.scrub(repair=True).ok
    assert said(folder, data=True) == []


def test_a_version_that_is_purged_meanwhile_is_no_damage(
    ws: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from interlock.verify import stored

    look = stored._Look.__call__

    def meanwhile(self: stored._Look, needs: object) -> object:
        path = main(folder) / "versions/runs/old/v1.json"
        if path.exists():
            path.unlink()
            changed(folder, "UPDATE interlock_vault_version SET state='purged' WHERE name='runs/old'")
        return look(self, needs)  # type: ignore[arg-type]

    monkeypatch.setattr(stored._Look, "__call__", meanwhile)
    assert said(folder) == []


def test_leftovers_are_notes(ws: Workspace, folder: Path) -> None:
    with ws.site.catalog.write() as tx:
        versions.reserve(tx, "given/up", Kind.MODEL, "kim")
        tx.connection.exec_driver_sql(
            "INSERT INTO interlock_vault_lease VALUES ('v9', 'k', '2020-01-01T00:00:00')"
        )
    (main(folder) / "tmp").mkdir(exist_ok=True)
    (main(folder) / "tmp" / "left.tmp").touch()
    report = verify(folder)
    assert report.ok
    assert report.notes == [
        "1 leases are over",
        "1 versions are being put, or were left by a put that died",
        "1 temporary files lie in the main store",
    ]


# --- how it is called ---------------------------------------------------------------------


def test_it_writes_nothing(folder: Path) -> None:
    def seen() -> dict[str, tuple[int, bytes]]:
        files = (p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(("-shm", "-wal")))
        return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in files}

    before = seen()
    verify(folder, data=True)
    assert seen() == before


def test_what_is_no_workspace_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceNotFound):
        verify(tmp_path)
    (tmp_path / "catalog.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(WorkspaceCorrupt):
        verify(tmp_path)


def test_it_uses_none_of_the_code_that_writes() -> None:
    code = (
        "import pkgutil, sys, importlib, interlock.verify as v\n"
        "for m in pkgutil.iter_modules(v.__path__): importlib.import_module(f'interlock.verify.{m.name}')\n"
        "print(*sorted({m.split('.')[1] for m in sys.modules if m.startswith('interlock.')}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(out.stdout.split()) == {"verify", "errors", "settings"}
