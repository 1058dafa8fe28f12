"""A contract's row rules as triggers of a real PostgreSQL server: what they refuse, whoever writes and however."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from psycopg import errors

from interlock.constraints import parse
from interlock.constraints.postgres import functions, sql_type
from interlock.constraints.table_contract import TableContract
from interlock.constraints.types import of_column
from interlock.engines import postgres as engine
from interlock.errors import (
    ColumnMissing,
    DatabaseBusy,
    DatabaseRefused,
    DatabaseUnreachable,
    ExpressionRefused,
    RelationNotFound,
    UsageError,
)
from interlock.gates import native
from interlock.gates.native import standing as installed
from interlock.gates.native.statements import _LOCK
from interlock.names import Outcome
from interlock.settings import override
from interlock.testing import expressions
from tests.constraints.by_reference import EXAMPLES, RANDOM, by_the_reference
from tests.postgres import Server

Connection = psycopg.Connection[Any]
_NUMBERS = itertools.count()


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The name of an empty database."""
    name = f"native_{next(_NUMBERS)}"
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(postgres: Server, database: str) -> Iterator[Connection]:
    with postgres.connect(database) as connection:
        yield connection


def contract(*rules: str, key: tuple[str, ...] = (), **more: Any) -> TableContract:
    return TableContract(key=key, constraints=tuple(map(parse, rules)), **more)


def install(db: Connection, contract: TableContract, name: str = "orders") -> list[str]:
    """Installs; the statements that it took."""
    relation = engine.relation(db, name)
    return carry_out(db, native.plan("orders", contract, relation))


def carry_out(db: Connection, plan: native.Plan) -> list[str]:
    def missing() -> list[str]:
        return native.install(plan, installed.of(db, plan.relation), installed.functions_there(db))

    return list(native.change(db, missing))


def uninstall(db: Connection, name: str = "orders") -> None:
    relation = engine.relation(db, name)
    standing = installed.of(db, relation)
    native.change(db, lambda: native.uninstall(standing))


def refused(db: Connection, statement: str) -> errors.CheckViolation:
    with pytest.raises(errors.CheckViolation) as caught:
        db.execute(statement)
    return caught.value


def count(db: Connection, table: str = "orders") -> int:
    row = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


# --- what is refused --------------------------------------------------------------------


def test_a_refusal_names_the_row_the_rule_and_whom_to_ask(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, amount numeric(10, 2))")
    install(db, contract("amount > 0", key=("id",), owner="shop-team"))
    found = refused(db, "INSERT INTO orders VALUES (1, 5), (2, -1), (3, 6)")
    assert found.diag.message_primary == "row id=2 of table orders breaks rule amount_gt_0: amount > 0"
    assert found.diag.message_hint == "Mend the row, or ask shop-team, who owns the rule."
    assert (found.diag.schema_name, found.diag.table_name, found.diag.constraint_name) == (
        "public",
        "orders",
        "amount_gt_0",
    )
    assert count(db) == 0


def test_a_row_that_breaks_several_rules_is_told_all_of_them(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int, part int, new text)")
    install(db, contract("amount > 0", "part > 0", "amount < part", "new <> 'it''s %s'"))
    both = refused(db, "INSERT INTO orders VALUES (1, 2, 'x'), (-1, -2, 'it''s %s')").diag
    assert both.message_primary == "a row of table orders breaks rule amount_gt_0: amount > 0"
    assert both.message_detail == (
        "Interlock refused the whole statement; none of its rows was written. The row breaks also:"
        " part_gt_0, amount_lt_part, new_ne_it_s_s_0f92e4."
    )
    one = refused(db, "INSERT INTO orders VALUES (1, 0, NULL), (2, 1, 'x')").diag
    assert one.constraint_name == "part_gt_0" and "also: amount_lt_part." in str(one.message_detail)
    alone = refused(db, "INSERT INTO orders VALUES (5, 5)")
    assert alone.diag.message_detail == "Interlock refused the whole statement; none of its rows was written."


