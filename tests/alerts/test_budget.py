"""Who is told of an alert, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.alerts import budget
from interlock.alerts.budget import Means, Notice
from interlock.catalog import AlertRecord, AlertState
from interlock.constraints.table_contract import Quiet
from interlock.names import Severity
from tests.alerts.conftest import Book, alert

NOON = dt.datetime(2024, 1, 3, 12, tzinfo=dt.UTC)  # a Wednesday
NIGHT = Quiet(dt.time(22), dt.time(7))
WEEK = "2024-W01"


def record(id: int = 1, severity: Severity = Severity.TICKET, score: float = 2.0) -> AlertRecord:
    book = Book()
    book.see(0, alert("a", severity=severity, score=score))
    return replace(book.known[1], id=id)


def told(notice: Notice) -> AlertRecord:
    return budget.told(notice, WEEK)


def told_once(severity: Severity = Severity.TICKET) -> AlertRecord:
    (notice,) = budget.due([record(severity=severity)], Means(5), NOON)
    return told(notice)


def what(changed: AlertRecord) -> list[str]:
    return [n.what for n in budget.due([changed], Means(5), NOON)]


def test_an_alert_is_told_once() -> None:
    assert what(record()) == ["new"]
    assert what(told_once()) == []
    assert what(replace(told_once(), seen=9)) == []


def test_it_is_told_again_when_it_grows_or_becomes_a_page() -> None:
    assert what(replace(told_once(), score=3.0)) == []
    assert what(replace(told_once(), score=3.1)) == ["grown"]
    assert what(replace(told_once(), severity="page")) == ["page"]
    assert what(replace(told_once(Severity.PAGE), severity="ticket")) == []


def test_a_recovery_is_told_once_and_only_of_what_was_told() -> None:
    assert what(replace(record(), state=AlertState.RECOVERED)) == []
    over = replace(told_once(), state=AlertState.RECOVERED)
    (notice,) = budget.due([over], Means(5), NOON)
    assert notice.what == "recovered"
    assert what(told(notice)) == []


@pytest.mark.parametrize("state", [AlertState.CLOSED, AlertState.RECOVERED])
def test_what_opened_and_ended_before_anybody_was_told_is_no_news(state: AlertState) -> None:
    assert what(replace(record(), state=state)) == []


def test_beyond_the_budget_tickets_go_into_the_digest_and_pages_never() -> None:
    tickets = [record(i, score=float(i)) for i in (1, 2, 3)]
    pages = [record(i, Severity.PAGE) for i in (4, 5, 6)]
    notices = budget.due([*tickets, *pages], Means(2), NOON)
    assert [(n.record.id, n.when) for n in notices] == [
        (4, "now"),
        (5, "now"),
        (6, "now"),
        (3, "now"),
        (2, "now"),
        (1, "digest"),
    ]


def test_what_was_told_this_week_uses_the_budget() -> None:
    before = [replace(told_once(), id=i) for i in (7, 8)]
    paged = replace(told_once(Severity.PAGE), id=9)
    assert budget.spent([*before, paged]) == {7, 8}
    (notice,) = budget.due([record()], Means(2, used=budget.spent(before)), NOON)
    assert notice.when == "digest"


def test_a_ticket_that_grows_in_the_week_it_was_told_costs_nothing_more() -> None:
    grown = replace(told_once(), score=9.0)
    (notice,) = budget.due([grown], Means(1, used=frozenset({grown.id})), NOON)
    assert notice.when == "now"


def test_the_digest_goes_out_as_the_week_ends_after_quiet_hours() -> None:
    assert budget.digest_at(NOON, None) == dt.datetime(2024, 1, 8, tzinfo=dt.UTC)
    assert budget.digest_at(NOON, NIGHT) == dt.datetime(2024, 1, 8, 7, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        (NIGHT, (3, 21, 59), None),
        (NIGHT, (3, 22, 0), (4, 7)),
        (NIGHT, (4, 6, 59), (4, 7)),
        (NIGHT, (4, 7, 0), None),
        (Quiet(dt.time(12), dt.time(13)), (3, 12, 30), (3, 13)),
        (Quiet(dt.time(12), dt.time(13)), (3, 13, 0), None),
        (None, (3, 3, 0), None),
    ],
)
def test_quiet_hours(quiet: Quiet | None, at: tuple[int, int, int], until: tuple[int, int] | None) -> None:
    day, hour, minute = at
    found = budget.quiet_until(quiet, dt.datetime(2024, 1, day, hour, minute, tzinfo=dt.UTC))
    assert found == (dt.datetime(2024, 1, until[0], until[1], tzinfo=dt.UTC) if until else None)


def test_tickets_wait_for_quiet_hours_to_end_and_pages_do_not() -> None:
    late = dt.datetime(2024, 1, 3, 23, tzinfo=dt.UTC)
    notices = budget.due([record(1), record(2, Severity.PAGE)], Means(5, NIGHT), late)
    assert [(n.record.id, n.when, n.at.hour) for n in notices] == [(2, "now", 23), (1, "later", 7)]


def test_what_recovers_before_the_quiet_hours_end_is_not_told_to_recover() -> None:
    late = dt.datetime(2024, 1, 3, 23, tzinfo=dt.UTC)
    (notice,) = budget.due([record()], Means(5, NIGHT), late)
    over = replace(told(notice), state=AlertState.RECOVERED)
    assert budget.due([over], Means(5, NIGHT), late + dt.timedelta(hours=1)) == []


RECORDS = st.lists(
    st.builds(
        lambda severity, score, state: replace(record(score=score), severity=severity.value, state=state),
        st.sampled_from([Severity.PAGE, Severity.TICKET, Severity.INFO]),
        st.floats(1, 9),
        st.sampled_from(list(AlertState)),
    ),
    max_size=12,
).map(lambda made: [replace(r, id=i) for i, r in enumerate(made, 1)])


@given(RECORDS, st.integers(0, 6), st.integers(0, 23))
def test_no_owner_is_told_of_more_tickets_than_the_budget_and_no_page_waits(
    records: list[AlertRecord], most: int, hour: int
) -> None:
    now = NOON.replace(hour=hour)
    notices = budget.due(records, Means(most, NIGHT), now)
    tickets = [n for n in notices if n.record.severity == "ticket" and n.when != "digest"]
    assert len(tickets) <= most
    assert all(n.when == "now" for n in notices if n.record.severity == "page")
    after = {n.record.id: told(n) for n in notices}
    again = budget.due([after.get(r.id, r) for r in records], Means(most, NIGHT), now)
    assert again == [], "what was told is no news"
