"""A person's rows are erased: from the table, its past, its snapshots and whatever quotes them; others' rows stay."""

from __future__ import annotations

import datetime as dt
import errno
import itertools
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import MetaData, text

import interlock
from interlock import settings
from interlock.catalog import clock, lake
from interlock.catalog.s3 import S3
from interlock.catalog.vault.records import VersionState
from interlock.errors import (
    ApprovalRefused,
    DeleteRefused,
    ExpressionRefused,
    StorageFailed,
    TableNotFound,
    UsageError,
    WorkspaceBusy,
)
from interlock.gates import counterpart
from interlock.gates.delete import approval
from interlock.gates.erase import erase, rewrite
from interlock.gates.erase.redaction import Values
from interlock.verify.run import verify
from interlock.workspace import Table, Workspace
from tests import objectstore, places
from tests import s3 as stores
from tests.catalog.stock import Stock, stock
from tests.gates.conftest import FIRST, label, rows
from tests.postgres import Server
from tests.processes import Nursery, Tell, every_boundary

__all__ = ["stock"]

BOTH = pytest.mark.parametrize("place", places.KINDS, indirect=True)
TOM, WHERE = 7_700_000_000_042, "user_id = 7700000000042"
EMAIL, NAME = "tom.sawyer.7f31@example.com", "Thomas Sawyer"
_count = itertools.count(1)
TRACES = (str(TOM), EMAIL, NAME)


def a_day(number: int, *, tom: int = 0, amount: float = 1.0, others: int = 40) -> pd.DataFrame:
    """A day's visits: 40 of others, and so many of Tom."""
    ids = [*range(100, 100 + others), *[TOM] * tom]
    return pd.DataFrame(
        {
            "day": [FIRST + dt.timedelta(days=number)] * len(ids),
            "user_id": ids,
            "email": [EMAIL if i == TOM else f"user{i}@example.com" for i in ids],
            "name": [NAME if i == TOM else f"Name {i % 7}" for i in ids],
            "amount": [amount if i == TOM else float(i % 9) for i in ids],
        }
    )


@pytest.fixture
def visits(ws: Workspace) -> Iterator[Table]:
    """Days 0 to 4; Tom is in days 1 and 3, in an older version of day 2, and in day 5, which is quarantined."""
    name = None if ws.site.catalog.local else f'"visits {next(_count)}"'
    table = ws.table("visits", partition="day", key=["user_id"], postgres=name).require("amount >= 0")
    for number in range(5):
        table.write(a_day(number, tom={1: 2, 2: 1, 3: 1}.get(number, 0)))
    table.write(a_day(2))
    table.write(a_day(5, tom=3, amount=-1.0))
    yield table
    assert not any(c.problems for c in counterpart.compared(ws.site, contents=True))


def approve(ws: Workspace, ref: str) -> None:
    approval.approve(replace(ws.vault.gate, who="a second person"), ref)


def erased(ws: Workspace, where: str = WHERE, **how: Any) -> erase.Erasure:
    return ws.erase("visits", where, "request 2024-17", **how)


