"""The read gate of `Workspace.sql`: what is broken, which queries read it, and what they are told."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import interlock
from interlock.errors import HealthWarning, QueryFailed, ReadRefused, UsageError
from interlock.workspace import Table, Workspace, broken, reads
from tests.gates.conftest import a_day, label

LATE = 3  # the day on which the delays turn negative
HELD = {"flights": {"day": "DATE", "id": "BIGINT", "delay": "DOUBLE", "carrier": "VARCHAR"},
        "carriers": {"carrier": "VARCHAR", "name": "VARCHAR"}}  # fmt: skip


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with interlock.open(tmp_path / "workspace") as made:
        yield made


@pytest.fixture
def flights(ws: Workspace) -> Table:
    """Days 0 … 3, and on the last every delay is negative."""
    table = ws.table("flights", partition="day", key=["id"]).require("delay >= 0", block=False)
    for day in range(LATE):
        table.write(a_day(day))
    table.write(bad(LATE))
    return table


def bad(day: int) -> Any:
    return a_day(day, delay=[-1.0 - i for i in range(30)])


def told(ws: Workspace, query: str, **options: Any) -> list[HealthWarning]:
    """What a query is warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ws.sql(query, **options).fetchall()
    return [w.message for w in caught if isinstance(w.message, HealthWarning)]


# --- what a query reads -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("SELECT avg(delay) FROM flights", "flights.delay"),
        ("SELECT count(*) FROM flights", "flights"),
        ("SELECT count(*) FROM flights WHERE delay > 3", "flights.delay"),
        ("WITH t AS (SELECT * FROM flights) SELECT avg(id) FROM t", "flights.id"),
        ("WITH t AS MATERIALIZED (FROM flights) SELECT d.id FROM t d", "flights.id"),
        (
            "WITH flights AS (SELECT 1 AS delay) SELECT delay FROM flights",
            "",
        ),
        ("FROM flights", "flights.day flights.id flights.delay flights.carrier"),
        ("SELECT * EXCLUDE (delay, day) FROM flights", "flights.id flights.carrier"),
        ("SELECT * REPLACE (1 AS delay) FROM flights", "flights.day flights.id flights.carrier"),
        ("SELECT COLUMNS('^d') FROM flights", "flights.day flights.delay"),
        ("SELECT f FROM flights f", "flights.day flights.id flights.delay flights.carrier"),
        ("SELECT name FROM flights JOIN carriers USING (carrier)", "flights.carrier carriers.carrier carriers.name"),
        ("SELECT count(*) FROM flights NATURAL JOIN carriers", "flights.carrier carriers.carrier"),
        ("SELECT DELAY FROM main.FLIGHTS", "flights.delay"),
        ("SELECT x FROM flights f, LATERAL (SELECT f.delay AS x)", "flights.delay"),
        ("SELECT id FROM flights UNION SELECT name FROM carriers", "flights.id carriers.name"),
        ("SELECT id FROM (SELECT id, delay FROM flights)", "flights.id"),
        ("SELECT id FROM (SELECT id, delay FROM flights WHERE delay > 0)", "flights.id flights.delay"),
        (
            "SELECT name FROM carriers c WHERE EXISTS (SELECT * FROM flights f WHERE f.carrier = c.carrier)",
            "carriers.carrier carriers.name flights.carrier",
        ),
        ("SELECT (SELECT max(name) FROM carriers) FROM flights", "flights carriers.name"),
        ("SELECT id FROM flights ORDER BY delay LIMIT 3", "flights.id flights.delay"),
        ("SELECT id FROM flights QUALIFY row_number() OVER (ORDER BY delay) = 1", "flights.id flights.delay"),
        ("SELECT count(*) FILTER (WHERE delay > 1) FROM flights", "flights.delay"),
        ("SELECT b.id FROM flights a, flights b WHERE a.delay < 0", "flights.id flights.delay"),
        ("SELECT min(delay) FROM flights", "flights.delay"),
        ("SELECT id FROM query_table('flights')", "flights.id"),
        ("SELECT list_transform([1], lambda x: x + id) FROM flights", "flights.id"),
        (
            "WITH RECURSIVE r(n) AS (SELECT id FROM flights UNION ALL SELECT n + 1 FROM r WHERE n < 3) FROM r",
            "flights.id",
        ),
        ("SUMMARIZE flights", "flights.day flights.id flights.delay flights.carrier"),
        ("SELECT 'flights.delay'", ""),
        ("SHOW TABLES", ""),
    ],
)  # fmt: skip
def test_the_columns_a_query_reads_are_found(query: str, read: str) -> None:
    wanted: dict[str, set[str]] = {}
    for word in read.split():
        table, _, column = word.partition(".")
        wanted.setdefault(table, set()).update({column} - {""})
    assert reads.columns(query, HELD) == wanted


def test_where_it_cannot_be_told_every_column_of_the_tables_named_counts() -> None:
    query = "SELECT id FROM Flights, read_csv('/nowhere/at/all.csv')"
    assert reads.columns(query, HELD) == {"flights": frozenset(HELD["flights"])}
    assert reads.columns("SELECT id FROM query_table('fli' || 'ghts'), nowhere", HELD) == {
        table: frozenset(held) for table, held in HELD.items()
    }


