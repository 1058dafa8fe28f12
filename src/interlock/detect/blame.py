"""Which column is at fault where what several have to do with each other is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from interlock.detect import wording
from interlock.detect.features import Array
from interlock.detect.invariants import AFTER
from interlock.detect.scores import Scores
from interlock.detect.watch import Watch
from interlock.profiles.dependency import Dependency, Form


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What speaks against each column of a partition, beside what alarms in itself.

    Both are 0 for a column that nothing is known of. ``relations`` (0 … 1) is the share of its
    dependencies that broke, less where there are few: of a broken column nearly all do, of those it has
    to do with only these. ``own`` (0 … 1) is the loudest score of its own statistics, 1 where it alarms.
    """

    relations: Mapping[str, float]
    own: Mapping[str, float]

    def of(self, column: str) -> float:
        """The two together, 0 … 2."""
        return self.relations.get(column, 0.0) + self.own.get(column, 0.0)


@dataclass(frozen=True, slots=True)
class Broken:
    """A partition's broken dependencies, and what speaks against each column.

    ``at`` are their places along the layout's keys, loudest first; ``alone`` is a column's loudest
    score of itself.
    """

    at: tuple[int, ...]
    dependencies: dict[int, Dependency]
    alone: dict[str, float]
    suspicion: Suspicion

    @classmethod
    def of(cls, watch: Watch, scores: Scores) -> Broken:
        """Nothing is asked of relations where none is broken."""
        keys = watch.layout.keys
        score = np.maximum(np.maximum(scores.never, scores.baseline), scores.rare)
        alone = _alone(watch, scores, np.maximum(score, scores.range))
        own = {column: min(loudest, 1.0) for column, loudest in alone.items()}
        places = [i for i, k in enumerate(keys) if k.feature == "dependency"]
        at = sorted((i for i in places if score[i] >= 1), key=lambda i: -score[i])
        if not at:
            return cls((), {}, alone, Suspicion({}, own))
        believed = [i for i in places if watch.baseline.count[i] >= AFTER]
        dependencies = {i: Dependency.parse(keys[i].value or "") for i in {*at, *believed}}
        asked: dict[str, int] = {}
        broken: dict[str, int] = {}
        for i, dependency in dependencies.items():
            breaks = score[i] >= 1
            for column in accountable(dependency) if breaks else cleared(dependency):
                asked[column] = asked.get(column, 0) + 1
                broken[column] = broken.get(column, 0) + int(breaks)
        relations = {c: broken[c] / (asked[c] + _FEW) for c in asked}
        return cls(tuple(at), dependencies, alone, Suspicion(relations, own))

    def ranked(self, i: int) -> tuple[str, ...]:
        """A dependency's columns, the likeliest culprit first."""
        columns = self.dependencies[i].columns
        if self.dependencies[i].form in (Form.PART, Form.DETERMINES):
            # clocks more often than what is read off them, and what was made than its sources
            columns = columns[::-1]
        loud = {c: self.alone.get(c, 0.0) for c in columns}
        return tuple(
            sorted(
                columns,
                key=lambda c: (-loud[c] if loud[c] >= 1 else 0.0, -self.suspicion.of(c), columns.index(c)),
            )
        )

    def culprit(self, i: int) -> str:
        return self.ranked(i)[0]


_FEW = 2.0  # relations of a column that hold, supposed beside those that are known


def _alone(watch: Watch, scores: Scores, own: Array) -> dict[str, float]:
    """Each column's loudest score of its own statistics, whether it alarms or not."""
    layout = watch.layout
    loudest = np.zeros(len(layout.columns))
    mine = ~layout.breaks[layout.owned]
    np.maximum.at(loudest, layout.owners[mine], own[layout.owned[mine]])
    found = dict(zip(layout.columns, loudest.tolist(), strict=True))
    for column, new in scores.new.items():
        found[column] = max(found.get(column, 0.0), new)
    return found


def accountable(dependency: Dependency) -> tuple[str, ...]:
    """The columns that a break speaks against: of two that are empty together, the one that is so alone."""
    return dependency.columns[:1] if dependency.form is Form.EMPTY else dependency.columns


def cleared(dependency: Dependency) -> tuple[str, ...]:
    """The columns that it speaks for where it holds; a form of one column, such as capitals, outlasts most faults."""
    return accountable(dependency) if len(dependency.columns) > 1 else ()


Sources = dict[str, dict[str, frozenset[str]]]


def sources(dependencies: Iterable[Dependency], place: Callable[[str], int]) -> Sources:
    """For each column those that it follows from, and the names of the dependencies that say so.

    Of columns that follow from each other the first are sources of the last.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for d in dependencies:
        for source, made in _follows(d, place):
            found.setdefault((source, made), set()).add(wording.dependency(d))
    told: Sources = {}
    for (source, made), names in found.items():
        if (made, source) not in found or place(source) < place(made):
            told.setdefault(made, {})[source] = frozenset(names | found.get((made, source), set()))
    return told


def _follows(d: Dependency, place: Callable[[str], int]) -> list[tuple[str, str]]:
    """Pairs of a source and what is made from it."""
    if d.form is Form.DETERMINES:
        return [(source, d.columns[-1]) for source in d.columns[:-1]]
    if d.form in (Form.LINEAR, Form.PRODUCT, Form.RATIO, Form.ELAPSED):
        *of, made = sorted(d.columns, key=place)
        return [(source, made) for source in of]
    if d.form in (Form.PART, Form.MAPPED, Form.BANDED):
        return [(d.columns[1], d.columns[0])]
    return [(d.columns[0], d.columns[1])] if d.form is Form.EMPTY else []
