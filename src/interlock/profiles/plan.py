"""Families and columns → one SELECT.

The texts are DuckDB's dialect. A plan for small partitions depends on the schema
alone and is kept, so that a day's partition costs one statement and no planning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from interlock.engines.parquet import literal, quoted
from interlock.engines.protocol import FILE, ROW
from interlock.engines.schema import Column, Kind, Schema
from interlock.profiles.profile import StatisticClass
from interlock.profiles.statistics import FAMILIES
from interlock.profiles.statistics.family import ELEMENT, Family, Scope, Size
from interlock.profiles.statistics.moments import scale_of
from interlock.profiles.statistics.occurrences import countable
from interlock.settings import Settings

OTHER_SEGMENTS = "(other)"
_ARRAYS = (Kind.INTEGER, Kind.FLOAT, Kind.BOOLEAN, Kind.TEXT, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
_HASH = "interlock_hash"
_PLACE = "interlock_place"
_LEADING = 4  # columns of a statement before its aggregates
_ROWS = "\x00rows\x00"  # stands for the FROM clause within an aggregate that looks at the rows itself


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
    bounds: tuple[tuple[str, tuple[float, float]], ...] = ()
    rows: int = 0  # of the partition, beyond the small size
    exact_bounds: bool = False  # the bounds are those of these rows, not of more
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


class Part(NamedTuple):
    """One family for one column, and where its values are found."""

    family: Family
    scope: Scope
    rows: tuple[int, ...]
    sample: tuple[int, ...]
    from_counts: bool = False


class ColumnPlan(NamedTuple):
    """A column's parts, and the class of each statistic they may give."""

    column: Column
    parts: tuple[Part, ...]
    classes: Mapping[str, StatisticClass]
    apart: bool  # its aggregates are among `Reading.over_counts`


