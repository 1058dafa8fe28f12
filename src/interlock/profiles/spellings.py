"""How engines other than DuckDB write what statistics are made of, by their names."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.engines.schema import Kind
from interlock.profiles.statistics.spelling import SQUARED_MAX, Spelling

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
        if type == "VARCHAR":
            return f"({x})::text"
        if kind in (Kind.TEXT, Kind.OTHER):  # as the type writes itself: a cast may be its owner's code
            return f"CASE WHEN {x} IS NOT NULL THEN format('%s', {x}) END"
        return x

    def smallest(self, value: str, kind: Kind) -> str:
        return f"bool_and({value})" if kind is Kind.BOOLEAN else f"min({_ordered(value, kind)})"

    def largest(self, value: str, kind: Kind) -> str:
        return f"bool_or({value})" if kind is Kind.BOOLEAN else f"max({_ordered(value, kind)})"

    def length(self, x: str, kind: Kind, type: str) -> str:
        if kind is Kind.TEXT:
            return f"char_length({self.value(x, kind, type)})"
        return f"octet_length({x})" if kind is Kind.BINARY else f"cardinality({x})"

    def total(self, whole: str) -> str:
        return f"sum({whole})"  # of 32 bits in 64, of 64 exactly

    def about_distinct(self, value: str) -> str | None:
        return None

    def moments(self, x: str, kind: Kind, type: str) -> tuple[str, ...]:
        if kind is Kind.INTEGER:
            squares = _bigint_squares(x) if type == "BIGINT" else f"sum({x}::bigint * {x})"
            return f"count({x})", f"sum({x})", squares
        if kind is not Kind.FLOAT:
            return f"avg({x})", f"stddev_samp({x})"
        within = f"CASE WHEN abs({x}) < {SQUARED_MAX} THEN {x} END"
        return f"avg({within})", f"stddev_samp({within})"


def _bigint_squares(x: str) -> str:
    """Those that fit in 64 bits apart from the others, which are seldom: as numerics they take ten times as long."""
    near = f"{x} BETWEEN -2147483648 AND 2147483647"
    small = f"coalesce(sum({x} * {x}) FILTER (WHERE {near}), 0)"
    large = f"coalesce(sum({x}::numeric * {x}) FILTER (WHERE NOT {near}), 0)"
    return f"CASE WHEN count({x}) > 0 THEN {small} + {large} END"


def _ordered(value: str, kind: Kind) -> str:
    return f'({value}) COLLATE "C"' if kind in (Kind.TEXT, Kind.OTHER) else value


class Spark(Spelling):
    """Spark 4. Only aggregates that Spark compiles: sketches and sorted lists would slow all others down."""

    afar = True
    bounds = _AFAR_BOUNDS
    lacks = dict.fromkeys(("increasing", "decreasing"), _NO_ORDER)
    exact_moments = (Kind.INTEGER,)

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def row(self, names: Sequence[str]) -> str:
        return f"struct({', '.join(map(self.quoted, names))})"

    def infinite(self, x: str, kind: Kind) -> str:
        return f"abs({x}) = DOUBLE('Infinity')" if kind is Kind.FLOAT else "FALSE"

    def finite(self, x: str, kind: Kind) -> str:
        """Of dates and moments those that Python has."""
        return (
            f"abs({x}) < DOUBLE('Infinity')"
            if kind is Kind.FLOAT
            else f"{x} BETWEEN {_FIRST} AND {_LAST[kind]}"
        )

    def value(self, x: str, kind: Kind, type: str) -> str:
        return f"CAST({x} AS STRING)" if kind is Kind.OTHER else x

    def length(self, x: str, kind: Kind, type: str) -> str:
        if kind in (Kind.TEXT, Kind.BINARY):
            return super().length(x, kind, type)
        return f"CASE WHEN {x} IS NOT NULL THEN size({x}) END"

    def about_distinct(self, value: str) -> str | None:
        return None

    def moments(self, x: str, kind: Kind, type: str) -> tuple[str, ...]:
        if kind is Kind.INTEGER:
            return f"count({x})", *(_wide(x) if type == "BIGINT" else _narrow(f"CAST({x} AS BIGINT)"))
        number = f"CAST({x} AS DOUBLE)"
        within = f"CASE WHEN abs({number}) < {SQUARED_MAX} THEN {number} END"
        return f"avg({within})", f"stddev_samp({within})"


_FIRST = "DATE'0001-01-01'"
_LAST = {
    Kind.DATE: "DATE'9999-12-31'",
    Kind.TIMESTAMP: "TIMESTAMP_NTZ'9999-12-31 23:59:59.999999'",
    Kind.TIMESTAMPTZ: "TIMESTAMP'9999-12-31 23:59:59.999999Z'",
}


def _narrow(x: str) -> tuple[str, str]:
    """Sums of 32-bit numbers and of their squares."""
    return f"sum({x})", _total(f"({x} * {x})")


def _wide(x: str) -> tuple[str, str]:
    """Of 64-bit numbers, as high * 2^32 + low, both signed, so that no product leaves 64 bits."""
    high = f"(shiftright({x}, 32) + (shiftright({x}, 31) & 1))"
    low = f"shiftright(shiftleft({x}, 32), 32)"
    squares = (f"({low} * {low})", f"({high} * {low})", f"({high} * {high})")
    least, middle, most = map(_total, squares)
    return f"array(sum({low}), sum({high}))", f"array({least}, 2 * ({middle}), {most})"


def _total(whole: str) -> str:
    """In two halves, each of which adds up in 64 bits."""
    high, low = f"sum(shiftright({whole}, 31))", f"sum({whole} & {2**31 - 1})"
    return f"CAST({high} AS DECIMAL(38, 0)) * {2**31} + {low}"


SPELLINGS: dict[str, Spelling] = {"postgres": Postgres(), "spark": Spark()}
