"""Profiles of a relation: one statement, more only for wide tables and for what footers do not tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from interlock import settings
from interlock.engines.parquet import literal, quoted
from interlock.engines.protocol import Afar, Engine, Relation, is_afar
from interlock.engines.schema import Column, Kind, Schema
from interlock.errors import ColumnMissing, nearest
from interlock.names import partition_label
from interlock.profiles import afar
from interlock.profiles.dependency import Dependency
from interlock.profiles.plan import OTHER_SEGMENTS, Plan, Shape, fetchable, plan
from interlock.profiles.profile import ColumnProfile, Profile, Segment
from interlock.profiles.reading import read_columns
from interlock.profiles.statistics.family import Scope, Size, decoded

Checks = Mapping[str, tuple[exp.Expression, ...]]
_PartitionSize = tuple[str, str | None, int]  # label, value as SQL text, rows


@dataclass(frozen=True, slots=True)
class _Request:
    """What the caller wants, the same for every statement."""

    engine: Engine
    relation: Relation
    segments: tuple[str, ...]
    key: tuple[str, ...]
    checks: Checks
    more: bool
    dependencies: tuple[Dependency, ...]

    def texts(self, rows: int) -> list[str]:
        """Every extra aggregate: those of checks, then two of each dependency."""
        dialect = self.engine.dialect
        asked = [item.unalias().sql(dialect=dialect) for check in self.checks.values() for item in check]
        return asked + [text for d in self.dependencies for text in d.counts(rows)]


@dataclass(slots=True)
class _Gathered:
    """What the statements so far told of one partition."""

    rows: int = 0
    columns: dict[str, ColumnProfile] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    dependencies: dict[Dependency, tuple[int, int]] = field(default_factory=dict)
    segments: dict[str, dict[str | None, tuple[int, dict[str, ColumnProfile]]]] = field(default_factory=dict)

    def profile(self) -> Profile:
        segments = {name: _segments(found) for name, found in self.segments.items()}
        return Profile(self.rows, self.columns, self.table, segments, self.checks, self.dependencies)


def compute(
    engine: Engine | Afar,
    relation: Relation,
    *,
    segments: Sequence[str] = (),
    key: Sequence[str] = (),
    checks: Checks | None = None,
    dependencies: Sequence[Dependency] = (),
    more: bool = True,
) -> Profile:
    """The profile of all rows of a relation.

    ``segments`` are columns whose values get statistics of their own. ``key``
    names the columns that should be unique together. ``checks`` are extra
    aggregates, answered in `Profile.checks` from the same pass, ``dependencies`` what is counted
    into `Profile.dependencies`; they have to fit the schema (`Dependency.fits`). ``more`` asks
    for the statistics beyond the core ones. Raises `ColumnMissing`.

    The result depends on the rows and their order in the files, not on threads
    (statistics of class advisory excepted).
    """
    asked = _named(relation, segments), _named(relation, key), checks or {}, more, tuple(dependencies)
    if is_afar(engine):
        return afar.compute(engine, relation, *asked)
    request = _Request(engine, relation, *asked)
    (profile,) = _gather(request, None, relation.rows, None).values()
    return profile


def compute_by(
    engine: Engine | Afar,
    relation: Relation,
    by: str,
    *,
    segments: Sequence[str] = (),
    key: Sequence[str] = (),
    checks: Checks | None = None,
    dependencies: Sequence[Dependency] = (),
    more: bool = True,
) -> dict[str, Profile]:
    """A profile for each value of ``by``, by partition label, in the order of the values, NULL last.

    Partitions up to `settings.exact_rows_max` rows come from one pass over the
    data, or from one for every `settings.together_rows_max` rows, which bounds memory; a
    larger one takes a pass over its own rows; so does each of an engine afar.
    """
    asked = _named(relation, segments), _named(relation, key), checks or {}, more, tuple(dependencies)
    column = _column(relation.schema, by)
    if is_afar(engine):
        parts = afar.parts(engine, relation, column)
        return {label: afar.compute(engine, part, *asked) for label, part in parts}
    request = _Request(engine, relation, *asked)
    sizes = _sizes(request, column)
    limit = settings.current().exact_rows_max
    small = [size for size in sizes if size[2] <= limit]
    found: dict[str, Profile] = {}
    for batch in _batches(small):
        where = None if len(batch) == len(sizes) else _among(column, [text for _, text, _ in batch])
        found |= _gather(request, column, max(rows for _, _, rows in batch), where)
    for label, text, rows in sizes:
        if rows > limit:
            found |= {label: _gather(request, None, rows, _equals(column, text))[""]}
    return {label: found[label] for label, _, _ in sizes}


def _named(relation: Relation, names: Sequence[str]) -> tuple[str, ...]:
    """Columns as the relation spells them, each once. Raises `ColumnMissing`."""
    return tuple(_column(relation.schema, name).name for name in dict.fromkeys(names))


def _column(schema: Schema, name: str) -> Column:
    for column in schema:
        if column.name == name:
            return column
    for column in schema:
        if column.name.casefold() == name.casefold():
            return column
    raise ColumnMissing(f"no column {name!r}", hint=nearest(name, [c.name for c in schema]))


def _sizes(request: _Request, column: Column) -> list[_PartitionSize]:
    """Label, value as SQL text, and rows of each partition."""
    source = request.engine.source(request.relation).sql(dialect=request.engine.dialect)
    name = quoted(column.name)
    found = _run(
        request.engine,
        f"SELECT {fetchable(column)}, CAST({name} AS VARCHAR), count(*) FROM {source}"
        f" GROUP BY {name} ORDER BY {name} NULLS LAST",
    )
    return [(_label(column, value), text, rows) for value, text, rows in found]


def _batches(sizes: Sequence[_PartitionSize]) -> Iterator[list[_PartitionSize]]:
    """Neighbouring partitions that together have few enough rows to hold their values."""
    most = settings.current().together_rows_max
    batch: list[_PartitionSize] = []
    total = 0
    for size in sizes:
        if batch and total + size[2] > most:
            yield batch
            batch, total = [], 0
        batch.append(size)
        total += size[2]
    if batch:
        yield batch


def _label(column: Column, value: Any) -> str:
    return partition_label(decoded(Scope(column, "", Size.SMALL, counted=True), value))


def _equals(column: Column, text: str | None) -> str:
    if text is None:
        return f"{quoted(column.name)} IS NULL"
    return f"{quoted(column.name)} = CAST({literal(text)} AS {column.type})"


def _among(column: Column, texts: Sequence[str | None]) -> str:
    known = ", ".join(f"CAST({literal(text)} AS {column.type})" for text in texts if text is not None)
    among = [f"{quoted(column.name)} IN ({known})"] if known else []
    return " OR ".join([*among, *(_equals(column, text) for text in texts if text is None)])


def _run(engine: Engine, text: str) -> list[tuple[Any, ...]]:
    return engine.run(_tree(text)).rows()


def _tree(text: str) -> exp.Select:
    return exp.select("*").from_(exp.Var(this=f"({text})"))


def _gather(request: _Request, by: Column | None, rows: int, where: str | None) -> dict[str, Profile]:
    """Profiles by label, or one under ``""`` where there is no ``by``. ``rows`` is the largest one's."""
    gathered: dict[str, _Gathered] = defaultdict(_Gathered)
    source = request.engine.source(request.relation).sql(dialect=request.engine.dialect)
    texts = request.texts(rows)
    for first, shape in _shapes(request, by, rows, where, source):
        made = plan(shape)
        statement = made.statement(source, texts if first else (), where)
        for fetched in request.engine.stream(_tree(statement), made.array_names):
            row = made.in_order(fetched)
            label = _label(by, row[1]) if by is not None else ""
            _take(gathered[label], made, row, request, first)
    if by is None and not gathered:
        gathered[""] = _Gathered()
    for one in gathered.values():
        one.segments = {name: one.segments.get(name, {}) for name in request.segments}
    return {label: one.profile() for label, one in gathered.items()}


