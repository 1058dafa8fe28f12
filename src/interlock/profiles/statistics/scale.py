"""How many decimals numbers use."""

from __future__ import annotations

from typing import Any

from interlock.engines.schema import Kind
from interlock.profiles.statistics.family import Counts, Family, Meaning, Scope, State, Values, sampled

DECIMALS_MAX = 6


def decimals_of(number: float) -> int:
    """Decimals a number needs, 7 for more than six; the same arithmetic as the SQL.

    >>> decimals_of(3.0), decimals_of(0.25), decimals_of(1 / 3)
    (0, 2, 7)
    """
    for places in range(DECIMALS_MAX + 1):
        shifted = number * 10.0**places
        if abs(shifted) >= 2.0**52 or abs(shifted - round(shifted)) <= abs(shifted) * 1e-15:
            return places
    return DECIMALS_MAX + 1


def _aggregates(scope: Scope) -> tuple[str, ...]:
    number = f"CAST({scope.finite} AS DOUBLE)"
    cases = []
    for places in range(DECIMALS_MAX + 1):
        shifted = f"({number} * 1e{places})"
        cases.append(
            f"WHEN abs({shifted}) >= 4503599627370496 OR"
            f" abs({shifted} - round_even({shifted}, 0)) <= abs({shifted}) * 1e-15 THEN {places}"
        )
    return (f"max(CASE WHEN {number} IS NULL THEN NULL {' '.join(cases)} ELSE {DECIMALS_MAX + 1} END)",)


def _read(scope: Scope, row: tuple[Any, ...], rows: int) -> Values:
    return {"scale": row[0]}


def _count(scope: Scope, counts: Counts) -> Values:
    return {"scale": max((decimals_of(float(v)) for v in counts.values), default=None)}


def _merge(a: State, b: State) -> Values:
    found = (a.get("scale"), b.get("scale"))
    return {"scale": None if None in found else max(v for v in found if v is not None)}


FAMILY = Family(
    means={
        "scale": Meaning(
            "The most decimals a number uses; 7 stands for more than six.",
            "digits",
            error="of a sample: a lower bound",
        )
    },
    applies=lambda column: column.kind in (Kind.FLOAT, Kind.DECIMAL),
    over_sample=_aggregates,
    read=_read,
    count=_count,
    merge=_merge,
    classes=sampled,
    of_sample=frozenset({"scale"}),
    core=False,
)
