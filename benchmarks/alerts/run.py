"""One table measured: Interlock and the other methods on the same clean partitions and the same faults."""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.alerts import faults, methods
from benchmarks.alerts.compare import Outcome
from benchmarks.alerts.faults import Broken
from benchmarks.alerts.judged import Case, Replay
from benchmarks.alerts.methods import Method
from benchmarks.alerts.metrics import metrics
from benchmarks.alerts.misses import first
from benchmarks.alerts.tables import JUDGED_FROM, Table

OURS = "Interlock"


@dataclass(frozen=True)
class Planted:
    """What of a fault the page needs."""

    label: str
    place: str
    kind: str
    strength: float
    columns: tuple[str, ...]
    touched: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """One table: what was planted, each method's outcome, and where the slow methods' subset lies.

    ``early`` is (alarmed, clean) among the partitions before `JUDGED_FROM`. ``any_broken``
    runs along ``planted``: whether Interlock named a column first that the fault reached, be it one
    made from the broken one. ``slow`` has the same measurement on a subset, with a library's outcome.
    """

    table: str
    clean: tuple[str, ...]
    planted: tuple[Planted, ...]
    outcomes: Mapping[str, Outcome]
    any_broken: np.ndarray
    early: tuple[int, int]
    profile_ms: float
    slow: Mapping[str, Measured] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(self))

    @staticmethod
    def load(path: Path) -> Measured:
        """What `save` wrote on this machine."""
        found = pickle.loads(path.read_bytes())
        assert isinstance(found, Measured)
        return found


def broken(table: Table, partitions: int, seed: int) -> list[Broken]:
    """Every fault, planted in so many of the table's clean partitions."""
    return list(faults.planted(table, faults.spread(table.clean, partitions, seed), seed))


def measured(table: Table, replay: Replay, cases: Sequence[Case], *, peers: bool) -> Measured:
    outcomes = {OURS: _ours(table, replay, cases)}
    if peers:
        outcomes |= {m.name: _theirs(m, table, replay, cases) for m in methods.METHODS}
    early = [label for label in list(table.partitions)[:JUDGED_FROM] if label not in table.not_clean]
    return Measured(
        table.name,
        table.clean,
        tuple(
            Planted(f.label, f.place, f.kind, f.strength, f.columns, f.touched)
            for f in (c.fault for c in cases)
        ),
        outcomes,
        np.array([_any(c) for c in cases], dtype=float),
        (sum(replay.judged[label].alarmed for label in early), len(early)),
        replay.profile_s * 1000,
    )


def _any(case: Case) -> bool:
    reached = set(case.fault.touched) | set(case.fault.columns)
    return case.judged.alarmed and (not reached or bool(set(case.judged.columns[:1]) & reached))


def _ours(table: Table, replay: Replay, cases: Sequence[Case]) -> Outcome:
    said = [replay.judged[label] for label in table.clean]
    return Outcome(
        np.array([j.score if j.alarmed else 0.0 for j in said]),
        np.array([j.alarmed for j in said], dtype=float),
        np.array([c.judged.score if c.judged.alarmed else 0.0 for c in cases]),
        np.array([c.judged.alarmed for c in cases], dtype=float),
        np.array([first(c) for c in cases], dtype=float),
        replay.judge_s * 1000,
    )


def _theirs(method: Method, table: Table, replay: Replay, cases: Sequence[Case]) -> Outcome:
    """Each clean partition judged by those before it, and each fault by those before its partition."""
    labels = list(replay.profiles)
    past = metrics(list(replay.profiles.values()))
    now = metrics([c.profile for c in cases], past.names)
    began = time.perf_counter()
    clean = np.array(
        [
            method.judge(methods.first(past, i), methods.some(past, [i])).scores[0]
            for i in map(labels.index, table.clean)
        ]
    )
    decision_ms = (time.perf_counter() - began) / len(clean) * 1000
    scores, named = np.zeros(len(cases)), [""] * len(cases)
    for label in {c.fault.label for c in cases}:
        at = [i for i, c in enumerate(cases) if c.fault.label == label]
        found = method.judge(methods.first(past, labels.index(label)), methods.some(now, at))
        for i, score, column in zip(at, found.scores, found.columns, strict=True):
            scores[i], named[i] = score, column
    right = [not c.fault.columns or n in c.fault.columns for c, n in zip(cases, named, strict=True)]
    return Outcome(clean, (clean >= 1) * 1.0, scores, (scores >= 1) * 1.0, np.array(right) * 1.0, decision_ms)