def _shapes(
    request: _Request, by: Column | None, rows: int, where: str | None, source: str
) -> Iterator[tuple[bool, Shape]]:
    """A shape for each batch of columns, and whether it is the first."""
    limits = settings.current()
    size = _size(rows)
    schema, width = request.relation.schema, limits.columns_per_statement
    for start in range(0, max(len(schema), 1), width):
        batch = schema[start : start + width]
        data: dict[str, Any] = {}
        if size is not Size.SMALL:
            data = {"counted": request.relation.repeating & {c.name for c in batch}, "rows": rows}
        if size is Size.LARGE:
            data |= {"bounds": _bounds(request, batch, where, source), "exact_bounds": where is None}
        yield (
            start == 0,
            Shape(
                batch,
                size,
                limits,
                by,
                request.segments,
                request.key if start == 0 else (),
                request.more,
                whole=len(schema) <= width,
                **data,
            ),
        )


def _size(rows: int) -> Size:
    limits = settings.current()
    if rows <= limits.counted_rows_max:
        return Size.SMALL
    return Size.MEDIUM if rows <= limits.exact_rows_max else Size.LARGE


def _bounds(
    request: _Request, batch: Schema, where: str | None, source: str
) -> tuple[tuple[str, tuple[float, float]], ...]:
    """Bounds of the numeric columns that are not counted: the footers', else those of a statement of its own."""
    numeric = [c for c in batch if c.kind.numeric and c.name not in request.relation.repeating]
    known = {c.name: request.relation.bounds[c.name] for c in numeric if c.name in request.relation.bounds}
    unknown = [c for c in numeric if c.name not in known]
    if unknown:
        values = [Scope(c, quoted(c.name), Size.LARGE, counted=False).finite for c in unknown]
        ends = ", ".join(f"min({v}), max({v})" for v in values)
        (row,) = _run(request.engine, f"SELECT {ends} FROM {source}{f' WHERE {where}' if where else ''}")
        for i, column in enumerate(unknown):
            if row[2 * i] is not None:
                number = int if column.kind is Kind.INTEGER else float
                known[column.name] = (number(row[2 * i]), number(row[2 * i + 1]))
    return tuple(known.items())


