"""The mass-change guard on a real PostgreSQL server: what it refuses, what it lets pass, and who could get round it."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import errors

from interlock.constraints import parse
from interlock.constraints.table_contract import MassChange, TableContract
from interlock.engines import postgres as engine
from interlock.errors import DatabaseRefused, RelationNotFound
from interlock.gates import native
from interlock.gates.native import approval, kept, mass_change, standing
from tests.postgres import Server

Connection = psycopg.Connection[Any]
USUAL = MassChange()
KEPT = MassChange(keep=dt.timedelta(days=30))
_NUMBERS = itertools.count()


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The name of an empty database."""
    name = f"guarded_{next(_NUMBERS)}"
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(postgres: Server, database: str) -> Iterator[Connection]:
    with postgres.connect(database) as connection:
        yield connection


@pytest.fixture
def orders(db: Connection) -> Connection:
    """A thousand guarded rows, of which two hundred may go."""
    thousand(db)
    install(db)
    return db


def thousand(db: Connection, name: str = "orders") -> None:
    db.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, amount int)")
    db.execute(f"INSERT INTO {name} SELECT i, i FROM generate_series(1, 1000) i")
    db.execute(f"ANALYZE {name}")


def install(db: Connection, guard: MassChange | None = USUAL, name: str = "orders", **more: Any) -> list[str]:
    relation = engine.relation(db, name)
    plan = native.plan("orders", TableContract(mass_change=guard, **more), relation)

    def missing() -> list[str]:
        return native.install(plan, standing.of(db, relation), standing.functions_there(db))

    return list(native.change(db, missing))


def uninstall(db: Connection, name: str = "orders") -> None:
    relation = engine.relation(db, name)
    native.change(db, lambda: native.uninstall(standing.of(db, relation)))


def refused(db: Connection, *statements: str) -> errors.CheckViolation:
    """The statements are a transaction that is refused when it would be committed, and not before."""
    with pytest.raises(errors.CheckViolation) as caught:
        passes(db, *statements, "SELECT 1")
    assert caught.value.diag.constraint_name == "mass_change"
    return caught.value


def passes(db: Connection, *statements: str) -> None:
    with db.transaction():
        for statement in statements:
            db.execute(statement)


def count(db: Connection, table: str = "orders") -> int:
    return int(one(db, f"SELECT count(*) FROM {table}"))


def one(db: Connection, query: str, *given: Any) -> Any:
    row = db.execute(query, given or None).fetchone()
    assert row is not None
    return row[0]


# --- one transaction --------------------------------------------------------------------


def test_the_share_may_go_and_one_row_more_may_not(orders: Connection) -> None:
    found = refused(orders, "DELETE FROM orders WHERE id <= 201")
    assert found.diag.message_primary == (
        "201 of about 1000 rows of table orders would go or change: 20.1 %, where 200 rows may"
    )
    assert found.diag.message_hint == (
        "If it is meant, ask the table's owner for an approval: interlock approve orders --rows 201 --reason WHY"
    )
    assert (found.diag.schema_name, found.diag.table_name) == ("public", "orders")
    assert count(orders) == 1000
    passes(orders, "DELETE FROM orders WHERE id <= 200")
    assert count(orders) == 800


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE orders SET amount = amount + 1 WHERE id <= 201",),
        ("UPDATE orders SET amount = NULL",),
        ("TRUNCATE orders",),
        ("DELETE FROM orders WHERE id <= 150", "DELETE FROM orders WHERE id <= 250"),
        ("DELETE FROM orders WHERE id <= 150", "UPDATE orders SET amount = 0 WHERE id > 900"),
        ("DELETE FROM orders", "INSERT INTO orders SELECT i, i FROM generate_series(1, 700) i"),
        ("TRUNCATE orders", "INSERT INTO orders SELECT i, i FROM generate_series(1, 700) i"),
        ("WITH gone AS (DELETE FROM orders RETURNING 1) SELECT count(*) FROM gone",),
        (
            "INSERT INTO orders SELECT i, 0 FROM generate_series(1, 300) i ON CONFLICT (id) DO UPDATE SET amount = 0",
        ),
        ("MERGE INTO orders o USING generate_series(1, 201) i ON o.id = i WHEN MATCHED THEN DELETE",),
        (
            "MERGE INTO orders o USING generate_series(1, 201) i ON o.id = i WHEN MATCHED THEN UPDATE SET amount = 0",
        ),
    ],
)
def test_whatever_takes_or_changes_more_is_refused_at_commit(
    orders: Connection, statements: tuple[str, ...]
) -> None:
    if statements[0].startswith("MERGE") and orders.info.server_version < 150_000:
        pytest.skip("MERGE came with PostgreSQL 15")
    refused(orders, *statements)
    assert one(orders, "SELECT sum(amount) FROM orders") == 500500


@pytest.mark.parametrize(
    "statements",
    [
        ("DELETE FROM orders", "INSERT INTO orders SELECT i, 7 FROM generate_series(1, 900) i"),
        (
            "INSERT INTO orders SELECT i, 7 FROM generate_series(1001, 2000) i",
            "DELETE FROM orders WHERE id <= 1000",
        ),
        ("TRUNCATE orders", "INSERT INTO orders SELECT i, 7 FROM generate_series(1, 900) i"),
        (
            "DELETE FROM orders",
            "INSERT INTO orders SELECT i, 7 FROM generate_series(1, 1000) i",
            "UPDATE orders SET amount = 8",
        ),
        ("UPDATE orders SET amount = amount",),
        ("UPDATE orders SET amount = CASE WHEN id <= 100 THEN 0 ELSE amount END",),
        ("INSERT INTO orders SELECT i, 0 FROM generate_series(1, 1000) i ON CONFLICT DO NOTHING",),
        ("INSERT INTO orders SELECT i, 0 FROM generate_series(1001, 9000) i",),
        ("DELETE FROM orders WHERE false", "UPDATE orders SET amount = 0 WHERE false"),
    ],
)
def test_what_is_made_good_before_commit_or_changes_nothing_passes(
    orders: Connection, statements: tuple[str, ...]
) -> None:
    passes(orders, *statements)


