"""The expression language, version 1: what may be written and what it means.

Everything outside these tables is refused before it runs. The tables are data:
the reader, the compiler, the plain-Python reference evaluator and
``docs/reference/expressions.md`` all follow them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from interlock.constraints.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    ROWS_BITS,
    ROWS_DIGITS,
    TEXT,
    TIMESTAMP,
    Type,
    integer,
)
from interlock.engines.schema import Kind

VERSION = 1

# What an argument may be. The reader turns an argument into what the operation needs:
#   number     any number            float      a number, turned into a 64-bit float
#   integer    a whole number        text       text
#   boolean    true or false         moment     a date or timestamp (a zoned one is taken in UTC)
#   ordered    anything with an order            value      anything at all
#   count      a constant from 0 to 1,000,000    places     a constant from 0 to 15
#   fraction   a constant from 0 to 1            pattern    a constant regular expression (RE2)
#   unit       a constant unit of time           sized      text or a list
Result = Type | Callable[[Type], Type]


@dataclass(frozen=True, slots=True)
class Operation:
    """A function: its parameters, its result (from the first argument's type) and its meaning."""

    name: str
    parameters: tuple[str, ...]
    result: Result
    means: str
    optional: int = 0
    aggregate: bool = False
    units: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        required = len(self.parameters) - self.optional
        parts = [p if i < required else f"[{p}]" for i, p in enumerate(self.parameters)]
        return f"{self.name}({', '.join(parts)})"


def _same(first: Type) -> Type:
    return Type(first.kind, first.size, first.scale)


def _whole(first: Type) -> Type:
    return Type(Kind.DECIMAL, first.size, 0) if first.kind is Kind.DECIMAL else _wide(first)


def _wide(first: Type) -> Type:
    return DOUBLE if first.kind is Kind.FLOAT else _same(first)


def _rounded(first: Type) -> Type:
    return Type(Kind.DECIMAL, first.size + 1, first.scale) if first.kind is Kind.DECIMAL else _wide(first)


def _sum(first: Type) -> Type:
    if first.kind is Kind.INTEGER:
        return integer(first.size + ROWS_BITS)
    if first.kind is Kind.DECIMAL:
        return Type(Kind.DECIMAL, first.size + ROWS_DIGITS, first.scale)
    return DOUBLE


PARTS = (
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "dayofweek",
    "isodow",
    "dayofyear",
)
TRUNCATIONS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
DIFFERENCES = ("year", "month", "day", "hour", "minute", "second")
INTERVALS = ("year", "month", "week", "day", "hour", "minute", "second")
# The largest intervals, about ten thousand years each: no moment plus one of them overflows.
INTERVALS_MAX = {
    "year": 10_000,
    "month": 120_000,
    "week": 520_000,
    "day": 3_650_000,
    "hour": 87_600_000,
    "minute": 999_999_999,
    "second": 999_999_999,
}

_FUNCTIONS = (
    # numbers
    Operation("abs", ("number",), _wide, "Magnitude."),
    Operation("sign", ("number",), integer(1), "-1, 0 or 1; 0 for NaN."),
    Operation("floor", ("number",), _whole, "The next whole number below or equal."),
    Operation("ceil", ("number",), _whole, "The next whole number above or equal."),
    Operation(
        "round",
        ("number", "places"),
        _rounded,
        "Halves go away from zero. A float is multiplied by 10^places, rounded, and divided again.",
        optional=1,
    ),
    Operation("sqrt", ("float",), DOUBLE, "Square root; NaN below zero."),
    Operation("exp", ("float",), DOUBLE, "e to the power; infinity where it does not fit."),
    Operation("ln", ("float",), DOUBLE, "Natural logarithm; -infinity at 0, NaN below."),
    Operation("log10", ("float",), DOUBLE, "Logarithm to base 10; -infinity at 0, NaN below."),
    Operation("pow", ("float", "float"), DOUBLE, "Power, as IEEE 754 has it."),
    Operation("isnan", ("float",), BOOLEAN, "Is it NaN?"),
    Operation("isinf", ("float",), BOOLEAN, "Is it infinite, either way?"),
    Operation("isfinite", ("float",), BOOLEAN, "Is it neither NaN nor infinite?"),
    # text
    Operation("length", ("sized",), BIGINT, "Characters (Unicode code points) of a text; items of a list."),
    Operation("lower", ("text",), TEXT, "Lower case, one character for one (Unicode simple mapping)."),
    Operation("upper", ("text",), TEXT, "Upper case, one character for one (Unicode simple mapping)."),
    Operation("trim", ("text",), TEXT, "Without spaces (U+0020 only) at both ends."),
    Operation("ltrim", ("text",), TEXT, "Without spaces (U+0020 only) at the start."),
    Operation("rtrim", ("text",), TEXT, "Without spaces (U+0020 only) at the end."),
    Operation("left", ("text", "count"), TEXT, "The first characters."),
    Operation("right", ("text", "count"), TEXT, "The last characters."),
    Operation(
        "substring",
        ("text", "count", "count"),
        TEXT,
        "Characters from a position (the first is 1), as many as said.",
        optional=1,
    ),
    Operation(
        "replace",
        ("text", "text", "text"),
        TEXT,
        "Every occurrence replaced, left to right; an empty one never.",
    ),
    Operation("starts_with", ("text", "text"), BOOLEAN, "Does it begin with?"),
    Operation("ends_with", ("text", "text"), BOOLEAN, "Does it end with?"),
    Operation("contains", ("text", "text"), BOOLEAN, "Does it occur anywhere?"),
    Operation("regexp_matches", ("text", "pattern"), BOOLEAN, "Does the pattern match anywhere? RE2 syntax."),
    Operation(
        "regexp_full_match",
        ("text", "pattern"),
        BOOLEAN,
        "Does the pattern match the whole text? RE2 syntax.",
    ),
    # dates and times
    Operation(
        "date_part",
        ("unit", "moment"),
        BIGINT,
        "A part as a whole number: " + ", ".join(PARTS) + ".",
        units=PARTS,
    ),
    Operation(
        "date_trunc",
        ("unit", "moment"),
        TIMESTAMP,
        "The start of the unit, as a timestamp; weeks start on Monday. An error outside the years 1 to 9999.",
        units=TRUNCATIONS,
    ),
    Operation(
        "date_diff",
        ("unit", "moment", "moment"),
        BIGINT,
        "How many starts of the unit lie between the first and the second.",
        units=DIFFERENCES,
    ),
    # aggregates
    Operation("count_if", ("boolean",), integer(ROWS_BITS), "Rows for which it is true.", aggregate=True),
    Operation(
        "sum", ("number",), _sum, "Exact for integers and decimals. See 'Sums of floats'.", aggregate=True
    ),
    Operation("avg", ("number",), DOUBLE, "The sum as a float, divided by the count.", aggregate=True),
    Operation("min", ("ordered",), _same, "The smallest; NaN is larger than every number.", aggregate=True),
    Operation("max", ("ordered",), _same, "The largest; NaN is larger than every number.", aggregate=True),
    Operation(
        "stddev", ("float",), DOUBLE, "Sample standard deviation; NULL below two values.", aggregate=True
    ),
    Operation("stddev_pop", ("float",), DOUBLE, "Standard deviation of the population.", aggregate=True),
    Operation("variance", ("float",), DOUBLE, "Sample variance; NULL below two values.", aggregate=True),
    Operation("var_pop", ("float",), DOUBLE, "Variance of the population.", aggregate=True),
    Operation("median", ("float",), DOUBLE, "As quantile_cont(x, 0.5).", aggregate=True),
    Operation(
        "quantile_cont",
        ("float", "fraction"),
        DOUBLE,
        "Quantile, interpolated between two values.",
        aggregate=True,
    ),
    Operation(
        "quantile_disc",
        ("ordered", "fraction"),
        _same,
        "Quantile that is one of the values: the one at position ceil(fraction × n), at least 1.",
        aggregate=True,
    ),
    Operation(
        "bool_and", ("boolean",), BOOLEAN, "Is it true for every row where it is not NULL?", aggregate=True
    ),
    Operation("bool_or", ("boolean",), BOOLEAN, "Is it true for any row?", aggregate=True),
)
OPERATIONS = {f.name: f for f in _FUNCTIONS}

# Other spellings people use.
ALIASES = {
    "ceiling": "ceil",
    "power": "pow",
    "len": "length",
    "char_length": "length",
    "lcase": "lower",
    "ucase": "upper",
    "substr": "substring",
    "suffix": "ends_with",
    "prefix": "starts_with",
    "datepart": "date_part",
    "datetrunc": "date_trunc",
    "datediff": "date_diff",
    "countif": "count_if",
    "mean": "avg",
    "stddev_samp": "stddev",
    "var_samp": "variance",
    "log": "log10",
}

# Written as functions, each with rules of its own in `bind`.
SPECIAL = {
    "count": "count(*) counts rows, count(x) rows where x is not NULL, count(DISTINCT x) different values; "
    "count(DISTINCT (x, y)) different pairs, leaving out rows with a NULL among them.",
    "coalesce": "The first argument that is not NULL; later ones are not evaluated.",
    "nullif": "NULL where both are equal, else the first.",
    "greatest": "The largest argument that is not NULL; NaN is larger than every number.",
    "least": "The smallest argument that is not NULL.",
    "if": "if(condition, a, b): a where the condition is true, else b; the other one is not evaluated.",
}

# The whole constraint, or nothing: what a boolean over one table cannot say.
PREDICATES = {
    "unique": "unique(a, b): no two rows have the same values here. Rows with a NULL among them are left out.",
    "references": "references(a, other.b): every value that is not NULL occurs in column b of the table "
    "other, as published.",
    "fresh": "fresh(a, '2 hours'): the newest value is at most this old when judged. A date counts from its first "
    "moment; timestamps without a zone are UTC.",
}

# Known and refused, with what to say about it.
REFUSED_FUNCTIONS = {
    **dict.fromkeys(
        ("random", "uuid", "gen_random_uuid", "setseed", "nextval", "currval"),
        "it gives another value each time",
    ),
    **dict.fromkeys(
        (
            "now",
            "today",
            "current_date",
            "current_timestamp",
            "current_time",
            "get_current_timestamp",
            "localtimestamp",
        ),
        "it gives another value each time; use fresh(column, '2 hours')",
    ),
    **dict.fromkeys(
        (
            "getenv",
            "current_setting",
            "current_user",
            "current_database",
            "current_schema",
            "version",
            "getvariable",
        ),
        "it reads the environment",
    ),
    **dict.fromkeys(
        ("row_number", "rank", "lag", "lead", "first_value", "ntile"),
        "window functions are not in the language",
    ),
    **dict.fromkeys(
        ("first", "last", "any_value", "mode", "arg_min", "arg_max"), "its value depends on the order of rows"
    ),
    **dict.fromkeys(
        ("approx_count_distinct", "approx_quantile", "reservoir_quantile"),
        "an approximate value cannot decide; use count(DISTINCT x) or quantile_disc(x, 0.5)",
    ),
}

PART_FUNCTIONS = frozenset(PARTS)

OPERATORS = (
    (
        "a + b, a - b, a * b, -a",
        "Integers and decimals are exact and never overflow: an expression that could is refused.",
    ),
    ("a / b", "Always a float, also between integers; 1/0 is infinity, 0/0 is NaN."),
    ("a // b", "Integers only, cut towards zero; an error where b is 0."),
    ("a % b", "The remainder, with the sign of a; for integers an error where b is 0, for floats NaN."),
    (
        "date ± INTERVAL",
        "A timestamp. A month later is the same day, or the month's last. Error outside years 1 to 9999.",
    ),
    ("date - date", "Days between, a whole number."),
    ("a || b", "Text after text."),
    (
        "=, <>, <, <=, >, >=",
        "NaN equals NaN and is larger than every number; text by code point; false < true.",
    ),
    ("a IS [NOT] DISTINCT FROM b", "As <> and =, but NULL is a value like any other; never NULL."),
    ("a [NOT] BETWEEN b AND c", "a >= b AND a <= c."),
    ("a [NOT] IN (b, c, …)", "a = b OR a = c …"),
    (
        "a [NOT] LIKE 'x%', ILIKE",
        "% is any text, _ one character; there is no escape. ILIKE lowers both sides first.",
    ),
    ("a IS [NOT] NULL, IS [NOT] TRUE, IS [NOT] FALSE", "Never NULL."),
    (
        "AND, OR, NOT",
        "Three-valued. False wins in AND and true in OR, over an error too; otherwise an error wins over NULL.",
    ),
    ("CASE WHEN … THEN … ELSE … END", "Only the branch taken is evaluated."),
    ("CAST(a AS type), a::type", "An error where the value does not fit. TRY_CAST gives NULL instead."),
    ("aggregate FILTER (WHERE …)", "Over the rows where the condition is true."),
)
