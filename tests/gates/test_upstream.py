"""One fault upstream of several tables: one alert, told once, over when all of them are healthy again."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import interlock
from interlock.workspace import Workspace
from interlock.workspace.alerts import KnownAlert
from tests.cli.conftest import Run, run
from tests.gates.test_trigger import Server, server
from tests.processes import Nursery, Tell

__all__ = ["run", "server"]

FIRST = dt.date(2024, 1, 1)
TABLES = ("customers", "orders", "visits")
HISTORY, ROWS = 24, 200
FAULT = range(HISTORY, HISTORY + 5)
AFTER = HISTORY + 5


def a_day(table: str, number: int) -> pd.DataFrame:
    """Thirteen columns (one table has fourteen) of amounts, counts and states; day and id."""
    draw = np.random.default_rng([TABLES.index(table), number])
    columns: dict[str, object] = {
        "day": [FIRST + dt.timedelta(days=number)] * ROWS,
        "id": np.arange(ROWS) + number * ROWS,
    }
    for i in range(6):
        columns[f"{table}_amount{i}"] = np.round(draw.normal(1000 * (i + 1), 50, ROWS), 2)
    for i in range(5 if table == "orders" else 4):
        columns[f"{table}_count{i}"] = draw.permutation(np.arange(ROWS) % 12 + 2)
    for i in range(3):
        columns[f"{table}_state{i}"] = draw.permutation([f"s{i}{j % 4}" for j in range(ROWS)])
    return pd.DataFrame(columns)


def measured(frame: pd.DataFrame, *kinds: str) -> list[str]:
    return [c for c in frame if any(k in c for k in kinds or ("amount", "count", "state"))]


def dead(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**dict.fromkeys(measured(frame)))


def in_cents(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{c: frame[c] * 100 for c in measured(frame, "amount", "count")})


def defaulted(frame: pd.DataFrame) -> pd.DataFrame:
    half = frame["id"] % 2 == 0
    return frame.assign(
        **{c: frame[c].mask(half, "-1" if "state" in c else -1) for c in measured(frame)}  # type: ignore[call-overload]
    )


def frozen(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{c: frame[c].iloc[0] for c in measured(frame)})


def cut_off(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.head(ROWS // 5)


Fault = Callable[[pd.DataFrame], pd.DataFrame]
FAULTS: dict[str, tuple[Fault, str, int | None]] = {
    "the feed is dead": (dead, "nulls", 40),
    "another unit": (in_cents, "unit", 31),
    "a default": (defaulted, "default", 40),
    "frozen": (frozen, "frozen", 40),
    "late": (cut_off, "truncated", None),
}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of three tables with a quiet past of 24 days; no source is declared."""
    folder = tmp_path_factory.mktemp("past")
    contract(folder, source="")
    with interlock.open(folder) as ws:
        for table in TABLES:
            ws.table(table).backfill(pd.concat([a_day(table, n) for n in range(HISTORY)]))
        assert ws.alerts() == []
    return folder


def contract(folder: Path, source: str = "source: crm", notify: str = "", *, enforce: bool = False) -> None:
    said = f"    triggers:\n      - {{on: alert, notify: '{notify}'}}\n" if notify else ""
    more = (f"    {source}\n" if source else "") + ("    enforce: true\n" if enforce else "")
    text = "".join(f"  {t}:\n    partition: day\n    key: [id]\n{more}{said}" for t in TABLES)
    (folder / "interlock.yaml").write_text(f"version: 1\ntables:\n{text}")


@pytest.fixture
def project(past: Path, tmp_path: Path, server: Server) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(past, folder)
    contract(folder, notify=f"json://{server.address}/")
    return folder


@pytest.fixture
def ws(project: Path) -> Iterator[Workspace]:
    with interlock.open(project) as opened:
        yield opened


def write(ws: Workspace, fault: Fault, *days: int, tables: tuple[str, ...] = TABLES) -> None:
    """Day after day, table after table."""
    for number in days:
        for table in tables:
            ws.table(table).write(fault(a_day(table, number)))


