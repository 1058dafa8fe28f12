"""No cell value reaches the ledger, and none of a sensitive column a verdict, however the column is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.catalog import outbox
from interlock.gates.verdict import Verdict
from interlock.workspace import Table, Workspace
from tests.gates.conftest import a_day

CITY = "Ulmhausen"
DAYS = 20


def a_days_cities(number: int, city: str) -> Any:
    """Most rows in one of two cities; the rest in a third."""
    return a_day(number, rows=200, City=["Aachen" if i % 2 else city for i in range(200)])


@pytest.fixture(params=[(), ("city",)], ids=["open", "sensitive"])
def people(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Workspace, Table]]:
    sensitive = f"    sensitive: [{', '.join(request.param)}]\n" if request.param else ""
    (tmp_path / "interlock.yaml").write_text(
        f"version: 1\ntables:\n  people:\n    partition: day\n    segments: [City]\n{sensitive}"
    )
    with interlock.open(tmp_path / ".interlock") as ws:
        yield ws, ws.table("people", partition="day")


def broken(people: tuple[Workspace, Table]) -> Verdict:
    """A verdict on a day whose only usual city is gone, after history that knows it well."""
    _, t = people
    for n in range(DAYS):
        t.write(a_days_cities(n, CITY))
    return t.write(a_days_cities(DAYS, "Aachen"))


def test_the_ledger_names_what_broke_without_a_cells_value(people: tuple[Workspace, Table]) -> None:
    ws, _ = people
    verdict = broken(people)
    assert any(v.column == "City" for v in verdict.violations)
    with ws.site.catalog.read() as rx:
        entries = [row.entry.decode() for row in outbox.all_(rx)]
    assert any('"broken":["learned: ' in e for e in entries)
    assert not [e for e in entries if CITY in e]


def test_a_sensitive_columns_values_stand_in_no_verdict(
    people: tuple[Workspace, Table], request: pytest.FixtureRequest
) -> None:
    said = json.dumps(broken(people).to_dict(), default=str)
    hidden = "sensitive" in request.node.callspec.id
    assert (CITY in said) is not hidden


def test_the_default_value_in_a_sensitive_column_is_not_quoted_even_where_a_count_broke(
    tmp_path: Path,
) -> None:
    (tmp_path / "interlock.yaml").write_text(
        "version: 1\ntables:\n  people:\n    partition: day\n    sensitive: [delay]\n"
        "    constraints: [{sql: delay >= 0, block: false}]\n"
    )
    with interlock.open(tmp_path / ".interlock") as ws:
        t = ws.table("people")
        for n in range(DAYS):
            t.write(a_day(n))
        verdict = t.write(a_day(DAYS, delay=[-1.0 if i % 2 else float(i) for i in range(30)]))
    (alert,) = verdict.alerts
    assert (alert.kind, alert.detail) == ("default", None)
    assert "-1" not in json.dumps([a.title.partition(": ")[2] for a in verdict.alerts])
