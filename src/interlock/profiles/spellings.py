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
        """Of dates those that Python has."""
        if kind is Kind.FLOAT:
            return f"abs({x}) < DOUBLE('Infinity')"
        return f"year({self.value(x, kind, '')}) BETWEEN 1 AND 9999"

    def value(self, x: str, kind: Kind, type: str) -> str:
        if kind is Kind.TIMESTAMPTZ:
            return f"timestampadd(MICROSECOND, unix_micros({x}), TIMESTAMP_NTZ'1970-01-01')"
        return f"CAST({x} AS STRING)" if kind is Kind.OTHER else x

    def length(self, x: str, kind: Kind, type: str) -> str:
        if kind in (Kind.TEXT, Kind.BINARY):
            return super().length(x, kind, type)
        return f"CASE WHEN {x} IS NOT NULL THEN size({x}) END"

    def about_distinct(self, value: str) -> str | None:
        return None

    def moments(self, x: str, kind: Kind, type: str) -> tuple[str, ...]:
        if kind is Kind.INTEGER:
            return f"count({x})", _whole_sum(x, type), _squares(x, type)
        number = f"CAST({x} AS DOUBLE)"
        within = f"CASE WHEN abs({number}) < {SQUARED_MAX} THEN {number} END"
        return f"avg({within})", f"stddev_samp({within})"


def _whole_sum(x: str, type: str) -> str:
    """In two halves, each of which adds up in 64 bits."""
    return _joined(f"CAST({x} AS BIGINT)", 32) if type == "BIGINT" else f"sum(CAST({x} AS BIGINT))"


def _squares(x: str, type: str) -> str:
    """Squares of 32-bit numbers in halves; of larger ones, which are seldom, as decimals."""
    wide = f"CAST({x} AS BIGINT)"
    if type != "BIGINT":
        return _joined(f"({wide} * {wide})", 31)
    near = f"{wide} BETWEEN -2147483648 AND 2147483647"
    far = f"CAST({x} AS DECIMAL(38, 0)) * CAST({x} AS DECIMAL(38, 0))"
    small = _joined(f"CASE WHEN {near} THEN {wide} * {wide} END", 31)
    large = f"try_sum(CASE WHEN NOT {near} THEN {far} END)"
    any_large = f"bool_or(NOT {near})"
    return f"coalesce({small}, 0) + CASE WHEN {any_large} THEN {large} ELSE 0 END"


def _joined(whole: str, bits: int) -> str:
    high, low = f"sum(shiftright({whole}, {bits}))", f"sum({whole} & {2**bits - 1})"
    return f"CAST({high} AS DECIMAL(38, 0)) * {2**bits} + {low}"


SPELLINGS: dict[str, Spelling] = {"postgres": Postgres(), "spark": Spark()}
