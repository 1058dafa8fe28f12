"""Families and columns → one SELECT, and its rows → profiles.

The texts are DuckDB's dialect. A plan for small partitions depends on the schema
alone and is kept, so that a day's partition costs one statement and no planning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from interlock.engines.parquet import literal, quoted
from interlock.engines.protocol import FILE, ROW
from interlock.engines.schema import Column, Kind, Schema
from interlock.profile.profile import ColumnProfile
from interlock.profile.statistics import FAMILIES
from interlock.profile.statistics.family import Counts, Family, Scope, Size
from interlock.profile.statistics.moments import scale_of
from interlock.profile.statistics.occurrences import countable
from interlock.settings import Settings

OTHER_SEGMENTS = "(other)"
_HASH = "interlock_hash"
_LABEL = "interlock_by"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a plan depends on besides the data: with equal shapes, equal statements."""

    schema: Schema
    size: Size
    limits: Settings
    by: Column | None = None
    segments: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    more: bool = True
    counted: frozenset[str] = frozenset()  # beyond the small size: columns whose values repeat
    bounds: tuple[tuple[str, float, float], ...] = ()
    rows: int = 0  # of the partition, beyond the small size
    whole: bool = True  # the schema is the table's, not a batch of its columns


class Select:
    """Aggregates of one SELECT, each text once."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}

    def add(self, texts: Iterable[str]) -> tuple[int, ...]:
        """Where the values of these texts will be found in a row."""
        return tuple(self._positions.setdefault(text, len(self._positions)) for text in texts)

    def __len__(self) -> int:
        return len(self._positions)

    def items(self, prefix: str) -> str:
        return "".join(f", {text} AS {prefix}{i}" for text, i in self._positions.items())


@dataclass(frozen=True, slots=True)
class Part:
    """One family for one column, and where its values are found."""

    family: Family
    scope: Scope
    rows: tuple[int, ...]
    sample: tuple[int, ...]
    from_counts: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement's text with places for the source, and how to read its rows.

    A row is: [by], for each segment its grouping flag and value, count(*), the
    aggregates over rows, the caller's checks, the aggregates over the sample.
    """

    shape: Shape
    parts: tuple[tuple[Column, tuple[Part, ...]], ...]
    table: Mapping[str, int]
    over_rows: str
    over_rows_count: int
    over_sample: str
    sample_fields: tuple[tuple[str, str], ...] = field(default=())

    @property
    def groups(self) -> int:
        """Leading columns of a row before ``count(*)``."""
        return (1 if self.shape.by is not None else 0) + 2 * len(self.shape.segments)

    def statement(self, source: str, checks: Sequence[str] = (), where: str | None = None) -> str:
        """The whole text; ``checks`` are aggregates evaluated over the same rows."""
        extra = "".join(f", {text} AS k{i}" for i, text in enumerate(checks))
        body = f"{self._group_items()}count(*) AS n{self.over_rows}{extra}"
        rows = f"FROM {self._from(source)}{f' WHERE {where}' if where else ''}{self._group_by()}"
        if not self.over_sample:
            return f"SELECT {body} {rows}"
        return self._with_sample(body, rows)

    def _with_sample(self, body: str, rows: str) -> str:
        fields = ", ".join(f"{name}: {text}" for name, text in self.sample_fields)
        taken = f"list({{{_HASH}: {_HASH}, {fields}}}) FILTER (WHERE {_HASH} < {_threshold(self.shape, 'sample')})"
        return (
            f"WITH scan AS MATERIALIZED (SELECT {body}, {taken} AS sample {rows}),"
            " numbered AS MATERIALIZED (SELECT row_number() OVER () AS g, * FROM scan),"
            " taken AS (SELECT g, unnest(sample, max_depth := 2) FROM numbered),"
            f" picked AS (SELECT g AS p{self.over_sample} FROM taken GROUP BY g)"
            " SELECT numbered.* EXCLUDE (g, sample), picked.* EXCLUDE (p) FROM numbered LEFT JOIN picked ON g = p"
        )

    def _from(self, source: str) -> str:
        derived = [f"{_segment(name, i, source, self.shape)} AS {_alias(i)}" for i, name in enumerate(self.shape.segments)]
        if self.shape.size is not Size.SMALL:
            derived.append(f"{_mixed(f'({ROW} * 2654435761 + {FILE} * 40503)')} AS {_HASH}")
        if not derived:
            return source
        return f"(SELECT *, {', '.join(derived)} FROM {source})"

    def _group_items(self) -> str:
        items = [f"{fetchable(self.shape.by)} AS {_LABEL}"] if self.shape.by is not None else []
        for i, _ in enumerate(self.shape.segments):
            items += [f"grouping({_alias(i)}) AS f{i}", _alias(i)]
        return "".join(f"{item}, " for item in items)

    def _group_by(self) -> str:
        base = [quoted(self.shape.by.name)] if self.shape.by is not None else []
        if not self.shape.segments:
            return f" GROUP BY {base[0]}" if base else ""
        sets = [base] + [[*base, _alias(i)] for i in range(len(self.shape.segments))]
        return " GROUP BY GROUPING SETS (" + ", ".join(f"({', '.join(s)})" for s in sets) + ")"


def _alias(i: int) -> str:
    return f"interlock_segment_{i}"


def fetchable(column: Column) -> str:
    """A column in a form Python can take."""
    return Scope(column, quoted(column.name), Size.SMALL, counted=True).value


