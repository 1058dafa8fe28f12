"""The life of alerts over the partitions of a table: opened, updated, recovered, silenced.

Pure: what is known goes in with one partition's alerts, what is known afterwards
comes out. The first partition without a cause closes its alert; a cause that
comes back soon after continues the old one. An alert of several tables
(`interlock.alerts.across`) is over when all of them are clean.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock.alerts import across, identity, impact
from interlock.alerts.alert import Alert
from interlock.alerts.identity import Identity
from interlock.catalog.partitions import label_order
from interlock.catalog.records import AlertPart, AlertRecord, AlertState, Feedback
from interlock.names import Severity, partition_time

SILENCED = "silenced"

Known = Mapping[int, AlertRecord]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one verdict says. ``columns`` are those the partition has, so that a missing one is no recovery.

    ``source`` is what feeds the table, as was declared; None where nobody did.

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
    source: str | None = None


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
    standing = _standing(known, seen)
    for alert in seen.alerts:
        silence = _silence(records.values(), alert, seen, limits)
        if silence is not None:
            records[silence.id] = replace(silence, silenced=silence.silenced + 1)
            quiet.add(silence.id)
            told.append(_hushed(alert, silence))
            continue
        record = _continued(records, standing, alert, seen, limits)
        if record is None and alert.severity is Severity.INFO:
            told.append(alert)
            continue
        made = _opened(alert, seen, next_id) if record is None else _updated(record, alert, seen, touched)
        next_id += record is None
        made = _recognised(records, made, alert, seen.table)
        records[made.id] = made
        touched.add(made.id)
        told.append(_alive(alert, made))
    ended = _recovered(records, seen, touched) if closing and seen.conclusive else {}
    records |= ended
    return Step(records, tuple(told), frozenset(touched | quiet | ended.keys()))


# --- silence --------------------------------------------------------------------------


def _silence(
    records: Iterable[AlertRecord], alert: Alert, seen: Sighting, limits: Limits
) -> AlertRecord | None:
    """The false alarm that keeps this alert quiet, if one does. Nothing silences what blocks."""
    if alert.blocks or alert.severity is Severity.INFO:
        return None
    return next((r for r in records if silences(r, alert, seen.table, seen.at, limits.growth)), None)


def silences(record: AlertRecord, alert: Alert, table: str, at: dt.datetime, growth: float) -> bool:
    """Whether a false alarm speaks of this cause, at this size, now.

    What nobody could explain is the same cause only where it is about the same
    aspects of the data: nulls where the false alarm was about the mean still fire.
    """
    if record.feedback is not Feedback.FALSE_ALARM or record.quiet_until is None or at >= record.quiet_until:
        return False
    if not _same(record, table, alert):
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


@dataclass(frozen=True, slots=True)
class _Standing:
    """Alerts that were open in this table before its partition; ``seen`` of them are there under their own kind."""

    records: tuple[AlertRecord, ...]
    seen: frozenset[int]


def _standing(known: Known, seen: Sighting) -> _Standing:
    open_ = tuple(r for r in known.values() if r.state.is_open and r.part(seen.table) is not None)
    found = {r.id for r in open_ if any(_same(r, seen.table, a) for a in seen.alerts)}
    return _Standing(open_, frozenset(found))


def _same(record: AlertRecord, table: str, alert: Alert) -> bool:
    mine = identity.within(record, table)
    return mine is not None and identity.same(mine, identity.of(alert))


def _continued(
    records: Known, standing: _Standing, alert: Alert, seen: Sighting, limits: Limits
) -> AlertRecord | None:
    """The open alert this is: by cause, columns or source; else the one that ended so lately that it goes on."""
    mine = identity.of(alert)
    alike = [r for r in records.values() if _same(r, seen.table, alert)]
    open_ = [r for r in alike if r.state.is_open]
    if open_:
        return min(open_, key=lambda r: (-_shared(r, seen.table, mine), r.id))
    if (other := _otherwise(records, standing, alert, seen)) is not None:
        return other
    if alert.severity is Severity.INFO:
        return None
    if (upstream := _upstream(records, alert, seen, limits)) is not None:
        return upstream
    ended = [r for r in alike if _within(r, seen, limits.cooldown) and not _taken(records, r, seen.table)]
    return max(ended, key=lambda r: r.id, default=None)


def _shared(record: AlertRecord, table: str, mine: Identity) -> int:
    own = identity.within(record, table)
    return identity.shared(own, mine) if own is not None else 0


def _otherwise(records: Known, standing: _Standing, alert: Alert, seen: Sighting) -> AlertRecord | None:
    """The open alert whose columns broke in the partition before, though the cause is now read in another way.

    Two recognised causes that are both there are two; so is one that is about the table as a whole.
    """
    if alert.kind in identity.OF_THE_TABLE:
        return None
    leading, best = set(alert.columns[: identity.LEADING]), None
    for before in standing.records:
        part = before.part(seen.table)
        if part is None or part.recovered is not None or before.kind in identity.OF_THE_TABLE:
            continue
        vague = alert.kind in identity.VAGUE or before.kind in identity.VAGUE
        if before.id in standing.seen and not vague:
            continue
        common = len(leading & set(part.broken)) + len(set(alert.columns) & set(part.leading))
        if common and (best is None or common > best[0]):
            best = (common, before.id)
    return records[best[1]] if best is not None else None


def _upstream(records: Known, alert: Alert, seen: Sighting, limits: Limits) -> AlertRecord | None:
    """The open alert of another table with the same source that is the same fault upstream."""
    found = [
        r
        for r in records.values()
        if r.state.is_open
        and r.part(seen.table) is None
        and across.joins(r, alert, seen.source, seen.label, seen.at, limits.cooldown)
    ]
    return min(found, key=lambda r: r.id, default=None)


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


def _taken(records: Known, ended: AlertRecord, table: str) -> bool:
    """Whether an open alert is about the same: then the ended one stays ended."""
    mine = identity.within(ended, table)
    others = (identity.within(r, table) for r in records.values() if r.state.is_open)
    return mine is not None and any(o is not None and identity.same(o, mine) for o in others)


def _opened(alert: Alert, seen: Sighting, id_: int) -> AlertRecord:
    mine: Identity = identity.of(alert)
    title = _plain(alert, seen)
    return AlertRecord(
        id=id_,
        table=seen.table,
        kind=mine.kind,
        columns=mine.columns,
        aspects=identity.aspects(alert),
        severity=alert.severity.value,
        title=title,
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
        source=seen.source,
        manner=identity.manner(alert),
        opened_as=title,
        impact=alert.impact,
        hit=tuple(h.to_dict() for h in alert.hit),
        parts=(across.begun(alert, seen.table, seen.label, seen.verdict_id, title),),
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
        closed_at=None,
        closed_label=None,
        closed_verdict=None,
        recovery_told=False,
        **_weighed(record, alert),
    )
    part, title = record.part(seen.table), _plain(alert, seen)
    if part is None:
        return _joined(grown, across.begun(alert, seen.table, seen.label, seen.verdict_id, title))
    if record.id in touched:
        return across.together(replace(grown, parts=across.put(grown.parts, across.as_well(part, alert))))
    part = across.goes_on(part, alert, seen.label, seen.verdict_id, title)
    said = replace(
        grown,
        cause=alert.cause,
        advice=alert.advice,
        verdict_id=seen.verdict_id,
        parts=across.put(grown.parts, part),
    )
    return across.together(replace(said, owner=seen.owner) if record.table == seen.table else said)


def _weighed(record: AlertRecord, alert: Alert) -> dict[str, Any]:
    """Whom it hits, and the impact of the worst partition so far."""
    hits = impact.merged(map(impact.from_dict, record.hit), alert.hit)
    return {"impact": impact.of(hits), "hit": tuple(h.to_dict() for h in hits)}


def _recognised(records: Known, record: AlertRecord, alert: Alert, table: str) -> AlertRecord:
    """An alert that nobody could explain is known by its cause once a later partition shows it."""
    if record.kind not in identity.VAGUE or alert.kind in identity.VAGUE or record.table != table:
        return record
    known = replace(record, kind=alert.kind)
    others = [r for i, r in records.items() if i != record.id and r.state.is_open]
    return record if _taken({r.id: r for r in others}, known, table) else known


def _joined(record: AlertRecord, part: AlertPart) -> AlertRecord:
    """One more table of the same fault. Scores of two tables do not compare: that it is louder there is no growth."""
    size = max(record.told_score, record.score) if record.told_score is not None else None
    joined = replace(
        record, told_score=size, verdict_id=part.verdict_id, parts=across.put(record.parts, part)
    )
    return across.together(joined)


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
        r.id: _clean(r, part, seen)
        for r in records.values()
        if r.state.is_open
        and r.id not in touched
        and (part := r.part(seen.table)) is not None
        and part.recovered is None
        and _could_show(r, part, seen)
    }


def _could_show(record: AlertRecord, part: AlertPart, seen: Sighting) -> bool:
    later = label_order(seen.label) >= label_order(part.last_label)
    return later and (record.kind == "drift" or set(part.leading) <= seen.columns)


def _clean(record: AlertRecord, part: AlertPart, seen: Sighting) -> AlertRecord:
    """An alert that is over in one table; over altogether with the last one."""
    parts = across.put(record.parts, replace(part, recovered=seen.label))
    if all(p.recovered is not None for p in parts):
        return recovered(replace(record, parts=parts), seen.label, seen.verdict_id, seen.at)
    return across.together(replace(record, parts=parts, updated_at=seen.at))


def recovered(record: AlertRecord, label: str, verdict_id: str | None, at: dt.datetime) -> AlertRecord:
    """An alert closed by a clean partition."""
    return replace(
        record,
        state=AlertState.RECOVERED,
        closed_at=at,
        closed_label=label,
        closed_verdict=verdict_id,
        updated_at=at,
        parts=tuple(replace(p, recovered=p.recovered or label) for p in record.parts),
    )
