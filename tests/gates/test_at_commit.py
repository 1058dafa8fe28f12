"""Rules of a whole partition on a real PostgreSQL server: what a transaction may leave behind, whoever writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from interlock.constraints import odcs, parse
from interlock.constraints.contract import Contract
from interlock.constraints.table_contract import TableContract
from interlock.engines import postgres as engine
from interlock.errors import ContractError, DataTypeUnsupported, RelationNotFound
from interlock.gates import native
from interlock.gates.native import standing
from interlock.gates.native.quoting import text
from tests.gates.marked import Connection, database, db, install, quoted, uninstall
from tests.postgres import Server

__all__ = ["database", "db"]
LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


def contract(*rules: str, partition: str | None = "day", **more: Any) -> TableContract:
    return TableContract(
        partition=partition, constraints=tuple(map(parse, rules)), **{"at_commit": True, **more}
    )


@pytest.fixture
def orders(db: Connection) -> Connection:
    """Ten orders of 10 on each of two days; a day has at least five, and they cost 5 to 15 on average."""
    db.execute("CREATE TABLE orders (day date, id int PRIMARY KEY, price int)")
    db.execute("INSERT INTO orders SELECT '2024-05-01'::date + n / 10, n, 10 FROM generate_series(0, 19) n")
    install(db, contract("count(*) >= 5", "avg(price) BETWEEN 5 AND 15", owner="shop-team"))
    return db


def refused(db: Connection, *statements: str) -> errors.CheckViolation:
    """One transaction of these, which must not commit."""
    before = db.execute("SELECT count(*), sum(price) FROM orders").fetchone()
    with pytest.raises(errors.CheckViolation) as caught:
        commit(db, *statements)
    assert db.execute("SELECT count(*), sum(price) FROM orders").fetchone() == before
    return caught.value


def commit(db: Connection, *statements: str) -> None:
    with db.transaction():
        for statement in statements:
            db.execute(statement)


def lines(db: Connection, table: str) -> int:
    row = db.execute(f"SELECT count(*) FROM interlock.{table}").fetchone()
    assert row is not None
    return int(row[0])


# --- what is refused --------------------------------------------------------------------


def test_a_refusal_names_the_partition_the_rule_what_was_seen_and_whom_to_ask(orders: Connection) -> None:
    found = refused(orders, "DELETE FROM orders WHERE id < 7").diag
    assert (
        found.message_primary
        == "partition day=2024-05-01 of table orders breaks rule count_star_ge_5: count(*) >= 5"
    )
    assert found.message_detail == (
        "count(*) = 3. Interlock refused the whole transaction; nothing of it was done."
    )
    assert (
        found.message_hint
        == "Make it right before the transaction ends, or ask shop-team, who owns the rule."
    )
    assert (found.schema_name, found.table_name, found.constraint_name) == (
        "public",
        "orders",
        "count_star_ge_5",
    )
    assert found.sqlstate == "23514"


BREAKING = [
    "DELETE FROM orders WHERE id < 7",
    "DELETE FROM orders WHERE day = '2024-05-01'",
    "UPDATE orders SET price = 100 WHERE id IN (1, 2)",
    "UPDATE orders SET day = day + 1 WHERE id < 7",
    "UPDATE orders SET day = NULL WHERE id = 1",
    "INSERT INTO orders VALUES ('2024-05-09', 100, 10)",
    "INSERT INTO orders VALUES ('2024-05-02', 100, 10), ('2024-05-01', 101, 999)",
    "INSERT INTO orders VALUES (NULL, 100, 10)",
    "INSERT INTO orders VALUES ('2024-05-01', 1, 999) ON CONFLICT (id) DO UPDATE SET price = 999",
    "MERGE INTO orders o USING (VALUES (1), (2)) s (id) ON o.id = s.id WHEN MATCHED THEN UPDATE SET price = 100",
    "WITH gone AS (DELETE FROM orders WHERE id < 7 RETURNING 1) SELECT count(*) FROM gone",
    "TRUNCATE orders",
]


def test_whatever_leaves_a_partition_that_breaks_a_rule_is_refused(orders: Connection) -> None:
    for statement in BREAKING:
        if not statement.startswith("MERGE") or orders.info.server_version >= 150000:
            refused(orders, statement)


def test_copy_is_refused_when_it_ends(orders: Connection) -> None:
    with pytest.raises(errors.CheckViolation), orders.cursor().copy("COPY orders FROM STDIN") as copy:
        copy.write("2024-05-01\t100\t999\n")


AGAIN = "INSERT INTO orders SELECT '2024-05-01'::date + n / 10, n, 11 FROM generate_series(0, 19) n"
HOLDING: list[tuple[str, ...]] = [
    ("DELETE FROM orders", AGAIN),
    ("TRUNCATE orders", AGAIN),
    ("UPDATE orders SET price = 999", "UPDATE orders SET price = 9"),
    ("SAVEPOINT s", "DELETE FROM orders", "ROLLBACK TO s"),
    (
        "INSERT INTO orders VALUES ('2024-05-09', 100, 10)",
        "DELETE FROM orders WHERE id = 100",
        "INSERT INTO orders SELECT '2024-05-09', n, 10 FROM generate_series(200, 204) n",
    ),
    ("INSERT INTO orders SELECT '2024-05-01', n, 10 FROM generate_series(300, 304) n",),
    ("INSERT INTO orders VALUES ('2024-05-31', 400, 999)", "DELETE FROM orders WHERE id = 400"),
    ("DELETE FROM orders WHERE id = 77",),
]


def test_what_is_right_at_the_end_passes_whatever_it_was_in_between(orders: Connection) -> None:
    for statements in HOLDING:
        commit(orders, *statements)


def test_after_a_truncate_a_partition_that_did_not_come_back_is_judged_as_empty(orders: Connection) -> None:
    half = "INSERT INTO orders SELECT '2024-05-01', n, 10 FROM generate_series(0, 9) n"
    found = refused(orders, "TRUNCATE orders", half)
    assert "partition day=2024-05-02 of" in str(found) and "count(*) = 0" in str(found)


def test_a_partition_that_nobody_touched_is_not_judged(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day date, price int); INSERT INTO orders VALUES ('2024-05-01', 1)")
    install(db, contract("count(*) >= 2"))
    db.execute("INSERT INTO orders VALUES ('2024-05-02', 1), ('2024-05-02', 1)")
    refused(db, "INSERT INTO orders VALUES ('2024-05-03', 1)")


def test_without_a_column_that_splits_it_the_table_is_judged_as_a_whole(db: Connection) -> None:
    db.execute("CREATE TABLE orders (price int); INSERT INTO orders VALUES (1), (2)")
    install(db, contract("count(*) >= 2", partition=None))
    for statement in ("DELETE FROM orders WHERE price = 1", "TRUNCATE orders"):
        assert "table orders breaks rule" in str(refused(db, statement)).split("\n")[0]
    commit(db, "DELETE FROM orders WHERE price = 1", "INSERT INTO orders VALUES (3)")


KINDS: list[tuple[str, float, str, str]] = [
    ("unique(id)", 0, "(1, 5), (1, 5)", "2 of 6 rows repeat an earlier one"),
    ("unique(id, price)", 0, "(7, 5), (7, 5)", "1 of 6 rows repeat an earlier one"),
    ("price IS NOT NULL", 0.2, "(5, NULL), (6, NULL)", "2 of 6 rows break it, and at most 20% may"),
    ("price < 9", 0.2, "(5, 9), (6, 9)", "2 of 6 rows break it, and at most 20% may"),
    ("sum(price) < 25", 0, "(5, 5), (6, 5)", "sum(price) = 30"),
    ("stddev(price) < 1", 0, "(5, 5), (6, 9)", "stddev(price) = "),
    ("max(price) - min(price) <= 5", 0, "(5, 0), (6, 9)", "max(price) = 9, min(price) = 0"),
    ("count(DISTINCT id) = count(*)", 0, "(1, 5), (6, 5)", "count(DISTINCT id) = 5, count(*) = 6"),
    ("median(price) < 6", 0, "(5, 99), (6, 99), (7, 99), (8, 99), (9, 99)", "median(price) = 99"),
    ("min(price) > 0 OR count(*) < 3", 0, "(5, 0), (6, 0)", "min(price) = 0, count(*) = 6"),
    ("sum(CAST(code AS INTEGER)) > 0", 0, "(5, 5)", "1 rows could not be evaluated"),
]


def test_every_kind_of_rule_about_a_partition(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, price int, code text DEFAULT 'x')")
    db.execute("INSERT INTO orders SELECT n, 5, '1' FROM generate_series(1, 4) n")
    for rule, tolerance, bad, seen in KINDS:
        install(db, TableContract(constraints=(parse(rule, tolerance=tolerance),), at_commit=True))
        commit(db, "UPDATE orders SET price = 5")
        assert seen in str(refused(db, f"INSERT INTO orders VALUES {bad}").diag.message_detail)
    commit(db, "INSERT INTO orders VALUES (5, 5, '1')", "DELETE FROM orders WHERE id = 5")


def test_a_rule_that_has_nothing_to_judge_by_refuses(orders: Connection) -> None:
    found = refused(orders, "INSERT INTO orders SELECT '2024-05-09', n, NULL FROM generate_series(30, 39) n")
    assert "avg(price) = NULL: nothing to judge by" in str(found.diag.message_detail)


def test_what_cannot_be_judged_at_commit_is_left_and_said(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, at timestamp)")
    rules = (
        parse("references(id, other.id)"),
        parse("fresh(at, '2 hours')"),
        parse("count(*) > 5", block=False),
        parse("count(*) > 7", name="seven"),
        parse("id > 0"),
        parse("sum(id % 1e0) > 1"),
    )
    relation = engine.relation(db, "orders")
    plan = native.plan("orders", TableContract(constraints=rules, at_commit=True), relation)
    assert [(c.sql, why) for c, why in plan.left] == [
        ("references(id, other.id)", "it needs other rows"),
        ("fresh(at, '2 hours')", "it depends on when it is judged"),
        ("count(*) > 5", "it does not block"),
        (
            "sum(id % 1e0) > 1",
            "a remainder (%) of floats is refused on PostgreSQL: it has no such operator; CAST both sides to DECIMAL",
        ),
    ]
    assert ([r.constraint.name for r in plan.at_commit], len(plan.rules)) == (["seven"], 1)
    named = native.plan("orders", TableContract(constraints=rules, at_commit=("seven",)), relation)
    assert [why for c, why in named.left if c.kind == "fresh"] == ["it is about a partition"]
    assert native.plan("orders", TableContract(constraints=rules), relation).commit == ()


# --- every relation and every name ------------------------------------------------------


@pytest.fixture
def leaves(db: Connection) -> Connection:
    """A table of two levels of partitions, five rows a day."""
    db.execute(
        "CREATE TABLE orders (day date, price int) PARTITION BY RANGE (day);"
        "CREATE TABLE may PARTITION OF orders FOR VALUES FROM ('2024-05-01') TO ('2024-06-01')"
        " PARTITION BY RANGE (day);"
        "CREATE TABLE first PARTITION OF may FOR VALUES FROM ('2024-05-01') TO ('2024-05-02');"
        "CREATE TABLE rest PARTITION OF may DEFAULT; CREATE TABLE june PARTITION OF orders DEFAULT;"
        "INSERT INTO orders SELECT '2024-05-01'::date + n / 5, 1 FROM generate_series(0, 14) n"
    )
    install(db, contract("count(*) >= 5"))
    return db


def test_every_partition_is_judged_whichever_relation_a_statement_names(leaves: Connection) -> None:
    for table in ("orders", "may", "first"):
        refused(leaves, f"DELETE FROM {table} WHERE day = '2024-05-01'")
        refused(leaves, f"TRUNCATE {table}")
        refused(
            leaves,
            f"UPDATE {table} SET day = '2024-05-02' WHERE day = '2024-05-01'"
            if table != "first"
            else "DELETE FROM first",
        )
    refused(leaves, "INSERT INTO june VALUES ('2024-06-01', 1)")
    commit(
        leaves, "INSERT INTO june VALUES ('2024-06-01', 1)", "DELETE FROM june"
    )  # of a partition that never was
    commit(leaves, "INSERT INTO first SELECT '2024-05-01', 1 FROM generate_series(1, 3)")
    commit(leaves, "TRUNCATE first", "INSERT INTO first SELECT '2024-05-01', 1 FROM generate_series(1, 5)")


NAMES = ["Orders", 'a"b', "x'); DROP TABLE victim; --", "a\\'b", "%s %I {0}", "label", "v", "r"]


def test_no_name_and_no_value_is_ever_read_as_sql(db: Connection) -> None:
    db.execute("CREATE TABLE victim (x int); CREATE TABLE names (table_name text)")
    for name in NAMES:
        q, rule = quoted(name), parse(f"count({quoted(name)}) >= 2", name=name)
        db.execute("DELETE FROM names")
        db.execute("INSERT INTO names VALUES (%s)", [name])
        db.execute(f"CREATE TABLE {q} ({q} text, n int)".encode())
        install(db, TableContract(partition=name, constraints=(rule,), at_commit=True), q, name)
        for standard in ("off", "on"):
            db.execute(f"SET standard_conforming_strings = {standard}")
            with db.transaction():
                db.execute(f"INSERT INTO {q} SELECT table_name, 1 FROM names".encode())
                db.execute(f"INSERT INTO {q} SELECT table_name, 1 FROM names".encode())
            with pytest.raises(errors.CheckViolation) as caught:
                db.execute(f"UPDATE {q} SET {q} = NULL WHERE ctid = (SELECT max(ctid) FROM {q})".encode())
            said = f" of table {name} breaks rule {name}: {rule.sql}"
            assert str(caught.value.diag.message_primary).startswith(f"partition {name}=")
            assert str(caught.value.diag.message_primary).endswith(said)
            with pytest.raises(errors.CheckViolation, match="= 0") as caught:
                db.execute(f"TRUNCATE {q}".encode())
            assert caught.value.diag.message_primary == f"partition {name}={name}{said}"
            assert caught.value.diag.constraint_name == name
    assert db.execute("SELECT count(*) FROM victim").fetchone() == (0,)


def test_the_values_of_a_sensitive_column_are_not_told(db: Connection) -> None:
    db.execute("CREATE TABLE orders (who text, price int)")
    install(db, contract("max(price) < 5", "min(who) > 'b'", partition="who", sensitive=("who", "price")))
    found = refused(db, "INSERT INTO orders VALUES ('carl', 77)")
    assert str(found.diag.message_primary).startswith("a partition of table orders breaks rule max_price")
    assert "max(price) = (hidden)." in str(found.diag.message_detail)
    assert "carl" not in str(found) and "77" not in str(found)


def test_equal_values_are_one_partition_however_they_are_written(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day numeric, price int); INSERT INTO orders VALUES (1.0, 1), (1.00, 1)")
    install(db, contract("count(*) = 2"))
    commit(db, "DELETE FROM orders WHERE day::text = '1.0'", "INSERT INTO orders VALUES (1.000, 1)")
    found = refused(db, "INSERT INTO orders VALUES (1.0000, 1)")
    assert "count(*) = 3" in str(found)
    with db.transaction(force_rollback=True):
        db.execute("INSERT INTO orders VALUES (1.0, 1); INSERT INTO orders VALUES (1.00, 1)")
        written = db.execute(
            "SELECT count(DISTINCT label), count(DISTINCT slot) FROM interlock.touched"
            " WHERE xid = pg_current_xact_id()"
        ).fetchone()
        assert written == (2, 1)


TYPES = [
    ("timestamptz", "2024-03-31 02:30:00.5+01"),
    ("timestamp(3)", "2024-03-31 02:30:00.123"),
    ("timestamp", "infinity"),
    ("date", "0044-03-15 BC"),
    ("time", "24:00:00"),
    ("float8", "0.30000000000000004"),
    ("float4", "-0"),
    ("float8", "NaN"),
    ("numeric(10, 2)", "1.50"),
    ("boolean", "t"),
    ("char(5)", "ab"),
    ("varchar(19)", '{"a",\\\\ b}'),
    ("text", ""),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("mood", 'Mad, "sad"'),
    ("small", "7"),
]


def test_a_partition_is_found_again_by_its_value_whatever_the_type_and_the_session(db: Connection) -> None:
    db.execute("CREATE TYPE mood AS ENUM ('Mad, \"sad\"'); CREATE DOMAIN small AS smallint CHECK (VALUE < 9)")
    db.execute("SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY'; SET extra_float_digits = -9")
    for type_, value in TYPES:
        db.execute(f"CREATE TABLE orders (day {type_}, price int)")
        install(db, contract("count(*) = 2"))
        db.execute("SET datestyle = 'ISO, YMD'")
        db.execute(f"INSERT INTO orders VALUES ({text(value)}, 1), ({text(value)}, 2)")
        db.execute("SET datestyle = 'SQL, DMY'")
        commit(db, "UPDATE orders SET price = 3")
        assert "count(*) = 1" in str(
            refused(db, "DELETE FROM orders WHERE ctid = (SELECT max(ctid) FROM orders)")
        )
        assert "count(*) = 0" in str(refused(db, "DELETE FROM orders"))
        assert "count(*) = 0" in str(refused(db, "TRUNCATE orders"))
        db.execute("DROP TABLE orders")


def test_more_partitions_than_can_be_told_are_all_judged(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day int, price int); INSERT INTO orders VALUES (-1, 1)")
    install(db, contract("count(*) >= 2"))
    twice = "INSERT INTO orders SELECT n % {0}, 1 FROM generate_series(1, 2 * {0}) n"
    commit(db, twice.format(1000))
    assert "day=-1 of" in str(refused(db, twice.format(1001)))
    db.execute("CREATE TABLE long (day text)")
    install(db, contract("count(*) >= 2"), "long", "long")
    with pytest.raises(errors.CheckViolation):
        db.execute("INSERT INTO long VALUES (repeat('x', 2000))")
    db.execute("INSERT INTO long SELECT repeat('x', 2000) FROM generate_series(1, 2)")


def test_partitions_that_cannot_be_judged_are_refused_when_it_is_installed(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day date, tags jsonb); ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    with pytest.raises(DataTypeUnsupported):
        install(db, contract("count(*) > 1", partition="tags"))
    with pytest.raises(
        errors.InsufficientPrivilege, match=r"may hide rows of public\.orders from who writes"
    ):
        install(db, contract("count(*) > 1"))
    db.execute("CREATE EXTENSION citext; CREATE TABLE letters (day citext)")
    with pytest.raises(
        errors.UndefinedColumn, match="no column day of a type whose equality is PostgreSQL's own"
    ):
        install(db, contract("count(*) > 1"), "letters", "letters")
    assert standing.functions_there(db) is None
    db.execute("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w")
    db.execute(
        "CREATE TABLE p (day date) PARTITION BY LIST (day); CREATE FOREIGN TABLE far PARTITION OF p DEFAULT SERVER s"
    )
    with pytest.raises(RelationNotFound, match=r"public\.far is a foreign partition"):
        install(db, contract("count(*) > 1"), "p", "p")


def test_a_column_that_is_gone_lets_nothing_pass(orders: Connection) -> None:
    orders.execute("ALTER TABLE orders RENAME day TO date")
    with pytest.raises(errors.UndefinedColumn):
        orders.execute("UPDATE orders SET price = 11")
    orders.execute("ALTER TABLE orders RENAME date TO day; ALTER TABLE orders RENAME price TO cost")
    with pytest.raises(errors.UndefinedColumn):
        orders.execute("UPDATE orders SET cost = 11")


# --- two at once ------------------------------------------------------------------------


@pytest.fixture
def other(postgres: Server, orders: Connection, database: str) -> Iterator[Connection]:
    with postgres.connect(database) as connection:
        yield connection


def begin(db: Connection, level: str, *statements: str) -> None:
    db.execute(f"BEGIN ISOLATION LEVEL {level}")
    for statement in statements:
        db.execute(statement)


def ends(db: Connection) -> str:
    """SQLSTATE of its COMMIT, empty where it went well."""
    try:
        db.execute("COMMIT")
    except psycopg.Error as error:
        return error.sqlstate or "?"
    return ""


def committing(db: Connection) -> tuple[threading.Thread, list[str]]:
    """A COMMIT that waits for another, and what it comes to."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(ends(db)))
    thread.start()
    return thread, found


