"""The faults that are planted: each a SELECT that changes a partition's rows while they are read.

A kind that changes values takes a share of rows, chosen evenly over the file by
a fixed step (an affine permutation of row numbers), rows first in which the value
would really change. A kind without strengths changes the whole partition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from interlock.engines.parquet import literal, quoted
from interlock.engines.protocol import FILE, ROW
from interlock.engines.schema import Column, Kind, Schema

STRENGTHS = (0.01, 0.05, 0.2)  # of rows
LOSSES = (0.2, 0.5)  # of rows a truncated load lacks
NEW, AT = "interlock new", "interlock at"
_MOMENTS = (Kind.TIMESTAMP, Kind.TIMESTAMPTZ)


@dataclass(frozen=True, slots=True)
class Fault:
    """A planted fault. ``columns`` are the right answers to "which column?", empty where it is the rows.

    ``strength`` is the share of rows it changes; None where it changes all it can.
    ``select`` gives the broken rows.
    """

    kind: str
    strength: float | None
    columns: tuple[str, ...]
    select: str
    same_rows: bool = False  # rows and all other columns stay as they were


@dataclass(frozen=True, slots=True)
class Place:
    """A partition's file as faults see it: ``source`` offers ``schema``, `FILE` and `ROW`.

    So does ``before``, the partition before, where there is one. Both are names
    that a statement defines once.
    """

    schema: Schema
    rows: int
    step: int  # coprime to the rows: ``row * step + start`` modulo the rows visits each row once
    start: int
    source: str = "interlock_rows"
    before: str | None = None
    before_rows: int = 0

    @property
    def visit(self) -> str:
        return f"(({ROW} * {self.step} + {self.start}) % {self.rows})"

    def select(self, changed: dict[str, str], rows: str, *, row: str = ROW) -> str:
        """All columns, some of them changed, of these ``rows``."""
        items = ", ".join(
            f"{changed[c.name]} AS {quoted(c.name)}" if c.name in changed else quoted(c.name)
            for c in self.schema
        )
        return f"SELECT {items}, {FILE}, {row} AS {ROW} FROM {rows}"


@dataclass(frozen=True, slots=True)
class Values:
    """A kind of fault that replaces values of one column. ``whole``: of every row."""

    name: str
    applies: Callable[[Column], bool]
    value: Callable[[str, Column], str]
    whole: bool = False

    def new(self, column: Column) -> str:
        """The value instead; NULL where it would not fit the type."""
        return f"TRY_CAST(TRY({self.value(quoted(column.name), column)}) AS {column.type})"

    def differs(self, column: Column) -> str:
        """Whether a row would really change; a value that does not fit is not what was asked for."""
        fits = "" if self is NULLS else f" AND {self.new(column)} IS NOT NULL"
        return f"({self.new(column)} IS DISTINCT FROM {quoted(column.name)}{fits})"

    def changes(self, column: Column) -> str:
        """An aggregate: how many rows it would change."""
        return f"count(CASE WHEN {self.differs(column)} THEN 1 END)"

    def plant(self, place: Place, column: Column, rows: int) -> str:
        """The partition with ``rows`` of its values replaced."""
        name, new = quoted(column.name), self.new(column)
        if self.whole:
            return place.select({column.name: new}, place.source)
        order = f"{self.differs(column)} DESC, {place.visit}"
        inner = (
            f"(SELECT *, {new} AS {quoted(NEW)}, row_number() OVER (ORDER BY {order}) AS {quoted(AT)}"
            f" FROM {place.source})"
        )
        replaced = f"CASE WHEN {quoted(AT)} <= {rows} THEN {quoted(NEW)} ELSE {name} END"
        return place.select({column.name: replaced}, inner)


def _number(column: Column) -> bool:
    return column.kind.numeric


def _text(column: Column) -> bool:
    return column.kind is Kind.TEXT and "ENUM" not in column.type


def _moment(column: Column) -> bool:
    return column.kind in _MOMENTS


def _any(column: Column) -> bool:
    return column.kind is not Kind.NULL


def _rounded(name: str, column: Column) -> str:
    return f"round({name}, {-1 if column.kind is Kind.INTEGER else 0})"


NULLS = Values("nulls", _any, lambda x, c: "NULL")
VALUES: tuple[Values, ...] = (
    NULLS,
    Values("unit ×100", _number, lambda x, c: f"{x} * 100"),
    Values("unit ×1000", _number, lambda x, c: f"{x} * 1000"),
    Values("sign flipped", _number, lambda x, c: f"-{x}"),
    Values("default -1", _number, lambda x, c: "-1"),
    Values("default 0", _number, lambda x, c: "0"),
    Values("default ''", _text, lambda x, c: "''"),
    Values(
        "letter case", _text, lambda x, c: f"CASE WHEN {x} = upper({x}) THEN lower({x}) ELSE upper({x}) END"
    ),
    Values("encoding damage", _text, lambda x, c: f"regexp_replace({x}, '[A-Za-z]', 'Ã¼')"),
    Values("padded", _text, lambda x, c: f"{x} || ' '"),
    Values("new category", _text, lambda x, c: f"CASE WHEN {x} IS NOT NULL THEN 'unknown' END"),
    Values("an hour off", _moment, lambda x, c: f"{x} + INTERVAL 1 HOUR", whole=True),
    Values("rounded", _number, _rounded, whole=True),
)


def duplicated(place: Place, rows: int) -> str:
    """A part of the load came twice."""
    again = f"(SELECT * FROM {place.source} WHERE {place.visit} < {rows})"
    once = place.select({}, place.source)
    return f"{once} UNION ALL {place.select({}, again, row=f'{ROW} + {place.rows}')}"


def truncated(place: Place, rows: int) -> str:
    """The load broke off: its last rows are missing."""
    return place.select({}, f"(SELECT * FROM {place.source} WHERE {ROW} < {place.rows - rows})")


def lost(place: Place, column: Column, value: str) -> str:
    """All rows of one category are missing."""
    name = quoted(column.name)
    same = f"CAST({name} AS VARCHAR) IS DISTINCT FROM {literal(value)}"
    return place.select({}, f"(SELECT * FROM {place.source} WHERE {same})")


def swapped(place: Place, first: Column, second: Column) -> str:
    """Two columns of one type hold each other's values."""
    changed = {first.name: quoted(second.name), second.name: quoted(first.name)}
    return place.select(changed, place.source)


