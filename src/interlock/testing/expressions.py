"""Random tables and random expressions of the language, valid and invalid, for property tests.

Everything takes a ``random.Random``, so that a seed names an example.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from interlock.engines.schema import Column, Kind, Schema

_F32 = 0.10000000149011612  # the 32-bit float nearest to 0.1
_DAY = dt.date
_TS = dt.datetime

COLUMNS: Schema = (
    Column("i", "INTEGER", Kind.INTEGER),
    Column("b", "BIGINT", Kind.INTEGER),
    Column("t", "TINYINT", Kind.INTEGER),
    Column("u", "UBIGINT", Kind.INTEGER),
    Column("d", "DECIMAL(10,2)", Kind.DECIMAL),
    Column("f", "DOUBLE", Kind.FLOAT),
    Column("r", "FLOAT", Kind.FLOAT),
    Column("p", "BOOLEAN", Kind.BOOLEAN),
    Column("order", "BOOLEAN", Kind.BOOLEAN),
    Column("s", "VARCHAR", Kind.TEXT),
    Column("größe x", "VARCHAR", Kind.TEXT),
    Column("day", "DATE", Kind.DATE),
    Column("ts", "TIMESTAMP", Kind.TIMESTAMP),
    Column("tz", "TIMESTAMP WITH TIME ZONE", Kind.TIMESTAMPTZ),
    Column("tm", "TIME", Kind.TIME),
)

VALUES: dict[str, Sequence[Any]] = {
    "i": (0, 1, -1, 2, 3, 7, 10, -7, 2**31 - 1, -(2**31)),
    "b": (0, 1, -1, 5, 100, 2**53 + 1, 2**63 - 1, -(2**63)),
    "t": (0, 1, -1, 7, 127, -128),
    "u": (0, 1, 2, 1000, 2**64 - 1),
    "d": tuple(
        Decimal(x) for x in ("0.00", "0.50", "-0.50", "1.25", "10.00", "99999999.99", "-99999999.99", "2.50")
    ),
    "f": (
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.0,
        2.5,
        0.1,
        1e308,
        -1e308,
        5e-324,
        1e15,
        math.nan,
        math.inf,
        -math.inf,
        3.0,
        1e20,
    ),
    "r": (0.0, 0.5, 1.0, -2.5, _F32, math.nan, math.inf, 16777216.0),
    "p": (True, False),
    "order": (True, False),
    "s": (
        "",
        "a",
        "A",
        "ab",
        "Ab",
        "b",
        " a ",
        "a%",
        "ä",
        "ß",
        "日本",
        "🦆",
        "5",
        "-7",
        "1.5",
        " 8 ",
        "true",
        "2020-02-29",
    ),
    "größe x": ("", "a", "b", "ab", "x", "o'x", '"', "10", "99.95", "x\ny", "2021-01-01 10:00:00"),
    "day": (
        _DAY(2020, 2, 29),
        _DAY(2020, 1, 1),
        _DAY(2019, 12, 30),
        _DAY(2021, 1, 3),
        _DAY(1, 1, 1),
        _DAY(9999, 12, 31),
    ),
    "ts": (
        _TS(2020, 2, 29, 23, 59, 59, 999999),
        _TS(2020, 1, 1),
        _TS(2019, 12, 29, 12, 30),
        _TS(1, 1, 1),
        _TS(9999, 12, 31, 23, 59, 59),
        _TS(1969, 12, 31, 23, 0, 1),
    ),
    "tz": (
        _TS(2020, 1, 1, tzinfo=dt.UTC),
        _TS(2020, 2, 29, 23, 30, tzinfo=dt.UTC),
        _TS(1969, 12, 31, 23, tzinfo=dt.UTC),
    ),
    "tm": (dt.time(0), dt.time(10, 30), dt.time(23, 59, 59, 999999)),
}


def table(random: Random, *, rows_max: int = 8, schema: Schema = COLUMNS) -> list[dict[str, Any]]:
    """Up to ``rows_max`` rows of awkward values, NULL in about one of five; the empty table too."""
    rows = random.randint(0, rows_max)
    few = {
        c.name: random.sample(VALUES[c.name], min(len(VALUES[c.name]), random.randint(1, 4))) for c in schema
    }
    return [
        {c.name: None if random.random() < 0.2 else random.choice(few[c.name]) for c in schema}
        for _ in range(rows)
    ]


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name != "order" else '"' + name + '"'


_BY_KIND: dict[str, tuple[str, ...]] = {
    "integer": ("i", "b", "t", "u"),
    "decimal": ("d",),
    "float": ("f", "r"),
    "boolean": ("p", "order"),
    "text": ("s", "größe x"),
    "date": ("day",),
    "timestamp": ("ts",),
    "zoned": ("tz",),
    "time": ("tm",),
}
_CONSTANTS: dict[str, tuple[str, ...]] = {
    "integer": (
        "0",
        "1",
        "-1",
        "2",
        "7",
        "10",
        "127",
        "2147483647",
        "9223372036854775807",
        "-9223372036854775808",
    ),
    "decimal": ("0.5", "1.25", "-0.50", "99.95", "0.0"),
    "float": ("0.5e0", "1e15", "1e308", "0e0", "25e-1"),
    "boolean": ("TRUE", "FALSE"),
    "text": ("''", "'a'", "'ab'", "'Ab'", "'o''x'", "'日本'", "'5'"),
    "date": ("DATE '2020-02-29'", "DATE '2020-01-01'", "'2019-12-30'::DATE"),
    "timestamp": ("TIMESTAMP '2020-01-01 00:00:00'", "TIMESTAMP '2020-02-29 23:59:59.999999'"),
    "zoned": ("TIMESTAMPTZ '2020-01-01 00:00:00+00:00'", "TIMESTAMPTZ '2020-02-29 12:00:00+02:00'"),
    "time": ("TIME '10:30:00'", "TIME '00:00:00'"),
}
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")


@dataclass
class Maker:
    """Writes expressions. Inside an aggregate expression columns stand in aggregates only."""

    random: Random
    aggregate: bool = False

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def leaf(self, kind: str) -> str:
        if self.random.random() < 0.05:
            return "NULL"
        if self.aggregate:
            return self.aggregated(kind) if self.random.random() < 0.75 else self.one(*_CONSTANTS[kind])
        if self.random.random() < 0.75:
            return _quoted(self.one(*_BY_KIND[kind]))
        return self.one(*_CONSTANTS[kind])

    def aggregated(self, kind: str) -> str:
        inner = Maker(self.random)
        text = self._aggregated(inner, kind)
        if self.random.random() < 0.2:
            return f"{text} FILTER (WHERE {inner.boolean(1)})"
        return text

    def _aggregated(self, inner: Maker, kind: str) -> str:
        if kind == "integer":
            choices = [
                "count(*)",
                f"count({inner.any(1)})",
                f"count(DISTINCT {inner.any(1)})",
                f"count(DISTINCT ({inner.any(0)}, {inner.any(0)}))",
                f"count_if({inner.boolean(1)})",
                f"sum({_quoted(self.one('i', 'b', 't', 'u'))})",
                f"min({inner.make('integer', 1)})",
                f"quantile_disc({inner.make('integer', 1)}, {self.one('0', '0.25', '0.5', '1')})",
            ]
        elif kind == "float":
            number = inner.make(self.one("integer", "decimal", "float"), 1)
            choices = [
                f"{self.one('avg', 'sum', 'min', 'max')}({inner.make('float', 1)})",
                f"avg({number})",
                f"{self.one('stddev', 'variance', 'stddev_pop', 'var_pop')}({number})",
                f"median({number})",
                f"quantile_cont({number}, {self.one('0', '0.25', '0.7', '1')})",
            ]
        elif kind == "boolean":
            choices = [f"{self.one('bool_and', 'bool_or')}({inner.boolean(1)})"]
        elif kind == "decimal":
            choices = ["sum(d)", "min(d)", "max(d)"]
        else:
            choices = [f"{self.one('min', 'max')}({inner.make(kind, 1)})"]
        return self.one(*choices)

    def any(self, depth: int) -> str:
        return self.make(self.one(*_BY_KIND), depth)

    def make(self, kind: str, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.15:
            return self.leaf(kind)
        if kind == "boolean":
            return self.boolean(depth)
        choice = self.random.random()
        if choice < 0.08:
            yes, no = self.make(kind, depth - 1), self.make(kind, depth - 1)
            return f"CASE WHEN {self.boolean(depth - 1)} THEN {yes} ELSE {no} END"
        if choice < 0.16:
            name = self.one("coalesce", "nullif", "greatest", "least")
            return f"{name}({self.make(kind, depth - 1)}, {self.make(kind, depth - 1)})"
        return getattr(self, "_" + kind)(depth - 1)  # type: ignore[no-any-return]

    def _integer(self, depth: int) -> str:
        a, c = self.make("integer", depth), self.make("integer", depth)
        castable = self.make(self.one("text", "float", "decimal", "boolean", "integer"), depth)
        text, moment = self.make("text", depth), self.make(self.one("date", "timestamp", "zoned"), depth)
        return self.one(
            f"({a} {self.one('+', '-', '*', '//', '%')} {c})",
            f"({a} {self.one('//', '%')} {self.one('2', '7', '0', '-3')})",
            f"-({a})",
            f"{self.one('abs', 'sign', 'floor', 'round')}({a})",
            f"length({text})",
            f"date_part('{self.one(*_UNITS, 'dayofweek', 'isodow', 'dayofyear')}', {moment})",
            f"date_diff('{self.one('year', 'month', 'day', 'hour', 'minute', 'second')}', {moment}, {moment})",
            f"({self.make('date', depth)} - {self.make('date', depth)})",
            f"{self.one('CAST', 'TRY_CAST')}({castable} AS {self.one('TINYINT', 'INTEGER', 'BIGINT')})",
        )

    def _decimal(self, depth: int) -> str:
        a, c = self.make("decimal", depth), self.make(self.one("decimal", "integer"), depth)
        castable = self.make(self.one("decimal", "integer", "text"), depth)
        return self.one(
            f"({a} {self.one('+', '-', '*')} {c})",
            f"{self.one('abs', 'floor', 'ceil')}({a})",
            f"round({a}, {self.one('0', '1', '2')})",
            f"{self.one('CAST', 'TRY_CAST')}({castable} AS DECIMAL(10, 2))",
        )

    def _float(self, depth: int) -> str:
        a = self.make("float", depth)
        number = self.make(self.one("integer", "decimal", "float"), depth)
        return self.one(
            f"({a} {self.one('+', '-', '*', '/', '%')} {number})",
            f"({number} / {self.make('integer', depth)})",
            f"{self.one('abs', 'floor', 'ceil', 'sqrt')}({a})",
            f"round({a}, {self.one('0', '1', '2')})",
            f"{self.one('CAST', 'TRY_CAST')}({self.make(self.one('text', 'integer', 'decimal'), depth)} AS DOUBLE)",
            f"-({a})",
        )

    def _text(self, depth: int) -> str:
        a = self.make("text", depth)
        return self.one(
            f"({a} || {self.make('text', depth)})",
            f"{self.one('lower', 'upper', 'trim', 'ltrim', 'rtrim')}({a})",
            f"{self.one('left', 'right')}({a}, {self.one('0', '1', '3')})",
            f"substring({a}, {self.one('0', '1', '2')}, {self.one('0', '1', '5')})",
            f"replace({a}, {self.one(*_CONSTANTS['text'])}, {self.make('text', depth)})",
            f"CAST({self.make(self.one('integer', 'boolean', 'date'), depth)} AS VARCHAR)",
        )

    def _date(self, depth: int) -> str:
        return self.one(
            f"{self.one('CAST', 'TRY_CAST')}({self.make('text', depth)} AS DATE)",
            f"CAST({self.make(self.one('timestamp', 'zoned'), depth)} AS DATE)",
        )

    def _timestamp(self, depth: int) -> str:
        moment = self.make(self.one("date", "timestamp"), depth)
        amount = self.one("0", "1", "-1", "13", "400", "3000")
        unit = self.one("years", "month", "week", "day", "hours", "second")
        return self.one(
            f"({moment} {self.one('+', '-')} INTERVAL '{amount} {unit}')",
            f"date_trunc('{self.one(*_UNITS)}', {self.make(self.one('date', 'timestamp', 'zoned'), depth)})",
            f"CAST({self.make(self.one('date', 'zoned'), depth)} AS TIMESTAMP)",
        )

    def _zoned(self, depth: int) -> str:
        return self.leaf("zoned")

    def _time(self, depth: int) -> str:
        return self.leaf("time")

    def boolean(self, depth: int) -> str:
        if depth <= 0:
            return self._simple(0)
        inner = depth - 1
        choice = self.random.random()
        if choice < 0.3:
            parts = [self.boolean(inner) for _ in range(self.random.randint(2, 3))]
            return "(" + self.one(" AND ", " OR ").join(parts) + ")"
        if choice < 0.4:
            return f"(NOT {self.boolean(inner)})"
        if choice < 0.45:
            return f"({self.boolean(inner)} IS {self.one('', 'NOT ')}{self.one('TRUE', 'FALSE', 'NULL')})"
        return self._simple(inner)

    def _simple(self, depth: int) -> str:
        left_kind = self.one(*_BY_KIND)
        right_kind = left_kind
        if left_kind in ("integer", "decimal", "float"):
            right_kind = self.one("integer", "decimal", "float")
        elif left_kind in ("date", "timestamp"):
            right_kind = self.one("date", "timestamp")
        left, right = self.make(left_kind, depth), self.make(right_kind, depth)
        comparison = self.one("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
        negated = self.one("", "", "NOT ")
        choices = [
            f"({left} {comparison} {right})",
            f"({left} {comparison} {right})",
            f"({left} IS {negated}NULL)",
            f"({left} {negated}BETWEEN {right} AND {self.make(right_kind, depth)})",
            f"({left} {negated}IN ({right}, {self.make(right_kind, depth)}, {self.leaf(left_kind)}))",
        ]
        if left_kind == "text":
            pattern = self.one("''", "'a%'", "'%b'", "'_'", "'%a_%'", "'日%'")
            choices += [
                f"({left} {negated}{self.one('LIKE', 'ILIKE')} {pattern})",
                f"{self.one('starts_with', 'ends_with', 'contains')}({left}, {right})",
                f"{self.one('regexp_matches', 'regexp_full_match')}({left}, {self.one('$a$', *_PATTERNS)})".replace(
                    "$a$", "'a'"
                ),
            ]
        if left_kind == "float":
            choices.append(f"{self.one('isnan', 'isinf', 'isfinite')}({left})")
        return self.one(*choices)


_PATTERNS = ("'[a-z]+'", "'a|b'", "'[0-9]'", "'A?b*'", "'日.*'")


def expression(random: Random, *, depth: int = 3) -> str:
    """A valid constraint expression, row-level or table-level; now and then one arithmetic has no room for."""
    aggregate = random.random() < 0.35
    return Maker(random, aggregate).boolean(random.randint(0, depth))


_SPOILED = (
    "{0}; DROP TABLE t",
    "{0} AND nosuchcolumn > 1",
    "{0} AND EXISTS (SELECT 1)",
    "({0}",
    "{0})",
    "{0} AND random() > 0.5",
    "{0} AND read_text('x') = 'y'",
    "{0} AND sum(i) OVER () > 1",
    "{0} AND i",
    "{0} AND s > 5",
    "{0} -- comment",
    "{0} AND i > avg(i)",
    "{0} AND sum(avg(i)) > 1",
    "{0} AND nosuchfunction(i)",
    "i + 1",
    "{0} AND $1 > 2",
    "{0} AND i IN (SELECT 1)",
    "[x FOR x IN (1, 2)] = {0}",
    "{0} AND getenv('HOME') = ''",
    "CASE WHEN {0} THEN i END",
)


def invalid(random: Random) -> str:
    """An expression that must be refused."""
    return random.choice(_SPOILED).format(expression(random, depth=1))