def traces(ws: Workspace, *tokens: str) -> set[str]:
    """Where in the workspace any of these is: in bytes, in cells of data files, in rows of the catalog."""
    found = set()
    for path in sorted(p for p in ws.path.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if data.startswith(b"PAR1"):
            cells = duckdb.execute(f"SELECT * FROM read_parquet('{path}')").fetchall()
            data += repr(cells).encode()
        elif path.suffix == ".npz":
            loaded = np.load(path, allow_pickle=False)
            data += b"".join(repr(loaded[name].tolist()).encode() for name in loaded.files)
        found |= {path.relative_to(ws.path).as_posix() for t in tokens if t.encode() in data}
    return found | {f"table {name}" for name, held in catalog(ws) if any(t in held for t in tokens)}


def catalog(ws: Workspace) -> Iterator[tuple[str, str]]:
    """Every row of every table of the catalog, unpacked; and of the counterparts."""
    with ws.site.catalog.read() as rx:
        seen = MetaData()
        seen.reflect(rx.connection)
        for table in seen.sorted_tables:
            for row in rx.connection.execute(table.select()):
                yield table.name, repr([unpacked(value) for value in row])
        for one in counterpart.compared(ws.site, contents=False):
            for row in rx.connection.execute(text(f'SELECT * FROM "{one.name.schema}"."{one.name.table}"')):
                yield str(one.name), repr(tuple(row))


def unpacked(value: Any) -> Any:
    try:
        return zlib.decompress(bytes(value)) if isinstance(value, bytes | memoryview) else value
    except zlib.error:
        return bytes(value)


@BOTH
def test_readers_see_everybody_but_the_person_at_once_and_others_as_they_were(
    ws: Workspace, visits: Table
) -> None:
    before = rows(ws, f"SELECT * FROM visits WHERE NOT ({WHERE}) ORDER BY ALL")
    done = erased(ws)
    assert rows(ws, "SELECT * FROM visits ORDER BY ALL") == before
    assert (done.rows, done.partitions, done.versions) == (6, (label(1), label(3), label(5)), 4)
    assert [p.rows for p in visits.partitions()] == [40] * 5
    assert ws.verify_ledger().ok
    assert [f for f in ws.doctor(data=True) if not f.ok] == []


@BOTH
def test_after_approval_and_collection_nothing_of_the_person_is_left_anywhere(
    ws: Workspace, visits: Table
) -> None:
    ws.vault.snapshot("train", "visits")
    for number in range(6, 26):  # enough to be learned from, and kept
        visits.write(a_day(number))
    visits.drop(label(5), "not needed")
    visits.write(a_day(26, tom=1, amount=-2.0))
    visits.release(label(26), "his amounts are refunds")
    where = traces(ws, *TRACES)
    assert {"catalog.sqlite"} <= where or not ws.site.catalog.local
    assert {"table interlock_verdict", "table interlock_profile"} <= where
    assert {"table ducklake_file_column_stats", "table ducklake_table_column_stats"} <= where
    assert len([path for path in where if path.endswith(".parquet")]) == 6
    before = rows(ws, f"SELECT * FROM visits WHERE NOT ({WHERE}) ORDER BY ALL")
    done = erased(ws)
    assert done.request is not None
    kept = traces(ws, *TRACES)
    old = {"learned/visits.npz", "table interlock_profile", "catalog.sqlite", "catalog.sqlite-wal"}
    assert len([path for path in kept if path.endswith(".parquet")]) == 6  # until a second person lets go
    assert {path for path in kept if not path.endswith(".parquet")} <= old
    approve(ws, done.request.ref)
    assert ws.vault.collect().erased == 6
    assert traces(ws, *TRACES) == set()
    assert rows(ws, "SELECT * FROM visits ORDER BY ALL") == before
    assert ws.verify_ledger().ok
    assert [f for f in ws.doctor(data=True) if not f.ok] == []
    if ws.site.catalog.local:
        assert verify(str(ws.path), data=True).problems == []
    assert erased(ws) == erase.Erasure("visits")


def small(ws: Workspace) -> Table:
    """Two days, Tom in the first."""
    table = ws.table("visits", partition="day", key=["user_id"])
    table.write(a_day(0, tom=2))
    table.write(a_day(1))
    return table


def test_the_past_shows_it_neither_to_us_nor_to_others(ws: Workspace, stock: Stock) -> None:
    small(ws)
    with ws.site.catalog.read() as rx:
        then = lake.latest(rx).id
    ws.table("visits").write(a_day(0, others=30))  # replaces the first day: Tom is in the past alone
    ours = f"SELECT count(*), count(*) FILTER (user_id = {TOM}) FROM lake.visits AT (VERSION => {then})"
    now = "SELECT count(*), min(user_id), max(user_id) FROM lake.visits"
    totals = "SELECT record_count FROM __ducklake_metadata_lake.ducklake_table_stats"
    assert stock.run(ws.site.catalog, [ours]) == [[[82, 2]]]
    done = erased(ws)
    assert (done.rows, done.partitions, done.versions) == (0, (), 1)
    assert stock.run(ws.site.catalog, [ours, now, totals]) == [[[80, 0]], [[70, 100, 139]], [[70]]]
    assert done.request is not None
    approve(ws, done.request.ref)
    assert ws.vault.collect().erased == 1
    assert stock.run(ws.site.catalog, [ours, now]) == [[[80, 0]], [[70, 100, 139]]]


def test_bounds_that_others_plan_by_fit_what_is_left(ws: Workspace, stock: Stock) -> None:
    small(ws)
    erased(ws)
    bounds = (
        "SELECT column_name, min_value, max_value FROM __ducklake_metadata_lake.ducklake_table_column_stats"
        " JOIN __ducklake_metadata_lake.ducklake_column USING (table_id, column_id) ORDER BY 1"
    )
    (found,) = stock.run(ws.site.catalog, [bounds])
    assert ["user_id", "100", "139"] in found
    query = f"SELECT count(*) FROM lake.visits WHERE user_id = {TOM}"
    assert stock.run(ws.site.catalog, [query, "SELECT count(*) FROM lake.visits"]) == [[[0]], [[80]]]


@BOTH
def test_snapshots_are_rewritten_and_their_aliases_move(ws: Workspace, visits: Table) -> None:
    vault = ws.vault
    vault.snapshot("train", "visits", metadata={"for": "ranker"})
    vault.snapshot("clean", "visits", partitions=[label(0), label(4)])
    vault.snapshot("old", "visits", partitions=[label(1)])
    vault.delete("old")
    vault.alias("train@v1", "current")
    vault.put("ranker", {"a": b"a"}, lineage={"snapshots": ["train@v1"]})
    vault.put("other", {"a": b"b"}, lineage={"snapshots": ["clean@v1"]})
    before = vault.read("train").filter(f"NOT ({WHERE})").order("ALL").fetchall()
    done = erased(ws)
    assert done.snapshots == (("train@v1", "train@v2"), ("old@v1", None))
    assert done.models == ("ranker@v1",)
    assert vault.read("train@current").order("ALL").fetchall() == before
    assert vault.show("train@current").ref == "train@v2"
    made = vault.manifest("train@v2")
    assert (made.metadata, made.lineage) == ({"for": "ranker"}, {"erased_from": ["train@v1"]})
    assert made.of["tables"]["visits"]["rows"] == len(before) == 200
    assert vault.show("clean").state is VersionState.LIVE
    assert vault.show("train@v1").state is VersionState.DELETED
    assert done.request is not None
    approve(ws, done.request.ref)
    assert vault.collect().erased == 4
    assert {v.ref for v in vault.versions(deleted=True)} == {"clean@v1", "other@v1", "ranker@v1", "train@v2"}
    assert vault.read("train").order("ALL").fetchall() == before
    assert vault.read("clean").aggregate("count(*)").fetchall() == [(80,)]
    if ws.site.catalog.local:
        assert verify(str(ws.path), data=True).problems == []


def test_an_old_version_that_only_a_snapshot_needs_is_rewritten_too(ws: Workspace, visits: Table) -> None:
    ws.vault.snapshot("train", "visits")
    visits.write(a_day(1, others=20))
    before = ws.vault.read("train").filter(f"NOT ({WHERE})").order("ALL").fetchall()
    done = erased(ws)
    assert (done.partitions, done.snapshots) == ((label(3), label(5)), (("train@v1", "train@v2"),))
    assert ws.vault.read("train").order("ALL").fetchall() == before
    assert [p.rows for p in visits.partitions()] == [40, 20, 40, 40, 40]


def test_what_is_in_quarantine_stays_there_and_can_be_let_out_without_the_person(
    ws: Workspace, visits: Table
) -> None:
    erased(ws)
    assert [(h.label, h.rows) for h in ws.quarantined()] == [(label(5), 40)]
    assert visits.verdict(label(5))["decision"] == "quarantined"  # type: ignore[index]
    visits.release(label(5), "without him it is fine")
    assert rows(ws, f"SELECT count(*) FROM visits WHERE day = '{label(5)}'") == [(40,)]


def test_nobody_is_alarmed_and_what_was_published_stays_so(ws: Workspace, visits: Table) -> None:
    visits.require("count(*) >= 42", name="enough")  # what was published before would not hold it
    told: list[str] = []
    ws.on("fail", lambda verdict: told.append(verdict.partition))
    ws.on("published", lambda verdict: told.append(verdict.partition))
    alerts = [(a.record.id, a.record.state) for a in ws.alerts("visits")]
    erased(ws)
    verdict = visits.verdict(label(1))
    assert verdict is not None
    assert (verdict["gate"], verdict["decision"], verdict["outcome"]) == ("erase", "published", "fail")
    assert verdict["notes"][-1] == "2 rows were erased"
    assert told == []
    assert [(a.record.id, a.record.state) for a in ws.alerts("visits")] == alerts
    assert visits.profile(label(1)).rows == 40


def test_a_partition_of_nobody_else_is_empty_then(ws: Workspace) -> None:
    table = ws.table("visits", partition="day", key=["user_id"])
    table.write(a_day(0))
    table.write(a_day(1, tom=3, others=0))
    assert erased(ws).rows == 3
    assert [(p.label, p.rows) for p in table.partitions()] == [(label(0), 40), (label(1), 0)]
    assert rows(ws, "SELECT count(*) FROM visits") == [(40,)]


def test_other_values_are_as_they_were_whatever_their_type(ws: Workspace) -> None:
    odd = (
        "SELECT i AS user_id, CASE WHEN i % 3 = 0 THEN NULL ELSE 'a' || chr(10) || i END AS note,"
        " CASE WHEN i = 4 THEN 'NaN'::DOUBLE ELSE 0.1 * i END AS score, (0.1 * i)::DECIMAL(38, 9) AS exact,"
        " {'x': i, 'y': ['p', NULL, 'q' || i]} AS nested, [i, NULL] AS list, MAP {'k': i} AS map,"
        " TIMESTAMPTZ '2024-01-01 00:00:00.123456+02' + to_hours(i::BIGINT) AS at, i::TINYINT AS tiny,"
        " encode('ü' || i) AS bytes, uuid() AS id, i % 2 = 0 AS even FROM range(1, 100) t(i)"
    )
    table = ws.table("visits")
    table.write(duckdb.execute(odd).to_arrow_table())
    text_of = "SELECT COLUMNS(*)::VARCHAR FROM visits"
    before = rows(ws, f"{text_of} WHERE user_id <> 42")
    assert erased(ws, "user_id = 42").rows == 1
    assert rows(ws, text_of) == before


def test_versions_from_before_a_column_hold_nobody_by_it(ws: Workspace) -> None:
    table = ws.table("visits", partition="day", key=["user_id"])
    table.write(a_day(0).drop(columns="email"))
    table.write(a_day(1, tom=1))
    done = erased(ws, f"email = '{EMAIL}'")
    assert (done.rows, done.partitions, done.versions) == (1, (label(1),), 1)


def test_what_was_taken_out_of_quarantine_goes_whatever_its_columns(ws: Workspace) -> None:
    table = small(ws)
    table.write(a_day(2, tom=1).astype({"user_id": "str"}).replace({"user_id": {"100": "a"}}))
    assert [h.label for h in ws.quarantined()] == [label(2)]
    with pytest.raises(UsageError, match=r"visits@2013-01-03 \(quarantined\) cannot be searched") as refused:
        erased(ws)
    assert "drop it from quarantine" in (refused.value.hint or "")
    table.drop(label(2), "of another type")
    done = erased(ws)
    assert (done.partitions, done.versions) == ((label(0),), 2)
    assert done.request is not None
    approve(ws, done.request.ref)
    assert ws.vault.collect().erased == 2
    assert traces(ws, *TRACES) == set()


def test_copies_of_data_files_are_rewritten_and_those_in_a_second_store_go_too(
    ws: Workspace, visits: Table, tmp_path: Any
) -> None:
    (record,) = [ws.vault.snapshot("train", "visits", partitions=[label(1)])]
    (file,) = ws.vault.manifest(record.ref).files
    ws.vault.copy(f"{record.ref}/{file.path}", "exports/day.parquet")
    ws.vault.set_replica(str(ws.path / "second"))
    assert ws.vault.replicate().ok
    assert any(path.startswith("second/objects") for path in traces(ws, *TRACES))
    done = erased(ws)
    assert done.snapshots == (
        ("train@v1", "train@v2"),
        ("exports/day.parquet@v1", "exports/day.parquet@v2"),
    )
    assert len(pd.read_parquet(ws.vault.open("exports/day.parquet"))) == 40
    assert ws.vault.replicate().ok
    assert done.request is not None
    approve(ws, done.request.ref)
    collected = ws.vault.collect()
    assert (collected.erased, collected.removed) == (4, 1)
    assert traces(ws, *TRACES) == set()
    assert ws.vault.scrub().ok
    assert verify(str(ws.path), data=True).problems == []


def test_a_legal_hold_on_a_snapshot_refuses_all_of_it(ws: Workspace, visits: Table) -> None:
    ws.vault.snapshot("case/train", "visits")
    ws.vault.hold("case", "a court wants it")
    before = (data(ws), rows(ws, "SELECT * FROM visits ORDER BY ALL"))
    with pytest.raises(DeleteRefused, match=r"case/train@v1 is under legal hold H1 by .*: a court wants it"):
        erased(ws)
    assert (data(ws), rows(ws, "SELECT * FROM visits ORDER BY ALL")) == before
    assert ws.vault.requests() == []


def test_a_legal_hold_that_came_later_refuses_the_end(ws: Workspace, visits: Table) -> None:
    ws.vault.snapshot("train", "visits")
    done = erased(ws)
    assert done.request is not None
    ws.vault.hold("train@v1", "a court wants it")
    with pytest.raises(DeleteRefused, match="train@v1 is under legal hold"):
        approve(ws, done.request.ref)
    assert ws.vault.collect().erased == 0
    assert ws.vault.read("train@v1", deleted=True).aggregate("count(*)").fetchall() == [(203,)]


def data(ws: Workspace) -> set[str]:
    return set(ws.site.files.listed())


def test_nobody_lets_their_own_erasure_pass_and_until_then_nothing_goes(ws: Workspace, visits: Table) -> None:
    before = data(ws)
    done = erased(ws)
    assert done.request is not None
    with pytest.raises(ApprovalRefused):
        ws.vault.approve(done.request.ref)
    assert ws.vault.collect().erased == 0
    assert before < data(ws)


def test_a_snapshot_that_was_restored_is_not_taken_away(ws: Workspace, visits: Table) -> None:
    ws.vault.snapshot("train", "visits")
    done = erased(ws)
    assert done.request is not None
    ws.vault.restore("train@v1")
    with pytest.raises(DeleteRefused, match="train@v1 was restored"):
        approve(ws, done.request.ref)
    assert ws.vault.read("train@v1").aggregate("count(*)").fetchall() == [(203,)]


def test_asked_again_while_it_waits_it_is_the_same_request(ws: Workspace, visits: Table) -> None:
    first = erased(ws)
    again = erased(ws)
    assert (again.versions, again.request) == (0, first.request)
    visits.write(a_day(1, tom=1))
    later = erased(ws)
    assert (later.rows, later.versions) == (1, 1)
    for done in (first, later):
        assert done.request is not None
        approve(ws, done.request.ref)
    assert ws.vault.collect().erased == 5
    assert traces(ws, *TRACES) == set()


def test_refused_it_can_be_asked_for_again_and_ends_then(ws: Workspace, visits: Table) -> None:
    ws.vault.snapshot("train", "visits")
    first = erased(ws)
    assert first.request is not None
    ws.vault.refuse(first.request.ref)
    again = erased(ws)
    assert (again.rows, again.versions, again.snapshots) == (0, 4, (("train@v1", None),))
    assert again.request is not None
    approve(ws, again.request.ref)
    assert ws.vault.collect().erased == 4
    assert traces(ws, *TRACES) == set()
    assert len(ws.vault.versions("train")) == 1


def test_a_duty_does_not_end_because_nobody_decided(ws: Workspace, visits: Table) -> None:
    done = erased(ws)
    assert done.request is not None
    with clock.at(dt.datetime.now(dt.UTC) + dt.timedelta(days=400)):
        assert [r.state for r in ws.vault.requests(pending=True)] == ["pending"]
        ws.vault.put("ranker", {"a": b"a"})
        ws.vault.delete("ranker")
        approve(ws, done.request.ref)
    assert ws.vault.collect().erased == 4


def test_the_ledger_proves_it_and_holds_no_value(ws: Workspace, visits: Table) -> None:
    old = {p.label: p.digest for p in visits.partitions()}
    done = erased(ws)
    new = {p.label: p.digest for p in visits.partitions()}
    entries = [e for e in ws.ledger_entries(100) if e.get("action") == "erase"]
    (proof,) = [e for e in entries if e.get("state") == "rewritten"]
    files = {(f["label"], f["rows"]): (f["old"], f["new"]) for f in proof["files"]}
    assert files[label(1), 2] == (old[label(1)], new[label(1)])
    assert files[label(2), 1][1] is not None  # its past was rewritten
    assert proof["condition"] == erase.condition_digest(done.proof or "", WHERE)
    assert proof["condition"] != erase.condition_digest(done.proof or "", f"{WHERE} OR false")
    assert done.request is not None
    approve(ws, done.request.ref)
    ws.vault.collect()
    said = repr(ws.ledger_entries(100)) + repr(ws.vault.requests())
    assert not [token for token in (*TRACES, WHERE, done.proof or "") if token in said]
    assert [e["state"] for e in ws.ledger_entries(100) if e.get("action") in ("erase", "approve")] == [
        "rewritten",
        "pending",
        "approved",
        "removed",
    ]


def test_a_dry_run_tells_and_changes_nothing(ws: Workspace, visits: Table) -> None:
    ws.vault.snapshot("train", "visits")
    before = (data(ws), ws.ledger_entries(1)[0]["index"])
    told = erased(ws, dry_run=True)
    assert (told.rows, told.versions, told.snapshots) == (6, 4, (("train@v1", None),))
    assert told.request is None
    assert (data(ws), ws.ledger_entries(1)[0]["index"]) == before


def test_without_such_a_row_nothing_happens(ws: Workspace, visits: Table) -> None:
    before = (data(ws), ws.ledger_entries(1)[0]["index"])
    assert erased(ws, "user_id = 1") == erase.Erasure("visits")
    assert (data(ws), ws.ledger_entries(1)[0]["index"]) == before


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("usr_id = 42", ExpressionRefused),
        ("count(*) > 1", ExpressionRefused),
        ("unique(user_id)", ExpressionRefused),
        ("user_id + 1", ExpressionRefused),
        ("", ExpressionRefused),
        ("100 // (user_id - 100) > 1", UsageError),
    ],
)
def test_a_condition_that_is_none_is_refused_before_anything_is_touched(
    ws: Workspace, where: str, error: type[Exception]
) -> None:
    small(ws)
    before = data(ws)
    with pytest.raises(error):
        erased(ws, where)
    assert data(ws) == before