def test_a_reload_by_copy_passes(orders: Connection) -> None:
    with orders.transaction():
        orders.execute("TRUNCATE orders")
        with orders.cursor().copy("COPY orders FROM STDIN") as copy:
            copy.write("".join(f"{i}\t{i}\n" for i in range(1, 951)))
    assert count(orders) == 950


def test_fewer_rows_than_the_floor_may_always_go(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int); INSERT INTO orders SELECT generate_series(1, 120)")
    db.execute("ANALYZE orders")
    install(db)
    refused(db, "DELETE FROM orders WHERE id <= 101")
    passes(db, "DELETE FROM orders WHERE id <= 100")


def test_where_updates_do_not_count_only_what_goes_is_refused(db: Connection) -> None:
    thousand(db)
    install(db, MassChange(updates=False))
    passes(db, "UPDATE orders SET amount = 0")
    refused(db, "DELETE FROM orders WHERE id <= 201")
    refused(db, "TRUNCATE orders")


def test_an_update_is_compared_as_it_is_stored_whatever_the_types(db: Connection) -> None:
    db.execute("CREATE TABLE orders (a json, b xml, c point, d numeric, e text[])")
    db.execute(
        """INSERT INTO orders SELECT '{"x": 1}', '<a/>', '(1,2)', 1.50, ARRAY['x', NULL] FROM generate_series(1, 500)"""
    )
    db.execute("ANALYZE orders")
    install(db)
    passes(db, "UPDATE orders SET a = a, b = b, c = c, d = d, e = e")
    refused(db, """UPDATE orders SET a = '{"x": 2}'""")
    refused(db, "UPDATE orders SET e = ARRAY['x', 'y']")


def test_what_a_savepoint_takes_back_does_not_count(orders: Connection) -> None:
    passes(
        orders,
        "SAVEPOINT s",
        "DELETE FROM orders",
        "ROLLBACK TO s",
        "DELETE FROM orders WHERE id <= 50",
    )
    assert count(orders) == 950
    refused(
        orders,
        "SAVEPOINT s",
        "INSERT INTO orders SELECT i, 0 FROM generate_series(1001, 3000) i",
        "ROLLBACK TO s",
        "DELETE FROM orders",
    )
    refused(orders, "SAVEPOINT s", "DELETE FROM orders WHERE id = 60", "ROLLBACK TO s", "DELETE FROM orders")


def test_looking_early_is_no_way_round(orders: Connection) -> None:
    early = ("DELETE FROM orders WHERE id = 1", "SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(errors.CheckViolation):
        passes(orders, *early, "DELETE FROM orders WHERE id <= 500")
    refused(orders, *early, "SET CONSTRAINTS ALL DEFERRED", "DELETE FROM orders")
    assert count(orders) == 1000


def test_statements_of_one_row_count_together(orders: Connection) -> None:
    one_by_one = [f"DELETE FROM orders WHERE id = {i}" for i in range(1, 202)]
    assert "201 of about" in str(refused(orders, *one_by_one))
    passes(orders, *one_by_one[:200])


def test_rows_that_a_foreign_key_takes_along_count(db: Connection) -> None:
    db.execute(
        "CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers SELECT generate_series(1, 10)"
    )
    thousand(db)
    db.execute("ALTER TABLE orders ADD customer int REFERENCES customers ON DELETE CASCADE")
    db.execute("UPDATE orders SET customer = 1 + id % 10")
    install(db)
    refused(db, "DELETE FROM customers WHERE id <= 3")
    passes(db, "DELETE FROM customers WHERE id <= 2")
    refused(db, "TRUNCATE customers CASCADE")


def test_a_table_that_was_never_analyzed_is_measured_by_its_pages(db: Connection) -> None:
    db.execute("ALTER DATABASE " + one(db, "SELECT current_database()") + " SET track_counts = off")
    db.execute("SET track_counts = off")
    db.execute("CREATE TABLE orders (id int, filler text) WITH (autovacuum_enabled = off)")
    db.execute("INSERT INTO orders SELECT i, repeat('x', 300) FROM generate_series(1, 5000) i")
    install(db)
    refused(db, "DELETE FROM orders WHERE id <= 1500")
    refused(db, "TRUNCATE orders")
    passes(db, "DELETE FROM orders WHERE id <= 500")


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_at_every_isolation_level(orders: Connection, level: str) -> None:
    orders.execute(f"SET default_transaction_isolation = '{level}'")
    refused(orders, "DELETE FROM orders WHERE id <= 201")
    passes(orders, "DELETE FROM orders WHERE id <= 150")
    refused(orders, "DELETE FROM orders WHERE id <= 250")


def test_a_prepared_transaction_is_judged_when_it_is_prepared(orders: Connection) -> None:
    with pytest.raises(errors.CheckViolation):
        passes(orders, "DELETE FROM orders", "PREPARE TRANSACTION 'gone'")
    assert count(orders) == 1000
    assert orders.execute("SELECT gid FROM pg_prepared_xacts").fetchall() == []


def test_writing_through_a_view_counts(orders: Connection) -> None:
    orders.execute("CREATE VIEW v AS SELECT * FROM orders WHERE id < 900")
    refused(orders, "DELETE FROM v")


# --- the window -------------------------------------------------------------------------


def test_many_that_are_each_below_the_share_are_refused_together(orders: Connection) -> None:
    passes(orders, "DELETE FROM orders WHERE id <= 190")
    found = refused(orders, "DELETE FROM orders WHERE id <= 350")
    assert "350 of about" in str(found) and "within 1 day" in str(found)
    orders.execute("UPDATE interlock.changed SET at = at - interval '25 hours'")
    passes(orders, "DELETE FROM orders WHERE id <= 350")


def test_what_came_later_makes_good_what_went(orders: Connection) -> None:
    for _ in range(4):
        passes(orders, "DELETE FROM orders WHERE id <= 150")
        passes(orders, "INSERT INTO orders SELECT i, i FROM generate_series(1, 150) i")


def test_row_by_row_in_transactions_of_their_own_is_refused_in_the_end(orders: Connection) -> None:
    def one_by_one() -> None:
        for i in range(1, 1001):
            orders.execute("DELETE FROM orders WHERE id = %s", [i])

    with pytest.raises(errors.CheckViolation, match="within 1 day"):
        one_by_one()
    assert 790 <= count(orders) <= 800  # a tenth of the rows that may always go is not said at once


def test_a_new_session_for_each_row_is_refused_in_the_end(
    postgres: Server, orders: Connection, database: str
) -> None:
    passes(orders, "DELETE FROM orders WHERE id <= 195")
    for i in range(196, 201):
        with postgres.connect(database) as other:
            other.execute("DELETE FROM orders WHERE id = %s", [i])
    with postgres.connect(database) as other:
        refused(other, "DELETE FROM orders WHERE id = 201")


def test_updates_of_a_few_rows_all_day_are_no_mass_change(orders: Connection) -> None:
    for i in range(300):
        orders.execute("UPDATE orders SET amount = amount + 1 WHERE id = %s", [i % 50])
    passes(orders, "UPDATE orders SET amount = 0 WHERE id <= 150")
    refused(orders, "UPDATE orders SET amount = 1 WHERE id <= 150")


def test_two_that_commit_at_once_are_each_within_the_share_and_a_third_sees_both(
    postgres: Server, orders: Connection, database: str
) -> None:
    with postgres.connect(database) as other:
        with orders.transaction():
            orders.execute("DELETE FROM orders WHERE id <= 150")
            orders.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what commit looks at first
            passes(other, "DELETE FROM orders WHERE id > 850")
        refused(other, "DELETE FROM orders WHERE id BETWEEN 400 AND 420")
    assert count(orders) == 700


def test_one_that_commits_later_sees_who_came_before(
    postgres: Server, orders: Connection, database: str
) -> None:
    with postgres.connect(database) as other:
        other.execute("BEGIN; DELETE FROM orders WHERE id <= 150")
        passes(orders, "DELETE FROM orders WHERE id > 850")
        with pytest.raises(errors.CheckViolation, match="300 of"):
            other.execute("COMMIT")


def test_two_that_write_two_tables_in_opposite_order_do_not_wait_for_the_guard(
    postgres: Server, orders: Connection, database: str
) -> None:
    thousand(orders, "others")
    install(orders, name="others")
    meet = threading.Barrier(2)

    def write(first: str, second: str, start: int) -> None:
        with postgres.connect(database) as connection:
            connection.execute("SET lock_timeout = '20s'")
            for i in range(start, start + 40):
                meet.wait(30)
                with connection.transaction():
                    connection.execute(f"DELETE FROM {first} WHERE id = {i}")
                    connection.execute(f"DELETE FROM {second} WHERE id = {i}")

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(write, "orders", "others", 1), pool.submit(write, "others", "orders", 501)]:
            done.result()
    assert (count(orders), count(orders, "others")) == (920, 920)
    assert count(orders, "interlock.changing") == 0