def waits(db: Connection, pid: int) -> None:
    for _ in range(500):
        if db.execute("SELECT pg_blocking_pids(%s) <> '{}'", [pid]).fetchone() == (True,):
            return
        time.sleep(0.01)
    raise AssertionError("it does not wait")


@pytest.mark.parametrize("level", LEVELS)
def test_of_two_that_are_each_within_the_rule_and_together_beyond_exactly_one_commits(
    postgres: Server, database: str, orders: Connection, other: Connection, level: str
) -> None:
    for _ in ("the first that ever touch it", "others were there before"):
        begin(orders, level, "DELETE FROM orders WHERE id < 3")
        begin(other, level, "DELETE FROM orders WHERE id IN (3, 4, 5)", "SELECT count(*) FROM orders")
        orders.execute("SET CONSTRAINTS ALL IMMEDIATE")  # judged, and its turn is not over
        thread, found = committing(other)
        with postgres.connect(database) as third:
            waits(third, other.info.backend_pid)
        assert ends(orders) == ""
        thread.join()
        assert found == ["23514" if level == LEVELS[0] else "40001"]
        assert orders.execute("SELECT count(*) FROM orders WHERE day = '2024-05-01'").fetchone() == (7,)
        orders.execute("INSERT INTO orders SELECT '2024-05-01', n, 10 FROM generate_series(0, 2) n")


