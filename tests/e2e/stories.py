"""What the processes of these tests do to a workspace, and what must hold of it whatever happened.

Every row of the table ``flights`` says which version of its day it belongs to,
so that a mixture of two versions, or half of one, cannot look whole.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

import interlock
from interlock import settings
from interlock.catalog import lake, outbox, partitions, scan
from interlock.gates import fingerprint
from interlock.workspace import Workspace
from tests.processes import Tell

FIRST = dt.date(2013, 1, 1)
ROWS = 40
UNIT = 1000


def day(number: int) -> str:
    """The label of the n-th day."""
    return (FIRST + dt.timedelta(days=number)).isoformat()


def rows_of(version: int) -> int:
    """How many rows a version has: no two neighbours have the same number."""
    return ROWS + version % 7


def data(folder: Path, *days: tuple[int, int], bad: bool = False) -> Path:
    """A Parquet file of these (day number, version)s. ``bad`` breaks the constraint ``delay >= 0``."""
    with duckdb.connect() as connection:
        return _made(connection, folder, days, bad)


def data_of_each(folder: Path, versions: Iterable[tuple[int, int, bool]]) -> list[list[Any]]:
    """For each (day number, version, bad) a file: [day number, version, path], as `write_on` takes them."""
    with duckdb.connect() as connection:
        return [[n, v, str(_made(connection, folder, [(n, v)], bad))] for n, v, bad in versions]


def _made(
    connection: duckdb.DuckDBPyConnection, folder: Path, days: Sequence[tuple[int, int]], bad: bool
) -> Path:
    parts = [
        f"SELECT DATE '{day(n)}' AS day, i AS id, {v} AS version, (i * 3 + {v}) * {-1 if bad else 1} + 0.5 AS delay"
        f" FROM range({rows_of(v)}) t(i)"
        for n, v in days
    ]
    path = folder / f"data-{'-'.join(f'{n}.{v}' for n, v in days)}-{bad}.parquet"
    connection.execute(f"COPY ({' UNION ALL '.join(parts)}) TO '{path}' (FORMAT parquet)")
    return path


def prepare(place: str | Path, *, days: int = 3) -> None:
    """A workspace of some days of version 1, day 1 also with a version held in quarantine.

    In PostgreSQL it is a table there too, and `assert_whole` compares its rows.
    """
    with interlock.open(place) as ws:
        mirror = None if ws.site.catalog.local else f'"{ws.site.catalog.id}"'
        t = ws.table("flights", partition="day", key=["id"], postgres=mirror)
        t.require("delay >= 0")
        t.backfill(str(data(ws.path.parent, *((n, 1) for n in range(days)))))
        t.write(str(data(ws.path.parent, (1, 5), bad=True)))


# --- what processes do ----------------------------------------------------------------


def write(tell: Tell, folder: str, file: str) -> None:
    with interlock.open(folder) as ws:
        verdict = ws.table("flights").write(file)
        tell([verdict.partition, verdict.decision.value])


def write_and_die_copying(tell: Tell, folder: str, file: str) -> None:
    """Killed with half of the rows on their way to PostgreSQL."""
    from interlock.engines.postgres import guarded

    send = guarded._send

    def half(driver: Any, path: Path, into: str) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: len(lines) // 2]))
        send(driver, path, into)
        os.kill(os.getpid(), signal.SIGKILL)

    guarded._send = half
    with interlock.open(folder) as ws:
        tell([ws.table("flights").write(file).partition])


def backfill(tell: Tell, folder: str, file: str) -> None:
    with interlock.open(folder) as ws:
        for verdict in ws.table("flights").backfill(file):
            tell([verdict.partition, verdict.decision.value])


def release(tell: Tell, folder: str, label: str) -> None:
    with interlock.open(folder) as ws:
        ws.table("flights").release(label, "checked by hand")
        tell([label, "published"])


def drop(tell: Tell, folder: str, label: str) -> None:
    with interlock.open(folder) as ws:
        ws.table("flights").drop(label, "not worth keeping")
        tell([label, "dropped"])


def judge_new(tell: Tell, folder: str, glob: str) -> None:
    with interlock.open(folder) as ws:
        for verdict in ws.attach("lake", glob).judge_new():
            tell([verdict.partition, verdict.decision.value])


def create(tell: Tell, folder: str) -> None:
    with interlock.open(folder) as ws:
        ws.table("flights", partition="day", key=["id"])
    tell("made")


def write_on(tell: Tell, folder: str, files: list[list[Any]]) -> None:
    """Write one file after the other: each is (day number, version, path)."""
    with interlock.open(folder) as ws:
        t = ws.table("flights")
        for number, version, file in files:
            verdict = t.write(file)
            tell([number, version, verdict.decision.value])


def read_on(tell: Tell, folder: str, until: str) -> None:
    """Read until a file appears, telling every (day, versions, rows) that is not whole, then how often it read."""
    reads = 0
    seen: dict[str, int] = {}
    with interlock.open(folder) as ws:
        while not Path(until).exists() or reads < 3:
            found = versions_read(ws)
            lost = seen.keys() - found.keys()
            if lost:
                tell(["lost", sorted(lost)])
            seen = found
            reads += 1
    tell(["reads", reads])


def check_on(tell: Tell, folder: str, file: str, until: str) -> None:
    """Judge the same file until another appears."""
    checks = 0
    with interlock.open(folder) as ws:
        t = ws.table("flights")
        while not Path(until).exists() or checks < 3:
            verdict = t.check(file)
            if verdict.outcome.value != "pass" or verdict.stored:
                tell(["wrong", verdict.to_dict()])
            checks += 1
    tell(["checks", checks])


def hold(tell: Tell, folder: str, until: str) -> None:
    """Hold the lock of the writers of ``flights`` until a file appears."""
    from interlock.gates.commit import one_writer

    with interlock.open(folder) as ws, one_writer(ws.site, "flights"):
        tell("held")
        while not Path(until).exists():
            time.sleep(0.005)


def impatient(tell: Tell, folder: str, file: str, timeout_s: float) -> None:
    with settings.override(lock_timeout_s=timeout_s), interlock.open(folder) as ws:
        try:
            tell(ws.table("flights").write(file).decision.value)
        except interlock.InterlockError as error:
            tell(error.to_dict())


# --- what must hold -------------------------------------------------------------------


def versions_read(ws: Workspace) -> dict[str, int]:
    """Day → version of what readers see, from one query; each must be whole, and there once."""
    query = "SELECT day::VARCHAR, min(version), max(version), count(*), count(DISTINCT id) FROM flights GROUP BY day"
    found = {}
    for label, low, high, count, ids in ws.sql(query).fetchall():
        assert low == high, f"{label} is a mixture of versions {low} to {high}"
        assert count == ids == rows_of(low), f"{label} of version {low} has {count} rows, not {rows_of(low)}"
        found[label] = low
    return found


def assert_whole(folder: str | Path) -> tuple[dict[str, int], tuple[str, ...]]:
    """Open what a process left behind: everything agrees. Returns day → version, and what was recovered."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with interlock.open(folder) as ws:
            recovered = ws.recovered
            found = versions_read(ws) if has_data(ws) else {}
            assert_catalog_agrees(ws, found)
            bad = [f for f in ws.doctor(data=True) if not f.ok]
            assert not bad, bad
            report = ws.verify_ledger()
            assert report.ok, report.problems
            assert not report.notes, report.notes
    with interlock.open(folder) as ws:
        assert ws.recovered == (), "the second start has nothing left to do"
    return found, recovered


