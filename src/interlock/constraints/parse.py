"""From SQL text to a constraint: what it says, about which columns, on which level."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from sqlglot.tokenizer_core import Token, TokenType

from interlock.constraints import language, wall
from interlock.constraints.bind import MissingColumn, bind
from interlock.constraints.constraint import Constraint, Level
from interlock.constraints.emit import Emitter, is_aggregate
from interlock.constraints.expression import Node
from interlock.constraints.read import read, refusal, tokens_of
from interlock.engines.schema import Kind, Schema
from interlock.errors import ExpressionRefused, UsageError, nearest
from interlock.names import Origin, Severity

NAME_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class Unique:
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class References:
    column: str
    table: str
    other: str


@dataclass(frozen=True, slots=True)
class Fresh:
    column: str
    within: dt.timedelta


Statement = Node | Unique | References | Fresh


def parse(
    sql: str,
    schema: Schema | None = None,
    *,
    name: str | None = None,
    tolerance: float = 0.0,
    severity: Severity | str = Severity.PAGE,
    block: bool = True,
    origin: Origin = Origin.DECLARED,
) -> Constraint:
    """The constraint that ``sql`` states.

    ``sql`` is a boolean expression of the language (docs/reference/expressions),
    or one of ``unique(a, b)``, ``references(a, table.b)``, ``fresh(a, '2 hours')``.
    With a ``schema`` columns and types are checked too. ``tolerance`` is the
    share of rows, 0 ≤ tolerance < 1, that may break it; row-level only.

    Raises `ExpressionRefused`, with the place underlined and the nearest name.
    """
    sql = sql.strip() if isinstance(sql, str) else sql
    statement = statement_of(sql, schema)
    if schema is not None and isinstance(statement, Node):
        wall.check([Emitter({c.name: c.type for c in schema}).value(statement)], schema)
    level = level_of(statement)
    kind, parameters = _kind(statement)
    return Constraint(
        name=_given_name(name) if name is not None else name_of(sql),
        sql=sql,
        level=level,
        columns=columns_of(statement),
        kind=kind,
        origin=origin,
        tolerance=_tolerance(tolerance, level),
        severity=_severity(severity),
        block=bool(block),
        references=(statement.table, statement.other) if isinstance(statement, References) else None,
        parameters=parameters,
    )


@lru_cache(maxsize=1024)
def statement_of(sql: str, schema: Schema | None) -> Statement:
    """``sql`` read, checked and typed; kept, since tables are judged again and again."""
    tokens = tokens_of(sql)
    predicate = _predicate(sql, tokens)
    if predicate is not None:
        return _bound_predicate(sql, predicate, schema)
    node = bind(sql, read(sql, tokens), schema)
    _check_shape(sql, node)
    return node


def level_of(statement: Statement) -> Level:
    if isinstance(statement, References):
        return Level.ROW
    if isinstance(statement, Node):
        return Level.TABLE if any(is_aggregate(n) for n in statement.walk()) else Level.ROW
    return Level.TABLE


def columns_of(statement: Statement) -> tuple[str, ...]:
    """Columns in the order of their first mention."""
    if isinstance(statement, Unique):
        return statement.columns
    if isinstance(statement, References | Fresh):
        return (statement.column,)
    return tuple(dict.fromkeys(str(n.value) for n in statement.walk() if n.op == "column"))


# --- shape ------------------------------------------------------------------------------


def _check_shape(sql: str, node: Node) -> None:
    if node.type.kind not in (None, Kind.BOOLEAN):
        raise ExpressionRefused(
            f"a constraint is true or false, this is {node.type}: {sql}", hint="compare it to something"
        )
    aggregates = any(is_aggregate(n) for n in node.walk())
    loose = [n for n in _outside_aggregates(node) if n.op == "column"]
    if aggregates and loose:
        raise ExpressionRefused(
            f"column {loose[0].value!r} stands beside an aggregate: {sql}",
            hint="a constraint is about each row or about the whole partition; write two",
        )
    if not aggregates and not loose:
        raise ExpressionRefused(
            f"no column and no aggregate: {sql}", hint="a constraint says something about the data"
        )


def _outside_aggregates(node: Node) -> list[Node]:
    if is_aggregate(node):
        return []
    return [node, *(inner for arg in node.args for inner in _outside_aggregates(arg))]


def _kind(statement: Statement) -> tuple[str, dict[str, Any]]:
    if isinstance(statement, Unique):
        return "unique", {"columns": list(statement.columns)}
    if isinstance(statement, References):
        return "references", {"column": statement.column, "table": statement.table, "other": statement.other}
    if isinstance(statement, Fresh):
        return "fresh", {"column": statement.column, "within_s": statement.within.total_seconds()}
    if (
        statement.op == "not"
        and statement.args[0].op == "is_null"
        and statement.args[0].args[0].op == "column"
    ):
        return "not_null", {}
    first = statement.args[0] if statement.args else statement
    if first.op == "column" and statement.op == "in" and all(a.op == "literal" for a in statement.args[1:]):
        return "in_set", {}
    if first.op == "column" and statement.op == "regexp_full_match":
        return "matches", {}
    return "expression", {}


def _tolerance(tolerance: float, level: Level) -> float:
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not math.isfinite(tolerance):
        raise UsageError(f"tolerance is a share of rows, 0 ≤ tolerance < 1, not {tolerance!r}")
    if not 0 <= tolerance < 1:
        raise UsageError(
            f"tolerance is a share of rows, 0 ≤ tolerance < 1, not {tolerance!r}", hint="1 % is 0.01"
        )
    if tolerance and level is Level.TABLE:
        raise UsageError("tolerance is a share of rows; this constraint is about the whole partition")
    return float(tolerance)


def _severity(severity: Severity | str) -> Severity:
    try:
        return Severity(severity)
    except ValueError:
        known = [s.value for s in Severity]
        raise UsageError(
            f"unknown severity {severity!r}",
            hint=nearest(str(severity), known) or "one of " + ", ".join(known),
        ) from None


# --- names ------------------------------------------------------------------------------

_SYMBOLS = {">=": "ge", "<=": "le", "<>": "ne", ">": "gt", "<": "lt", "=": "eq", "-": "minus", "*": "star"}
# Texts that keep their meaning as words: no brackets but those of calls, nothing quoted.
_SAYABLE = re.compile(r"(?!.*(?:^|\W)\()[\w\s.<>=*()-]*")


def name_of(sql: str) -> str:
    """A name a person can read: the same for the same text, another for another meaning."""
    spelled = re.sub(r">=|<=|<>|[><=*-]", lambda m: f" {_SYMBOLS[m[0]]} ", sql)
    slug = re.sub(r"[^\w.]+", "_", spelled.casefold()).strip("_.")
    if _SAYABLE.fullmatch(sql) and 0 < len(slug) <= NAME_LENGTH_MAX:
        return slug
    digest = hashlib.sha256(sql.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{slug[:NAME_LENGTH_MAX].strip('_.')}_{digest}".lstrip("_")


def _given_name(name: str) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 128 or not name.isprintable():
        raise UsageError(f"{name!r} cannot name a constraint", hint="1 to 128 printable characters")
    return name


# --- predicates -------------------------------------------------------------------------


def _predicate(sql: str, tokens: Sequence[Token]) -> Unique | References | Fresh | None:
    """`unique(…)`, `references(…)` and `fresh(…)`, which stand alone or not at all."""
    calls = [
        i
        for i, (word, after) in enumerate(pairwise(tokens))
        if word.text.casefold() in language.PREDICATES
        and word.token_type not in (TokenType.STRING, TokenType.IDENTIFIER)
        and after.token_type is TokenType.L_PAREN
    ]
    if not calls:
        return None
    word = tokens[calls[0]].text.casefold()
    inner = list(tokens[2:-1])
    alone = calls == [0] and tokens[-1].token_type is TokenType.R_PAREN
    if not alone or any(t.token_type in (TokenType.L_PAREN, TokenType.R_PAREN) for t in inner):
        start = tokens[calls[0]]
        raise refusal(
            sql, f"{word}() must be the whole constraint", (start.start, start.end), language.PREDICATES[word]
        )
    if word == "unique":
        return _unique(sql, inner)
    return _references(sql, inner) if word == "references" else _fresh(sql, inner)


def _bad(sql: str, word: str) -> ExpressionRefused:
    return refusal(sql, f"not readable as {word}()", (0, len(sql) - 1), language.PREDICATES[word])


def _is_name(token: Token) -> bool:
    if token.token_type is TokenType.IDENTIFIER:
        return True
    return token.token_type is not TokenType.STRING and re.fullmatch(r"[^\W\d]\w*", token.text) is not None


def _unique(sql: str, inner: list[Token]) -> Unique:
    names, commas = inner[::2], inner[1::2]
    fits = (
        len(inner) % 2 == 1
        and all(map(_is_name, names))
        and all(c.token_type is TokenType.COMMA for c in commas)
    )
    if not fits or len({n.text.casefold() for n in names}) < len(names):
        raise _bad(sql, "unique")
    return Unique(tuple(n.text for n in names))


def _references(sql: str, inner: list[Token]) -> References:
    shape = [t.token_type for t in inner]
    if len(inner) != 5 or shape[1] is not TokenType.COMMA or shape[3] is not TokenType.DOT:
        raise _bad(sql, "references")
    if not all(_is_name(inner[i]) for i in (0, 2, 4)):
        raise _bad(sql, "references")
    return References(inner[0].text, inner[2].text, inner[4].text)


_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(second|minute|hour|day|week)s?", re.IGNORECASE)
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}


def duration(text: str) -> dt.timedelta | None:
    """``'90 minutes'`` as a time span; None where it is none."""
    match = _DURATION.fullmatch(text.strip())
    if (
        match is None
        or float(match[1]) <= 0
        or float(match[1]) * _SECONDS[match[2].lower()] > 86_400 * 36_525
    ):
        return None
    return dt.timedelta(seconds=float(match[1]) * _SECONDS[match[2].lower()])


_SHORT = re.compile(r"(\d+)\s*([wdhm])")
_SHORT_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


def short_span(text: str) -> dt.timedelta | None:
    """``'1d'``, or as `duration` has it, as a time span; None where it is none."""
    short = _SHORT.fullmatch(text.strip())
    return duration(f"{short[1]} {_SHORT_UNITS[short[2]]}" if short else text)


def span_text(span: dt.timedelta) -> str:
    """``2 hours`` for a time span, in the largest unit that divides it."""
    seconds = span.total_seconds()
    for unit, size in (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds:g} second{'s' if seconds != 1 else ''}"


def _fresh(sql: str, inner: list[Token]) -> Fresh:
    if len(inner) != 3 or inner[1].token_type is not TokenType.COMMA or not _is_name(inner[0]):
        raise _bad(sql, "fresh")
    span = duration(inner[2].text) if inner[2].token_type is TokenType.STRING else None
    if span is None:
        raise _bad(sql, "fresh")
    return Fresh(inner[0].text, span)


def _bound_predicate(
    sql: str, found: Unique | References | Fresh, schema: Schema | None
) -> Unique | References | Fresh:
    if schema is None:
        return found
    known = {c.name.casefold(): c for c in schema}
    for name in columns_of(found):
        if name.casefold() not in known:
            raise MissingColumn(
                f"unknown column {name!r} in {sql}", hint=nearest(name, [c.name for c in schema]), column=name
            )
    stored = tuple(known[name.casefold()] for name in columns_of(found))
    if isinstance(found, Fresh):
        if stored[0].kind not in (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
            raise ExpressionRefused(
                f"fresh() needs a date or timestamp, {stored[0].name!r} is {stored[0].type}"
            )
        return Fresh(stored[0].name, found.within)
    if isinstance(found, References):
        return References(stored[0].name, found.table, found.other)
    return Unique(tuple(c.name for c in stored))
