"""The read gate on a real PostgreSQL server: who reads a broken column is warned once, in a plain client."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import psycopg
import pytest
from psycopg import errors

from interlock.engines import postgres as engine
from interlock.engines.postgres import Relation
from interlock.errors import ColumnMissing, DatabaseRefused, RelationNotFound
from interlock.gates import native
from interlock.gates.native import reads, standing, swap
from interlock.gates.native.reads import Mark
from interlock.names import GuardReads
from tests.postgres import Server

Connection = psycopg.Connection[Any]
_NUMBERS = itertools.count()
HOSTILE = [
    "Orders",
    "select",
    'a"b',
    "x'); DROP TABLE victim; --",
    "größe",
    "a\\'b",
    "%s {0} $1 %%",
    "n" * 63,
    "ü" * 31,
]


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    name = f"reads_{next(_NUMBERS)}"
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(postgres: Server, database: str) -> Iterator[Connection]:
    with postgres.connect(database) as connection:
        yield connection


@pytest.fixture
def reader(postgres: Server, database: str) -> Iterator[Connection]:
    """A plain user with nothing but what a test grants."""
    with postgres.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
    with postgres.connect(database, "reader") as connection:
        yield connection


@pytest.fixture
def orders(db: Connection) -> Relation:
    """1,000 orders; of half of them the age is negative."""
    db.execute(
        "CREATE TABLE orders (id int PRIMARY KEY, age int, amount numeric(10, 2) DEFAULT 5);"
        "INSERT INTO orders SELECT i, CASE WHEN i % 2 = 0 THEN -i ELSE i END, i FROM generate_series(1, 1000) i"
    )
    return engine.relation(db, "orders")


AGE = Mark("age", "2024-03-30", "half of it is negative", "data-team", "A7")


def guard(db: Connection, relation: Relation, mode: GuardReads | None = GuardReads.VIEW) -> list[str]:
    return list(native.change(db, lambda: reads.guarded(db, relation, mode)))


def unguard(db: Connection, relation: Relation) -> None:
    def all_of_it() -> list[str]:
        return native.uninstall(standing.of(db, relation), reads.unguarded(reads.of(db, relation)))

    native.change(db, all_of_it)


@dataclass(frozen=True)
class Said:
    """A warning as a client gets it."""

    sqlstate: str | None
    message_primary: str
    message_hint: str | None
    table_name: str | None
    column_name: str | None


def told(db: Connection, *queries: str) -> list[Said]:
    """The warnings that these queries raise."""
    said: list[Said] = []

    def heard(notice: psycopg.errors.Diagnostic) -> None:  # it holds nothing once this is over
        if notice.severity_nonlocalized == "WARNING":
            said.append(Said(*(getattr(notice, f.name) for f in fields(Said))))

    db.add_notice_handler(heard)
    try:
        for query in queries:
            db.execute(query)
    finally:
        db.remove_notice_handler(heard)
    return said


def one(db: Connection, query: str) -> Any:
    row = db.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def broken(db: Connection, orders: Relation) -> Relation:
    """``orders``, read through ``orders_checked``, and its age is broken."""
    guard(db, orders)
    reads.mark(db, orders, "orders", [AGE])
    return orders


# --- who is warned ------------------------------------------------------------------------


def test_a_warning_says_what_broke_since_when_and_whom_to_ask(db: Connection, broken: Relation) -> None:
    (said,) = told(db, "SELECT avg(age) FROM orders_checked")
    assert said.message_primary == "interlock: orders.age is broken since 2024-03-30: half of it is negative"
    assert said.message_hint == "Ask data-team. interlock alerts show A7"
    assert (said.sqlstate, said.table_name, said.column_name) == ("01ILK", "orders", "age")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT avg(amount) FROM orders_checked",
        "SELECT count(*) FROM orders_checked",
        "SELECT id FROM (SELECT * FROM orders_checked) o WHERE amount > 3",
        "WITH o AS (SELECT * FROM orders_checked) SELECT max(id) FROM o",
    ],
)
def test_a_healthy_column_is_silent(db: Connection, broken: Relation, query: str) -> None:
    assert told(db, query) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT avg(age), min(age), max(age) FROM orders_checked WHERE age < 5 GROUP BY age ORDER BY age",
        "SELECT * FROM orders_checked",
        "SELECT o FROM orders_checked o",
        "SELECT count(*) FROM orders_checked WHERE age < 0",
        "SELECT (SELECT sum(age) FROM orders_checked v WHERE v.id <= o.i) FROM generate_series(1, 200) o (i)",
        "SELECT a.age FROM orders_checked a JOIN orders_checked b ON a.age = b.age",
        "SELECT age FROM orders_checked UNION ALL SELECT age FROM orders_checked",
        "WITH o AS MATERIALIZED (SELECT * FROM orders_checked) SELECT a.age FROM o a, o b",
        "DO $$ BEGIN FOR i IN 1..20 LOOP PERFORM max(age) FROM orders_checked; END LOOP; END $$",
    ],
)
def test_a_query_warns_once_however_often_it_reads_the_column(
    db: Connection, broken: Relation, query: str
) -> None:
    assert len(told(db, query)) == 1


def test_every_query_warns_also_in_one_transaction(db: Connection, broken: Relation) -> None:
    with db.transaction():
        assert len(told(db, *["SELECT max(age) FROM orders_checked"] * 3)) == 3


def test_a_prepared_query_and_a_server_side_cursor_warn(db: Connection, broken: Relation) -> None:
    db.execute("PREPARE ask AS SELECT max(age) FROM orders_checked")
    assert len(told(db, *["EXECUTE ask"] * 8)) == 8
    with db.transaction():
        db.execute("DECLARE many CURSOR FOR SELECT age FROM orders_checked")
        assert len(told(db, "FETCH 5 FROM many", "FETCH 5 FROM many")) == 1


def test_two_broken_columns_are_two_warnings(db: Connection, broken: Relation) -> None:
    reads.mark(db, broken, "orders", [Mark("amount", "2024-04-01", "cents, not euros")])
    said = told(db, "SELECT * FROM orders_checked")
    assert sorted(s.column_name or "" for s in said) == ["age", "amount"]
    assert {s.message_hint for s in said} == {
        "Ask data-team. interlock alerts show A7",
        "Ask the owner of the table.",
    }


def test_a_table_that_is_broken_as_a_whole_warns_whatever_is_read(db: Connection, broken: Relation) -> None:
    reads.clear(db, broken)
    reads.mark(db, broken, "orders", [Mark("", "2024-04-01", "half of the rows are missing")])
    for query in (
        "SELECT count(*) FROM orders_checked",
        "SELECT id, (SELECT max(id) FROM orders_checked) FROM orders_checked WHERE id = 5",
    ):
        (said,) = told(db, query)
        assert said.message_primary == (
            "interlock: orders is broken since 2024-04-01: half of the rows are missing"
        )


def test_what_is_cleared_is_silent_and_planned_as_the_table_is(db: Connection, broken: Relation) -> None:
    assert reads.clear(db, broken, "id") == 0
    assert reads.clear(db, broken, "age") == 1
    assert told(db, "SELECT * FROM orders_checked") == []
    plans = [
        db.execute(f"EXPLAIN SELECT age FROM {t} WHERE id = 3").fetchall()
        for t in ("orders", "orders_checked")
    ]
    assert plans[0] == plans[1]


def test_a_mark_that_is_gone_stops_nobody(db: Connection, broken: Relation) -> None:
    db.execute("DELETE FROM interlock.broken")
    assert told(db, "SELECT max(age) FROM orders_checked") == []
    db.execute("REVOKE ALL ON interlock.broken FROM PUBLIC")
    db.execute("DROP TABLE interlock.broken")
    assert told(db, "SELECT max(age) FROM orders_checked") == []


# --- what it costs ------------------------------------------------------------------------


def test_plans_stay_parallel_and_ask_once(db: Connection, broken: Relation) -> None:
    db.execute(
        "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0"
    )

    def plan(query: str) -> str:
        return "\n".join(line for (line,) in db.execute(f"EXPLAIN (COSTS off) {query}").fetchall())

    found = plan("SELECT avg(age) FROM orders_checked WHERE amount > 3")
    assert "Gather" in found and "Parallel Seq Scan on orders" in found and "InitPlan 1" in found
    assert "InitPlan" not in plan("SELECT avg(amount) FROM orders_checked")
    assert len(told(db, "SELECT avg(age), max(age) FROM orders_checked WHERE amount > 3")) == 1
    reads.mark(db, broken, "orders", [Mark("", "x", "y")])
    found = plan("SELECT count(*) FROM orders_checked")
    assert "Gather" in found and "One-Time Filter" in found


def test_where_postgresql_runs_all_in_a_worker_it_warns_as_well(db: Connection, broken: Relation) -> None:
    version = db.info.server_version
    db.execute(f"SET {'debug_parallel_query' if version >= 160_000 else 'force_parallel_mode'} = on")
    assert len(told(db, "SELECT avg(age), max(age) FROM orders_checked")) == 1


def test_values_and_types_are_those_of_the_table(db: Connection, broken: Relation) -> None:
    reads.mark(db, broken, "orders", [Mark("amount", "x", "y"), Mark("id", "x", "y")])
    assert one(db, "SELECT count(*) FROM (SELECT * FROM orders EXCEPT SELECT * FROM orders_checked) d") == 0
    types = (
        "SELECT array_agg(format_type(atttypid, atttypmod) ORDER BY attnum) FROM pg_attribute"
        " WHERE attnum > 0 AND attrelid = '{}'::regclass"
    )
    assert one(db, types.format("orders")) == one(db, types.format("orders_checked"))


# --- standing ----------------------------------------------------------------------------


def test_guarding_again_changes_nothing_and_mends_what_was_changed(db: Connection, broken: Relation) -> None:
    assert guard(db, broken) == guard(db, broken, None) == []
    db.execute("CREATE OR REPLACE VIEW orders_checked AS SELECT id, age, amount FROM orders")
    assert told(db, "SELECT age FROM orders_checked") == []
    assert guard(db, broken, None) != []
    assert len(told(db, "SELECT age FROM orders_checked")) == 1


def test_new_columns_and_new_types_are_followed(db: Connection, broken: Relation) -> None:
    db.execute("ALTER TABLE orders ADD COLUMN note text DEFAULT 'x'")
    with pytest.raises(errors.UndefinedColumn):
        db.execute("SELECT note FROM orders_checked")
    relation = engine.relation(db, "orders")
    guard(db, relation, None)
    assert one(db, "SELECT note FROM orders_checked LIMIT 1") == "x"
    unguard(db, relation)
    db.execute("ALTER TABLE orders ALTER amount TYPE bigint")
    guard(db, relation)
    reads.mark(db, relation, "orders", [AGE])
    assert len(told(db, "SELECT age FROM orders_checked")) == 1


def test_uninstalling_leaves_no_trace(db: Connection, broken: Relation) -> None:
    unguard(db, broken)
    assert one(db, "SELECT count(*) FROM pg_class WHERE relname LIKE 'orders_%' AND relkind = 'v'") == 0
    assert one(db, "SELECT to_regnamespace('interlock') IS NULL")
    assert one(db, "SELECT count(*) FROM orders") == 1000


def test_another_tables_readers_go_on_being_warned(db: Connection, broken: Relation) -> None:
    db.execute("CREATE TABLE other (x int)")
    other = engine.relation(db, "other")
    guard(db, other)
    unguard(db, other)
    assert len(told(db, "SELECT age FROM orders_checked")) == 1
    assert reads.marks(db, broken)[0].column == "age"


def test_marks_need_a_guarded_table_and_a_column_that_is_there(db: Connection, orders: Relation) -> None:
    with pytest.raises(RelationNotFound, match=r"nobody reads public\.orders through the read gate"):
        reads.mark(db, orders, "orders", [AGE])
    assert one(db, "SELECT to_regnamespace('interlock') IS NULL")
    guard(db, orders)
    with pytest.raises(ColumnMissing, match="no column 'agee'") as caught:
        reads.mark(db, orders, "orders", [Mark("agee", "x", "y")])
    assert caught.value.hint == "did you mean 'age'?"


def test_a_name_that_is_taken_is_said(db: Connection, orders: Relation) -> None:
    db.execute("CREATE TABLE orders_checked (x int)")
    with pytest.raises(RelationNotFound, match=r"public\.orders_checked is there already"):
        guard(db, orders)


def test_publishing_marks_what_alerts_say_and_leaves_what_hands_marked(
    db: Connection, broken: Relation
) -> None:
    by_hand = Mark("amount", "2024-04-01", "cents, not euros")
    reads.mark(db, broken, "orders", [by_hand])
    found = [Mark("id", "2024-04-02", "it repeats", "", "A8"), Mark("gone", "x", "y", "", "A9")]
    assert reads.publish(db, broken, "orders", [*found, Mark("amount", "x", "y", "", "A8")]) == (1, 1)
    assert [(m.column, m.alert, m.since) for m in reads.marks(db, broken)] == [
        ("amount", None, "2024-04-01"),
        ("id", "A8", "2024-04-02"),
    ]
    assert {s.column_name for s in told(db, "SELECT * FROM orders_checked")} == {"amount", "id"}
    assert reads.publish(db, broken, "orders", []) == (0, 1)


# --- whose privileges --------------------------------------------------------------------


def test_the_tables_privileges_are_carried_and_nothing_more(
    db: Connection, reader: Connection, orders: Relation
) -> None:
    db.execute(
        "GRANT SELECT (id, age) ON orders TO reader WITH GRANT OPTION; GRANT INSERT ON orders TO PUBLIC"
    )
    guard(db, orders)
    reads.mark(db, orders, "orders", [AGE])
    assert len(told(reader, "SELECT max(age) FROM orders_checked")) == 1
    reader.execute("GRANT SELECT (id) ON orders_checked TO PUBLIC")
    for refused in ("SELECT amount FROM orders_checked", "INSERT INTO orders_checked (id) VALUES (-1)"):
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute(refused)
    db.execute("REVOKE ALL ON orders FROM reader CASCADE")
    guard(db, orders, None)
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute("SELECT id FROM orders_checked")


def test_before_version_15_what_is_taken_from_a_reader_is_taken_from_the_view(
    db: Connection, reader: Connection, orders: Relation
) -> None:
    old = 140_012
    db.execute("GRANT SELECT ON orders TO reader")
    native.change(db, lambda: reads.guarded(db, orders, GuardReads.VIEW, old))
    assert one(db, "SELECT reloptions IS NULL FROM pg_class WHERE relname = 'orders_checked'")
    db.execute("REVOKE ALL ON orders FROM reader")
    assert one(reader, "SELECT max(id) FROM orders_checked") == 1000
    native.change(db, lambda: reads.guarded(db, orders, None, old))
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute("SELECT id FROM orders_checked")


def test_row_security_is_kept_from_version_15_on_and_refused_before(
    db: Connection, reader: Connection, orders: Relation
) -> None:
    db.execute(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; GRANT SELECT ON orders TO reader;"
        "CREATE POLICY few ON orders USING (id <= 3)"
    )
    with pytest.raises(DatabaseRefused, match="row-level security"):
        reads.guarded(db, orders, GuardReads.VIEW, 140_012)
    guard(db, orders)
    reads.mark(db, orders, "orders", [AGE])
    assert one(reader, "SELECT count(age) FROM orders_checked") == 3


# --- who could forge, silence, inject ----------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO interlock.broken (relation, column_name, table_name, since, what, ask)"
        " VALUES ('orders'::regclass, 'id', 'orders', 'x', 'forged', '')",
        "INSERT INTO interlock.broken (id, relation, column_name, table_name, since, what, ask)"
        " OVERRIDING SYSTEM VALUE VALUES (99, 'mine'::regclass, 'x', 'orders', 'x', 'forged', '')",
        "UPDATE interlock.broken SET relation = 0",
        "TRUNCATE interlock.broken",
        "DROP TABLE interlock.broken",
        "CREATE OR REPLACE FUNCTION interlock.warn(id integer) RETURNS boolean LANGUAGE sql RETURN true",
        "DROP VIEW orders_checked",
        "CREATE OR REPLACE VIEW orders_checked AS SELECT 1 AS id",
        "ALTER TABLE interlock.broken DISABLE ROW LEVEL SECURITY",
    ],
)
def test_a_plain_user_can_neither_forge_nor_switch_off(
    db: Connection, reader: Connection, broken: Relation, statement: str
) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT SELECT ON orders TO reader")
    guard(db, broken, None)
    reader.execute("CREATE TABLE mine (x int)")
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(statement)
    assert len(told(db, "SELECT age FROM orders_checked")) == 1


@pytest.mark.parametrize(
    "statement", ["DELETE FROM interlock.broken", "UPDATE interlock.broken SET what = 'nothing'"]
)
def test_a_plain_user_changes_no_mark(
    db: Connection, reader: Connection, broken: Relation, statement: str
) -> None:
    assert reader.execute(statement).rowcount == 0
    assert reads.marks(db, broken)[0].what == AGE.what


def test_an_owner_marks_their_own_table_without_owning_the_schema(
    db: Connection, reader: Connection, broken: Relation
) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO reader")
    reader.execute("CREATE TABLE mine (x int); INSERT INTO mine VALUES (1)")
    mine = engine.relation(reader, "mine")
    guard(reader, mine)
    reads.mark(reader, mine, "mine", [Mark("x", "today", "wrong")])
    assert len(told(reader, "SELECT x FROM mine_checked")) == 1
    unguard(reader, mine)
    assert len(reads.marks(db, broken)) == 1


def test_a_view_of_somebody_else_is_never_taken_for_ours(
    db: Connection, reader: Connection, orders: Relation
) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO reader")
    reader.execute("CREATE VIEW decoy AS SELECT * FROM orders")
    reader.execute("COMMENT ON VIEW decoy IS 'interlock reads swap x y'")
    assert reads.of(db, orders) is None
    assert reads.behind(db, engine.relation(db, "decoy")).name == "decoy"
    guard(db, orders)
    unguard(db, orders)
    assert one(db, "SELECT to_regclass('decoy') IS NOT NULL")


def test_what_stands_in_a_session_does_not_change_what_warns(
    db: Connection, reader: Connection, broken: Relation
) -> None:
    db.execute("GRANT SELECT ON orders TO reader; GRANT CREATE ON SCHEMA public TO reader")
    guard(db, broken, None)
    reader.execute(
        "CREATE TEMP TABLE pg_cursors AS SELECT 'interlock 1'::text AS name, now() AS creation_time"
    )
    reader.execute("CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql RETURN 'fine'")
    reader.execute("SET standard_conforming_strings = off; SET search_path = public, pg_catalog")
    (said,) = told(reader, "SELECT age FROM orders_checked")
    assert "half of it is negative" in said.message_primary


@pytest.mark.parametrize("mode", list(GuardReads))
@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_ever_read_as_sql(db: Connection, name: str, mode: GuardReads) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    db.execute("CREATE TABLE victim (x int)")
    db.execute(f"CREATE TABLE {quoted} ({quoted} int, n int); INSERT INTO {quoted} VALUES (1, 2)")
    before = engine.relation(db, quoted)
    for standard in ("off", "on"):
        db.execute(f"SET standard_conforming_strings = {standard}")
        guard(db, before, mode)
        relation = engine.relation_of(db, before.oid)
        reads.mark(db, relation, name, [Mark(name, name, name, name, name)])
        there = reads.of(db, relation)
        assert there is not None and guard(db, relation, None) == []
        (said,) = told(db, f"SELECT {quoted} FROM {there.on}")
        assert said.message_primary == f"interlock: {name}.{name} is broken since {name}: {name}"
        assert told(db, f"SELECT n FROM {there.on}") == []
        unguard(db, relation)
        assert one(db, f"SELECT {quoted} FROM {quoted}") == 1
    assert one(db, "SELECT count(*) FROM victim") == 0


def test_what_is_written_cannot_command_a_terminal(db: Connection, broken: Relation) -> None:
    hostile = "a\x1b[31mb\nc\r\x07%s%% \u202eegap\u200b" + "x" * 5000
    reads.mark(db, broken, "orders", [Mark("age", "x", hostile, hostile)])
    (said,) = told(db, "SELECT age FROM orders_checked")
    text = said.message_primary + (said.message_hint or "")
    assert "a?[31mb?c??%s%% ?egap?" in text
    assert not any(ord(c) < 32 or c in "\u202e\u200b" for c in text)
    assert len(text) <= 2500


# --- under the table's own name -----------------------------------------------------------


@pytest.fixture
def swapped(db: Connection, orders: Relation) -> Relation:
    guard(db, orders, GuardReads.SWAP)
    return engine.relation_of(db, orders.oid)


def test_a_swapped_table_is_read_by_its_name(db: Connection, swapped: Relation) -> None:
    assert swapped.name == "orders_unchecked"
    assert reads.behind(db, engine.relation(db, "orders")) == swapped
    reads.mark(db, swapped, "orders", [AGE])
    assert len(told(db, "SELECT age FROM orders")) == 1
    assert told(db, "SELECT age FROM orders_unchecked", "SELECT id FROM orders") == []


def test_writing_by_name_goes_on_where_postgresql_lets_it(db: Connection, swapped: Relation) -> None:
    def written(name: str) -> None:
        db.execute(f"INSERT INTO {name} (id, age) VALUES (-1, 5) RETURNING *")
        assert one(db, f"SELECT amount FROM {name} WHERE id = -1") == 5, "the table's default"
        db.execute(f"UPDATE {name} SET amount = 7 WHERE id = -1")
        assert db.execute(f"DELETE FROM {name} WHERE id = -1").rowcount == 1

    written("orders")
    db.execute("INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET age = 3")
    reads.mark(db, swapped, "orders", [AGE])
    written("orders")
    assert db.execute("INSERT INTO orders SELECT -10 - i, i FROM generate_series(1, 5) i").rowcount == 5
    with pytest.raises(errors.FeatureNotSupported, match="cannot update column"):
        db.execute("UPDATE orders SET age = 3")
    reads.clear(db, swapped)
    written("orders")
    db.execute("UPDATE orders SET age = 3")
    db.execute("ALTER TABLE orders_unchecked ALTER amount SET DEFAULT 9")
    assert db.execute("INSERT INTO orders (id) VALUES (-9) RETURNING amount").fetchone() == (9,)


def test_rows_that_a_policy_forbids_are_not_written_through_a_rule(
    db: Connection, reader: Connection, orders: Relation
) -> None:
    db.execute(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; GRANT SELECT, INSERT ON orders TO reader;"
        "CREATE POLICY few ON orders USING (id > 0)"
    )
    guard(db, orders, GuardReads.SWAP)
    reads.mark(db, engine.relation_of(db, orders.oid), "orders", [AGE])
    with pytest.raises(errors.Error):
        reader.execute("INSERT INTO orders (id, age) VALUES (-1, 5)")
    assert one(db, "SELECT count(*) FROM orders_unchecked WHERE id < 0") == 0


def test_a_writer_needs_no_more_than_before(db: Connection, reader: Connection, orders: Relation) -> None:
    db.execute("GRANT SELECT, INSERT ON orders TO reader")
    guard(db, orders, GuardReads.SWAP)
    reads.mark(db, engine.relation_of(db, orders.oid), "orders", [AGE])
    reader.execute("INSERT INTO orders (id, age) VALUES (-1, 5)")
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute("DELETE FROM orders")


def test_a_swap_is_undone_exactly(db: Connection, reader: Connection, orders: Relation) -> None:
    db.execute(
        "GRANT SELECT ON orders TO reader; GRANT UPDATE (age) ON orders TO reader; CREATE INDEX ON orders (age);"
        "CREATE TABLE lines (order_id int REFERENCES orders); CREATE VIEW old AS SELECT age FROM orders"
    )

    def catalog() -> list[Any]:
        return db.execute(
            "SELECT c.oid, relname, relkind, relacl::text, relowner, reltype::regtype::text, relhasrules,"
            " (SELECT array_agg((attname, attacl::text)::text ORDER BY attnum) FROM pg_attribute"
            "  WHERE attrelid = c.oid) FROM pg_class c WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
        ).fetchall()

    before = catalog()
    guard(db, orders, GuardReads.SWAP)
    relation = engine.relation_of(db, orders.oid)
    reads.mark(db, relation, "orders", [AGE])
    unguard(db, relation)
    assert catalog() == before
    assert one(db, "SELECT to_regnamespace('interlock') IS NULL")


def test_what_a_swap_breaks_is_told_before(db: Connection, orders: Relation) -> None:
    db.execute(
        "CREATE TABLE lines (order_id int REFERENCES orders); CREATE VIEW old AS SELECT age FROM orders;"
        "ALTER TABLE orders ADD line int GENERATED ALWAYS AS IDENTITY;"
        "ALTER TABLE orders ADD twice int GENERATED ALWAYS AS (id * 2) STORED;"
        "CREATE FUNCTION f(o orders) RETURNS int LANGUAGE sql RETURN 1"
    )
    said = "\n".join(swap.breaks(db, engine.relation(db, "orders")))
    for words in (
        "COPY, TRUNCATE",
        "the 1 there are stay",
        "ON CONFLICT",
        "GRANT",
        "1 views read the table itself",
        "identity columns (line)",
        "generated columns (twice)",
        "1 functions use the table's row type",
        "pg_get_serial_sequence",
    ):
        assert words in said
    assert "publishes" not in said and "partitions are attached" not in said


def test_the_mode_of_a_guard_is_not_changed_by_the_way(db: Connection, swapped: Relation) -> None:
    with pytest.raises(RelationNotFound, match=r"read through public\.orders already"):
        guard(db, swapped, GuardReads.VIEW)


def test_partitioned_tables_are_guarded_as_a_whole(db: Connection) -> None:
    db.execute(
        "CREATE TABLE events (id int, day date) PARTITION BY RANGE (day);"
        "CREATE TABLE first PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');"
        "INSERT INTO events VALUES (1, '2024-01-05')"
    )
    relation = engine.relation(db, "events")
    guard(db, relation, GuardReads.SWAP)
    relation = engine.relation_of(db, relation.oid)
    reads.mark(db, relation, "events", [Mark("id", "x", "y")])
    assert len(told(db, "SELECT id FROM events")) == 1
    db.execute("INSERT INTO events VALUES (2, '2024-01-06')")
    assert one(db, "SELECT count(*) FROM first") == 2
