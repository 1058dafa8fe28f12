"""Running commands: in this process for speed, and as somebody would type them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from interlock.cli import main

SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("check", file, "--json")`` in this process; an exception that escapes fails the test."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("INTERLOCK_WORKSPACE", raising=False)

    def run(*arguments: object, columns: int = 100) -> Ran:
        monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        said = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """The same as a process of its own, in ``tmp_path``."""

    def run(*arguments: object, **environment: str) -> Ran:
        command = [sys.executable, "-c", "from interlock.cli import main; main()", *map(str, arguments)]
        given = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
        ended = subprocess.run(
            command, cwd=tmp_path, env=given, capture_output=True, timeout=120, check=False
        )
        return Ran(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    return run


DAYS = 30


def people(day: int, rows: int = 300) -> str:
    """A day of people: ages 18 … 89, three cities, amounts, a moment of that day."""
    return (
        f"SELECT {day} * 10000 + i AS id, 18 + (hash(i, {day}) % 72)::INTEGER AS age,"
        f" ['Ulm', 'Kiel', 'Köln'][1 + (hash(i, {day}, 'city') % 3)::INTEGER] AS city,"
        f" round((hash(i, {day}, 'amount') % 10000) / 100, 2)::DOUBLE AS amount,"
        f" TIMESTAMP '2024-01-01' + to_days({day}) + to_minutes((hash(i, {day}, 'minute') % 1440)::INTEGER) AS moment,"
        f" DATE '2024-01-01' + {day} AS day FROM range({rows}) t(i)"
    )


def save(query: str, path: Path) -> Path:
    """A query's rows as a file, in the format of its ending."""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}'")
    return path


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty daily CSV files, ``2024-01-01.csv`` and so on."""
    folder = tmp_path_factory.mktemp("history")
    with duckdb.connect() as connection:
        for day in range(DAYS):
            connection.execute(f"COPY ({people(day)}) TO '{folder}/2024-01-{day + 1:02}.csv'")
    return folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace that holds thirty days of the table ``people``."""
    folder = tmp_path_factory.mktemp("prepared")
    everything = " UNION ALL ".join(people(day) for day in range(DAYS))
    past = save(everything, folder / "past.parquet")
    with pytest.raises(SystemExit) as ended:
        main(["init", str(past), "-t", "people", "-p", "day", "-w", str(folder / ".interlock"), "--json"])
    assert not ended.value.code
    return folder


@pytest.fixture
def workspace(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the current folder."""
    copy = tmp_path / "work"
    shutil.copytree(prepared, copy)
    monkeypatch.chdir(copy)
    return copy