# --- partitions -------------------------------------------------------------------------


@pytest.fixture
def parts(db: Connection) -> Connection:
    """A thousand rows in ten partitions of a hundred, one of which is itself made of two."""
    db.execute("CREATE TABLE orders (id int, part int) PARTITION BY LIST (part)")
    for i in range(9):
        db.execute(f"CREATE TABLE part_{i} PARTITION OF orders FOR VALUES IN ({i})")
    db.execute("CREATE TABLE part_9 PARTITION OF orders FOR VALUES IN (9) PARTITION BY RANGE (id)")
    db.execute("CREATE TABLE part_9a PARTITION OF part_9 FOR VALUES FROM (0) TO (500)")
    db.execute("CREATE TABLE part_9b PARTITION OF part_9 DEFAULT")
    db.execute("INSERT INTO orders SELECT i, i % 10 FROM generate_series(1, 1000) i")
    db.execute("ANALYZE orders")
    install(db)
    return db


@pytest.mark.parametrize(
    "statements",
    [
        ("DELETE FROM orders WHERE part < 3",),
        ("DELETE FROM part_1", "DELETE FROM part_2", "DELETE FROM part_9a"),
        (
            "DELETE FROM part_9",
            "DELETE FROM part_9b",
            "DELETE FROM part_1",
            "DELETE FROM part_2 WHERE id < 100",
        ),
        ("TRUNCATE orders",),
        ("TRUNCATE part_1", "TRUNCATE part_9", "TRUNCATE part_2"),
        ("UPDATE orders SET part = 2 WHERE part = 1", "UPDATE orders SET part = 1 WHERE id > 890"),
        ("UPDATE part_3 SET id = -id", "UPDATE part_4 SET id = -id", "UPDATE part_5 SET id = 1"),
    ],
)
def test_every_partition_counts_whichever_a_statement_names(
    parts: Connection, statements: tuple[str, ...]
) -> None:
    refused(parts, *statements)


@pytest.mark.parametrize(
    "statements",
    [
        ("TRUNCATE part_1", "TRUNCATE part_9"),
        ("DELETE FROM orders WHERE part < 2",),
        ("INSERT INTO orders SELECT id, 9 FROM orders WHERE part < 3", "DELETE FROM orders WHERE part < 3"),
        ("TRUNCATE part_1, part_2, part_3", "INSERT INTO part_4 SELECT i, 4 FROM generate_series(1, 300) i"),
    ],
)
def test_rows_that_are_in_another_partition_have_not_gone(
    parts: Connection, statements: tuple[str, ...]
) -> None:
    passes(parts, *statements)


