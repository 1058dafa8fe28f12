"""``interlock erase``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import interlock
from tests.cli.conftest import Run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two days of visits; user 42 in both, twice on the first. A snapshot, and a model of it."""
    with interlock.open(tmp_path) as ws:
        visits = ws.table("visits", partition="day")
        visits.write(pd.DataFrame({"day": ["2024-01-01"] * 4, "user_id": [7, 42, 42, 9]}))
        visits.write(pd.DataFrame({"day": ["2024-01-02"] * 2, "user_id": [7, 42]}))
        ws.vault.snapshot("train", "visits")
        ws.vault.put("ranker", {"a": b"a"}, lineage={"snapshots": ["train@v1"]})
    return tmp_path


def test_rows_go_at_once_and_what_waits_is_told(run: Run, place: Path) -> None:
    asked = ("erase", "visits", "--where", "user_id = 42", "--reason", "request 17", "-w", place)
    told = run(*asked, "--dry-run")
    assert told.out.splitlines() == [
        "visits: 3 rows of 2 partitions would be erased",
        "  train@v1: would be rewritten",
        "made of these snapshots, and unchanged: ranker@v1",
    ]
    ran = run(*asked)
    assert ran.status == 0
    *said, proof = ran.out.splitlines()
    assert said[:-1] == [
        "visits: 3 rows of 2 partitions erased",
        "  train@v1 → train@v2",
        "made of these snapshots, and unchanged: ranker@v1",
        "2 files with such rows are kept until a second person lets them go:",
        "  interlock vault approve D1",
        "  interlock vault collect",
    ]
    assert f"{said[-1]} {proof}".startswith(
        "The ledger holds no value. To show later which condition it means"
    )
    assert run("sql", "SELECT count(*) AS n FROM visits", "--json", "-w", place).json == [{"n": 3}]
    assert run(*asked).out == "visits: no such row is left; D1 waits for a second person\n"
    assert run("vault", "approve", "D1", "-w", place).status == 1  # one's own


def test_as_json(run: Run, place: Path) -> None:
    ran = run("erase", "visits", "--where", "user_id = 42", "-r", "request 17", "--json", "-w", place)
    assert ran.status == 0
    said = ran.json
    assert len(said.pop("proof")) == 32
    assert said == {
        "table": "visits",
        "rows": 3,
        "partitions": ["2024-01-01", "2024-01-02"],
        "versions": 2,
        "snapshots": [["train@v1", "train@v2"]],
        "models": ["ranker@v1"],
        "request": "D1",
    }


@pytest.mark.parametrize(
    ("where", "reason", "code", "said"),
    [
        ("usr_id = 42", "request 17", "IL300", "usr_id"),
        ("user_id = 42", " ", "IL100", "a reason is needed"),
    ],
)
def test_what_it_cannot_do_is_told(
    run: Run, place: Path, where: str, reason: str, code: str, said: str
) -> None:
    ran = run("erase", "visits", "--where", where, "--reason", reason, "-w", place)
    assert ran.status == 2
    assert ran.err.startswith(f"error[{code}]: ")
    assert said in ran.err


def test_a_legal_hold_is_shown_and_refuses(run: Run, place: Path) -> None:
    run("vault", "hold", "train", "--reason", "case 12", "-w", place)
    ran = run(
        "erase", "visits", "--where", "user_id = 42", "--reason", "request 17", "-w", place, columns=200
    )
    assert ran.status == 1
    assert ran.err.startswith(
        "error[IL540]: nothing of visits was erased: train@v1 is under legal hold H1 by "
    )