def test_the_rule_is_told_where_a_leaf_orders_its_columns_otherwise(db: Connection) -> None:
    db.execute(
        "CREATE TABLE orders (day int, amount int, part int) PARTITION BY LIST (day);"
        "CREATE TABLE leaf (gone text, part int, amount int, day int); ALTER TABLE leaf DROP gone;"
        "ALTER TABLE orders ATTACH PARTITION leaf DEFAULT"
    )
    install(db, contract("amount > 0", "part > 0", key=("day",)))
    found = refused(db, "INSERT INTO orders VALUES (7, 1, -1)").diag
    assert found.message_primary == "row day=7 of table orders breaks rule part_gt_0: part > 0"


def test_every_way_of_writing_is_judged(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int PRIMARY KEY, amount int)")
    install(db, contract("amount > 0"))
    db.execute("INSERT INTO orders VALUES (1, 5)")
    refused(db, "UPDATE orders SET amount = -amount")
    refused(db, "INSERT INTO orders VALUES (1, 7) ON CONFLICT (id) DO UPDATE SET amount = -1")
    refused(db, "INSERT INTO orders VALUES (2, -7) ON CONFLICT DO NOTHING")
    refused(db, "WITH moved AS (INSERT INTO orders VALUES (3, 0) RETURNING *) SELECT * FROM moved")
    with pytest.raises(errors.CheckViolation), db.cursor().copy("COPY orders FROM STDIN") as copy:
        copy.write("4\t5\n5\t-5\n")
    assert db.execute("SELECT * FROM orders").fetchall() == [(1, 5)]


def test_null_breaks_no_rule_and_what_fails_does(db: Connection) -> None:
    db.execute("CREATE TABLE orders (code text, part int, whole int)")
    install(db, contract("CAST(code AS INTEGER) > 5", "part // whole >= 0"))
    db.execute("INSERT INTO orders VALUES (NULL, 1, NULL), ('7', 1, 2)")
    refused(db, "INSERT INTO orders VALUES ('seven', 1, 2)")
    refused(db, "INSERT INTO orders VALUES ('7', 1, 0)")
    assert count(db) == 2


def test_rows_are_judged_as_they_are_stored(db: Connection) -> None:
    db.execute(
        "CREATE TABLE orders (net float8, gross float8 GENERATED ALWAYS AS (net * 1.2) STORED);"
        "CREATE FUNCTION halve() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.net := NEW.net / 2; RETURN NEW; END $$;"
        "CREATE TRIGGER zz BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION halve()"
    )
    install(db, contract("gross < 12"))
    db.execute("INSERT INTO orders VALUES (18)")
    refused(db, "INSERT INTO orders VALUES (22)")


def test_every_partition_is_guarded_also_one_that_comes_later(db: Connection) -> None:
    db.execute(
        "CREATE TABLE orders (id int, day date, amount int) PARTITION BY RANGE (day);"
        "CREATE TABLE first PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')"
    )
    install(db, contract("amount > 0"))
    db.execute("CREATE TABLE second (LIKE orders)")
    db.execute("ALTER TABLE orders ATTACH PARTITION second FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')")
    for table, day in (("orders", "2024-01-05"), ("first", "2024-01-05"), ("second", "2024-02-05")):
        refused(db, f"INSERT INTO {table} VALUES (1, '{day}', 0)")
        db.execute(f"INSERT INTO {table} VALUES (1, '{day}', 1)")
    refused(db, "UPDATE orders SET day = '2024-02-07', amount = 0 WHERE day = '2024-01-05'")
    assert install(db, contract("amount > 0")) == []
    uninstall(db)
    db.execute("INSERT INTO second VALUES (1, '2024-02-05', 0)")


def test_many_columns_and_any_type_of_column(db: Connection) -> None:
    wide = ", ".join(f"c{i} int" for i in range(250))
    db.execute(
        "CREATE TYPE mood AS ENUM ('calm', 'Mad'); CREATE DOMAIN cents AS numeric(10, 2);"
        f"CREATE TABLE orders ({wide}, price cents, mood mood, code char(5), free numeric, ref uuid, at timestamptz,"
        " tags text[], more jsonb)"
    )
    install(
        db,
        contract(
            *("c7 < c249", "price * 2 < 100.50", "mood <> 'Mad'", "code = 'ab'", "free < 1e300"),
            *(
                "ref <> '00000000-0000-0000-0000-000000000000'",
                "at < TIMESTAMPTZ '2030-01-01 00:00:00+00:00'",
            ),
        ),
    )
    db.execute("INSERT INTO orders (c7, c249, price, code, free) VALUES (1, 2, 50.24, 'ab', 1e200)")
    for broken in (
        *(
            "(c7, c249) VALUES (2, 2)",
            "(price) VALUES (50.25)",
            "(mood) VALUES ('Mad')",
            "(code) VALUES ('abc')",
        ),
        *("(free) VALUES (1e301)", "(ref) VALUES ('00000000-0000-0000-0000-000000000000')"),
        *("(free) VALUES ('NaN')", "(at) VALUES ('infinity')"),
    ):
        refused(db, f"INSERT INTO orders {broken}")


