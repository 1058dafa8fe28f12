"""The worker on a real server: what changed is judged once it is committed, and never not at all."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock import settings
from interlock.constraints.table_contract import MassChange
from interlock.engines import postgres as engine
from interlock.engines.postgres import transfer
from interlock.errors import DatabaseRefused, RelationNotFound, TableConflict, UsageError
from interlock.gates import native
from interlock.gates.native import changes, reads, standing
from interlock.gates.verdict import Verdict
from interlock.names import GuardReads
from interlock.workspace import Workspace, watch
from tests.gates.marked import Connection, contract, database, db, install, quoted
from tests.postgres import Server
from tests.processes import KILLED, Nursery, Tell, every_boundary

__all__ = ["database", "db"]
CONTRACT = """
version: 1
tables:
  orders:
    attach: postgresql://
    partition: day
    key: [id]
    constraints:
      - {sql: amount > 0, name: positive}
      - {sql: count(*) > 1, name: enough}
"""
ONE, TWO, THREE = "2024-01-05", "2024-02-05", "2024-03-05"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose contract has ``orders`` in the database."""
    (tmp_path / "interlock.yaml").write_text(CONTRACT)
    return tmp_path


@pytest.fixture
def here(
    postgres: Server, database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """Its workspace, the database known by the settings."""
    monkeypatch.chdir(folder)
    with settings.override(postgres_url=postgres.url(database)), interlock.open() as ws:
        yield ws


@pytest.fixture
def orders(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, day date, amount int)")
    install(db, contract())


@pytest.fixture
def leaves(db: Connection) -> None:
    db.execute(
        "CREATE TABLE orders (id int, day date, amount int) PARTITION BY RANGE (day);"
        "CREATE TABLE first PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');"
        "CREATE TABLE second PARTITION OF orders FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')"
    )
    install(db, contract())


def fill(db: Connection, day: str, amounts: str = "1, 2", table: str = "orders") -> None:
    db.execute(f"INSERT INTO {table} SELECT 1, '{day}', unnest(ARRAY[{amounts}])")


def look(ws: Workspace, *names: str) -> list[Verdict]:
    chosen = watch.tables(ws, names)
    return [v for r in watch.rounds(chosen, watch.url(chosen, None), once=True) for v in r.verdicts]


def said(verdicts: list[Verdict]) -> list[tuple[str, str, int]]:
    return [(v.partition, v.outcome.value, v.profile.rows) for v in verdicts]


def left(db: Connection) -> int:
    row = db.execute("SELECT count(*) FROM interlock.mark").fetchone()
    assert row is not None
    return int(row[0])


# --- what is judged ---------------------------------------------------------------------


def test_the_first_look_judges_what_is_there_in_the_order_of_the_labels(
    here: Workspace, db: Connection
) -> None:
    db.execute("CREATE TABLE orders (id int, day date, amount int)")
    for day in (TWO, ONE, THREE):
        fill(db, day)
    install(db, contract())
    assert said(look(here)) == [(ONE, "pass", 2), (TWO, "pass", 2), (THREE, "pass", 2)]
    assert look(here) == []


def test_a_partition_that_changed_is_judged_again_and_no_other(
    here: Workspace, db: Connection, orders: None
) -> None:
    fill(db, ONE)
    fill(db, TWO)
    assert len(look(here)) == 2
    db.execute(f"UPDATE orders SET amount = -1 WHERE day = '{TWO}' AND amount = 1")
    (verdict,) = look(here)
    assert said([verdict]) == [(TWO, "fail", 2)]
    assert (verdict.decision, [v.constraint for v in verdict.violations][:1]) == ("refused", ["positive"])
    db.execute(f"UPDATE orders SET amount = 1 WHERE day = '{TWO}'")
    assert said(look(here)) == [(TWO, "pass", 2)]
    assert left(db) == 0


def test_a_verdict_is_on_record_like_that_on_any_attached_table(
    here: Workspace, db: Connection, orders: None
) -> None:
    fill(db, ONE)
    fill(db, TWO, "-1, -2")
    look(here)
    table = here.existing_table("orders")
    assert [(p.label, p.rows) for p in table.partitions()] == [(ONE, 2)]
    assert table.history().labels == (ONE,) or list(table.history().labels) == [ONE]
    assert {v["partition"]: v["outcome"] for v in here.verdicts("orders")} == {ONE: "pass", TWO: "fail"}
    assert [a.record.table for a in here.alerts("orders")] == ["orders"]
    assert here.verify_ledger().ok
    assert [f.detail for f in here.doctor(data=True) if not f.ok] == ["orders is not as the contract says"]
    assert here.metrics("orders")


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows came here, each time some did."""
    rows: list[int] = []
    bring = transfer.bring

    def counted(*args: Any, **more: Any) -> Any:
        relation = bring(*args, **more)
        rows.append(relation.rows)
        return relation

    monkeypatch.setattr(transfer, "bring", counted)
    return rows


def test_a_large_partition_is_judged_where_it_is_and_a_sample_comes_here(
    here: Workspace, db: Connection, orders: None, came: list[int]
) -> None:
    db.execute(f"INSERT INTO orders SELECT n, '{ONE}', n FROM generate_series(1, 3000) n")
    db.execute(f"INSERT INTO orders SELECT n, '{TWO}', n - 7 FROM generate_series(1, 3000) n")
    fill(db, THREE)
    with settings.override(exact_rows_max=1000, sample_rows=100):
        first, second, third = look(here)
    assert said([first, second, third]) == [(ONE, "pass", 3000), (TWO, "fail", 3000), (THREE, "pass", 2)]
    assert (first.profile.columns["amount"]["max"], first.profile.columns["amount"]["mean"]) == (3000, 1500.5)
    (broken,) = (v for v in second.violations if v.constraint == "positive")
    assert (broken.rows, broken.sample) == (7, tuple({"id": n} for n in range(1, 6)))
    assert came[-1] == 2 and sum(came) < 2 * (2048 + 100) + 3


@pytest.mark.parametrize(
    "more",
    [
        "mood mood",  # its type is another one here
        "free numeric",  # a float here
        "tags text[]",
    ],
)
def test_rows_that_would_be_others_here_all_come(
    here: Workspace, db: Connection, orders: None, came: list[int], more: str
) -> None:
    db.execute(f"CREATE TYPE mood AS ENUM ('calm'); ALTER TABLE orders ADD {more}")
    db.execute(f"INSERT INTO orders SELECT n, '{ONE}', n FROM generate_series(1, 3000) n")
    with settings.override(exact_rows_max=1000, sample_rows=100):
        assert said(look(here)) == [(ONE, "pass", 3000)]
    assert came == [3000]


@pytest.mark.parametrize(
    "said_besides", ["segments: [amount]", "constraints: ['references(amount, sizes.amount)']"]
)
def test_what_cannot_be_answered_there_has_the_rows_come(
    here: Workspace, folder: Path, db: Connection, orders: None, came: list[int], said_besides: str
) -> None:
    before = CONTRACT.partition("    constraints:")[0]
    (folder / "interlock.yaml").write_text(f"{before}    {said_besides}\n")
    db.execute(f"INSERT INTO orders SELECT n, '{ONE}', n % 3 FROM generate_series(1, 3000) n")
    with settings.override(exact_rows_max=1000, sample_rows=100), interlock.open() as ws:
        look(ws)
    assert came == [3000]


def test_what_was_judged_where_it_is_and_what_came_here_are_one_history(
    here: Workspace, db: Connection, orders: None
) -> None:
    """Neither size tells the other that something changed."""
    days = [f"2024-01-{day:02d}" for day in range(1, 25)]
    with settings.override(exact_rows_max=1500, sample_rows=500):
        for number, day in enumerate(days):
            rows = 1000 if number % 2 else 2000
            db.execute(
                f"INSERT INTO orders SELECT n, '{day}', 1 + abs(hashint4(n + {number * 7919})) % 50"
                f" FROM generate_series(1, {rows}) n"
            )
            found = look(here)
            assert [(v.outcome.value, [str(a.title) for a in v.alerts]) for v in found] == [("pass", [])], day


def test_no_operator_of_a_table_s_owner_judges_a_large_partition(
    here: Workspace, db: Connection, orders: None
) -> None:
    db.execute(
        "CREATE TABLE caught (who text);"
        "CREATE FUNCTION spy(int, int) RETURNS bool LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES (current_user); RETURN true; END $$;"
        "CREATE OPERATOR > (FUNCTION = spy, LEFTARG = int, RIGHTARG = int);"
        "CREATE OPERATOR < (FUNCTION = spy, LEFTARG = int, RIGHTARG = int);"
        "CREATE FUNCTION spy(smallint, int) RETURNS bool LANGUAGE sql RETURN spy($1::int, $2);"
        "CREATE OPERATOR = (FUNCTION = spy, LEFTARG = smallint, RIGHTARG = int);"
        "ALTER DATABASE " + db.info.dbname + " SET search_path = public, pg_catalog"
    )
    db.execute(f"INSERT INTO orders SELECT n, '{ONE}', n FROM generate_series(1, 3000) n")
    with settings.override(exact_rows_max=1000, sample_rows=100):
        assert said(look(here)) == [(ONE, "pass", 3000)]
    assert db.execute("SELECT * FROM caught").fetchall() == []


def test_a_statement_that_is_not_committed_is_not_judged_yet(
    here: Workspace, db: Connection, orders: None, postgres: Server, database: str
) -> None:
    """The one that began first commits last: it is found then, though others were taken meanwhile."""
    fill(db, ONE)
    look(here)
    with postgres.connect(database) as early:
        with early.transaction():
            fill(early, TWO)
            fill(db, ONE)
            assert said(look(here)) == [(ONE, "pass", 4)]
        assert said(look(here)) == [(TWO, "pass", 2)]


def test_what_commits_while_a_partition_is_judged_is_judged_next(
    here: Workspace, db: Connection, orders: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(db, ONE)
    real = changes.forget

    def and_meanwhile(*given: Any) -> None:
        fill(db, ONE)
        real(*given)

    monkeypatch.setattr(changes, "forget", and_meanwhile)
    assert said(look(here)) == [(ONE, "pass", 2)]
    monkeypatch.undo()
    assert said(look(here)) == [(ONE, "pass", 4)]


def test_emptied_partitions_are_judged_as_what_they_are(
    here: Workspace, db: Connection, leaves: None
) -> None:
    for day in (ONE, TWO):
        fill(db, day)
    look(here)
    db.execute("TRUNCATE first")
    assert said(look(here)) == [(ONE, "fail", 0)]
    db.execute("DELETE FROM orders")
    assert said(look(here)) == [(TWO, "fail", 0)]
    assert look(here) == []


def test_a_partition_that_came_and_went_between_two_looks_is_no_news(
    here: Workspace, db: Connection, orders: None
) -> None:
    fill(db, ONE)
    db.execute("DELETE FROM orders")
    assert look(here) == []
    assert left(db) == 0


def test_a_leaf_that_is_attached_or_detached_is_noticed(
    here: Workspace, db: Connection, leaves: None
) -> None:
    for day in (ONE, TWO):
        fill(db, day)
    look(here)
    db.execute("CREATE TABLE third (LIKE orders)")
    fill(db, THREE, "1, 2, 3", "third")
    db.execute("ALTER TABLE orders ATTACH PARTITION third FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')")
    assert said(look(here)) == [(THREE, "pass", 3)]
    db.execute("ALTER TABLE orders DETACH PARTITION first")
    assert said(look(here)) == [(ONE, "fail", 0)]
    db.execute("UPDATE first SET amount = 7")
    assert look(here) == []
    db.execute("ALTER TABLE orders ATTACH PARTITION first FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')")
    assert said(look(here)) == [(ONE, "pass", 2)]
    db.execute("DROP TABLE second")
    assert said(look(here)) == [(TWO, "fail", 0)]


def test_a_leaf_exchanged_for_one_with_as_many_rows_is_judged(
    here: Workspace, db: Connection, leaves: None
) -> None:
    fill(db, ONE)
    look(here)
    db.execute("ALTER TABLE orders DETACH PARTITION first; CREATE TABLE again (LIKE orders)")
    fill(db, ONE, "-1, -2", "again")
    db.execute("ALTER TABLE orders ATTACH PARTITION again FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')")
    assert said(look(here)) == [(ONE, "fail", 2)]


def test_a_leaf_without_marks_is_told(here: Workspace, db: Connection, leaves: None) -> None:
    db.execute("CREATE TABLE third PARTITION OF orders FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')")
    chosen = watch.tables(here, ())
    (found,) = watch.rounds(chosen, watch.url(chosen, None), once=True)
    assert [n.partition(":")[0] for n in found.notes] == ["public.third leaves no marks"]
    install(db, contract())
    (found,) = watch.rounds(chosen, watch.url(chosen, None), once=True)
    assert found.notes == ()
    db.execute('ALTER TABLE first DISABLE TRIGGER "interlock mark delete"')
    (found,) = watch.rounds(chosen, watch.url(chosen, None), once=True)
    assert [n.partition(":")[0] for n in found.notes] == ["public.first leaves no marks"]


def test_a_table_that_nothing_splits_is_judged_once_a_day(
    here: Workspace, db: Connection, folder: Path
) -> None:
    (folder / "interlock.yaml").write_text(CONTRACT.replace("    partition: day\n", ""))
    db.execute("CREATE TABLE orders (id int, amount int)")
    install(db, contract(partition=None))
    with interlock.open() as ws:
        assert look(ws)[0].profile.rows == 0
        db.execute("INSERT INTO orders VALUES (1, 2), (3, 4)")
        (verdict,) = look(ws)
        assert said([verdict]) == [(changes.today(), "pass", 2)]
        assert look(ws) == []
        db.execute("TRUNCATE orders")
        assert look(ws)[0].profile.rows == 0
        assert left(db) == 0


def test_a_mark_that_tells_no_partition_has_all_judged(here: Workspace, db: Connection, orders: None) -> None:
    """As after a statement over very many partitions: none was counted, each may have changed."""
    for day in (ONE, TWO):
        fill(db, day)
    look(here)
    db.execute("INSERT INTO interlock.mark (relation, whole, event) VALUES ('orders', true, 'UPDATE')")
    assert said(look(here)) == [(ONE, "pass", 2), (TWO, "pass", 2)]
    assert left(db) == 0


@pytest.mark.parametrize(
    ("type_", "values", "labels"),
    [
        ("int", ["10", "9", None], ["9", "10", "__null__"]),
        ("date", ["2024-01-05", "infinity", None], None),
        ("timestamp", ["2024-01-05 00:00", "2024-01-05 10:30"], ["2024-01-05", "2024-01-05T10:30:00"]),
        ("timestamptz", ["2024-01-05 02:00+02"], ["2024-01-05T00:00:00+00:00"]),
        ("numeric(6, 2)", ["1.50", "2"], ["1.5", "2"]),
        ("float8", ["0.1", "NaN", None], ["0.1", "__null__"]),
        ("boolean", ["t", "f"], ["false", "true"]),
        ("uuid", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
        ("text", ["it's", "a\\b", "x; --", "%s", "ß" * 90, ""], None),
        ("text", ["line\nbreak", "y" * 400], None),
        ("char(4)", ["ab"], ["ab  "]),
    ],
)
def test_a_partition_is_found_again_by_its_label_whatever_its_type(
    here: Workspace, db: Connection, type_: str, values: list[str | None], labels: list[str] | None
) -> None:
    db.execute(f"CREATE TABLE orders (id int, day {type_}, amount int)")
    install(db, contract())
    look(here)
    for n, value in enumerate(values):
        db.execute("INSERT INTO orders SELECT 1, %s, 1 FROM generate_series(1, %s)", [value, n + 2])
    found = look(here)
    assert sum(v.profile.rows for v in found) == sum(n + 2 for n in range(len(values)))
    assert all(v.outcome == "pass" for v in found)
    assert labels is None or {v.partition for v in found} == set(labels)
    assert len({v.partition for v in found}) == len(found)
    db.execute("UPDATE orders SET amount = 2")
    assert sorted(said(look(here))) == sorted(said(found))
    assert left(db) == 0


def test_rows_are_read_as_they_are_stored(here: Workspace, db: Connection) -> None:
    db.execute("CREATE TYPE mood AS ENUM ('calm', 'Mad')")
    db.execute(
        "CREATE TABLE orders (id int, day date, amount int, f float8, d numeric(10, 2), free numeric, b bytea, t text,"
        " at timestamptz, span interval, m mood, j jsonb, a text[], u uuid, c char(5), yes boolean)"
    )
    install(db, contract())
    look(here)
    db.execute(
        "INSERT INTO orders VALUES (1, %(day)s, 1, 'Infinity', 1.25, 3.5, '\\x00ff', 'a,\"b\"\n\\.',"
        " '2024-01-05 02:00+02', '1 mon 2 days -03:00',"
        " 'Mad', '{\"a\": 1}', '{x,NULL}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'ab', true),"
        " (2, %(day)s, 1, NULL, NULL, 'NaN', NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        {"day": ONE},
    )
    (verdict,) = look(here)
    assert said([verdict]) == [(ONE, "pass", 2)], verdict.notes
    columns = verdict.profile.columns
    assert {name for name in columns if columns[name]["nulls"] == 0} == {"id", "day", "amount", "t", "free"}
    found = dict(here.existing_table("orders").partitions()[0].schema)
    assert (found["d"], found["b"], found["m"], found["u"]) == ("DECIMAL(10,2)", "BLOB", "VARCHAR", "UUID")


def test_a_value_that_has_no_place_fails_the_partition_and_says_why(here: Workspace, db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, day date, amount int, d numeric(10, 2))")
    install(db, contract())
    db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1, 'NaN'), (1, '{TWO}', 1, 1), (1, '{TWO}', 1, 2)")
    assert [(v.partition, v.outcome) for v in look(here)] == [(ONE, "fail"), (TWO, "pass")]
    assert left(db) == 0


@pytest.mark.parametrize("name", ["Orders", "select", 'a"b', "x'); DROP TABLE victim; --", "größe", "%s {0}"])
def test_no_name_is_read_as_sql(here: Workspace, db: Connection, name: str) -> None:
    db.execute(
        f"CREATE TABLE {quoted(name)} ({quoted(name)} text, n int); CREATE TABLE victim (x int)".encode()
    )
    install(db, contract(partition=name), quoted(name), "hostile")
    table = here.attach("hostile", f"postgresql://#{quoted(name)}")
    db.execute(f"INSERT INTO {quoted(name)} VALUES ('it''s', 1), (';', 2)".encode())
    assert sorted(v.partition for v in table.judge_new()) == [";", "it's"]
    assert db.execute("SELECT count(*) FROM victim").fetchone() == (0,)


def test_no_code_of_a_table_s_owner_runs_with_the_rights_of_the_worker(
    here: Workspace, db: Connection
) -> None:
    db.execute(
        "CREATE TABLE caught (who text); CREATE TYPE mood AS ENUM ('calm', 'Mad');"
        "CREATE FUNCTION spy(text) RETURNS mood LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES ('cast'); RETURN 'calm'; END $$;"
        "CREATE FUNCTION tell(mood) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES ('text'); RETURN 'calm'; END $$;"
        "CREATE CAST (text AS mood) WITH FUNCTION spy(text); CREATE CAST (mood AS text) WITH FUNCTION tell(mood);"
        "CREATE FUNCTION good(date) RETURNS bool LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES ('check'); RETURN true; END $$;"
        "CREATE DOMAIN on_day AS date CHECK (good(VALUE)); CREATE TABLE other (day on_day);"
        "CREATE TABLE orders (id int, day mood, amount int)"
    )
    install(db, contract())
    install(db, contract(), "other", "other")
    db.execute(f"INSERT INTO orders VALUES (1, 'Mad', 1), (2, 'Mad', 2); INSERT INTO other VALUES ('{ONE}')")
    db.execute("DELETE FROM caught")
    assert said(look(here)) == [("Mad", "pass", 2)]
    assert [v.partition for v in here.attach("other", "postgresql://").judge_new()] == [ONE]
    assert db.execute("SELECT * FROM caught").fetchall() == []


# --- several workers, and none ----------------------------------------------------------


def test_one_worker_at_a_time_judges_a_table(
    here: Workspace, db: Connection, orders: None, postgres: Server, database: str
) -> None:
    fill(db, ONE)
    with postgres.connect(database) as other:
        marked = changes.marked(other, "orders", engine.relation(other, "orders"))
        with changes.alone(other, marked) as free:
            assert free
            chosen = watch.tables(here, ())
            (found,) = watch.rounds(chosen, watch.url(chosen, None), once=True)
            assert (found.verdicts, found.notes) == ((), ("another worker judges orders just now",))
        assert said(look(here)) == [(ONE, "pass", 2)]


def test_a_lock_of_somebody_who_may_take_no_marks_stops_nobody(
    here: Workspace, db: Connection, orders: None, postgres: Server, database: str
) -> None:
    fill(db, ONE)
    db.execute("CREATE ROLE plain LOGIN")
    with postgres.connect(database, "plain") as other:
        marked = changes.marked(other, "orders", engine.relation(other, "orders"))
        with changes.alone(other, marked):
            assert said(look(here)) == [(ONE, "pass", 2)]
    db.execute("DROP ROLE plain")


def test_a_worker_that_may_not_take_marks_says_so(
    here: Workspace, db: Connection, orders: None, postgres: Server, database: str
) -> None:
    db.execute("CREATE ROLE watcher LOGIN; GRANT SELECT ON orders TO watcher")
    fill(db, ONE)
    chosen = watch.tables(here, ())
    with pytest.raises(DatabaseRefused, match="permission denied for table mark"):
        list(watch.rounds(chosen, postgres.url(database, "watcher"), once=True))
    db.execute("GRANT SELECT, DELETE ON interlock.mark TO watcher")
    (found,) = watch.rounds(chosen, postgres.url(database, "watcher"), once=True)
    assert (said(list(found.verdicts)), left(db)) == ([(ONE, "pass", 2)], 0)
    db.execute("DROP OWNED BY watcher; DROP ROLE watcher")


def worker(tell: Tell, folder: str, url: str) -> None:
    """Judges what has changed, once."""
    with interlock.open(folder) as ws:
        table = ws.attach("orders", "postgresql://")
        for found in watch.rounds([table], url, once=True):
            tell([v.partition for v in found.verdicts])


@pytest.mark.slow
def test_a_worker_killed_anywhere_loses_no_mark(
    nursery: Nursery, postgres: Server, database: str, db: Connection, orders: None, tmp_path: Path
) -> None:
    url, seen = postgres.url(database), set()
    prepared = tmp_path / "prepared"
    for day in (ONE, TWO, THREE):
        fill(db, day)
    assert nursery.run(worker, folder=prepared, url=url).told == ([ONE, TWO, THREE],)
    change = f"UPDATE orders SET amount = amount + 1 WHERE day <> '{ONE}'"
    db.execute(change)
    for folder, ending in every_boundary(nursery, prepared, tmp_path, worker, more_than=40, step=7, url=url):
        with interlock.open(folder) as ws:
            done = len(ws.verdicts("orders")) - 3
        seen.add(done)
        again = nursery.run(worker, folder=folder, url=url).told[0]
        with interlock.open(folder) as ws:
            labels = [v["partition"] for v in ws.verdicts("orders")]
            assert ws.verify_ledger().ok
        assert labels.count(ONE) == 1
        assert min(labels.count(TWO), labels.count(THREE)) >= 2, (ending.how, again)
        assert left(db) == 0
        db.execute(change)
    assert ending.how != KILLED
    assert seen >= {0, 1, 2}


def watching(tell: Tell, folder: str, url: str) -> None:
    """Watches until it is killed."""
    with (
        settings.override(watch_poll_s=0.2 if "poll" in folder else 600.0, watch_pause_s=0.01),
        interlock.open(folder) as ws,
    ):
        table = ws.attach("orders", "postgresql://")
        for found in watch.rounds([table], url):
            tell([[v.partition for v in found.verdicts], list(found.notes)])


@pytest.mark.parametrize("way", ["notify", "poll"])
def test_a_worker_is_woken_by_a_load_and_looks_for_small_changes(
    nursery: Nursery, postgres: Server, database: str, db: Connection, orders: None, tmp_path: Path, way: str
) -> None:
    """With ten minutes between two looks only a notice can wake it."""
    fill(db, ONE)
    running = nursery.start(watching, folder=tmp_path / way, url=postgres.url(database))
    running.until_told(1)
    rows = 1_000 if way == "notify" else 1
    db.execute(f"INSERT INTO orders SELECT n, '{TWO}', n FROM generate_series(1, {rows}) n")
    running.until_told(2)
    running.kill()
    running.wait()
    assert [told[0] for told in running.told] == [[ONE], [TWO]]


def test_a_worker_that_loses_its_connection_makes_a_new_one(
    nursery: Nursery, postgres: Server, database: str, db: Connection, orders: None, tmp_path: Path
) -> None:
    fill(db, ONE)
    running = nursery.start(watching, folder=tmp_path / "poll", url=postgres.url(database))
    running.until_told(1)
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'interlock' AND datname = current_database()"
    )
    running.until_told(2)
    fill(db, TWO)
    running.until_told(3)
    running.kill()
    running.wait()
    assert "trying again" in running.told[1][1][0]
    assert running.told[2][0] == [TWO]


# --- what cannot be watched -------------------------------------------------------------


def test_a_table_without_marks_is_told(here: Workspace, db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, day date, amount int)")
    with pytest.raises(RelationNotFound, match=r"no change of public\.orders is marked"):
        look(here)
    install(db, contract(), table="others")
    with pytest.raises(RelationNotFound, match="is marked for orders"):
        look(here)


def test_tables_elsewhere_are_told(here: Workspace, tmp_path: Path) -> None:
    here.table("managed")
    with pytest.raises(UsageError, match="managed is not in PostgreSQL"):
        watch.tables(here, ["managed"])
    with interlock.open(tmp_path / "empty") as ws, pytest.raises(UsageError, match="no table of"):
        watch.tables(ws, ())


def test_one_database_at_a_time(here: Workspace) -> None:
    here.attach("far", "postgresql://far.example/shop#sales.far")
    with pytest.raises(UsageError, match="several databases"):
        watch.url(watch.tables(here, ()), None)
    assert watch.url(watch.tables(here, ["far"]), None) == "postgresql://far.example/shop"
    with settings.override(postgres_url=""), pytest.raises(UsageError, match="which database"):
        watch.url(watch.tables(here, ["orders"]), None)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "postgresql://me:s3cret@host/shop",
            "postgresql://me:ab/s3cret@host",
            "postgresql://me:a#s3cret@host",
        ),
        *("postgres://host/shop?password=s3cret", "postgresql://me:ab@s3cret@host/x"),
    ],
)
def test_a_password_is_kept_in_no_workspace(here: Workspace, folder: Path, address: str) -> None:
    with pytest.raises(UsageError) as caught:
        here.attach("secret", address)
    assert "s3cret" not in str(caught.value)
    (folder / "interlock.yaml").write_text(CONTRACT.replace("postgresql://", json.dumps(address)))
    with pytest.raises(UsageError, match=r"interlock\.yaml:5") as caught:
        interlock.open()
    assert "s3cret" not in str(caught.value)


def test_a_managed_table_stays_one(here: Workspace) -> None:
    here.table("managed")
    with pytest.raises(TableConflict):
        here.attach("managed", "postgresql://")


def test_a_statement_that_fails_in_the_database_is_told_in_a_line(
    here: Workspace, db: Connection, orders: None, postgres: Server, database: str
) -> None:
    fill(db, ONE)
    db.execute("ALTER TABLE interlock.mark RENAME TO gone")
    with pytest.raises(DatabaseRefused, match=r"interlock\.mark") as caught:
        look(here)
    assert "\n" not in str(caught.value)


# --- readers and kept rows --------------------------------------------------------------


def test_readers_are_told_what_is_broken_and_when_it_is_mended(
    here: Workspace, db: Connection, orders: None
) -> None:
    found = engine.relation(db, "orders")
    plan = native.plan("orders", contract(), found)

    def guarded() -> list[str]:
        view = reads.guarded(db, found, GuardReads.VIEW)
        return native.install(plan, standing.of(db, found), standing.functions_there(db), view)

    native.change(db, guarded)
    fill(db, ONE)
    look(here)
    assert reads.marks(db, found) == ()
    fill(db, TWO, "-1, -2")
    look(here)
    assert [(m.column, m.alert is not None) for m in reads.marks(db, found)] == [("amount", True)]
    with pytest.warns(interlock.HealthWarning, match="orders.amount is broken"):
        interlock.show_warnings(db).execute("SELECT sum(amount) FROM orders_checked")
    db.execute(f"UPDATE orders SET amount = 1 WHERE day = '{TWO}'")
    look(here)
    assert reads.marks(db, found) == ()


def test_kept_rows_go_when_their_time_is_over(here: Workspace, db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, day date, amount int)")
    install(db, contract(mass_change=MassChange(share=1.0, keep=dt.timedelta(days=1))))
    fill(db, ONE)
    db.execute("DELETE FROM orders WHERE amount = 1")
    db.execute("UPDATE interlock.kept SET until = now()")
    look(here)
    assert db.execute("SELECT count(*) FROM interlock.kept").fetchone() == (0,)
