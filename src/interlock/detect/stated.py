"""Learned constraints as SQL a person can read, keep and edit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import numpy as np

from interlock.constraints.constraint import Constraint, Level
from interlock.detect import wording
from interlock.detect.calendar import CONSTANT
from interlock.detect.features import PATTERN, TABLE, Array, Family, Key
from interlock.detect.invariants import AFTER
from interlock.detect.novelty import Domain
from interlock.detect.watch import Watch
from interlock.names import Origin, Severity

NEVER_NAMES = {
    "nulls": "never_null",
    "zeros": "never_zero",
    "negatives": "never_negative",
    "nans": "never_nan",
    "infinities": "never_infinite",
    "key_duplicates": "key_unique",
    "row_duplicates": "rows_unique",
    "key_gaps": "key_complete",
}
_NEVER_SQL = {
    "nulls": "{c} IS NOT NULL",
    "zeros": "{c} <> 0",
    "negatives": "{c} >= 0",
    "nans": "NOT isnan({c})",
    "infinities": "NOT isinf({c})",
}
_CLOSED_MAX = 64  # a longer list of values is no sentence


def constraints(watch: Watch) -> tuple[Constraint, ...]:
    """Everything learned, invariants before baselines, columns in the data's order."""
    if watch.partitions < AFTER:
        return ()
    found: dict[str, Constraint] = {}
    for part in PARTS:
        for constraint in part(watch):
            found.setdefault(constraint.name, constraint)
    return tuple(found.values())


def count(watch: Watch) -> int:
    """How many things `judge` looks at, without writing them out."""
    if watch.partitions < AFTER:
        return 0
    never, places = watch.never, watch.layout.places
    held = never.clean[places.never] & (never.partitions[places.never] >= AFTER)
    known = watch.layout.compared & (watch.baseline.count >= AFTER)
    extremes = np.setdiff1d(np.concatenate([places.low, places.high]), places.steady)
    ranges = watch.range.known()[extremes]
    pairs = np.triu(watch.order.held_equal(), 1).sum() + watch.order.held_below().sum()
    losses = watch.baseline.count[watch.layout.losses] >= AFTER
    return int(held.sum() + known.sum() + ranges.sum() + pairs + losses.sum() + len(watch.domains))


def bounds(watch: Watch, season: int, time: dt.datetime | None, errors: Array) -> tuple[Array, Array]:
    """Lowest and highest value of each feature that raises no alarm, in plain units."""
    low, high = watch.baseline.limits(watch.thresholds, errors, season)
    counts, (least, most) = watch.layout.places.steady, watch.limits()
    low[counts], high[counts] = np.maximum(low, least)[counts], np.minimum(high, most)[counts]
    return watch.layout.plain(low, time), watch.layout.plain(high, time)


def _never(watch: Watch) -> Iterator[Constraint]:
    never = watch.never
    for i in watch.layout.places.never:
        key = watch.layout.keys[i]
        if not never.clean[i] or never.partitions[i] < AFTER or key.feature not in _NEVER_SQL:
            continue
        if key.feature in ("nans", "infinities") and not _is_float(watch, key):
            continue
        yield _constraint(
            wording.name(key, NEVER_NAMES[key.feature]),
            _NEVER_SQL[key.feature].format(c=wording.identifier(key.column)),
            Level.ROW,
            (key.column,),
            "never",
            {"partitions": int(never.partitions[i]), "rows": int(never.rows[i]), "why": "held in every row"},
        )


def _is_float(watch: Watch, key: Key) -> bool:
    """Whole numbers have neither NaN nor infinity, and saying so helps nobody."""
    at = watch.layout.at.get(Key(key.column, "distinct"))
    return at is None


def _ranges(watch: Watch) -> Iterator[Constraint]:
    state, layout = watch.range, watch.layout
    low, high = watch.limits()
    for column in layout.columns:
        for names, text in ((("min", "max"), "{c}"), (("length_min", "length_max"), "length({c})")):
            at = [layout.at.get(Key(column, n)) for n in names]
            if (
                at[0] is None
                or at[1] is None
                or state.partitions[at[0]] < AFTER
                or column in watch.dated.follows
            ):
                continue
            ends = low[at[0]], high[at[1]]
            if not np.isfinite(ends).all():
                continue
            what = "range" if names[0] == "min" else "length"
            yield _constraint(
                f"{column}_{what}",
                f"{text.format(c=wording.identifier(column))} "
                f"BETWEEN {_sql_number(ends[0])} AND {_sql_number(ends[1])}",
                Level.ROW,
                (column,),
                "range",
                {
                    "partitions": int(state.partitions[at[0]]),
                    "why": f"seen {_sql_number(state.low[at[0]])} to {_sql_number(state.high[at[1]])}",
                },
            )


