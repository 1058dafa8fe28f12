"""Triggers: actions on a verdict. They follow the commit and never change the verdict.

What is to be done is recorded with the verdict, in the same transaction; each
try is recorded after it. A trigger that keeps failing is given up after its
number of attempts and left for `interlock doctor` to show. Addresses may hold
secrets, so the catalog keeps a trigger's digest, not its address.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from interlock.alerts import budget, impact
from interlock.alerts.budget import Notice
from interlock.catalog import (
    AlertRecord,
    Catalog,
    Reader,
    TriggerRun,
    TriggerState,
    Writer,
    alerts,
    triggers,
    verdicts,
)
from interlock.constraints.table_contract import EVENTS, Repair, Trigger
from interlock.errors import UsageError, WorkspaceBusy, nearest
from interlock.gates import action
from interlock.gates.action import Hook
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.names import Decision
from interlock.settings import current

PAUSE_S = 0.1  # before the second try; doubles with each
DETAIL_LENGTH_MAX = 300
CALL = "call"  # the action of a trigger given in Python


def python(
    event: str,
    call: Callable[[Verdict], object],
    *,
    attempts: int | None = None,
    timeout_s: float | None = None,
) -> Hook:
    """A trigger that calls a function. Raises `UsageError` for an unknown event."""
    if event not in EVENTS:
        raise UsageError(f"no event {event!r}", hint=nearest(event, EVENTS) or f"events: {', '.join(EVENTS)}")
    name = getattr(call, "__qualname__", type(call).__qualname__)
    return Hook(event, CALL, f"{name}#{id(call):x}", attempts, timeout_s, call)


def events_of(verdict: Verdict) -> frozenset[str]:
    """The events a verdict is by itself: its outcome and its decision.

    ``alert`` and ``recovered`` depend on what was told before (`put_notices`).

    ``refused`` and ``admitted``, the words for attached tables, set off what
    was asked for ``quarantined`` and ``published``.
    """
    alias = {Decision.REFUSED: Decision.QUARANTINED, Decision.ADMITTED: Decision.PUBLISHED}
    decision = alias.get(verdict.decision, verdict.decision)
    return frozenset({verdict.outcome.value, decision.value})


def put_all(tx: Writer, made: Sequence[Verdict], declared: Sequence[Trigger]) -> None:
    """Record what is to be done about verdicts, in their own transaction."""
    runs = [
        TriggerRun(verdict.id, verdict.table, verdict.partition, _told(trigger), tx.now, tx.now)
        for verdict in made
        for trigger in declared
        if trigger.on in events_of(verdict) and not isinstance(trigger.target, Repair)
    ]
    triggers.put_all(tx, runs)


def put_notices(tx: Writer, table: str, notices: Sequence[Notice], declared: Sequence[Trigger]) -> None:
    """Record who is to be told of alerts, in the transaction that says so of the alerts.

    A ``notify`` waits for quiet hours to end, folds tickets beyond the budget
    into a digest, and also tells of the recovery; anything else acts at once.
    """
    runs: list[TriggerRun] = []
    for trigger in declared:
        mine = [n for n in notices if _concerns(trigger, n)]
        if trigger.action == "notify":
            folded = [n for n in mine if n.when == budget.DIGEST]
            if folded and not _digested(tx, table, trigger, folded[0]):
                runs.append(_digest(tx, table, trigger, folded[0]))
            mine = [n for n in mine if n.when != budget.DIGEST]
        runs += _grouped(tx, table, trigger, mine)
    triggers.put_all(tx, runs)


def put_said(
    tx: Writer, table: str, label: str, said: Mapping[str, Any], declared: Sequence[Trigger]
) -> None:
    """Record that all who hear of alerts are to be told this: a ``title`` and a ``body``; no verdict is behind it."""
    mine = [t for t in declared if t.on == "alert" and not isinstance(t.target, Repair)]
    runs = [TriggerRun(label, table, label, {**_told(t), "said": dict(said)}, tx.now, tx.now) for t in mine]
    triggers.put_all(tx, runs)


def _concerns(trigger: Trigger, notice: Notice) -> bool:
    if isinstance(trigger.target, Repair):
        return False
    if notice.what == budget.RECOVERED:
        return trigger.on == "recovered" or (trigger.on == "alert" and trigger.action == "notify")
    return trigger.on == "alert"


def _grouped(tx: Writer, table: str, trigger: Trigger, notices: Sequence[Notice]) -> Iterator[TriggerRun]:
    """One run for what a verdict has to tell at one time."""
    groups: dict[tuple[str, str, str | None], dict[str, str]] = {}
    for n in notices:
        waits = trigger.action == "notify" and n.when == budget.LATER
        at = n.at.isoformat(timespec="seconds") if waits else None
        groups.setdefault((n.verdict_id, n.label, at), {})[n.record.name] = n.what
    for (verdict_id, label, at), what in groups.items():
        told = {**_told(trigger), "news": what} | ({"not_before": at} if at else {})
        yield TriggerRun(verdict_id, table, label, told, tx.now, tx.now)


def _digest(tx: Writer, table: str, trigger: Trigger, first: Notice) -> TriggerRun:
    told = {
        **_told(trigger),
        "digest": _digest_of(first),
        "not_before": first.at.isoformat(timespec="seconds"),
    }
    return TriggerRun(first.verdict_id, table, first.label, told, tx.now, tx.now)


def _digested(tx: Writer, table: str, trigger: Trigger, first: Notice) -> bool:
    """Whether this week's digest is on its way to this address already."""
    sought = (identity(trigger), _digest_of(first))
    return any((r.trigger["id"], r.trigger.get("digest")) == sought for r in triggers.pending(tx))