@pytest.mark.parametrize("level", LEVELS)
def test_one_whose_snapshot_is_older_than_another_s_end_is_not_judged_by_it(
    orders: Connection, other: Connection, level: str
) -> None:
    for _ in ("the first that ever touch it", "others were there before"):
        begin(orders, level, "SELECT 1 FROM orders", "DELETE FROM orders WHERE id < 3")
        begin(other, level, "DELETE FROM orders WHERE id IN (3, 4, 5)")
        assert ends(other) == ""
        assert ends(orders) == ("23514" if level == LEVELS[0] else "40001")
        orders.execute("INSERT INTO orders SELECT '2024-05-01', n, 10 FROM generate_series(3, 5) n")


def test_who_is_rolled_back_lets_the_next_pass(
    postgres: Server, database: str, orders: Connection, other: Connection
) -> None:
    begin(orders, LEVELS[0], "DELETE FROM orders WHERE id < 3", "SET CONSTRAINTS ALL IMMEDIATE")
    begin(other, LEVELS[0], "DELETE FROM orders WHERE id IN (3, 4, 5)")
    thread, found = committing(other)
    with postgres.connect(database) as third:
        waits(third, other.info.backend_pid)
    orders.execute("ROLLBACK")
    thread.join()
    assert found == [""]


def test_who_touches_other_partitions_does_not_wait(orders: Connection, other: Connection) -> None:
    begin(orders, LEVELS[0], "UPDATE orders SET price = 11 WHERE id < 3", "SET CONSTRAINTS ALL IMMEDIATE")
    other.execute("SET lock_timeout = '300ms'")
    begin(other, LEVELS[0], "UPDATE orders SET price = 11 WHERE id > 12")
    assert ends(other) == ""
    begin(other, LEVELS[0], "UPDATE orders SET price = 12 WHERE id = 5")
    assert ends(other) == "55P03"
    assert ends(orders) == ""


