"""``interlock sensitivity``: what is in force, who said so, what it means; never a setting that nobody hears."""

from __future__ import annotations

from pathlib import Path

import pytest

import interlock
from tests.cli.conftest import Run

CONTRACT = "version: 1\ntables:\n  people:\n    sensitivity: high\n"


def test_a_new_table_is_normal_and_told_in_false_alarms_a_year(run: Run, workspace: Path) -> None:
    said = run("sensitivity", "people")
    assert said.status == 0
    assert "people: normal (nobody chose another)" in said.out
    assert "one false alarm in 600 clean partitions: about 0.61 a year, at 365 partitions a year" in said.out
    assert "what no past shows comes on top" in said.out
    assert "interlock backtest people" in said.out


@pytest.mark.parametrize(
    ("value", "kept", "a_year"),
    [("low", "low", 0.152), ("high", "high", 2.435), ("3", 3.0, 3.0), ("0.5", 0.5, 0.5)],
)
def test_what_is_set_is_in_force_and_in_the_ledger(
    run: Run, workspace: Path, value: str, kept: object, a_year: float
) -> None:
    said = run("sensitivity", "people", value, "--json").json
    assert said == {
        "table": "people",
        "sensitivity": kept,
        "from": "workspace",
        "false_alarms_per_year": a_year,
        "partitions_per_year": 365.2,
    }
    assert run("sensitivity", "people", "--json").json == said
    with interlock.open(workspace) as ws:
        (entry,) = ws.ledger_entries(1)
    assert (entry["kind"], entry["sensitivity"]) == ("sensitivity", kept)


def test_a_number_is_said_as_what_it_is(run: Run, workspace: Path) -> None:
    assert "people: 3 false alarms a year (set in this workspace)" in run("sensitivity", "people", "3").out
    assert "people: 1 false alarm a year" in run("sensitivity", "people", "1").out


def test_where_the_contract_says_one_the_command_says_so_and_sets_no_other(run: Run, workspace: Path) -> None:
    run("sensitivity", "people", "low")
    (workspace / "interlock.yaml").write_text(CONTRACT)
    assert "people: high (interlock.yaml says so)" in run("sensitivity", "people").out
    refused = run("sensitivity", "people", "normal")
    assert refused.status == 2
    assert "interlock.yaml sets the sensitivity of people to high" in refused.err
    assert "write `sensitivity: normal` under people there" in refused.err
    assert run("sensitivity", "people", "high").status == 0, "that is so already"
    (workspace / "interlock.yaml").write_text("version: 1\ntables: {}\n")
    assert run("sensitivity", "people", "--json").json["sensitivity"] == "high"


@pytest.mark.parametrize("value", ["loud", "0", "nan"])
def test_what_is_no_sensitivity_is_refused(run: Run, workspace: Path, value: str) -> None:
    refused = run("sensitivity", "people", value)
    assert refused.status == 2
    assert "IL100" in refused.err
    assert run("sensitivity", "people", "--json").json["from"] == "default"
