"""What was learned, for people: a line a column in words, or every constraint with its evidence."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from interlock.cli import render
from interlock.cli.output import plain
from interlock.words import count

if TYPE_CHECKING:
    from interlock.constraints.constraint import Constraint
    from interlock.engines.schema import Column, Kind

LISTED_MAX = 30  # characters of a column's values; more are only counted
_SEEN = re.compile(r"seen (\S+) to (\S+)")
_BETWEEN = re.compile(r" BETWEEN (\S+) AND (\S+)$")


@dataclass(frozen=True, slots=True)
class About:
    """A column, and the constraints that are first of all about it; by what their names add to the column's."""

    name: str
    kind: Kind | None
    constraints: Mapping[str, Constraint]

    def seen(self, feature: str) -> tuple[str, str] | None:
        """The smallest and largest value met, as text."""
        return self._matched(_SEEN, str(self._evidence(feature).get("why", "")))

    def usual(self, feature: str) -> tuple[float, float] | None:
        """Between what a statistic of the partition usually is."""
        found = self._matched(_BETWEEN, self.constraints[feature].sql if feature in self.constraints else "")
        return (float(found[0]), float(found[1])) if found else None

    @property
    def partitions(self) -> int:
        return max((int(c.evidence.get("partitions", 0)) for c in self.constraints.values()), default=0)

    def _evidence(self, feature: str) -> Mapping[str, object]:
        return self.constraints[feature].evidence if feature in self.constraints else {}

    @staticmethod
    def _matched(pattern: re.Pattern[str], text: str) -> tuple[str, str] | None:
        match = pattern.search(text)
        return (match[1], match[2]) if match else None


def listing(learned: Sequence[Constraint], enforced: Collection[str]) -> RenderableType:
    """Every constraint: its name, its evidence, its SQL."""
    parts: list[RenderableType] = []
    for c in learned:
        line = Text(plain(c.name), style="bold").append(
            "  blocks" if _blocks(c, enforced) else "", style="bold red"
        )
        parts.append(line.append(f"  {plain(render.evidence(c.evidence))}", style="dim"))
        parts.append(Padding(Text(plain(c.sql)), (0, 0, 0, 4), expand=False))
    return Group(*parts)


def summary(
    learned: Sequence[Constraint], schema: Sequence[Column], enforced: Collection[str]
) -> RenderableType:
    """How much was learned from how much, then a line a column in the table's order."""
    whole = max(int(c.evidence.get("partitions", 0)) for c in learned)
    lines = render.grid("column", "learned", "what it normally holds", right=("learned",))
    for about in _columns(learned, schema):
        name = Text(plain(about.name), style="bold") if about.name else Text("the table", style="dim")
        said = Text(plain(" · ".join(words(about, whole))))
        blocking = sum(_blocks(c, enforced) for c in about.constraints.values())
        if blocking and "*" not in enforced:
            said.append(f" · {_blocking(blocking)}", style="bold red")
        lines.add_row(name, f"{len(about.constraints):,}", said)
    return Group(_head(learned, whole, enforced), Text(), lines)


def _head(learned: Sequence[Constraint], whole: int, enforced: Collection[str]) -> Text:
    rows = max(int(c.evidence.get("rows", 0)) for c in learned)
    said = f"{count(len(learned), 'constraint')} learned from {count(whole, 'partition')}"
    blocking = sum(_blocks(c, enforced) for c in learned)
    text = Text(said + (f", {count(rows, 'row')}" if rows else ""), style="bold")
    if blocking:
        text.append("; all block" if "*" in enforced else f"; {_blocking(blocking)}", style="bold red")
    return text


def _blocking(how_many: int) -> str:
    return f"{how_many:,} block{'s' if how_many == 1 else ''}"


def words(about: About, whole: int) -> list[str]:
    """What was learned of a column, the firmest first; ``whole`` is the number of partitions of the table."""
    found = [said for part in PARTS for said in part(about)]
    if about.kind is not None:
        found.append(about.kind.value)
    if about.constraints and about.partitions < whole:
        found.append(f"from {count(about.partitions, 'partition')}")
    return found


def _columns(learned: Sequence[Constraint], schema: Sequence[Column]) -> Iterator[About]:
    """The table itself, then its columns as they stand in it, then what it holds no more."""
    found: dict[str, dict[str, Constraint]] = {name: {} for name in ("", *(c.name for c in schema))}
    for c in learned:
        name = c.columns[0] if c.columns else ""
        found.setdefault(name, {})[c.name.removeprefix(f"{name}_")] = c
    kinds = {c.name: c.kind for c in schema}
    for name, constraints in found.items():
        if name or constraints:
            yield About(name, kinds.get(name), constraints)


def _blocks(constraint: Constraint, enforced: Collection[str]) -> bool:
    return "*" in enforced or constraint.name in enforced


# --- in words -------------------------------------------------------------------------


def _rows(about: About) -> Iterator[str]:
    usual = about.usual("rows") if not about.name else None
    if usual:
        yield f"{_whole(*usual, 'row')} a partition"


def _never(about: About) -> Iterator[str]:
    seen = about.seen("range")
    least = float(seen[0]) if seen else -math.inf
    for feature, constraint in about.constraints.items():
        told_by_range = (least > 0 and feature == "never_zero") or (
            least >= 0 and feature == "never_negative"
        )
        if constraint.kind == "never" and not told_by_range:
            yield feature.replace("_", " ")


def _calendar(about: About) -> Iterator[str]:
    if "calendar" in about.constraints:
        yield str(about.constraints["calendar"].evidence.get("why", ""))


def _extent(about: About) -> Iterator[str]:
    for feature, unit in (("range", ""), ("length", " characters")):
        seen = about.seen(feature)
        if seen:
            yield (seen[0] if seen[0] == seen[1] else f"{seen[0]} to {seen[1]}") + unit


def _values(about: About) -> Iterator[str]:
    if "domain" in about.constraints:
        import sqlglot

        tree = sqlglot.parse_one(about.constraints["domain"].sql, dialect="duckdb")
        values = [v.name if v.is_string else v.sql(dialect="duckdb") for v in tree.args["expressions"]]
        listed = ", ".join(values)
        yield listed if len(listed) <= LISTED_MAX else count(len(values), "value")
    usual = about.usual("distinct")
    if usual and "domain" not in about.constraints and not (about.kind and about.kind.numeric):
        yield f"{_whole(*usual, 'value')} a partition"


def _nulls(about: About) -> Iterator[str]:
    usual = about.usual("nulls")
    if usual and "never_null" not in about.constraints:
        share = f"up to {usual[1]:.0%} null" if usual[1] >= 0.01 else "hardly ever null"
        yield share + _like(about)


def _like(about: About) -> str:
    """The columns that have as many nulls."""
    equal = [c for c in about.constraints.values() if c.kind == "null relation" and ") = count(" in c.sql]
    more = f" and {len(equal) - 1:,} more" if equal[1:] else ""
    return f" like {equal[0].columns[1]}{more}" if equal else ""


def _mean(about: About) -> Iterator[str]:
    usual = about.usual("mean")
    if usual:
        yield f"mean {_number(usual[0])} to {_number(usual[1])}"


PARTS: tuple[Callable[[About], Iterator[str]], ...] = (
    _rows,
    _never,
    _calendar,
    _extent,
    _values,
    _nulls,
    _mean,
)


def _whole(low: float, high: float, what: str) -> str:
    """Bounds of a count, which is a whole number."""
    first, last = max(math.ceil(low), 0), math.floor(high)
    return count(last, what) if first >= last else f"{first:,} to {count(last, what)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else render.number(float(f"{value:.3g}"))