def test_two_that_write_many_partitions_of_two_tables_in_opposite_order_do_not_deadlock(
    postgres: Server, database: str, orders: Connection, other: Connection
) -> None:
    orders.execute("CREATE TABLE more (day date); CREATE TABLE less (day date)")
    for table in ("more", "less"):
        install(orders, contract("count(*) > 0"), table, table)
    days = "SELECT '2024-05-01'::date + n FROM generate_series(1, 60) n"
    touches = (f"INSERT INTO more {days}", f"INSERT INTO less {days}")
    begin(orders, LEVELS[0], *touches)
    begin(other, LEVELS[0], *reversed(touches))
    with postgres.connect(database) as third:
        begin(third, LEVELS[0], "INSERT INTO less VALUES ('2024-05-31')", "SET CONSTRAINTS ALL IMMEDIATE")
        both = [committing(orders), committing(other)]
        for db in (orders, other):
            waits(third, db.info.backend_pid)
        third.execute("ROLLBACK")
    for thread, _ in both:
        thread.join()
    assert [found for _, found in both] == [[""], [""]]


def test_a_prepared_transaction_is_judged_when_it_is_prepared_and_keeps_its_turn(
    orders: Connection, other: Connection
) -> None:
    begin(orders, LEVELS[0], "DELETE FROM orders WHERE id < 7")
    with pytest.raises(errors.CheckViolation):
        orders.execute("PREPARE TRANSACTION 'bad'")
    begin(orders, LEVELS[0], "DELETE FROM orders WHERE id < 3")
    orders.execute("PREPARE TRANSACTION 'good'")
    other.execute("SET lock_timeout = '100ms'")
    with pytest.raises(errors.LockNotAvailable):
        other.execute("DELETE FROM orders WHERE id IN (3, 4, 5)")
    orders.execute("COMMIT PREPARED 'good'")
    with pytest.raises(errors.CheckViolation):
        other.execute("DELETE FROM orders WHERE id IN (3, 4, 5)")