def test_a_partition_that_came_later_is_missing_until_it_is_installed_again(parts: Connection) -> None:
    assert install(parts) == []
    parts.execute("CREATE TABLE part_10 PARTITION OF orders FOR VALUES IN (10)")
    parts.execute("INSERT INTO orders SELECT i, 10 FROM generate_series(1, 1000) i; ANALYZE orders")
    refused(parts, "DELETE FROM orders WHERE part = 10")
    refused(parts, "TRUNCATE orders")
    passes(parts, "DELETE FROM part_10 WHERE id < 900")
    assert install(parts) != []
    parts.execute("INSERT INTO orders SELECT i, 10 FROM generate_series(1, 900) i; ANALYZE orders")
    refused(parts, "DELETE FROM part_10")
    assert install(parts) == []


def test_a_partition_that_went_is_found(parts: Connection) -> None:
    parts.execute("ALTER TABLE orders DETACH PARTITION part_1; DROP TABLE part_2")
    assert install(parts) != []


def test_a_foreign_partition_is_refused_with_the_reason(db: Connection) -> None:
    db.execute("CREATE EXTENSION IF NOT EXISTS file_fdw") if one(
        db, "SELECT count(*) FROM pg_available_extensions WHERE name = 'file_fdw'"
    ) else pytest.skip("no foreign data wrapper")
    db.execute("CREATE SERVER files FOREIGN DATA WRAPPER file_fdw")
    db.execute("CREATE TABLE orders (id int) PARTITION BY LIST (id)")
    db.execute(
        "CREATE FOREIGN TABLE f PARTITION OF orders DEFAULT SERVER files OPTIONS (filename '/dev/null')"
    )
    with pytest.raises(RelationNotFound, match=r"public\.f is a foreign table"):
        install(db)


# --- approval ---------------------------------------------------------------------------


def approve(db: Connection, rows: int, **more: Any) -> approval.Approval:
    given = {"reason": "a new catalogue", "who": "Ada", "valid": dt.timedelta(hours=1)} | more
    return approval.approve(db, engine.relation(db, "orders"), rows, **given)


def past(db: Connection, name: str = "orders") -> approval.Past:
    return approval.past(db, engine.relation(db, name))


def test_an_approval_is_for_one_transaction_and_says_who_used_it(orders: Connection) -> None:
    granted = approve(orders, 600)
    assert (granted.rows, granted.reason, granted.who, granted.role) == (
        600,
        "a new catalogue",
        "Ada",
        "owner",
    )
    assert granted.until - granted.at == dt.timedelta(hours=1)
    passes(orders, "DELETE FROM orders WHERE id <= 500")
    used = past(orders).approvals[0]
    assert (used.used_by, used.used_rows) == ("owner", 500)
    refused(orders, "DELETE FROM orders WHERE id <= 800")


def test_an_approval_is_not_used_by_more_rows_or_too_late_or_by_what_is_rolled_back(
    orders: Connection,
) -> None:
    approve(orders, 300)
    refused(orders, "DELETE FROM orders WHERE id <= 301")
    with orders.transaction(force_rollback=True):
        orders.execute("DELETE FROM orders WHERE id <= 300")
        orders.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert past(orders).approvals[0].used_at is None
    orders.execute("UPDATE interlock.approval SET at = at - interval '2 h', until = until - interval '2 h'")
    refused(orders, "DELETE FROM orders WHERE id <= 300")
    approve(orders, 300)
    passes(orders, "DELETE FROM orders WHERE id <= 300")


def test_an_approval_begins_the_window_anew(orders: Connection) -> None:
    passes(orders, "DELETE FROM orders WHERE id <= 150")
    approve(orders, 300)
    passes(orders, "DELETE FROM orders WHERE id <= 300")
    passes(orders, "DELETE FROM orders WHERE id <= 400")
    refused(orders, "DELETE FROM orders WHERE id <= 550")


def test_the_smallest_approval_that_is_enough_is_used(orders: Connection) -> None:
    for rows in (1000, 400, 300):
        approve(orders, rows)
    passes(orders, "DELETE FROM orders WHERE id <= 350")
    assert [(a.rows, a.used_rows) for a in past(orders).approvals] == [(300, None), (400, 350), (1000, None)]


def test_without_a_guard_nothing_can_be_approved(db: Connection) -> None:
    thousand(db)
    with pytest.raises(RelationNotFound, match="no table of this database"):
        approve(db, 5)


# --- the record of what was refused -----------------------------------------------------


def test_an_attempt_outlives_its_transaction(orders: Connection) -> None:
    assert past(orders).attempts == ()
    refused(orders, "DELETE FROM orders WHERE id <= 250")
    refused(orders, "UPDATE orders SET amount = 0")
    found = past(orders).attempts
    assert [(a.role, a.rows, a.share) for a in found] == [("owner", 1000, 1.0), ("owner", 250, 0.25)]
    now = one(orders, "SELECT now()")
    assert all(abs(a.at - now) < dt.timedelta(minutes=5) for a in found)


def test_the_last_sixteen_attempts_are_kept_and_all_are_counted(orders: Connection) -> None:
    for i in range(18):
        refused(orders, f"DELETE FROM orders WHERE id <= {300 + i}")
    assert [a.rows for a in past(orders).attempts] == [317 - i for i in range(16)]
    assert one(orders, "SELECT last_value FROM interlock.attempt") == 18


def test_a_huge_number_of_rows_is_told_as_it_is(orders: Connection) -> None:
    orders.execute("SET session_replication_role = replica")
    orders.execute("UPDATE pg_class SET reltuples = 3e9, relpages = 5 WHERE relname = 'orders'")
    orders.execute("SET session_replication_role = origin")
    refused(orders, "TRUNCATE orders")
    assert past(orders).attempts[0].rows == 3_000_000_000


# --- kept rows --------------------------------------------------------------------------