def test_no_name_is_taken_for_another() -> None:
    names = [
        'we"ird',
        "a.b",
        "c0.x",
        "new\nline",
        "select",
        "größe",
        "%s {}",
        "'; DROP TABLE flights; --",
        "c1",
    ]
    types = {**dict.fromkeys(names, "INTEGER"), "nested": "STRUCT(x INTEGER, \"a.b\" INTEGER)"}  # fmt: skip
    for table in ("plain", 'ta"ble', "interlock_0", "Größe", "a.b"):
        for name in names:
            quoted, of = (f'"{n}"' for n in (name.replace('"', '""'), table.replace('"', '""')))
            assert reads.columns(f"SELECT {quoted} FROM {of}", {table: types}) == {table: {name}}
        assert reads.columns(f"SELECT nested.x FROM {of}", {table: types}) == {table: {"nested"}}


# --- what is told ---------------------------------------------------------------------------


def test_a_broken_column_warns_and_a_healthy_one_is_silent(ws: Workspace, flights: Table) -> None:
    (warning,) = told(ws, "SELECT avg(delay), max(delay) FROM flights")
    assert (warning.table, warning.columns, warning.since, warning.alert) == (
        "flights",
        ("delay",),
        label(LATE),
        "A1",
    )
    assert str(warning).startswith(
        f"flights.delay is broken since {label(LATE)}, in 1 of 4 partitions: 30 of 30 rows (100%);"
        " expected delay >= 0. Alert A1: see `interlock alerts show A1`"
    )
    for healthy in (
        "SELECT avg(id) FROM flights",
        "SELECT count(*) FROM flights",
        "SELECT * EXCLUDE (delay) FROM flights",
    ):
        assert told(ws, healthy) == []


def test_every_query_warns_in_the_line_that_asked(ws: Workspace, flights: Table) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        for _ in range(3):
            ws.sql("SELECT delay FROM flights")
    assert [w.filename for w in caught] == [__file__] * 3


def test_a_filter_of_the_readers_own_is_heeded(ws: Workspace, flights: Table) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter("ignore", HealthWarning)
        ws.sql("SELECT delay FROM flights")
    assert caught == []
    with warnings.catch_warnings():
        warnings.simplefilter("error", HealthWarning)
        with pytest.raises(HealthWarning, match=r"flights\.delay"):
            ws.sql("SELECT delay FROM flights")


def test_the_owner_of_the_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "interlock.yaml").write_text(
        "version: 1\ntables:\n  flights:\n    partition: day\n    owner: ops\n    constraints:\n"
        "      - {sql: delay >= 0, block: false}\n"
    )
    with interlock.open(tmp_path) as ws:
        ws.table("flights").write(bad(0))
        (warning,) = told(ws, "FROM flights")
        assert "Alert A1: ask ops, or see" in str(warning)


def test_fail_refuses_what_is_broken_only(ws: Workspace, flights: Table) -> None:
    with pytest.raises(ReadRefused, match=r"flights\.delay is broken since 2013-01-04") as caught:
        ws.sql("FROM flights", on_broken="fail")
    assert caught.value.hint == "`interlock alerts show A1` says what to do"
    assert told(ws, "SELECT id FROM flights", on_broken="fail") == []


def test_exclude_leaves_out_what_is_broken_and_says_which(ws: Workspace, flights: Table) -> None:
    with pytest.warns(HealthWarning, match=f"left out here: {label(LATE)}$"):
        relation = ws.sql("SELECT count(*), min(delay) FROM flights", on_broken="exclude")
    assert relation.fetchall() == [(90, 0.0)]
    assert ws.sql("SELECT count(*) FROM flights", on_broken="exclude").fetchall() == [(120,)]


def test_where_all_is_broken_exclude_leaves_no_rows(ws: Workspace) -> None:
    ws.table("flights", partition="day").require("delay >= 0", block=False).write(bad(0))
    with pytest.warns(HealthWarning, match="left out here"):
        assert ws.sql("SELECT count(delay) FROM flights", on_broken="exclude").fetchall() == [(0,)]


def test_ignore_is_silent(ws: Workspace, flights: Table) -> None:
    assert told(ws, "FROM flights", on_broken="ignore") == []


def test_another_word_is_refused(ws: Workspace, flights: Table) -> None:
    with pytest.raises(UsageError, match="did you mean 'exclude'"):
        ws.sql("FROM flights", on_broken="exclud")


# --- what is broken -------------------------------------------------------------------------


def test_a_partition_written_again_is_silent(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(LATE))
    assert told(ws, "FROM flights") == []


def test_what_broke_a_declared_constraint_stays_broken_after_a_clean_day(
    ws: Workspace, flights: Table
) -> None:
    flights.write(a_day(LATE + 1))
    assert ws.alert("A1").state == "recovered"
    (warning,) = told(ws, "FROM flights")
    assert (warning.columns, warning.since) == (("delay",), label(LATE))
    assert "in 1 of 5 partitions" in str(warning)


