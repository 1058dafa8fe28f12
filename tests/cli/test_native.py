"""``interlock install`` and ``uninstall``, as somebody would type them, against a real PostgreSQL server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pytest

import interlock
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
    assert "rules taken off" in run("uninstall", "orders").out
    assert taken(url, -1)


def test_what_stands_is_told_as_json(run: Run, url: str) -> None:
    assert run("install", "orders", "--json").json == {
        "table": "orders",
        "relation": "public.orders",
        "drifted": True,
        "changed": True,
        "refused_at_write": ["positive"],
        "refused_at_commit": [],
        "quarantines_rows": False,
        "marks_changes": False,
        "judged_elsewhere": [{"constraint": "enough", "why": "it is about a partition"}],
        "mass_change": None,
        "could_switch_off": [],
        "read_through": None,
    }
    assert run("uninstall", "orders", "--json").json == {
        "relation": "public.orders",
        "taken_off": ["interlock_rules"],
        "view_taken_off": None,
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


# --- the mass-change guard --------------------------------------------------------------


@pytest.fixture
def guarded(run: Run, url: str, tmp_path: Path) -> str:
    """``orders`` of a thousand rows, whose deleted rows are kept."""
    (tmp_path / "interlock.yaml").write_text(
        "version: 1\nmass_change: {keep: 30d}\ntables:\n  orders: {}\n  free: {mass_change: false}\n"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO orders SELECT i, i FROM generate_series(1, 1000) i")
        connection.execute("CREATE TABLE free (id int)")
        connection.execute("ANALYZE orders")
    said = run("install", "orders")
    assert "public.orders: 0 rules and the mass-change guard installed" in said.out
    assert "refuses at commit" in said.out
    return url


def gone(url: str, where: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute(f"DELETE FROM orders WHERE {where}")
        except psycopg.errors.CheckViolation:
            return False
    return True


def test_a_mass_change_is_refused_approved_told_and_restored(run: Run, guarded: str) -> None:
    assert not gone(guarded, "id > 400")
    said = run("approve", "orders", "--rows", "600", "--reason", "a new start", "--by", "Ada", "--for", "2h")
    assert said.status == 0 and "may change 600 rows" in said.out
    assert gone(guarded, "id > 400")
    told = run("changes", "orders").out
    assert "refused, 60.0% of the table" in told
    assert "approved by Ada: a new start; used" in told
    assert "600 rows kept" in told
    document = run("changes", "orders", "--json").json
    assert [(a["rows"], a["share"]) for a in document["refused"]] == [(600, 0.6)]
    assert [(a["by"], a["used_rows"]) for a in document["approvals"]] == [("Ada", 600)]
    with psycopg.connect(guarded, autocommit=True) as connection:
        connection.execute("ALTER TABLE orders ADD PRIMARY KEY (id); INSERT INTO orders VALUES (500, 0)")
    said = run("restore-rows", "orders", "--since", "1h")
    assert "599 rows restored" in said.out and "1 row skipped" in said.out
    assert run("restore-rows", "orders", "--json").json == {
        "relation": "public.orders",
        "restored": 0,
        "skipped": 1,
    }


def test_kept_rows_stay_when_the_guard_goes_and_go_when_their_time_is_over(run: Run, guarded: str) -> None:
    assert gone(guarded, "id <= 5")
    said = run("uninstall", "orders")
    assert ": the mass-change guard taken off" in said.out
    assert "keeps deleted rows" in said.out
    assert gone(guarded, "id <= 900")
    with psycopg.connect(guarded, autocommit=True) as connection:
        connection.execute("UPDATE interlock.kept SET until = now() WHERE cells ->> 'id' < '4'")
    assert run("changes", "orders", "--tidy", "--json").json["tidied"] == 3
    assert "2 rows restored" in run("restore-rows", "orders").out
    assert run("uninstall", "orders", "--json").json["functions_stay"] is False


def test_drops_are_refused_where_it_was_asked_for(run: Run, guarded: str) -> None:
    assert run("install", "orders", "--refuse-drops", "--check").status == 1
    assert run("install", "orders", "--refuse-drops").status == 0
    assert run("install", "orders", "--refuse-drops", "--check").status == 0
    with psycopg.connect(guarded, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.CheckViolation, match="to drop"):
            connection.execute("DROP TABLE orders")
        assert "DROP or DETACH" in run("changes", "orders").out
        run("approve", "orders", "--rows", "1000", "--reason", "no longer needed")
        connection.execute("DROP TABLE orders")
    assert "no relation" in run("install", "orders", "--check").err


# --- the read gate --------------------------------------------------------------------------


def psql(url: str, query: str) -> tuple[str, str]:
    """What plain psql prints on standard output and standard error."""
    done = subprocess.run(["psql", "-XqAt", url, "-c", query], capture_output=True, text=True, check=True)
    return done.stdout.strip(), done.stderr.strip()


def test_readers_in_plain_psql_are_warned_until_it_is_cleared(run: Run, url: str) -> None:
    assert taken(url, 5)
    said = run("install", "orders", "--guard-reads", "view")
    assert said.status == 0
    assert "readers are warned by public.orders_checked" in said.out
    assert run("reads", "list", "orders").out == "public.orders: readers are warned of nothing\n"
    marked = run(
        "reads", "mark", "orders", "amount", "--reason", "in cents", "--since", "2024-03-30", "--ask", "me"
    )
    assert marked.status == 0 and "in cents" in marked.out
    out, err = psql(url, "SELECT sum(amount) FROM orders_checked")
    assert out == "5"
    assert err == ("WARNING:  interlock: orders.amount is broken since 2024-03-30: in cents\nHINT:  Ask me.")
    assert psql(url, "SELECT count(id) FROM orders_checked") == ("1", "")
    assert run("install", "orders", "--check").status == 0
    assert run("reads", "clear", "orders", "--json").json == {"relation": "public.orders", "broken": []}
    assert psql(url, "SELECT sum(amount) FROM orders_checked") == ("5", "")
    assert "public.orders_checked: the readers' view is gone" in run("uninstall", "orders").out
    with pytest.raises(subprocess.CalledProcessError):
        psql(url, "SELECT FROM orders_checked")


def test_a_swap_says_what_it_breaks_and_waits_for_a_yes(run: Run, url: str) -> None:
    assert taken(url, 5)
    refused = run("install", "orders", "--guard-reads", "swap")
    assert refused.status == 2
    assert "COPY, TRUNCATE, ALTER TABLE" in refused.err and "--yes swaps" in refused.err
    assert run("install", "orders", "--check").status == 1
    assert run("install", "orders", "--guard-reads", "swap", "--yes").status == 0
    assert run("reads", "mark", "orders", "amount", "--reason", "in cents").status == 0
    out, err = psql(url, "SELECT sum(amount) FROM orders")
    assert (out, "orders.amount is broken since" in err) == ("5", True)
    assert not taken(url, -1) and taken(url, 3), "rules hold for who writes through the view"
    assert run("install", "orders").out.startswith("public.orders_unchecked: 1 rule stood already")
    assert run("uninstall", "orders").status == 0
    assert psql(url, "SELECT sum(amount) FROM orders") == ("8", "")


def test_a_script_swaps_as_the_command_does(run: Run, url: str) -> None:
    script = run("install", "orders", "--guard-reads", "swap", "--sql").out
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script)
    assert run("install", "orders", "--check").status == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(run("uninstall", "orders", "--sql").out)
    assert run("install", "orders", "--check", "--json").json["read_through"] is None


def test_what_the_workspace_knows_is_published_to_the_readers_of_the_database(run: Run, url: str) -> None:
    bad = pd.DataFrame({"id": [1, 2], "amount": [-1, 5]})
    Path("interlock.yaml").write_text(
        "version: 1\ntables: {orders: {constraints: [{sql: amount > 0, block: false}]}}\n"
    )
    with interlock.open() as ws:
        assert ws.table("orders").write(bad).decision == "published"
    assert run("install", "orders", "--guard-reads", "view").status == 0
    published = run("reads", "publish", "orders", "--json")
    assert published.json == {"relation": "public.orders", "broken": 1, "healed": 0}
    assert taken(url, 5)
    _, err = psql(url, "SELECT * FROM orders_checked")
    assert "orders.amount is broken since" in err and "interlock alerts show A1" in err
    assert run("alerts", "close", "A1").status == 0
    assert run("reads", "publish", "orders", "--json").json["healed"] == 1
    assert psql(url, "SELECT count(amount) FROM orders_checked") == ("1", "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("approve", "orders", "--rows", "5", "--reason", " "), "IL100", "needs a reason"),
        (
            ("approve", "orders", "--rows", "5", "--reason", "x", "--for", "soon"),
            "IL100",
            "'soon' is not a time span",
        ),
        (
            ("approve", "orders", "--rows", "5", "--reason", "x", "--for", "31d"),
            "IL100",
            "longer than 30 days",
        ),
        (("approve", "nothing", "--rows", "5", "--reason", "x"), "IL904", "no relation"),
        (("restore-rows", "orders", "--since", "then"), "IL100", "'then' is no time"),
        (("install", "free", "--refuse-drops"), "IL100", "free has no mass-change guard"),
        (("changes", "orders", "--on", "postgresql://me:s3cret@127.0.0.1:1/x"), "IL901", "cannot connect"),
    ],
)
def test_a_mistake_about_mass_changes_is_told_in_a_line(
    run: Run, guarded: str, arguments: tuple[str, ...], code: str, words: str
) -> None:
    said = run(*arguments)
    assert said.status == 2
    assert f"error[{code}]" in said.err and words in said.err
    assert "s3cret" not in said.out + said.err


def test_without_a_guard_in_the_database_its_commands_say_so(run: Run, url: str) -> None:
    for arguments in (
        ("changes", "orders"),
        ("restore-rows", "orders"),
        ("approve", "orders", "--rows", "1", "-r", "x"),
    ):
        said = run(*arguments)
        assert said.status == 2 and "error[IL904]" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("mark", "orders", "amount"), "IL100", "what broke?"),
        (("mark", "orders", "amount", "--reason", "x"), "IL904", "nobody reads public.orders"),
        (("mark", "orders", "amuont", "--reason", "x"), "IL204", "did you mean 'amount'"),
        (("publish", "orders"), "IL405", "no table 'orders'"),
    ],
)
def test_what_cannot_be_marked_is_said(
    run: Run, url: str, arguments: tuple[str, ...], code: str, words: str
) -> None:
    Path("interlock.yaml").write_text("version: 1\n")
    with interlock.open():
        pass
    said = run("reads", *arguments)
    assert said.status == 2
    assert f"error[{code}]" in said.err and words in said.err


# --- marks and quarantine -------------------------------------------------------------------


def test_a_contract_that_chooses_quarantine_is_told_so(run: Run, url: str, tmp_path: Path) -> None:
    chosen = CONTRACT.replace("key: [id]", "key: [id]\n    on_violation: quarantine")
    (tmp_path / "interlock.yaml").write_text(chosen)
    assert "keeps rows out of a load, refuses updates" in run("install", "orders").out
    assert taken(url, -1), "the statement goes on"
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    said = run("uninstall", "orders").out
    assert "rules taken off" in said and "rows are in quarantine" in said


def test_a_contract_that_chooses_rules_at_commit_is_told_so(run: Run, url: str, tmp_path: Path) -> None:
    (tmp_path / "interlock.yaml").write_text(CONTRACT.replace("key: [id]", "key: [id]\n    at_commit: true"))
    said = run("install", "orders").out
    assert "public.orders: 2 rules installed" in said and "enough    refuses at commit" in said
    assert run("install", "orders", "--json").json["refused_at_commit"] == ["enough"]
    assert not taken(url, 1), "it is one row, and more than five are needed"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO orders SELECT n, n FROM generate_series(1, 6) n")
        connection.execute("ALTER TABLE interlock.due DISABLE TRIGGER judge")
    assert run("install", "orders", "--check").status == 1
    assert run("install", "orders").status == 0
    assert "rules and rules at commit taken off" in run("uninstall", "orders").out


WATCHED = """
version: 1
tables:
  orders:
    attach: postgresql://
    constraints: [{sql: amount > 0, name: positive}, {sql: count(*) > 1, name: enough}]
