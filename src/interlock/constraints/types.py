"""The types of the expression language: few, exact, and bounded.

A type knows how large its values can get (``size``), so that arithmetic is
given room before it runs, or refused before it runs, but never overflows.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from interlock.engines.schema import Column, Kind

INTEGER_BITS_MAX = 126
DECIMAL_DIGITS_MAX = 38
# A partition has fewer than 2^40 (about 10^12) rows: what a sum may add to the size of its values.
ROWS_BITS = 40
ROWS_DIGITS = 12

_INTEGER_BITS = {
    "TINYINT": 7,
    "SMALLINT": 15,
    "INTEGER": 31,
    "BIGINT": 63,
    "HUGEINT": 127,
    "UTINYINT": 8,
    "USMALLINT": 16,
    "UINTEGER": 32,
    "UBIGINT": 64,
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Type:
    """``kind`` None is unknown: an expression read without a schema.

    ``size``: an INTEGER is at most 2^size in magnitude, a DECIMAL has ``size``
    digits of which ``scale`` after the point, a FLOAT has 32 or 64 bits.
    ``literal`` marks a constant somebody wrote.
    """

    kind: Kind | None
    size: int = 0
    scale: int = 0
    literal: bool = False

    def __str__(self) -> str:
        return _WORDS.get(self.kind, "unknown") if self.kind else "unknown"

    @property
    def numeric(self) -> bool:
        return self.kind is not None and self.kind.numeric


UNKNOWN = Type(None)
NULL = Type(Kind.NULL)
BOOLEAN = Type(Kind.BOOLEAN)
TEXT = Type(Kind.TEXT)
DOUBLE = Type(Kind.FLOAT, 64)
DATE = Type(Kind.DATE)
TIME = Type(Kind.TIME)
TIMESTAMP = Type(Kind.TIMESTAMP)
TIMESTAMPTZ = Type(Kind.TIMESTAMPTZ)
INTERVAL = Type(Kind.INTERVAL)
BIGINT = Type(Kind.INTEGER, 63)

_WORDS = {
    Kind.INTEGER: "an integer",
    Kind.FLOAT: "a floating number",
    Kind.DECIMAL: "a decimal",
    Kind.BOOLEAN: "a boolean",
    Kind.TEXT: "text",
    Kind.BINARY: "binary",
    Kind.DATE: "a date",
    Kind.TIME: "a time",
    Kind.TIMESTAMP: "a timestamp",
    Kind.TIMESTAMPTZ: "a timestamp with time zone",
    Kind.INTERVAL: "an interval",
    Kind.NESTED: "nested",
    Kind.NULL: "NULL",
    Kind.OTHER: "of a type the language does not know",
}


def integer(bits: int) -> Type:
    return Type(Kind.INTEGER, bits)


def of_column(column: Column) -> Type:
    """The language type of a stored column."""
    spelled = column.type.upper()
    if column.kind is Kind.INTEGER:
        return integer(_INTEGER_BITS[spelled]) if spelled in _INTEGER_BITS else Type(Kind.OTHER)
    if column.kind is Kind.DECIMAL:
        match = _DECIMAL.match(spelled)
        return Type(Kind.DECIMAL, int(match[1]), int(match[2])) if match else Type(Kind.DECIMAL, 18, 3)
    if column.kind is Kind.FLOAT:
        return Type(Kind.FLOAT, 32 if spelled in ("FLOAT", "REAL", "FLOAT4") else 64)
    if spelled == "UUID":
        return TEXT
    return Type(column.kind)


def digits_of(type_: Type) -> int:
    """Digits before the point that an exact number may need."""
    if type_.kind is Kind.INTEGER:
        return max(1, math.ceil(type_.size * math.log10(2) + 1e-9))
    return type_.size - type_.scale


def unify(a: Type, b: Type) -> Type | None:
    """The type both can be turned into without loss of meaning; None if there is none.

    Exact numbers stay exact; an exact number beside a floating one becomes
    floating. A date beside a timestamp becomes a timestamp. A constant text
    beside a date or time is read as one.
    """
    for one, other in ((a, b), (b, a)):
        if one.kind is None:
            return other if other.kind not in (None, Kind.NULL) else UNKNOWN
        if one.kind is Kind.NULL:
            return other
    if a.numeric and b.numeric:
        return _unify_numbers(a, b)
    literal = a.literal and b.literal
    if a.kind is b.kind:
        return Type(a.kind, literal=literal)
    for one, other in ((a, b), (b, a)):
        if one.kind is Kind.TEXT and one.literal and other.kind is not None and other.kind.temporal:
            return Type(other.kind)
        if one.kind is Kind.DATE and other.kind is Kind.TIMESTAMP:
            return TIMESTAMP
    return None


def _unify_numbers(a: Type, b: Type) -> Type | None:
    if Kind.FLOAT in (a.kind, b.kind):
        exact_literal = any(t.literal for t in (a, b))
        narrow = any(t.kind is Kind.FLOAT and t.size == 32 for t in (a, b))
        both_narrow = all(t.kind is Kind.FLOAT and t.size == 32 for t in (a, b))
        return Type(Kind.FLOAT, 32) if both_narrow or (narrow and exact_literal) else DOUBLE
    if a.kind is Kind.INTEGER and b.kind is Kind.INTEGER:
        return integer(max(a.size, b.size))
    scale = max(a.scale, b.scale)
    width = max(digits_of(a), digits_of(b)) + scale
    return Type(Kind.DECIMAL, width, scale) if width <= DECIMAL_DIGITS_MAX else None
