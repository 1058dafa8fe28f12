"""The backtest: replay the past, plant faults in it, count.

Each partition is judged by the history before it, once as it was and, where it is
in the sample, once for each planted fault. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from interlock import alerts, detect, settings
from interlock.alerts.alert import Alert
from interlock.backtest import plant
from interlock.backtest.plant import Case, Site
from interlock.backtest.result import WEEKS, Backtest, Level, Recall, propose
from interlock.detect.invariants import AFTER
from interlock.detect.rate import partitions_per_year
from interlock.detect.sensitivity import share
from interlock.engines.protocol import Engine
from interlock.errors import HistoryTooShort
from interlock.names import Severity
from interlock.profiles.profile import Profile

PARTITIONS_MIN = 14  # seven to learn from, and seven to judge
TOO_EARLY = "among the first seven, which nothing is learned before"
NO_ROWS = "without rows"
WEIGHT = 20  # steps of progress that planting in a partition counts for

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Past:
    """A published partition. ``left_out`` says why it does not count as clean.

    ``file`` brings its file to this machine; None where it is gone.
    """

    row: detect.Row
    profile: Callable[[], Profile]
    file: Callable[[], Path] | None
    left_out: str | None = None


@dataclass(slots=True)
class _Count:
    """What was counted at one sensitivity."""

    alarmed: int = 0
    alerts: int = 0
    planted: Counter[tuple[str, float | None]] = field(default_factory=Counter)
    caught: Counter[tuple[str, float | None]] = field(default_factory=Counter)
    first: Counter[tuple[str, float | None]] = field(default_factory=Counter)

    def clean(self, loud: Sequence[Alert]) -> None:
        self.alarmed += bool(loud)
        self.alerts += len(loud)

    def fault(self, case: Case, loud: Sequence[Alert]) -> None:
        name, right = (case.fault.kind, case.fault.strength), case.fault.columns
        ranked = [column for alert in loud for column in alert.columns]
        self.planted[name] += 1
        self.caught[name] += bool(loud)
        self.first[name] += bool(loud) and (not right or bool(set(ranked[:1]) & set(right)))

    def recalls(self) -> tuple[Recall, ...]:
        return tuple(Recall(*k, n, self.caught[k], self.first[k]) for k, n in self.planted.items())

    def recall(self) -> Recall:
        return Recall("all", None, self.planted.total(), self.caught.total(), self.first.total())


def run(
    engine: Engine,
    table: str,
    past: Sequence[Past],
    site: Site,
    sensitivities: Sequence[detect.Sensitivity],
    *,
    current: detect.Sensitivity,
    partitions: int,
    seed: int,
    left_out: Mapping[str, int],
    progress: Progress,
) -> Backtest:
    """Replay ``past``, which is in order, at each of ``sensitivities``.

    Faults are planted in a seeded sample of ``partitions`` clean ones. ``left_out``
    counts partitions that are not in ``past`` at all, by reason. Same data, same
    seed: same result. Raises `HistoryTooShort`.
    """
    if len(past) < PARTITIONS_MIN:
        raise HistoryTooShort(
            f"{table} has {len(past)} published partitions; a backtest needs {PARTITIONS_MIN}",
            hint="seven are learned from before the first is judged, and fewer than seven judged ones tell nothing",
        )
    counts = {s: _Count() for s in sensitivities}
    missing, clean = Counter(left_out), 0
    sample = _sample(past, partitions, seed)
    steps = _Steps(progress, len(past) + WEIGHT * len(sample))
    history = detect.History.of(p.row for p in past)
    by_label = {p.row.label: p for p in past}
    with ThreadPoolExecutor(1, "interlock-planting") as beside:
        planting = _ahead(beside, engine, site, past, sample, seed)
        for row, before in history.replayed():
            one = by_label[row.label]
            reason = _reason(one, before)
            if reason is not None:
                missing[reason] += 1
            else:
                clean += 1
                _judge(table, one, before, next(planting).result() if row.label in sample else [], counts)
            steps.take(1 + WEIGHT * (row.label in sample))
    per_year = partitions_per_year(history.labels)
    levels = tuple(
        Level(
            sensitivity=s,
            accepted_per_year=share(s, history.labels) * per_year,
            clean=clean,
            alarmed=count.alarmed,
            alerts=count.alerts,
            weeks=max(clean, 1) / per_year * WEEKS,
            recall=count.recall(),
            by_kind=count.recalls(),
        )
        for s, count in counts.items()
    )
    proposed, why = propose(levels, settings.current().backtest_alerts_per_week)
    return Backtest(table, len(past), len(sample), dict(missing), levels, current, proposed, why, seed)


def loud_alerts(
    table: str,
    learned: detect.Learned,
    features: detect.Features,
    label: str,
    profile: Callable[[], Profile],
) -> tuple[Alert, ...]:
    """The tickets and pages that what was learned raises on a partition, as the gate groups them."""
    found = learned.judge_features(features, label)
    if not any(v.severity is not Severity.INFO for v in found):
        return ()
    grouped = alerts.group(found, table=table, label=label, learned=learned, profile=profile())
    return tuple(a for a in grouped if a.severity is not Severity.INFO)


def _judge(
    table: str,
    one: Past,
    before: detect.History,
    planted: Sequence[Case],
    counts: Mapping[detect.Sensitivity, _Count],
) -> None:
    label = one.row.label
    features = [(case, detect.features(case.profile)) for case in planted]
    for sensitivity, count in counts.items():
        learned = detect.learn(before, sensitivity=sensitivity)
        count.clean(loud_alerts(table, learned, one.row.features, label, one.profile))
        for case, found in features:
            count.fault(case, loud_alerts(table, learned, found, label, partial(_given, case.profile)))


def _given(profile: Profile) -> Profile:
    return profile


def _reason(one: Past, before: detect.History) -> str | None:
    if before.watch().partitions < AFTER:
        return TOO_EARLY
    if not one.row.features.rows:
        return NO_ROWS
    return one.left_out


def _sample(past: Sequence[Past], partitions: int, seed: int) -> dict[str, int | None]:
    """Labels in order, each with the most faults it may take; spread evenly, each from its own stretch."""
    fitting = [p for p in past[AFTER:] if p.left_out is None and p.row.features.rows and p.file is not None]
    if not fitting:
        return {}
    rng = np.random.default_rng([seed, 1])
    stretches = [s for s in np.array_split(np.arange(len(fitting)), partitions) if len(s)]
    chosen = [fitting[int(rng.choice(stretch))] for stretch in stretches]
    columns = max(len({k.column for k in p.row.features.keys}) for p in chosen)
    room = settings.current().backtest_cells_max / len(chosen) / columns
    return {p.row.label: max(1, int(room / p.row.features.rows)) for p in chosen}


def _ahead(
    beside: ThreadPoolExecutor,
    engine: Engine,
    site: Site,
    past: Sequence[Past],
    sample: Mapping[str, int | None],
    seed: int,
) -> Iterator[Future[list[Case]]]:
    """The planted profiles of each sampled partition, one ahead of the one that is judged."""
    number = {p.row.label: i for i, p in enumerate(past)}

    def planted(label: str) -> list[Case]:
        i = number[label]
        one, rng, earlier = past[i], np.random.default_rng([seed, 2, i]), past[i - 1].file
        assert one.file is not None
        counted = one.row.features.dependencies
        before = earlier() if earlier is not None else None
        return plant.cases(engine, site, one.file(), before, one.profile(), rng, sample[label], counted)

    waiting: Future[list[Case]] | None = None
    for label in sample:
        coming = beside.submit(copy_context().run, planted, label)
        if waiting is not None:
            yield waiting
        waiting = coming
    if waiting is not None:
        yield waiting


@dataclass(slots=True)
class _Steps:
    progress: Progress
    total: int
    done: int = 0

    def take(self, steps: int) -> None:
        self.done += steps
        self.progress(self.done, self.total)
