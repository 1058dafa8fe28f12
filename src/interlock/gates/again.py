"""Judging early partitions again, once there is enough history to know better.

The first partitions of a table are published with little or nothing to judge
them by. When the table has `settings.judge_again_partitions`, each of those is
judged by those that came after. What most of them break is how the table began (a
count that grew, an id that only rises) and no fault; the rest is told like any
other verdict. They
stay published: readers have had them for long, and withdrawing is a person's call.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from interlock import detect
from interlock.catalog import PartitionRecord, partitions, profiles, tables
from interlock.constraints.constraint import Violation
from interlock.gates import alerting, decided, judge, replay, write
from interlock.gates.judge import Prepared
from interlock.gates.request import Request
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.names import Decision
from interlock.profiles import Profile, from_document
from interlock.settings import current

DONE = "judged_again"  # among a table's settings
NOTE = "judged again, by the partitions that came after it"


class _Known(detect.Learned):
    """What was learned, without the constraints that most early partitions break."""

    def __init__(self, learned: detect.Learned, beginning: frozenset[str]) -> None:
        super().__init__(learned.history, learned.sensitivity)
        self._beginning = beginning

    def judge_features(self, found: detect.Features, label: str) -> list[Violation]:
        return [v for v in super().judge_features(found, label) if v.constraint not in self._beginning]


def judge_again(site: Site, request: Request, *, past: bool = False) -> list[Verdict]:
    """Verdicts of the early partitions that break something, stored and told.

    Once per table, when its history is long enough; else nothing. ``past``: all of
    it came at once, so that what ended long ago is no news.
    """
    limits = current()
    if request.table.settings.get(DONE) or len(request.history.labels) < limits.judge_again_partitions:
        return []
    early = request.history.labels[: limits.judge_early_partitions]
    after = request.history.rows[limits.judge_early_partitions :][: limits.judge_again_history]
    learned = detect.learn(detect.History.of(after), sensitivity=request.rules.sensitivity)
    with site.catalog.read() as rx:
        known = {p.label: p for p in partitions.current(rx, request.table.name)}
        documents = {
            label: document
            for label in early
            if label in known and (document := profiles.document(rx, known[label].id or 0)) is not None
        }
    profiled = {label: from_document(document) for label, document in documents.items()}
    beginning = _beginning(learned, profiled)
    made = [
        replay.weighed(site, request, verdict, None, tuple)
        for label, one in profiled.items()
        if (verdict := _one(request, known[label], one, _Known(learned, beginning))) is not None
    ]
    with site.catalog.write() as tx:
        record = tables.get(tx, request.table.name)
        tables.put(tx, replace(record, settings={**record.settings, DONE: True}))
        made = alerting.follow(
            tx, request, made, late=True, over=request.history.labels[-1] if past else None
        )
        decided.store_verdicts(tx, made, request.triggers)
        alerting.tell(tx, request)
    decided.after(site, request, made)
    return made


def _beginning(learned: detect.Learned, profiled: Mapping[str, Profile]) -> frozenset[str]:
    """Constraints that most of the early partitions break: so the table began, and grew out of it."""
    broken = Counter(
        name for label, one in profiled.items() for name in {v.constraint for v in learned.judge(one, label)}
    )
    return frozenset(name for name, count in broken.items() if 2 * count > len(profiled))


def _one(request: Request, record: PartitionRecord, profiled: Profile, learned: _Known) -> Verdict | None:
    rules = replace(request.rules, declared=(), enforced=frozenset())
    judgement = judge.judge(profiled, rules, Prepared(()), learned, record.label, {})
    if not judgement.alerts:
        return None
    return Verdict(
        gate=write.GATE,
        table=request.table.name,
        partition=record.label,
        outcome=judgement.outcome,
        decision=Decision.PUBLISHED,
        violations=judgement.violations,
        alerts=judgement.alerts,
        profile=profiled,
        judged_at=dt.datetime.now(dt.UTC),
        stored=True,
        judged=judgement.judged,
        id=uuid.uuid4().hex,
        notes=(NOTE,),
    )
