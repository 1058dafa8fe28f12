"""Planting: a partition's file read through its faults, and the profile of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sqlglot import exp

from interlock import profiles, settings
from interlock.backtest import faults
from interlock.backtest.faults import Fault, Known, Place
from interlock.engines import types
from interlock.engines.parquet import quoted
from interlock.engines.protocol import FILE, ROW, Engine, Relation
from interlock.engines.schema import Column, Kind, Schema
from interlock.profiles.dependency import Dependency
from interlock.profiles.profile import Profile

CASE, VALUE = "interlock case", "interlock value"
BEFORE = "interlock_before"
COLUMNS_MAX = 3  # columns tried for each kind in one partition
CATEGORY_SHARES = (0.01, 0.6)  # of rows; less is hard to miss, more is most of the partition
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")


@dataclass(frozen=True, slots=True)
class Site:
    """What of a table planting needs to know. ``spared`` columns are left alone: those that name the partition."""

    key: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    spared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """A fault and the profile of the partition it is in."""

    fault: Fault
    profile: Profile


def cases(
    engine: Engine,
    site: Site,
    file: Path,
    before: Path | None,
    profile: Profile,
    rng: np.random.Generator,
    most: int | None = None,
    counted: Mapping[Dependency, tuple[int, int]] | None = None,
) -> list[Case]:
    """Every kind and strength this partition can show, up to ``most``, each profiled as the gate would.

    ``counted`` holds the dependencies the partition was counted against as it came.
    """
    relation = engine.relation(str(file))
    schema = tuple(replace(c, type=_wide(c)) for c in relation.schema)
    if {c.name.casefold() for c in schema} & {FILE, ROW} or not relation.rows:
        return []
    step, start = faults.visits(relation.rows, rng)
    other = _alike(engine, before, schema)
    place = Place(schema, relation.rows, step, start)
    if other is not None:
        place = replace(place, before=BEFORE, before_rows=other.rows)
    rows = _Rows(
        engine, site, relation, schema, _defined(engine, schema, {place.source: relation, BEFORE: other})
    )
    chosen = faults.candidates(tuple(c for c in schema if c.name not in site.spared), rng, COLUMNS_MAX)
    known = _known(rows, place, profile, chosen, rng)
    found = list(faults.planted(place, known, chosen))
    if most is not None and most < len(found):
        found = [found[i] for i in sorted(rng.choice(len(found), most, replace=False))]
    return _profiled(rows, found, replace(profile, dependencies=counted or {}))


@dataclass(frozen=True, slots=True)
class _Rows:
    """A partition's rows: where they lie, and the WITH clause that names them once in a statement."""

    engine: Engine
    site: Site
    relation: Relation
    schema: Schema
    names: str

    @property
    def segments(self) -> tuple[str, ...]:
        names = {c.name for c in self.schema}
        return tuple(s for s in self.site.segments if s in names)

    @property
    def key(self) -> tuple[str, ...]:
        return self.site.key if set(self.site.key) <= {c.name for c in self.schema} else ()

    def view(self, text: str) -> exp.Expression:
        return exp.Var(this=f"({self.names} {text})")


def _alike(engine: Engine, before: Path | None, schema: Schema) -> Relation | None:
    """The partition before, where it has the same columns and any rows."""
    if before is None:
        return None
    other = engine.relation(str(before))
    same = [(c.name, c.kind) for c in other.schema] == [(c.name, c.kind) for c in schema]
    return other if same and other.rows else None


def _defined(engine: Engine, schema: Schema, relations: dict[str, Relation | None]) -> str:
    """Rows by name, in columns wide enough for what is planted in them; small ones are read once."""
    items = ", ".join(f"CAST({quoted(c.name)} AS {c.type}) AS {quoted(c.name)}" for c in schema)
    named = []
    for name, relation in relations.items():
        if relation is not None:
            once = "" if relation.rows <= settings.current().counted_rows_max else "NOT "
            rows = engine.source(relation).sql(dialect=engine.dialect)
            named.append(f"{name} AS {once}MATERIALIZED (SELECT {items}, {FILE}, {ROW} FROM {rows})")
    return f"WITH {', '.join(named)}"


def _wide(column: Column) -> str:
    if column.kind is Kind.INTEGER and column.type not in ("HUGEINT", "UHUGEINT", "UBIGINT"):
        return "BIGINT"
    if (match := _DECIMAL.fullmatch(column.type)) is not None:
        return f"DECIMAL({min(int(match[1]) + 4, 38)},{match[2]})"
    return column.type


