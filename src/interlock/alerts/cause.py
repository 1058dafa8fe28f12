"""Causes that are recognised from what broke, each as a plain sentence.

A recogniser is a function of the context and the violations nobody explained
yet; it gives back the causes it found with the violations each explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from interlock.constraints.constraint import Violation
from interlock.detect import Learned
from interlock.detect.blame import Suspicion
from interlock.detect.expected import Expected
from interlock.names import Origin
from interlock.profiles.profile import Profile

# Ratios that are a change of unit, with their usual name.
_RATIOS = (
    (100.0, "×100, such as euros to cents or a share to percent"),
    (1_000.0, "×1,000, such as kilo to base unit or seconds to milliseconds"),
    (60.0, "×60, such as minutes to seconds"),
    (3_600.0, "×3,600, such as hours to seconds"),
    (24.0, "×24, such as days to hours"),
    (10.0, "×10"),
    (1.609344, "×1.609, miles to kilometres"),
    (0.3048, "×0.3048, feet to metres"),
    (0.453592, "×0.4536, pounds to kilograms"),
    (2.54, "×2.54, inches to centimetres"),
)
_CLOSE = 0.06  # of the logarithm of a ratio
_COUNTS = frozenset({"rows", "distinct", "key_duplicates", "row_duplicates"})
_SUSPECTS_MAX = 24  # columns tried for a swap, the loudest first; pairs grow with the square
_NAMES_MAX = 3  # columns named in a sentence before "and 12 more"
MASKED = "•••"
_DRIFT = {"missing": "missing", "added": "new", "retyped": "of another type"}


@dataclass(frozen=True, slots=True)
class Cause:
    """``words`` is None where nothing was recognised. ``columns`` come first in the alert.

    ``detail`` tells causes of one kind apart, such as the factor of a unit.
    """

    words: str | None
    violations: tuple[Violation, ...]
    columns: tuple[str, ...] = ()
    kind: str = "unexplained"
    detail: str | None = None


class Context:
    """What recognisers look at."""

    def __init__(
        self,
        violations: tuple[Violation, ...],
        learned: Learned | None,
        profile: Profile,
        label: str,
        sensitive: Collection[str] = (),
        key: tuple[str, ...] = (),
    ) -> None:
        self.violations, self.learned, self.profile, self.label = violations, learned, profile, label
        self.key = key
        self.sensitive = frozenset(name.casefold() for name in sensitive)

    def hides(self, column: str) -> bool:
        """Whether a column's values must not be quoted: it is sensitive, or what broke in it was masked."""
        if column.casefold() in self.sensitive:
            return True
        return any(v.observed == MASKED for v in self.violations if column in (v.column, *v.columns))

    @cached_property
    def expected(self) -> Expected | None:
        """What history expects of this partition; None without one."""
        return self.learned.expected(self.profile, self.label) if self.learned is not None else None

    @cached_property
    def suspicion(self) -> Suspicion | None:
        """What speaks against each column; None without a history."""
        return self.learned.suspicion(self.profile, self.label) if self.learned is not None else None

    def more_nulls(self, column: str) -> bool:
        """Whether a column has more nulls than expected; True where nobody knows."""
        expected = self.expected
        return expected is None or expected.direction(column, "nulls") >= 0


def named(columns: Sequence[str]) -> str:
    """``a``; ``a and b``; ``13 columns (a, b, c and 10 more)``."""
    if len(columns) <= 2:
        return " and ".join(columns)
    more = f" and {len(columns) - _NAMES_MAX:,} more" if len(columns) > _NAMES_MAX else ""
    return f"{len(columns):,} columns ({', '.join(columns[:_NAMES_MAX])}{more})"


def of_columns(violations: Iterable[Violation], columns: Iterable[str]) -> tuple[Violation, ...]:
    """The violations that are about any of these columns."""
    wanted = set(columns)
    return tuple(v for v in violations if wanted & {*v.columns, v.column})


Recogniser = Callable[[Context, tuple[Violation, ...]], Iterator[Cause]]