# --- what it leaves, and what it costs ----------------------------------------------------


def test_nothing_piles_up(orders: Connection) -> None:
    for n in range(12):
        commit(orders, *[f"UPDATE orders SET price = {9 + n % 3} WHERE id = {i}" for i in range(20)])
        refused(orders, "DELETE FROM orders")
    assert (lines(orders, "touched"), lines(orders, "due")) == (20, 20), "those of the last that committed"
    assert lines(orders, "turn") <= 2
    for n in range(200):
        orders.execute(
            f"INSERT INTO orders SELECT '2024-06-01'::date + {n}, {n} * 5 + i, 10 FROM generate_series(100, 104) i"
        )
    assert lines(orders, "turn") <= 64


def scans(db: Connection) -> int:
    """Of the table, by this transaction."""
    row = db.execute("SELECT pg_stat_get_xact_numscans('orders'::regclass)").fetchone()
    assert row is not None
    return int(row[0])


def test_a_transaction_is_judged_in_one_scan_however_many_statements_and_rules_it_has(
    orders: Connection,
) -> None:
    install(orders, contract("count(*) >= 5", "avg(price) < 15", "max(price) < 20", "unique(id)"))
    with orders.transaction():
        for n in range(50):
            orders.execute(f"INSERT INTO orders VALUES ('2024-05-0{1 + n % 2}', {100 + n}, 10)")
        before = scans(orders)
        orders.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert scans(orders) == before + 1


