"""``interlock alerts``: what is wrong, since when, and what people say of it."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import DAYS, people, save

FIRST, SECOND, THIRD = "2024-01-31", "2024-02-01", "2024-02-02"


@pytest.fixture
def broken(run, workspace):
    """Three days; on the first two ages are negative. ``A…`` of that alert."""
    for day, table in ((0, "-age"), (1, "-age")):
        query = f"SELECT * REPLACE ({table} AS age) FROM ({people(DAYS + day)})"
        run("write", "people", save(query, workspace / f"{day}.parquet"))
    return next(a["id"] for a in run("alerts", "list", "--json").json["alerts"] if a["last"] == SECOND)


def test_list_fits_a_hundred_columns_and_says_what_since_when_how_often(run, broken):
    said = run("alerts", "list")

    assert max(map(len, said.out.splitlines())) <= 100
    (line,) = [x for x in said.out.splitlines() if x.startswith(broken)]
    assert line.split()[:6] == [broken, "page", "open", "2", FIRST, "people"]
    assert "age is negative" in line
    assert f"next: interlock alerts show {broken}" in said.out


def test_show_says_everything_a_person_asks(run, broken):
    said = run("alerts", "show", broken).out

    for words in (
        f"{broken}  open  people",
        f"since     {FIRST}, last in {SECOND}; seen in 2 partitions",
        "times what counts as an alarm",
        "a sign changed",
        "expected",
        "▁",
        "before,",
        "next: interlock profile",
        f"interlock alerts useful {broken}",
        f"interlock alerts false-alarm {broken} --reason",
    ):
        assert words in said, words


def test_show_as_json_has_violations_history_and_cause(run, broken):
    document = run("alerts", "show", broken, "--json").json

    assert (document["id"], document["kind"], document["seen"]) == (broken, "negated", 2)
    assert document["violations"][0]["column"] == "age"
    assert len(document["history"]) > 7
    assert document["precision"] == {"precision": None, "useful": 0, "false_alarms": 0}


def test_a_write_names_the_alert_it_continues(run, workspace, broken):
    query = f"SELECT * REPLACE (-age AS age) FROM ({people(DAYS + 2)})"
    said = run("write", "people", save(query, workspace / "third.parquet"))

    assert broken in said.out
    assert f"goes on: seen in 3 partitions since {FIRST}" in said.out


def test_a_false_alarm_is_a_note_from_then_on(run, workspace, broken):
    said = run("alerts", "false-alarm", broken, "--reason", "a test")
    query = f"SELECT * REPLACE (-age AS age) FROM ({people(DAYS + 2)})"
    third = save(query, workspace / "third.parquet")
    checked = run("check", "people", third, "--strict", "--json")
    written = run("write", "people", third)

    assert said.out.startswith(f"{broken} is a false alarm, quiet until ")
    assert checked.status == 0, "a note is no alert"
    assert f"by the false alarm {broken}: a test" in " ".join(written.out.split())
    assert "silenced 1 time so far" in run("alerts", "show", broken).out


def test_precision_is_shown_with_its_counts(run, broken):
    run("alerts", "useful", broken)

    assert (
        "people: 100% of its alerts were worth a look: 1 useful, 0 false alarms" in run("alerts", "list").out
    )
    assert run("alerts", "list", "--json").json["precision"] == {
        "people": {"precision": 1.0, "useful": 1, "false_alarms": 0}
    }


def test_acting_as_json_gives_the_alert_as_it_is_then(run, broken):
    document = run("alerts", "ack", broken, "-r", "mine", "--json").json

    assert (document["action"], document["state"], document["reason"]) == ("ack", "acknowledged", "mine")
    assert run("alerts", "close", broken, "--json").json["state"] == "closed"
    assert broken not in json.dumps(run("alerts", "list", "--open", "--json").json)


@pytest.mark.parametrize("command", ["show", "ack", "useful", "close"])
def test_an_unknown_id_is_a_coded_error(run, broken, command):
    said = run("alerts", command, f"{broken}0", "--json")

    assert (said.status, said.json["error"]) == (2, "IL510")
    assert said.json["hint"].startswith("did you mean 'A")


def test_closing_twice_says_who_did(run, broken):
    run("alerts", "close", broken, "-r", "mended")
    said = run("alerts", "close", broken, "--json")

    assert (said.status, said.json["error"]) == (2, "IL511")
    assert "mended" in said.json["message"]


def test_a_false_alarm_needs_a_reason(run, broken):
    assert run("alerts", "false-alarm", broken, "--json").json["error"] == "IL100"
    assert run("alerts", "false-alarm", broken, "-r", " ", "--json").json["error"] == "IL100"


def test_no_alerts_is_said(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("init")

    assert run("alerts", "list").out == "no alerts\n"
    assert run("alerts", "list", "--json").json == {"alerts": [], "precision": {}}


CONTRACT = """
version: 1
tables:
  people:
    partition: day
    alerts: {budget: 1}
    constraints:
      - {sql: age < 30, name: young, block: false, severity: ticket}
      - {sql: amount < 10, name: poor, block: false, severity: ticket}
      - {sql: "city <> 'Ulm'", name: elsewhere, block: false, severity: ticket}
"""


def test_tickets_beyond_the_budget_are_one_line(run, workspace):
    (workspace / "interlock.yaml").write_text(CONTRACT)
    run("write", "people", save(people(DAYS), workspace / "good.parquet"))

    said, every = run("alerts", "list", "--open"), run("alerts", "list", "--open", "--all")
    told = [a["told"] for a in run("alerts", "list", "--open", "--json").json["alerts"]]

    assert sorted(told) == ["digest", "digest", "now"]
    assert "digest  2 more tickets beyond the week's budget: A" in said.out
    assert "digest" not in every.out
    assert len(every.out.splitlines()) > len(said.out.splitlines())