def drifted(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Several columns that came, went or changed their type: one change upstream."""
    mine = tuple(v for v in rest if v.statistic == "schema" and v.column)
    if len(mine) < 2:
        return
    words = []
    for what, word in _DRIFT.items():
        names = [v.column for v in mine if v.column and v.observed.startswith(f"{what}:")]
        if names:
            more = f" and {len(names) - _NAMES_MAX:,} more" if len(names) > _NAMES_MAX else ""
            words.append(f"{len(names):,} {word} ({', '.join(names[:_NAMES_MAX])}{more})")
    yield Cause("the columns changed: " + ", ".join(words), mine, kind="drift")


def duplicated(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Rows that repeat each other, with every count they move. Where only keys repeat, these are broken."""
    whole = next((v for v in rest if v.statistic == "row_duplicates"), None)
    first = whole or next((v for v in rest if v.statistic in ("key_duplicates", "unique")), None)
    if first is None:
        return
    rows, total = first.rows or 0, max(context.profile.rows, 1)
    words = f"{rows:,} of {total:,} rows repeat another" + ("" if whole else "'s key")
    if 0.45 <= rows / total <= 0.55:
        words = f"the load ran twice: {words}"
    mine = tuple(v for v in rest if v is first or v.statistic in _COUNTS or v.column is None)
    yield Cause(words, mine, () if whole else first.columns or context.key, kind="duplicated")


def copied(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """An earlier partition under this one's label; whatever else is odd about it follows from that."""
    found = next((v for v in rest if v.statistic == "copied"), None)
    if found is not None:
        mine = tuple(v for v in rest if v.origin is Origin.LEARNED)
        yield Cause(f"the load is a copy: {found.observed}", mine, kind="copied")


def swapped(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Two columns that each look like the other's past."""
    expected = context.expected
    if expected is None:
        return
    suspects = list(dict.fromkeys(c for v in rest for c in v.columns))[:_SUSPECTS_MAX]
    for a, b in expected.alike(suspects):
        mine = tuple(v for v in rest if set(v.columns) & {a, b})
        yield Cause(f"{a} and {b} look swapped", mine, (a, b), "swapped")
        return


def unit(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """A column whose location and spread grew by one familiar factor."""
    if context.expected is None:
        return
    moved = ("mean", "stddev", "q50", "q95", "min", "max")
    found: dict[str, list[str]] = {}
    for column in dict.fromkeys(v.column for v in rest if v.column and v.statistic in moved):
        name = _unit(context.expected, column)
        if name is not None:
            found.setdefault(name, []).append(column)
    for name, columns in found.items():
        looks = "looks" if len(columns) == 1 else "look"
        words = f"{named(columns)} {looks} like another unit: {name}"
        yield Cause(words, of_columns(rest, columns), tuple(columns), "unit", name.partition(",")[0])


def _unit(expected: Expected, column: str) -> str | None:
    """The familiar factor a column was multiplied or divided by."""
    ratio = expected.ratio(column)
    if ratio is not None:
        for factor, name in _RATIOS:
            if abs(math.log(ratio / factor)) < _CLOSE:
                return name
            if abs(math.log(ratio * factor)) < _CLOSE:
                return f"÷{factor:g}, the reverse of {name}"
    spread = expected.spread_ratio(column)  # too wild to compare closely: the values tell
    for factor, name in _RATIOS:
        whole = factor == int(factor) and factor > 10
        if whole and spread and factor / 3 < spread < factor * 3 and expected.multiples_of(column, factor):
            return name
    return None


def negated(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Negative values where there were none."""
    found = [v for v in rest if v.statistic == "negatives" and v.rows and v.column]
    columns = tuple(dict.fromkeys(v.column for v in found if v.column))
    if not columns:
        return
    most = max(found, key=lambda v: v.rows or 0)
    words = f"in {most.rows:,} rows, {most.share or 0:.0%}"
    said = (
        f"{named(columns)} is negative {words}; it never was"
        if len(columns) == 1
        else f"{named(columns)} are negative in up to {most.rows:,} rows; they never were"
    )
    mine = tuple(v for v in rest if v in found or (v.column in columns and v.segment is None))
    yield Cause(said, mine, columns, "negated")


def lost(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """A value that was in every partition is gone, and every other share moved with it."""
    gone = [v for v in rest if v.statistic == "present"]
    if not gone:
        return
    first = max(gone, key=lambda v: v.score)
    beyond = ("domain", "min", "max")  # of numbers what is new lies beyond all before
    if any(v.column == first.column and v.statistic in beyond for v in rest):
        yield Cause(
            f"{first.column} holds other values than ever before",
            tuple(v for v in rest if v.column == first.column),
            (first.column,) if first.column else (),
            "values",
        )
        return
    others = len({v.observed for v in gone if v.column == first.column}) - 1
    words = f"one source is missing: {first.observed} in {first.column}" + (
        f" and {others} more" if others else ""
    )
    yield Cause(words, rest, (first.column,) if first.column else (), "lost")


def empty(context: Context, rest: tuple[Violation, ...]) -> Iterator[Cause]:
    """Nulls: in one column, a fault of it; in the same rows of several as before, an event or an upstream loss."""
    relations = [v for v in rest if v.statistic == "null relation"]
    nulls = [v for v in rest if v.statistic == "nulls" and v.column]
    if relations:
        first = max(relations, key=lambda v: v.score)
        column = first.columns[0]
        mine = tuple(v for v in rest if v in relations or v.column == column)
        more = context.more_nulls(column)
        words = f"{column} is {'empty' if more else 'filled'} in {first.rows or 0:,} rows where it never was"
        yield Cause(words, mine, (column,), "nulls")
        return
    columns = list(dict.fromkeys(v.column for v in nulls if v.column))
    if len(columns) >= 3:
        words = (
            f"coherent shift: {', '.join(columns[:3])} and others are empty in the same rows, as they are at times; "
            "an event in the world, or one upstream loss"
        )
        yield Cause(words, rest, kind="shift")
