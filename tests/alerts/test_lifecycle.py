"""One cause, one alert, however many partitions it lasts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.alerts import Alert, feedback, identity
from interlock.alerts.feedback import Said
from interlock.names import Severity
from tests.alerts.conftest import COLUMNS, NOW, Book, alert, day

SILENCE = dt.timedelta(days=90)


def false_alarm(book: Book, id: int = 1, at: dt.datetime = NOW) -> None:
    book.known[id] = feedback.apply(book.known[id], Said("false_alarm", "ann", "sales week", at), SILENCE)


# --- going on and ending --------------------------------------------------------------


def test_an_alert_that_goes_on_is_updated_not_opened_again() -> None:
    book = Book()
    first = book.see(0, alert("a")).alerts[0]
    third = [book.see(d, alert("a")).alerts[0] for d in (1, 2)][-1]
    assert (first.id, first.state, first.seen, first.note) == ("A1", "open", 1, None)
    assert (third.id, third.seen) == ("A1", 3)
    assert third.note == f"goes on: seen in 3 partitions since {day(0)}"
    assert book.states == [("A1", "open", 3)]


def test_one_shared_leading_column_is_enough_to_be_the_same_cause() -> None:
    book = Book()
    book.see(0, alert("a", "b", "c"))
    assert book.see(1, alert("d", "b")).alerts[0].id == "A1"
    assert book.known[1].columns == ("a", "b", "c"), "an alert is known by the columns it began with"


def test_another_kind_or_another_column_is_another_cause() -> None:
    book = Book()
    told = book.see(0, alert("a"), alert("a", kind="nulls"), alert("b")).alerts
    assert [a.id for a in told] == ["A1", "A2", "A3"]


def test_a_cause_read_in_another_way_the_next_day_is_the_same_alert() -> None:
    book = Book()
    book.see(0, alert("a", "b", kind="shift"))
    second = replace(alert("b", "c", kind="unexplained"), title="b is late")
    assert book.see(1, second).alerts[0].id == "A1"
    assert (book.known[1].opened_as, book.known[1].title) == ("it broke", "b is late")
    assert book.states == [("A1", "open", 2)]


def test_a_cause_recognised_later_names_the_alert() -> None:
    book = Book()
    book.see(0, alert("a", kind="unexplained"))
    book.see(1, alert("a", kind="unit"))
    assert (book.known[1].kind, book.states) == ("unit", [("A1", "open", 2)])


def test_any_column_of_the_day_before_will_do_not_only_the_leading_ones() -> None:
    book = Book()
    book.see(0, alert(*"abcdef", kind="shift"))
    assert book.see(1, alert("f", kind="nulls")).alerts[0].id == "A1"


def test_a_second_cause_beside_the_first_is_another_alert() -> None:
    book = Book()
    book.see(0, alert("a"))
    told = book.see(1, alert("a"), alert("a", kind="nulls")).alerts
    assert [a.id for a in told] == ["A1", "A2"], "both are there, and both were recognised"


def test_what_recovered_in_between_is_another_cause() -> None:
    book = Book()
    book.see(0, alert("a"))
    book.see(1)
    assert book.see(2, alert("a", kind="nulls")).alerts[0].id == "A2"


@pytest.mark.parametrize("kind", ["duplicated", "truncated"])
def test_a_cause_of_the_table_as_a_whole_is_not_taken_for_one_of_a_column(kind: str) -> None:
    book = Book()
    book.see(0, alert("a"))
    assert book.see(1, alert("a", kind=kind)).alerts[0].id == "A2"


def test_two_alerts_of_one_partition_may_be_one_cause_seen_once() -> None:
    book = Book()
    book.see(0, alert("a", "b"))
    told = book.see(1, alert("a", score=1.5), alert("b", score=4.0)).alerts
    assert [a.id for a in told] == ["A1", "A1"]
    assert (book.known[1].seen, book.known[1].score) == (2, 4.0)


def test_the_first_clean_partition_closes_it() -> None:
    book = Book()
    book.see(0, alert("a"), alert("b"))
    book.see(1, alert("b"))
    assert book.states == [("A1", "recovered", 1), ("A2", "open", 2)]
    assert (book.known[1].closed_label, book.known[1].closed_verdict) == (day(1), "v1")


def test_the_partition_written_again_and_clean_closes_it_too() -> None:
    book = Book()
    book.see(3, alert("a"))
    book.see(3)
    assert book.states == [("A1", "recovered", 1)]


@pytest.mark.parametrize(
    "more",
    [{"conclusive": False}, {"columns": COLUMNS - {"a"}}, {"label": "2023-12-31"}],
    ids=["nothing was judged", "the column is not there", "an earlier partition"],
)
def test_what_could_not_show_the_cause_does_not_close_it(more: dict[str, object]) -> None:
    book = Book()
    book.see(0, alert("a"))
    book.see(1, **more)
    assert book.states == [("A1", "open", 1)]


def test_a_note_opens_nothing_but_keeps_an_alert_open() -> None:
    book = Book()
    note = alert("a", severity=Severity.INFO)
    assert book.see(0, note).alerts == (note,)
    book.see(1, alert("a"))
    assert book.see(2, note).alerts[0].id == "A1"
    assert book.states == [("A1", "open", 2)]


def test_a_cause_that_is_back_within_the_cool_down_continues_its_old_alert() -> None:
    book = Book()
    book.see(0, alert("a"))
    book.see(1)
    assert book.see(2, alert("a")).alerts[0].id == "A1", "one day after it recovered"
    book.see(3)
    assert book.see(6, alert("a")).alerts[0].id == "A2"
    assert book.states == [("A1", "recovered", 2), ("A2", "open", 1)]


def test_labels_that_are_no_dates_cool_down_by_the_clock() -> None:
    book = Book()
    book.see(0, alert("a"), label="load-1")
    book.see(0, label="load-2")
    again = book.see(0, alert("a"), label="load-3", at=NOW + dt.timedelta(hours=23))
    assert again.alerts[0].id == "A1"


# --- what a false alarm teaches -------------------------------------------------------


def test_a_false_alarm_silences_that_cause_at_that_size() -> None:
    book = Book()
    book.see(0, alert("a", score=2.0))
    false_alarm(book)
    (told,) = book.see(1, alert("a", score=2.9, severity=Severity.PAGE)).alerts
    assert (told.severity, told.state, told.id) == (Severity.INFO, "silenced", "A1")
    assert told.note == "silenced until 2024-08-30 by the false alarm A1: sales week"
    assert len(told.violations) == 1, "it is still a violation"
    assert book.known[1].silenced == 1


@pytest.mark.parametrize(
    "louder",
    [
        alert("a", score=3.1),
        alert("a", score=2.0, share=0.4),
        alert("a", kind="nulls"),
        alert("b"),
        alert("a", blocking=True),
    ],
    ids=["it grew", "it grew in rows", "another cause", "another column", "it blocks"],
)
def test_anything_else_still_fires(louder: Alert) -> None:
    book = Book()
    book.see(0, alert("a", score=2.0, share=0.2))
    false_alarm(book)
    (told,) = book.see(1, louder).alerts
    assert (told.severity, told.state, told.id) == (Severity.TICKET, "open", "A2")


def test_what_nobody_could_explain_is_silenced_only_in_the_same_aspect() -> None:
    book = Book()
    book.see(0, alert("a", kind="unexplained", statistic="mean"))
    false_alarm(book)
    told = book.see(
        1,
        alert("a", kind="unexplained", statistic="q95"),
        alert("a", kind="unexplained", statistic="nulls"),
    ).alerts
    assert [a.state for a in told] == ["silenced", "open"]


def test_a_silence_ends() -> None:
    book = Book()
    book.see(0, alert("a"))
    false_alarm(book)
    assert book.see(1, alert("a"), at=NOW + SILENCE).alerts[0].state == "open"


def test_calling_it_useful_afterwards_takes_the_silence_back() -> None:
    book = Book()
    book.see(0, alert("a"))
    false_alarm(book)
    book.known[1] = feedback.apply(book.known[1], Said("useful", "bob", "", NOW), SILENCE)
    assert book.see(1, alert("a")).alerts[0].state == "open"


# --- laws -----------------------------------------------------------------------------

KINDS = st.sampled_from(["unit", "nulls", "duplicated", "unexplained"])
ALERTS = st.builds(
    lambda columns, kind, score: alert(*columns, kind=kind, score=score),
    st.lists(st.sampled_from("abcdef"), max_size=5, unique=True),
    KINDS,
    st.floats(1, 9),
)
DAYS = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.lists(ALERTS, max_size=4),
        st.sampled_from([None, "ack", "useful", "false_alarm", "close"]),
    ),
    max_size=12,
)


@given(DAYS)
def test_there_are_never_two_open_alerts_with_one_identity(
    days: list[tuple[int, list[Alert], str | None]],
) -> None:
    book = Book()
    for number, alerts, action in days:
        before = book.known
        told = book.see(number, *alerts).alerts
        assert len(told) == len(alerts), "every alert of a verdict is told"
        assert before.keys() <= book.known.keys(), "an alert is never lost"
        open_ = [r for r in book.known.values() if r.state.is_open]
        assert {a.id for a in told if a.state == "open"} <= {r.name for r in open_}
        for i, one in enumerate(open_):
            assert not any(identity.same(identity.of(one), identity.of(o)) for o in open_[:i])
        if action is not None and open_:
            said = Said(action, "ann", "because", NOW)
            book.known[open_[0].id] = feedback.apply(open_[0], said, SILENCE)