@pytest.mark.parametrize(
    "name", ["Orders", "select", 'a"b', "x'); DROP TABLE victim; --", "größe", "a\\'b", "%s {0}", "n" * 63]
)
def test_no_name_is_ever_read_as_sql(db: Connection, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    db.execute("CREATE TABLE victim (x int)")
    db.execute(f"CREATE TABLE {quoted} ({quoted} int, n int)")
    rule = parse(f"{quoted} > 0", name=name[:60])
    for standard in ("off", "on"):
        db.execute(f"SET standard_conforming_strings = {standard}")
        relation = engine.relation(db, quoted)
        plan = native.plan(name, TableContract(key=(name,), owner=name, constraints=(rule,)), relation)
        carry_out(db, plan)
        with pytest.raises(errors.CheckViolation) as caught:
            db.execute(f"INSERT INTO {quoted} VALUES (-1, 1)")
        assert f"row {name}=-1 of table {name} breaks rule {rule.name}: " in (
            caught.value.diag.message_primary or ""
        )
        uninstall(db, quoted)
    assert count(db, "victim") == 0


@pytest.mark.parametrize("standard", ["on", "off"])
def test_constants_mean_the_same_whatever_a_session_says(db: Connection, standard: str) -> None:
    db.execute("CREATE TABLE orders (code text)")
    db.execute(f"SET standard_conforming_strings = {standard}")
    install(db, contract(r"code <> 'a\b'", r"code NOT LIKE 'x\%'", r"NOT regexp_matches(code, '^\d\.$')"))
    db.execute("SET standard_conforming_strings = on")
    for broken in (r"a\b", r"x\yz", "5."):
        refused(db, f"INSERT INTO orders VALUES ('{broken}')")
    for good in (r"a\\b", "xyz", "5x", "a\b"):
        db.execute("INSERT INTO orders VALUES (%s)", [good])


def test_no_column_of_a_row_gets_in_the_way_of_the_refusal(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, amount int, more json)")
    install(db, contract("amount > 0", key=("id",)))
    found = refused(db, """INSERT INTO orders VALUES (1, 0, '{"x": "\\u0000"}')""")
    assert found.diag.constraint_name == "amount_gt_0"


def test_no_date_or_moment_ends_a_statement_otherwise_than_by_a_rule(db: Connection) -> None:
    db.execute("CREATE TABLE orders (d date, at timestamptz)")
    rules = (
        "CAST(d AS VARCHAR) <> '2020-02-29'",
        "year(d) <> 7",
        "year(at) < 3000",
        "d + INTERVAL '1 day' IS NOT NULL",
    )
    install(db, contract(*rules))
    db.execute("INSERT INTO orders VALUES ('2020-03-01', '2020-03-01')")
    for broken in ("'2020-02-29'", "'infinity'", "'5874897-12-31'"):
        refused(db, f"INSERT INTO orders VALUES ({broken}, '2020-03-01')")
    refused(db, "INSERT INTO orders VALUES ('2020-03-01', 'infinity')")


def test_the_cells_of_a_sensitive_key_are_not_told(db: Connection) -> None:
    db.execute("CREATE TABLE orders (mail text, id int, amount int)")
    install(db, contract("amount > 0", key=("mail", "id"), sensitive=("mail",)))
    found = refused(db, "INSERT INTO orders VALUES ('a@b.c', 7, 0)")
    assert found.diag.message_primary == "row id=7 of table orders breaks rule amount_gt_0: amount > 0"


# --- what is no rule of a row -----------------------------------------------------------


def test_what_no_single_row_can_tell_is_left_and_said(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int, amount int, mail text, tags text[])")
    rules = (
        parse("amount > 0", tolerance=0.1),
        parse("amount < 9", block=False),
        parse("count(*) > 5"),
        parse("unique(id)"),
        parse("references(id, other.id)"),
        parse(r"regexp_matches(mail, '\bx\b')"),
        parse("length(tags) > 0"),
    )
    plan = native.plan("orders", TableContract(constraints=rules), engine.relation(db, "orders"))
    assert plan.rules == ()
    assert [why for _, why in plan.left] == [
        "0.1 of the rows may break it, which no single row can tell",
        "it does not block",
        "it is about a partition",
        "it is about a partition",
        "it needs other rows",
        "'\\\\b' in the pattern '\\\\bx\\\\b' is not known to mean the same in PostgreSQL",
        "the length of a list is refused on PostgreSQL: its arrays may have many dimensions",
    ]


@pytest.mark.parametrize(
    ("made", "name", "why"),
    [
        ("CREATE VIEW v AS SELECT 1 AS amount", "v", "no table that rows are written to"),
        ("CREATE TABLE p (amount int); CREATE TABLE c () INHERITS (p)", "p", "inherit"),
        (
            "CREATE TABLE p (amount int) PARTITION BY LIST (amount); CREATE TABLE c PARTITION OF p DEFAULT",
            "c",
            "is a partition",
        ),
        ("SELECT 1", "nothing", "no relation nothing"),
        ("SELECT 1", "a b c", "no relation a b c"),
    ],
)
def test_where_rules_cannot_stand_is_said(db: Connection, made: str, name: str, why: str) -> None:
    db.execute(made)
    with pytest.raises(RelationNotFound, match=why):
        install(db, contract("amount > 0"), name)
    assert installed.functions_there(db) is None


def test_a_missing_column_stops_the_installation(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int)")
    with pytest.raises(ColumnMissing, match="amuont"):
        install(db, contract("amount > 0", "amuont > 1"))
    with pytest.raises(ColumnMissing, match="'id', which is in the key"):
        install(db, contract("amount > 0", key=("id",)))
    assert installed.functions_there(db) is None


# --- again, otherwise, and no more ------------------------------------------------------


def _everything(db: Connection) -> list[tuple[Any, ...]]:
    """All of a database's objects that somebody made."""
    return db.execute(
        """
        SELECT 'class', relname, relnamespace::regnamespace::text FROM pg_class
        WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        UNION ALL SELECT 'schema', nspname, '' FROM pg_namespace
        UNION ALL SELECT 'trigger', tgname, tgrelid::regclass::text FROM pg_trigger
        UNION ALL SELECT 'proc', proname, pronamespace::regnamespace::text FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'description', description, '' FROM pg_description WHERE objoid >= 16384
        ORDER BY 1, 2, 3
        """
    ).fetchall()


def test_nothing_is_left_after_uninstall(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int); CREATE TABLE others (amount int)")
    before = _everything(db)
    install(db, contract("amount > 0", "amount < 9"))
    install(db, contract("amount > 0"), "others")
    uninstall(db)
    refused(db, "INSERT INTO others VALUES (0)")
    db.execute("INSERT INTO orders VALUES (0)")
    uninstall(db, "others")
    assert _everything(db) == before


def test_functions_that_somebody_else_uses_stay(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int)")
    install(db, contract("amount > 0"))
    db.execute("CREATE VIEW v AS SELECT interlock.divide(amount, 0) AS x FROM orders")
    uninstall(db)
    assert count(db, "v") == 0
    assert installed.functions_there(db) is not None


def test_again_changes_nothing_and_a_changed_contract_only_what_changed(db: Connection) -> None:
    db.execute("CREATE TABLE orders (day date, amount int)")
    marked = {"attach": "postgresql://", "partition": "day"}
    install(db, contract("amount > 0", "amount < 9", **marked))
    assert install(db, contract("amount > 0", "amount < 9", **marked)) == []
    changed = install(db, contract("amount > 0", "amount < 7", **marked))
    assert [s.split('"')[:2] for s in changed] == [
        ["DROP TRIGGER ", "interlock_rules"],
        ["CREATE TRIGGER ", "interlock_rules"],
        ["DO 'BEGIN EXECUTE ''COMMENT ON TRIGGER ", "interlock_rules"],
    ]
    db.execute("INSERT INTO orders (amount) VALUES (6)")
    refused(db, "INSERT INTO orders (amount) VALUES (8)")


@pytest.mark.parametrize(
    "drift",
    [
        "ALTER TABLE orders DISABLE TRIGGER ALL",
        "ALTER TABLE orders DISABLE TRIGGER interlock_rules",
        "ALTER TABLE orders ENABLE REPLICA TRIGGER interlock_rules",
        "DROP TRIGGER interlock_rules ON orders",
        "DROP SCHEMA interlock CASCADE",
        "COMMENT ON SCHEMA interlock IS 'interlock of another version'",
        "COMMENT ON TRIGGER interlock_rules ON orders IS NULL",
        "CREATE OR REPLACE TRIGGER interlock_rules AFTER INSERT ON orders FOR EACH ROW WHEN (false)"
        " EXECUTE FUNCTION interlock.refuse('orders', '', '0')",
        "CREATE OR REPLACE FUNCTION interlock.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE OR REPLACE FUNCTION interlock.multiply(a float8, b float8) RETURNS float8 LANGUAGE sql RETURN 1",
        "ALTER TABLE orders RENAME amount TO old_amount; ALTER TABLE orders ADD amount int",
    ],
)
def test_what_drifted_is_mended(db: Connection, drift: str) -> None:
    db.execute("CREATE TABLE orders (amount int)")
    install(db, contract("amount > 0"))
    db.execute(drift)
    assert install(db, contract("amount > 0")) != []
    refused(db, "INSERT INTO orders (amount) VALUES (0)")
    assert install(db, contract("amount > 0")) == []


def test_a_rule_that_is_disabled_in_one_partition_is_mended(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int) PARTITION BY LIST (amount)")
    db.execute("CREATE TABLE leaf PARTITION OF orders DEFAULT")
    install(db, contract("amount > 0"))
    db.execute("ALTER TABLE leaf DISABLE TRIGGER ALL")
    assert install(db, contract("amount > 0")) != []
    refused(db, "INSERT INTO orders VALUES (0)")


def test_a_script_that_is_run_later_takes_no_other_rule_off(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int); CREATE TABLE others (amount int)")
    install(db, contract("amount > 0"))
    relation = engine.relation(db, "orders")
    script = native.script(native.uninstall(installed.of(db, relation)))
    install(db, contract("amount > 0"), "others")
    db.execute(script)
    refused(db, "INSERT INTO others VALUES (0)")
    db.execute("INSERT INTO orders VALUES (0)")


def test_what_somebody_else_keeps_in_the_schema_stays(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int)")
    install(db, contract("amount > 0"))
    db.execute("CREATE TABLE interlock.mine AS SELECT 1 AS x")
    uninstall(db)
    assert count(db, "interlock.mine") == 1
    db.execute("INSERT INTO orders VALUES (0)")


def test_without_a_rule_of_rows_nothing_is_installed(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int)")
    assert install(db, contract("count(*) > 1")) == []


def test_the_script_does_what_installing_does(db: Connection) -> None:
    db.execute("CREATE TABLE orders (amount int)")
    relation = engine.relation(db, "orders")
    plan = native.plan("orders", contract("amount > 0"), relation)
    db.execute(native.script(native.install(plan, (), None)))
    refused(db, "INSERT INTO orders VALUES (0)")
    assert install(db, contract("amount > 0")) == []


def test_a_schema_of_somebody_else_is_left_alone(db: Connection) -> None:
    db.execute(
        "CREATE TABLE orders (amount int); CREATE SCHEMA interlock; CREATE TABLE interlock.theirs (x int)"
    )
    with pytest.raises(DatabaseRefused, match="did not make"):
        install(db, contract("amount > 0"))
    assert count(db, "interlock.theirs") == 0


# --- who may what -----------------------------------------------------------------------


@pytest.fixture
def writer(postgres: Server, db: Connection, database: str) -> Iterator[Connection]:
    """A plain user that may write to ``orders``, where a rule stands, and make objects of its own."""
    db.execute("CREATE TABLE orders (amount float8, more float8, code text)")
    install(db, contract("amount * more > 0", "amount > 0", "code IN ('a', 'b')"))
    db.execute("CREATE ROLE writer LOGIN; CREATE SCHEMA AUTHORIZATION writer")
    db.execute("GRANT ALL ON orders TO writer; GRANT TEMPORARY ON DATABASE " + database + " TO writer")
    with postgres.connect(database, "writer") as connection:
        yield connection
    db.execute("DROP OWNED BY writer CASCADE; DROP ROLE writer")


@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE orders DISABLE TRIGGER ALL",
        "ALTER TABLE orders DISABLE TRIGGER interlock_rules",
        "DROP TRIGGER interlock_rules ON orders",
        "DROP SCHEMA interlock CASCADE",
        "DROP FUNCTION interlock.refuse() CASCADE",
        "CREATE OR REPLACE FUNCTION interlock.multiply(a float8, b float8) RETURNS float8 LANGUAGE sql RETURN 1",
        "CREATE FUNCTION interlock.refuse(x int) RETURNS int LANGUAGE sql RETURN 1",
        "SET session_replication_role = replica",
        "CREATE RULE r AS ON INSERT TO orders DO INSTEAD NOTHING",
    ],
)
def test_a_plain_user_cannot_switch_a_rule_off(writer: Connection, attempt: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        writer.execute(attempt)
    refused(writer, "INSERT INTO orders VALUES (-1, 1, 'a')")


def test_a_users_own_operators_and_functions_change_no_rule(writer: Connection) -> None:
    lie = "(a float8, b float8) RETURNS boolean LANGUAGE sql AS 'SELECT true'"
    writer.execute(
        f"CREATE FUNCTION writer.yes{lie};"
        "CREATE OPERATOR writer.> (LEFTARG = float8, RIGHTARG = float8, FUNCTION = writer.yes);"
        "CREATE OPERATOR writer.< (LEFTARG = float8, RIGHTARG = float8, FUNCTION = writer.yes);"
        "CREATE FUNCTION writer.abs(float8) RETURNS float8 LANGUAGE sql AS 'SELECT 1::float8';"
        "CREATE FUNCTION writer.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT 1/0';"
        "SET search_path = writer, pg_temp, pg_catalog"
    )
    for broken in ("(-1, 1, 'a')", "(1, -1, 'a')", "(1, 1, 'c')"):
        refused(writer, f"INSERT INTO public.orders VALUES {broken}")
    writer.execute("INSERT INTO public.orders VALUES (1, 1, 'a')")


def test_a_user_can_write_what_holds_whatever_rights_are_given_by_default(
    postgres: Server, db: Connection, database: str
) -> None:
    db.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    db.execute(
        "CREATE TABLE orders (amount float8, more float8); CREATE ROLE plain LOGIN; GRANT ALL ON orders TO plain"
    )
    try:
        install(db, contract("amount * more > 0"))
        with postgres.connect(database, "plain") as connection:
            connection.execute("INSERT INTO orders VALUES (2, 1e300)")
            refused(connection, "INSERT INTO orders VALUES (-2, 1e300)")
    finally:
        db.execute("ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC")
        db.execute("DROP OWNED BY plain CASCADE; DROP ROLE plain")


@pytest.mark.parametrize("by_script", [False, True])
def test_operators_that_a_user_planted_before_are_not_taken(
    postgres: Server, db: Connection, database: str, by_script: bool
) -> None:
    db.execute("CREATE TABLE orders (a bigint, b bigint, c float8); CREATE ROLE planter LOGIN")
    db.execute("GRANT ALL ON orders TO planter; GRANT CREATE ON SCHEMA public TO planter")
    with postgres.connect(database, "planter") as planter:
        for left, sign, right in (
            ("numeric", ">", "int"),
            ("float8", ">=", "int"),
            ("float8", ">", "numeric"),
        ):
            made = f"{left}, {right}"
            planter.execute(
                f"CREATE FUNCTION yes({made}) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'"
            )
            planter.execute(f"CREATE OPERATOR {sign} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = yes)")
        rules = contract("a * b > 0", "c * c > 1")
        if by_script:
            plan = native.plan("orders", rules, engine.relation(db, "orders"))
            db.execute(native.script(native.install(plan, (), None)))
        else:
            install(db, rules)
        for broken in ("(1, -5, 2)", "(1, 1, 0)"):
            refused(planter, f"INSERT INTO orders VALUES {broken}")
    db.execute("DROP OWNED BY planter CASCADE; DROP ROLE planter")


def test_functions_that_a_plain_user_prepared_are_not_trusted(
    postgres: Server, db: Connection, database: str
) -> None:
    db.execute("CREATE TABLE orders (amount int); CREATE ROLE faker LOGIN")
    db.execute(f"GRANT CREATE ON DATABASE {database} TO faker")
    with postgres.connect(database, "faker") as faker:
        faker.execute("CREATE SCHEMA interlock; COMMENT ON SCHEMA interlock IS 'interlock of somebody'")
    with pytest.raises(DatabaseRefused, match="faker or others own the functions"):
        install(db, contract("amount > 0"))
    db.execute("DROP OWNED BY faker CASCADE; DROP ROLE faker")


def test_owners_of_two_tables_share_functions_that_a_third_made(
    postgres: Server, db: Connection, database: str
) -> None:
    db.execute("CREATE TABLE orders (amount int); CREATE TABLE others (amount int); CREATE ROLE second LOGIN")
    db.execute("ALTER TABLE others OWNER TO second")
    install(db, contract("amount > 0"))
    with postgres.connect(database, "second") as second:
        install(second, contract("amount > 0"), "others")
        refused(second, "INSERT INTO others VALUES (0)")
        relation = engine.relation(second, "others")
        native.change(second, lambda: native.uninstall(installed.of(second, relation)))
        second.execute("INSERT INTO others VALUES (0)")
    refused(db, "INSERT INTO orders VALUES (0)")
    db.execute("DROP OWNED BY second CASCADE; DROP ROLE second")


def test_a_refusal_tells_no_cell_that_the_writer_may_not_read(
    postgres: Server, db: Connection, database: str
) -> None:
    db.execute("CREATE TABLE orders (id int, amount int); INSERT INTO orders VALUES (4711, 1)")
    db.execute(
        "CREATE ROLE blind LOGIN; GRANT UPDATE ON orders TO blind; GRANT SELECT (amount) ON orders TO blind"
    )
    install(db, contract("amount > 0", key=("id", "amount")))
    with postgres.connect(database, "blind") as blind:
        found = refused(blind, "UPDATE orders SET amount = -1")
        assert (
            found.diag.message_primary == "row amount=-1 of table orders breaks rule amount_gt_0: amount > 0"
        )
        db.execute(
            "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON orders USING (true)"
        )
        found = refused(blind, "UPDATE orders SET amount = -1")
        assert found.diag.message_primary == "a row of table orders breaks rule amount_gt_0: amount > 0"
    db.execute("DROP OWNED BY blind; DROP ROLE blind")


def test_who_could_switch_rules_off_is_told(db: Connection, writer: Connection) -> None:
    relation = engine.relation(db, "orders")
    assert installed.could_switch_off(db, relation) == ()
    db.execute("ALTER TABLE orders OWNER TO writer")
    assert installed.could_switch_off(db, engine.relation(db, "orders")) == ("writer",)


# --- when the database does not do it ---------------------------------------------------


def test_a_lock_that_is_not_given_in_time_changes_nothing(
    postgres: Server, db: Connection, database: str
) -> None:
    db.execute("CREATE TABLE orders (amount int)")
    before = _everything(db)
    with db.transaction():
        db.execute("LOCK orders IN ROW EXCLUSIVE MODE")
        with (
            override(install_lock_timeout_s=0.1),
            pytest.raises(DatabaseBusy, match="lock timeout"),
            engine.connected(postgres.url(database)) as other,
        ):
            install(other, contract("amount > 0"))
    assert _everything(db) == before


def test_without_the_right_to_it_nothing_is_changed(
    postgres: Server, writer: Connection, database: str
) -> None:
    with (
        pytest.raises(DatabaseRefused, match="must be owner of relation orders"),
        engine.connected(postgres.url(database, "writer")) as connection,
    ):
        install(connection, contract("amount > 1"))


def test_two_that_install_at_once_come_one_after_the_other(
    postgres: Server, db: Connection, database: str
) -> None:
    db.execute("CREATE TABLE orders (amount int); CREATE TABLE others (amount int)")
    begun = threading.Event()

    def second() -> list[str]:
        with postgres.connect(database) as other:
            begun.set()
            return install(other, contract("amount > 0"), "others")

    with ThreadPoolExecutor(1) as pool:
        with db.transaction():
            db.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            waiting = pool.submit(second)
            begun.wait()
            first = install(db, contract("amount > 0"))
        made = waiting.result()
    assert (first[0], any("SCHEMA" in s for s in made)) == ("CREATE SCHEMA interlock", False)
    refused(db, "INSERT INTO others VALUES (0)")


def test_addresses_that_lead_nowhere_tell_no_password() -> None:
    for url, error in (
        ("postgresql://me:s3cret@127.0.0.1:1/x", DatabaseUnreachable),
        ("postgres//me:s3cret@x", UsageError),
        ("host=127.0.0.1 port=1 password=s3cret", DatabaseUnreachable),
        ("postgresql://me:ab@s3cret@127.0.0.1:1/x", UsageError),
        ("postgresql://me:ab/s3cret@127.0.0.1:1/x", UsageError),
    ):
        with pytest.raises(error) as caught, engine.connected(url):
            pass
        assert "s3cret" not in str(caught.value)


def test_a_connection_that_breaks_is_unreachable(postgres: Server, db: Connection, database: str) -> None:
    def broken() -> None:
        with engine.connected(postgres.url(database)) as other:
            db.execute("SELECT pg_terminate_backend(%s)", [other.info.backend_pid])
            other.execute("SELECT 1")

    with pytest.raises(DatabaseUnreachable, match="lost"):
        broken()


def test_what_an_address_says_of_the_session_is_kept(postgres: Server) -> None:
    url = postgres.url() + "?application_name=shop&client_encoding=latin1"
    with engine.connected(url) as connection:
        row = connection.execute("SELECT current_setting('application_name'), 'größe'").fetchone()
    assert row == ("shop", "größe")


def test_an_address_with_an_option_of_another_kind_is_told_in_a_line(postgres: Server) -> None:
    with pytest.raises(DatabaseUnreachable), engine.connected(postgres.url() + "?connect_timeout=soon"):
        pass


def test_a_statement_that_takes_too_long_is_no_lost_connection(postgres: Server) -> None:
    with (
        pytest.raises(DatabaseBusy, match="statement timeout"),
        engine.connected(postgres.url() + "?options=-cstatement_timeout%3D50") as connection,
    ):
        connection.execute("SELECT pg_sleep(5)")


def test_a_database_in_another_encoding_is_refused(postgres: Server, db: Connection) -> None:
    db.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(DatabaseRefused, match="UTF-8"), engine.connected(postgres.url("latin")):
            pass
    finally:
        db.execute("DROP DATABASE latin")


def test_no_function_has_a_body_that_is_read_when_it_is_called(db: Connection) -> None:
    """A body kept as text would mean what the caller's search_path says."""
    db.execute("CREATE SCHEMA interlock")
    db.execute(functions())
    rows = db.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'interlock'::regnamespace AND prokind = 'f'"
        " AND (prosqlbody IS NULL OR provolatile <> 'i' OR proparallel <> 's')"
    ).fetchall()
    assert rows == []


