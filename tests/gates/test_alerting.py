"""Alerts from verdict to verdict: kept in the catalog, acted on by people, vouched for by the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import event

import interlock
from interlock.catalog import Catalog, alerts
from interlock.errors import AlertClosed, AlertNotFound
from interlock.settings import override
from interlock.workspace import Table, Workspace
from tests.gates.conftest import a_day, label


@pytest.fixture
def shadow(ws: Workspace) -> Table:
    """A rule that alerts and does not block."""
    return ws.table("flights", partition="day", key=["id"]).require(
        "delay >= 0", block=False, severity="ticket", name="no_early_birds"
    )


def bad(number: int, rows: int = 3) -> pd.DataFrame:
    """A day with some negative delays."""
    return a_day(number, delay=[-1.0] * rows + [1.0] * (30 - rows))


def lives(ws: Workspace) -> list[tuple[str, str, str, int]]:
    return [(a.id, a.state, a.first, a.seen) for a in sorted(ws.alerts(), key=lambda a: a.id)]


def test_a_fault_of_three_days_is_one_alert_that_ends_with_the_fourth(ws: Workspace, shadow: Table) -> None:
    shadow.write(a_day(0))
    told = [shadow.write(bad(d)).alerts[0] for d in (1, 2, 3)]
    assert [(a.id, a.seen) for a in told] == [("A1", 1), ("A1", 2), ("A1", 3)]
    assert ws.verdicts(limit=1)[0]["alerts"][0]["id"] == "A1", "and so it is stored"
    shadow.write(a_day(4))
    assert lives(ws) == [("A1", "recovered", label(1), 3)]


def test_a_blocked_partition_that_comes_again_mended_ends_its_alert(ws: Workspace, flights: Table) -> None:
    assert flights.write(bad(0)).decision == "quarantined"
    flights.write(a_day(0))
    assert lives(ws) == [("A1", "recovered", label(0), 1)]


def test_a_backfill_leaves_the_alerts_it_would_have_left_day_by_day(tmp_path: Path) -> None:
    days = [bad(d) if d in (2, 3, 7, 8) else a_day(d) for d in range(10)]
    found = []
    for name in ("at once", "one by one"):
        with interlock.open(tmp_path / name) as ws:
            t = ws.table("flights", partition="day", key=["id"]).require("delay >= 0", block=False)
            if name == "at once":
                t.backfill(pd.concat(days))
            else:
                for one in days:
                    t.write(one)
            found.append(lives(ws))
    assert found[0] == found[1] == [("A1", "recovered", label(2), 2), ("A2", "recovered", label(7), 2)]


def test_an_attached_table_has_the_same_life(ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    folder.mkdir()
    table = ws.attach("lake", folder / "*.parquet").require("delay >= 0", block=False)
    for number in range(4):
        (bad(number) if number in (1, 2) else a_day(number)).to_parquet(folder / f"{label(number)}.parquet")
        table.judge_new()
    assert lives(ws) == [("A1", "recovered", label(1), 2)]


def test_a_check_says_what_it_would_continue_and_stores_nothing(ws: Workspace, shadow: Table) -> None:
    assert shadow.check(bad(1)).alerts[0].id is None
    shadow.write(bad(1))
    told = shadow.check(bad(2)).alerts[0]
    assert (told.id, told.seen) == ("A1", 2)
    assert lives(ws) == [("A1", "open", label(1), 1)]


def test_a_false_alarm_keeps_it_quiet_until_it_grows(ws: Workspace, shadow: Table) -> None:
    shadow.write(bad(0))
    ws.alert("a1").false_alarm("they are early, that is fine")
    quiet = shadow.write(bad(1))
    assert [(a.severity.value, a.state, a.id) for a in quiet.alerts] == [("info", "silenced", "A1")]
    assert len(quiet.violations) == 1
    grown = shadow.write(bad(2, rows=6))
    assert [(a.severity.value, a.state, a.id) for a in grown.alerts] == [("ticket", "open", "A2")]
    assert ws.precision() == {"flights": interlock.alerts.feedback.Precision(0, 1)}


def test_what_blocks_is_never_silenced(ws: Workspace, flights: Table) -> None:
    flights.write(bad(0))
    ws.alert("A1").false_alarm("we do not care")
    verdict = flights.write(bad(1))
    assert verdict.decision == "quarantined"
    assert [a.severity.value for a in verdict.alerts] == ["page"]


def test_a_silence_lasts_as_long_as_the_setting_says(ws: Workspace, shadow: Table) -> None:
    shadow.write(bad(0))
    with override(alert_silence_days=0):
        known = ws.alert("A1").false_alarm("for now")
    assert known.record.quiet_until is not None
    assert known.record.quiet_until <= dt.datetime.now(dt.UTC)
    assert shadow.write(bad(1)).alerts[0].state == "open"


def test_every_action_is_in_the_ledger_with_who_and_why(ws: Workspace, shadow: Table) -> None:
    shadow.write(bad(0))
    ws.alert("A1").ack("looking")
    ws.alert("A1").useful("a sensor was broken")
    ws.alert("A1").close("mended")
    told = [e for e in ws.ledger_entries() if e["kind"] == "alert"]
    assert [(e["alert"], e["action"], e["reason"], e["who"]) for e in told] == [
        ("A1", "ack", "looking", ws.user),
        ("A1", "useful", "a sensor was broken", ws.user),
        ("A1", "close", "mended", ws.user),
    ]
    assert told[0]["cause"] == "unexplained:delay"
    assert ws.verify_ledger().ok


@pytest.mark.parametrize(
    "change",
    ["quiet_until = '2999-01-01T00:00:00.000000+00:00'", "feedback = 'useful', who = 'eve'"],
)
def test_what_nobody_said_is_detected(ws: Workspace, shadow: Table, change: str) -> None:
    shadow.write(bad(0))
    shadow.write(a_day(1))
    with ws.site.catalog.write() as tx:
        tx.connection.exec_driver_sql(f"UPDATE interlock_alert SET {change}")
    (problem,) = ws.verify_ledger().problems
    assert "what was said of alert A1 is in no entry" in str(problem)


def test_a_silence_prolonged_past_the_gate_is_detected(ws: Workspace, shadow: Table) -> None:
    shadow.write(bad(0))
    ws.alert("A1").false_alarm("why not")
    with ws.site.catalog.write() as tx:
        tx.connection.exec_driver_sql(
            "UPDATE interlock_alert SET quiet_until = '2999-01-01T00:00:00.000000+00:00'"
        )
    (problem,) = ws.verify_ledger().problems
    assert "alert A1 is not what its entry says" in str(problem)


def test_of_two_who_close_it_the_second_is_told_of_the_first(
    ws: Workspace, shadow: Table, place: str
) -> None:
    shadow.write(bad(0))
    with interlock.open(place) as other:
        mine, theirs = ws.alert("A1"), other.alert("A1")
        theirs.close("I was first")
        with pytest.raises(AlertClosed, match="I was first"):
            mine.close("so was I")
    assert [e["reason"] for e in ws.ledger_entries() if e["kind"] == "alert"] == ["I was first"]


def test_a_verdict_and_an_action_at_once_both_count(ws: Workspace, shadow: Table, place: str) -> None:
    shadow.write(bad(0))
    with interlock.open(place) as other:
        other.alert("A1").ack()
        told = shadow.write(bad(1)).alerts[0]
    assert (told.id, told.state, told.seen) == ("A1", "acknowledged", 2)


@pytest.mark.parametrize("id", ["A12", "B1", "", "A99999999999999999999", "٣"])
def test_an_unknown_id_suggests_the_nearest(ws: Workspace, shadow: Table, id: str) -> None:
    shadow.write(bad(0))
    with pytest.raises(AlertNotFound) as failed:
        ws.alert(id)
    assert failed.value.code == "IL510"
    assert failed.value.hint


@pytest.fixture
def statements(ws: Workspace) -> Iterator[list[str]]:
    """What is said to the catalog about alerts."""
    said: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        if "interlock_alert" in statement:
            said.append(statement.split()[0])

    engine = ws.site.catalog.database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


def test_a_backfill_says_no_more_to_the_catalog_than_a_day(
    ws: Workspace, shadow: Table, statements: list[str]
) -> None:
    shadow.write(bad(0))
    one = len(statements)
    statements.clear()
    shadow.backfill(pd.concat([bad(d) if d % 4 == 1 else a_day(d) for d in range(1, 20)]))
    assert len(statements) == one
    assert len(lives(ws)) == 5


def test_ids_count_on_after_a_restart(ws: Workspace, shadow: Table, place: str) -> None:
    shadow.write(bad(0))
    with Catalog.open(place) as catalog, catalog.read() as rx:
        assert (alerts.next_id(rx), alerts.ids(rx)) == (2, [1])
