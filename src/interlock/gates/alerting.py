"""Alerts in the catalog: followed from verdict to verdict in the verdict's own transaction, and acted on by people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from interlock.alerts import budget, feedback, lifecycle
from interlock.alerts.lifecycle import Limits, Sighting
from interlock.catalog import AlertRecord, Reader, Writer, alerts
from interlock.errors import AlertNotFound, nearest
from interlock.gates import projection, trigger
from interlock.gates.request import Request
from interlock.gates.settled import settled
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.settings import current


def limits_of(request: Request) -> Limits:
    """What counts as growth and how soon a cause must be back to be the old one."""
    settings = current()
    cooldown = request.alerts.cooldown or dt.timedelta(seconds=settings.alert_cooldown_s)
    return Limits(settings.alert_growth, cooldown)


def follow(
    tx: Writer, request: Request, made: Sequence[Verdict], *, late: bool = False, over: str | None = None
) -> list[Verdict]:
    """The verdicts, their alerts with ids and states; what is known of the table's alerts is stored.

    ``late`` verdicts are of partitions long followed by others: they recover
    nothing. What they open is ``over`` since that partition, where one is given.
    """
    if not made:
        return []
    limits = limits_of(request)
    known = {r.id: r for r in _live(tx, request, tx.now)}
    first_id = next_id = alerts.next_id(tx)
    changed, told = set[int](), list[Verdict]()
    for verdict in made:
        step = lifecycle.follow(known, _sighting(verdict, request), limits, next_id, closing=not late)
        ended = settled(tx, known, step.known, step.changed, told)
        known, next_id = step.known | ended, max([next_id, *(i + 1 for i in step.known)])
        changed |= step.changed
        told.append(replace(verdict, alerts=step.alerts))
    if over is not None:
        known |= {i: lifecycle.recovered(known[i], over, None, tx.now) for i in changed if i >= first_id}
    alerts.put_all(tx, [known[i] for i in sorted(changed)])
    return told


def tell(tx: Writer, request: Request) -> None:
    """Record who is to be told what of the table's alerts as they are now, after one verdict or many.

    What opened and ended meanwhile is no news: a backfill tells only of what is still open.
    """
    settings, now = current(), tx.now.astimezone()
    records = [
        r
        for r in _live(tx, request, tx.now)
        if r.part(request.table.name) is not None
        and budget.news(r, settings.alert_growth, tx.now) is not None
    ]
    if not records:
        return
    week = budget.week_of(now)
    used = budget.spent(alerts.told_in(tx, week, request.owner))
    most = request.alerts.budget if request.alerts.budget is not None else settings.alert_budget
    notices = budget.due(records, budget.Means(most, request.alerts.quiet, used, settings.alert_growth), now)
    alerts.put_all(tx, [budget.told(n, week) for n in notices])
    trigger.put_notices(tx, request.table.name, notices, request.triggers)


def foreseen(rx: Reader, request: Request, verdict: Verdict) -> Verdict:
    """A verdict that is not stored, its alerts as `follow` would tell them; a new one has no id."""
    known = {r.id: r for r in _live(rx, request, request.now)}
    step = lifecycle.follow(known, _sighting(verdict, request), limits_of(request), alerts.next_id(rx))
    names = {r.name for r in known.values()}
    told = tuple(a if a.id in names else replace(a, id=None, state=None, seen=0) for a in step.alerts)
    return replace(verdict, alerts=told)


def _live(rx: Reader, request: Request, now: dt.datetime) -> list[AlertRecord]:
    return alerts.live(rx, request.table.name, now, current().alerts_closed_max, request.source)


def _sighting(verdict: Verdict, request: Request) -> Sighting:
    return Sighting(
        table=verdict.table,
        label=verdict.partition,
        verdict_id=verdict.id,
        at=verdict.judged_at,
        alerts=verdict.alerts,
        columns=frozenset(verdict.profile.columns),
        conclusive=bool(verdict.judged and verdict.profile.rows),
        owner=request.owner,
        source=request.source,
    )


# --- what people do -------------------------------------------------------------------


def number_of(text: str) -> int | None:
    """``A17``, ``a17`` or ``17`` → 17; None for anything else."""
    digits = text.strip().upper().removeprefix("A")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 18 else None


def found(rx: Reader, id: str) -> AlertRecord:
    """The alert of this id. Raises `AlertNotFound`, with the nearest one."""
    number = number_of(id)
    record = alerts.get(rx, number) if number is not None else None
    if record is None:
        known = [f"A{i}" for i in alerts.ids(rx)]
        hint = nearest(id, known) or ("interlock alerts list shows them" if known else "there are no alerts")
        raise AlertNotFound(f"no alert {id!r}", hint=hint)
    return record


def act(site: Site, id: str, action: str, who: str, reason: str) -> AlertRecord:
    """Do what a person asks about an alert, on record; returns the alert as it is then.

    Decided by what the alert is when the transaction begins: of two people who
    close it, the second is told by whom it was closed (`AlertClosed`).
    """
    with site.catalog.write() as tx:
        record = found(tx, id)
        silence = dt.timedelta(days=current().alert_silence_days)
        changed = feedback.apply(record, feedback.Said(action, who, reason, tx.now), silence)
        alerts.act(tx, changed, action)
    projection.project(site)
    return changed
