"""``interlock backtest`` and what a score means, as commands say it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from tests.cli.conftest import Run, people, save


def test_a_backtest_says_cost_catch_and_proposal(run: Run, workspace: Path) -> None:
    shown = run("backtest", "people", "-n", 2, "-o", "plot.svg")
    assert shown.status == 0, shown.err
    for word in (
        "alerts a week",
        "faults caught",
        "right column first",
        "proposed:",
        "7 among the first seven",
    ):
        assert word in shown.out
    drawn = ET.fromstring((workspace / "plot.svg").read_text())
    assert len(drawn.findall("{http://www.w3.org/2000/svg}circle")) == 3
    found = run("backtest", "people", "-n", 2, "-s", "low", "-s", "6", "--json").json
    assert [level["sensitivity"] for level in found["levels"]] == ["low", 6.0, "normal"]
    assert found["levels"][0]["clean"] == 23


def test_too_short_a_history_is_inconclusive(run: Run, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    past = save(" UNION ALL ".join(people(day) for day in range(9)), tmp_path / "past.parquet")
    assert run("init", past, "-t", "people", "-p", "day").status == 0
    refused = run("backtest", "people", "--json")
    assert (refused.status, refused.json["error"]) == (3, "IL409")


def test_a_wrong_sensitivity_is_a_usage_error(run: Run, workspace: Path) -> None:
    refused = run("backtest", "people", "-s", "hihg", "--json")
    assert (refused.status, refused.json["error"]) == (2, "IL100")
    assert "high" in refused.json["hint"]


def test_an_alert_says_how_often_a_clean_table_would_raise_it(run: Run, workspace: Path) -> None:
    wrong = save(f"SELECT * REPLACE (amount * 100 AS amount) FROM ({people(30)})", workspace / "new.parquet")
    assert "a clean table would do this less than once in 100 years" in run("write", "people", wrong).out
    (known, *_) = run("alerts", "list", "--json").json["alerts"]
    assert run("alerts", "show", known["id"]).out.count("a clean table would do this") == 1
    alert = run("alerts", "show", known["id"], "--json").json
    assert alert["false_alarms_per_year"] == 0.01
    assert all(v["false_alarms_per_year"] >= 0.01 for v in alert["violations"])
