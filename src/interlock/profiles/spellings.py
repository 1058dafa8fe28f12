"""How engines other than DuckDB write what statistics are made of, by their names."""

from __future__ import annotations

from interlock.engines.schema import Kind
from interlock.profiles.statistics.spelling import Spelling

_SQUARED_MAX = "1e150"  # a float whose square is still one


_NO_ORDER = "the rows have no order"
_AFAR_BOUNDS = {
    "mean": "floats: 1e-9 of the largest value",
    "stddev": "floats: 1e-9 of the largest value",
    "distinct": "estimated from the sample, after Haas and Stokes (1998)",
    "top": "counts are those of a sample, as counts of all rows",
    "domain": "values of a sample, counts as of all rows",
    "patterns": "rows are those of a sample, as rows of all",
}


class Postgres(Spelling):
    """PostgreSQL 14 and newer."""

    afar = True
    bounds = _AFAR_BOUNDS
    lacks = dict.fromkeys(("increasing", "decreasing"), _NO_ORDER)

    def count_if(self, condition: str) -> str:
        return f"count(*) FILTER (WHERE {condition})"

    def infinite(self, x: str, kind: Kind) -> str:
        return f"{x} = 'Infinity' OR {x} = '-Infinity'" if kind is Kind.FLOAT else f"NOT isfinite({x})"

    def nan(self, x: str) -> str:
        return f"{x} = 'NaN'"

    def finite(self, x: str, kind: Kind) -> str:
        return f"{x} < 'Infinity' AND {x} > '-Infinity'" if kind is Kind.FLOAT else f"isfinite({x})"

    def value(self, x: str, kind: Kind, type: str) -> str:
        if kind is Kind.TIMESTAMPTZ:
            return f"({x} AT TIME ZONE 'UTC')"
        return f"({x})::text" if kind in (Kind.OTHER, Kind.TEXT) else x

    def smallest(self, value: str, kind: Kind) -> str:
        return f"bool_and({value})" if kind is Kind.BOOLEAN else f"min({_ordered(value, kind)})"

    def largest(self, value: str, kind: Kind) -> str:
        return f"bool_or({value})" if kind is Kind.BOOLEAN else f"max({_ordered(value, kind)})"

    def length(self, x: str, kind: Kind, type: str) -> str:
        if kind is Kind.TEXT:
            return f"char_length(({x})::text)"
        return f"octet_length({x})" if kind is Kind.BINARY else f"cardinality({x})"

    def about_distinct(self, value: str) -> str | None:
        return None

    def moments(self, x: str, kind: Kind, type: str) -> tuple[str, ...]:
        if kind is Kind.INTEGER:
            wide = "numeric" if type == "BIGINT" else "bigint"
            return f"count({x})", f"sum({x})", f"sum({x}::{wide} * {x})"
        if kind is not Kind.FLOAT:
            return f"avg({x})", f"stddev_samp({x})"
        within = f"CASE WHEN abs({x}) < {_SQUARED_MAX} THEN {x} END"
        beyond = f"bool_or({self.finite(x, kind)} AND abs({x}) >= {_SQUARED_MAX})"
        mean, spread = (f"{f}({within})" for f in ("avg", "stddev_samp"))
        return (
            f"CASE WHEN {beyond} THEN NULL ELSE {mean} END",
            f"CASE WHEN {beyond} THEN NULL ELSE {spread} END",
        )


def _ordered(value: str, kind: Kind) -> str:
    return f'({value}) COLLATE "C"' if kind in (Kind.TEXT, Kind.OTHER) else value


SPELLINGS: dict[str, Spelling] = {"postgres": Postgres()}
