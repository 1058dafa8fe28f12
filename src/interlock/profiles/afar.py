"""Profiles of rows that stay where they are: cheap aggregates there, the rest from a sample that comes here.

Up to `settings.exact_rows_max` rows the sample is all of them, and every statistic is what the local engine says.
Of more, what is exact and cheap (counts, extremes, sums, lengths, the caller's checks) is asked of all rows;
quantiles, most frequent values, patterns, segments and dependencies come from `settings.sample_rows` rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from interlock import settings
from interlock.engines.parquet import quoted
from interlock.engines.protocol import Afar, Gathered, Relation
from interlock.engines.schema import Column, Kind
from interlock.names import partition_label
from interlock.profiles.dependency import Dependency
from interlock.profiles.profile import ColumnProfile, Profile, Segment, StatisticClass
from interlock.profiles.spellings import SPELLINGS
from interlock.profiles.statistics import FAMILIES
from interlock.profiles.statistics.family import Family, Scope, Size, Values, decoded
from interlock.profiles.statistics.occurrences import countable
from interlock.profiles.statistics.spelling import SQUARED_MAX, Spelling

Checks = Mapping[str, tuple[exp.Expression, ...]]
_ONCE = "interlock_once"  # the local check that counts values that occur once


def compute(
    engine: Afar,
    relation: Relation,
    segments: Sequence[str],
    key: Sequence[str],
    checks: Checks,
    more: bool,
    dependencies: Sequence[Dependency],
) -> Profile:
    """See `interlock.profiles.compute`; ``checks`` are in the engine's own dialect."""
    limits = settings.current()
    scopes = [_scope(column, engine) for column in relation.schema]
    families = [f for f in FAMILIES if f.core or more]
    asked = _Asked()
    places = {s.column.name: [asked.add(f.over_rows(s)) for f in _applying(families, s)] for s in scopes}
    extra = {name: asked.add(_text(item, engine) for item in items) for name, items in checks.items()}
    counted = key and not engine.unique(relation, key)
    unique = asked.add([_duplicates(key, SPELLINGS[engine.name])]) if counted else ()
    found = engine.gather(
        relation, asked.texts, key=key, whole_max=limits.exact_rows_max, sample_rows=limits.sample_rows
    )
    rows, values = int(found.values[0]), found.values[1:]
    near = _near(engine, found, segments, key, dependencies, more=more)
    columns = {}
    for scope in scopes:
        given = [tuple(values[i] for i in at) for at in places[scope.column.name]]
        columns[scope.column.name] = _column(scope, families, given, rows, found, near)
    scale = 1.0 if found.whole or not near.rows else rows / near.rows
    table = {
        name: round(v * scale) for name, v in near.table.items() if v is not None and name == "row_duplicates"
    }
    if found.whole and "key_gaps" in near.table:
        table["key_gaps"] = near.table["key_gaps"]
    if key:
        table["key_duplicates"] = values[unique[0]] if unique else 0
    return Profile(
        rows,
        columns,
        table,
        {name: tuple(_scaled_segment(s, scale) for s in made) for name, made in near.segments.items()},
        {name: tuple(values[i] for i in at) for name, at in extra.items()},
        {d: near.dependencies.get(d, (0, 0)) for d in dependencies},
    )


def parts(engine: Afar, relation: Relation, by: Column) -> Iterator[tuple[str, Relation]]:
    """The partitions of a relation by the values of a column, with their labels, NULL last."""
    scope, name = _scope(by, engine), exp.column(by.name, quoted=True)
    found = exp.select(exp.Var(this=scope.value)).distinct().from_(engine.source(relation))
    values = [decoded(scope, row[0]) for row in engine.run(found).rows()]
    for value in sorted(v for v in values if v is not None):
        yield (
            partition_label(value),
            engine.part(relation, exp.EQ(this=name.copy(), expression=_constant(value))),
        )
    if None in values:
        yield partition_label(None), engine.part(relation, name.is_(exp.null()))


def _constant(value: Any) -> exp.Expr:
    """A value as SQL that engines compare with a column of its type."""
    return exp.convert(value) if isinstance(value, int | float) else exp.Literal.string(str(value))


