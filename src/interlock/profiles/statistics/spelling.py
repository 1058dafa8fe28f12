"""How an engine writes what statistics are made of: `Spelling` is DuckDB's way, which others change in places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from interlock.engines.parquet import quoted
from interlock.engines.schema import Kind

SQUARED_MAX = 1e150  # a float whose square is still one


class Spelling:
    """SQL texts over ``x``, the text of a column. Aggregates skip NULL and are NULL of no rows; so may counts be."""

    afar = False  # rows stay where they are: only cheap aggregates are wanted there
    bounds: ClassVar[Mapping[str, str]] = {}  # by statistic, where a large partition's error is another one
    exact_moments: tuple[Kind, ...] = (Kind.INTEGER, Kind.DECIMAL)  # where `moments` are exact
    lacks: ClassVar[Mapping[str, str]] = {}  # statistics that there are none of, and why

    def quoted(self, name: str) -> str:
        """A column's name."""
        return quoted(name)

    def row(self, names: Sequence[str]) -> str:
        """Several columns as one value that is never NULL."""
        return f"ROW({', '.join(map(self.quoted, names))})"

    def count_if(self, condition: str) -> str:
        return f"count_if({condition})"

    def infinite(self, x: str, kind: Kind) -> str:
        return f"isinf({x})"

    def nan(self, x: str) -> str:
        return f"isnan({x})"

    def finite(self, x: str, kind: Kind) -> str:
        """True for a number, date or moment that is finite, and no NaN."""
        return f"isfinite({x})"

    def value(self, x: str, kind: Kind, type: str) -> str:
        """The column in a form Python can take: UTC for zoned times, text for exotic types."""
        if kind is Kind.TIMESTAMPTZ:
            return f"make_timestamp(epoch_us({x}))"
        if type in ("TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"):
            return f"CAST({x} AS TIMESTAMP)"
        if kind is Kind.OTHER or type == "TIME_NS":
            return f"CAST({x} AS VARCHAR)"
        return x

    def smallest(self, value: str, kind: Kind) -> str:
        """Texts are compared by code points."""
        return f"min({value})"

    def largest(self, value: str, kind: Kind) -> str:
        return f"max({value})"

    def length(self, x: str, kind: Kind, type: str) -> str:
        """Characters of a text, bytes, or elements of a list or map."""
        if kind is Kind.TEXT:
            return f"length({x})"
        if kind is Kind.BINARY:
            return f"octet_length({x})"
        return f"cardinality({x})" if type.startswith("MAP") else f"len({x})"

    def total(self, whole: str) -> str:
        """The exact sum of whole numbers."""
        return f"sum(CAST({whole} AS BIGINT))"

    def about_distinct(self, value: str) -> str | None:
        """An estimate of how many values there are; None where the engine has none."""
        return f"approx_count_distinct({value})"

    def moments(self, x: str, kind: Kind, type: str) -> tuple[str, ...]:
        """Count, sum and sum of squares of whole numbers where they are exact; else mean and standard deviation.

        A whole number may be an array of its digits in base 2^32, the least first, each of any size and sign.
        Of those below `SQUARED_MAX`; where there are others, neither is known. Only asked of engines afar.
        """
        raise NotImplementedError


DUCKDB = Spelling()
