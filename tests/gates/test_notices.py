"""Notifications of alerts: once for a cause, again when it grows, and when it is over."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

import interlock
from interlock.catalog import triggers
from interlock.workspace import Workspace
from tests.gates.conftest import a_day, label
from tests.gates.test_trigger import Server, server

__all__ = ["server"]

RULES = """
      - {sql: delay >= 0, name: early, block: false, severity: ticket}
      - {sql: id >= 0, name: ids, block: false, severity: page}
      - {sql: "carrier <> 'XX'", name: carriers, block: false, severity: ticket}
"""


def project(
    folder: Path, server: Server, alerts: str = "{}", on: str = "alert", action: str = "notify"
) -> Workspace:
    """Tables ``flights`` and ``more`` whose alerts are told to the server."""
    scheme = "json" if action == "notify" else "http"
    table = (
        f"    partition: day\n    key: [id]\n    owner: ops\n    alerts: {alerts}\n    constraints:{RULES}"
        f"    triggers:\n      - {{on: {on}, {action}: '{scheme}://{server.address}/'}}\n"
    )
    (folder / "interlock.yaml").write_text(f"version: 1\ntables:\n  flights:\n{table}  more:\n{table}")
    return interlock.open(folder)


def early(number: int, rows: int = 3) -> pd.DataFrame:
    """A ticket."""
    return a_day(number, delay=[-1.0] * rows + [1.0] * (30 - rows))


def paged(number: int) -> pd.DataFrame:
    return a_day(number, id=range(-1, 29))


def titles(server: Server) -> list[str]:
    return [document["title"] for _, document in server.seen]


def bodies(server: Server) -> list[str]:
    return [document["message"] for _, document in server.seen]


def test_a_cause_is_told_once_while_it_lasts_and_when_it_is_over(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, server) as ws:
        t = ws.table("flights")
        for number in (1, 2, 3):
            t.write(early(number))
        assert titles(server) == [f"flights@{label(1)} published"]
        assert "A1, in 1 partition since" in bodies(server)[0]
        t.write(a_day(4))
        assert titles(server)[1:] == [f"flights@{label(4)} recovered"]
        assert bodies(server)[1].startswith("[recovered]")
        t.write(a_day(5))
        assert len(server.seen) == 2


def test_it_is_told_again_when_it_grows(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, server) as ws:
        for number, rows in ((1, 3), (2, 4), (3, 5), (4, 6)):
            ws.table("flights").write(early(number, rows))
    assert titles(server) == [f"flights@{label(n)} published" for n in (1, 3)]
    assert bodies(server)[1].startswith("[ticket, grown]")


def test_a_false_alarm_is_not_told_again(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, server) as ws:
        ws.table("flights").write(early(1))
        ws.alert("A1").false_alarm("early is fine")
        ws.table("flights").write(early(2))
    assert len(server.seen) == 1


def test_a_backfill_tells_only_of_what_is_still_open(tmp_path: Path, server: Server) -> None:
    days = [early(n) if n % 3 == 0 else a_day(n) for n in range(10)]
    with project(tmp_path, server) as ws:
        ws.table("flights").backfill(pd.concat(days))
        assert len(ws.alerts()) > 1
    assert titles(server) == [f"flights@{label(9)} published"]


def test_the_files_of_an_attached_table_tell_only_of_what_is_still_open(
    ws: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "lake"
    folder.mkdir()
    for number in range(6):
        (early(number) if number % 2 else a_day(number)).to_parquet(folder / f"{label(number)}.parquet")
    told: list[str] = []
    ws.on("alert", lambda verdict: told.append(verdict.partition))
    ws.attach("lake", folder / "*.parquet").require("delay >= 0", block=False).judge_new()
    assert told == [label(5)]


def test_functions_and_webhooks_hear_of_recovery_by_its_own_event(ws: Workspace) -> None:
    told: list[tuple[str, str]] = []
    for event in ("alert", "recovered"):
        ws.on(event, lambda v, event=event: told.append((event, v.partition)))
    t = ws.table("flights", partition="day").require("delay >= 0", block=False)
    for one in (early(0), early(1), a_day(2), a_day(3)):
        t.write(one)
    assert told == [("alert", label(0)), ("recovered", label(2))]


def test_a_webhook_gets_the_verdict_with_its_news(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, server, action="webhook") as ws:
        verdict = ws.table("flights").write(early(1))
    ((_, document),) = server.seen
    assert document["id"] == verdict.id
    assert [(n["id"], n["what"], n["severity"]) for n in document["news"]] == [("A1", "new", "ticket")]


# --- budget ---------------------------------------------------------------------------


def test_beyond_the_budget_of_an_owner_tickets_wait_for_the_digest(tmp_path: Path, server: Server) -> None:
    both = a_day(1, delay=[-1.0] * 30, carrier=["XX"] * 30)
    with project(tmp_path, server, "{budget: 1}") as ws:
        for name in ("flights", "more"):
            ws.table(name).write(both)
        assert len(server.seen) == 1, "one owner, one budget"
        ws.table("flights").write(paged(2))
        assert len(server.seen) == 2, "a page is never folded"
        assert bodies(server)[1].count("[page]") == bodies(server)[1].count("[recovered]") == 1
        folded = [a.id for a in ws.alerts() if a.record.told == "digest"]
        assert len(folded) == 3
        (waiting,) = [r for r in pending(ws) if r.get("digest")][:1]
        assert waiting["digest"]["owner"] == "ops"
        assert len([r for r in pending(ws) if r.get("digest")]) == 1, "one digest an address"
        pass_time(ws)
    server.seen.clear()
    with project(tmp_path, server, "{budget: 1}"):
        (title,) = titles(server)
    assert title.startswith("3 more alerts of ops in week ")
    assert all(id in bodies(server)[0] for id in folded)


def pending(ws: Workspace) -> list[dict[str, object]]:
    with ws.site.catalog.read() as rx:
        return [dict(run.trigger) for run in triggers.pending(rx)]


def pass_time(ws: Workspace) -> None:
    """As if everything that waits had waited long enough."""
    past = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).isoformat()
    with sqlite3.connect(ws.site.catalog.folder / "catalog.sqlite") as connection:
        for id, text in connection.execute("SELECT id, trigger FROM interlock_trigger_run").fetchall():
            trigger = json.loads(text)
            if "not_before" in trigger:
                trigger["not_before"] = past
                connection.execute(
                    "UPDATE interlock_trigger_run SET trigger = ? WHERE id = ?", (json.dumps(trigger), id)
                )


# --- quiet hours ----------------------------------------------------------------------


@pytest.fixture
def quiet() -> str:
    """Hours that hold now, whatever the time."""
    now = dt.datetime.now().astimezone()
    start, end = now - dt.timedelta(hours=2), now + dt.timedelta(hours=2)
    return f"{{quiet: '{start:%H:%M}-{end:%H:%M}'}}"


def test_a_ticket_waits_for_quiet_hours_to_end_and_a_page_does_not(
    tmp_path: Path, server: Server, quiet: str
) -> None:
    with project(tmp_path, server, quiet) as ws:
        ws.table("flights").write(early(1))
        assert server.seen == []
        assert [f.ok for f in ws.doctor() if f.what == "triggers"] == [True]
        ws.table("more").write(paged(1))
        assert len(server.seen) == 1
        pass_time(ws)
    with project(tmp_path, server, quiet):
        assert titles(server)[1:] == [f"flights@{label(1)} published"]


def test_what_is_over_before_quiet_hours_end_is_never_told(
    tmp_path: Path, server: Server, quiet: str
) -> None:
    with project(tmp_path, server, quiet) as ws:
        ws.table("flights").write(early(1))
        ws.table("flights").write(a_day(2))
        pass_time(ws)
    with project(tmp_path, server, quiet) as ws:
        assert server.seen == []
        assert pending(ws) == []


# --- cool-down ------------------------------------------------------------------------


def test_a_cause_that_comes_and_goes_is_one_alert_told_once(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, server, "{cooldown: 3d}") as ws:
        for number in range(1, 9):
            ws.table("flights").write(early(number) if number % 2 else a_day(number))
        (alert,) = ws.alerts()
    assert (alert.seen, alert.state) == (4, "recovered")
    assert [t.rpartition(" ")[2] for t in titles(server)].count("published") == 1
