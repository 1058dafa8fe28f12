"""The write gate: stage, judge, publish or quarantine, in one commit.

A partition is wholly published or not at all. The file is durable before the
commit; the lake's rows, the partition, its profile, its verdict and the ledger
entry are one transaction (`commit`). Effects that are not data (triggers, ledger
files) follow the commit and are caught up after a crash (`decided`).
"""

from __future__ import annotations

import uuid

from interlock import detect
from interlock.gates import alerting, commit, decided, drift, incoming, judge, repair, replay, staging
from interlock.gates.commit import Commit
from interlock.gates.incoming import Staged
from interlock.gates.judge import Judgement, Rules
from interlock.gates.request import Request
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Outcome

GATE = "write"


def write(site: Site, request: Request) -> Verdict:
    """Put one partition through the gate and store the verdict, whatever it is.

    Raises `PartitionMixed`, `ColumnMissing`, `DataUnreadable` and the like for
    data that cannot be judged at all; then nothing is stored. `WorkspaceBusy`
    if another writer of this table doesn't let go.
    """
    write_id = uuid.uuid4().hex
    name = request.table.name
    with (
        commit.one_writer(site, name),
        staging.begin(site.locks, site.staging, write_id, name, request.label or "?") as place,
    ):
        staged = incoming.stage(site, request, place.path / "data.parquet")
        staged, judgement = judged(site, request, staged)
        verdict = verdict_of(request, staged, judgement, write_id, stored=True)
        verdict = replay.weighed(
            site, request, verdict, staged.relation, replay.stored(site, request, staged.label)
        )
        (verdict,) = commit.commit(site, request, place, [Commit(staged, verdict, judgement.features)])
    decided.after(site, request, [verdict])
    return verdict


def check(site: Site, request: Request) -> Verdict:
    """What `write` would say. Nothing is stored, no trigger fires."""
    write_id = uuid.uuid4().hex
    with staging.begin(site.locks, site.staging, write_id, request.table.name, request.label or "?") as place:
        staged = incoming.stage(site, request, place.path / "data.parquet")
        staged, judgement = judged(site, request, staged)
        verdict = verdict_of(request, staged, judgement, write_id, stored=False)
        verdict = replay.weighed(
            site, request, verdict, staged.relation, replay.stored(site, request, staged.label)
        )
    with site.catalog.read() as rx:
        return alerting.foreseen(rx, request, verdict)


def judged(site: Site, request: Request, staged: Staged) -> tuple[Staged, Judgement]:
    """Profile and judge a staged file; repaired and judged again where the contract says so."""
    judgement = judgement_of(site, request, staged)
    repairs = repair.due(request.triggers, judgement.violations, request.rules)
    if not repairs or staged.layout.targets is None:
        return staged, judgement
    mended = repair.apply(site.engine, staged.relation, staged.layout.targets, repairs)
    again = Staged(mended, staged.schema, staged.label, staged.layout, staged.value)
    return again, repair.noted(judgement_of(site, request, again), judgement, repairs)


def learned_for(history: detect.History, label: str, rules: Rules) -> detect.Learned | None:
    """What the other partitions teach; a partition that is written again does not judge itself."""
    others = history.without(label)
    return detect.learn(others, sensitivity=rules.sensitivity) if others.labels else None


def judgement_of(site: Site, request: Request, staged: Staged) -> Judgement:
    """A staged file profiled and judged as it is."""
    learned = learned_for(request.history, staged.label, request.rules)
    prepared = judge.prepare(request.rules, staged.relation.schema, request.now)
    asked = detect.asked(
        learned.watch if learned else None, site.engine, staged.relation, request.rules.sensitive
    )
    measured = judge.measure(site.engine, staged.relation, request.rules, prepared, asked)
    measured = replay.with_losses(site.engine, request, measured, staged.relation)
    drifted = tuple(
        drift.violations(request.rules.schema, staged.schema, staged.layout.fitting, staged.layout.problem)
    )
    found = judge.judge(
        measured, request.rules, prepared, learned, staged.label, request.previous, drifted=drifted
    )
    return judge.with_samples(found, site.engine, staged.relation, request.rules, learned)


def decide(outcome: Outcome, staged: Staged, *, inconclusive_blocks: bool = False) -> Decision:
    """What blocks and what only alerts: fail quarantines, and so does what cannot be stored."""
    if outcome is Outcome.FAIL or staged.layout.problem is not None:
        return Decision.QUARANTINED
    if outcome is Outcome.INCONCLUSIVE and inconclusive_blocks:
        return Decision.QUARANTINED
    return Decision.PUBLISHED


def verdict_of(request: Request, staged: Staged, judgement: Judgement, id_: str, *, stored: bool) -> Verdict:
    """The judgement as a verdict of this gate."""
    notes = judgement.notes
    if staged.layout.problem is not None:
        notes = (*notes, f"cannot be published: {staged.layout.problem}")
    return Verdict(
        gate=GATE,
        table=request.table.name,
        partition=staged.label,
        outcome=judgement.outcome,
        decision=decide(judgement.outcome, staged, inconclusive_blocks=request.inconclusive_blocks),
        violations=judgement.violations,
        alerts=judgement.alerts,
        profile=judgement.profile,
        judged_at=request.now,
        stored=stored,
        judged=judgement.judged,
        id=id_,
        notes=notes,
    )
