"""Causes that show in many columns of one partition at once: one loss or change upstream.

Where several columns break the same way in the same partition, nobody broke them one
by one. These recognisers come before those of single columns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from interlock.alerts.cause import Cause, Context, named, of_columns
from interlock.constraints.constraint import Violation
from interlock.profiles.profile import ColumnProfile

BROAD = 4  # columns that break the same way in one partition from which it is one cause
_ROWS_MIN = 20  # a smaller partition may hold one value, or a default, by chance
_DEFAULT_SHARE = 0.2  # of the values, more than usual, from which a default explains a column
_CONSTANT_BEFORE = 3.0  # different values that are usual in a column that can be called frozen
# What programs write where they know nothing; as text, numbers as they print.
_DEFAULTS = frozenset(
    {"-1", "0", "-9", "-99", "-999", "-9999", "99", "999", "9999", "99999", "999999"}
    | {"", "?", "-", "na", "n/a", "nan", "none", "null", "nil", "unknown", "undefined", "missing", "default"}
    | {"1970-01-01", "1900-01-01", "0001-01-01", "9999-12-31", "2000-01-01"}
)


def emptied(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Nulls in many columns that never had them, or not together: a feed behind them stopped."""
    relations = [v for v in rest if v.statistic == "null relation"]
    never = [v for v in rest if v.statistic == "nulls" and v.rows is not None]
    if not relations and len({v.column for v in never}) < BROAD:
        return
    touched = [v.columns[0] for v in rest if v.statistic in ("null relation", "nulls") and v.columns]
    columns = [c for c in dict.fromkeys(touched) if context.more_nulls(c)]
    if len(columns) < BROAD:
        return
    rows = max(context.profile.columns[c]["nulls"] or 0 for c in columns if c in context.profile.columns)
    words = f"{named(columns)} are empty in up to {rows:,} rows: one loss upstream"
    yield Cause(words, of_columns(rest, columns), tuple(columns), "nulls")


def defaulted(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """A value that stands for "unknown" took the place of many: −1, 0, an empty text, 1970."""
    found: dict[str, list[str]] = {}
    for column in _columns(rest):
        value = _default(context, column)
        if value is not None:
            found.setdefault(value, []).append(column)
    for value, columns in found.items():
        rows = max(_top(context.profile.columns[c])[1] for c in columns)
        shown = "a default value" if any(map(context.hides, columns)) else f"the default value {value!r}"
        words = f"{named(columns)} {'holds' if len(columns) == 1 else 'hold'} {shown} in {rows:,} rows"
        detail = None if any(map(context.hides, columns)) else value
        yield Cause(words, of_columns(rest, columns), tuple(columns), "default", detail)


def frozen(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Columns that hold one value where they held many, or whose newest moment is old."""
    stuck = [c for c in _columns(rest) if _stuck(context, c)]
    if stuck:
        words = (
            f"{named(stuck)} {'holds' if len(stuck) == 1 else 'hold'} one value in every row: a frozen source"
        )
        yield Cause(words, of_columns(rest, stuck), tuple(stuck), "frozen")


def _columns(rest: tuple[Violation, ...]) -> list[str]:
    return list(dict.fromkeys(v.column for v in rest if v.column and v.statistic != "schema"))


def _top(column: ColumnProfile) -> tuple[str, int]:
    """The most frequent value as text, and its rows; ``("", 0)`` without one."""
    top = column["top"]
    return (_text(top[0][0]), int(top[0][1])) if top else ("", 0)


def _text(value: Any) -> str:
    if isinstance(value, float | Decimal) and value == int(value):
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _default(context: Context, column: str) -> str | None:
    """The default that explains what broke in a column; None where none does."""
    profiled = context.profile.columns.get(column)
    if profiled is None or context.profile.rows < _ROWS_MIN or context.expected is None:
        return None
    value, rows = _top(profiled)
    known = context.profile.rows - int(profiled["nulls"] or 0)
    if value.strip().casefold() not in _DEFAULTS or not known:
        return None
    usual = _usually(context, column, value)
    return value if usual is not None and rows / known - usual >= _DEFAULT_SHARE else None


def _usually(context: Context, column: str, value: str) -> float | None:
    """The largest share of its rows that a value usually has; None where nobody knows."""
    assert context.expected is not None
    if value == "0" and (zeros := context.expected.pair(column, "zeros")) is not None:
        return zeros[1]
    if value.startswith("-") and (negatives := context.expected.pair(column, "negatives")) is not None:
        return negatives[1]
    top = context.expected.pair(column, "top")
    return top[1] if top is not None else None


def _stuck(context: Context, column: str) -> bool:
    profiled, expected = context.profile.columns.get(column), context.expected
    if profiled is None or expected is None or context.profile.rows < _ROWS_MIN:
        return False
    if profiled["distinct"] != 1 or profiled["nulls"] == context.profile.rows:
        return False
    domain = context.learned.watch.domains.get(column) if context.learned is not None else None
    if domain is not None:
        return len(domain.seen) >= _CONSTANT_BEFORE
    usual = expected.pair(column, "distinct")
    if usual is not None:
        return usual[1] >= _CONSTANT_BEFORE
    least, most = expected.pair(column, "min"), expected.pair(column, "max")
    return least is not None and most is not None and least[1] < most[1]
