"""Judging early partitions again, once there is enough history to know better.

The first partitions of a table are published with little or nothing to judge
them by. When the table has `settings.judge_again_partitions`, each of those is
judged by those that came after; what they break is told like any other verdict. They
stay published: readers have had them for long, and withdrawing is a person's call.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import replace

from interlock import detect
from interlock.catalog import PartitionRecord, partitions, profiles, tables
from interlock.gates import judge, write
from interlock.gates.judge import Prepared, Rules
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.gates.write import Request
from interlock.names import Decision
from interlock.profiles import Profile, from_document
from interlock.settings import current

DONE = "judged_again"  # among a table's settings
NOTE = "judged again, by the partitions that came after it"


def due(settings: Mapping[str, object], history: detect.History) -> bool:
    """Whether the early partitions are to be judged now; once per table."""
    return not settings.get(DONE) and len(history.labels) >= current().judge_again_partitions


def judge_again(site: Site, request: Request) -> list[Verdict]:
    """Verdicts of the early partitions that break something, stored and told."""
    limits = current()
    early = request.history.labels[: limits.judge_early_partitions]
    after = request.history.rows[limits.judge_early_partitions :][: limits.judge_again_history]
    learned = detect.learn(detect.History.of(after))
    with site.catalog.read() as rx:
        known = {p.label: p for p in partitions.current(rx, request.table.name)}
        documents = {
            label: document
            for label in early
            if label in known and (document := profiles.document(rx, known[label].id or 0)) is not None
        }
    made = [
        verdict
        for label, document in documents.items()
        if (verdict := _one(request, known[label], from_document(document), learned)) is not None
    ]
    with site.catalog.write() as tx:
        record = tables.get(tx, request.table.name)
        tables.put(tx, replace(record, settings={**record.settings, DONE: True}))
        write.store_verdicts(tx, made, request.triggers)
    write.after(site, request, made)
    return made


def _one(
    request: Request, record: PartitionRecord, profiled: Profile, learned: detect.Learned
) -> Verdict | None:
    rules = Rules(table=request.table.name)
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
