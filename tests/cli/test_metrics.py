"""`interlock metrics`, as somebody types it."""

from __future__ import annotations

from pathlib import Path

import pytest

import interlock
from tests.cli.conftest import Run
from tests.gates.conftest import a_day


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    with interlock.open(tmp_path / "ws") as ws:
        ws.table("flights", partition="day").write(a_day(0))
        ws.table("trips", partition="day").write(a_day(0, rows=7))
    return tmp_path / "ws"


def test_it_prints_every_table_or_those_that_are_named(run: Run, workspace: Path) -> None:
    everything = run("metrics", "-w", workspace)
    assert everything.status == 0 and everything.err == ""
    assert f'interlock_rows{{workspace="{workspace}",table="flights"}} 30\n' in everything.out
    one = run("metrics", "trips", "-w", workspace)
    assert 'table="trips"} 7\n' in one.out and "flights" not in one.out


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(run: Run, workspace: Path) -> None:
    file = workspace.parent / "textfile" / "interlock.prom"
    file.parent.mkdir()
    file.write_text("old\n")
    assert run("metrics", "-o", file, "-w", workspace).out == ""
    assert file.read_text().startswith("# HELP interlock_info ")
    assert [p.name for p in file.parent.iterdir()] == ["interlock.prom"]


def test_the_same_as_json(run: Run, workspace: Path) -> None:
    found = {m["name"]: m for m in run("metrics", "--json", "-w", workspace).json}
    assert [s["value"] for s in found["interlock_rows"]["samples"]] == [30, 7]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("filghts",), "did you mean 'flights'"),
        (("--serve", "9187"), "HOST:PORT"),
        (("--serve", "127.0.0.1:99999"), "HOST:PORT"),
        (("--json", "-o", "x.prom"), "choose one"),
        (("-o", "/"), "IL"),
    ],
)
def test_what_cannot_be_is_said_with_a_way_on(
    run: Run, workspace: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = run("metrics", *arguments, "-w", workspace)
    assert ran.status == 2
    assert said in ran.out + ran.err
