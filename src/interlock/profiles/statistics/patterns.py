"""What texts look like: runs of letters, digits and spaces, other characters as they are."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Any

from interlock import settings
from interlock.engines.schema import Kind
from interlock.profiles.profile import StatisticClass
from interlock.profiles.statistics.family import Counts, Family, Meaning, Scope, State, Values

REST = "…"
_CLASSES = (
    (re.compile(r"[^\W\d_]+"), "A"),
    (re.compile(r"\d+"), "9"),
    (re.compile(r"\s+"), " "),
)


@lru_cache(maxsize=65_536)
def pattern_of(text: str) -> str:
    """The pattern of a text's first characters. Remembered, since tables repeat their values.

    >>> pattern_of("N14228"), pattern_of("2013-01-01 05:00")
    ('A9', '9-9-9 9:9')
    """
    cut = text[: settings.current().pattern_length_max]
    for pattern, letter in _CLASSES:
        cut = pattern.sub(letter, cut)
    return cut


def _shares(counts: Counts) -> Values:
    """Patterns of the most frequent values, as many as are looked at, with the rows that have them."""
    found: Counter[str] = Counter()
    for text, n in zip(counts.values, counts.counts, strict=True):
        found[pattern_of(text)] += n
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    kept = settings.current().patterns_max
    patterns = dict(ranked[:kept])
    if len(ranked) > kept:
        patterns[REST] = patterns.get(REST, 0) + sum(n for _, n in ranked[kept:])
    return {"patterns": patterns}


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    sample = sorted((row[0] or {}).items())
    return _shares(Counts(tuple(v for v, _ in sample), tuple(n for _, n in sample)))


def _aggregates(scope: Scope) -> tuple[str, ...]:
    text = f"left({scope.x}, {settings.current().pattern_length_max})"
    return (f"histogram(CASE WHEN {scope.row_sample} THEN {text} END)",) if scope.row_sample else ()


def _merge(a: State, b: State) -> Values:
    return {"patterns": None}


FAMILY = Family(
    means={
        "patterns": Meaning(
            "Character-class patterns with the rows that have them: A letters, 9 digits, runs collapsed;"
            f" rarer patterns are counted under {REST!r}.",
            "rows",
            error="rows are those of a sample",
        )
    },
    applies=lambda column: column.kind is Kind.TEXT,
    over_sample=_aggregates,
    read=_read,
    count=lambda scope, counts: _shares(counts),
    merge=_merge,
    classes=lambda scope, name: StatisticClass.EXACT if scope.counted else StatisticClass.DETERMINISTIC,
    core=False,
    of_sample=frozenset({"patterns"}),
)
