"""Dirty marks on a real server: every way to change a table leaves one, in the transaction that changed it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from psycopg import errors

from interlock.constraints.table_contract import TableContract
from interlock.engines import postgres as engine
from interlock.errors import ColumnMissing, DataTypeUnsupported, RelationNotFound
from interlock.gates.native import standing
from tests.constraints.by_reference import EXAMPLES, RANDOM
from tests.gates.marked import Connection, contract, database, db, install, quoted, uninstall
from tests.postgres import Server

__all__ = ["database", "db"]
ONE, TWO, THREE = "2024-01-05", "2024-02-05", "2024-03-05"
Marks = list[tuple[Any, ...]]


@pytest.fixture
def orders(db: Connection) -> None:
    """A table ``orders`` split by day, marked."""
    db.execute("CREATE TABLE orders (id int PRIMARY KEY, day date, amount int)")
    install(db, contract())


@pytest.fixture
def leaves(db: Connection) -> None:
    """A table ``orders`` with the leaves ``first`` and ``second``, marked."""
    db.execute(
        "CREATE TABLE orders (id int, day date, amount int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);"
        "CREATE TABLE first PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');"
        "CREATE TABLE second PARTITION OF orders FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')"
    )
    install(db, contract())


def marks(db: Connection) -> Marks:
    """Relation, label, event, rows added and removed, of the marks since the last look."""
    return db.execute(
        "WITH gone AS (DELETE FROM interlock.mark RETURNING *)"
        " SELECT relation::text, label, event, added, removed FROM gone ORDER BY txid, label"
    ).fetchall()


def test_a_statement_marks_each_partition_once_whatever_the_number_of_rows(
    db: Connection, orders: None
) -> None:
    db.execute(f"INSERT INTO orders SELECT n, DATE '{ONE}' + n % 2, n FROM generate_series(1, 1001) n")
    assert marks(db) == [
        ("orders", ONE, "INSERT", 500, 0),
        ("orders", "2024-01-06", "INSERT", 501, 0),
    ]


def test_every_way_of_writing_marks(db: Connection, orders: None) -> None:
    db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1), (2, NULL, 1)")
    assert marks(db) == [("orders", ONE, "INSERT", 1, 0), ("orders", None, "INSERT", 1, 0)]
    with db.cursor().copy("COPY orders FROM STDIN") as copy:
        copy.write(f"3\t{ONE}\t5\n4\t{TWO}\t5\n")
    assert marks(db) == [("orders", ONE, "INSERT", 1, 0), ("orders", TWO, "INSERT", 1, 0)]
    db.execute(
        f"INSERT INTO orders VALUES (1, '{TWO}', 7), (5, '{THREE}', 7)"
        f" ON CONFLICT (id) DO UPDATE SET day = excluded.day"
    )
    assert sorted(marks(db)) == [
        ("orders", ONE, "UPDATE", 0, 1),
        ("orders", TWO, "UPDATE", 1, 0),
        ("orders", THREE, "INSERT", 1, 0),
    ]
    db.execute(f"UPDATE orders SET amount = 0 WHERE day = '{TWO}'")
    assert marks(db) == [("orders", TWO, "UPDATE", 2, 2)]
    db.execute(f"DELETE FROM orders WHERE day = '{THREE}'")
    assert marks(db) == [("orders", THREE, "DELETE", 0, 1)]
    db.execute("TRUNCATE orders")
    assert marks(db) == [("orders", None, "TRUNCATE", None, None)]


def test_a_merge_marks_what_it_did(db: Connection, orders: None) -> None:
    if db.info.server_version < 150_000:
        pytest.skip("MERGE is there from PostgreSQL 15 on")
    db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1), (2, '{TWO}', 2)")
    marks(db)
    db.execute(
        f"MERGE INTO orders USING (VALUES (1, 0), (2, 5), (3, 9)) AS new (id, n) ON orders.id = new.id"
        f" WHEN MATCHED AND n = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = n"
        f" WHEN NOT MATCHED THEN INSERT VALUES (id, '{THREE}', n)"
    )
    assert sorted(marks(db)) == [
        ("orders", ONE, "DELETE", 0, 1),
        ("orders", TWO, "UPDATE", 1, 1),
        ("orders", THREE, "INSERT", 1, 0),
    ]


def test_a_deletion_that_a_foreign_key_does_marks_too(db: Connection, orders: None) -> None:
    db.execute("CREATE TABLE lines (day date, orders int REFERENCES orders ON DELETE CASCADE)")
    install(db, contract(), "lines", "lines")
    db.execute(
        f"INSERT INTO orders VALUES (1, '{ONE}', 1); INSERT INTO lines VALUES ('{ONE}', 1), ('{TWO}', 1)"
    )
    marks(db)
    db.execute("DELETE FROM orders")
    assert sorted(marks(db)) == [
        ("lines", ONE, "DELETE", 0, 1),
        ("lines", TWO, "DELETE", 0, 1),
        ("orders", ONE, "DELETE", 0, 1),
    ]


def test_what_changes_nothing_marks_nothing(db: Connection, orders: None) -> None:
    db.execute("DELETE FROM orders; UPDATE orders SET amount = 1; INSERT INTO orders SELECT 1 WHERE false")
    assert marks(db) == []


def test_every_leaf_marks_whichever_relation_the_statement_names(db: Connection, leaves: None) -> None:
    db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1), (2, '{TWO}', 2)")
    assert marks(db) == [("orders", ONE, "INSERT", 1, 0), ("orders", TWO, "INSERT", 1, 0)]
    db.execute(f"INSERT INTO first VALUES (3, '{ONE}', 1)")
    assert marks(db) == [("first", ONE, "INSERT", 1, 0)]
    with db.cursor().copy("COPY second FROM STDIN") as copy:
        copy.write(f"4\t{TWO}\t5\n")
    assert marks(db) == [("second", TWO, "INSERT", 1, 0)]
    db.execute(f"UPDATE orders SET day = '{TWO}' WHERE id = 1")
    assert sorted(marks(db)) == [("orders", ONE, "UPDATE", 0, 1), ("orders", TWO, "UPDATE", 1, 0)]
    db.execute(f"INSERT INTO second VALUES (4, '{TWO}', 5) ON CONFLICT (id, day) DO UPDATE SET amount = 6")
    assert marks(db) == [("second", TWO, "UPDATE", 1, 1)]
    db.execute("DELETE FROM second")
    assert marks(db) == [("second", TWO, "DELETE", 0, 3)]
    db.execute("TRUNCATE first")
    assert marks(db) == [("first", None, "TRUNCATE", None, None)]
    db.execute("TRUNCATE orders")
    assert sorted(marks(db)) == [(t, None, "TRUNCATE", None, None) for t in ("first", "orders", "second")]


def test_a_leaf_that_comes_later_is_marked_through_its_parent_and_by_installing_again(
    db: Connection, leaves: None
) -> None:
    db.execute("CREATE TABLE third PARTITION OF orders FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')")
    db.execute(f"INSERT INTO orders VALUES (1, '{THREE}', 1)")
    assert marks(db) == [("orders", THREE, "INSERT", 1, 0)]
    assert any('ON "public"."third"' in made for made in install(db, contract()))
    db.execute(f"INSERT INTO third VALUES (2, '{THREE}', 1)")
    assert marks(db) == [("third", THREE, "INSERT", 1, 0)]
    assert install(db, contract()) == []


def test_partitions_of_partitions_mark_at_every_level(db: Connection) -> None:
    db.execute(
        "CREATE TABLE orders (day date, kind text) PARTITION BY RANGE (day);"
        "CREATE TABLE middle PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"
        " PARTITION BY LIST (kind); CREATE TABLE leaf PARTITION OF middle FOR VALUES IN ('a')"
    )
    install(db, contract())
    for relation in ("orders", "middle", "leaf"):
        db.execute(f"INSERT INTO {relation} VALUES ('{ONE}', 'a')")
        assert marks(db) == [(relation, ONE, "INSERT", 1, 0)]


def test_a_mark_shares_the_fate_of_its_transaction(db: Connection, orders: None) -> None:
    with db.transaction(force_rollback=True):
        db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1)")
    with db.transaction():
        with db.transaction(force_rollback=True):
            db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1)")
        db.execute(f"INSERT INTO orders VALUES (2, '{TWO}', 1)")
    with pytest.raises(errors.UniqueViolation):
        db.execute(f"INSERT INTO orders VALUES (3, '{THREE}', 1), (2, '{TWO}', 1)")
    assert marks(db) == [("orders", TWO, "INSERT", 1, 0)]


def test_a_mark_says_which_transaction_and_when(db: Connection, orders: None) -> None:
    with db.transaction():
        said = db.execute("SELECT pg_current_xact_id()::text, clock_timestamp()").fetchone()
        db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1)")
    assert said is not None
    assert db.execute(
        "SELECT txid::text = %s, at BETWEEN %s AND clock_timestamp() FROM interlock.mark", said
    ).fetchone() == (True, True)


def test_a_table_that_nothing_splits_is_marked_as_a_whole(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int)")
    install(db, contract(partition=None))
    db.execute(
        "INSERT INTO orders VALUES (1), (2); UPDATE orders SET id = 3 WHERE id = 2; DELETE FROM orders"
    )
    db.execute("DELETE FROM orders; UPDATE orders SET id = 1; TRUNCATE orders")
    assert db.execute("SELECT whole, event, added, removed FROM interlock.mark ORDER BY at").fetchall() == [
        (True, "INSERT", 2, 0),
        (True, "UPDATE", 1, 1),
        (True, "DELETE", 0, 2),
        (True, "TRUNCATE", None, None),
    ]


def test_a_statement_over_very_many_partitions_marks_the_table_and_no_more(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day int)")
    install(db, contract())
    db.execute("INSERT INTO orders SELECT n FROM generate_series(1, 1000) n")
    assert [m[2] for m in marks(db)] == ["INSERT"] * 1000
    db.execute("INSERT INTO orders SELECT n FROM generate_series(1, 50000) n")
    found = db.execute("SELECT whole, count(*) FROM interlock.mark GROUP BY 1 ORDER BY 1").fetchall()
    assert found == [(False, 1001), (True, 1)]


def test_a_value_too_long_for_a_label_marks_the_table(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day text)")
    install(db, contract())
    db.execute("INSERT INTO orders VALUES (repeat('ä', 500)), (repeat('x', 1001))")
    found = db.execute("SELECT whole, length(label) FROM interlock.mark ORDER BY 1").fetchall()
    assert found == [(False, 500), (True, None)]


def test_labels_are_the_same_whatever_a_session_says(db: Connection) -> None:
    db.execute("CREATE TABLE days (day date); CREATE TABLE numbers (day float8)")
    for table in ("days", "numbers"):
        install(db, contract(), table, table)
    db.execute("SET datestyle = 'SQL, DMY'; SET extra_float_digits = -15")
    db.execute(f"INSERT INTO days VALUES ('{ONE}'); INSERT INTO numbers VALUES (0.1::float8 + 0.2::float8)")
    assert {m[1] for m in marks(db)} == {ONE, "0.30000000000000004"}


@pytest.mark.parametrize(
    "name", ["Orders", "select", 'a"b', "x'); DROP TABLE victim; --", "größe", "a\\'b", "%s %I {0}", "n" * 63]
)
def test_no_name_and_no_value_is_ever_read_as_sql(db: Connection, name: str) -> None:
    db.execute("CREATE TABLE victim (x int); CREATE TABLE names (table_name text)")
    db.execute("INSERT INTO names VALUES (%s)", [name])
    db.execute(f"CREATE TABLE {quoted(name)} ({quoted(name)} text, n int)".encode())
    for standard in ("off", "on"):
        db.execute(f"SET standard_conforming_strings = {standard}")
        install(db, contract(partition=name), quoted(name), name)
        db.execute(f"INSERT INTO {quoted(name)} SELECT table_name, 1 FROM names".encode())
        db.execute(f"UPDATE {quoted(name)} SET n = 2".encode())
        db.execute(f"DELETE FROM {quoted(name)}".encode())
        assert [m[1:] for m in marks(db)] == [
            (name, "INSERT", 1, 0),
            (name, "UPDATE", 1, 1),
            (name, "DELETE", 0, 1),
        ]
        uninstall(db, quoted(name))
    assert db.execute("SELECT count(*) FROM victim").fetchone() == (0,)


def test_a_column_that_is_renamed_or_dropped_stops_nobody_and_is_told(db: Connection, orders: None) -> None:
    db.execute("ALTER TABLE orders RENAME day TO date")
    db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1)")
    db.execute("ALTER TABLE orders DROP COLUMN date")
    db.execute("INSERT INTO orders VALUES (2, 1)")
    assert db.execute("SELECT whole, label, added FROM interlock.mark").fetchall() == [(True, None, 1)] * 2
    with pytest.raises(ColumnMissing, match="'day', which shall split it"):
        install(db, contract())


def test_marks_stand_only_where_the_contract_attaches_the_table_in_postgresql(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day date)")
    for elsewhere in (None, "lake/*.parquet"):
        assert install(db, TableContract(attach=elsewhere, partition="day")) == []
    install(db, contract())
    assert len(standing.of(db, engine.relation(db, "orders"))) == 4
    assert install(db, contract()) == []
    install(db, TableContract())
    assert standing.of(db, engine.relation(db, "orders")) == ()


def test_columns_that_tell_no_partitions_apart_are_refused(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day json, at point)")
    for column in ("day", "at"):
        with pytest.raises(DataTypeUnsupported, match="cannot be split"):
            install(db, contract(partition=column))


def test_a_foreign_partition_is_refused_with_the_reason(db: Connection) -> None:
    db.execute("CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER there FOREIGN DATA WRAPPER nowhere")
    db.execute("CREATE TABLE orders (day date) PARTITION BY RANGE (day)")
    db.execute(
        "CREATE FOREIGN TABLE far PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2024-02-01') SERVER there"
    )
    with pytest.raises(RelationNotFound, match=r"public\.far is a foreign partition"):
        install(db, contract())


def test_uninstalling_leaves_no_trace(db: Connection, leaves: None) -> None:
    db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1)")
    uninstall(db)
    assert db.execute("SELECT to_regnamespace('interlock')").fetchone() == (None,)
    assert db.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal").fetchone() == (0,)
    db.execute(f"INSERT INTO orders VALUES (2, '{ONE}', 1)")


def test_marks_of_another_table_stay_when_one_is_uninstalled(db: Connection, orders: None) -> None:
    db.execute("CREATE TABLE others (day date)")
    install(db, contract(), "others", "others")
    db.execute(f"INSERT INTO others VALUES ('{ONE}')")
    uninstall(db)
    assert marks(db) == [("others", ONE, "INSERT", 1, 0)]


def test_installing_again_keeps_marks_that_nobody_has_taken(db: Connection, orders: None) -> None:
    db.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1)")
    db.execute("COMMENT ON SCHEMA interlock IS 'interlock older'")
    assert any("CREATE TABLE IF NOT EXISTS interlock.mark" in made for made in install(db, contract()))
    assert marks(db) == [("orders", ONE, "INSERT", 1, 0)]


# --- who could get round it -------------------------------------------------------------


@pytest.fixture
def writer(postgres: Server, db: Connection, database: str, orders: None) -> Iterator[Connection]:
    """A role that may write rows, and owns nothing here."""
    db.execute("CREATE ROLE writer LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON orders TO writer")
    with postgres.connect(database, "writer") as connection:
        yield connection
    db.execute("DROP OWNED BY writer CASCADE; DROP ROLE writer")


def test_a_writer_needs_no_right_of_ours_and_marks_all_the_same(db: Connection, writer: Connection) -> None:
    writer.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1)")
    writer.execute("TRUNCATE orders")
    assert [m[2] for m in marks(db)] == ["INSERT", "TRUNCATE"]


def test_a_writer_can_neither_forge_nor_take_nor_see_a_mark(db: Connection, writer: Connection) -> None:
    writer.execute(f"INSERT INTO orders VALUES (1, '{ONE}', 1)")
    for statement in (
        "INSERT INTO interlock.mark (relation, whole, event) VALUES ('orders', true, 'UPDATE')",
        "UPDATE interlock.mark SET label = 'x'",
        "TRUNCATE interlock.mark",
        "DROP TABLE interlock.mark",
        "DO 'BEGIN LOCK TABLE interlock.mark IN ROW SHARE MODE; END'",
        "SELECT * FROM interlock.mark",
        "DELETE FROM interlock.mark",
        "CREATE TRIGGER mine BEFORE INSERT ON interlock.mark EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        'ALTER TABLE orders DISABLE TRIGGER "interlock mark insert"',
        'DROP TRIGGER "interlock mark insert" ON orders',
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION interlock.mark_change() RETURNS trigger LANGUAGE sql AS ''",
        "SELECT interlock.mark_change()",
    ):
        with pytest.raises(errors.Error) as caught:
            writer.execute(statement)
        assert isinstance(caught.value, errors.InsufficientPrivilege | errors.FeatureNotSupported), statement
    assert len(marks(db)) == 1


def test_a_trigger_of_ones_own_marks_ones_own_table_whatever_it_says(
    postgres: Server, db: Connection, writer: Connection, database: str
) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO writer")
    writer.execute("CREATE TABLE mine (day date)")
    writer.execute(
        "CREATE TRIGGER t AFTER INSERT ON mine REFERENCING NEW TABLE AS interlock_added FOR EACH STATEMENT"
        " EXECUTE FUNCTION interlock.mark_change('orders', 'day')"
    )
    writer.execute(f"INSERT INTO mine VALUES ('{ONE}')")
    assert [m[0] for m in marks(db)] == ["mine"]


def test_no_code_of_a_table_s_owner_runs_with_the_rights_of_the_schema_s(
    db: Connection, writer: Connection
) -> None:
    """A cast to JSON or text, of their own type: what would be called if values were not written by their type."""
    db.execute("GRANT CREATE ON SCHEMA public TO writer")
    writer.execute(
        "CREATE TYPE mood AS ENUM ('calm', 'Mad'); CREATE TABLE mine (day mood); CREATE TABLE caught (who text);"
        "CREATE FUNCTION spy(mood) RETURNS json LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES (current_user); RETURN '1'; END $$;"
        "CREATE FUNCTION spy_text(mood) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES (current_user); RETURN '1'; END $$;"
        "CREATE CAST (mood AS json) WITH FUNCTION spy(mood) AS IMPLICIT;"
        "CREATE CAST (mood AS text) WITH FUNCTION spy_text(mood) AS IMPLICIT"
    )
    seen = "REFERENCING NEW TABLE AS interlock_added FOR EACH STATEMENT"
    writer.execute(
        f"CREATE TRIGGER t AFTER INSERT ON mine {seen} EXECUTE FUNCTION interlock.mark_change('x', 'day')"
    )
    writer.execute("INSERT INTO mine VALUES ('Mad')")
    assert db.execute("SELECT * FROM caught").fetchall() == []
    assert [m[:2] for m in marks(db)] == [("mine", "Mad")]


def test_the_owner_of_another_table_marks_without_a_right_to_marks(
    db: Connection, writer: Connection
) -> None:
    db.execute("CREATE TABLE others (day date); ALTER TABLE others OWNER TO writer")
    install(writer, contract(), "others", "others")
    writer.execute(f"INSERT INTO others VALUES ('{ONE}')")
    assert marks(db) == [("others", ONE, "INSERT", 1, 0)]


@pytest.mark.parametrize(
    "change",
    [
        'ALTER TABLE orders DISABLE TRIGGER "interlock mark update"',
        'DROP TRIGGER "interlock mark truncate" ON orders',
        "GRANT INSERT ON interlock.mark TO PUBLIC",
        "ALTER TABLE interlock.mark ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY more ON interlock.mark USING (true)",
        "CREATE TRIGGER t BEFORE INSERT ON interlock.mark FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "ALTER FUNCTION interlock.mark_change() SECURITY INVOKER",
    ],
)
def test_what_an_owner_does_to_marks_is_found(db: Connection, orders: None, change: str) -> None:
    assert install(db, contract()) == []
    db.execute(change)
    assert install(db, contract()) != []


def test_a_table_one_may_write_only_through_a_view_is_marked(
    postgres: Server, db: Connection, writer: Connection
) -> None:
    db.execute("CREATE VIEW open_orders AS SELECT * FROM orders; REVOKE ALL ON orders FROM writer")
    db.execute("GRANT INSERT ON open_orders TO writer")
    writer.execute(f"INSERT INTO open_orders VALUES (1, '{ONE}', 1)")
    assert marks(db) == [("orders", ONE, "INSERT", 1, 0)]


# --- the sum of all marks is what is there ----------------------------------------------


STATEMENTS = (
    "INSERT INTO {on} SELECT {n}, '{day}', {m} FROM generate_series(1, {m}) ON CONFLICT DO NOTHING",
    "INSERT INTO orders SELECT {n} + g, DATE '{day}' + g * 10, 0 FROM generate_series(0, {m}) g"
    " ON CONFLICT (id, day) DO UPDATE SET amount = orders.amount + 1",
    "UPDATE orders SET day = '{day}' WHERE id % 7 = {m} AND day <> '{day}'",
    "DELETE FROM {on} WHERE id % 5 = {m}",
)


@settings(EXAMPLES, max_examples=20)
@given(random=RANDOM)
def test_added_less_removed_is_the_number_of_rows_of_each_partition(random: Random, postgres: Server) -> None:
    with postgres.connect() as db:
        db.execute("DROP SCHEMA IF EXISTS sums CASCADE; CREATE SCHEMA sums; SET search_path = sums")
        db.execute(
            "CREATE TABLE orders (id int, day date, amount int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);"
            "CREATE TABLE first PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');"
            "CREATE TABLE rest PARTITION OF orders DEFAULT"
        )
        install(db, contract())
        db.execute("DELETE FROM interlock.mark")
        try:
            for _ in range(12):
                day = f"2024-{random.randint(1, 2):02d}-{random.randint(1, 3):02d}"
                on = random.choice(["orders", "first" if day < "2024-02" else "rest"])
                made = random.choice(STATEMENTS).format(
                    on=on, n=random.randint(1, 40), m=random.randint(0, 6), day=day
                )
                with db.transaction(force_rollback=random.random() < 0.2):
                    _tried(db, made)
            rows = db.execute("SELECT day::text, count(*) FROM orders GROUP BY 1 ORDER BY 1").fetchall()
            told = db.execute(
                "SELECT label, sum(added - removed) AS n FROM interlock.mark GROUP BY 1"
                " HAVING sum(added - removed) <> 0 ORDER BY 1"
            ).fetchall()
            assert told == rows
        finally:
            uninstall(db)
            db.execute("DROP SCHEMA sums CASCADE")


def _tried(db: Connection, statement: str) -> None:
    """A statement that breaks the key is rolled back, and its marks with it."""
    try:
        with db.transaction():
            db.execute(statement)
    except psycopg.errors.UniqueViolation:
        pass


def test_eight_who_write_at_once_never_wait_for_each_other_s_marks(
    postgres: Server, db: Connection, orders: None, database: str
) -> None:
    """Each holds its transaction open until all have written: one lock between them, and nobody would finish."""
    from threading import Barrier

    together = Barrier(8, timeout=30)

    def write(n: int) -> None:
        with postgres.connect(database) as one, one.transaction():
            one.execute("INSERT INTO orders VALUES (%s, %s, 1)", [n, ONE])
            together.wait()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert marks(db) == [("orders", ONE, "INSERT", 1, 0)] * 8