def _digest_of(notice: Notice) -> dict[str, str | None]:
    return {"owner": notice.record.owner, "week": budget.week_of(notice.at - dt.timedelta(days=6))}


def _told(trigger: Trigger) -> dict[str, Any]:
    return {
        "action": trigger.action,
        "id": identity(trigger),
        "shown": shown(trigger),
        "within_s": _longest_s(trigger),
    }


def identity(trigger: Trigger) -> str:
    """A digest that finds a trigger again in the contract without storing its address."""
    return hashlib.sha256(repr((trigger.on, trigger.action, trigger.target)).encode()).hexdigest()[:16]


def shown(trigger: Trigger) -> str:
    """A trigger in words, its address without anything secret."""
    target = trigger.target
    if isinstance(target, str):
        scheme, mark, _ = target.partition("://")
        plain = (
            target.split("#", 1)[0] if trigger.action == CALL else target if target.startswith("$") else "…"
        )
        return f"{trigger.action} {scheme}://…" if mark else f"{trigger.action} {plain}"
    return f"{trigger.action} {target[0] if isinstance(target, tuple) else target.constraint}"


def run_pending(
    site: Site,
    table: str,
    declared: Sequence[Trigger],
    fresh: Mapping[str, Verdict],
    *,
    wait_s: float | None = None,
) -> None:
    """Run what is recorded for a table and not done, each within its attempts and time.

    ``declared`` are the table's triggers known now; ``fresh`` the verdicts of this
    call, which functions get as they are. A trigger that is no longer declared is
    given up. One process at a time does this for a table, so that nothing is done
    twice; what is left after waiting ``wait_s`` (default: as for other locks) the
    next write does. A trigger that itself writes to the table has those verdicts'
    triggers run at once.
    """
    if not _waiting(site.catalog, table):
        return
    timeout_s = current().lock_timeout_s if wait_s is None else wait_s
    with contextlib.suppress(WorkspaceBusy), _alone(site, f"{table}.triggers", timeout_s) as within_another:
        known = {identity(t): t for t in declared}
        for run in _waiting(site.catalog, table):
            if not within_another or run.verdict_id in fresh:
                _run_one(site.catalog, run, known.get(run.trigger["id"]), fresh)


_running: set[tuple[str, str]] = set()  # locks this process holds, by workspace


@contextlib.contextmanager
def _alone(site: Site, name: str, timeout_s: float) -> Iterator[bool]:
    """The lock ``name``; gives whether this process, running a trigger, holds it already."""
    path, mine = site.lock(name), (site.catalog.id, name)
    if mine in _running:
        yield True
        return
    with site.locks.locked(path, timeout_s=timeout_s):
        _running.add(mine)
        try:
            yield False
        finally:
            _running.discard(mine)