@dataclass(frozen=True, slots=True)
class Reading:
    """Columns whose statistics one SELECT gives, and the SELECT's aggregates.

    In a large partition the columns whose values are counted are aggregated in a
    SELECT of their own (``over_counts``): each column is still read once, and
    DuckDB counts twice as fast where it reads dictionaries only.
    """

    columns: tuple[ColumnPlan, ...]
    over_rows: str
    over_rows_count: int
    over_sample: str = ""
    over_sample_count: int = 0
    over_counts: str = ""
    over_counts_count: int = 0
    sample_fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement's text with places for the source, and how to read its rows.

    A row starts with what it is about (``about``: -1 for the whole partition, else
    the index of a segment column), the partition's value, the segment's value and
    ``count(*)``. Then come, empty where they do not belong: the partition's
    aggregates over rows, the caller's checks, the partition's aggregates over the
    sample and over counts, the segment's aggregates.
    """

    shape: Shape
    whole: Reading
    segment: Reading
    table: Mapping[str, int]
    arrays: tuple[int, ...] = ()  # aggregates of the whole over rows that are lists to fetch as arrays

    @property
    def array_names(self) -> tuple[str, ...]:
        """The statement's columns that may be fetched as arrays; `in_order` puts them back in their places."""
        return tuple(f"a{i}" for i in self.arrays)

    def in_order(self, row: Sequence[Any]) -> list[Any]:
        """A row whose arrays come last, as if they stood where the statement has them."""
        cut = len(row) - len(self.arrays)
        values = list(row[:cut])
        for place, array in zip(self.arrays, row[cut:], strict=True):
            values.insert(_LEADING + place, array)
        return values

    def statement(self, source: str, checks: Sequence[str] = (), where: str | None = None) -> str:
        """The whole text; ``checks`` are aggregates evaluated over the same rows."""
        return self._statement(source, checks, where).replace(ELEMENT, _unused(self.shape.schema))

    def _statement(self, source: str, checks: Sequence[str], where: str | None) -> str:
        data = self._data(source, everything=bool(checks), where=where)
        extra = "".join(f", {text} AS k{i}" for i, text in enumerate(checks))
        by = fetchable(self.shape.by) if self.shape.by else "NULL"
        body = f"-1 AS about, {by} AS partition, NULL AS segment, count(*) AS n{self.whole.over_rows}{extra}"
        grouped = f" GROUP BY {quoted(self.shape.by.name)}" if self.shape.by else ""
        if not self.shape.segments:
            return self._select(body, f"FROM {data}{grouped}")
        once = "NOT MATERIALIZED" if self.shape.size is Size.LARGE else "MATERIALIZED"
        whole = self._select(body, f"FROM interlock_data{grouped}")
        return (
            f"WITH interlock_data AS {once} (FROM {data}) ({whole}) UNION ALL BY NAME ({self._segments(by)})"
        )

    def _data(self, source: str, *, everything: bool, where: str | None) -> str:
        """The rows to aggregate with what is derived from each: segments as text, a hash of its place."""
        file, row = _place(self.shape.schema)
        derived = [
            f"{_segment(name, source, self.shape)} AS {_alias(i)}"
            for i, name in enumerate(self.shape.segments)
        ]
        if self.shape.size is not Size.SMALL:
            derived.append(f"{_mixed(f'({row} * 2654435761 + {file} * 40503)')} AS {_HASH}")
        if self.shape.more:
            derived.append(f"{file} * 1099511627776 + {row} AS {_PLACE}")
        if not derived and not where:
            return source
        named = (
            *(c.name for c in self.shape.schema),
            *self.shape.key,
            *([self.shape.by.name] if self.shape.by else ()),
        )
        items = ["*"] if everything else [quoted(name) for name in dict.fromkeys(named)]
        return f"(SELECT {', '.join([*items, *derived])} FROM {source}{f' WHERE {where}' if where else ''})"

    def _select(self, body: str, rows: str) -> str:
        body = body.replace(_ROWS, rows)
        if not self.whole.sample_fields:
            return self._with_counts(f"SELECT {body} {rows}", rows)
        fields = ", ".join(f"{name}: {text}" for name, text in self.whole.sample_fields)
        limit = _threshold(self.shape, self.shape.limits.sample_rows)
        place = f"{_PLACE}: {_PLACE}, " if self.shape.more else ""
        taken = f"list({{{_HASH}: {_HASH}, {place}{fields}}}) FILTER (WHERE {_HASH} < {limit})"
        select = (
            f"WITH scan AS MATERIALIZED (SELECT {body}, {taken} AS sample {rows}),"
            " numbered AS MATERIALIZED (SELECT row_number() OVER () AS g, * FROM scan),"
            " taken AS (SELECT g, unnest(sample, max_depth := 2) FROM numbered),"
            f" picked AS (SELECT g AS p{self.whole.over_sample} FROM taken GROUP BY g)"
            " SELECT numbered.* EXCLUDE (g, sample), picked.* EXCLUDE (p) FROM numbered LEFT JOIN picked ON g = p"
        )
        return self._with_counts(select, rows)

    def _with_counts(self, select: str, rows: str) -> str:
        if not self.whole.over_counts:
            return select
        return f"SELECT * FROM ({select}) CROSS JOIN (SELECT {self.whole.over_counts[2:]} {rows})"

    def _segments(self, by: str) -> str:
        base = [quoted(self.shape.by.name)] if self.shape.by else []
        names = [_alias(i) for i in range(len(self.shape.segments))]
        about = (
            "CASE " + " ".join(f"WHEN grouping({name}) = 0 THEN {i}" for i, name in enumerate(names)) + " END"
        )
        value = "CASE " + " ".join(f"WHEN grouping({name}) = 0 THEN {name}" for name in names) + " END"
        sets = ", ".join(f"({', '.join([*base, name])})" for name in names)
        return (
            f"SELECT {about} AS about, {by} AS partition, {value} AS segment, count(*) AS n{self.segment.over_rows}"
            f" FROM interlock_data GROUP BY GROUPING SETS ({sets})"
        )


def _place(schema: Schema) -> tuple[str, str]:
    """File and row as numbers; the rows' running number where a column of such a name hides them."""
    hidden = any(
        c.name.casefold() == ROW or (c.name.casefold() == FILE and c.kind is not Kind.INTEGER) for c in schema
    )
    return ("0", "row_number() OVER ()") if hidden else (FILE, ROW)


