"""The life of alerts over the partitions of a table: opened, updated, recovered, silenced.

Pure: what is known goes in with one partition's alerts, what is known afterwards
comes out. The first partition without a cause closes its alert; a cause that
comes back soon after continues the old one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from interlock.alerts import identity
from interlock.alerts.alert import Alert
from interlock.alerts.identity import Identity
from interlock.catalog.partitions import label_order
from interlock.catalog.records import AlertRecord, AlertState, Feedback
from interlock.names import Severity, partition_time

SILENCED = "silenced"

Known = Mapping[int, AlertRecord]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one verdict says. ``columns`` are those the partition has, so that a missing one is no recovery.

    ``conclusive`` False: nothing could be judged, which closes nothing.
    """

    table: str
    label: str
    verdict_id: str
    at: dt.datetime
    alerts: tuple[Alert, ...]
    columns: frozenset[str]
    conclusive: bool = True
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """``growth``: the multiple of a size that is news. ``cooldown``: how soon a cause must be back to go on."""

    growth: float = 1.5
    cooldown: dt.timedelta = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """Everything known afterwards, the verdict's alerts with their lives, the numbers of those that changed."""

    known: dict[int, AlertRecord]
    alerts: tuple[Alert, ...]
    changed: frozenset[int]


def follow(known: Known, seen: Sighting, limits: Limits, next_id: int, *, closing: bool = True) -> Step:
    """One partition's alerts put into what is known of the table. ``closing`` False recovers nothing."""
    records, touched, quiet = dict(known), set[int](), set[int]()
    told: list[Alert] = []
    for alert in seen.alerts:
        silence = _silence(records.values(), alert, seen.at, limits)
        if silence is not None:
            records[silence.id] = replace(silence, silenced=silence.silenced + 1)
            quiet.add(silence.id)
            told.append(_hushed(alert, silence))
            continue
        record = _continued(records, alert, seen, limits)
        if record is None and alert.severity is Severity.INFO:
            told.append(alert)
            continue
        made = _opened(alert, seen, next_id) if record is None else _updated(record, alert, seen, touched)
        next_id += record is None
        records[made.id] = made
        touched.add(made.id)
        told.append(_alive(alert, made))
    ended = _recovered(records, seen, touched) if closing and seen.conclusive else {}
    records |= ended
    return Step(records, tuple(told), frozenset(touched | quiet | ended.keys()))


# --- silence --------------------------------------------------------------------------


def _silence(
    records: Iterable[AlertRecord], alert: Alert, at: dt.datetime, limits: Limits
) -> AlertRecord | None:
    """The false alarm that keeps this alert quiet, if one does. Nothing silences what blocks."""
    if alert.blocks or alert.severity is Severity.INFO:
        return None
    return next((r for r in records if silences(r, alert, at, limits.growth)), None)


def silences(record: AlertRecord, alert: Alert, at: dt.datetime, growth: float) -> bool:
    """Whether a false alarm speaks of this cause, at this size, now.

    What nobody could explain is the same cause only where it is about the same
    aspects of the data: nulls where the false alarm was about the mean still fire.
    """
    if record.feedback is not Feedback.FALSE_ALARM or record.quiet_until is None or at >= record.quiet_until:
        return False
    if not identity.same(identity.of(record), identity.of(alert)):
        return False
    known = alert.kind != identity.UNEXPLAINED or set(identity.aspects(alert)) <= set(record.aspects)
    return known and not identity.grown(
        alert.score, identity.share(alert), record.score, record.share, growth
    )


def _hushed(alert: Alert, by: AlertRecord) -> Alert:
    until = f"{by.quiet_until:%Y-%m-%d}" if by.quiet_until is not None else "further notice"
    note = f"silenced until {until} by the false alarm {by.name}" + (f": {by.reason}" if by.reason else "")
    return replace(alert, severity=Severity.INFO, id=by.name, state=SILENCED, seen=by.seen, note=note)


# --- one alert ------------------------------------------------------------------------


def _continued(records: Known, alert: Alert, seen: Sighting, limits: Limits) -> AlertRecord | None:
    """The open alert this is, else the one that ended so lately that it goes on."""
    mine = identity.of(alert)
    alike = [r for r in records.values() if identity.same(identity.of(r), mine)]
    open_ = [r for r in alike if r.state.is_open]
    if open_:
        return min(open_, key=lambda r: (-identity.shared(identity.of(r), mine), r.id))
    if alert.severity is Severity.INFO:
        return None
    ended = [r for r in alike if _within(r, seen, limits.cooldown) and not _taken(records, r)]
    return max(ended, key=lambda r: r.id, default=None)