def _known(
    rows: _Rows,
    place: Place,
    profile: Profile,
    chosen: Sequence[tuple[faults.Values, Column]],
    rng: np.random.Generator,
) -> Known:
    aggregates = ", ".join(kind.changes(column) for kind, column in chosen)
    query = rows.view(f"SELECT {aggregates} FROM {place.source}")
    (counts,) = rows.engine.run(exp.select("*").from_(query)).rows() if chosen else ((),)
    site = rows.site
    changeable = {(k.name, c.name): int(n) for (k, c), n in zip(chosen, counts, strict=True)}
    free = [c for c in place.schema if c.name not in site.spared and c.name in profile.columns]
    varied = [c for c in free if (profile.columns[c.name]["distinct"] or 0) > 1]
    single = [c for c in place.schema if c.name in profile.columns and c not in varied]
    dated = {c.name for c in single if profile.columns[c.name]["distinct"] == 1} | site.spared
    return Known(
        changeable,
        tuple(varied[i] for i in rng.permutation(len(varied))),
        _categories(free, profile, place.rows, rng),
        tuple(c.name for c in place.schema if c.name in dated),
    )


def _categories(
    columns: Sequence[Column], profile: Profile, rows: int, rng: np.random.Generator
) -> tuple[tuple[Column, str, int], ...]:
    low, high = (share * rows for share in CATEGORY_SHARES)
    found = [
        (column, str(value), int(count))
        for column in columns
        if column.kind is Kind.TEXT and profile.columns[column.name]["domain"]
        for value, count in profile.columns[column.name]["domain"]
        if value is not None and low <= count <= high
    ]
    return tuple(found[i] for i in rng.permutation(len(found)))


def _profiled(rows: _Rows, found: Sequence[Fault], clean: Profile) -> list[Case]:
    """Each fault's partition. Small ones take a statement for many faults; large ones, to bound memory, one each.

    A fault in the values of one column that is in no key changes that column's
    statistics and dependencies only: the others are the clean profile's.
    """
    most = int(settings.current().counted_rows_max / (1.0 + faults.STRENGTHS[-1]))
    site, by_name = rows.site, {c.name: c for c in rows.schema}
    groups: dict[str | None, list[int]] = {}
    for i, fault in enumerate(found):
        alone = fault.same_rows and len(fault.columns) == 1 and not site.segments
        light = alone and fault.columns[0] not in site.key
        groups.setdefault(fault.columns[0] if light else None, []).append(i)
    made: dict[int, Profile] = {}
    for name, numbers in groups.items():
        counted = tuple(d for d in clean.dependencies if name is None or name in d.columns)
        if name is None:
            about, some = rows, {i: found[i].select for i in numbers}
        else:
            column = replace(by_name[name], name=VALUE)
            about = replace(rows, schema=(column,), site=Site())
            some = {i: _with_value(found[i], bool(counted)) for i in numbers}
        if rows.relation.rows <= most:
            made |= _together(about, some, counted)
        else:
            made |= {i: _alone(about, text, found[i], counted) for i, text in some.items()}
    return [Case(f, _whole(clean, f, by_name, made[i])) for i, f in enumerate(found) if i in made]


def _with_value(fault: Fault, everything: bool) -> str:
    """The changed column under a name of its own, with the rows' other columns where they are counted too."""
    kept = "*" if everything else f"{FILE}, {ROW}"
    return f"SELECT {kept}, {quoted(fault.columns[0])} AS {quoted(VALUE)} FROM ({fault.select})"


def _whole(clean: Profile, fault: Fault, by_name: dict[str, Column], made: Profile) -> Profile:
    """The partition's profile, from its own or from that of the one column that changed."""
    if VALUE not in made.columns:
        return replace(made, columns={k: v for k, v in made.columns.items() if k != CASE})
    (name,) = fault.columns
    changed = replace(made.columns[VALUE], column=by_name[name])
    return replace(
        clean,
        columns={**clean.columns, name: changed},
        dependencies={**clean.dependencies, **made.dependencies},
    )


def _together(rows: _Rows, texts: dict[int, str], counted: Sequence[Dependency]) -> dict[int, Profile]:
    parts = [f"SELECT *, {i} AS {quoted(CASE)} FROM ({text})" for i, text in texts.items()]
    seen = Relation(
        rows.relation.files,
        (*rows.schema, types.column(CASE, "INTEGER")),
        rows.relation.rows * len(parts),
        view=rows.view(" UNION ALL ".join(parts)),
    )
    found = profiles.compute_by(
        rows.engine, seen, CASE, segments=rows.segments, key=rows.key, dependencies=counted
    )
    return {int(label): profile for label, profile in found.items()}


def _alone(rows: _Rows, text: str, fault: Fault, counted: Sequence[Dependency]) -> Profile:
    kept = {k: v for k, v in rows.relation.bounds.items() if k not in fault.columns and fault.columns}
    whose = {VALUE: fault.columns[0]} if fault.columns else {}
    # Swapped columns hold each other's values.
    whose |= dict(zip(fault.columns, fault.columns[::-1], strict=True))
    few = frozenset(c.name for c in rows.schema if whose.get(c.name, c.name) in rows.relation.repeating)
    seen = replace(rows.relation, schema=rows.schema, bounds=kept, repeating=few, view=rows.view(text))
    return profiles.compute(rows.engine, seen, segments=rows.segments, key=rows.key, dependencies=counted)
