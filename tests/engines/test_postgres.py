"""PostgreSQL shows the behaviour every engine shows, and says of the same rows what DuckDB says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from interlock.engines.postgres.engine import PostgreSQL
from interlock.engines.protocol import Engine
from interlock.testing import AgreementConformance, EngineConformance
from tests.postgres import Server

_NUMBERS = itertools.count()


@pytest.fixture
def db(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection to an empty database."""
    name = f"engine_{next(_NUMBERS)}"
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
        with postgres.connect(name) as inside:
            yield inside
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(db: psycopg.Connection[Any]) -> Iterator[PostgreSQL]:
    with PostgreSQL(db) as engine:
        yield engine


class TestPostgreSQL(EngineConformance):
    looks = 2

    def place(self, name: str) -> str:
        return f'public."Staged {name}"'

    def there(self, engine: Engine, place: str) -> bool:
        assert isinstance(engine, PostgreSQL)
        return engine.has(place)


class TestAgreement(AgreementConformance):
    pass