def restore(db: Connection, since: dt.datetime | None = None, name: str = "orders") -> tuple[int, int]:
    done = kept.restore(db, engine.relation(db, name), since)
    return done.rows, done.skipped


TYPES = {
    "n numeric": ["1.500", "'NaN'", "123456789012345678901234567890.000001", "NULL"],
    "f float8": ["0.1", "'-Infinity'", "'NaN'", "1e-310"],
    "g float4": ["0.1", "3.4028235e38", "NULL", "-0.0"],
    "b bytea": [r"'\x00ff5c'", "''", "NULL", r"'\x27'"],
    "at timestamptz": ["'2024-03-31 02:30:00.123456+02'", "'infinity'", "'0044-03-15 BC'", "NULL"],
    "ts timestamp": ["'2024-03-31 02:30'", "'-infinity'", "NULL", "'9999-12-31 23:59:59.999999'"],
    "d date": ["'2024-02-29'", "'0044-03-15 BC'", "'infinity'", "NULL"],
    "i interval": ["'1 mon -3 days +04:05:06.789'", "'-1 year'", "NULL", "'0'"],
    "t text": ["'it''s \\ \"x\" %s'", "''", "NULL", "'größe 𝄞'"],
    "c char(5)": ["'ab'", "NULL", "''", "'abcde'"],
    "a text[]": ["'[0:1]={a,NULL}'", "'{}'", "NULL", '\'{{a,b},{"c,d","NULL"}}\''],
    "m mood": ["'so so'", "NULL", "'calm'", "'calm'"],
    "p pair": ["'(1,\"a,b\")'", "'(,)'", "NULL", "'(2,)'"],
    "j json": ['\'{"b": 1,  "a": "\\u0000", "b": 2}\'', "'null'", "NULL", "'[1.50]'"],
    "jb jsonb": ["'{\"a\": 1.50}'", "'null'", "NULL", "'\"x\"'"],
    "u uuid": ["'00000000-0000-0000-0000-00000000000a'", "NULL", "NULL", "NULL"],
    "r int4range": ["'[1,5)'", "'empty'", "NULL", "'(,)'"],
    "y money": ["12.34", "-0.01", "NULL", "0"],
    "o bool": ["true", "false", "NULL", "true"],
    "v varbit(7)": ["B'1010'", "B''", "NULL", "B'1'"],
    "z point": ["'(0.1,1e300)'", "NULL", "'(0,0)'", "'(1,1)'"],
    "q inet": ["'10.0.0.1/8'", "NULL", "'::1'", "'::1'"],
}


def test_kept_rows_come_back_exactly_whatever_the_types_and_settings(db: Connection) -> None:
    db.execute("CREATE TYPE mood AS ENUM ('so so', 'calm'); CREATE TYPE pair AS (x int, y text)")
    db.execute(
        f"CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {', '.join(TYPES)},"
        " twice bigint GENERATED ALWAYS AS (length(t) * 2) STORED)"
    )
    for row in zip(*TYPES.values(), strict=True):
        db.execute(f"INSERT INTO orders ({', '.join(c.split()[0] for c in TYPES)}) VALUES ({', '.join(row)})")
    install(db, KEPT)
    db.execute("CREATE TABLE before AS SELECT * FROM orders")
    db.execute("SET extra_float_digits = -15; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'")
    db.execute(
        "SET bytea_output = 'escape'; SET timezone = 'Asia/Kathmandu'; SET standard_conforming_strings = off"
    )
    db.execute("DELETE FROM orders")
    assert restore(db) == (4, 0)
    assert one(db, "SHOW datestyle") == "SQL, DMY"
    db.execute("RESET ALL")
    same = "SELECT count(*) FROM orders now JOIN before was ON now.id = was.id WHERE now::text = was::text"
    assert one(db, same) == 4
    assert count(db, "interlock.kept") == 0


def test_a_key_that_is_there_again_is_skipped_and_its_old_row_kept_on(db: Connection) -> None:
    thousand(db)
    install(db, KEPT)
    db.execute("DELETE FROM orders WHERE id <= 10; INSERT INTO orders VALUES (3, 33), (7, 77)")
    assert restore(db) == (8, 2)
    assert db.execute("SELECT * FROM orders WHERE id <= 10 AND amount <> id ORDER BY id").fetchall() == [
        (3, 33),
        (7, 77),
    ]
    assert db.execute("SELECT cells ->> 'id' FROM interlock.kept ORDER BY 1").fetchall() == [("3",), ("7",)]
    db.execute(
        "SET session_replication_role = replica; DELETE FROM orders WHERE id = 3; RESET session_replication_role"
    )
    assert restore(db) == (1, 1)
    assert one(db, "SELECT amount FROM orders WHERE id = 3") == 3


def test_the_last_transaction_is_restored_or_all_since_a_time(db: Connection) -> None:
    thousand(db)
    install(db, KEPT)
    passes(db, "DELETE FROM orders WHERE id <= 10")
    since = one(db, "SELECT clock_timestamp()")
    passes(db, "DELETE FROM orders WHERE id BETWEEN 11 AND 15", "DELETE FROM orders WHERE id = 16")
    assert restore(db) == (6, 0)
    passes(db, "DELETE FROM orders WHERE id BETWEEN 20 AND 25")
    passes(db, "DELETE FROM orders WHERE id BETWEEN 30 AND 35")
    assert restore(db, since) == (12, 0)
    assert restore(db) == (10, 0)
    assert restore(db) == (0, 0)
    assert one(db, "SELECT sum(id) FROM orders") == 500500


def test_columns_that_went_or_came_do_not_stop_a_restoration(db: Connection) -> None:
    thousand(db)
    db.execute("ALTER TABLE orders ADD gone text DEFAULT 'x'")
    install(db, KEPT)
    db.execute("DELETE FROM orders WHERE id = 5")
    db.execute("ALTER TABLE orders DROP gone, ADD fresh text NOT NULL DEFAULT 'new'")
    db.execute("DELETE FROM orders WHERE id = 6")
    assert restore(db, dt.datetime(2020, 1, 1, tzinfo=dt.UTC)) == (2, 0)
    assert db.execute("SELECT * FROM orders WHERE id IN (5, 6)").fetchall() == [(5, 5, "new"), (6, 6, "new")]