def _unused(schema: Schema) -> str:
    """A name no column has."""
    taken, name = {c.name.casefold() for c in schema}, "interlock_element"
    while name in taken:
        name += "_"
    return name


def _alias(i: int) -> str:
    return f"interlock_segment_{i}"


def fetchable(column: Column) -> str:
    """A column in a form Python can take."""
    return Scope(column, quoted(column.name), Size.SMALL, counted=True).value


def _segment(name: str, source: str, shape: Shape) -> str:
    """A segment column as text, its rarer values under one name."""
    text = f"CAST({quoted(name)} AS VARCHAR)"
    kept = (
        f"SELECT interlock_v FROM (SELECT {text} AS interlock_v, count(*) AS interlock_n FROM {source} GROUP BY 1)"
        f" WHERE interlock_v IS NOT NULL ORDER BY interlock_n DESC, interlock_v LIMIT {shape.limits.segment_values_max}"
    )
    return f"CASE WHEN {quoted(name)} IS NULL OR {text} IN ({kept}) THEN {text} ELSE {literal(OTHER_SEGMENTS)} END"


def _mixed(number: str) -> str:
    """A whole number spread over 0 … 2^32-1: multiplication and shifts that never leave 63 bits."""
    first = f"({number} & 4294967295)"
    return f"((xor({first}, {first} >> 15) * 2246822519) & 4294967295)"