def shuffled(place: Place, column: Column) -> str:
    """A column lost its rows: its values are there, each beside another row's."""
    there = f"(SELECT {quoted(column.name)} AS {quoted(NEW)}, {ROW} AS {quoted(AT)} FROM {place.source})"
    joined = f"({_base(place)} JOIN {there} other ON other.{quoted(AT)} = {place.visit})"
    return place.select({column.name: quoted(NEW)}, joined)


def frozen(place: Place, column: Column) -> str:
    """A column still holds the values of the partition before."""
    there = f"(SELECT {quoted(column.name)} AS {quoted(NEW)}, {ROW} AS {quoted(AT)} FROM {place.before})"
    joined = f"({_base(place)} JOIN {there} other ON other.{quoted(AT)} = {ROW} % {place.before_rows})"
    return place.select({column.name: quoted(NEW)}, joined)


def stale(place: Place, dated: Sequence[str]) -> str:
    """The rows of the partition before, under this one's date."""
    changed = {c: f"(SELECT any_value({quoted(c)}) FROM {place.source})" for c in dated}
    return place.select(changed, place.before or place.source)


def _base(place: Place) -> str:
    return f"(SELECT * FROM {place.source}) this"


@dataclass(frozen=True, slots=True)
class Known:
    """What the partition's profile says, and how many rows each kind would change."""

    changeable: dict[tuple[str, str], int]  # (kind, column) → rows
    varied: tuple[Column, ...]  # columns with more than one value
    categories: tuple[tuple[Column, str, int], ...]  # column, value, rows
    dated: tuple[str, ...]  # columns with one value that belongs to the partition


def candidates(schema: Schema, rng: np.random.Generator, most: int) -> list[tuple[Values, Column]]:
    """Up to ``most`` columns for each kind that replaces values."""
    found = []
    for kind in VALUES:
        fitting = [c for c in schema if kind.applies(c)]
        for i in rng.permutation(len(fitting))[:most]:
            found.append((kind, fitting[i]))
    return found


def planted(place: Place, known: Known, chosen: Sequence[tuple[Values, Column]]) -> Iterator[Fault]:
    """One fault of each kind and strength that this partition can show. ``chosen`` is in random order."""
    for kind in VALUES:
        for strength in (None,) if kind.whole else STRENGTHS:
            rows = rows_of(place, strength or 0.5)
            columns = (c for k, c in chosen if k is kind and known.changeable[k.name, c.name] >= rows)
            if (column := next(columns, None)) is not None:
                yield Fault(
                    kind.name, strength, (column.name,), kind.plant(place, column, rows), same_rows=True
                )
    for strength in STRENGTHS:
        yield Fault("duplicated", strength, (), duplicated(place, rows_of(place, strength)))
    for strength in LOSSES:
        yield Fault("truncated", strength, (), truncated(place, rows_of(place, strength)))
    yield from _whole(place, known)


def _whole(place: Place, known: Known) -> Iterator[Fault]:
    if known.categories:
        column, value, _ = known.categories[0]
        yield Fault("category lost", None, (column.name,), lost(place, column, value))
    pair = next(
        ((a, b) for i, a in enumerate(known.varied) for b in known.varied[i + 1 :] if a.type == b.type), None
    )
    if pair is not None:
        yield Fault("swapped", None, (pair[0].name, pair[1].name), swapped(place, *pair))
    if known.varied:
        column = known.varied[-1]
        yield Fault("shuffled", None, (column.name,), shuffled(place, column), same_rows=True)
        if place.before is not None and place.before_rows:
            yield Fault("frozen column", None, (column.name,), frozen(place, column), same_rows=True)
    if place.before is not None and place.before_rows:
        yield Fault("stale partition", None, (), stale(place, known.dated))


def rows_of(place: Place, share: float) -> int:
    """A share of a partition's rows, at least one."""
    return max(1, round(share * place.rows))


def visits(rows: int, rng: np.random.Generator) -> tuple[int, int]:
    """A step coprime to the number of rows, and a start."""
    step = int(rng.integers(1, rows + 1))
    while math.gcd(step, rows) != 1:
        step = step % rows + 1
    return step, int(rng.integers(0, rows))