def has_data(ws: Workspace) -> bool:
    return any(t.name == "flights" and not t.attached and t.partitions() for t in ws.tables())


def assert_catalog_agrees(ws: Workspace, found: Mapping[str, int]) -> None:
    """Partitions, lake files, verdicts, outbox and folders say the same."""
    with ws.site.catalog.read() as rx:
        every = partitions.all_(rx)
        current = partitions.current(rx, "flights")
        known = [t.name for t in ws.tables() if t.record.lake_table_id is not None]
        listed = {f.id: f for name in known for f in lake.files(rx, name)}
        scanned = scan.query(rx, "flights") if known else None
        pending = outbox.pending(rx)
    assert [p.label for p in current] == sorted(found), "a partition is there twice, or not seen by readers"
    assert sorted(listed) == sorted(p.data_file_id for p in current if p.data_file_id is not None)
    if scanned is not None:
        with duckdb.connect() as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM ({scanned})").fetchone() or (None,)
        assert count == sum(p.rows for p in current)
    judged = {v["id"]: v for v in ws.verdicts()}
    assert all(p.verdict_id in judged for p in every)
    assert not pending
    kept = {ws.path / p.path for p in every if p.path and not fingerprint.is_of_time(p.digest)}
    there = {f for place in ("data", "quarantine") for f in (ws.path / place).rglob("*") if f.is_file()}
    assert there == kept, "files nobody refers to, or none where one should be"
    assert not [p for p in ws.site.staging.glob("*") if p.is_dir()], "something was left in staging"
    assert not list(ws.path.rglob("*.tmp"))