def _domains(watch: Watch) -> Iterator[Constraint]:
    for column, domain in watch.domains.items():
        if column.startswith(PATTERN) or column in watch.dated.follows or not _closed(domain):
            continue
        values = sorted(domain.seen)
        listed = ", ".join(wording.literal(v) if _is_text(watch, column) else v for v in values)
        yield _constraint(
            f"{column}_domain",
            f"{wording.identifier(column)} IN ({listed})",
            Level.ROW,
            (column,),
            "domain",
            {"partitions": domain.partitions, "rows": domain.rows, "why": f"{domain.once} values seen once"},
        )


def _closed(domain: Domain) -> bool:
    return (
        not domain.open
        and domain.partitions >= AFTER
        and 0 < len(domain.seen) <= _CLOSED_MAX
        and domain.once <= 0.02 * domain.partitions
    )


def _is_text(watch: Watch, column: str) -> bool:
    return Key(column, "length_mean") in watch.layout.at


def _present(watch: Watch) -> Iterator[Constraint]:
    for column, domain in watch.domains.items():
        if column.startswith(PATTERN) or column in watch.dated.follows or domain.partitions < 2 * AFTER:
            continue
        always = sorted(v for v, least in domain.least.items() if least >= 3)
        if not 0 < len(always) <= _CLOSED_MAX or not _closed(domain):
            continue
        name = wording.identifier(column)
        quote = wording.literal if _is_text(watch, column) else str
        yield _constraint(
            f"{column}_present",
            " AND ".join(f"count_if({name} = {quote(v)}) > 0" for v in always),
            Level.TABLE,
            (column,),
            "present",
            {"partitions": domain.partitions, "why": f"{len(always)} values were in every partition"},
        )


def _orders(watch: Watch) -> Iterator[Constraint]:
    columns, order = watch.layout.columns, watch.order
    equal = order.held_equal()
    for matrix, sign in ((np.triu(equal, 1), "="), (order.held_below() & ~equal, ">=")):
        for a, b in zip(*np.nonzero(matrix), strict=True):
            if a == b:
                continue
            first, second = wording.identifier(columns[a]), wording.identifier(columns[b])
            yield _constraint(
                f"{columns[a]}_nulls_{columns[b]}",
                f"count({first}) {sign} count({second})",
                Level.TABLE,
                (columns[a], columns[b]),
                "null relation",
                {"partitions": watch.partitions, "why": f"equal and not zero in {order.agreed[a, b]}"},
            )


def _calendars(watch: Watch) -> Iterator[Constraint]:
    for column, parts in watch.dated.follows.items():
        if parts - {CONSTANT}:
            name = wording.identifier(column)
            yield _constraint(
                f"{column}_calendar",
                f"min({name}) = max({name})",
                Level.TABLE,
                (column,),
                "calendar",
                {
                    "partitions": watch.partitions,
                    "why": f"always the partition's {' or '.join(sorted(parts))}",
                },
            )


def _baselines(watch: Watch) -> Iterator[Constraint]:
    layout = watch.layout
    known = layout.compared & (watch.baseline.count >= AFTER)
    every = [bounds(watch, s, None, watch.baseline.error) for s in range(watch.seasons) if _met(watch, s)]
    low = reduce(np.fmin, (b[0] for b in every))
    high = reduce(np.fmax, (b[1] for b in every))
    for i in np.flatnonzero(known):
        key = layout.keys[i]
        text = wording.sql(key)
        if key.column in watch.dated.follows or key.family is Family.MOMENT or text is None:
            continue
        if key.family is Family.SHARE and low[i] <= 0 and high[i] >= 1:
            continue
        yield _constraint(
            wording.name(key),
            f"{text} BETWEEN {_sql_number(low[i])} AND {_sql_number(high[i])}",
            Level.TABLE,
            (key.column,) if key.column != TABLE else (),
            "baseline",
            {"partitions": int(watch.baseline.count[i]), "why": "usual by season and recent level"},
            severity=Severity.TICKET,
        )


def _met(watch: Watch, season: int) -> bool:
    return bool((watch.baseline.seen[season] > 0).any())


PARTS: tuple[Callable[[Watch], Iterator[Constraint]], ...] = (
    _never,
    _domains,
    _present,
    _ranges,
    _orders,
    _calendars,
    _baselines,
)


def _sql_number(value: float) -> str:
    """A number in SQL, with no more digits than four decimals of its size need."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return np.format_float_positional(float(f"{value:.5g}"), trim="-")


def _constraint(
    name: str,
    sql: str,
    level: Level,
    columns: tuple[str, ...],
    kind: str,
    evidence: dict[str, Any],
    *,
    severity: Severity = Severity.PAGE,
) -> Constraint:
    return Constraint(
        name=name,
        sql=sql,
        level=level,
        columns=columns,
        kind=kind,
        origin=Origin.LEARNED,
        severity=severity,
        block=False,
        evidence=evidence,
    )