def _waiting(catalog: Catalog, table: str) -> list[TriggerRun]:
    now = dt.datetime.now(dt.UTC)
    with catalog.read() as rx:
        return [run for run in triggers.pending(rx) if run.table == table and not run.waits(now)]


def _run_one(
    catalog: Catalog, run: TriggerRun, trigger: Trigger | None, fresh: Mapping[str, Verdict]
) -> None:
    if run.trigger["action"] == CALL and run.verdict_id not in fresh:
        # A function of another process, which may still be at it.
        if dt.datetime.now(dt.UTC) - run.created_at > dt.timedelta(seconds=run.trigger.get("within_s", 0)):
            _record(
                catalog,
                run,
                TriggerState.GIVEN_UP,
                run.attempts,
                "the process that held the function is gone",
            )
    elif trigger is None:
        _record(catalog, run, TriggerState.GIVEN_UP, run.attempts, "no longer declared")
    else:
        _attempt(catalog, run, trigger, fresh.get(run.verdict_id))


def _longest_s(trigger: Trigger) -> float:
    """How long all tries may take, with the wait for other triggers before them."""
    limit, each_s = (
        trigger.attempts or current().trigger_attempts,
        trigger.timeout_s or current().trigger_timeout_s,
    )
    return float(current().lock_timeout_s + limit * each_s + PAUSE_S * 2**limit)


def _attempt(catalog: Catalog, run: TriggerRun, trigger: Trigger, verdict: Verdict | None) -> None:
    limit = trigger.attempts or current().trigger_attempts
    with catalog.read() as rx:
        document = _document(rx, run)
    if document is None:
        _record(catalog, run, TriggerState.DONE, run.attempts, "over before anybody was told")
        return
    for attempt in range(run.attempts + 1, limit + 1):
        try:
            action.within(
                trigger.timeout_s or current().trigger_timeout_s,
                lambda: action.act(trigger, document, verdict),
            )
        except Exception as error:
            last = attempt >= limit
            state = TriggerState.GIVEN_UP if last else TriggerState.FAILED
            _record(
                catalog, run, state, attempt, action.redacted(str(error) or type(error).__name__, trigger)
            )
            if not last:
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
        else:
            _record(catalog, run, TriggerState.DONE, attempt, None)
            return


def _document(rx: Reader, run: TriggerRun) -> dict[str, Any] | None:
    """What an action is given: the verdict, with the news of alerts; None where there is nothing to tell any more."""
    if "said" in run.trigger:
        return dict(run.trigger["said"])
    stored = verdicts.get(rx, run.verdict_id)
    document = dict(stored.document) if stored is not None else {}
    digest = run.trigger.get("digest")
    if digest is not None:
        week = alerts.told_in(rx, digest["week"], digest["owner"])
        news = [_news(r, budget.DIGEST) for r in week if r.told == budget.DIGEST]
        document["digest"] = digest
    elif "news" in run.trigger:
        news = _still_news(rx, run.trigger["news"], waited="not_before" in run.trigger)
    else:
        return document
    return document | {"news": news} if news else None


def _still_news(rx: Reader, what: Mapping[str, str], *, waited: bool) -> list[dict[str, Any]]:
    """The alerts of a run; after a wait, without those that ended meanwhile."""
    found = alerts.by_ids(rx, [int(name[1:]) for name in what])
    return [
        _news(r, what[r.name])
        for r in found
        if not waited or r.state.is_open or what[r.name] == budget.RECOVERED
    ]


def _news(record: AlertRecord, what: str) -> dict[str, Any]:
    return {
        "id": record.name,
        "what": what,
        "table": record.table,
        "tables": [p.table for p in record.parts],
        "hit": [impact.in_words(impact.from_dict(h)) for h in record.hit],
        "severity": record.severity,
        "state": record.state.value,
        "title": record.title,
        "first": record.first_label,
        "last": record.last_label,
        "seen": record.seen,
    }


def _record(
    catalog: Catalog, run: TriggerRun, state: TriggerState, attempts: int, detail: str | None
) -> None:
    if run.id is None:
        return
    with catalog.write() as tx:
        triggers.update_(
            tx, run.id, state, attempts=attempts, detail=detail[:DETAIL_LENGTH_MAX] if detail else None
        )