def _segment(name: str, i: int, source: str, shape: Shape) -> str:
    """A segment column as text, its rarer values under one name."""
    text = f"CAST({quoted(name)} AS VARCHAR)"
    kept = (
        f"SELECT v FROM (SELECT {text} AS v, count(*) AS n FROM {source} GROUP BY v)"
        f" WHERE v IS NOT NULL ORDER BY n DESC, v LIMIT {shape.limits.segment_values_max}"
    )
    return f"CASE WHEN {quoted(name)} IS NULL OR {text} IN ({kept}) THEN {text} ELSE {literal(OTHER_SEGMENTS)} END"


def _mixed(number: str) -> str:
    """A whole number spread over 0 … 2^32-1: multiplication and shifts that never leave 63 bits."""
    first = f"({number} & 4294967295)"
    return f"((xor({first}, {first} >> 15) * 2246822519) & 4294967295)"


def _threshold(shape: Shape, what: str) -> int:
    wanted = shape.limits.sample_rows if what == "sample" else shape.limits.top_sample_rows
    return min(2**32, -(-wanted * 2**32 // max(shape.rows, 1)))


def plan(shape: Shape) -> Plan:
    """The plan of a shape; kept where the shape does not depend on the data."""
    return _kept(shape) if shape.size is Size.SMALL else _build(shape)


def _build(shape: Shape) -> Plan:
    over_rows, over_sample = Select(), Select()
    bounds = {name: (low, high) for name, low, high in shape.bounds}
    parts: list[tuple[Column, tuple[Part, ...]]] = []
    fields: list[tuple[str, str]] = []
    for i, column in enumerate(shape.schema):
        scope = _scope(column, shape, bounds.get(column.name))
        sampled = Scope(column, f"c{i}", shape.size, scope.counted, row_sample=scope.row_sample)
        made = tuple(_parts(scope, sampled, shape, over_rows, over_sample))
        if shape.size is Size.LARGE and any(part.sample for part in made):
            fields.append((f"c{i}", scope.x))
        parts.append((column, made))
    table = {name: over_rows.add((text,))[0] for name, text in _table(shape).items()}
    return Plan(
        shape, tuple(parts), table, over_rows.items("a"), len(over_rows), over_sample.items("s"), tuple(fields)
    )


_kept = lru_cache(maxsize=64)(_build)


def _scope(column: Column, shape: Shape, bounds: tuple[float, float] | None) -> Scope:
    counted = shape.size is Size.SMALL or column.name in shape.counted
    row_sample = None
    if not counted:
        row_sample = f"{_HASH} < {_threshold(shape, 'top')}"
    low, scale = 0.0, None
    if bounds is not None and shape.size is Size.LARGE:
        low, scale = bounds[0], scale_of(*bounds, whole=column.kind is Kind.INTEGER)
    return Scope(column, quoted(column.name), shape.size, counted, low, scale, row_sample)


def _parts(scope: Scope, sampled: Scope, shape: Shape, over_rows: Select, over_sample: Select) -> Iterable[Part]:
    for family in FAMILIES:
        if not family.applies(scope.column) or not (family.core or shape.more):
            continue
        if shape.size is Size.LARGE and scope.counted and family.count and countable(scope.column):
            yield Part(family, scope, over_rows.add((f"histogram({scope.finite})",)), (), from_counts=True)
        elif shape.size is Size.LARGE:
            rows, sample = over_rows.add(family.over_rows(scope)), over_sample.add(family.over_sample(sampled))
            yield Part(family, scope, rows, sample)
        else:
            yield Part(family, scope, over_rows.add((*family.over_rows(scope), *family.over_sample(scope))), ())


def _table(shape: Shape) -> dict[str, str]:
    """Statistics of whole rows."""
    table: dict[str, str] = {}
    if shape.key:
        table["key_duplicates"] = f"count(*) - count(DISTINCT row({', '.join(map(quoted, shape.key))}))"
    if shape.more and shape.whole:
        hashed = f"hash({', '.join(quoted(c.name) for c in shape.schema)})"
        if shape.size is Size.LARGE:
            one_in = max(1, shape.rows // shape.limits.sample_rows)
            picked = f"CASE WHEN {hashed} % {one_in} = 0 THEN {hashed} END"
            table["row_duplicates"] = f"(count({picked}) - count(DISTINCT {picked})) * {one_in}"
        else:
            table["row_duplicates"] = f"count(*) - count(DISTINCT {hashed})"
    return table


# --- reading a row ---------------------------------------------------------------------


def read_columns(plan: Plan, rows: int, values: Sequence[Any], sample: Sequence[Any]) -> dict[str, ColumnProfile]:
    """The columns of one group, from its aggregates over rows and over the sample."""
    counts: dict[int, Counts] = {}
    return {column.name: _read_column(column, parts, rows, values, sample, counts) for column, parts in plan.parts}


def _read_column(
    column: Column,
    parts: Sequence[Part],
    rows: int,
    values: Sequence[Any],
    sample: Sequence[Any],
    counts: dict[int, Counts],
) -> ColumnProfile:
    read: dict[str, Any] = {}
    classes = {}
    for part in parts:
        if part.from_counts:
            position = part.rows[0]
            if position not in counts:
                counts[position] = _counts(values[position])
            assert part.family.count is not None
            found = part.family.count(part.scope, counts[position])
        else:
            row = (*(values[i] for i in part.rows), *(sample[i] for i in part.sample))
            found = part.family.read(part.scope, row, rows)
        read |= found
        for name in found:
            classes[name] = part.family.classes(part.scope, name)
    return ColumnProfile(column, read, classes)


def _counts(histogram: Mapping[Any, int] | None) -> Counts:
    pairs = sorted((histogram or {}).items())
    return Counts(tuple(v for v, _ in pairs), tuple(n for _, n in pairs))