def test_what_is_not_ours_to_erase_is_refused(ws: Workspace, tmp_path: Any, stock: Stock) -> None:
    a_day(0, tom=1).to_parquet(tmp_path / "theirs.parquet")
    ws.attach("theirs", tmp_path / "*.parquet").judge_new()
    with pytest.raises(UsageError, match="theirs is attached"):
        ws.erase("theirs", WHERE, "request")
    with pytest.raises(TableNotFound):
        ws.erase("visit", WHERE, "request")
    small(ws)
    stock.run(ws.site.catalog, ["DELETE FROM lake.visits WHERE user_id = 101"])
    with pytest.raises(UsageError, match="never passed the gate"):
        erased(ws)


@pytest.mark.parametrize("reason", ["", "  ", f"{EMAIL} asked", f"user {TOM}", "user 7,700,000,000,042"])
def test_a_reason_is_needed_and_may_not_name_the_person(ws: Workspace, reason: str) -> None:
    small(ws)
    before = data(ws)
    with pytest.raises(UsageError, match="reason"):
        ws.erase("visits", WHERE, reason)
    assert data(ws) == before


def test_a_missing_file_is_told_rather_than_passed_over(ws: Workspace) -> None:
    table = small(ws)
    path = ws.path / (table.partitions()[0].path or "")
    path.rename(ws.path / "away")
    with pytest.raises(StorageFailed, match="is missing"):
        erased(ws)


