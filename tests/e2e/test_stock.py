"""A stock DuckDB beside a workspace: it reads the same rows, now and before; what it writes is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import interlock
from interlock.catalog import scan
from tests.catalog.stock import Stock, stock
from tests.e2e.stories import data, day

__all__ = ["stock"]

PAST = (
    "INSERT INTO lake.flights SELECT DATE '2013-01-02' AS day, 900 + i AS id, 99 AS version, 1.5 AS delay"
    " FROM range(7) t(i)"
)
DELETE = "DELETE FROM lake.flights WHERE version = 1 AND id < 3 AND day = '2013-01-01'"
AGGREGATES = "day::VARCHAR, version, count(*), sum(delay)::DOUBLE"


def rows(snapshot: int | None = None) -> str:
    when = "" if snapshot is None else f" AT (VERSION => {snapshot})"
    return f"SELECT {AGGREGATES} FROM lake.flights{when} GROUP BY ALL ORDER BY ALL"


def ours(ws: interlock.Workspace, snapshot: int | None = None) -> list[list[object]]:
    if snapshot is None:
        source = "flights"
    else:
        with ws.site.catalog.read() as rx:
            source = f"({scan.query(rx, 'flights', snapshot)})"
    found = ws.sql(f"SELECT {AGGREGATES} FROM {source} GROUP BY ALL ORDER BY ALL")
    return [list(row) for row in found.fetchall()]


def command(*words: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    line = [sys.executable, "-c", "from interlock.cli import main; main()", *words]
    return subprocess.run(
        line, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(root / "src")}
    )


def test_it_reads_the_same_rows_after_every_gate_action(
    workspace: Path, tmp_path: Path, stock: Stock
) -> None:
    with interlock.open(workspace) as ws:
        t = ws.table("flights")
        t.write(str(data(tmp_path, (1, 2))))
        t.write(str(data(tmp_path, (3, 3), bad=True)))
        t.release(day(3), "checked by hand")
        wider = f"SELECT *, 'new' AS note FROM '{data(tmp_path, (4, 4))}'"
        t.write(ws.sql(wider))
        t.backfill(str(data(tmp_path, (0, 6), (1, 6))))
        with ws.site.catalog.read() as rx:
            last = rx.connection.exec_driver_sql(
                "SELECT max(snapshot_id) FROM ducklake_snapshot"
            ).scalar_one()
            first = rx.connection.exec_driver_sql(
                "SELECT min(begin_snapshot) FROM ducklake_table"
            ).scalar_one()
        snapshots = [None, *range(first, last + 1)]
        seen = stock.run(ws.site.catalog, [rows(s) for s in snapshots])
        for snapshot, theirs in zip(snapshots, seen, strict=True):
            assert theirs == ours(ws, snapshot), snapshot
        versions = [{label: version for label, version, *_ in found} for found in seen]
    assert versions[0] == {day(0): 6, day(1): 6, day(2): 1, day(3): 3, day(4): 4}
    assert {day(0): 1, day(1): 1, day(2): 1} in versions
    assert {day(0): 1, day(1): 2, day(2): 1} in versions


def test_it_reads_only_the_partition_asked_for(workspace: Path, stock: Stock) -> None:
    query = f"EXPLAIN ANALYZE SELECT * FROM lake.flights WHERE day = DATE '{day(1)}'"
    (plan,) = stock.run(workspace / "catalog.sqlite", [query])
    assert "Total Files Read: 1" in str(plan)


def test_what_it_writes_past_the_gate_is_told_until_the_partition_is_written_again(
    workspace: Path, tmp_path: Path, stock: Stock
) -> None:
    stock.run(workspace / "catalog.sqlite", [PAST, DELETE])
    with interlock.open(workspace) as ws:
        assert [p.tables for p in ws.past_the_gate()] == [("flights",), ("flights",)]
        assert [f.what for f in ws.doctor() if not f.ok] == ["past the gate", "past the gate"]
        assert ws.sql("SELECT count(*) FROM flights WHERE version = 99").fetchall() == [(7,)]
        ws.table("flights").write(str(data(tmp_path, (1, 8))))
        assert len(ws.past_the_gate()) == 1, (
            "the rows that came past the gate are replaced with their partition"
        )
        ws.table("flights").write(str(data(tmp_path, (0, 9))))
        assert ws.past_the_gate() == []
        assert all(f.ok for f in ws.doctor())
        found = ours(ws)
    assert [(label, version) for label, version, *_ in found] == [(day(0), 9), (day(1), 8), (day(2), 1)]
    assert stock.run(workspace / "catalog.sqlite", [rows()]) == [found]


def test_check_and_doctor_report_it_on_the_command_line(workspace: Path, stock: Stock) -> None:
    assert command("doctor", "-w", str(workspace)).returncode == 0
    assert command("check", "-w", str(workspace)).returncode == 0
    stock.run(workspace / "catalog.sqlite", [PAST])
    checked = command("check", "--json", "-w", str(workspace))
    assert checked.returncode == 1, checked.stderr
    assert "flights past the gate" in json.loads(checked.stdout)["past_the_gate"][0]
    examined = command("doctor", "--json", "-w", str(workspace))
    assert examined.returncode == 1, examined.stderr
    assert [f["what"] for f in json.loads(examined.stdout) if not f["ok"]] == ["past the gate"]