# --- the same meaning as everywhere -----------------------------------------------------


@settings(EXAMPLES, max_examples=25)
@given(random=RANDOM)
def test_a_trigger_refuses_the_rows_that_the_reference_says_break_a_rule(
    random: Random, postgres: Server
) -> None:
    rows = expressions.table(random)
    sql = expressions.expression(random)
    with postgres.connect() as db:
        columns = ", ".join(f'"{c.name}" {sql_type(of_column(c))}' for c in expressions.COLUMNS)
        db.execute(f"CREATE TABLE random ({columns})")
        try:
            _compare(db, sql, rows)
        finally:
            uninstall(db, "random")
            db.execute("DROP TABLE random")


def _compare(db: Connection, sql: str, rows: list[dict[str, Any]]) -> None:
    relation = engine.relation(db, "random")
    try:
        rule = parse(sql, expressions.COLUMNS)
        expected = [by_the_reference(sql, [row])[0] is Outcome.FAIL for row in rows]
    except ExpressionRefused:
        return
    plan = native.plan("random", TableContract(constraints=(rule,)), relation)
    carry_out(db, plan)
    for row, broken in zip(rows, expected, strict=True):
        places = ", ".join(["%s"] * len(row))
        try:
            db.execute(f"INSERT INTO random VALUES ({places})", [row[c.name] for c in expressions.COLUMNS])
            taken = True
        except errors.CheckViolation:
            taken = False
        assert taken is not (broken and bool(plan.rules)), (sql, row)
