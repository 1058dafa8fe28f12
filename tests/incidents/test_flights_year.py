"""The year of flights, as `interlock demo` tells it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import interlock
from interlock.incidents import flights, flights_year


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> flights_year.FlightsYear:
    return flights_year.run(tmp_path_factory.mktemp("year") / "demo")


def test_every_planted_fault_is_caught_with_its_column_among_the_first_two(
    story: flights_year.FlightsYear,
) -> None:
    assert len(story.faults) == len(flights_year.FAULTS)
    for fault in story.faults:
        assert fault.caught, fault
        assert fault.among_first_two, fault
        assert fault.decision == "quarantined", fault


def test_the_blizzard_is_published_with_at_most_two_alerts_a_day(story: flights_year.FlightsYear) -> None:
    assert [d.day for d in story.blizzard] == ["2013-02-08", "2013-02-09"]
    assert all(d.decision == "published" and d.alerts <= 2 for d in story.blizzard)


def test_clean_days_hardly_ever_alarm(story: flights_year.FlightsYear) -> None:
    assert story.clean_days == 258
    assert len(story.false_alarms) / story.clean_days <= 1 / 20
    assert story.early_false_alarms <= 6


def test_the_workspace_is_left_with_the_whole_year(story: flights_year.FlightsYear) -> None:
    with interlock.open(story.workspace) as ws:
        assert ws.sql("SELECT count(*), count(DISTINCT day) FROM flights").fetchall() == [(336_776, 365)]


def test_the_story_is_json_and_prints(story: flights_year.FlightsYear) -> None:
    json.dumps(story.to_dict())
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(story)
    text = console.export_text()
    assert "7 of 7 caught" in text
    assert str(story.workspace) in text


def test_a_second_run_takes_another_folder(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo-2").mkdir()
    assert flights_year._free(tmp_path / "demo") == tmp_path / "demo-3"


def test_the_flights_are_whole_and_the_days_held_not_clean_have_reasons() -> None:
    assert flights.path().stat().st_size < 5_000_000
    assert len(flights.NOT_CLEAN) == 53
    assert all(flights.NOT_CLEAN.values())
