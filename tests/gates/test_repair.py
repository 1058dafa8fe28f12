"""Repair: rows that break a constraint are mended before they are published; counted and on record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import interlock
from interlock.errors import InterlockError
from interlock.workspace import Workspace
from tests.gates.conftest import a_day, label, rows

CONTRACT = """
version: 1
tables:
  flights:
    partition: day
    key: [id]
    constraints:
      - {{sql: "{sql}", name: sane}}
    triggers:
      - {{on: fail, repair: {{constraint: sane, action: {action}}}}}
"""
BAD = [-5.0, 200.0, None, *[float(i) for i in range(27)]]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Any]:
    """Opens a project whose contract repairs ``sql`` by ``action``."""
    made: list[Workspace] = []

    def open_(action: str, sql: str = "delay BETWEEN 0 AND 100") -> Workspace:
        (tmp_path / "interlock.yaml").write_text(CONTRACT.format(sql=sql, action=action))
        made.append(interlock.open(tmp_path))
        return made[-1]

    yield open_
    for ws in made:
        ws.close()


MENDED = "SELECT count(*), count(delay), min(delay), max(delay), sum(delay) FROM flights"


@pytest.mark.parametrize(
    ("action", "after", "words"),
    [
        ("null", (30, 27, 0.0, 26.0, 351.0), "set to NULL"),
        ("clamp", (30, 29, 0.0, 100.0, 451.0), "clamped to the nearest allowed value"),
        ("drop", (28, 27, 0.0, 26.0, 351.0), "dropped"),
    ],
)
def test_it_mends_publishes_and_says_so(
    opened: Any, action: str, after: tuple[float, ...], words: str
) -> None:
    ws = opened(action)
    verdict = ws.table("flights").write(a_day(0, delay=BAD))
    assert (verdict.outcome, verdict.decision) == ("pass", "published")
    assert verdict.notes == (f"2 rows that broke sane were {words}",)
    (violation,) = [v for v in verdict.violations if v.constraint == "sane"]
    assert (violation.rows, violation.blocking, violation.severity) == (2, False, "info")
    assert rows(ws, MENDED) == [after]
    assert ws.verdicts()[0]["notes"] == list(verdict.notes)
    assert ws.ledger_entries(1)[0]["broken"] == ["sane"]
    assert verdict.profile.rows == after[0]


def test_a_row_that_cannot_be_evaluated_is_mended_too(opened: Any) -> None:
    ws = opened("drop", "CAST(carrier AS INTEGER) >= 0")
    verdict = ws.table("flights").write(a_day(0, carrier=["1", "x", *["2"] * 28]))
    assert verdict.notes == ("1 rows that broke sane were dropped",)
    assert rows(ws, "SELECT count(*) FROM flights WHERE carrier = 'x'") == [(0,)]


def test_a_backfill_mends_day_by_day(opened: Any) -> None:
    ws = opened("clamp")
    verdicts = ws.table("flights").backfill(pd.concat([a_day(0), a_day(1, delay=BAD), a_day(2)]))
    assert [v.decision for v in verdicts] == ["published"] * 3
    assert [bool(v.notes) for v in verdicts] == [False, True, False]
    assert rows(ws, f"SELECT max(delay), count(*) FROM flights WHERE day = '{label(1)}'") == [(100.0, 30)]


def test_what_is_left_broken_still_blocks(opened: Any) -> None:
    ws = opened("clamp")
    t = ws.table("flights").require("carrier <> 'UA'")
    verdict = t.write(a_day(0, delay=BAD))
    assert verdict.decision == "quarantined"
    assert [v.column for v in verdict.violations if v.blocking] == ["carrier"]


def test_a_repair_whose_meaning_is_unclear_is_refused_before_anything_is_stored(opened: Any) -> None:
    ws = opened("clamp", "delay < id")
    with pytest.raises(InterlockError, match=r"which to repair is unclear|no plain range"):
        ws.table("flights").write(a_day(0))
    assert ws.verdicts() == []


def test_a_check_shows_what_repair_would_do(opened: Any) -> None:
    ws = opened("drop")
    verdict = ws.table("flights").check(a_day(0, delay=BAD))
    assert (verdict.decision, verdict.notes) == ("published", ("2 rows that broke sane were dropped",))
    assert ws.verdicts() == []
