"""A managed table that is a PostgreSQL table too: one commit for both, and nobody else's table is ever touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import psycopg
import pytest
from psycopg import sql

import interlock
from interlock import errors, settings
from interlock.constraints.contract import Contract
from interlock.engines.postgres import guarded
from interlock.engines.postgres.guarded import GUARD, VERSION
from interlock.workspace import Table, Workspace
from tests import places
from tests.gates.conftest import a_day, label
from tests.postgres import Server


@pytest.fixture
def place(postgres: Server, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return places.of("postgres", tmp_path / "workspace", request)


@pytest.fixture
def db(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    """An analyst with the rights of the database's owner, and a schema of their own, empty."""
    with postgres.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS analytics CASCADE; CREATE SCHEMA analytics")
        yield connection


@pytest.fixture
def flights(ws: Workspace, db: psycopg.Connection[Any]) -> Table:
    """As the other gates' tests have it, and in PostgreSQL."""
    table = ws.table("flights", partition="day", key=["id"], postgres="analytics.flights")
    return table.require("delay >= 0")


COUNTS = "SELECT day::text, count(*), sum(delay) FROM {} GROUP BY day ORDER BY day"


def rows(db: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return db.execute(query.encode()).fetchall()


def counts(ws: Workspace, db: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """What psql shows, which is what Interlock's own readers see."""
    found = rows(db, COUNTS.format("analytics.flights"))
    assert found == ws.rows(COUNTS.format("flights").replace("text", "VARCHAR"))[1]
    return found


def findings(ws: Workspace, *, data: bool = False) -> list[str]:
    return [f.detail for f in ws.doctor(data=data) if not f.ok]


# --- what readers see -----------------------------------------------------------------


def test_what_is_published_is_in_the_table_and_what_is_held_is_not(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    assert flights.postgres == "analytics.flights"
    flights.write(a_day(0))
    flights.write(a_day(1, delay=[-1.0] * 30))
    assert counts(ws, db) == [(label(0), 30, 435.0)]
    assert findings(ws, data=True) == []
    assert "analytics.flights holds the rows that are published" in [f.detail for f in ws.doctor(data=True)]


def test_a_partition_written_again_replaces_its_rows(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    flights.write(a_day(0))
    flights.write(a_day(1))
    flights.write(a_day(0, rows=7))
    flights.write(a_day(1, delay=[-1.0] * 30))  # held: what was published before stays
    assert counts(ws, db) == [(label(0), 7, 21.0), (label(1), 30, 435.0)]
    assert findings(ws, data=True) == []


def test_a_backfill_arrives_as_a_whole(ws: Workspace, flights: Table, db: psycopg.Connection[Any]) -> None:
    flights.write(a_day(1, rows=3))
    flights.backfill(pd.concat([a_day(n) for n in range(3)]))
    assert counts(ws, db) == [(label(n), 30, 435.0) for n in range(3)]


def test_a_released_partition_is_in_the_table(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    flights.write(a_day(0))
    flights.write(a_day(0, delay=[-1.0] * 30))
    flights.release(label(0), "a correction by hand")
    assert counts(ws, db) == [(label(0), 30, -30.0)]
    assert findings(ws, data=True) == []


def test_each_row_says_which_version_of_a_partition_it_belongs_to(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    flights.write(a_day(0))
    flights.write(a_day(0, rows=2))
    (published,) = flights.partitions()
    assert rows(db, f"SELECT DISTINCT {VERSION} FROM analytics.flights") == [(published.id,)]


def test_without_a_partition_column_each_load_stays(ws: Workspace, db: psycopg.Connection[Any]) -> None:
    events = ws.table("events", postgres="analytics.events")
    events.write(pd.DataFrame({"n": [1, 2]}), "first")
    events.write(pd.DataFrame({"n": [2, 3]}), "second")
    events.write(pd.DataFrame({"n": [9]}), "first")
    assert rows(db, "SELECT n FROM analytics.events ORDER BY n") == [(2,), (3,), (9,)]


def test_a_table_that_is_published_already_brings_its_rows(
    ws: Workspace, db: psycopg.Connection[Any]
) -> None:
    flights = ws.table("flights", partition="day")
    flights.write(a_day(0, carrier=None))
    flights.write(a_day(1))
    assert ws.table("flights", postgres="analytics.flights").postgres == "analytics.flights"
    assert counts(ws, db) == [(label(n), 30, 435.0) for n in range(2)]
    assert rows(db, "SELECT count(carrier) FROM analytics.flights") == [(30,)]
    assert findings(ws, data=True) == []


def test_a_contract_says_it_too(place: str, db: psycopg.Connection[Any], tmp_path: Path) -> None:
    interlock.open(place).close()
    contract = "version: 1\ntables:\n  flights:\n    partition: day\n    postgres: analytics.flights\n"
    (tmp_path / "workspace" / "interlock.yaml").write_text(contract)
    for n in range(2):
        with interlock.open(place) as ws:
            ws.table("flights").write(a_day(n))
    assert rows(db, "SELECT count(*) FROM analytics.flights") == [(60,)]


# --- columns and values ---------------------------------------------------------------


def test_new_columns_and_wider_types_follow_the_table(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    types = {"id": "int32", "delay": "float32"}
    flights.write(a_day(0, rows=0, late=[]).astype({**types, "late": "int32"}), label(0))
    flights.write(a_day(1, rows=2, id=[1, 2], delay=[0.1, 2.0]).astype(types))
    flights.write(a_day(2, rows=1, id=[2**40], delay=[0.1], late=["yes"], gate=["B"]))
    found = rows(db, "SELECT id, delay, late, gate FROM analytics.flights ORDER BY day, id")
    assert found == [
        (1, 0.10000000149011612, None, None),
        (2, 2.0, None, None),
        (2**40, 0.1, "yes", "B"),
    ]
    assert findings(ws, data=True) == []


def test_every_type_arrives_with_its_values(
    ws: Workspace, db: psycopg.Connection[Any], tmp_path: Path
) -> None:
    query = """
        SELECT 1::UTINYINT AS tiny, 18446744073709551615::UBIGINT AS big, 'NaN'::DOUBLE AS nan, '-inf'::FLOAT AS inf,
            -0.0::DOUBLE AS zero, 0.1::DECIMAL(38, 20) AS dec, true AS yes, E'a,"b"\\n\\\\.' AS text, '' AS empty,
            '\\x00\\xFF'::BLOB AS bytes, DATE '0044-03-15 (BC)' AS old, TIME '23:59:59.999999' AS time,
            '12:00:00+02:30'::TIMETZ AS timez, TIMESTAMP '2024-02-29 01:02:03.000004' AS at,
            TIMESTAMP 'infinity' AS never, TIMESTAMPTZ '2024-02-29 01:02:03+05' AS atz,
            INTERVAL '1 year 3 days 01:00:00.5' AS span, uuid '00000000-0000-0000-0000-00000000002a' AS id,
            '{"b": 1, "a": 1.10}'::JSON AS doc, [1, NULL] AS list, {'b': 1.25::DECIMAL(4,2), 'a': 'ü'} AS rec,
            MAP {'k': [1.5]} AS map, 'b'::ENUM('a', 'b') AS mood, NULL AS nothing
    """
    file = str(tmp_path / "types.parquet")
    duckdb.sql(query).write_parquet(file)
    ws.table("types", postgres="analytics.types").write(file, "x")
    shown = {
        "tiny": "1", "big": "18446744073709551615", "nan": "NaN", "inf": "-Infinity", "zero": "-0",
        "dec": "0.10000000000000000000", "yes": "true", "text": 'a,"b"\n\\.', "empty": "", "bytes": "\\x00ff",
        "old": "0044-03-15 BC", "time": "23:59:59.999999", "timez": "09:30:00+00",
        "at": "2024-02-29 01:02:03.000004", "never": "infinity", "atz": "2024-02-28 20:02:03+00",
        "span": "1 year 3 days 01:00:00.5", "id": "00000000-0000-0000-0000-00000000002a",
        "doc": '{"b": 1, "a": 1.10}', "list": "[1, null]", "rec": '{"a": "ü", "b": 1.25}', "map": '{"k": [1.5]}',
        "mood": "b", "nothing": None,
    }  # fmt: skip
    db.execute("SET TimeZone = 'UTC'")
    items = ", ".join(f'"{name}"::text' for name in shown)
    (found,) = rows(db, f"SELECT {items} FROM analytics.types")
    assert dict(zip(shown, found, strict=True)) == shown
    assert findings(ws, data=True) == []
    place = "SELECT pg_relation_filenode('analytics.types')"
    before = rows(db, place)
    ws.table("types").write(file, "y")
    assert rows(db, place) == before, "the same types are no reason to write the table anew"


REFUSED = (
    ("SELECT unnest(['a', 'b' || chr(0), 'c']) AS x", errors.ValueRefused, "NUL"),
    ("SELECT ['nan'::DOUBLE] AS x", errors.ValueRefused, "json"),
    ("SELECT TIMESTAMP '290000-01-01 (BC) 00:00:00' AS x", errors.ValueRefused, "out of range"),
    ("SELECT TIMESTAMP_NS '2024-01-01 00:00:00.123456789' AS x", errors.DataTypeUnsupported, "TIMESTAMP_NS"),
    ("SELECT 1 AS xmin", errors.NameRefused, "xmin"),
    (f"SELECT 1 AS {VERSION}", errors.NameRefused, VERSION),
    (f"SELECT 1 AS {'é' * 32}", errors.NameRefused, "cannot name a column"),
)


def test_what_postgresql_has_no_place_for_is_refused_and_nothing_is_published(
    ws: Workspace, db: psycopg.Connection[Any]
) -> None:
    table = ws.table("t", postgres="analytics.t")
    for query, refused, said in REFUSED:
        with pytest.raises(refused, match=said):
            table.write(duckdb.sql(query).to_arrow_table(), "x")
    assert table.partitions() == []
    assert rows(db, "SELECT to_regclass('analytics.t')") == [(None,)]
    assert not list(ws.path.glob("data/**/*.parquet"))
    assert ws.verify_ledger().ok
    table.write(pd.DataFrame({"x": [1]}), "x")
    with pytest.raises(errors.NameRefused):
        table.write(pd.DataFrame({"x": [1], "ctid": [1]}), "y")
    assert rows(db, "SELECT x FROM analytics.t") == [(1,)]


@pytest.mark.parametrize("seed", range(2))
def test_random_tables_are_alike_for_both_kinds_of_readers(
    ws: Workspace, db: psycopg.Connection[Any], tmp_path: Path, seed: int
) -> None:
    """Compared as numbers and texts, cell by cell; what is not a type of both is left to the test above."""
    file = str(tmp_path / "random.parquet")
    duckdb.sql(f"SELECT setseed({seed / 10})").fetchall()
    duckdb.sql(
        """
        SELECT i, CASE WHEN random() < 0.9 THEN (random() - 0.5) * 10 ** (random() * 40 - 20)::INT END AS d,
            (random() * 100)::FLOAT AS f, (random() * 1e15)::DECIMAL(18, 3) AS n,
            CASE WHEN random() < 0.8 THEN
                array_to_string([chr((random() * 1000)::INT + 1) for x in range((random() * 9)::INT)], '') END AS t,
            CASE WHEN random() < 0.9 THEN
                TIMESTAMP '1900-01-01' + to_microseconds((random() * 1e16)::BIGINT) END AS moment,
            DATE '0001-01-01' + (random() * 1000000)::INT AS day, random() < 0.5 AS b
        FROM range(300) r (i)
        """
    ).write_parquet(file)
    ws.table("random", postgres="analytics.random").write(file, "x")
    query = "SELECT i, d, f::float8, n, t, moment, day::text, b FROM {} ORDER BY i"
    ours = ws.rows(query.format("random").replace("::text", "::VARCHAR"))[1]
    assert rows(db, query.format("analytics.random")) == ours
    assert len(ours) == 300


# --- whose table it is ----------------------------------------------------------------


@pytest.mark.parametrize("name", ['Or"ders %s :x {0}', "ü" * 31])
def test_any_name_that_sql_can_write_is_taken_as_it_is(
    ws: Workspace, db: psycopg.Connection[Any], name: str
) -> None:
    table = ws.table("t", partition="day", postgres=sql.Identifier("analytics", name).as_string(db))
    frame = a_day(0, rows=3).rename(columns={"carrier": name, "delay": "%(a)s"})
    table.write(frame)
    table.write(frame.iloc[:2])
    table.write(
        a_day(1, rows=1, more=[1]).rename(columns={"carrier": name, "delay": "%(a)s", "more": ":'\\"})
    )
    assert table.postgres == f"analytics.{name}"
    found = db.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("analytics", name))
    ).fetchall()
    assert found == [(3,)]
    assert findings(ws, data=True) == []


def test_without_a_schema_it_is_in_public(ws: Workspace, db: psycopg.Connection[Any]) -> None:
    db.execute("DROP TABLE IF EXISTS public.mine")
    ws.table("t", postgres="mine").write(pd.DataFrame({"n": [1]}), "x")
    assert rows(db, "SELECT n FROM public.mine") == [(1,)]


def test_what_names_no_table_of_theirs_is_refused(ws: Workspace) -> None:
    nonsense = ("", "a.b.c", 'x"', "a b", "a.", "a" * 64, "ü" * 32, "a\0b", "a; DROP TABLE b")
    with ws.site.catalog.read() as rx:
        own = rx.connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    reserved = ("pg_temp.t", "pg_catalog.t", "information_schema.t", "interlock.t", f"{own}.interlock_table")
    for written in (*nonsense, *reserved):
        with pytest.raises(errors.UsageError):
            ws.table("t", postgres=written)
    assert ws.table("t").postgres is None


def test_what_somebody_else_made_is_never_touched(ws: Workspace, db: psycopg.Connection[Any]) -> None:
    later = ws.table("later")
    later.write(pd.DataFrame({"n": [1]}), "x")
    for n, made in enumerate(("TABLE {} (n bigint)", "VIEW {} AS SELECT 1 AS n", "SEQUENCE {}")):
        name = f"analytics.t{n}"
        table = ws.table(f"t{n}", postgres=name)
        db.execute(f"CREATE {made.format(name)}".encode())
        db.execute(f"CREATE {made.format('analytics.later')}".encode())
        was = f"SELECT oid, relkind, relnatts FROM pg_class WHERE oid = '{name}'::regclass"
        before = rows(db, was)
        with pytest.raises(errors.TableConflict, match="left as it is"):
            table.write(pd.DataFrame({"n": [1]}), "x")
        with pytest.raises(errors.TableConflict, match="left as it is"):
            ws.table("later", postgres="analytics.later")
        assert table.partitions() == []
        assert later.postgres is None
        assert rows(db, was) == before
        db.execute(f"DROP {made.split()[0]} analytics.later".encode())


def test_another_workspaces_table_is_somebody_elses(
    ws: Workspace, flights: Table, postgres: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    flights.write(a_day(0))
    with interlock.open(places.of("postgres", tmp_path / "other", request)) as other:
        theirs = pytest.raises(errors.TableConflict, match="left as it is")
        with theirs:
            other.table("flights", partition="day", postgres="analytics.flights")


def test_one_table_has_one_name_and_one_name_one_table(ws: Workspace, flights: Table) -> None:
    assert ws.table("flights", postgres='"analytics"."flights"').postgres == "analytics.flights"
    with pytest.raises(errors.TableConflict, match=r"is analytics\.flights"):
        ws.table("flights", postgres="analytics.other")
    with pytest.raises(errors.TableConflict, match="holds the rows of flights"):
        ws.table("other", postgres="analytics.flights")


def test_a_workspace_in_a_folder_has_no_such_tables(tmp_path: Path) -> None:
    with (
        interlock.open(tmp_path / "folder") as ws,
        pytest.raises(errors.UsageError, match="is in a folder") as refused,
    ):
        ws.table("t", postgres="analytics.t")
    assert refused.value.code == "IL100"


def test_an_attached_table_has_none(ws: Workspace, tmp_path: Path) -> None:
    a_day(0).to_parquet(tmp_path / "a.parquet")
    ws.attach("t", tmp_path / "*.parquet")
    with pytest.raises(errors.TableConflict, match="attached"):
        ws.table("t", postgres="analytics.t")
    text = "version: 1\ntables:\n  t:\n    attach: x/*.parquet\n    postgres: t\n"
    with pytest.raises(errors.ContractError, match=":5:"):
        Contract.loads(text)


# --- who may what ---------------------------------------------------------------------


CHANGES = (
    "INSERT INTO analytics.flights SELECT * FROM analytics.flights",
    "UPDATE analytics.flights SET delay = 0",
    "DELETE FROM analytics.flights",
    "TRUNCATE analytics.flights",
)


def test_nobody_changes_its_rows_past_the_gate(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    flights.write(a_day(0))
    for change in CHANGES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="written by Interlock alone"):
            db.execute(change.encode())
    assert counts(ws, db) == [(label(0), 30, 435.0)]


def test_nobody_copies_rows_past_the_gate(ws: Workspace, flights: Table, db: psycopg.Connection[Any]) -> None:
    flights.write(a_day(0))
    into = b"COPY analytics.flights FROM STDIN"
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege, match="written by Interlock alone")
    with refused, db.cursor() as cursor, cursor.copy(into) as copy:
        copy.write("2024-01-01\t1\t1\tAA\t1\n")
    assert counts(ws, db) == [(label(0), 30, 435.0)]


def test_a_reader_needs_nothing_but_select(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any], postgres: Server
) -> None:
    flights.write(a_day(0))
    db.execute("DROP ROLE IF EXISTS analyst")
    db.execute("CREATE ROLE analyst LOGIN; GRANT USAGE ON SCHEMA analytics TO analyst")
    db.execute("GRANT SELECT, INSERT, DELETE ON analytics.flights TO analyst")
    with postgres.connect(user="analyst") as reader:
        assert rows(reader, "SELECT count(*) FROM analytics.flights") == [(30,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM analytics.flights")
    db.execute("DROP OWNED BY analyst; DROP ROLE analyst")


def test_a_pipeline_needs_the_rights_that_the_how_to_lists(
    place: str, db: psycopg.Connection[Any], postgres: Server
) -> None:
    with interlock.open(place) as ws:
        ws.table("flights", partition="day", postgres="analytics.flights").write(a_day(0))
        with ws.site.catalog.read() as rx:
            own = sql.Identifier(str(rx.connection.exec_driver_sql("SELECT current_schema()").scalar()))
    db.execute("DROP ROLE IF EXISTS pipeline_of_tables; CREATE ROLE pipeline_of_tables LOGIN")
    db.execute(
        sql.SQL(
            "GRANT USAGE ON SCHEMA {0}, analytics TO pipeline_of_tables;"
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {0} TO pipeline_of_tables;"
            "GRANT SELECT, INSERT, DELETE ON analytics.flights TO pipeline_of_tables"
        ).format(own)
    )
    with interlock.open(place.replace("//owner@", "//pipeline_of_tables@")) as ws:
        ws.table("flights").write(a_day(0, rows=2))
        assert counts(ws, db) == [(label(0), 2, 1.0)]
        with pytest.raises(errors.DatabaseRefused, match="must be owner of table flights"):
            ws.table("flights").write(a_day(1, gate=["B"] * 30))
        other = ws.table("other", postgres="analytics.other")
        with pytest.raises(errors.DatabaseRefused, match="permission denied for schema"):
            other.write(pd.DataFrame({"n": [1]}), "x")
        db.execute("GRANT CREATE ON SCHEMA analytics TO pipeline_of_tables")
        with pytest.raises(errors.DatabaseRefused, match="permission denied for function"):
            other.write(pd.DataFrame({"n": [1]}), "x")
        db.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {}.interlock_gate TO pipeline_of_tables").format(own))
        other.write(pd.DataFrame({"n": [1]}), "x")
        assert counts(ws, db) == [(label(0), 2, 1.0)]
        assert rows(db, "SELECT n FROM analytics.other") == [(1,)]
        assert findings(ws, data=True) == []
    db.execute("DROP OWNED BY pipeline_of_tables; DROP ROLE pipeline_of_tables")


def test_a_guard_cannot_be_put_on_a_table_of_somebody_else(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any], postgres: Server
) -> None:
    """Or their table would pass for one of ours, with their triggers run as the writer."""
    flights.write(a_day(0))
    with ws.site.catalog.read() as rx:
        own = str(rx.connection.exec_driver_sql("SELECT current_schema()").scalar())
    db.execute("DROP ROLE IF EXISTS mallory")
    db.execute("CREATE ROLE mallory LOGIN; GRANT USAGE, CREATE ON SCHEMA analytics TO mallory")
    db.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO mallory").format(sql.Identifier(own)))
    with postgres.connect(user="mallory") as mallory:
        mallory.execute("CREATE TABLE analytics.trap (n bigint)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for function"):
            mallory.execute(
                sql.SQL(
                    "CREATE TRIGGER {0} BEFORE INSERT ON analytics.trap EXECUTE FUNCTION {1}.{0}()"
                ).format(sql.Identifier(GUARD), sql.Identifier(own))
            )
    db.execute("DROP OWNED BY mallory; DROP ROLE mallory")


def test_a_reader_who_holds_the_table_is_not_waited_for_for_ever(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    flights.write(a_day(0))
    with db.transaction(), settings.override(lock_timeout_s=0.2):
        db.execute("SELECT FROM analytics.flights")
        flights.write(a_day(1))  # rows come and go beside a reader
        with pytest.raises(errors.WorkspaceBusy):
            flights.write(a_day(2, gate=["B"] * 30))  # a new column does not
    assert counts(ws, db) == [(label(n), 30, 435.0) for n in range(2)]
    flights.write(a_day(2, gate=["B"] * 30))
    assert [n for _, n, _ in counts(ws, db)] == [30, 30, 30]


def test_what_an_owner_adds_to_the_table_stays_and_may_refuse_a_partition(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    flights.write(a_day(0).astype({"id": "int32"}))
    db.execute("CREATE VIEW analytics.ids AS SELECT id FROM analytics.flights")
    with pytest.raises(errors.DatabaseRefused, match="used by a view"):
        flights.write(a_day(1, rows=1, id=[2**40]))
    db.execute("DROP VIEW analytics.ids; CREATE UNIQUE INDEX ON analytics.flights (day, id)")
    with pytest.raises(errors.DatabaseRefused, match="unique"):
        flights.write(a_day(1, rows=2, id=[1, 1]))
    flights.write(a_day(1, rows=2, id=[1, 2]))
    assert [n for _, n, _ in counts(ws, db)] == [30, 2]


def test_a_connection_that_is_lost_among_the_rows_publishes_nothing(
    place: str, ws: Workspace, flights: Table, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    flights.write(a_day(0))
    send = guarded._send

    def lost(driver: psycopg.Connection[object], path: Path, into: str) -> None:
        db.execute("SELECT pg_terminate_backend(%s, 30000)", [driver.info.backend_pid])
        send(driver, path, into)

    monkeypatch.setattr(guarded, "_send", lost)
    with pytest.raises(errors.DatabaseUnreachable):
        flights.write(a_day(0, rows=2))
    monkeypatch.undo()
    assert counts(ws, db) == [(label(0), 30, 435.0)]
    with interlock.open(place) as again:
        assert ["cut off before its commit" in said for said in again.recovered] == [True]
    assert len(list(ws.path.glob("data/**/*.parquet"))) == 1
    flights.write(a_day(0, rows=2))
    assert counts(ws, db) == [(label(0), 2, 1.0)]


def test_two_processes_may_say_it_at_once(
    place: str, ws: Workspace, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    flights = ws.table("flights", partition="day")
    flights.write(a_day(0))
    named = guarded.named

    def meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(guarded, "named", named)
        found = named(*given)
        with interlock.open(place) as other:
            other.table("flights", postgres="analytics.flights")
        return found

    monkeypatch.setattr(guarded, "named", meanwhile)
    ws.table("flights", postgres="analytics.flights")
    assert counts(ws, db) == [(label(0), 30, 435.0)]


def test_a_schema_that_is_not_there_is_told(ws: Workspace, db: psycopg.Connection[Any]) -> None:
    table = ws.table("t", postgres="nowhere.t")
    with pytest.raises(errors.InterlockError, match='schema "nowhere" does not exist'):
        table.write(pd.DataFrame({"n": [1]}), "x")
    assert table.partitions() == []
    db.execute("CREATE SCHEMA nowhere")
    table.write(pd.DataFrame({"n": [1]}), "x")
    assert rows(db, "SELECT n FROM nowhere.t") == [(1,)]
    db.execute("DROP SCHEMA nowhere CASCADE")


# --- what doctor finds ----------------------------------------------------------------


PAST_THE_GATE = (
    ("DELETE FROM analytics.flights WHERE id = 3", "has 29 rows of 2013-01-01; 30 are published", False),
    ("UPDATE analytics.flights SET delay = 9 WHERE id < 3", "3 rows of 2013-01-01 were changed", True),
    ("UPDATE analytics.flights SET carrier = NULL WHERE id = 3", "1 rows of 2013-01-01 were changed", True),
    (f"UPDATE analytics.flights SET {VERSION} = 0", "30 rows that belong to no partition", False),
    ("ALTER TABLE analytics.flights DROP COLUMN delay", "cannot be compared", True),
    (f"DROP TRIGGER {GUARD} ON analytics.flights", "is not what Interlock made", False),
    ("DROP TABLE analytics.flights", "is gone", False),
)


def test_doctor_finds_what_was_changed_past_the_gate(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    for change, said, data in PAST_THE_GATE:
        db.execute("DROP TABLE IF EXISTS analytics.flights")
        flights.write(a_day(0))
        assert findings(ws, data=data) == []
        with db.transaction():
            db.execute("SET LOCAL session_replication_role = replica")  # as a superuser can
            db.execute(change.encode())
        assert said in " ".join(findings(ws, data=data))


def test_doctor_says_that_the_guard_is_off(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    flights.write(a_day(0))
    db.execute(f"ALTER TABLE analytics.flights DISABLE TRIGGER {GUARD}".encode())
    assert findings(ws) == [
        f"analytics.flights: the trigger {GUARD} is disabled, so anybody with the right to write may change rows"
    ]


def test_a_table_that_was_dropped_is_built_again_with_the_next_partition(
    ws: Workspace, flights: Table, db: psycopg.Connection[Any]
) -> None:
    flights.write(a_day(0).astype({"delay": "float32"}))
    flights.write(a_day(1, delay=[x + 0.1 for x in range(30)]))
    db.execute("DROP TABLE analytics.flights")
    flights.write(a_day(1, rows=5))
    assert counts(ws, db) == [(label(0), 30, 435.0), (label(1), 5, 10.0)]
    assert findings(ws, data=True) == []
