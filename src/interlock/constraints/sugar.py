"""Constraints everybody needs, said by name. Each is SQL underneath, which a person can read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generators.duckdb import DuckDBGenerator
from sqlglot.tokenizer_core import TokenType

from interlock.constraints import sql as trees
from interlock.constraints.constraint import Constraint
from interlock.constraints.parse import duration, parse, span_text
from interlock.errors import UsageError


def identifier(name: str) -> str:
    """A column's name as SQL: quoted only where it must be."""
    if not isinstance(name, str) or not name:
        raise UsageError(f"a column name is text, not {name!r}")
    quoted = exp.to_identifier(name, quoted=True).sql("duckdb")
    try:
        tokens = DuckDB().tokenize(name)
    except Exception:
        return quoted
    bare = len(tokens) == 1 and tokens[0].token_type is TokenType.VAR and name.isidentifier()
    return name if bare and name.casefold() not in DuckDBGenerator.RESERVED_KEYWORDS else quoted


def not_null(column: str, **options: Any) -> Constraint:
    """No row has NULL in ``column``."""
    return parse(f"{identifier(column)} IS NOT NULL", **_named(options, "not_null", column))


def unique(*columns: str, **options: Any) -> Constraint:
    """No two rows have the same values in ``columns``; rows with a NULL among them are left out."""
    if not columns:
        raise UsageError("unique() needs a column")
    return parse(f"unique({', '.join(map(identifier, columns))})", **_named(options, "unique", *columns))


def in_set(column: str, values: Iterable[Any], **options: Any) -> Constraint:
    """Every value of ``column`` that is not NULL is one of ``values``."""
    if isinstance(values, str | bytes):
        raise UsageError("in_set() needs a list of values, not one text")
    listed = [literal(v) for v in dict.fromkeys(values)]
    if not listed:
        raise UsageError("in_set() needs a value")
    return parse(f"{identifier(column)} IN ({', '.join(listed)})", **_named(options, "in_set", column))


def references(column: str, table: str, other: str, **options: Any) -> Constraint:
    """Every value of ``column`` that is not NULL occurs in ``table.other`` as published."""
    sql = f"references({identifier(column)}, {identifier(table)}.{identifier(other)})"
    return parse(sql, **_named(options, "references", column))


def matches(column: str, pattern: str, **options: Any) -> Constraint:
    """Every value of ``column`` that is not NULL matches ``pattern`` (RE2), from its first to its last character."""
    sql = f"regexp_full_match({identifier(column)}, {literal(pattern)})"
    return parse(sql, **_named(options, "matches", column))


def fresh(column: str, within: dt.timedelta | str, **options: Any) -> Constraint:
    """The newest ``column`` is at most ``within`` (``'2 hours'``) older than the moment of judgement."""
    span = duration(within) if isinstance(within, str) else within
    if not isinstance(span, dt.timedelta) or span <= dt.timedelta(0):
        raise UsageError(f"{within!r} is not a time span", hint="write '90 minutes', '2 hours', '1 day'")
    sql = f"fresh({identifier(column)}, '{span_text(span)}')"
    return parse(sql, **_named(options, "fresh", column))


def literal(value: Any) -> str:
    """A value as SQL; `UsageError` for None."""
    if isinstance(value, str):
        return trees.text(value).sql("duckdb")
    if isinstance(value, bool | int):
        return str(value).upper()
    if isinstance(value, float):
        return repr(value) if "e" in repr(value) else f"{value!r}e0"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return f"'{value.isoformat(' ') if isinstance(value, dt.datetime) else value.isoformat()}'"
    if value is None:
        raise UsageError("NULL is never in a set; a row with NULL is no violation unless not_null() says so")
    return str(value)


def _named(options: dict[str, Any], kind: str, *columns: str) -> dict[str, Any]:
    """Sugar names itself after what it is about, not after its SQL."""
    plain = all(c.isidentifier() for c in columns)
    if options.get("name") is None and plain and len(kind) + sum(map(len, columns)) < 60:
        return {**options, "name": "_".join((kind, *columns))}
    return options
