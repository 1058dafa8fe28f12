"""What the tests of marks and of the worker share: an empty database, a table that is marked in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from interlock.constraints import parse
from interlock.constraints.table_contract import TableContract
from interlock.engines import postgres as engine
from interlock.gates import native
from interlock.gates.native import standing
from tests.postgres import Server

Connection = psycopg.Connection[Any]
_NUMBERS = itertools.count()
HERE = "postgresql://"  # attached: in the database that is given


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The name of an empty database."""
    name = f"marked_{next(_NUMBERS)}"
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(postgres: Server, database: str) -> Iterator[Connection]:
    with postgres.connect(database) as connection:
        yield connection


def contract(*rules: str, partition: str | None = "day", **more: Any) -> TableContract:
    return TableContract(attach=HERE, partition=partition, constraints=tuple(map(parse, rules)), **more)


def install(
    db: Connection, promised: TableContract, relation: str = "orders", table: str = "orders"
) -> list[str]:
    """Installs; the statements that it took."""
    found = engine.relation(db, relation)
    plan = native.plan(table, promised, found)
    return list(
        native.change(db, lambda: native.install(plan, standing.of(db, found), standing.functions_there(db)))
    )


def uninstall(db: Connection, relation: str = "orders") -> None:
    found = engine.relation(db, relation)
    native.change(db, lambda: native.uninstall(standing.of(db, found)))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
