"""Attached tables: files judged where they are, each once per version, never moved or changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from interlock.errors import UsageError
from interlock.workspace import Table, Workspace
from tests.gates.conftest import a_day, label, rows


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    for n in range(3):
        put(folder, n)
    return folder


def put(folder: Path, n: int, **columns: object) -> Path:
    """Day n as a hive folder with one Parquet file."""
    path = folder / f"day={label(n)}" / "part.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    a_day(n, **columns).drop(columns="day").to_parquet(path)
    return path


@pytest.fixture
def attached(ws: Workspace, lake: Path) -> Table:
    return ws.attach("flights", str(lake / "*" / "*.parquet"), key=["id"]).require("delay >= 0")


def digests(folder: Path) -> dict[str, str]:
    return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.rglob("*.parquet")}


def test_every_file_is_a_partition_judged_once_and_left_alone(
    ws: Workspace, attached: Table, lake: Path
) -> None:
    before = digests(lake)
    made = attached.judge_new()
    assert [(v.partition, v.decision) for v in made] == [(label(n), "admitted") for n in range(3)]
    assert attached.judge_new() == []
    assert [p.label for p in attached.partitions()] == [label(n) for n in range(3)]
    assert digests(lake) == before
    assert not list(ws.path.rglob("*.parquet")), "nothing is copied"
    assert rows(ws, "SELECT count(*) FROM flights") == [(90,)]


def test_a_new_or_changed_file_is_judged_again(attached: Table, lake: Path) -> None:
    attached.judge_new()
    put(lake, 3)
    path = put(lake, 1, delay=[-1.0] * 30)
    os.utime(path, ns=(1, 1))
    assert [(v.partition, v.decision) for v in attached.judge_new()] == [
        (label(1), "refused"),
        (label(3), "admitted"),
    ]
    assert attached.judge_new() == []


def test_a_refused_file_is_not_read_until_released(ws: Workspace, attached: Table, lake: Path) -> None:
    put(lake, 1, delay=[-1.0] * 30)
    attached.judge_new()
    assert [h.label for h in ws.quarantined()] == [label(1)]
    assert rows(ws, "SELECT count(*) FROM flights") == [(60,)]
    attached.release(label(1), "early arrivals")
    assert rows(ws, "SELECT count(*) FROM flights") == [(90,)]
    assert attached.judge_new() == []


def test_a_file_that_cannot_be_read_is_refused_and_the_others_are_judged(attached: Table, lake: Path) -> None:
    (lake / f"day={label(1)}" / "part.parquet").write_bytes(b"PAR1 rubbish")
    made = {v.partition: v for v in attached.judge_new()}
    assert {k: v.decision.value for k, v in made.items()} == {
        label(0): "admitted",
        label(1): "refused",
        label(2): "admitted",
    }
    assert made[label(1)].violations[0].constraint == "schema_unreadable"


def test_csv_files_are_attached_too(ws: Workspace, tmp_path: Path) -> None:
    for n in range(2):
        a_day(n).to_csv(tmp_path / f"{label(n)}.csv", index=False)
    t = ws.attach("loads", str(tmp_path / "*.csv"))
    assert [v.partition for v in t.judge_new()] == [label(0), label(1)]
    assert rows(ws, "SELECT count(*), sum(delay) FROM loads") == [(60, 870.0)]


def test_it_is_never_written_to(attached: Table) -> None:
    with pytest.raises(UsageError, match="attached"):
        attached.write(a_day(9))
    with pytest.raises(UsageError, match="attached"):
        attached.backfill(a_day(9))


def test_no_files_are_no_error(ws: Workspace, tmp_path: Path) -> None:
    assert ws.attach("later", str(tmp_path / "nothing" / "*.parquet")).judge_new() == []


def test_a_managed_table_has_no_files_to_look_for(ws: Workspace) -> None:
    with pytest.raises(UsageError, match="managed"):
        ws.table("flights", partition="day").judge_new()


def test_two_files_of_one_partition_are_told_apart(ws: Workspace, attached: Table, lake: Path) -> None:
    first = lake / f"day={label(0)}" / "part.parquet"
    a_day(0, rows=5).drop(columns="day").to_parquet(first.with_name("more.parquet"))
    made = [v.partition for v in attached.judge_new()]
    assert len(made) == len(set(made)) == 4
    assert rows(ws, "SELECT count(*) FROM flights") == [(95,)]
