"""The analyst's query, with the read gate and without, in the embedded workspace and on a real server."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from interlock import settings
from interlock.incidents import INCIDENTS
from interlock.incidents.ceo_report import CeoReport
from tests.postgres import Server


def holds(story: CeoReport) -> None:
    assert abs(story.answer - story.truth) > 10, "the number is wrong"
    assert story.said_without == story.said_of_healthy == []
    (said,) = story.said
    assert "customers.age is broken since 2024-03-30" in said
    assert "age is negative" in said
    json.dumps(story.to_dict())
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(story)
    assert story.query in console.export_text()


def test_the_analyst_is_warned_by_the_embedded_workspace() -> None:
    with settings.override(postgres_url=""):
        story = INCIDENTS["ceo-report"].run()
    assert story.client == "the embedded workspace"
    holds(story)


def test_the_analyst_is_warned_by_a_plain_client_of_postgresql_and_nothing_is_left(postgres: Server) -> None:
    with postgres.connect() as connection:
        connection.execute("CREATE DATABASE report")
        with settings.override(postgres_url=postgres.url("report")):
            story = INCIDENTS["ceo-report"].run()
        with postgres.connect("report") as db:
            left = db.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'interlock%'").fetchall()
        connection.execute("DROP DATABASE report WITH (FORCE)")
    assert story.client == "PostgreSQL"
    assert story.said[0].startswith("WARNING:  interlock: ")
    holds(story)
    assert left == []


def test_the_number_is_the_same_wherever_it_is_asked(postgres: Server) -> None:
    with settings.override(postgres_url=""):
        here = INCIDENTS["ceo-report"].run()
    with settings.override(postgres_url=postgres.url()):
        there = INCIDENTS["ceo-report"].run()
    assert there.answer == pytest.approx(here.answer)
