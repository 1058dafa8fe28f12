"""Columns that hold one value in each partition, which only repeats its date or its label."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.detect.calendar import CONSTANT, PARTS
from interlock.detect.layout import Observation

BROKEN_SCORE = 3.0  # a column that followed the date in every partition and does not now is no chance


class Dated:
    """For each such column what its values followed so far; a column that followed nothing is not here."""

    def __init__(self) -> None:
        self.follows: dict[str, frozenset[str]] = {}
        self.constants: dict[str, float] = {}  # of the first partition's single values

    def copy(self) -> Dated:
        twin = Dated()
        twin.follows, twin.constants = dict(self.follows), dict(self.constants)
        return twin

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(self.follows)

    def score(self, seen: Observation, single: Mapping[str, float]) -> dict[str, float]:
        """Columns of a partition with rows that do not follow its date; ``single`` values as `Layout.single`."""
        return {
            c: BROKEN_SCORE
            for c, parts in self.follows.items()
            if seen.rows
            and CONSTANT not in parts
            and not (c in single and self._fits(c, single[c], seen) & parts)
        }

    def begin(self, seen: Observation, single: Mapping[str, float]) -> None:
        """Learn from the first partition."""
        self.constants = dict(single)
        self.follows = {c: self._fits(c, v, seen) for c, v in single.items()}

    def admit(self, seen: Observation, single: Mapping[str, float]) -> None:
        """Keep what a later partition follows too."""
        kept = {c: self._fits(c, single[c], seen) & p for c, p in self.follows.items() if c in single}
        self.follows = {c: parts for c, parts in kept.items() if parts - {CONSTANT}}

    def _fits(self, column: str, value: float, seen: Observation) -> frozenset[str]:
        """The explanations of a column's only value that still hold."""
        parts = {name for name, part in PARTS.items() if seen.time is not None and part(seen.time) == value}
        if as_number(seen.label) == value:
            parts.add("label")
        if self.constants.get(column, value) == value:
            parts.add(CONSTANT)
        return frozenset(parts)


def as_number(text: str) -> float | None:
    """The number that a text says, None if none."""
    try:
        return float(text)
    except ValueError:
        return None
