"""Which column is at fault where what several have to do with each other is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from interlock.detect.invariants import AFTER
from interlock.detect.watch import Scores, Watch
from interlock.profiles.dependency import Dependency, Form


@dataclass(frozen=True, slots=True)
class Broken:
    """A partition's broken dependencies, and how much speaks against each column.

    ``at`` are their places along the layout's keys, loudest first. ``alone`` is a column's
    loudest score of itself, ``shares`` the share of its dependencies that broke: of a broken
    column nearly all do, of those it has to do with only these.
    """

    at: tuple[int, ...]
    dependencies: dict[int, Dependency]
    alone: dict[str, float]
    shares: dict[str, float]

    @classmethod
    def of(cls, watch: Watch, scores: Scores) -> Broken:
        """Nothing where no dependency is broken."""
        keys = watch.layout.keys
        score = np.maximum(np.maximum(scores.never, scores.baseline), scores.rare)
        places = [i for i, k in enumerate(keys) if k.feature == "dependency"]
        at = sorted((i for i in places if score[i] >= 1), key=lambda i: -score[i])
        if not at:
            return cls((), {}, {}, {})
        believed = [i for i in places if watch.baseline.count[i] >= AFTER]
        dependencies = {i: Dependency.parse(keys[i].value or "") for i in {*at, *believed}}
        asked: dict[str, int] = {}
        broken: dict[str, int] = {}
        for i, dependency in dependencies.items():
            for column in accountable(dependency):
                asked[column] = asked.get(column, 0) + 1
                broken[column] = broken.get(column, 0) + int(score[i] >= 1)
        alone: dict[str, float] = {}
        own = np.maximum(score, scores.range)
        for i in np.flatnonzero(own >= 1).tolist():
            if keys[i].feature != "dependency":
                alone[keys[i].column] = max(alone.get(keys[i].column, 0.0), float(own[i]))
        for column, new in scores.new.items():
            alone[column] = max(alone.get(column, 0.0), new)
        return cls(tuple(at), dependencies, alone, {c: broken[c] / asked[c] for c in asked})

    def ranked(self, i: int) -> tuple[str, ...]:
        """A dependency's columns, the likeliest culprit first."""
        columns = self.dependencies[i].columns
        if self.dependencies[i].form in (Form.PART, Form.DETERMINES):
            columns = columns[
                ::-1
            ]  # clocks more often than what is read off them, and what was made than its sources
        return tuple(
            sorted(
                columns, key=lambda c: (-self.alone.get(c, 0.0), -self.shares.get(c, 0.0), columns.index(c))
            )
        )

    def culprit(self, i: int) -> str:
        return self.ranked(i)[0]


def accountable(dependency: Dependency) -> tuple[str, ...]:
    """The columns that a break speaks against: of two that are empty together, the one that is so alone."""
    return dependency.columns[:1] if dependency.form is Form.EMPTY else dependency.columns


def sources(dependencies: Iterable[Dependency], place: Callable[[str], int]) -> dict[str, frozenset[str]]:
    """For each column those that it follows from by itself alone; of two that follow from each other the first."""
    pairs = set()
    for d in dependencies:
        if d.form is Form.LINEAR and len(d.columns) == 2:
            pairs |= {(d.columns[0], d.columns[1]), (d.columns[1], d.columns[0])}
        if d.form in (Form.PART, Form.MAPPED):
            pairs.add((d.columns[1], d.columns[0]))
        elif d.form is Form.DETERMINES and len(d.columns) == 2:
            pairs.add((d.columns[0], d.columns[1]))
    found: dict[str, set[str]] = {}
    for source, made in pairs:
        if (made, source) not in pairs or place(source) < place(made):
            found.setdefault(made, set()).add(source)
    return {made: frozenset(of) for made, of in found.items()}
