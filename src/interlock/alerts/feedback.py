"""What people say of an alert, and what is learned from it. Pure: an alert in, an alert out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from interlock.catalog.records import AlertRecord, AlertState, Feedback
from interlock.errors import AlertClosed, UsageError
from interlock.words import count

ACTIONS = ("ack", "useful", "false_alarm", "close")


@dataclass(frozen=True, slots=True)
class Said:
    """An action on an alert by a person, with its reason."""

    action: str
    who: str
    reason: str
    at: dt.datetime


def apply(record: AlertRecord, said: Said, silence: dt.timedelta) -> AlertRecord:
    """The alert after that action.

    What somebody thinks of an alert may be said of a closed one too, and the
    last word counts. A false alarm closes it and keeps its cause quiet, at that
    size, for ``silence``; calling it useful afterwards takes that back. Raises
    `AlertClosed` where a closed alert is to be acknowledged or closed.
    """
    changed = replace(record, who=said.who, reason=said.reason or None, updated_at=said.at)
    if said.action == "useful":
        return replace(changed, feedback=Feedback.USEFUL, quiet_until=None)
    if said.action == "false_alarm":
        if not said.reason.strip():
            raise UsageError("a false alarm needs a reason", hint="it is recorded in the ledger")
        return replace(
            _closed(changed, said.at), feedback=Feedback.FALSE_ALARM, quiet_until=said.at + silence
        )
    if not record.state.is_open:
        raise AlertClosed(f"{record.name} is closed already: {ended(record)}", hint=_rather(record))
    if said.action == "ack":
        return replace(changed, state=AlertState.ACKNOWLEDGED)
    return _closed(changed, said.at)


def _closed(record: AlertRecord, at: dt.datetime) -> AlertRecord:
    if not record.state.is_open:
        return record
    return replace(
        record,
        state=AlertState.CLOSED,
        closed_at=at,
        closed_label=record.last_label,
        closed_verdict=None,
    )


def lasted(partitions: int) -> str:
    """Why an alert is over that nobody mended and nobody accepted."""
    return f"has lasted for {partitions:,} partitions and is taken as the new normal"


def ended(record: AlertRecord) -> str:
    """How a closed alert ended, in words."""
    when = f" on {record.closed_at:%Y-%m-%d %H:%M} UTC" if record.closed_at is not None else ""
    if record.state is AlertState.RECOVERED:
        return f"it recovered with {record.table}@{record.closed_label}{when}"
    if record.state is AlertState.SETTLED:
        return f"it {lasted(record.seen)}, with {record.table}@{record.closed_label}{when}"
    what = "called a false alarm" if record.feedback is Feedback.FALSE_ALARM else "closed"
    return f"{what} by {record.who}{when}" + (f" ({record.reason})" if record.reason else "")


def _rather(record: AlertRecord) -> str:
    return f"interlock alerts useful {record.name}, or false-alarm {record.name} --reason …, still count"


@dataclass(frozen=True, slots=True)
class Precision:
    """How often a table's alerts were worth a look, by what people said of them."""

    useful: int = 0
    false_alarms: int = 0

    @classmethod
    def of(cls, counts: Mapping[Feedback, int]) -> Precision:
        return cls(counts.get(Feedback.USEFUL, 0), counts.get(Feedback.FALSE_ALARM, 0))

    @property
    def value(self) -> float | None:
        """Useful ones among those spoken of, 0 … 1; None where nobody said anything."""
        told = self.useful + self.false_alarms
        return self.useful / told if told else None

    def __str__(self) -> str:
        if self.value is None:
            return "nobody has said yet whether its alerts are useful"
        alarms = count(self.false_alarms, "false alarm")
        return f"{self.value:.0%} of its alerts were worth a look: {self.useful:,} useful, {alarms}"

    def to_dict(self) -> dict[str, float | int | None]:
        return {"precision": self.value, "useful": self.useful, "false_alarms": self.false_alarms}