def _threshold(shape: Shape, wanted: int) -> int:
    """The hash below which about ``wanted`` rows lie."""
    return min(2**32, -(-wanted * 2**32 // max(shape.rows, 1)))


def plan(shape: Shape) -> Plan:
    """The plan of a shape; kept where the shape does not depend on the data."""
    return _kept(shape) if shape.size is Size.SMALL else _build(shape)


def _build(shape: Shape) -> Plan:
    select = Select()
    table = {name: select.add((text,))[0] for name, text in _table(shape).items()}
    families = [f for f in FAMILIES if f.core or shape.more]
    whole = _reading(shape, families, [_scope(c, shape) for c in shape.schema], select, "a")
    segment = Reading((), "", 0)
    if shape.segments:
        core = [f for f in FAMILIES if f.core]
        segment = _segment_reading(core, [_segment_scope(c, shape) for c in shape.schema])
    return Plan(shape, whole, segment, table, _arrays(whole))


_kept = lru_cache(maxsize=64)(_build)


def _arrays(whole: Reading) -> tuple[int, ...]:
    """Where the lists of values are that NumPy holds exactly."""
    counted = (part for column in whole.columns for part in column.parts if part.from_counts)
    lists = {
        part.rows[0] for part in counted if part.scope.size is Size.SMALL and _fits_array(part.scope.column)
    }
    return tuple(sorted(lists))


def _fits_array(column: Column) -> bool:
    return column.kind in _ARRAYS and column.type not in ("HUGEINT", "UHUGEINT") and "ENUM" not in column.type


def _scope(column: Column, shape: Shape) -> Scope:
    counted = countable(column) and (shape.size is Size.SMALL or column.name in shape.counted)
    row_sample = None
    if not counted and shape.size is not Size.SMALL:
        row_sample = f"{_HASH} < {_threshold(shape, shape.limits.top_sample_rows)}"
    low, scale = 0.0, None
    if shape.size is Size.LARGE and (bounds := dict(shape.bounds).get(column.name)):
        low, scale = bounds[0], scale_of(*bounds, whole=column.kind is Kind.INTEGER)
    exact = dict(shape.bounds).get(column.name) if shape.exact_bounds else None
    ordered = shape.more and (column.kind.numeric or column.kind.temporal)
    return Scope(
        column,
        quoted(column.name),
        shape.size,
        counted,
        low,
        scale,
        row_sample,
        _PLACE if ordered else "",
        exact,
    )


def _reading(
    shape: Shape, families: Sequence[Family], scopes: Sequence[Scope], over_rows: Select, prefix: str
) -> Reading:
    over_sample, over_counts = Select(), Select()
    columns, fields = [], []
    for i, scope in enumerate(scopes):
        apart = scope.counted and scope.size is Size.LARGE
        made = tuple(_parts(i, scope, families, over_counts if apart else over_rows, over_sample))
        classes = {name: part.family.classes(scope, name) for part in made for name in part.family.means}
        columns.append(ColumnPlan(scope.column, made, classes, apart))
        if any(part.sample for part in made):
            fields.append((f"c{i}", scope.x))
    return Reading(
        tuple(columns),
        over_rows.items(prefix),
        len(over_rows),
        over_sample.items("s"),
        len(over_sample),
        over_counts.items("h"),
        len(over_counts),
        tuple(fields),
    )


def _segment_scope(column: Column, shape: Shape) -> Scope:
    """A column of a segment: no value is counted in Python, and a large partition's sample serves its segments."""
    sampled = f"{_HASH} < {_threshold(shape, shape.limits.sample_rows)}" if shape.size is Size.LARGE else None
    scope = _scope(column, shape)
    return replace(scope, counted=False, size=max(shape.size, Size.MEDIUM), bounds=None, row_sample=sampled)


def _segment_reading(families: Sequence[Family], scopes: Sequence[Scope]) -> Reading:
    """Columns aggregated value by value of a segment column, a large partition's sample among them."""
    select, columns = Select(), []
    for scope in scopes:
        taken = replace(scope, x=f"CASE WHEN {scope.row_sample} THEN {scope.x} END", row_sample=None)
        over_sample = taken if scope.row_sample else scope
        parts = tuple(
            Part(f, scope, select.add((*f.over_rows(scope), *f.over_sample(over_sample))), ())
            for f in families
            if f.applies(scope.column)
        )
        classes = {name: part.family.classes(scope, name) for part in parts for name in part.family.means}
        columns.append(ColumnPlan(scope.column, parts, classes, apart=False))
    return Reading(tuple(columns), select.items("g"), len(select))


def _parts(
    i: int, scope: Scope, families: Sequence[Family], over_rows: Select, over_sample: Select
) -> Iterator[Part]:
    for family in families:
        if not family.applies(scope.column) or (
            family.ordered and scope.counted and scope.size is Size.LARGE
        ):
            continue
        if scope.counted and family.count and (scope.size is Size.SMALL or not family.ordered):
            yield Part(family, scope, over_rows.add((_every_value(scope),)), (), from_counts=True)
        elif scope.size is Size.LARGE:
            sampled = replace(scope, x=f"c{i}", place=_PLACE)
            rows, sample = (
                over_rows.add(family.over_rows(scope)),
                over_sample.add(family.over_sample(sampled)),
            )
            yield Part(family, scope, rows, sample)
        else:
            yield Part(
                family, scope, over_rows.add((*family.over_rows(scope), *family.over_sample(scope))), ()
            )


def _every_value(scope: Scope) -> str:
    """A list while it is short, in row order where that was asked for; else a map of counts."""
    if scope.size is not Size.SMALL:
        return f"histogram({scope.finite})"
    return f"list({scope.finite}{f' ORDER BY {scope.place}' if scope.place else ''})"


def _table(shape: Shape) -> dict[str, str]:
    """Statistics of whole rows."""
    table: dict[str, str] = {}
    if shape.key:
        keys = f"count(DISTINCT row({', '.join(map(quoted, shape.key))}))"
        table["key_duplicates"] = f"count(*) - {keys}"
        if len(shape.key) > 1 and shape.size is not Size.LARGE:
            cells = " * ".join(f"count(DISTINCT {quoted(name)})::DOUBLE" for name in shape.key)
            null = " OR ".join(f"{quoted(name)} IS NULL" for name in shape.key)
            table["key_gaps"] = f"{cells} - ({keys} - {keys} FILTER (WHERE {null}))"
    if shape.more and shape.whole:
        hashed = f"hash({', '.join(quoted(c.name) for c in shape.schema)})"
        if shape.size is Size.LARGE:
            one_in = max(1, shape.rows // shape.limits.sample_rows)
            table["row_duplicates"] = (
                f"(SELECT (count(*) - count(DISTINCT h)) * {one_in}"
                f" FROM (SELECT {hashed} AS h {_ROWS}) WHERE h % {one_in} = 0)"
            )
        else:
            table["row_duplicates"] = f"count(*) - count(DISTINCT {hashed})"
    return table
