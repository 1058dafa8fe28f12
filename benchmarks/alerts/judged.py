"""Interlock on a table: frames become profiles, history is replayed, each partition is judged as it comes.

`profiled` is the only place where rows are read and `replayed` the only one
where history grows; everything else of the benchmark, the peers included, rests on
what these two give.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.alerts.faults import Broken
from benchmarks.alerts.tables import Table
from interlock import alerts, detect, profiles
from interlock.detect.invariants import AFTER
from interlock.engines.duckdb import DuckDB
from interlock.engines.protocol import Relation
from interlock.names import Severity
from interlock.profiles.profile import Profile

Frame = pd.DataFrame
CELLS_AT_ONCE = 4_000_000
CASE = "case_"


@dataclass(frozen=True)
class Judgement:
    """What Interlock said of one partition: tickets and pages; a note (``info``) is no alarm.

    ``columns`` are all that the alerts name, the first first.
    """

    alarmed: bool
    score: float
    columns: tuple[str, ...]
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Replay:
    """A table's partitions as they came. ``before`` is the history each was judged by."""

    dependencies: tuple[profiles.Dependency, ...]
    profiles: Mapping[str, Profile]
    before: Mapping[str, detect.History]
    judged: Mapping[str, Judgement]
    profile_s: float  # a partition, many in one statement
    judge_s: float


@dataclass(frozen=True)
class Case:
    """A planted fault, its partition's profile, and what Interlock said."""

    fault: Broken
    profile: Profile
    judged: Judgement


def asked(table: Table, frames: Sequence[Frame]) -> tuple[profiles.Dependency, ...]:
    """What the rows of the first partitions suggest of each other, as the gate would find it in them."""
    with _stored(table, frames[:AFTER]) as (engine, relation):
        return detect.mine(engine, relation, spared=(CASE,))


def profiled(
    table: Table, frames: Sequence[Frame], dependencies: tuple[profiles.Dependency, ...]
) -> Iterator[Profile]:
    """The profile of each frame, in order, in the table's own column types, many in one pass.

    ``dependencies`` are what its rows are counted against.
    """
    at, width = 0, max(len(table.types), 1)
    while at < len(frames):
        chunk, cells = [], 0
        while at < len(frames) and (not chunk or cells < CELLS_AT_ONCE):
            chunk.append(frames[at])
            cells += len(frames[at]) * width
            at += 1
        yield from _together(table, chunk, dependencies)


@contextmanager
def _stored(table: Table, frames: Sequence[Frame]) -> Iterator[tuple[DuckDB, Relation]]:
    """The frames as one relation, each row with the number of its frame."""
    numbered = [frame.assign(**{CASE: i}) for i, frame in enumerate(frames)]
    stacked = pd.concat(numbered, ignore_index=True)
    columns = ", ".join(f'CAST("{c}" AS {t}) AS "{c}"' for c, t in table.types.items())
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection, DuckDB() as engine:
        path = Path(scratch) / "cases.parquet"
        connection.register("stacked", stacked)
        connection.execute(f"COPY (SELECT {columns}, {CASE} FROM stacked) TO '{path}' (FORMAT parquet)")
        yield engine, engine.relation(str(path))


def _together(
    table: Table, frames: Sequence[Frame], dependencies: tuple[profiles.Dependency, ...]
) -> Iterator[Profile]:
    with _stored(table, frames) as (engine, relation):
        found = profiles.compute_by(engine, relation, CASE, key=table.key, dependencies=dependencies)
    for i in range(len(frames)):
        one = found[str(i)]
        yield replace(one, columns={k: v for k, v in one.columns.items() if k != CASE})


def replayed(table: Table, instead: Mapping[str, Frame] | None = None) -> Replay:
    """Every partition judged by those before it. ``instead`` puts other rows in some partitions' places."""
    frames = [(instead or {}).get(label, frame) for label, frame in table.partitions.items()]
    dependencies = asked(table, frames)
    began = time.perf_counter()
    found = dict(zip(table.partitions, profiled(table, frames, dependencies), strict=True))
    profile_s = (time.perf_counter() - began) / len(found)
    began = time.perf_counter()
    history, before, judged = detect.History.of([]), {}, {}
    for label, profile in found.items():
        before[label] = history
        judged[label] = judgement(table, history, label, profile)
        history = history.append(label, detect.features(profile))
    return Replay(dependencies, found, before, judged, profile_s, (time.perf_counter() - began) / len(found))


def cases(table: Table, replay: Replay, planted: Sequence[Broken]) -> list[Case]:
    """Each broken partition, judged by the history that came before it."""
    frames = [fault.frame for fault in planted]
    return [
        Case(fault, profile, judgement(table, replay.before[fault.label], fault.label, profile))
        for fault, profile in zip(planted, profiled(table, frames, replay.dependencies), strict=True)
    ]


def judgement(table: Table, history: detect.History, label: str, profile: Profile) -> Judgement:
    learned = detect.learn(history)
    found = learned.judge(profile, label)
    if all(v.severity is Severity.INFO for v in found):
        return Judgement(False, max((v.score for v in found), default=0.0), (), ())
    grouped = alerts.group(
        found, table=table.name, label=label, learned=learned, profile=profile, key=table.key
    )
    loud = [a for a in grouped if a.severity is not Severity.INFO]
    columns = tuple(dict.fromkeys(c for a in loud for c in a.columns))
    return Judgement(
        bool(loud), max((a.score for a in loud), default=0.0), columns, tuple(a.title for a in loud)
    )
