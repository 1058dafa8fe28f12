"""What a report knows of a table: every load of a partition, with the verdict that counts."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import event

import interlock
from interlock.errors import PartitionNotFound, UsageError
from interlock.report.facts import WHOLE, Answer, Report, Standing
from tests.report.conftest import DAYS, a_day, days, label


@pytest.fixture
def report(sales) -> Report:
    return sales.facts()


def partition(report: Report, number: int):
    (found,) = [p for p in report.shown if p.label == label(number)]
    return found


def test_every_load_of_a_partition_says_where_it_is_now(report):
    def standings(number: int) -> list[Standing]:
        return [load.standing for load in partition(report, number).loads]

    assert standings(33) == [Standing.PUBLISHED]
    assert standings(34) == [Standing.DROPPED, Standing.PUBLISHED]
    assert standings(36) == [Standing.RELEASED]
    assert standings(38) == [Standing.QUARANTINED]


def test_a_partition_is_as_bad_as_its_worst_load(report):
    answers = {n: partition(report, n).answer for n in (33, 34, 36, 38, 39)}

    assert answers == {33: Answer.PASS, 34: Answer.FAIL, 36: Answer.FAIL, 38: Answer.FAIL, 39: Answer.ALERTED}
    assert report.answers(30) == {
        Answer.FAIL: 3,
        Answer.INCONCLUSIVE: 0,
        Answer.ALERTED: 1,
        Answer.PASS: 26,
    }


def test_a_partition_replaced_by_another_load_keeps_both(sales):
    sales.write(a_day(39), label(39))

    loads = partition(sales.facts(), 39).loads

    assert [load.standing for load in loads] == [Standing.REPLACED, Standing.PUBLISHED]
    assert loads[0].findings and not loads[1].findings


def test_what_was_judged_again_counts_as_it_was_judged_last(report):
    (load,) = partition(report, 0).loads

    assert [f.constraint for f in load.findings] == ["city_never_null", "city_nulls"]
    assert load.notes == ("judged again, by the partitions that came after it",)


def test_columns_come_by_how_loudly_they_broke_something(report):
    assert [c.name for c in report.columns] == [WHOLE, "price", "city", "day", "id"]
    assert [c.severity and c.severity.value for c in report.columns] == [None, "page", "page", None, None]


def test_counts_are_of_what_is_there(report):
    assert (report.published, report.quarantined) == (DAYS - 1, 1)
    assert report.last.label == label(39)


def test_a_shorter_report_shows_fewer_partitions_and_counts_the_same(sales, report):
    shorter = sales.facts(partitions=5)

    assert [p.label for p in shorter.shown] == [label(n) for n in range(35, 40)]
    assert shorter.answers(30) == report.answers(30)
    assert {s.label for s in shorter.stories} == {label(36), label(38), label(39)}


@pytest.mark.parametrize("wanted", [0, -3])
def test_a_report_of_nothing_is_refused(sales, wanted):
    with pytest.raises(UsageError, match="shows nothing"):
        sales.facts(partitions=wanted)


def test_a_table_without_a_partition_has_no_report(ws):
    with pytest.raises(PartitionNotFound, match="empty has no partition yet"):
        ws.table("empty").facts()


def test_an_attached_table_has_a_report_too(ws, tmp_path):
    for n in range(3):
        a_day(n).write_parquet(str(tmp_path / f"{label(n)}.parquet"))
    table = ws.attach("files", tmp_path / "*.parquet")
    table.judge_new()

    found = table.facts()

    assert [p.loads[0].standing for p in found.shown] == [Standing.ADMITTED] * 3


def test_a_table_whose_only_load_is_in_quarantine_has_a_report(tmp_path):
    with interlock.open(tmp_path / "other") as ws:
        table = ws.table("one", partition="day").require("price < 0")
        table.write(a_day(0), label(0))

        found = table.facts()

        assert (found.published, found.quarantined) == (0, 1)
        assert found.columns[0].series[0].values == (None,)
        assert "1 partition is in quarantine" in table.report(tmp_path / "one.html").read_text()


# --- bounded work ---------------------------------------------------------------------


def statements(ws, act) -> int:
    """How many statements ``act`` sends to the catalog."""
    sent = []
    engine = ws.site.catalog.database.engine

    def note(connection, cursor, statement, *rest):
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(sent)


def test_the_catalog_is_asked_as_often_for_forty_partitions_as_for_ten(sales, tmp_path):
    with interlock.open(tmp_path / "few") as ws:
        few = ws.table("sales", partition="day", key=["id"]).require("price > 0", name="positive")
        few.backfill(days(0, 10))
        few.write(a_day(10, price="-price"), label(10))
        for_ten = statements(ws, few.facts)

    assert statements(sales._workspace, sales.facts) == for_ten <= 15


# --- history --------------------------------------------------------------------------


def series(report: Report, column: str, statistic: str):
    (column_,) = [c for c in report.columns if c.name == column]
    (found,) = [s for s in column_.series if s.statistic == statistic]
    return found


def test_the_band_is_the_range_of_what_came_before_and_broke_nothing(report):
    found = series(report, "price", "mean")

    assert (found.low[0], found.high[0]) == (None, None)
    for place in range(1, len(found.values)):
        before = [v for n, v in enumerate(found.values[:place]) if v is not None and n not in (36, 38, 39)]
        assert (found.low[place], found.high[place]) == (min(before), max(before))


def test_the_band_begins_with_the_partitions_before_those_shown(sales):
    (low, *_), (high, *_) = (
        getattr(series(sales.facts(partitions=5), "price", "mean"), k) for k in ("low", "high")
    )

    assert 14 < low < high < 16


def test_what_broke_something_is_marked_whether_readers_see_it_or_not(report):
    found = {(p.place, p.read) for p in series(report, "price", "mean").points}

    assert found == {(34, False), (36, True), (38, False), (39, True)}
    assert {p.place for p in series(report, "price", "q05").points} == {34, 36, 38}


def test_a_partition_readers_do_not_see_is_a_gap(report):
    values = series(report, "price", "mean").values

    assert values[38] is None and values[34] is not None


# --- alerts ---------------------------------------------------------------------------


def test_alerts_are_the_newest_first_and_say_what_became_of_the_load(report):
    told = [(s.label, s.standing.value) for s in report.stories]

    assert told == [
        (label(39), "published"),
        (label(38), "quarantined"),
        (label(38), "quarantined"),
        (label(36), "released"),
        (label(34), "dropped"),
        (label(0), "published"),
    ]


def test_advice_is_given_only_where_there_is_something_to_do(report):
    advice = {(s.label, s.told.columns[0]): s.advice for s in report.stories}

    assert advice[label(38), "price"] == f"interlock quarantine show sales@{label(38)}"
    assert advice[label(36), "price"] is None and advice[label(34), "price"] is None


def test_an_alert_holds_its_column_before_and_now(report):
    price, city = (next(s for s in report.stories if s.told.columns[0] == c) for c in ("price", "city"))

    (before,) = price.changes
    assert {q: round(now - old, 1) for q, old, now in before.quantiles}["0.5"] == pytest.approx(1.5, abs=0.5)
    assert price.compared == 28
    shares = {v: (old, now) for v, old, now in city.changes[0].values}
    assert shares["<b>Ulm</b>"] == (0.0, 1.0)
    assert set(shares) == {"Ulm", "Kiel", "Köln", "<b>Ulm</b>"}


def test_notes_give_way_to_what_is_louder(sales):
    with interlock.settings.override(report_alerts_max=2):
        found = sales.facts()

    assert [s.label for s in found.stories] == [label(39), label(38)]
    assert found.stories_left_out == 4


# --- sensitive columns ----------------------------------------------------------------


def test_the_values_of_a_sensitive_column_appear_nowhere_even_if_it_became_so_later(sales, tmp_path):
    before = json.dumps(sales.facts().to_dict(), ensure_ascii=False)
    values = [*re.findall(r"(?:price|avg\(price\)) = (-?\d+\.\d+)", before), "Ulm", "Kiel", "Köln"]
    contract = tmp_path / "interlock.yaml"
    contract.write_text("version: 1\ntables:\n  sales:\n    sensitive: [City, price]\n", encoding="utf-8")
    folder = sales._workspace.path
    sales._workspace.close()
    (folder / "interlock.yaml").write_bytes(contract.read_bytes())
    with interlock.open(folder) as ws:
        table = ws.existing_table("sales")
        page = table.report(tmp_path / "page.html").read_text(encoding="utf-8")
        told = table.facts()

    said = page + json.dumps(told.to_dict(), ensure_ascii=False)
    assert len(values) > 10 and [value for value in values if value not in before] == []
    assert [value for value in values if value in said] == []
    assert {s.statistic for s in told.columns[1].series} == {"nulls", "negatives"}