def test_rows_of_every_partition_are_kept_and_restored(parts: Connection) -> None:
    install(parts, KEPT)
    parts.execute("DELETE FROM part_9 WHERE id > 400; DELETE FROM orders WHERE part = 1 AND id < 50")
    parts.execute("DELETE FROM part_2 WHERE id < 20")
    assert restore(parts, dt.datetime(2020, 1, 1, tzinfo=dt.UTC))[1] == 0
    assert one(parts, "SELECT sum(id) FROM orders") == 500500


def test_what_is_refused_or_rolled_back_is_not_kept(db: Connection) -> None:
    thousand(db)
    install(db, KEPT)
    refused(db, "DELETE FROM orders")
    with db.transaction(force_rollback=True):
        db.execute("DELETE FROM orders WHERE id = 1")
    assert count(db, "interlock.kept") == 0


def test_kept_rows_go_when_their_time_is_over(db: Connection) -> None:
    thousand(db)
    install(db, KEPT)
    db.execute("DELETE FROM orders WHERE id = 1")
    assert kept.tidy(db) == 0
    db.execute("UPDATE interlock.kept SET until = now()")
    assert restore(db) == (0, 0)
    assert kept.tidy(db) == 1


def test_wide_tables_are_kept(db: Connection) -> None:
    db.execute(f"CREATE TABLE orders ({', '.join(f'c{i} int DEFAULT {i}' for i in range(400))})")
    install(db, KEPT)
    db.execute("INSERT INTO orders DEFAULT VALUES; DELETE FROM orders")
    assert restore(db) == (1, 0)
    assert one(db, "SELECT c399 FROM orders") == 399


def test_a_row_that_a_rule_refuses_now_stops_the_restoration_as_a_whole(
    postgres: Server, db: Connection, database: str
) -> None:
    thousand(db)
    install(db, KEPT)
    db.execute("DELETE FROM orders WHERE id <= 3")
    install(db, KEPT, constraints=(parse("amount > 2"),))
    with (
        pytest.raises(DatabaseRefused, match="breaks rule"),
        engine.connected(postgres.url(database)) as other,
    ):
        restore(other)
    assert (count(db), count(db, "interlock.kept")) == (997, 3)


# --- names ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Orders", "select", 'a"b', "x'); DROP TABLE victim; --", "größe", "a\\'b", "%s {0} %I", "n" * 63]
)
def test_no_name_is_ever_read_as_sql(db: Connection, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    db.execute("CREATE TABLE victim (x int)")
    db.execute(f"CREATE SCHEMA {quoted}")
    table = f"{quoted}.{quoted}"
    db.execute(f"CREATE TABLE {table} ({quoted} int PRIMARY KEY) PARTITION BY RANGE ({quoted})")
    db.execute(f"CREATE TABLE {quoted} PARTITION OF {table} DEFAULT")
    db.execute(f"INSERT INTO {table} SELECT generate_series(1, 500); ANALYZE {table}".replace("%", "%"))
    relation = engine.relation(db, table)
    plan = native.plan(name, TableContract(mass_change=KEPT), relation)
    native.change(db, lambda: native.install(plan, standing.of(db, relation), standing.functions_there(db)))
    for target in (table, quoted):
        assert f"of table {name} would go" in str(refused(db, f"DELETE FROM {target}"))
    db.execute(f"DELETE FROM {quoted} WHERE {quoted} <= 5; INSERT INTO {table} VALUES (2)")
    assert restore(db, name=table) == (4, 1)
    assert native.install(plan, standing.of(db, relation), standing.functions_there(db)) == []
    uninstall(db, table)
    assert count(db, "victim") == 0


def test_a_rule_of_the_same_name_stands_beside_the_guard(db: Connection) -> None:
    thousand(db)
    rules = tuple(parse("amount > 0", name=name) for name in ("mass_change", " mass change: delete", "x"))
    install(db, constraints=rules)
    refused(db, "DELETE FROM orders")
    with pytest.raises(errors.CheckViolation, match="breaks rule"):
        db.execute("INSERT INTO orders VALUES (2000, 0)")


# --- who may what -----------------------------------------------------------------------


@pytest.fixture
def writer(postgres: Server, db: Connection, database: str) -> Iterator[Connection]:
    """A plain user with every right on ``orders`` but owning it, and objects of its own."""
    thousand(db)
    install(db, KEPT)
    db.execute("CREATE ROLE writer LOGIN; CREATE SCHEMA AUTHORIZATION writer; GRANT ALL ON orders TO writer")
    with postgres.connect(database, "writer") as connection:
        yield connection
    db.execute("DROP OWNED BY writer CASCADE; DROP ROLE writer")


@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE orders DISABLE TRIGGER ALL",
        'DROP TRIGGER "interlock mass change: delete" ON orders',
        "ALTER TABLE interlock.changing DISABLE TRIGGER ALL",
        "DELETE FROM interlock.changed",
        "TRUNCATE interlock.changed",
        "INSERT INTO interlock.changed VALUES ('orders', now(), -100000, 0, 1000)",
        "DELETE FROM interlock.changing",
        "INSERT INTO interlock.changing (xid, relation, leads, gone, came, changed)"
        " VALUES (pg_current_xact_id(), 'orders'::regclass, false, 0, 100000, 0)",
        "UPDATE interlock.tally SET lost = -1000000",
        "INSERT INTO interlock.approval (relation, rows, reason, who, until)"
        " VALUES ('orders'::regclass, 1000, 'x', 'Ada', now() + interval '1 h')",
        "UPDATE interlock.approval SET rows = 1000, used_at = NULL",
        "DELETE FROM interlock.approval",
        "SELECT setval('interlock.attempt', 1)",
        "SELECT nextval('interlock.attempt')",
        "SELECT setval('interlock.attempt_3', 1)",
        "INSERT INTO interlock.kept VALUES ('orders', pg_current_xact_id(), now(), now() + interval '1 d', 'x', '{}')",
        "UPDATE interlock.kept SET until = now()",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION interlock.mass_change() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'",
        "CREATE TABLE interlock.mine (x int)",
        "DROP SCHEMA interlock CASCADE",
    ],
)
def test_a_plain_user_cannot_switch_it_off_or_forge_what_it_rests_on(
    writer: Connection, attempt: str
) -> None:
    writer.execute("DELETE FROM orders WHERE id <= 10")
    with pytest.raises(errors.InsufficientPrivilege):
        writer.execute(attempt)
    refused(writer, "DELETE FROM orders WHERE id <= 300")


