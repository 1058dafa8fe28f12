"""What people say of alerts."""

from __future__ import annotations

import datetime as dt

import pytest

from interlock.alerts import feedback
from interlock.alerts.feedback import Precision, Said
from interlock.catalog import AlertRecord, Feedback
from interlock.errors import AlertClosed, UsageError
from tests.alerts.conftest import NOW, Book, alert, day

SILENCE = dt.timedelta(days=90)


@pytest.fixture
def opened() -> AlertRecord:
    book = Book()
    book.see(0, alert("a"))
    return book.known[1]


def said(record: AlertRecord, action: str, reason: str = "", who: str = "ann") -> AlertRecord:
    return feedback.apply(record, Said(action, who, reason, NOW), SILENCE)


def test_acknowledged_is_still_open(opened: AlertRecord) -> None:
    known = said(opened, "ack")
    assert (known.state.value, known.state.is_open, known.who) == ("acknowledged", True, "ann")


def test_useful_counts_and_leaves_it_open(opened: AlertRecord) -> None:
    known = said(opened, "useful")
    assert (known.feedback, known.state.value) == (Feedback.USEFUL, "open")


def test_a_false_alarm_is_closed_and_needs_a_reason(opened: AlertRecord) -> None:
    with pytest.raises(UsageError, match="needs a reason"):
        said(opened, "false_alarm", " ")
    known = said(opened, "false_alarm", "sales week")
    assert (known.state.value, known.quiet_until) == ("closed", NOW + SILENCE)


@pytest.mark.parametrize("action", ["ack", "close"])
def test_a_closed_alert_says_who_closed_it(opened: AlertRecord, action: str) -> None:
    closed = said(opened, "close", "fixed upstream", who="bob")
    with pytest.raises(
        AlertClosed, match=r"A1 is closed already: closed by bob on .* \(fixed upstream\)"
    ) as e:
        said(closed, action)
    assert e.value.code == "IL511"


def test_a_recovered_alert_says_with_which_partition() -> None:
    book = Book()
    book.see(0, alert("a"))
    book.see(1)
    with pytest.raises(AlertClosed, match=f"it recovered with t@{day(1)}"):
        said(book.known[1], "ack")


@pytest.mark.parametrize(
    ("action", "expected"), [("useful", Feedback.USEFUL), ("false_alarm", Feedback.FALSE_ALARM)]
)
def test_what_it_was_worth_may_be_said_of_a_closed_one(
    opened: AlertRecord, action: str, expected: Feedback
) -> None:
    known = said(said(opened, "close"), action, "why")
    assert (known.feedback, known.state.value) == (expected, "closed")


def test_precision_is_useful_ones_among_those_spoken_of() -> None:
    assert Precision.of({}).value is None
    measured = Precision.of({Feedback.USEFUL: 3, Feedback.FALSE_ALARM: 1})
    assert (measured.value, str(measured)) == (
        0.75,
        "75% of its alerts were worth a look: 3 useful, 1 false alarm",
    )