"""


def test_a_watched_table_is_installed_judged_and_taken_off(run: Run, url: str, tmp_path: Path) -> None:
    (tmp_path / "interlock.yaml").write_text(WATCHED)
    assert run("install", "orders", "--json").json["marks_changes"] is True
    assert "1 rule and marks stood already" in run("install", "orders").out
    assert (
        run("init", "--table", "other", "nothing.parquet").status == 2
    )  # makes the workspace, whatever else
    assert taken(url, 1)
    assert run("watch", "--once").status == 1
    assert taken(url, 2)
    said = run("watch", "orders", "--once", "--json")
    assert (said.status, [v["outcome"] for v in said.json["verdicts"]]) == (0, ["pass"])
    assert "nothing new to judge" in run("watch", "--once").out
    assert taken(url, 3)
    assert [v["outcome"] for v in run("check", "orders", "--json").json["verdicts"]] == ["pass"]
    assert "rules and marks taken off" in run("uninstall", "orders").out
    gone = run("watch", "--once")
    assert (gone.status, "IL904" in gone.err) == (2, True)


def test_the_doctor_compares_a_table_in_postgresql_with_the_contract(
    run: Run, url: str, tmp_path: Path
) -> None:
    (tmp_path / "interlock.yaml").write_text(WATCHED)
    run("init", "--table", "other", "nothing.parquet")

    def found() -> tuple[int, str]:
        said = run("doctor", "--json")
        (one,) = [f["detail"] for f in said.json if f["what"] == "PostgreSQL"]
        return said.status, one

    assert found() == (0, "nothing is installed on orders")
    run("install", "orders")
    assert found() == (0, "orders is as the contract says")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute('ALTER TABLE orders DISABLE TRIGGER "interlock mark delete"')
        assert found() == (1, "orders is not as the contract says")
        assert "interlock install orders mends it" in run("doctor").out
        connection.execute("DROP TABLE orders")
    assert found() == (1, 'orders was not looked at: no relation "orders"')
    with settings.override(postgres_url="postgresql://me:s3cret@127.0.0.1:1/shop"):
        status, said = found()
        assert (status, "s3cret" in said) == (1, False) and "cannot connect to 127.0.0.1" in said
    with settings.override(postgres_url=None):
        assert found() == (1, "orders was not looked at: nobody says in which database it is")


def test_what_cannot_be_watched_is_told_in_a_line(run: Run, url: str, tmp_path: Path) -> None:
    (tmp_path / "interlock.yaml").write_text(WATCHED.replace("postgresql://", "postgresql://me:s3cret@x/y"))
    for command in (("watch", "--once"), ("install", "orders")):
        said = run(*command)
        assert (said.status, "IL110" in said.err, "s3cret" in said.err) == (2, True, False)