def _take(gathered: _Gathered, made: Plan, row: Sequence[Any], request: _Request, first: bool) -> None:
    """Put one row of a statement where it belongs."""
    about, _, value, rows, *rest = row
    checks, dependencies = (request.checks, request.dependencies) if first else ({}, ())
    over_rows = made.whole.over_rows_count
    sample = over_rows + sum(map(len, checks.values())) + 2 * len(dependencies)
    counted = sample + (made.whole.over_sample_count if made.whole.sample_fields else 0)
    if about < 0:
        gathered.rows = rows
        gathered.columns |= read_columns(
            made.whole, rows, rest[:over_rows], rest[sample:counted], rest[counted:]
        )
        gathered.table |= {name: rest[i] for name, i in made.table.items()}
        answers = iter(rest[over_rows:])
        gathered.checks |= {name: tuple(next(answers) for _ in items) for name, items in checks.items()}
        gathered.dependencies |= {d: (int(next(answers)), int(next(answers))) for d in dependencies}
        return
    columns = read_columns(made.segment, rows, rest[counted + made.whole.over_counts_count :])
    found = gathered.segments.setdefault(made.shape.segments[about], {})
    before = found[value][1] if value in found else {}
    found[value] = (rows, before | columns)


def _segments(found: Mapping[str | None, tuple[int, Mapping[str, ColumnProfile]]]) -> tuple[Segment, ...]:
    """By value; NULL and the rarer values together come last."""
    order = sorted(found, key=lambda v: (v is None, v == OTHER_SEGMENTS, v or ""))
    return tuple(Segment(value, *found[value]) for value in order)