def test_a_plain_user_sees_no_kept_row_and_no_approval(db: Connection, writer: Connection) -> None:
    approve(db, 500)
    writer.execute("DELETE FROM orders WHERE id <= 10")
    for table in ("kept", "approval", "changed"):
        assert (count(db, f"interlock.{table}") > 0, count(writer, f"interlock.{table}")) == (True, 0)
    writer.execute(
        "CREATE FUNCTION writer.leak(jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS"
        " $$ BEGIN RAISE EXCEPTION 'leaked %', $1; END $$"
    )
    assert writer.execute("SELECT * FROM interlock.kept WHERE writer.leak(cells)").fetchall() == []
    writer.execute("DELETE FROM interlock.kept")
    assert writer.execute("SELECT interlock.tidy()").fetchone() == (0,)
    assert count(db, "interlock.kept") == 10
    assert restore(writer) == (0, 0)


def test_only_the_owner_or_a_member_of_that_role_approves(
    postgres: Server, db: Connection, writer: Connection, database: str
) -> None:
    with pytest.raises(DatabaseRefused, match="only owner, who owns"):
        approve(writer, 1000)
    db.execute(
        "CREATE ROLE shop; CREATE ROLE lead LOGIN; GRANT shop TO lead; ALTER TABLE orders OWNER TO shop"
    )
    try:
        with postgres.connect(database, "lead") as lead:
            assert approve(lead, 1000, who=None).who == "lead"
        passes(writer, "DELETE FROM orders")
        assert past(db).approvals[0].used_by == "writer"
    finally:
        db.execute("ALTER TABLE orders OWNER TO owner; DROP OWNED BY lead, shop; DROP ROLE lead, shop")


def test_a_users_own_operators_and_functions_change_nothing(db: Connection, writer: Connection) -> None:
    writer.execute(
        "CREATE FUNCTION writer.lie(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
        "CREATE OPERATOR writer.> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = writer.lie);"
        "CREATE FUNCTION writer.count(anyelement) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';"
        "CREATE TEMP TABLE old_rows (x int); CREATE TEMP TABLE pg_class (oid oid);"
        "SET search_path = writer, pg_temp, public, pg_catalog"
    )
    refused(writer, "DELETE FROM orders WHERE id <= 201")


def test_what_a_type_of_a_users_own_does_is_not_run_with_more_rights(
    db: Connection, writer: Connection
) -> None:
    writer.execute(
        "CREATE TYPE writer.mood AS ENUM ('calm');"
        "CREATE FUNCTION writer.said(writer.mood) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;"
        "CREATE FUNCTION writer.as_json(writer.mood) RETURNS json LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;"
        "CREATE CAST (writer.mood AS text) WITH FUNCTION writer.said AS IMPLICIT;"
        "CREATE CAST (writer.mood AS json) WITH FUNCTION writer.as_json AS IMPLICIT;"
    )
    db.execute("CREATE TABLE moods (m writer.mood); GRANT ALL ON moods TO writer")
    install(db, KEPT, "moods")
    writer.execute("INSERT INTO moods VALUES ('calm'); UPDATE moods SET m = m; DELETE FROM moods")
    assert one(db, "SELECT cells ->> 'm' FROM interlock.kept") == "calm"


def test_a_guard_on_a_table_of_a_users_own_says_nothing_of_another(
    db: Connection, writer: Connection
) -> None:
    writer.execute(
        "CREATE TABLE writer.mine (id int);"
        "CREATE TRIGGER t AFTER INSERT ON writer.mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"
        " EXECUTE FUNCTION interlock.mass_change('orders', '1', '1000000000', '1 day', 'root')"
    )
    refused(
        writer,
        "INSERT INTO writer.mine SELECT generate_series(1, 5000)",
        "DELETE FROM orders WHERE id <= 300",
    )


def test_where_triggers_do_not_fire_nothing_is_guarded(orders: Connection) -> None:
    """As `docs/how-to/mass-changes.md` says: a superuser, and rows that logical replication brings."""
    passes(orders, "SET LOCAL session_replication_role = replica", "DELETE FROM orders")
    assert count(orders) == 0


@pytest.mark.parametrize(
    "drift",
    [
        'ALTER TABLE orders DISABLE TRIGGER "interlock mass change: delete"',
        'DROP TRIGGER "interlock mass change: truncate" ON orders',
        "ALTER TABLE interlock.changing DISABLE TRIGGER mass_change_end",
        "DROP TRIGGER mass_change_end ON interlock.changing",
        "ALTER TABLE interlock.kept DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY all_of_them ON interlock.approval FOR INSERT WITH CHECK (true)",
        "CREATE OR REPLACE FUNCTION interlock.mass_change_end() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NULL; END'",
        "DROP SCHEMA interlock CASCADE",
    ],
)
def test_what_an_owner_switched_off_is_found_and_mended(orders: Connection, drift: str) -> None:
    assert install(orders) == []
    orders.execute(drift)
    assert install(orders) != []
    refused(orders, "DELETE FROM orders")
    refused(orders, "TRUNCATE orders")
    assert install(orders) == []


