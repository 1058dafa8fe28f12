"""The write gate: what is published, what is held, what is refused, and how versions follow each other."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import interlock
from interlock.catalog import lake, partitions, scan
from interlock.errors import ColumnMissing, DataUnreadable, NameRefused, PartitionMixed, TableConflict
from interlock.workspace import Table, Workspace
from tests import places
from tests.gates.conftest import FIRST, a_day, label, rows


@pytest.fixture(params=places.KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return places.of(request.param, tmp_path / "workspace", request)


COUNTS = "SELECT day::VARCHAR, count(*), sum(delay) FROM flights GROUP BY day ORDER BY day"


def test_a_good_partition_is_published_and_read(ws: Workspace, flights: Table) -> None:
    verdict = flights.write(a_day(0))
    assert (verdict.outcome, verdict.decision, verdict.partition) == ("pass", "published", label(0))
    assert verdict.stored
    assert rows(ws, COUNTS) == [(label(0), 30, 435.0)]


def test_a_bad_partition_is_held_and_readers_never_see_it(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0))
    verdict = flights.write(a_day(1, delay=[-1.0] * 30))
    assert (verdict.outcome, verdict.decision) == ("fail", "quarantined")
    (violation,) = [v for v in verdict.violations if v.blocking]
    assert (violation.column, violation.rows, violation.share, violation.since) == (
        "delay",
        30,
        1.0,
        label(1),
    )
    assert rows(ws, COUNTS) == [(label(0), 30, 435.0)]
    assert [h.label for h in ws.quarantined("flights")] == [label(1)]


def test_checking_stores_nothing(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0))
    before = ws.ledger_entries(100), ws.verdicts(), flights.partitions()
    verdict = flights.check(a_day(1, delay=[-1.0] * 30))
    assert (verdict.outcome, verdict.decision, verdict.stored) == ("fail", "quarantined", False)
    assert flights.check(a_day(1)).decision == "published"
    assert before == (ws.ledger_entries(100), ws.verdicts(), flights.partitions())
    assert not [p for p in ws.path.joinpath("staging").iterdir() if p.is_dir()]


def test_writing_a_partition_again_replaces_it_and_keeps_the_old_version(
    ws: Workspace, flights: Table
) -> None:
    flights.write(a_day(0))
    flights.write(a_day(1))
    with ws.site.catalog.read() as rx:
        before = lake.latest(rx).id
    flights.write(a_day(0, rows=7))
    assert rows(ws, COUNTS) == [(label(0), 7, 21.0), (label(1), 30, 435.0)]
    with ws.site.catalog.read() as rx:
        versions = partitions.versions(rx, "flights", label(0))
        earlier = scan.query(rx, "flights", before)
    assert [(v.state, v.rows) for v in versions] == [("replaced", 30), ("published", 7)]
    assert all((ws.path / (v.path or "")).is_file() for v in versions)
    assert rows(
        ws, f"SELECT day::VARCHAR, count(*), sum(delay) FROM ({earlier}) GROUP BY day ORDER BY day"
    ) == [
        (label(0), 30, 435.0),
        (label(1), 30, 435.0),
    ]


def test_a_bad_version_does_not_replace_a_good_one(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0))
    assert flights.write(a_day(0, rows=5, delay=[-1.0] * 5)).decision == "quarantined"
    assert rows(ws, COUNTS) == [(label(0), 30, 435.0)]


def test_a_good_version_takes_the_place_of_one_that_is_held(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0, delay=[-1.0] * 30))
    flights.write(a_day(0, rows=9, delay=[-1.0] * 9))
    assert [(h.label, h.rows) for h in ws.quarantined()] == [(label(0), 9)]
    flights.write(a_day(0))
    assert ws.quarantined() == []
    with ws.site.catalog.read() as rx:
        states = [v.state for v in partitions.versions(rx, "flights", label(0))]
    assert states == ["replaced", "replaced", "published"]
    assert all(f.ok for f in ws.doctor())


# --- which partition it is ------------------------------------------------------------


def test_several_partitions_in_one_write_are_refused_and_backfill_is_named(
    ws: Workspace, flights: Table
) -> None:
    with pytest.raises(PartitionMixed, match=r"'2013-01-01', '2013-01-02'.*backfill"):
        flights.write(pd.concat([a_day(0), a_day(1)]))
    with pytest.raises(PartitionMixed, match=r"'2013-01-05'.*'2013-01-01'"):
        flights.write(a_day(0), label(4))
    assert ws.verdicts() == []


def test_the_partition_column_is_added_where_the_data_lacks_it(ws: Workspace, flights: Table) -> None:
    with pytest.raises(PartitionMixed, match=r"no column 'day'.*write\(data, value\)"):
        flights.write(a_day(0, day=None))
    assert flights.write(a_day(0, day=None), FIRST).partition == label(0)
    assert flights.write(a_day(1), label(1)).partition == label(1)
    assert rows(ws, "SELECT DISTINCT day, typeof(day) FROM flights ORDER BY day") == [
        (FIRST, "DATE"),
        (FIRST + dt.timedelta(days=1), "DATE"),
    ]


@pytest.mark.parametrize(
    "value", ["007", "1_000", "EU", "2013-W01", "1e5", "NULL", "true", "a/b ?*", "Ω" * 120]
)
def test_a_label_keeps_its_text(ws: Workspace, value: str) -> None:
    t = ws.table("regions", partition="region")
    assert t.write(pd.DataFrame({"x": [1.0, 2.0]}), value).partition == value
    assert t.write(pd.DataFrame({"region": ["other"], "x": [1.0]})).partition == "other"
    assert t.write(pd.DataFrame({"region": [value] * 2, "x": [3.0, 4.0]})).partition == value
    assert rows(ws, "SELECT region, sum(x) FROM regions GROUP BY region ORDER BY 2") == [
        ("other", 1.0),
        (value, 7.0),
    ]


@pytest.mark.parametrize("value", [7, -1, dt.date(2013, 5, 1), dt.datetime(2013, 5, 1, 12, 30)])  # noqa: DTZ001
def test_a_partition_value_need_not_be_text(ws: Workspace, value: object) -> None:
    t = ws.table("hours", partition="moment")
    t.write(pd.DataFrame({"x": [1.0]}), value)
    t.write(pd.DataFrame({"moment": [value] * 2, "x": [1.0, 2.0]}))
    assert len(t.partitions()) == 1
    assert rows(ws, "SELECT moment, x FROM hours ORDER BY x") == [(value, 1.0), (value, 2.0)]


def test_rows_without_a_partition_value_are_a_partition(ws: Workspace, flights: Table) -> None:
    flights.backfill(pd.concat([a_day(0), a_day(1, day=[None] * 30)]))
    assert [p.label for p in flights.partitions()] == [label(0), "__null__"]
    flights.write(a_day(1, rows=4, day=pd.Series([None] * 4, dtype="object")), "__null__")
    assert rows(ws, COUNTS) == [(label(0), 30, 435.0), (None, 4, 6.0)]


def test_a_table_without_a_partition_column_takes_each_load_as_a_partition(ws: Workspace) -> None:
    t = ws.table("loads")
    labels = [t.write(a_day(n)).partition for n in range(3)]
    assert len(set(labels)) == 3
    assert [p.label for p in t.partitions()] == labels == sorted(labels)
    assert rows(ws, "SELECT count(*) FROM loads") == [(90,)]


def test_no_rows_are_judged_like_any(ws: Workspace, flights: Table) -> None:
    flights.require("count(*) > 0")
    with pytest.raises(PartitionMixed, match="no rows"):
        flights.write(a_day(0, rows=0))
    verdict = flights.write(a_day(0, rows=0), label(0))
    assert (verdict.decision, verdict.profile.rows) == ("quarantined", 0)


def test_no_rows_may_be_published(ws: Workspace) -> None:
    t = ws.table("events", partition="day")
    assert t.write(a_day(0, rows=0), label(0)).decision == "published"
    assert t.write(a_day(1)).decision == "published"
    assert rows(ws, "SELECT count(*) FROM events") == [(30,)]
    assert all(f.ok for f in ws.doctor())


def test_no_columns_are_refused(ws: Workspace, flights: Table) -> None:
    with pytest.raises(DataUnreadable):
        flights.write(pd.DataFrame())
    assert ws.verdicts() == []


def test_backfill_needs_the_partition_column(flights: Table) -> None:
    with pytest.raises(ColumnMissing, match=r"no column 'day'.*did you mean 'days'"):
        flights.backfill(a_day(0).rename(columns={"day": "days"}))


def test_a_table_is_bound_in_one_way(ws: Workspace, flights: Table) -> None:
    with pytest.raises(TableConflict, match="partitioned by 'day', not by 'id'"):
        ws.table("flights", partition="id")
    with pytest.raises(TableConflict, match="key"):
        ws.table("flights", key=["day"])
    with pytest.raises(TableConflict, match="managed"):
        ws.attach("flights", "*.parquet")
    assert ws.table("flights") is flights


@pytest.mark.parametrize("name", ["表" * 60, "with space", "select", "o'clock", 'quo"te', "ÄÖ.parquet"])
def test_a_table_may_have_any_name(ws: Workspace, name: str) -> None:
    t = ws.table(name, partition="day").require("delay >= 0")
    assert t.write(a_day(0)).decision == "published"
    assert t.write(a_day(1, delay=[-1.0] * 30)).decision == "quarantined"
    quoted = name.replace('"', '""')
    assert rows(ws, f'SELECT count(*) FROM "{quoted}"') == [(30,)]
    assert all(f.ok for f in ws.doctor())


@pytest.mark.parametrize("name", ["", "a/b", "a@b", ".hidden", "interlock_x", "x\n"])
def test_names_that_cannot_be_are_refused(ws: Workspace, name: str) -> None:
    with pytest.raises(NameRefused):
        ws.table(name)


# --- schema drift ---------------------------------------------------------------------


def drifted(verdict: interlock.Verdict) -> dict[str, tuple[str, str]]:
    return {
        v.column or "": (v.observed, v.severity.value) for v in verdict.violations if v.statistic == "schema"
    }


def test_an_added_column_is_told_and_kept(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0))
    verdict = flights.write(a_day(1, gate=["A1"] * 30))
    assert drifted(verdict) == {"gate": ("added: VARCHAR", "ticket")}
    assert verdict.decision == "published"
    assert rows(ws, "SELECT gate, count(*) FROM flights GROUP BY gate ORDER BY gate") == [
        ("A1", 30),
        (None, 30),
    ]


def test_a_missing_column_is_told_and_null(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0))
    verdict = flights.write(a_day(1, carrier=None))
    assert drifted(verdict) == {"carrier": ("missing: no such column", "page")}
    assert rows(ws, f"SELECT count(*), count(carrier) FROM flights WHERE day = '{label(1)}'") == [(30, 0)]


def test_a_missing_column_that_a_constraint_needs_fails(flights: Table) -> None:
    flights.write(a_day(0))
    verdict = flights.write(a_day(1, delay=None))
    assert verdict.decision == "quarantined"
    assert any("missing" in v.observed and v.blocking for v in verdict.violations)


def test_another_type_that_keeps_every_value_is_cast(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0))
    verdict = flights.write(a_day(1, delay=range(30)))
    assert drifted(verdict) == {}
    verdict = flights.write(a_day(2, id=[str(i) for i in range(30)]))
    assert drifted(verdict) == {"id": ("retyped: VARCHAR", "ticket")}
    assert verdict.decision == "published"
    assert rows(ws, "SELECT DISTINCT typeof(delay), typeof(id) FROM flights") == [("DOUBLE", "BIGINT")]
    assert rows(ws, "SELECT sum(id), sum(delay) FROM flights") == [(3 * 435, 3 * 435.0)]


def test_another_type_that_loses_values_is_held(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0))
    verdict = flights.write(a_day(1, id=[f"n{i}" for i in range(30)]))
    assert drifted(verdict)["id"] == ("retyped: VARCHAR", "page")
    assert verdict.decision == "quarantined"
    assert any("cannot be published" in note for note in verdict.notes)
    with pytest.raises(interlock.InterlockError, match="id"):
        flights.release(label(1), "as it is")
    assert rows(ws, COUNTS) == [(label(0), 30, 435.0)]


def test_a_wider_integer_widens_the_column(ws: Workspace, flights: Table) -> None:
    flights.write(a_day(0, id=pd.Series(range(30), dtype="int32")))
    assert flights.write(a_day(1, id=pd.Series([2**40 + i for i in range(30)]))).decision == "published"
    assert rows(ws, "SELECT max(id), min(id), count(DISTINCT typeof(id)) FROM flights") == [
        (2**40 + 29, 0, 1)
    ]


# --- early partitions -----------------------------------------------------------------


def test_without_a_rule_or_history_there_is_nothing_to_judge_by(ws: Workspace) -> None:
    verdict = ws.table("events", partition="day").write(a_day(0))
    assert (verdict.outcome, verdict.decision) == ("inconclusive", "published")
    assert any("nothing to judge by" in note for note in verdict.notes)


def test_a_rule_that_holds_by_less_than_a_sum_is_exact_is_told(ws: Workspace) -> None:
    sums = ws.table("sums").require("sum(x) >= 0.3", "sum(x) > 0.2", "sum(n) >= 3")
    verdict = sums.write(pd.DataFrame({"x": [0.1, 0.2], "n": [1, 2]}))
    assert verdict.outcome == "pass"
    (note,) = verdict.notes
    assert note.startswith("sum_x_ge_0.3") and note.endswith(
        " holds, but sum(x) = 0.30000000000000004, within its error bound of the limit"
    )
    assert list(ws.verdicts()[0]["notes"]) == [note]


def test_early_partitions_are_judged_again_once_there_is_history(ws: Workspace) -> None:
    t = ws.table("events", partition="day", key=["id"])
    odd = a_day(2, delay=[1e6 + i for i in range(30)])
    t.backfill(pd.concat([odd if n == 2 else a_day(n) for n in range(39)]))
    t.write(a_day(39))
    again = [v for v in ws.verdicts("events") if any("judged again" in note for note in v["notes"])]
    assert label(2) in {v["partition"] for v in again}
    assert rows(ws, "SELECT count(*) FROM events") == [(40 * 30,)], "readers keep what they have"


# --- what the table knows between writes ----------------------------------------------


def test_what_another_process_wrote_is_history_too(ws: Workspace, flights: Table, place: str) -> None:
    flights.write(a_day(0))
    flights.history()
    with interlock.open(place) as other:
        other.table("flights").write(a_day(1))
        flights.write(a_day(2))
        other.table("flights").write(a_day(1, rows=5))
        flights.write(a_day(3))
        day_9 = lambda v: v.partition == label(4) and other.table("flights").write(a_day(9))  # noqa: E731
        ws.on("published", day_9, timeout_s=60)
        flights.write(a_day(4))
    assert list(flights.history().labels) == [label(n) for n in (0, 1, 2, 3, 4, 9)]
    with interlock.open(place) as fresh:
        theirs = fresh.table("flights").history()
    assert [r.features.pack()[1] for r in flights.history().rows] == [
        r.features.pack()[1] for r in theirs.rows
    ]


def test_early_partitions_are_no_fault_for_being_the_beginning_of_a_trend(ws: Workspace) -> None:
    t = ws.table("orders", partition="day", key=["id"])
    days = [a_day(n).assign(serial=range(1000 * n + 1, 1000 * n + 1 + len(a_day(n)))) for n in range(39)]
    t.backfill(pd.concat(days))
    again = [v for v in ws.verdicts("orders") if any("judged again" in note for note in v["notes"])]
    assert [x for v in again for x in v["violations"] if x["column"] == "serial"] == []


# --- the same data again ----------------------------------------------------------------------


def orders(number: int) -> pd.DataFrame:
    """A day's orders, different from any other's, which do not say when they were."""
    draw = np.random.default_rng(number)
    prices = draw.gamma(2.0, 10.0, 50).round(2)
    return pd.DataFrame(
        {"price": prices, "quantity": draw.integers(1, 9, 50), "city": draw.choice([*"abc"], 50)}
    )


def test_yesterdays_orders_under_todays_label_are_told_and_published(ws: Workspace) -> None:
    table = ws.table("orders", partition="day")
    for number in range(12):
        table.write(orders(number).assign(day=label(number)))
    verdict = table.write(orders(11).assign(day=label(12)))
    (alert,) = verdict.alerts
    assert (verdict.decision, alert.kind) == ("published", "copied")
    assert f"all 50 rows are those of {label(11)}, under another label" in alert.title


def test_a_day_that_is_written_again_is_no_copy_of_itself(ws: Workspace) -> None:
    table = ws.table("orders", partition="day")
    for number in range(12):
        table.write(orders(number).assign(day=label(number)))
    assert table.write(orders(11).assign(day=label(11))).alerts == ()
    assert table.check(orders(5).assign(day=label(5))).alerts == ()
