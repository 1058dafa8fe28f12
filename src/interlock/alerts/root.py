"""Which column what broke in a partition goes back to.

A broken column breaks its own statistics, the relations that it takes part in, and both of
what is made from it. So the root of an alert is the column that explains most of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from interlock.constraints.constraint import Violation
from interlock.detect import Learned
from interlock.detect.blame import Suspicion

_VERY_LOUD = 19.0  # beyond, scores tell columns no better apart
_MADE = 0.9  # of what is made from a column it explains nearly as much as of itself
_SUSPICION = 0.3  # beside what a column explains; half or twice as much moves few alerts
_BEHIND = 0.1  # the last column of a table against the first, of those that alarm in themselves


def ranked(
    violations: Sequence[Violation], learned: Learned | None, suspicion: Suspicion | None = None
) -> tuple[str, ...]:
    """The columns of an alert's violations, the likeliest root first.

    They go by how much of the alert they explain, then by what else speaks against them. Of those
    that broke in themselves a table's first columns are likelier: what is made from others mostly
    stands behind them.
    """
    columns = tuple(dict.fromkeys(c for v in violations for c in v.about))
    explained = _explained(violations, columns, made(violations, columns, learned))
    most = max(explained.values(), default=1.0) or 1.0
    alone = {c for v in violations if len(v.about) == 1 for c in v.about}
    places = {c: learned.place(c) if learned is not None else 0 for c in columns}
    last = max(places.values(), default=0) or 1

    def weight(column: str) -> float:
        behind = _BEHIND * places[column] / last if column in alone else 0.0
        beside = _SUSPICION * suspicion.of(column) if suspicion is not None else 0.0
        return explained[column] / most + beside - behind

    loudest = _loudest(violations)
    return tuple(sorted(columns, key=lambda c: (-weight(c), -loudest[c], places[c], c)))


def made(
    violations: Iterable[Violation], columns: Iterable[str], learned: Learned | None
) -> dict[str, frozenset[str]]:
    """For each column all that are made from it, and still are: no constraint that ties the two broke."""
    broken = {v.constraint for v in violations}
    children: dict[str, set[str]] = {}
    for child, parents in (learned.sources if learned is not None else {}).items():
        for parent, ties in parents.items():
            if not ties & broken:
                children.setdefault(parent, set()).add(child)
    return {c: _reached(c, children) for c in columns}


def _reached(column: str, children: dict[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    left = [column]
    while left:
        fresh = children.get(left.pop(), set()) - found
        found |= fresh
        left += fresh
    return frozenset(found - {column})


def _explained(
    violations: Iterable[Violation], columns: Iterable[str], made: dict[str, frozenset[str]]
) -> dict[str, float]:
    """How much of what broke each column explains; what broke in one place in several ways counts once."""
    loudest: dict[frozenset[str], float] = {}
    for v in violations:
        place = frozenset(v.about)
        loudest[place] = max(loudest.get(place, 0.0), min(v.score, _VERY_LOUD))
    found = dict.fromkeys(columns, 0.0)
    alone = {c for place in loudest if len(place) == 1 for c in place}
    for place, score in loudest.items():
        for column in found:
            if column in place:
                found[column] += score
            elif made[column] & place and (len(place) > 1 or column in alone):
                found[column] += _MADE * score
    return found


def _loudest(violations: Iterable[Violation]) -> dict[str, float]:
    """Each column's loudest violation; of a relation it is half as much its own where it is not named first."""
    found: dict[str, float] = {}
    for v in violations:
        for place, column in enumerate(v.about):
            found[column] = max(found.get(column, 0.0), v.score * (1.0 if place == 0 else 0.5))
    return found