# --- drop and detach --------------------------------------------------------------------


@pytest.fixture
def undroppable(parts: Connection) -> Connection:
    thousand(parts, "others")
    parts.execute("CREATE TABLE plain (id int, x int)")
    install(parts, name="others")
    for statement in mass_change.drops(parts):
        parts.execute(statement)
    assert mass_change.drops(parts) == []
    return parts


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE orders", "to drop public.orders"),
        ("DROP TABLE part_1", "to drop public.part_1"),
        ("DROP TABLE plain, others", "to drop public.others"),
        ("DROP SCHEMA public CASCADE", "to drop public."),
        ("ALTER TABLE orders DETACH PARTITION part_1", "to detach public.part_1"),
        ("ALTER TABLE part_9 DETACH PARTITION part_9a", "to detach public.part_9a"),
        ("ALTER TABLE others DROP COLUMN amount", "to drop a column of public.others.amount"),
    ],
)
def test_what_takes_rows_by_ddl_is_refused_where_a_superuser_asked_for_it(
    undroppable: Connection, statement: str, words: str
) -> None:
    found = refused(undroppable, statement)
    assert words in str(found)
    assert count(undroppable, "interlock.approval") == 0
    assert one(undroppable, "SELECT last_value FROM interlock.attempt") == 1


def test_ddl_of_other_tables_goes_on(undroppable: Connection) -> None:
    for statement in (
        "ALTER TABLE plain DROP COLUMN x, ADD y int",
        "DROP TABLE plain",
        "CREATE TEMP TABLE t (x int); DROP TABLE t",
        "ALTER TABLE others ADD z int, ALTER amount TYPE bigint",
        "CREATE TABLE loose (x int) PARTITION BY LIST (x); CREATE TABLE leaf PARTITION OF loose DEFAULT",
        "ALTER TABLE loose DETACH PARTITION leaf",
        "CREATE TABLE part_20 PARTITION OF orders FOR VALUES IN (20)",
        "ALTER TABLE orders DETACH PARTITION part_20",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1; DROP FUNCTION f",
    ):
        undroppable.execute(statement)


def test_an_approval_lets_one_drop_pass(undroppable: Connection) -> None:
    approve(undroppable, 1000)
    undroppable.execute("ALTER TABLE orders DETACH PARTITION part_1")
    refused(undroppable, "ALTER TABLE orders DETACH PARTITION part_2")
    leaf = engine.relation(undroppable, "part_2")
    approval.approve(undroppable, leaf, 100, "old", None, dt.timedelta(hours=1))
    undroppable.execute("DROP TABLE part_2")
    undroppable.execute("ALTER TABLE orders ADD more int")


def test_a_guard_that_is_broken_stops_no_ddl(undroppable: Connection) -> None:
    undroppable.execute("DROP TABLE interlock.approval")
    undroppable.execute("DROP TABLE others")


def test_taking_the_guards_off_takes_the_event_triggers_too(undroppable: Connection) -> None:
    uninstall(undroppable, "others")
    uninstall(undroppable)
    assert one(undroppable, "SELECT count(*) FROM pg_event_trigger") == 0
    assert standing.functions_there(undroppable) is None
    undroppable.execute("DROP TABLE orders, others")


# --- again, and no more -----------------------------------------------------------------


def everything(db: Connection) -> list[tuple[Any, ...]]:
    return db.execute(
        """
        SELECT 'class', relname, relnamespace::regnamespace::text FROM pg_class
        WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        UNION ALL SELECT 'schema', nspname, '' FROM pg_namespace
        UNION ALL SELECT 'trigger', tgname, tgrelid::regclass::text FROM pg_trigger
        UNION ALL SELECT 'proc', proname, pronamespace::regnamespace::text FROM pg_proc WHERE oid >= 16384
        ORDER BY 1, 2, 3
        """
    ).fetchall()


def test_nothing_is_left_after_uninstall(db: Connection) -> None:
    thousand(db)
    before = everything(db)
    install(db, KEPT)
    refused(db, "DELETE FROM orders")
    uninstall(db)
    assert everything(db) == before


def test_kept_rows_are_not_lost_by_uninstall(db: Connection) -> None:
    thousand(db)
    install(db, KEPT)
    db.execute("DELETE FROM orders WHERE id <= 10")
    uninstall(db)
    passes(db, "DELETE FROM orders WHERE id > 300")
    assert restore(db) == (10, 0)
    uninstall(db)
    assert standing.functions_there(db) is None


def test_again_changes_nothing_and_another_share_only_the_triggers(orders: Connection) -> None:
    assert install(orders) == []
    passes(orders, "DELETE FROM orders WHERE id <= 150")
    changed = install(orders, MassChange(share=0.3))
    assert all("TRIGGER" in statement for statement in changed)
    passes(orders, "DELETE FROM orders WHERE id <= 250")
    refused(orders, "DELETE FROM orders WHERE id <= 450")
    assert all("DROP TRIGGER" in statement for statement in install(orders, None))
    passes(orders, "DELETE FROM orders")


def test_an_upgrade_keeps_what_was_granted_and_counted(orders: Connection) -> None:
    approve(orders, 700)
    passes(orders, "DELETE FROM orders WHERE id <= 150")
    orders.execute("COMMENT ON SCHEMA interlock IS 'interlock of another version'")
    assert install(orders) != []
    assert [a.rows for a in past(orders).approvals] == [700]
    assert count(orders, "interlock.changed") == 1
    passes(orders, "DELETE FROM orders WHERE id <= 600")


def test_the_script_does_what_installing_does(db: Connection) -> None:
    thousand(db)
    relation = engine.relation(db, "orders")
    plan = native.plan("orders", TableContract(mass_change=KEPT), relation)
    db.execute(native.script(native.install(plan, (), None)))
    refused(db, "DELETE FROM orders")
    assert install(db, KEPT) == []
