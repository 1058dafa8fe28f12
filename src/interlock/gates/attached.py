"""Attached tables: partitions judged where they are, never moved, each verdict on record."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from interlock import detect
from interlock.catalog import PartitionRecord, Reader, State, partitions, profiles
from interlock.engines.inputs import Files, recognise
from interlock.engines.protocol import Afar, Engine, Relation
from interlock.errors import DataError, DataNotFound
from interlock.gates import alerting, decided, drift, fingerprint, judge, replay, write
from interlock.gates.judge import Judgement
from interlock.gates.label import label_of
from interlock.gates.request import Request
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Outcome
from interlock.profiles.profile import Profile

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A partition where it is. ``open`` gives it with the engine that reads it, and may raise `DataError`.

    ``stamp`` tells one version of it from the next.
    """

    label: str
    open: Callable[[], tuple[Engine | Afar, Relation]]
    stamp: str
    size_bytes: int = 0
    path: str | None = None


def judge_new(site: Site, request: Request, progress: Progress) -> list[Verdict]:
    """Judge each file that is new, or whose size or time changed, in the order of their labels."""
    todo = pending(site, request)
    return judge_each(
        site, request, (_in_file(site, *each) for each in todo), lambda n: progress(n, len(todo))
    )


def judge_each(
    site: Site, request: Request, found: Iterable[Found], progress: Callable[[int], None]
) -> list[Verdict]:
    """Judge each by those before it. The next is asked for when the verdict on one is stored."""
    history, made = request.history, list[Verdict]()
    for one in found:
        verdict = _one(site, replace(request, label=one.label), one, history)
        made.append(verdict)
        if verdict.decision is Decision.ADMITTED:
            history = history.append(one.label, detect.features(verdict.profile))
        progress(len(made))
    if made:
        with site.catalog.write() as tx:
            alerting.tell(tx, request)
        decided.after(site, request, made)
    return made


def pending(site: Site, request: Request) -> list[tuple[str, Path]]:
    """Files not judged yet as they are now, with their labels."""
    found = _files(request.table.location or "")
    labels = [label_of(p) for p in found]
    twice = {label for label in labels if labels.count(label) > 1}
    named = [
        (f"{label}-{p.stem}" if label in twice else label, p) for label, p in zip(labels, found, strict=True)
    ]
    with site.catalog.read() as rx:
        known = {_identity(r) for r in judged(rx, request.table.name)}
    fresh = [(label, p) for label, p in named if (str(p), *_stamp(p)) not in known]
    return sorted(fresh, key=lambda pair: partitions.label_order(pair[0]))


def _files(location: str) -> tuple[Path, ...]:
    try:
        given = recognise(location)
    except DataNotFound:
        return ()
    return given.paths if isinstance(given, Files) else ()


def judged(rx: Reader, table: str) -> list[PartitionRecord]:
    """The last version of each partition that was judged, whatever was decided."""
    return [r for r in partitions.all_(rx, table) if r.state in (State.CHECKED, State.QUARANTINED)]


def _identity(record: PartitionRecord) -> tuple[str, str, int]:
    return (record.path or "", record.digest or "", record.size_bytes)


def _stamp(path: Path) -> tuple[str, int]:
    facts = path.stat()
    return fingerprint.of_time(facts), facts.st_size


def _in_file(site: Site, label: str, path: Path) -> Found:
    stamp, size = _stamp(path)
    return Found(label, lambda: (site.engine, site.engine.relation(str(path))), stamp, size, str(path))


def _one(site: Site, request: Request, found: Found, history: detect.History) -> Verdict:
    label = found.label
    learned = write.learned_for(history, label, request.rules)
    schema: list[list[str]] = []
    rows: Relation | None = None
    try:
        engine, relation = found.open()
        prepared = judge.prepare(request.rules, relation.schema, request.now, engine.name)
        asked = detect.asked(learned.watch if learned else None, engine, relation, request.rules.sensitive)
        measured = judge.measure(engine, relation, request.rules, prepared, asked)
        measured = replay.with_losses(site.engine, request, measured, relation)
    except DataError as error:
        judgement = _unreadable(error)
    else:
        drifted = drift.of(engine, relation, request.rules.schema)
        said = judge.judge(
            measured, request.rules, prepared, learned, label, request.previous, drifted=drifted
        )
        judgement = judge.with_samples(said, engine, relation, request.rules, learned)
        schema, rows = [[c.name, c.type] for c in relation.schema], relation
    verdict = _verdict(request, label, judgement)
    verdict = replay.weighed(site, request, verdict, rows, replay.stored(site, request, label))
    record = PartitionRecord(
        table=request.table.name,
        label=label,
        state=State.CHECKED if verdict.decision is Decision.ADMITTED else State.QUARANTINED,
        rows=judgement.profile.rows,
        size_bytes=found.size_bytes,
        loaded_at=request.now,
        schema=schema,
        path=found.path,
        digest=found.stamp,
        verdict_id=verdict.id,
    )
    return _store(site, request, record, verdict)


def _store(site: Site, request: Request, record: PartitionRecord, verdict: Verdict) -> Verdict:
    features = detect.features(verdict.profile)
    with site.catalog.write() as tx:
        old = [r.id for r in judged(tx, record.table) if r.label == record.label and r.id is not None]
        partitions.move(tx, old, State.REPLACED)
        partition_id = partitions.add(tx, record)
        profiles.put_all(tx, [decided.profile_row(partition_id, verdict.profile, features, request.rules)])
        (verdict,) = alerting.follow(tx, request, [verdict])
        decided.store_verdicts(tx, [verdict], request.triggers)
    return verdict


def _verdict(request: Request, label: str, judgement: Judgement) -> Verdict:
    failed = judgement.outcome is Outcome.FAIL
    return Verdict(
        gate=write.GATE,
        table=request.table.name,
        partition=label,
        outcome=judgement.outcome,
        decision=Decision.REFUSED if failed else Decision.ADMITTED,
        violations=judgement.violations,
        alerts=judgement.alerts,
        profile=judgement.profile,
        judged_at=request.now,
        stored=True,
        judged=judgement.judged,
        id=uuid.uuid4().hex,
        notes=judgement.notes,
    )


def _unreadable(error: DataError) -> Judgement:
    """A file that cannot be read fails: readers of the glob would fail too."""
    violation = drift.unreadable(error.message)
    nothing = Profile(0, {})
    return Judgement(nothing, detect.features(nothing), (violation,), (), Outcome.FAIL, 1, (str(error),))