def test_a_snapshot_taken_meanwhile_stops_it(
    ws: Workspace, visits: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged, taken = rewrite.staged, list[Any]()

    def meanwhile(*given: Any) -> Any:
        if not taken:
            taken.append(ws.vault.snapshot("train", "visits"))
        return staged(*given)

    before = data(ws)
    monkeypatch.setattr(rewrite, "staged", meanwhile)
    with pytest.raises(WorkspaceBusy, match="changed meanwhile"):
        erased(ws)
    assert data(ws) == before
    assert erased(ws).snapshots == (("train@v1", "train@v2"),)


@places.IN_A_FOLDER
def test_pages_of_the_catalog_that_others_read_are_emptied_the_next_time(
    ws: Workspace, visits: Table
) -> None:
    done = erased(ws)
    assert done.request is not None
    approve(ws, done.request.ref)
    with settings.override(lock_timeout_s=0.1), interlock.open(ws.path) as other, other.site.catalog.read():
        assert (ws.vault.collect().erased, ws.vault.collect().unerased) == (4, 1)
    assert ws.vault.collect().unerased == 0
    assert traces(ws, *TRACES) == set()
    assert ws.vault.requests()[0].document["gone"] is True


def test_files_that_cannot_be_removed_are_told_and_tried_again(
    ws: Workspace, visits: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = erased(ws)
    assert done.request is not None
    approve(ws, done.request.ref)
    folder = ws.path / "data" / "main" / "visits"
    with monkeypatch.context() as patched:
        unlink = os.unlink

        def refused(path: Any, **how: Any) -> None:
            if str(path).startswith(str(folder)):
                raise PermissionError(errno.EPERM, "Operation not permitted", str(path))
            unlink(path, **how)

        patched.setattr(os, "unlink", refused)
        collected = ws.vault.collect()
    assert (collected.erased, collected.unerased) == (1, 3)  # what was in quarantine went
    assert "Operation not permitted" in repr(ws.vault.request(done.request.ref).document["left"])
    assert (ws.vault.collect().erased, traces(ws, *TRACES)) == (3, set())


def test_every_version_that_s3_keeps_of_a_file_goes_and_a_locked_one_is_told(
    object_store: objectstore.Server, postgres: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, client = object_store.bucket(objectstore.OWNER), object_store.client()
    for name, value in {
        "AWS_PROFILE": objectstore.OWNER,
        "AWS_REGION": objectstore.REGION,
        "AWS_ENDPOINT_URL_S3": object_store.url,
    }.items():
        monkeypatch.setenv(name, value)

    def left() -> int:
        listed = client.list_object_versions(Bucket=bucket, Prefix="lake/data/")
        return len(listed.get("Versions", ())) + len(listed.get("DeleteMarkers", ()))

    with (
        settings.override(home=str(tmp_path / "home")),
        interlock.open(f"{postgres.url()}?schema={bucket}", data=f"s3://{bucket}/lake") as ws,
    ):
        table = small(ws)
        table.write(a_day(1, tom=1))
        first, second = (p.path for p in table.partitions())
        until = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        held = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
        client.put_object_retention(Bucket=bucket, Key=f"lake/{first}", Retention=held)
        whole = client.get_object(Bucket=bucket, Key=f"lake/{second}")["Body"].read()
        for body in (b"somebody wrote over it", whole):
            client.put_object(Bucket=bucket, Key=f"lake/{second}", Body=body)
        done = erased(ws)
        assert done.request is not None
        before = left()
        approve(ws, done.request.ref)
        collected = ws.vault.collect()
        assert (collected.erased, collected.unerased) == (1, 1)
        why = ws.vault.request(done.request.ref).document["left"]
        assert why == {first: f"locked until {until:%Y-%m-%d %H:%M} UTC (compliance)"}
        assert left() == before - 3
        assert [p.rows for p in table.partitions()] == [40, 40]


def test_in_a_bucket_without_versions_an_object_is_removed_as_it_is(
    s3: stores.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    bucket, client = s3.bucket(), s3.client()
    for key in ("lake/a.parquet", "lake/a.parquet.more", "lake/b.parquet"):
        client.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert S3.of(f"s3://{bucket}/lake").wipe(["a.parquet", "never.parquet"]) == {}
    assert s3.keys(bucket) == ["lake/a.parquet.more", "lake/b.parquet"]


def test_only_what_can_be_told_from_other_text_is_looked_for() -> None:
    found = Values.of(["Bo", "Tom.", " Thomas ", "42", "123456", "-1234567", "12.50", "x" * 60, "1e10"])
    assert found.texts == ("Tom.", "Thomas", "123456", "123,456", "-1234567", "-1,234,567", "x" * 40)
    document = {
        "observed": "123,456 in id",
        "rows": 123456,
        "sample": [{"id": 123456, "n": 1}],
        "since": "Thomas",
    }
    assert found.without(document) == {
        "observed": "[erased]",
        "rows": "[erased]",
        "sample": [{"id": "[erased]", "n": 1}],
        "since": "[erased]",
    }


def test_what_others_verdicts_quote_of_it_is_taken_out(ws: Workspace) -> None:
    table = ws.table("visits", partition="day", key=["user_id"]).require(
        f"email <> '{EMAIL}'", name="not_him"
    )
    for number in range(3):
        table.write(a_day(number))
    table.require("user_id < 1000", name="small")
    table.write(a_day(3, tom=1))
    (before,) = [v for v in ws.verdicts("visits") if v["partition"] == label(3)]
    assert str(TOM) in repr(before)
    erased(ws)
    (after,) = [v for v in ws.verdicts("visits") if v["id"] == before["id"]]
    assert not [token for token in TRACES if token in repr(after)]
    assert [v["constraint"] for v in after["violations"]] == [v["constraint"] for v in before["violations"]]
    assert after["decision"] == before["decision"]
    assert ws.verify_ledger().ok


def test_killed_anywhere_it_can_be_done_again_and_nobody_else_is_lost(
    nursery: Nursery, tmp_path: Any
) -> None:
    with interlock.open(tmp_path / "prepared") as ws:
        small(ws)
        ws.vault.snapshot("train", "visits")
        others = rows(ws, f"SELECT * FROM visits WHERE NOT ({WHERE}) ORDER BY ALL")
    step = 1 if "INTERLOCK_TEST_KILLS" in os.environ else 37
    for folder, _ in every_boundary(
        nursery, tmp_path / "prepared", tmp_path, erasing, step=step, more_than=30
    ):
        with interlock.open(folder) as ws:
            assert rows(ws, f"SELECT * FROM visits WHERE NOT ({WHERE}) ORDER BY ALL") == others
            assert ws.vault.read("train").filter(f"NOT ({WHERE})").order("ALL").fetchall() == others
            done = erased(ws)
            if done.request is not None:
                approve(ws, done.request.ref)
            ws.vault.collect()
            assert traces(ws, *TRACES) == set()
            assert rows(ws, "SELECT * FROM visits ORDER BY ALL") == others
            assert [f for f in ws.doctor(data=True) if not f.ok] == []


def erasing(tell: Tell, folder: str) -> None:
    with interlock.open(folder) as ws:
        done = erased(ws)
        assert done.request is not None
        approve(ws, done.request.ref)
        tell(ws.vault.collect().erased)
