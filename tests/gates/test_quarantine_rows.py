"""Quarantine of rows on a real server: what a load brings and a rule keeps out, and who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from interlock.constraints import parse
from interlock.constraints.contract import Contract
from interlock.constraints.table_contract import TableContract
from interlock.errors import ContractError
from tests.gates.marked import Connection, database, db, install, quoted, uninstall
from tests.postgres import Server

__all__ = ["database", "db"]
RELEASE = (
    "INSERT INTO {t} SELECT (jsonb_populate_record(NULL::{t}, row)).* FROM interlock.quarantine ORDER BY id"
)


def contract(*rules: str, **more: Any) -> TableContract:
    return TableContract(on_violation="quarantine", constraints=tuple(map(parse, rules)), **more)


@pytest.fixture
def orders(db: Connection) -> None:
    db.execute("CREATE TABLE orders (id int PRIMARY KEY, amount int)")
    install(db, contract("amount > 0", "id < 1000", key=("id",)))


def kept(db: Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT rule, key, row, writer FROM interlock.quarantine ORDER BY id").fetchall()


def rows(db: Connection, table: str = "orders") -> list[tuple[Any, ...]]:
    return db.execute(f"SELECT * FROM {table} ORDER BY 1".encode()).fetchall()


def test_a_load_goes_on_without_the_rows_that_break_a_rule(db: Connection, orders: None) -> None:
    assert db.execute("INSERT INTO orders VALUES (1, 5), (2, -1), (3, NULL)").rowcount == 2
    with db.cursor().copy("COPY orders FROM STDIN") as copy:
        copy.write("4\t4\n5\t-5\n6000\t-6\n")
    assert rows(db) == [(1, 5), (3, None), (4, 4)]
    assert kept(db) == [
        ("amount_gt_0", "id=2", {"id": "2", "amount": "-1"}, "owner"),
        ("amount_gt_0", "id=5", {"id": "5", "amount": "-5"}, "owner"),
        ("amount_gt_0", "id=6000", {"id": "6000", "amount": "-6"}, "owner"),
    ]
    said = db.execute("SELECT relation::text, table_name, at <= clock_timestamp() FROM interlock.quarantine")
    assert said.fetchone() == ("orders", "orders", True)


def test_what_is_rolled_back_is_not_in_quarantine_either(db: Connection, orders: None) -> None:
    with db.transaction(force_rollback=True):
        db.execute("INSERT INTO orders VALUES (2, -1)")
    assert kept(db) == []


def test_an_update_that_breaks_a_rule_is_refused(db: Connection, orders: None) -> None:
    db.execute("INSERT INTO orders VALUES (1, 5)")
    with pytest.raises(errors.CheckViolation):
        db.execute("UPDATE orders SET amount = -1")
    with pytest.raises(errors.CheckViolation):
        db.execute("INSERT INTO orders VALUES (1, 7) ON CONFLICT (id) DO UPDATE SET amount = -1")
    assert (rows(db), kept(db)) == ([(1, 5)], [])


def test_an_update_that_would_move_a_row_into_quarantine_is_refused(db: Connection) -> None:
    db.execute(
        "CREATE TABLE orders (id int, amount int) PARTITION BY RANGE (id);"
        "CREATE TABLE first PARTITION OF orders FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE second PARTITION OF orders FOR VALUES FROM (10) TO (20)"
    )
    install(db, contract("amount > 0"))
    db.execute("INSERT INTO orders VALUES (1, 5), (2, -1), (11, -1)")
    db.execute("INSERT INTO second VALUES (12, -1), (13, 1)")
    assert rows(db) == [(1, 5), (13, 1)]
    assert db.execute("SELECT DISTINCT relation::text FROM interlock.quarantine").fetchall() == [("orders",)]
    with pytest.raises(errors.CheckViolation):
        db.execute("UPDATE orders SET id = 15, amount = -1 WHERE id = 1")
    assert rows(db) == [(1, 5), (13, 1)]
    db.execute("UPDATE orders SET id = 15 WHERE id = 1")
    assert rows(db) == [(13, 1), (15, 5)]


def test_what_is_broken_after_the_quarantine_is_refused(db: Connection) -> None:
    """A trigger that comes later, and a column that PostgreSQL computes last."""
    db.execute(
        "CREATE TABLE orders (net int, gross int GENERATED ALWAYS AS (net * 2) STORED);"
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.net := NEW.net - 100; RETURN NEW; END $$;"
        "CREATE TRIGGER zz BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION spoil()"
    )
    install(db, contract("net > 0", "gross < 1000"))
    for net in (50, 900):
        with pytest.raises(errors.CheckViolation):
            db.execute("INSERT INTO orders (net) VALUES (%s)", [net])
    db.execute("INSERT INTO orders (net) VALUES (-1), (150)")
    assert rows(db) == [(50, 100)]
    assert [row for _, _, row, _ in kept(db)] == [{"net": "-1"}]


def test_rows_come_back_as_they_were(db: Connection) -> None:
    db.execute(
        "CREATE TYPE mood AS ENUM ('calm', 'Mad'); CREATE TYPE pair AS (a int, b text);"
        "CREATE TABLE orders (id int, f float8, d numeric, b bytea, t text, at timestamptz, span interval, m mood,"
        " j jsonb, a text[], p pair, c char(5), day date)"
    )
    install(db, contract("id > 0"))
    values = (
        "(-1, 0.1::float8 + 0.2::float8, 1.50, '\\x00ff', 'it''s \"x\"', '2024-01-05 02:00+02', '-1 mon 3:00', 'Mad',"
        " '{\"a\": [1]}', ARRAY['x,y', NULL], ROW(1, NULL)::pair, 'ab', '2024-12-31'),"
        " (-2, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    )
    db.execute("SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Tokyo'; SET extra_float_digits = -15")
    db.execute(f"INSERT INTO orders VALUES {values}".encode())
    db.execute("RESET ALL")
    assert rows(db) == []
    install(db, TableContract())
    db.execute(RELEASE.format(t="orders").encode())
    db.execute(f"CREATE TEMP TABLE wanted (LIKE orders); INSERT INTO wanted VALUES {values}".encode())
    assert sorted(map(str, rows(db))) == sorted(map(str, rows(db, "wanted")))


def test_many_columns(db: Connection) -> None:
    db.execute(f"CREATE TABLE orders ({', '.join(f'c{i} int' for i in range(250))})")
    install(db, contract("c249 > 0"))
    db.execute("INSERT INTO orders (c0, c249) VALUES (7, -1)")
    ((_, _, row, _),) = kept(db)
    assert (len(row), row["c0"], row["c1"]) == (250, "7", None)


@pytest.mark.parametrize(
    "name", ["Orders", "select", 'a"b', "x'); DROP TABLE victim; --", "größe", "a\\'b", "%s %I {0}", "n" * 63]
)
def test_no_name_and_no_value_is_ever_read_as_sql(db: Connection, name: str) -> None:
    db.execute("CREATE TABLE victim (x int); CREATE TABLE names (name text)")
    db.execute("INSERT INTO names VALUES (%s)", [name])
    db.execute(f"CREATE TABLE {quoted(name)} ({quoted(name)} text, n int)".encode())
    rule = parse("n > 0", name=name[:60])
    promised = TableContract(key=(name,), constraints=(rule,), on_violation="quarantine")
    install(db, promised, quoted(name), name)
    db.execute(f"INSERT INTO {quoted(name)} SELECT name, -1 FROM names".encode())
    assert kept(db) == [(name[:60], f"{name}={name}"[: len(name) + 81], {name: name, "n": "-1"}, "owner")]
    assert rows(db, "victim") == []


# --- who sees what ----------------------------------------------------------------------


@pytest.fixture
def people(postgres: Server, db: Connection, database: str, orders: None) -> Iterator[dict[str, Connection]]:
    """Two who may read and write, one who may only write, one who owns the table."""
    db.execute(
        "CREATE ROLE ann LOGIN; CREATE ROLE ben LOGIN; CREATE ROLE blind LOGIN; CREATE ROLE boss LOGIN"
    )
    db.execute("GRANT SELECT, INSERT ON orders TO ann, ben; GRANT INSERT ON orders TO blind")
    db.execute("ALTER TABLE orders OWNER TO boss")
    made = {name: postgres.connect(database, name) for name in ("ann", "ben", "blind", "boss")}
    yield made
    for connection in made.values():
        connection.close()
    db.execute("DROP OWNED BY ann, ben, blind, boss CASCADE; DROP ROLE ann, ben, blind, boss")


def test_each_sees_their_own_rows_and_the_table_s_owner_all(
    db: Connection, people: dict[str, Connection]
) -> None:
    for n, name in enumerate(("ann", "ben", "blind"), start=1):
        people[name].execute("INSERT INTO orders VALUES (%s, -1)", [n])
    seen = {name: [key for _, key, _, _ in kept(c)] for name, c in people.items()}
    assert seen == {"ann": ["id=1"], "ben": ["id=2"], "blind": [], "boss": ["id=1", "id=2", "id=3"]}
    db.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    assert (kept(people["ann"]), len(kept(people["boss"]))) == ([], 3)


def test_a_writer_is_named_by_the_role_they_took_on(db: Connection, people: dict[str, Connection]) -> None:
    db.execute("GRANT ben TO ann")
    people["ann"].execute("SET ROLE ben")
    people["ann"].execute("INSERT INTO orders VALUES (1, -1)")
    assert [writer for *_, writer in kept(db)] == ["ben"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO interlock.quarantine (relation, table_name, rule, row, writer)"
        " VALUES ('orders', 'orders', 'r', '{}', 'ben')",
        "DELETE FROM interlock.quarantine",
        "UPDATE interlock.quarantine SET writer = 'ann'",
        "TRUNCATE interlock.quarantine",
        "SELECT interlock.quarantine_row()",
        "CREATE POLICY mine ON interlock.quarantine USING (true)",
        "ALTER TABLE interlock.quarantine DISABLE ROW LEVEL SECURITY",
        "SET row_security = off; SELECT * FROM interlock.quarantine",
        'DROP TRIGGER "interlock quarantine amount_gt_0" ON orders',
        "DO 'BEGIN LOCK TABLE interlock.quarantine IN ROW SHARE MODE; END'",
    ],
)
def test_nobody_gets_at_it_in_another_way(people: dict[str, Connection], statement: str) -> None:
    people["ben"].execute("INSERT INTO orders VALUES (1, -1)")
    with pytest.raises(psycopg.Error) as caught:
        people["ann"].execute(statement.encode())
    assert isinstance(caught.value, errors.InsufficientPrivilege | errors.FeatureNotSupported)
    assert len(kept(people["boss"])) == 1


def test_no_code_of_a_table_s_owner_runs_with_the_rights_of_the_schema_s(
    db: Connection, people: dict[str, Connection]
) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO ann")
    people["ann"].execute(
        "CREATE TYPE mood AS ENUM ('calm', 'Mad'); CREATE TABLE mine (day mood); CREATE TABLE caught (who text);"
        "CREATE FUNCTION spy(mood) RETURNS json LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES (current_user); RETURN '1'; END $$;"
        "CREATE FUNCTION tell(mood) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES (current_user); RETURN '1'; END $$;"
        "CREATE FUNCTION whole(mine) RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES (current_user); RETURN '1'; END $$;"
        "CREATE CAST (mood AS json) WITH FUNCTION spy(mood) AS IMPLICIT;"
        "CREATE CAST (mood AS text) WITH FUNCTION tell(mood) AS IMPLICIT;"
        "CREATE CAST (mine AS text) WITH FUNCTION whole(mine) AS IMPLICIT;"
        "CREATE TRIGGER t BEFORE INSERT ON mine FOR EACH ROW"
        " EXECUTE FUNCTION interlock.quarantine_row('orders', 'r', 'day')"
    )
    people["ann"].execute("INSERT INTO mine VALUES ('Mad')")
    assert rows(db, "caught") == []
    said = db.execute("SELECT relation::text, key, row FROM interlock.quarantine").fetchall()
    assert said == [("mine", "day=Mad", {"day": "Mad"})], "the relation is that of the trigger"


# --- installing, and the contract -------------------------------------------------------


def test_no_row_in_quarantine_is_lost_by_uninstalling(db: Connection, orders: None) -> None:
    db.execute("INSERT INTO orders VALUES (1, -1)")
    uninstall(db)
    assert len(kept(db)) == 1
    db.execute("INSERT INTO orders VALUES (1, -1)")
    assert rows(db) == [(1, -1)]
    db.execute("DELETE FROM interlock.quarantine")
    uninstall(db)
    assert db.execute("SELECT to_regnamespace('interlock')").fetchone() == (None,)


def test_the_contract_says_which(db: Connection, orders: None) -> None:
    text = "version: 1\ntables:\n  orders:\n    on_violation: {}\n    constraints: [amount > 0]\n"
    found = Contract.loads(text.format("quarantine"))
    assert found.tables["orders"].on_violation == "quarantine"
    assert Contract.loads(found.to_yaml()) == found
    with pytest.raises(ContractError, match="on_violation"):
        Contract.loads(text.format("ignore"))
    install(db, TableContract(constraints=(parse("amount > 0"),)))
    with pytest.raises(errors.CheckViolation):
        db.execute("INSERT INTO orders VALUES (1, -1)")
