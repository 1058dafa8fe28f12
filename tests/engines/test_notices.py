"""``interlock.show_warnings``: the server's warnings as Python warnings, whoever asked and through what."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa

import interlock
from interlock.engines import notices
from interlock.engines import postgres as engine
from interlock.errors import HealthWarning, UsageError
from interlock.gates import native
from interlock.gates.native import reads
from interlock.gates.native.reads import Mark
from interlock.names import GuardReads
from tests.postgres import Server

BROKEN = "SELECT avg(age), max(age) FROM people_checked"
HEALTHY = "SELECT count(*), max(id) FROM people_checked"
SAID = (
    "people.age is broken since 2024-03-30: half of it is negative. Ask data-team. interlock alerts show A7"
)


@pytest.fixture(scope="module")
def url(postgres: Server) -> Iterator[str]:
    """A database in which ``people_checked.age`` is broken."""
    with postgres.connect() as connection:
        connection.execute("CREATE DATABASE notices")
        with postgres.connect("notices") as db:
            db.execute(
                "CREATE TABLE people (id int, age int); INSERT INTO people SELECT i, -i FROM generate_series(1, 9) i"
            )
            people = engine.relation(db, "people")
            native.change(db, lambda: reads.guarded(db, people, GuardReads.VIEW))
            mark = Mark("age", "2024-03-30", "half of it is negative", "data-team", "A7")
            reads.mark(db, people, "people", [mark])
        yield postgres.url("notices")
        connection.execute("DROP DATABASE notices WITH (FORCE)")


@pytest.fixture
def made(url: str) -> Iterator[sa.Engine]:
    found = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    yield found
    found.dispose()


def shown(ask: Callable[[], Any]) -> list[warnings.WarningMessage]:
    """The health warnings that this raises, with Python's own filters."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        ask()
    return [w for w in caught if issubclass(w.category, HealthWarning)]


def test_psycopg_shows_once_a_query_in_the_line_that_asked(url: str) -> None:
    with psycopg.connect(url) as connection:
        assert interlock.show_warnings(connection) is connection
        for _ in range(3):
            (warning,) = shown(lambda: connection.execute(BROKEN))
            assert str(warning.message) == SAID
            assert warning.filename == __file__
        assert shown(lambda: connection.execute(HEALTHY)) == []


def test_a_warning_tells_what_a_program_asks(url: str) -> None:
    with interlock.show_warnings(psycopg.connect(url)) as connection:
        (warning,) = shown(lambda: connection.execute(BROKEN))
    told = warning.message
    assert isinstance(told, HealthWarning)
    assert (told.table, told.columns, told.since, told.alert) == ("people", ("age",), "2024-03-30", "A7")


def test_without_it_psycopg_is_silent(url: str) -> None:
    with psycopg.connect(url) as connection:
        assert shown(lambda: connection.execute(BROKEN)) == []


def test_twice_is_as_good_as_once_and_other_notices_stay_as_they_were(url: str) -> None:
    with psycopg.connect(url) as connection:
        heard: list[str] = []
        connection.add_notice_handler(lambda n: heard.append(n.message_primary or ""))
        for _ in range(2):
            interlock.show_warnings(connection)
        assert len(shown(lambda: connection.execute(BROKEN))) == 1
        assert shown(lambda: connection.execute("DO $$ BEGIN RAISE WARNING 'mind the gap'; END $$")) == []
        assert heard[-1] == "mind the gap"


def test_every_connection_of_an_engine_shows_them(made: sa.Engine) -> None:
    with made.connect() as early:  # in the pool before
        early.execute(sa.text("SELECT 1"))
    for _ in range(2):
        assert interlock.show_warnings(made) is made
    with made.connect() as one, made.connect() as other:
        for connection in (one, other):
            (warning,) = shown(lambda c=connection: c.execute(sa.text(BROKEN)))
            assert (str(warning.message), warning.filename) == (SAID, __file__)
            assert shown(lambda c=connection: c.execute(sa.text(HEALTHY))) == []
    made.dispose()
    with made.connect() as later:
        assert len(shown(lambda: later.execute(sa.text(BROKEN)))) == 1


def test_pandas_shows_them_with_an_engine_and_with_a_connection(made: sa.Engine) -> None:
    interlock.show_warnings(made)
    (warning,) = shown(lambda: pd.read_sql(BROKEN, made))
    assert (str(warning.message), warning.filename) == (SAID, __file__)
    assert shown(lambda: pd.read_sql(HEALTHY, made)) == []
    with made.connect() as connection:
        assert len(shown(lambda: pd.read_sql(sa.text(BROKEN), connection))) == 1


def test_one_connection_of_sqlalchemy_may_be_given(made: sa.Engine) -> None:
    with made.connect() as connection:
        assert interlock.show_warnings(connection) is connection
        assert len(shown(lambda: connection.execute(sa.text(BROKEN)))) == 1


def test_asynchronous_psycopg_shows_them(url: str) -> None:
    async def ask() -> None:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            interlock.show_warnings(connection)
            await connection.execute(BROKEN)

    assert [str(w.message) for w in shown(lambda: asyncio.run(ask()))] == [SAID]


def test_a_list_as_psycopg2_keeps_shows_ours_in_any_language() -> None:
    kept = notices._Notices(["NOTICE:  earlier\n"])
    text = "WARNUNG:  interlock: people.age is broken since 2024-03-30: half of it is negative\nTIPP:  Ask data-team.\n"
    (warning,) = shown(lambda: kept.append(text))
    assert (
        str(warning.message)
        == "people.age is broken since 2024-03-30: half of it is negative. Ask data-team."
    )
    assert shown(lambda: kept.append("WARNING:  mind the gap\n")) == []
    for i in range(60):
        kept.append(f"NOTICE:  {i}\n")
    assert kept[0] == "NOTICE:  10\n" and len(kept) == 50


def test_what_shows_no_notices_is_refused() -> None:
    with pytest.raises(UsageError, match="object shows no notices"):
        interlock.show_warnings(object())
    with pytest.raises(UsageError, match="Engine shows no notices"):
        interlock.show_warnings(sa.create_engine("sqlite://"))


def test_it_brings_no_library_with_it() -> None:
    heavy = "{'sqlalchemy', 'psycopg', 'duckdb'}"
    code = f"import sys, interlock; interlock.show_warnings; print(sorted({heavy} & {{*sys.modules}}))"
    environment = {"PYTHONPATH": str(Path(interlock.__file__).parents[1])}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert out.stdout == "[]\n"
