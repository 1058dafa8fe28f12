"""PostgreSQL shows the behaviour every engine shows, and says of the same rows what DuckDB says."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from interlock import settings
from interlock.engines import postgres as catalog
from interlock.engines.postgres.engine import PostgreSQL
from interlock.engines.protocol import Engine, Relation
from interlock.profiles import compute, compute_by
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


# --- what only it has -------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a\rb", "\r", "a\r\nb", "a\nb", '"\r"', "\\.", "\\", ","])
def test_a_text_with_any_line_end_comes_here_as_it_is(
    engine: PostgreSQL, db: psycopg.Connection[Any], text: str
) -> None:
    db.execute("CREATE TABLE t (s text)")
    db.execute("INSERT INTO t VALUES (%s), (NULL)", [text])
    assert compute(engine, relation_of(engine, db, "t")).columns["s"]["max"] == text


def relation_of(engine: PostgreSQL, db: psycopg.Connection[Any], name: str) -> Relation:
    return engine.relation(catalog.relation(db, name))


@pytest.mark.parametrize(
    ("made", "key", "known"),
    [
        ("a int PRIMARY KEY, b int", ("a",), True),
        ("a int PRIMARY KEY, b int", ("a", "b"), True),
        ("a int, b int, PRIMARY KEY (a, b)", ("a",), False),
        ("a int UNIQUE, b int", ("a",), False),  # NULLs may repeat
        ("a int UNIQUE NOT NULL, b int", ("a",), True),
        ("a int NOT NULL, b int, UNIQUE (a) DEFERRABLE", ("a",), False),
        ("a int, b int", ("a",), False),
    ],
)
def test_a_key_that_the_database_keeps_unique_is_not_counted(
    engine: PostgreSQL, db: psycopg.Connection[Any], made: str, key: tuple[str, ...], known: bool
) -> None:
    db.execute(f"CREATE TABLE t ({made})")
    db.execute("INSERT INTO t VALUES (1, 2), (2, 2)")
    relation = relation_of(engine, db, "t")
    assert engine.unique(relation, key) is known
    before = len(engine.statements)
    assert compute(engine, relation, key=key).table["key_duplicates"] == 0
    assert ("DISTINCT ROW" in " ".join(engine.statements[before:])) is not known


def test_one_look_sees_one_moment(engine: PostgreSQL, db: psycopg.Connection[Any], postgres: Server) -> None:
    """The aggregates and the sample are of the same rows, whatever others commit between."""
    db.execute("CREATE TABLE t AS SELECT generate_series(1, 10) AS a")
    relation = relation_of(engine, db, "t")
    run = engine._one

    def late(text: str) -> tuple[Any, ...]:
        found = run(text)
        with postgres.connect(db.info.dbname) as other:
            other.execute("INSERT INTO t SELECT generate_series(11, 20)")
        return found

    engine._one = late  # type: ignore[method-assign]
    found = compute(engine, relation)
    assert (found.rows, found.columns["a"]["max"], found.columns["a"]["distinct"]) == (10, 10, 10)


def test_a_sample_of_one_partition_is_its_own(engine: PostgreSQL, db: psycopg.Connection[Any]) -> None:
    db.execute("CREATE TABLE t AS SELECT i % 3 AS part, i FROM generate_series(1, 3000) AS i")
    with settings.override(exact_rows_max=100, sample_rows=50):
        found = compute_by(engine, relation_of(engine, db, "t"), "part")
    assert {label: p.rows for label, p in found.items()} == {"0": 1000, "1": 1000, "2": 1000}
    assert [p.columns["i"]["min"] for p in found.values()] == [3, 1, 2]
    assert all(p.columns["part"]["top"] == [[int(label), 1000]] for label, p in found.items())


def test_nothing_is_written_while_rows_are_looked_at(engine: PostgreSQL, db: psycopg.Connection[Any]) -> None:
    db.execute("CREATE TABLE t AS SELECT generate_series(1, 10) AS a")
    relation = relation_of(engine, db, "t")
    db.execute("SET default_transaction_read_only = on")
    assert compute(engine, relation, segments=["a"], key=["a"]).rows == 10


def test_names_and_values_of_any_sort_come_over_as_they_are(
    engine: PostgreSQL, db: psycopg.Connection[Any]
) -> None:
    name = 'we"ird; DROP TABLE t --'
    quoted = '"' + name.replace('"', '""') + '"'
    db.execute(f'CREATE TABLE {quoted} ({quoted} text, "select" bytea, "%s" timestamptz)'.encode())
    values = ["", None, 'a"b,c\n\r\\N\\.', "'", "ÿ🦆", "\\x41", "NULL"]
    for value in values:
        db.execute(
            f"INSERT INTO {quoted} VALUES (%s, '\\x00ff', '0044-03-15 BC')".replace('"%s"', '"%%s"'), [value]
        )
    found = compute(engine, relation_of(engine, db, quoted))
    domain = dict(found.columns[name]["domain"])
    assert domain == {v: 1 for v in values if v is not None}
    assert found.columns[name]["nulls"] == 1
    assert found.columns["select"]["length_max"] == 2
    assert found.columns["%s"]["nulls"] == 0
    assert found.columns["%s"]["min"] == dt.datetime(1, 1, 1, tzinfo=dt.UTC)  # Python's first


def test_a_row_of_nothing_but_null_is_a_row(engine: PostgreSQL, db: psycopg.Connection[Any]) -> None:
    db.execute("CREATE TABLE t (a text); INSERT INTO t VALUES (NULL), ('x'), (NULL), ('')")
    found = compute(engine, relation_of(engine, db, "t"))
    assert (found.rows, found.columns["a"]["nulls"], found.columns["a"]["distinct"]) == (4, 2, 2)
    assert found.columns["a"]["domain"] == [["", 1], ["x", 1]]


def test_no_code_of_a_types_owner_is_run(engine: PostgreSQL, db: psycopg.Connection[Any]) -> None:
    db.execute(
        "CREATE TABLE caught (who text); CREATE TYPE mood AS ENUM ('calm', 'Mad'); CREATE SCHEMA own;"
        "CREATE TYPE own.\"text\" AS ENUM ('a', 'b');"
        "CREATE FUNCTION tell(mood) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES ('mood'); RETURN 'x'; END $$;"
        'CREATE FUNCTION tell(own."text") RETURNS pg_catalog.text LANGUAGE plpgsql AS'
        " $$ BEGIN INSERT INTO caught VALUES ('text'); RETURN 'x'; END $$;"
        "CREATE CAST (mood AS text) WITH FUNCTION tell(mood);"
        'CREATE CAST (own."text" AS pg_catalog.text) WITH FUNCTION tell(own."text");'
        "CREATE TABLE t (a mood, b own.\"text\"); INSERT INTO t VALUES ('Mad', 'b'), ('calm', 'a'), (NULL, NULL)"
    )
    for limits in ({}, {"exact_rows_max": 1, "sample_rows": 2}):
        with settings.override(**limits):
            found = compute(engine, relation_of(engine, db, "t"), key=["a"], segments=["b"])
        assert [(c["min"], c["max"], c["nulls"]) for c in found.columns.values()] == [
            ("Mad", "calm", 1),
            ("a", "b", 1),
        ]
    assert db.execute("SELECT * FROM caught").fetchall() == []