def test_a_statement_that_changes_nothing_writes_nothing(orders: Connection) -> None:
    with orders.transaction():
        orders.execute("UPDATE orders SET price = 7 WHERE id = 999")
        orders.execute("DELETE FROM orders WHERE id = 999")
        assert orders.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)


# --- who may what -----------------------------------------------------------------------


@pytest.fixture
def writer(postgres: Server, orders: Connection, database: str) -> Iterator[Connection]:
    """A plain user with every right to ``orders`` that may make objects of its own, and is in another role."""
    orders.execute(
        "CREATE ROLE writer LOGIN; CREATE SCHEMA AUTHORIZATION writer; CREATE ROLE blind IN ROLE writer"
    )
    orders.execute(
        "REVOKE writer FROM blind; GRANT blind TO writer; GRANT INSERT, UPDATE, DELETE ON orders TO blind"
    )
    orders.execute(f"GRANT ALL ON orders TO writer; GRANT TEMPORARY ON DATABASE {database} TO writer")
    with postgres.connect(database, "writer") as connection:
        yield connection
    orders.execute("DROP OWNED BY writer, blind CASCADE; DROP ROLE writer, blind")


DENIED = [
    'ALTER TABLE orders DISABLE TRIGGER "interlock commit due"',
    'DROP TRIGGER "interlock commit changed delete" ON orders',
    "ALTER TABLE interlock.due DISABLE TRIGGER judge",
    "DROP TRIGGER judge ON interlock.due",
    "CREATE TRIGGER t AFTER INSERT ON interlock.due EXECUTE FUNCTION interlock.fall_due()",
    *[
        f"{what} interlock.{table}"
        for what in ("SELECT FROM", "DELETE FROM", "TRUNCATE")
        for table in ("due", "touched", "turn")
    ],
    *[f"LOCK TABLE interlock.{table} IN ROW EXCLUSIVE MODE" for table in ("due", "touched", "turn")],
    "INSERT INTO interlock.touched (relation, whole) VALUES (1, true)",
    "INSERT INTO interlock.turn VALUES (1, 1)",
    "INSERT INTO interlock.due (relation, xid) VALUES (1, '5')",
    "INSERT INTO interlock.due (relation, id) OVERRIDING SYSTEM VALUE VALUES (1, 99999999)",
    "SELECT nextval('interlock.due_id_seq')",
    "SELECT setval('interlock.due_id_seq', 1)",
    "SET session_replication_role = replica",
]


def test_a_plain_user_can_neither_switch_it_off_nor_forge_what_it_rests_on(writer: Connection) -> None:
    for attempt in DENIED:
        with pytest.raises(errors.InsufficientPrivilege), writer.transaction():
            writer.execute(attempt)
    refused(writer, "DELETE FROM orders WHERE id < 7")


BAD = "DELETE FROM orders WHERE id < 7"
FORGED = "INSERT INTO interlock.due (relation) VALUES ('orders'::regclass)"
EVASIONS: list[tuple[str, ...]] = [
    ("SET CONSTRAINTS ALL IMMEDIATE", "UPDATE orders SET price = 9", "SET CONSTRAINTS ALL DEFERRED", BAD),
    (
        "UPDATE orders SET price = 9",
        "SET CONSTRAINTS interlock.judge IMMEDIATE",
        "SET CONSTRAINTS ALL DEFERRED",
        BAD,
    ),
    ("SET CONSTRAINTS ALL IMMEDIATE", FORGED, "SET CONSTRAINTS ALL DEFERRED", BAD),
    (BAD, "SELECT interlock.take_turn('orders'::regclass), interlock.due_last('orders'::regclass)"),
    (BAD, FORGED, "INSERT INTO interlock.due (relation) VALUES (0), ('pg_class'::regclass)"),
    (BAD, "SAVEPOINT s", "UPDATE orders SET price = 9", "ROLLBACK TO s"),
    ("SAVEPOINT s", "UPDATE orders SET price = 9", "SET CONSTRAINTS ALL IMMEDIATE", "ROLLBACK TO s", BAD),
    ("SAVEPOINT s", BAD, "RELEASE s"),
    (
        "CREATE TRIGGER zz AFTER DELETE ON orders REFERENCING OLD TABLE AS interlock_removed FOR EACH STATEMENT"
        " EXECUTE FUNCTION interlock.touch('')",
        BAD,
    ),
    (
        'CREATE TRIGGER "interlock commit zz" AFTER DELETE ON orders FOR EACH STATEMENT'
        " EXECUTE FUNCTION interlock.fall_due('orders', '', '', '', 'x', 'x', 'false', 'x')",
        BAD,
    ),
    ("CREATE TEMP TABLE orders (day date, id int, price int)", BAD.replace("orders", "public.orders")),
    (
        "CREATE TEMP TABLE due (relation oid); CREATE TEMP TABLE touched (xid xid8)",
        "CREATE TEMP TABLE pg_trigger (tgrelid oid)",
        "SET LOCAL search_path = pg_temp, writer, public",
        BAD.replace("orders", "public.orders"),
    ),
    (
        "CREATE AGGREGATE writer.count(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '99')",
        "SET LOCAL search_path = writer, pg_catalog, public",
        BAD,
    ),
    (
        "CREATE FUNCTION writer.yes(bigint, bigint) RETURNS bool LANGUAGE sql AS 'SELECT true'",
        "CREATE OPERATOR writer.>= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = writer.yes)",
        "SET LOCAL search_path = writer, pg_catalog, public",
        BAD,
    ),
    (
        "SET LOCAL transform_null_equals = on",
        "SET LOCAL row_security = off",
        "SET LOCAL datestyle = 'SQL, DMY'",
        BAD,
    ),
    ("SET LOCAL standard_conforming_strings = off", "SET LOCAL intervalstyle = 'iso_8601'", BAD),
]


