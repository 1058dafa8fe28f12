"""``interlock vault snapshot``."""

from __future__ import annotations

from pathlib import Path

import interlock
from tests.cli.conftest import Run
from tests.gates.conftest import a_day, label


def test_a_table_is_kept_as_it_is_and_shown(run: Run, tmp_path: Path) -> None:
    with interlock.open(tmp_path) as ws:
        for number in range(2):
            ws.table("flights", partition="day").write(a_day(number))
    ran = run("vault", "snapshot", "train", "flights", "-w", tmp_path)
    assert ran.status == 0
    assert ran.out.startswith("train@v1: 2 data files, ")
    assert ran.out.endswith("pinned where they are\n")
    one = run("vault", "snapshot", "train", "flights", "-p", label(0), "--json", "-w", tmp_path).json
    assert (one["ref"], one["kind"], one["files"]) == ("train@v2", "snapshot", 1)
    (listed,) = run("vault", "show", "train", "--json", "-w", tmp_path).json["listed"]
    assert (listed["stored"], listed["at"].split("/")[:3]) == ("lake", ["data", "main", "flights"])
    ran = run("vault", "get", "train@v1", tmp_path / "out", "-w", tmp_path)
    assert ran.out == f"2 files in {tmp_path / 'out'}, verified\n"


def test_what_it_cannot_keep_is_one_line(run: Run, tmp_path: Path) -> None:
    with interlock.open(tmp_path) as ws:
        ws.table("flights", partition="day")
    ran = run("vault", "snapshot", "train", "flights", "-w", tmp_path)
    assert ran.status == 2
    assert ran.err.startswith("error[IL440]: nothing is published of flights")
