"""A stock DuckDB with the ducklake extension, in an environment of its own.

The packages are pinned and installed once into the user's cache folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg import conninfo

from interlock.catalog import Catalog
from interlock.catalog.catalog import FILE_NAME
from interlock.catalog.postgres import Postgres

DUCKDB = "1.5.5"
PACKAGES = (
    f"duckdb=={DUCKDB}",
    f"duckdb-extension-ducklake=={DUCKDB}",
    f"duckdb-extension-sqlite-scanner=={DUCKDB}",
    f"duckdb-extension-postgres-scanner=={DUCKDB}",
)

RUNNER = """
import glob, json, os, sys
import duckdb, duckdb_extension_ducklake, duckdb_extension_postgres_scanner, duckdb_extension_sqlite_scanner

EXTENSIONS = (duckdb_extension_sqlite_scanner, duckdb_extension_postgres_scanner, duckdb_extension_ducklake)

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever else is printed does not stand among the answers

def attached(catalog, options):
    con = duckdb.connect()
    for module in EXTENSIONS:
        (path,) = glob.glob(os.path.join(os.path.dirname(module.__file__), "extensions", "*", "*.duckdb_extension"))
        con.execute(f"LOAD '{path}'")
    catalog = catalog.replace("'", "''")
    con.execute(f"ATTACH 'ducklake:{catalog}' AS lake{options}")
    con.execute("SET TimeZone = 'UTC'")
    return con

for line in sys.stdin:
    catalog, options, groups = json.loads(line)
    answer = []
    try:
        for statements in groups:
            with attached(catalog, options) as con:
                answer.append([con.execute(statement).fetchall() for statement in statements])
    except Exception as error:
        answer = str(error)
    print(json.dumps(answer, default=str), file=answers, flush=True)
"""


def _environment() -> Path:
    """The interpreter with the pinned packages, installed if it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "interlock-tests"
    folder = cache / f"stock-duckdb-{DUCKDB}-{len(PACKAGES)}-py{sys.version_info[0]}{sys.version_info[1]}"
    python, complete = folder / "bin" / "python", folder / "complete"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, python)
            complete.touch()
    return python


def _install(folder: Path, python: Path) -> None:
    if uv := shutil.which("uv"):
        steps = [
            [uv, "venv", "-q", "-p", sys.executable, folder],
            [uv, "pip", "install", "-q", "-p", python, *PACKAGES],
        ]
    else:
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        steps = [[sys.executable, "-m", "venv", folder], [*pip, *PACKAGES]]
    for step in steps:
        out = subprocess.run(step, capture_output=True, text=True, check=False)
        if out.returncode:
            pytest.skip(f"the stock DuckDB {DUCKDB} cannot be installed here: {out.stderr.strip()[-300:]}")


Lake = Catalog | Path | str
"""A workspace's catalog, a SQLite file, or what stands behind ``ducklake:``."""


def _attachable(lake: Lake) -> tuple[str, str]:
    """What stands behind ``ducklake:``, and the options that name the schema."""
    if isinstance(lake, str):
        return lake, ""
    if isinstance(lake, Path) or lake.local:
        return f"sqlite:{lake if isinstance(lake, Path) else lake.folder / FILE_NAME}", ""
    database = lake.database
    assert isinstance(database, Postgres)
    schema = database.schema.replace("'", "''")
    return f"postgres:{conninfo.make_conninfo(**database.options)}", f"METADATA_SCHEMA '{schema}'"


class Stock:
    """Runs SQL in a stock DuckDB, one process for all, with the catalog attached as ``lake``."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [python, "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/"
        )

    def run(self, catalog: Lake, statements: Sequence[str], options: str = "") -> list[list[list[Any]]]:
        """The rows of every statement, all in one connection."""
        return self._ask(catalog, [list(statements)], options)[0]

    def run_apart(self, catalog: Lake, statements: Sequence[str]) -> list[list[list[Any]]]:
        """The rows of every statement, each in a connection of its own."""
        return [rows for (rows,) in self._ask(catalog, [[statement] for statement in statements], "")]

    def _ask(self, catalog: Lake, groups: list[list[str]], options: str) -> list[list[list[list[Any]]]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        address, named = _attachable(catalog)
        options = ", ".join(filter(None, (named, options)))
        question = json.dumps([address, f" ({options})" if options else "", groups])
        print(question, file=self._process.stdin, flush=True)
        answer: list[list[list[list[Any]]]] | str = json.loads(self._process.stdout.readline())
        assert not isinstance(answer, str), answer
        return answer

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="session")
def stock() -> Iterator[Stock]:
    running = Stock(_environment())
    yield running
    running.close()