def test_a_plain_user_finds_no_way_round(writer: Connection) -> None:
    for statements in EVASIONS:
        with pytest.raises(errors.CheckViolation):
            commit(writer, *statements)
    refused(writer, BAD)


def test_another_role_at_the_end_that_may_read_nothing_lets_nothing_pass(writer: Connection) -> None:
    for before, after in (("blind", "writer"), ("writer", "blind"), ("blind", "blind")):
        statements = (f"SET LOCAL ROLE {before}", "DELETE FROM orders", f"SET LOCAL ROLE {after}")
        with pytest.raises((errors.CheckViolation, errors.InsufficientPrivilege)):
            commit(writer, *statements)
    assert writer.execute("SELECT count(*) FROM orders").fetchone() == (20,)


def test_who_may_not_read_what_a_rule_is_about_is_told_what_to_do(
    postgres: Server, database: str, writer: Connection, orders: Connection
) -> None:
    orders.execute(
        "REVOKE ALL ON orders FROM writer; GRANT INSERT ON orders TO writer; GRANT SELECT (day) ON orders TO writer"
    )
    with pytest.raises(errors.InsufficientPrivilege) as caught:
        writer.execute("INSERT INTO orders VALUES ('2024-05-01', 100, 10)")
    assert caught.value.diag.message_primary == (
        "the rules of table orders cannot be judged as writer: permission denied for table orders"
    )
    assert "GRANT SELECT" in str(caught.value.diag.message_hint)
    orders.execute("GRANT SELECT (price) ON orders TO writer")
    writer.execute("INSERT INTO orders VALUES ('2024-05-01', 100, 10)")


def test_who_writes_through_a_view_is_judged_by_what_they_may_read_of_the_table(
    writer: Connection, orders: Connection
) -> None:
    orders.execute(
        "CREATE VIEW v AS SELECT * FROM orders; GRANT ALL ON v TO writer; REVOKE ALL ON orders FROM writer"
    )
    with pytest.raises(errors.InsufficientPrivilege, match="cannot be judged as writer"):
        writer.execute("UPDATE v SET price = 9")
    orders.execute("GRANT SELECT ON orders TO writer")
    writer.execute("UPDATE v SET price = 9")
    refused(writer, "DELETE FROM v WHERE id < 7")


def test_where_row_level_security_hides_rows_the_commit_is_refused(
    writer: Connection, orders: Connection
) -> None:
    orders.execute(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON orders USING (id < 100)"
    )
    for statement in ("UPDATE orders SET price = 9", "TRUNCATE orders"):
        with pytest.raises(
            errors.InsufficientPrivilege,
            match=r"row-level security may hide rows of public\.orders from writer",
        ):
            writer.execute(statement)
    orders.execute("UPDATE orders SET price = 9")
    refused(orders, BAD)


def test_who_may_not_write_keeps_nobody_waiting(
    postgres: Server, database: str, writer: Connection, orders: Connection
) -> None:
    orders.execute("REVOKE ALL ON orders FROM writer; GRANT SELECT ON orders TO writer")
    writer.execute("CREATE TEMP TABLE mine (day date)")
    seen = (
        "REFERENCING NEW TABLE AS interlock_added FOR EACH STATEMENT EXECUTE FUNCTION interlock.touch('day')"
    )
    writer.execute(f"CREATE TRIGGER t AFTER INSERT ON mine {seen}")
    begin(
        writer, LEVELS[0], "INSERT INTO mine VALUES ('2024-05-01')", FORGED, "SET CONSTRAINTS ALL IMMEDIATE"
    )
    writer.execute("SELECT interlock.take_turn('orders'::regclass)")
    orders.execute("SET lock_timeout = '1s'")
    orders.execute("UPDATE orders SET price = 11")
    writer.execute("COMMIT")