class _Asked:
    """Aggregates of one statement, each text once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def add(self, texts: Any) -> tuple[int, ...]:
        return tuple(self._places.setdefault(text, len(self._places)) for text in texts)

    @property
    def texts(self) -> list[str]:
        return list(self._places)


def _scope(column: Column, engine: Afar) -> Scope:
    whole = 1.0 if column.kind is Kind.INTEGER else None  # whole numbers and their squares add up exactly
    sql = SPELLINGS[engine.name]
    return Scope(column, sql.quoted(column.name), Size.LARGE, counted=False, scale=whole, sql=sql)


def _applying(families: Sequence[Family], scope: Scope) -> Iterator[Family]:
    return (f for f in families if f.applies(scope.column))


def _text(item: exp.Expression, engine: Afar) -> str:
    return item.unalias().sql(dialect=engine.dialect)


def _duplicates(key: Sequence[str], sql: Spelling) -> str:
    return f"count(*) - count(DISTINCT {sql.row(key)})"


def _near(
    engine: Afar,
    found: Gathered,
    segments: Sequence[str],
    key: Sequence[str],
    dependencies: Sequence[Dependency],
    *,
    more: bool,
) -> Profile:
    """What the sample says of itself."""
    from interlock.profiles.compute import compute as compute_here

    counted = () if found.whole else filter(countable, found.sample.schema)
    once = {_ONCE + column.name: (_singles(column),) for column in counted}
    return compute_here(
        engine.local,
        found.sample,
        segments=segments,
        key=key if found.whole else (),
        checks=once,
        dependencies=[d for d in dependencies if d.fits(found.sample.schema)],
        more=more,
    )


def _singles(column: Column) -> exp.Expression:
    """How many values of a column occur once."""
    return exp.Var(this=f"len(list_filter(map_values(histogram({quoted(column.name)})), lambda n: n = 1))")


def _column(
    scope: Scope,
    families: Sequence[Family],
    given: Sequence[tuple[Any, ...]],
    rows: int,
    found: Gathered,
    near: Profile,
) -> ColumnProfile:
    """A column's statistics: the sample's own where it is all rows, else those of all rows and the sample's scaled."""
    local = near.columns[scope.column.name]
    alike = local.column.kind is scope.kind or (scope.kind is Kind.OTHER and local.column.kind is Kind.TEXT)
    values: Values = {}
    classes: dict[str, StatisticClass] = {}
    for family, row in zip(_applying(families, scope), given, strict=True):
        if family.ordered:
            read: Values = dict.fromkeys(family.means)
        elif alike and found.whole:
            read = {name: local.values[name] for name in family.means if name in local.values}
            classes |= {name: local.classes[name] for name in read}
        else:
            unknown = (None,) * len(family.over_sample(scope))
            read = family.read(scope, (*row, *unknown), rows) if row else dict.fromkeys(family.means)
            if alike:
                seen = {name: local.values[name] for name in family.of_sample if name in local.values}
                read |= {name: _scaled(name, value, rows / near.rows) for name, value in seen.items()}
        values |= read
        classes = {name: family.classes(scope, name) for name in read} | classes
    if not (alike and found.whole) and _beyond(values):
        values |= dict.fromkeys(("mean", "stddev"))
    if alike and not found.whole and "distinct" in values and values["distinct"] is None:
        values["distinct"] = _estimated(rows - values["nulls"], local, near)
    return ColumnProfile(scope.column, values, classes)


def _beyond(values: Values) -> bool:
    """Whether there are numbers whose squares are not."""
    ends = (values.get("min"), values.get("max")) if "mean" in values else ()
    return any(end is not None and abs(end) >= SQUARED_MAX for end in ends)


def _scaled(name: str, value: Any, scale: float) -> Any:
    """What a sample counted as a count of all rows; values of the column stay."""
    if name in ("top", "domain") and value is not None:
        return [[v, round(n * scale)] for v, n in value]
    if name == "patterns" and value is not None:
        return {v: round(n * scale) for v, n in value.items()}
    return value


def _estimated(known: int, local: ColumnProfile, near: Profile) -> int | None:
    """Different values of all rows, estimated from how many the sample has and how many of them once.

    Haas and Stokes (1998), the estimator Duj1, as PostgreSQL's own ANALYZE has it.
    """
    once: int | None = near.checks.get(_ONCE + local.column.name, (None,))[0]
    distinct, seen = int(local["distinct"]), near.rows - int(local["nulls"])
    if once is None or not seen or not known:
        return None
    return min(known, round(seen * distinct / (seen - once + once * seen / known)))


def _scaled_segment(segment: Segment, scale: float) -> Segment:
    columns = {name: replace(c, values=_scaled_values(c, scale)) for name, c in segment.columns.items()}
    return Segment(segment.value, round(segment.rows * scale), columns)


def _scaled_values(column: ColumnProfile, scale: float) -> Values:
    values = dict(column.values)
    for name in _ROWS & values.keys():
        if isinstance(values[name], int):
            values[name] = round(values[name] * scale)
    return values


_ROWS = frozenset(name for f in FAMILIES for name, meaning in f.means.items() if meaning.unit == "rows")
