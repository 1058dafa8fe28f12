"""Causes that change how values are written or when they lie, and none of what they mean."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.alerts.cause import Cause, Context, named, of_columns
from interlock.constraints.constraint import Violation
from interlock.detect.features import PATTERN, value_text

_MANGLED = ("\N{REPLACEMENT CHARACTER}", "Ã", "Â", "â€")  # UTF-8 that was read as Latin-1, or not at all
_HOUR_S = 3_600.0
_STEP_S = _HOUR_S / 2  # time zones differ by whole or half hours, a few by quarters
_HOURS_MAX = 14.0
_MOMENTS = ("t25", "t50", "t75")
_HALF = 0.5  # of the usual rows; the world itself seldom halves them
_CLOSE_S = 600.0  # how far from a whole half hour, and from each other, the quartiles may lie


def recased(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """New values that are the known ones in other letters or with broken ones."""
    found: dict[str, list[str]] = {}
    for column in dict.fromkeys(v.column for v in rest if v.column and v.statistic in ("domain", "pattern")):
        if (what := _respelled(context, column)) is not None:
            found.setdefault(what, []).append(column)
    for what, columns in found.items():
        words = f"{named(columns)} {'is' if len(columns) == 1 else 'are'} written in {what}"
        yield Cause(words, of_columns(rest, columns), tuple(columns), "spelling", what)


def _respelled(context: Context, column: str) -> str | None:
    profiled, learned = context.profile.columns.get(column), context.learned
    if profiled is None or learned is None:
        return None
    known, domain = learned.watch.domains.get(column), profiled["domain"] or profiled["top"] or []
    texts = [value_text(v) for v, _ in domain if v is not None]
    seen = known.seen.keys() if known is not None else frozenset[str]()
    new = [t for t in texts if t not in seen]
    if new and any(mark in t for t in new for mark in _MANGLED):
        return "another encoding"
    folded = {v.casefold() for v in seen}
    if new and folded and all(t.casefold() in folded for t in new):
        return "another letter case"
    patterns = learned.watch.domains.get(PATTERN + column)
    shapes = [p for p in profiled["patterns"] or {} if patterns is not None and p not in patterns.seen]
    shaped = {p.casefold() for p in patterns.seen} if patterns is not None else set()
    return "another letter case" if shapes and all(s.casefold() in shaped for s in shapes) else None


def shifted(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Moments that all lie a few whole or half hours from where they are expected: another time zone."""
    found: dict[float, list[str]] = {}
    moments = ("earliest", "latest", "t05", "t25", "t50", "t75", "t95")
    for column in dict.fromkeys(v.column for v in rest if v.column and v.statistic in moments):
        if (hours := _hours(context, column)) is not None:
            found.setdefault(hours, []).append(column)
    for hours, columns in found.items():
        words = f"{named(columns)} {'lies' if len(columns) == 1 else 'lie'} {hours:+g} hours off: another time zone"
        yield Cause(words, of_columns(rest, columns), tuple(columns), "shifted", f"{hours:+g}h")


def _hours(context: Context, column: str) -> float | None:
    if context.expected is None:
        return None
    pairs = [p for f in _MOMENTS if (p := context.expected.pair(column, f)) is not None]
    apart = [now - usual for now, usual in pairs]
    if len(apart) < 2:
        return None
    steps = round(sum(apart) / len(apart) / _STEP_S)
    if not steps or abs(steps) * _STEP_S > _HOURS_MAX * _HOUR_S:
        return None
    return steps * _STEP_S / _HOUR_S if all(abs(a - steps * _STEP_S) <= _CLOSE_S for a in apart) else None


def late(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """The newest moment of a column is older than it ever was: its source is frozen or late."""
    expected = context.expected
    if expected is None:
        return
    columns = [
        v.column
        for v in rest
        if v.column and v.statistic == "latest" and expected.direction(v.column, "latest") < 0
    ]
    columns = list(dict.fromkeys(columns))
    if columns:
        words = f"the newest {named(columns)} is older than it should be: a frozen or late source"
        yield Cause(words, of_columns(rest, columns), tuple(columns), "frozen")


def short(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Clearly fewer rows than usual: the load was cut off, or came before all of it was there."""
    expected = context.expected
    first = next((v for v in rest if v.statistic == "rows" and v.column is None and v.segment is None), None)
    pair = expected.pair("", "rows") if expected is not None else None
    if first is None or pair is None or pair[0] >= pair[1]:
        return
    rows, usual = pair
    what = (
        "the load is empty"
        if not rows
        else "the load is short"
        if rows < _HALF * usual
        else "fewer rows than usual"
    )
    why = "" if rows < _HALF * usual else "; a load cut short, or a quieter time"
    words = f"{what}: {rows:,.0f} where about {usual:,.0f} are usual, {rows / usual:.0%}{why}"
    mine = tuple(
        v
        for v in rest
        if v is first or v.column is None or v.statistic == "distinct" or v.score < first.score
    )
    yield Cause(words, mine, kind="truncated")
