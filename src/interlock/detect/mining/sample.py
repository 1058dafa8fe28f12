"""The rows that dependencies are looked for in: a few thousand, the same ones each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlglot import exp

from interlock.engines.parquet import quoted
from interlock.engines.protocol import FILE, ROW, Engine, Relation
from interlock.engines.schema import Column, Kind

Array = npt.NDArray[Any]
ROWS = 2_048
CELLS = 400_000  # of a wide table fewer rows
ROWS_LEAST = 256
_NUMBERS = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
_MOMENTS = (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
_CODED = (Kind.TEXT, Kind.BOOLEAN, *_NUMBERS, *_MOMENTS)


@dataclass(frozen=True)
class Sample:
    """Columns of sampled rows. Arrays have one place a row."""

    rows: int
    kinds: Mapping[str, Kind]
    values: Mapping[str, Array]  # numbers as doubles, NaN for none; moments as datetime64; texts as objects

    def of(self, *kinds: Kind) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind in kinds]

    @cached_property
    def numbers(self) -> list[str]:
        """Numeric columns with more than one value."""
        return [c for c in self.of(*_NUMBERS) if _varies(self.values[c])]

    @cached_property
    def moments(self) -> list[str]:
        return self.of(*_MOMENTS)

    @cached_property
    def known(self) -> Mapping[str, npt.NDArray[np.bool_]]:
        """Where each column has a value."""
        return {c: _known(v) for c, v in self.values.items()}

    @cached_property
    def codes(self) -> Mapping[str, npt.NDArray[np.int64]]:
        """Each column's values as small whole numbers; -1 for none."""
        found = {}
        for name, values in self.values.items():
            codes = np.full(self.rows, -1, dtype=np.int64)
            here = self.known[name]
            codes[here] = np.unique(values[here], return_inverse=True)[1]
            found[name] = codes
        return found

    @cached_property
    def other(self) -> npt.NDArray[np.intp]:
        """The rows in another order, to tell what chance would give; fixed."""
        return np.random.default_rng(20130101).permutation(self.rows)


def taken(engine: Engine, relation: Relation) -> Sample:
    """A sample of a relation's rows, spread evenly over it by a hash of each row's place."""
    columns = [c for c in relation.schema if c.kind in _CODED]
    wanted = max(ROWS_LEAST, min(ROWS, CELLS // max(len(columns), 1)))
    if not columns or not relation.rows:
        return Sample(0, {}, {})
    items = ", ".join(f"{_fetched(c)} AS c{i}" for i, c in enumerate(columns))
    source = engine.source(relation).sql(dialect=engine.dialect)
    place = f"hash({FILE}, {ROW})"
    text = f"SELECT {items} FROM {source}"
    if relation.rows > wanted:
        text += f" ORDER BY {place}, {FILE}, {ROW} LIMIT {wanted}"
    found = engine.run(exp.select("*").from_(exp.Var(this=f"({text})"))).rows()
    by_column = list(zip(*found, strict=True)) or [() for _ in columns]
    return Sample(
        len(found),
        {c.name: c.kind for c in columns},
        {c.name: _array(c, values) for c, values in zip(columns, by_column, strict=True)},
    )


def _fetched(column: Column) -> str:
    name = quoted(column.name)
    if column.kind in _NUMBERS:
        return f"CAST({name} AS DOUBLE)"
    if column.kind in _MOMENTS:
        return f"CASE WHEN isfinite({name}) THEN epoch_us({name}) END"
    return f"CAST({name} AS VARCHAR)"


def _array(column: Column, values: tuple[Any, ...]) -> Array:
    if column.kind in _NUMBERS:
        numbers = np.array(values, dtype=np.float64)  # None becomes NaN
        return np.where(np.isfinite(numbers), numbers, np.nan)
    if column.kind in _MOMENTS:
        missing = np.iinfo(np.int64).min  # NaT
        return np.array([missing if v is None else v for v in values], dtype=np.int64).astype("M8[us]")
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return texts


def _known(values: Array) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.logical_not(np.isnan(values))
    if values.dtype.kind == "M":
        return np.logical_not(np.isnat(values))
    return np.array([v is not None for v in values], dtype=bool)


def _varies(values: Array) -> bool:
    present = values[~np.isnan(values)]
    return bool(present.size and present.min() < present.max())
