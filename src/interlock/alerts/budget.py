"""Who is told of an alert, and when: news, quiet hours, a budget of tickets. Pure.

An alert is told once; again when it has grown, has become a page, or is over.
Pages are told at once, always. Tickets wait for quiet hours to end, and beyond
an owner's budget for a week they fold into one digest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from interlock.alerts import identity
from interlock.catalog.records import AlertRecord, AlertState
from interlock.constraints.table_contract import Quiet
from interlock.names import Severity

NEW, GROWN, PAGE, RECOVERED = "new", "grown", "page", "recovered"
NOW, LATER, DIGEST = "now", "later", "digest"


@dataclass(frozen=True, slots=True)
class Notice:
    """``what`` is told of an alert, ``when``, and not before ``at``."""

    record: AlertRecord
    what: str
    when: str
    at: dt.datetime

    @property
    def verdict_id(self) -> str:
        """The verdict that made it news."""
        closing = self.record.closed_verdict if self.what == RECOVERED else None
        return closing or self.record.verdict_id

    @property
    def label(self) -> str:
        """The partition of that verdict."""
        closing = self.record.closed_label if self.what == RECOVERED else None
        return closing or self.record.last_label


@dataclass(frozen=True, slots=True)
class Means:
    """What an owner has: tickets a week, hours without them, and those told this week already."""

    budget: int
    quiet: Quiet | None = None
    used: frozenset[int] = frozenset()
    growth: float = 1.5


def news(record: AlertRecord, growth: float, now: dt.datetime) -> str | None:
    """What there is to tell of an alert since somebody was last told; None for nothing."""
    if record.state in (AlertState.RECOVERED, AlertState.SETTLED):
        heard = record.told in (NOW, LATER) and record.told_at is not None and record.told_at <= now
        return RECOVERED if heard and not record.recovery_told else None
    if not record.state.is_open or record.severity == Severity.INFO:
        return None
    if record.told is None:
        return NEW
    if record.severity == Severity.PAGE and record.told_severity != Severity.PAGE:
        return PAGE
    size = record.told_score if record.told_score is not None else record.score
    return GROWN if identity.grown(record.score, record.share, size, record.told_share, growth) else None


def due(records: Iterable[AlertRecord], means: Means, now: dt.datetime) -> list[Notice]:
    """Every notice there is to give. ``now`` is local time with its zone: quiet hours and weeks are local."""
    found = [(record, what) for record in records if (what := news(record, means.growth, now)) is not None]
    found.sort(key=lambda pair: (Severity(pair[0].severity).rank, -pair[0].score, pair[0].id))
    used, notices = set(means.used), []
    for record, what in found:
        counts = record.severity != Severity.PAGE and what != RECOVERED
        if counts and record.id not in used and len(used) >= means.budget:
            notices.append(Notice(record, what, DIGEST, digest_at(now, means.quiet)))
            continue
        if counts:
            used.add(record.id)
        notices.append(_in_time(record, what, means.quiet, now))
    return notices


def _in_time(record: AlertRecord, what: str, quiet: Quiet | None, now: dt.datetime) -> Notice:
    until = quiet_until(quiet, now) if record.severity != Severity.PAGE else None
    return Notice(record, what, NOW if until is None else LATER, until or now)


def told(notice: Notice, week: str) -> AlertRecord:
    """The alert, with what is told of it now."""
    record = notice.record
    if notice.what == RECOVERED:
        return replace(record, recovery_told=True)
    return replace(
        record,
        told=notice.when,
        told_at=notice.at.astimezone(dt.UTC),
        told_week=week,
        told_severity=record.severity,
        told_score=record.score,
        told_share=record.share,
    )


def spent(told_this_week: Collection[AlertRecord]) -> frozenset[int]:
    """Tickets that were told one by one in a week: what they use of the budget."""
    return frozenset(
        r.id for r in told_this_week if r.told in (NOW, LATER) and r.told_severity != Severity.PAGE
    )


def week_of(now: dt.datetime) -> str:
    """``2024-W07``: the ISO week."""
    year, week, _ = now.isocalendar()
    return f"{year}-W{week:02}"


def digest_at(now: dt.datetime, quiet: Quiet | None) -> dt.datetime:
    """When the digest of this week goes out: as the next one begins, after quiet hours."""
    monday = now.date() + dt.timedelta(days=8 - now.isoweekday())
    at = dt.datetime.combine(monday, dt.time(), now.tzinfo)
    return quiet_until(quiet, at) or at


def quiet_until(quiet: Quiet | None, now: dt.datetime) -> dt.datetime | None:
    """The end of the quiet hours ``now`` is in; None where it is in none.

    >>> night = Quiet(dt.time(22), dt.time(7))
    >>> str(quiet_until(night, dt.datetime(2024, 1, 1, 23, tzinfo=dt.UTC)))
    '2024-01-02 07:00:00+00:00'
    """
    if quiet is None:
        return None
    clock, over_night = now.time(), quiet.start > quiet.end
    within = (clock >= quiet.start or clock < quiet.end) if over_night else quiet.start <= clock < quiet.end
    if not within:
        return None
    tomorrow = over_night and clock >= quiet.start
    return dt.datetime.combine(now.date() + dt.timedelta(days=tomorrow), quiet.end, now.tzinfo)