def test_no_code_of_a_table_s_owner_runs_with_the_rights_of_the_schema_s(
    writer: Connection, orders: Connection
) -> None:
    """A cast to text of their own type, a rule of their own: what they run they run as themselves."""
    writer.execute("SET search_path = writer, public")
    writer.execute(
        "CREATE TYPE mood AS ENUM ('calm', 'Mad'); CREATE TABLE mine (day mood); CREATE TABLE caught (who text);"
        "CREATE FUNCTION spy() RETURNS bool LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO writer.caught VALUES (current_user); RETURN false; END $$;"
        "CREATE FUNCTION spy(mood) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO writer.caught VALUES (current_user); RETURN '1'; END $$;"
        "CREATE CAST (mood AS text) WITH FUNCTION spy(mood) AS ASSIGNMENT"
    )
    seen = "REFERENCING NEW TABLE AS interlock_added FOR EACH STATEMENT"
    writer.execute(f"CREATE TRIGGER a AFTER INSERT ON mine {seen} EXECUTE FUNCTION interlock.touch('day')")
    writer.execute(
        'CREATE TRIGGER "interlock commit due" AFTER INSERT ON mine FOR EACH STATEMENT EXECUTE FUNCTION'
        " interlock.fall_due('mine', '', 'day', '', 'x', 'x', 'bool_or(writer.spy())', 'NULL')"
    )
    writer.execute("INSERT INTO mine VALUES ('Mad')")
    assert orders.execute("SELECT DISTINCT who FROM writer.caught").fetchall() == [("writer",)]


# --- installing, looking, taking off ------------------------------------------------------


def test_again_changes_nothing_and_uninstalling_leaves_no_trace(leaves: Connection) -> None:
    promised = contract("count(*) >= 5")
    assert install(leaves, promised) == []
    assert all(
        "TRIGGER" in s or "can_judge" in s or "WHERE false" in s
        for s in install(leaves, contract("count(*) >= 4"))
    )
    commit(leaves, "DELETE FROM orders WHERE ctid = (SELECT min(ctid) FROM first) AND day = '2024-05-01'")
    uninstall(leaves)
    assert leaves.execute("SELECT to_regnamespace('interlock')").fetchone() == (None,)
    assert leaves.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal").fetchone() == (0,)
    leaves.execute("TRUNCATE orders")


def test_a_leaf_that_comes_later_is_judged_through_its_parent_and_by_installing_again(
    leaves: Connection,
) -> None:
    leaves.execute("CREATE TABLE july PARTITION OF orders FOR VALUES FROM ('2024-07-01') TO ('2024-08-01')")
    refused(leaves, "INSERT INTO orders VALUES ('2024-07-01', 1)")
    assert install(leaves, contract("count(*) >= 5")) != []
    refused(leaves, "INSERT INTO july VALUES ('2024-07-01', 1)")


DRIFT = [
    "ALTER TABLE orders DISABLE TRIGGER ALL",
    'DROP TRIGGER "interlock commit changed delete" ON orders',
    'DROP TRIGGER "interlock commit due" ON orders; CREATE TRIGGER "interlock commit due" AFTER DELETE ON orders'
    " FOR EACH STATEMENT EXECUTE FUNCTION interlock.fall_due()",
    "DROP TRIGGER judge ON interlock.due",
    "GRANT DELETE ON interlock.touched TO PUBLIC",
    "CREATE OR REPLACE FUNCTION interlock.judge() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "DROP SCHEMA interlock CASCADE",
]


def test_what_an_owner_switched_off_is_found_and_mended(orders: Connection) -> None:
    promised = contract("count(*) >= 5", "avg(price) BETWEEN 5 AND 15", owner="shop-team")
    for drift in DRIFT:
        assert install(orders, promised) == []
        orders.execute(drift.encode())
        assert install(orders, promised) != []
        refused(orders, BAD)


def test_the_script_does_what_installing_does(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day date, price int)")
    plan = native.plan("orders", contract("count(*) >= 5"), engine.relation(db, "orders"))
    db.execute(native.script(native.install(plan, (), None)))
    refused(db, "INSERT INTO orders VALUES ('2024-05-01', 1)")
    assert install(db, contract("count(*) >= 5")) == []


def test_rules_of_rows_marks_and_the_mass_change_guard_stand_beside_it(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day date, price int)")
    promised = contract("count(*) >= 2", "price > 0", attach="postgresql://")
    install(db, promised)
    refused(db, "INSERT INTO orders VALUES ('2024-05-01', 1)")
    refused(db, "INSERT INTO orders VALUES ('2024-05-01', 1), ('2024-05-01', 0)")
    db.execute("INSERT INTO orders VALUES ('2024-05-01', 1), ('2024-05-01', 2)")
    assert lines(db, "mark") == 1


# --- as it is written ---------------------------------------------------------------------


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("false", False), ("[enough]", ("enough",))])
def test_a_contract_chooses_it_for_a_table_or_by_name(said: str, meant: bool | tuple[str, ...]) -> None:
    text = "version: 1\ntables:\n  orders:\n    at_commit: {}\n    constraints: [{{sql: count(*) > 1, name: enough}}]\n"
    found = Contract.loads(text.format(said))
    assert found.tables["orders"].at_commit == meant
    assert Contract.loads(found.to_yaml()) == found
    assert odcs.loads(odcs.dumps(found, "shop"), "shop.yaml").contract == found
    with pytest.raises(ContractError, match=r"interlock.yaml:4:\d+: no constraint named 'enuogh'"):
        Contract.loads(text.format("[enuogh]"))