def healthy(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def told(server: Server) -> list[str]:
    return [document["title"].rpartition(" ")[2] for _, document in server.seen]


def opened(ws: Workspace) -> list[KnownAlert]:
    return ws.alerts(limit=None, only_open=True)


@pytest.mark.parametrize("fault", FAULTS)
def test_five_days_of_one_fault_in_three_tables_are_one_alert_told_once(
    project: Path, server: Server, run: Run, fault: str
) -> None:
    contract(project, notify=f"json://{server.address}/", enforce=True)
    with interlock.open(project) as ws:
        _five_days(ws, server, project, run, *FAULTS[fault])


def _five_days(
    ws: Workspace, server: Server, project: Path, run: Run, act: Fault, kind: str, columns: int | None
) -> None:
    write(ws, act, *FAULT)
    (alert,) = ws.alerts(limit=None)
    assert (alert.record.kind, alert.tables, alert.state) == (kind, TABLES, "open")
    assert (alert.first, alert.seen, alert.standing) == ("2024-01-25", 5, "still broken, day 5")
    if columns is not None:
        assert sum(len(p.columns) for p in alert.record.parts) == columns
        assert f"{columns} columns of 3 tables from crm" in alert.title
    assert told(server) == ["quarantined"], "told once, by the first table"
    listed = run("alerts", "list", "-w", project, columns=200).out
    assert listed.count("A1") == 2, "its line, and the next command"
    assert "still broken, day 5" in listed
    write(ws, healthy, AFTER, tables=TABLES[:2])
    assert [a.id for a in opened(ws)] == ["A1"], "one of its tables is still broken"
    write(ws, healthy, AFTER, tables=TABLES[2:])
    assert ws.alert("A1").state == "recovered"
    assert told(server) == ["quarantined", "recovered"], "one message when all are healthy"


@pytest.mark.parametrize("fault", FAULTS)
def test_five_days_in_shadow_teach_nothing_the_days_after_are_quiet(project: Path, fault: str) -> None:
    act = FAULTS[fault][0]
    with interlock.open(project) as ws:
        write(ws, act, *FAULT)
        for number in range(AFTER, AFTER + 3):
            for table in TABLES:
                verdict = ws.table(table).write(a_day(table, number))
                loud = [v.observed for a in verdict.alerts for v in a.violations]
                assert not loud, f"{table}, {number - AFTER + 1} days after"
        assert opened(ws) == []
        assert {a.state for a in ws.alerts(limit=None)} == {"recovered"}


def test_the_order_in_which_tables_come_does_not_matter(ws: Workspace, server: Server) -> None:
    for table in TABLES:
        write(ws, dead, *FAULT, tables=(table,))
    (alert,) = ws.alerts(limit=None)
    assert (alert.seen, len(alert.tables)) == (5, 3)
    for table in TABLES:
        write(ws, healthy, AFTER, tables=(table,))
    assert told(server) == ["published", "recovered"]


def test_what_broke_where_and_since_when_is_shown_and_is_in_the_json(
    ws: Workspace, project: Path, run: Run
) -> None:
    write(ws, dead, *FAULT[:2])
    shown = run("alerts", "show", "A1", "-w", project, columns=200).out
    for said in ("customers", "orders", "visits", "2024-01-25", "still broken, day 2", "updated", "crm"):
        assert said in shown
    document = run("alerts", "show", "A1", "--json", "-w", project).json
    assert [(t["table"], len(t["columns"]), t["first"]) for t in document["tables"]] == [
        ("customers", 13, "2024-01-25"),
        ("orders", 14, "2024-01-25"),
        ("visits", 13, "2024-01-25"),
    ]
    assert {v["table"] for v in document["violations"]} == set(TABLES)


def test_people_act_on_the_one_alert_and_it_is_so_in_every_table(ws: Workspace, server: Server) -> None:
    write(ws, dead, FAULT[0])
    ws.alert("A1").ack("on it")
    write(ws, dead, FAULT[1])
    assert [(a.id, a.state) for a in ws.alerts()] == [("A1", "acknowledged")]
    ws.alert("A1").false_alarm("the CRM moves house this week")
    write(ws, dead, *FAULT[2:4])
    assert opened(ws) == [], "quiet in every table"
    assert ws.alert("A1").record.silenced == 6
    assert len(server.seen) == 1


def test_closed_by_a_person_it_is_over_in_every_table(ws: Workspace) -> None:
    write(ws, dead, FAULT[0])
    assert ws.alert("A1").close("mended").state == "closed"
    write(ws, healthy, FAULT[1])
    assert opened(ws) == []


def test_unrelated_breaks_of_the_same_day_stay_two(ws: Workspace) -> None:
    write(ws, dead, FAULT[0], tables=("customers",))
    write(ws, in_cents, FAULT[0], tables=("orders",))
    assert [(a.id, a.tables) for a in ws.alerts()] == [("A2", ("orders",)), ("A1", ("customers",))]


def test_one_column_each_that_nobody_can_explain_is_no_common_fault(ws: Workspace) -> None:
    for table in TABLES[:2]:
        day = a_day(table, FAULT[0])
        column = f"{table}_amount0"
        ws.table(table).write(day.assign(**{column: day[column] + 300}))
    assert len(opened(ws)) == 2


def test_the_same_kind_of_fault_that_begins_days_later_is_another(ws: Workspace) -> None:
    write(ws, dead, *FAULT[:4], tables=("customers",))
    write(ws, healthy, *FAULT[:3], tables=("orders",))
    write(ws, dead, FAULT[3], tables=("orders",))
    assert len(opened(ws)) == 2, "it would be hidden behind one that everybody knows of"


def test_without_a_common_source_each_table_has_its_own(past: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(past, folder)
    with interlock.open(folder) as ws:
        ws.table("customers", source="crm")
        write(ws, dead, *FAULT[:2])
        assert [len(a.tables) for a in opened(ws)] == [1, 1, 1], "and within a table thirteen columns are one"


def test_a_source_may_be_named_in_python(past: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(past, folder)
    with interlock.open(folder) as ws:
        for table in TABLES:
            assert ws.table(table, source="crm").source == "crm"
        write(ws, dead, FAULT[0])
        assert [a.tables for a in opened(ws)] == [TABLES]


def broken_day(tell: Tell, folder: str, table: str, number: int) -> None:
    with interlock.open(folder) as ws:
        verdict = ws.table(table).write(dead(a_day(table, number)))
        tell([a.id for a in verdict.alerts])


def test_processes_that_write_the_tables_at_once_open_one_alert(project: Path, nursery: Nursery) -> None:
    for number in FAULT[:2]:
        running = [nursery.start(broken_day, folder=project, table=t, number=number) for t in TABLES]
        assert [r.ends().told for r in running] == [(["A1"],)] * 3
    with interlock.open(project) as ws:
        assert [(a.id, a.seen, len(a.tables)) for a in ws.alerts()] == [("A1", 2, 3)]
