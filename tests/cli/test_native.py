"""``interlock install`` and ``uninstall``, as somebody would type them, against a real PostgreSQL server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from interlock import settings
from tests.cli.conftest import Run
from tests.postgres import Server

CONTRACT = """
version: 1
tables:
  orders:
    key: [id]
    constraints:
      - {sql: amount > 0, name: positive}
      - {sql: count(*) > 5, name: enough}
"""


@pytest.fixture
def url(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database ``shop`` with a table ``orders``, and the contract in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "interlock.yaml").write_text(CONTRACT)
    name = f"shop_{os.getpid()}"
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
        with postgres.connect(name) as inside:
            inside.execute("CREATE TABLE orders (id int, amount int)")
        with settings.override(postgres_url=postgres.url(name)):
            yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def taken(url: str, amount: int) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute("INSERT INTO orders VALUES (1, %s)", [amount])
        except psycopg.errors.CheckViolation:
            return False
    return True


def test_rules_are_installed_checked_mended_and_taken_off(run: Run, url: str) -> None:
    assert run("install", "orders", "--check").status == 1
    assert taken(url, -1)
    said = run("install", "orders")
    assert said.status == 0
    assert "public.orders: 1 rule installed" in said.out
    assert "it is about a partition" in said.out
    assert (taken(url, -1), taken(url, 1)) == (False, True)
    assert "is as the contract says" in run("install", "orders", "--check").out
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE orders DISABLE TRIGGER ALL")
    assert run("install", "orders", "--check").status == 1
    assert run("install", "orders").status == 0
    assert not taken(url, -1)
    assert "1 rule taken off" in run("uninstall", "orders").out
    assert taken(url, -1)


def test_what_stands_is_told_as_json(run: Run, url: str) -> None:
    assert run("install", "orders", "--json").json == {
        "table": "orders",
        "relation": "public.orders",
        "drifted": True,
        "changed": True,
        "refused_at_write": ["positive"],
        "judged_elsewhere": [{"constraint": "enough", "why": "it is about a partition"}],
        "could_switch_off": [],
    }
    assert run("uninstall", "orders", "--json").json == {
        "relation": "public.orders",
        "taken_off": ["interlock_positive"],
        "functions_stay": False,
    }


def test_a_script_changes_nothing_and_does_the_same_when_it_is_run(run: Run, url: str) -> None:
    script = run("install", "orders", "--sql").out
    assert taken(url, -1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script)
    assert not taken(url, -1)
    assert run("install", "orders", "--check").status == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("order",), "IL100", "did you mean 'orders'"),
        (("orders", "--relation", "public.nothing"), "IL904", "no relation public.nothing"),
        (("orders", "--contract", "none.yaml"), "IL110", "none.yaml"),
        (("orders", "--on", "postgresql://me:s3cret@127.0.0.1:1/x"), "IL901", "cannot connect to 127.0.0.1"),
        (("orders", "--on", "shop:s3cret@x"), "IL100", "no PostgreSQL address"),
    ],
)
def test_a_mistake_is_told_in_a_line_and_never_a_password(
    run: Run, url: str, arguments: tuple[str, ...], code: str, words: str
) -> None:
    said = run("install", *arguments)
    assert said.status == 2
    assert f"error[{code}]" in said.err and words in said.err
    assert "s3cret" not in said.out + said.err


def test_without_an_address_one_is_asked_for(run: Run, url: str) -> None:
    with settings.override(postgres_url=""):
        said = run("install", "orders")
    assert said.status == 2
    assert "which database?" in said.err
    assert "INTERLOCK_POSTGRES_URL" in said.err
