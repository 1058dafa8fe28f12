"""Casts: NULL where a value does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from interlock.constraints.emit import Emitter
from interlock.constraints.expression import Node
from interlock.constraints.spark.sql import cast, fill, sql_type
from interlock.constraints.types import Type
from interlock.engines.schema import Kind

# A number as the language reads one: Java would take "5d" and "0x1p3", too.
_BLANK = "[ \\t\\n\\r\\f\\x0B]*"
_NUMBER = f"\\A{_BLANK}[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]{{1,3}})?{_BLANK}\\z"
_DAY = "\\A *(?!0+[-/])([0-9]{1,4})([-/])([0-9]{1,2})\\2([0-9]{1,2})"
_CLOCK = "(?:[ T]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\\.([0-9]{1,9}))?)?)?"
_MOMENT = f"{_DAY}{_CLOCK} *\\z"
_LENGTH_MAX = 1_000  # characters of a text that may be a number


def convert(e: Emitter, node: Node) -> exp.Expression:
    (arg,) = node.args
    inner, source, target = e.value(arg), arg.type.kind, node.type
    if source in (None, Kind.NULL):
        return cast(inner, sql_type(target))
    if source is Kind.TIMESTAMPTZ and target.kind is not Kind.TIMESTAMPTZ:
        moment = e.in_utc(inner)
        return moment if target.kind is Kind.TIMESTAMP else cast(moment, "DATE")
    special = _CASTS.get((source, target.kind))
    return special(inner, target) if special is not None else cast(inner, sql_type(target))


def _between(whole: str) -> Callable[[exp.Expression, Type], exp.Expression]:
    def to_integer(x: exp.Expression, target: Type) -> exp.Expression:
        low, high = -(2**target.size), 2**target.size - 1
        return fill(
            "CASE WHEN :whole BETWEEN :low AND :high THEN CAST(:whole AS BIGINT) END",
            whole=fill(whole, x=x, number=_NUMBER),
            low=cast(exp.Literal.string(str(low)), "DECIMAL(38, 0)"),
            high=cast(exp.Literal.string(str(high)), "DECIMAL(38, 0)"),
        )

    return to_integer


def _float_to_integer(x: exp.Expression, target: Type) -> exp.Expression:
    """Halves go to the even number. NaN is not below the end."""
    end = 2.0**target.size
    return fill(
        "CASE WHEN rint(:x) >= :low AND rint(:x) < :high THEN CAST(rint(:x) AS BIGINT) END",
        x=x,
        low=-end,
        high=end,
    )


def _text_to_decimal(x: exp.Expression, target: Type) -> exp.Expression:
    number = fill(
        f"CASE WHEN length(:x) < {_LENGTH_MAX} AND rlike(:x, :number) THEN trim(:x) END", x=x, number=_NUMBER
    )
    return cast(number, sql_type(target), safe=True)


def _float_to_decimal(x: exp.Expression, target: Type) -> exp.Expression:
    """Through the digits of ``x * 10^scale``, rounded: Spark's own cast goes through the text of ``x``."""
    scaled = half_away(fill("(:x * :power)", x=x, power=10.0**target.scale))
    whole = "CAST(:y AS BIGINT)" if target.size <= 18 else _WIDE
    digits = fill(
        f"CASE WHEN abs(:y) <= :end THEN concat(CAST({whole} AS STRING), :exponent) END",
        y=scaled,
        end=10.0**target.size,
        exponent=f"E-{target.scale}",
        p=2.0**43,
        q=2.0**86,
    )
    return cast(digits, sql_type(target), safe=True)


# A whole float of up to 127 bits as a decimal: three parts that a BIGINT holds, p is 2^43, q is 2^86.
_WIDE = (
    "(CAST(CAST((:y - :y % :q) / :q AS BIGINT) AS DECIMAL(38, 0))"
    " * CAST('77371252455336267181195264' AS DECIMAL(38, 0))"
    " + CAST(CAST((:y % :q - :y % :p) / :p AS BIGINT) AS DECIMAL(38, 0)) * CAST('8796093022208' AS DECIMAL(38, 0))"
    " + CAST(CAST(:y % :p AS BIGINT) AS DECIMAL(38, 0)))"
)