def _within(record: AlertRecord, seen: Sighting, cooldown: dt.timedelta) -> bool:
    """Whether an alert ended so lately, by the partitions' own time where they have one, that it may go on."""
    if record.closed_at is None or record.feedback is Feedback.FALSE_ALARM:
        return False
    label = record.closed_label or record.last_label
    if label_order(record.first_label) <= label_order(seen.label) <= label_order(label):
        return True
    ended, now = partition_time(label), partition_time(seen.label)
    if ended is None or now is None:
        ended, now = record.closed_at, seen.at
    return dt.timedelta(0) <= now - ended <= cooldown


def _taken(records: Known, ended: AlertRecord) -> bool:
    """Whether an open alert is about the same: then the ended one stays ended."""
    mine = identity.of(ended)
    return any(r.state.is_open and identity.same(identity.of(r), mine) for r in records.values())


def _opened(alert: Alert, seen: Sighting, id_: int) -> AlertRecord:
    mine: Identity = identity.of(alert)
    return AlertRecord(
        id=id_,
        table=seen.table,
        kind=mine.kind,
        columns=mine.columns,
        aspects=identity.aspects(alert),
        severity=alert.severity.value,
        title=_plain(alert, seen),
        score=alert.score,
        share=identity.share(alert),
        first_label=seen.label,
        last_label=seen.label,
        verdict_id=seen.verdict_id,
        opened_at=seen.at,
        updated_at=seen.at,
        cause=alert.cause,
        advice=alert.advice,
        owner=seen.owner,
    )


def _updated(record: AlertRecord, alert: Alert, seen: Sighting, touched: set[int]) -> AlertRecord:
    """The same cause once more. The loudest alert of a partition speaks for it."""
    sizes = [s for s in (record.share, identity.share(alert)) if s is not None]
    grown = replace(
        record,
        aspects=tuple(sorted({*record.aspects, *identity.aspects(alert)})),
        score=max(record.score, alert.score),
        share=max(sizes, default=None),
        updated_at=seen.at,
        state=record.state if record.state.is_open else AlertState.OPEN,
        owner=seen.owner,
        closed_at=None,
        closed_label=None,
        closed_verdict=None,
        recovery_told=False,
    )
    if record.id in touched:
        return grown
    return replace(
        grown,
        severity=alert.severity.value,
        title=_plain(alert, seen),
        cause=alert.cause,
        advice=alert.advice,
        first_label=min(record.first_label, seen.label, key=label_order),
        last_label=max(record.last_label, seen.label, key=label_order),
        verdict_id=seen.verdict_id,
        seen=record.seen + (seen.label not in (record.first_label, record.last_label)),
    )


def _plain(alert: Alert, seen: Sighting) -> str:
    return alert.title.removeprefix(f"{seen.table}@{seen.label}: ")


def _alive(alert: Alert, record: AlertRecord) -> Alert:
    note = (
        f"goes on: seen in {record.seen:,} partitions since {record.first_label}" if record.seen > 1 else None
    )
    return replace(alert, id=record.name, state=record.state.value, seen=record.seen, note=note)


# --- the end --------------------------------------------------------------------------


def _recovered(records: Known, seen: Sighting, touched: set[int]) -> dict[int, AlertRecord]:
    """Open alerts that this partition could have shown and did not."""
    return {
        r.id: recovered(r, seen.label, seen.verdict_id, seen.at)
        for r in records.values()
        if r.state.is_open and r.id not in touched and _could_show(r, seen)
    }


def _could_show(record: AlertRecord, seen: Sighting) -> bool:
    later = label_order(seen.label) >= label_order(record.last_label)
    return later and (record.kind == "drift" or set(record.columns) <= seen.columns)


def recovered(record: AlertRecord, label: str, verdict_id: str | None, at: dt.datetime) -> AlertRecord:
    """An alert closed by a clean partition."""
    return replace(
        record,
        state=AlertState.RECOVERED,
        closed_at=at,
        closed_label=label,
        closed_verdict=verdict_id,
        updated_at=at,
    )