def test_what_was_only_learned_is_over_with_its_alert(ws: Workspace) -> None:
    table = ws.table("flights", partition="day", key=["id"])
    for day in range(20):
        table.write(a_day(day))
    table.write(bad(20))
    (warning,) = told(ws, "SELECT delay FROM flights")
    assert warning.since == label(20)
    table.write(a_day(21))
    assert told(ws, "SELECT delay FROM flights") == []


def test_a_new_normal_is_silent_where_it_was_only_learned(ws: Workspace) -> None:
    table = ws.table("flights", partition="day", key=["id"])
    for day in range(20):
        table.write(a_day(day))
    table.write(bad(20))
    assert told(ws, "SELECT delay FROM flights")
    table.accept(label(20), "a new clock")
    assert told(ws, "SELECT delay FROM flights") == []


@pytest.mark.parametrize("said", ["false_alarm", "close"])
def test_what_a_person_closed_is_silent(ws: Workspace, flights: Table, said: str) -> None:
    getattr(ws.alert("A1"), said)("known")
    assert told(ws, "FROM flights") == []


def test_a_recovered_one_that_was_a_false_alarm_is_silent(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(LATE + 1))
    ws.alert("A1").false_alarm("a test")
    assert told(ws, "FROM flights") == []


def test_quarantine_is_silent_and_so_is_what_a_person_released(ws: Workspace) -> None:
    table = ws.table("flights", partition="day").require("delay >= 0")
    table.write(a_day(0))
    assert table.write(bad(1)).decision == "quarantined"
    assert told(ws, "FROM flights") == []
    table.release(label(1), "they are right")
    assert ws.sql("SELECT min(delay) FROM flights").fetchall() == [(-30.0,)]
    assert told(ws, "FROM flights") == []


def test_what_a_person_released_is_silent_whatever_was_said_of_the_version_before(ws: Workspace) -> None:
    table = ws.table("flights", partition="day").require("delay > -5", block=False).require("delay > -99")
    table.write(a_day(0, delay=[-10.0] * 30))
    assert told(ws, "FROM flights")
    assert table.write(a_day(0, delay=[-100.0] * 30)).decision == "quarantined"
    assert told(ws, "FROM flights"), "the version before is still what is read"
    table.release(label(0), "they are right")
    assert told(ws, "FROM flights") == []


def test_a_table_that_is_broken_as_a_whole_warns_whatever_is_read(ws: Workspace) -> None:
    table = ws.table("flights", partition="day").require("count(*) > 20", block=False)
    table.write(a_day(0))
    table.write(a_day(1, rows=5))
    (warning,) = told(ws, "SELECT count(*) FROM flights")
    assert (warning.table, warning.columns) == ("flights", ())
    assert str(warning).startswith("flights is broken since")
    with pytest.warns(HealthWarning):
        assert ws.sql("SELECT count(*) FROM flights", on_broken="exclude").fetchall() == [(30,)]


def test_files_judged_where_they_are_are_read_through_the_gate_too(ws: Workspace, tmp_path: Path) -> None:
    for day, frame in enumerate((a_day(0), a_day(1), bad(2))):
        frame.to_parquet(tmp_path / f"{label(day)}.parquet")
    table = ws.attach("flights", tmp_path / "*.parquet").require("delay >= 0", block=False)
    table.judge_new()
    (warning,) = told(ws, "SELECT delay FROM flights")
    assert warning.since == label(2)
    with pytest.warns(HealthWarning):
        assert ws.sql("SELECT count(delay) FROM flights", on_broken="exclude").fetchall() == [(60,)]


# --- our own failures -----------------------------------------------------------------------


def test_an_error_of_ours_stops_no_reader(
    ws: Workspace, flights: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise KeyError("a document of another time")

    monkeypatch.setattr(broken, "of", fails)
    (warning,) = told(ws, "SELECT count(*) FROM flights")
    assert "cannot be told (KeyError)" in str(warning)
    with pytest.raises(ReadRefused, match="cannot be told"):
        ws.sql("SELECT count(*) FROM flights", on_broken="fail")


def test_a_query_that_does_not_run_says_that_and_nothing_of_health(ws: Workspace, flights: Table) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(QueryFailed):
            ws.sql("SELECT nothing, delay FROM flights")


def test_where_columns_cannot_be_told_a_reader_is_warned_of_all(
    ws: Workspace, flights: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise duckdb.Error("another plan")

    monkeypatch.setattr(reads, "_planned", fails)
    (warning,) = told(ws, "SELECT id FROM flights")
    assert warning.columns == ("delay",)


def test_a_name_cannot_command_a_terminal(ws: Workspace) -> None:
    name = "de\x1b[31mlay"
    table = ws.table("flights", partition="day").require(f'"{name}" >= 0', block=False)
    table.write(bad(0).rename(columns={"delay": name}))
    (warning,) = told(ws, "FROM flights")
    assert "\x1b" not in str(warning) and "\\x1b[31m" in str(warning)