def half_away(x: exp.Expression) -> exp.Expression:
    """The whole number next to a float, halves away from zero; from 2^52 on every float is one."""
    away = "signum(:x) * CAST(floor(abs(:x)) + CASE WHEN abs(:x) - floor(abs(:x)) >= 0.5D THEN 1 ELSE 0 END AS DOUBLE)"
    return fill(f"CASE WHEN abs(:x) < 4503599627370496D THEN {away} ELSE :x END", x=x)


def _text_to_float(x: exp.Expression, target: Type) -> exp.Expression:
    special = "lower(trim(:x)) IN ('nan', 'inf', '-inf', 'infinity', '-infinity')"
    known = f"({special} OR length(:x) < {_LENGTH_MAX} AND rlike(:x, :number))"
    return cast(fill(f"CASE WHEN {known} THEN trim(:x) END", x=x, number=_NUMBER), "DOUBLE", safe=True)


def _text_to_boolean(x: exp.Expression, target: Type) -> exp.Expression:
    return fill(
        "CASE WHEN lower(:x) IN ('true', 't', '1', 'yes', 'y') THEN TRUE"
        " WHEN lower(:x) IN ('false', 'f', '0', 'no', 'n') THEN FALSE END",
        x=x,
    )


_ISO_DAY = (
    "concat(lpad(regexp_extract(:x, :moment, 1), 4, '0'), '-', regexp_extract(:x, :moment, 3), '-',"
    " regexp_extract(:x, :moment, 4))"
)
_ISO_CLOCK = (
    "CASE WHEN regexp_extract(:x, :moment, 5) = '' THEN '' ELSE concat(' ',"
    " lpad(regexp_extract(:x, :moment, 5), 2, '0'), ':', lpad(regexp_extract(:x, :moment, 6), 2, '0'), ':',"
    " lpad(regexp_extract(:x, :moment, 7), 2, '0'), '.', rpad(left(regexp_extract(:x, :moment, 8), 6), 6, '0')) END"
)


def _text_to_date(x: exp.Expression, target: Type) -> exp.Expression:
    """A date is one only where the time after it is one, too."""
    return cast(_text_to_timestamp(x, target), "DATE")


def _text_to_timestamp(x: exp.Expression, target: Type) -> exp.Expression:
    written = fill(
        f"CASE WHEN rlike(:x, :moment) THEN concat({_ISO_DAY}, {_ISO_CLOCK}) END", x=x, moment=_MOMENT
    )
    return cast(written, "TIMESTAMP_NTZ", safe=True)


def _date_to_timestamp(x: exp.Expression, target: Type) -> exp.Expression:
    return fill(
        "CASE WHEN :x BETWEEN DATE'0001-01-01' AND DATE'9999-12-31' THEN CAST(:x AS TIMESTAMP_NTZ) END", x=x
    )


_CASTS: Mapping[tuple[Kind, Kind | None], Callable[[exp.Expression, Type], exp.Expression]] = {
    (Kind.INTEGER, Kind.INTEGER): _between("CAST(:x AS DECIMAL(38, 0))"),
    (Kind.DECIMAL, Kind.INTEGER): _between("CAST(round(:x) AS DECIMAL(38, 0))"),
    (Kind.FLOAT, Kind.INTEGER): _float_to_integer,
    (Kind.TEXT, Kind.INTEGER): _between(
        f"TRY_CAST(CASE WHEN length(:x) < {_LENGTH_MAX} AND rlike(:x, :number) THEN trim(:x) END AS DECIMAL(38, 0))"
    ),
    (Kind.INTEGER, Kind.DECIMAL): lambda x, t: cast(x, sql_type(t), safe=True),
    (Kind.DECIMAL, Kind.DECIMAL): lambda x, t: cast(x, sql_type(t), safe=True),
    (Kind.FLOAT, Kind.DECIMAL): _float_to_decimal,
    (Kind.TEXT, Kind.DECIMAL): _text_to_decimal,
    (Kind.TEXT, Kind.FLOAT): _text_to_float,
    (Kind.TEXT, Kind.BOOLEAN): _text_to_boolean,
    (Kind.INTEGER, Kind.BOOLEAN): lambda x, t: fill("(:x <> 0)", x=x),
    (Kind.TEXT, Kind.TEXT): lambda x, t: x,
    (Kind.TEXT, Kind.DATE): _text_to_date,
    (Kind.TEXT, Kind.TIMESTAMP): _text_to_timestamp,
    (Kind.DATE, Kind.TIMESTAMP): _date_to_timestamp,
}
