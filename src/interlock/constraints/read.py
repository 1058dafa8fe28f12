"""From text to a syntax tree: bounded, one expression, nothing hidden.

The parser knows no functions by name, so that every call arrives as it was
written and is looked up in our own table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from interlock import settings
from interlock.errors import ExpressionRefused

_PLAIN_WORD = re.compile(r"[^\W\d]\w*\Z")
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_PREFIXES = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.INTERVAL}


class _Parser(DuckDBParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: parser
        for name, parser in DuckDBParser.FUNCTION_PARSERS.items()
        if name in ("CAST", "TRY_CAST", "EXTRACT")
    }
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": DuckDBParser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }


def refusal(
    sql: str, problem: str, span: tuple[int, int] | None = None, hint: str | None = None
) -> ExpressionRefused:
    """The error for ``sql``, with the characters ``span`` (first, last) underlined."""
    if span is None or not sql.strip():
        return ExpressionRefused(problem, hint=hint)
    start, end = span
    line_start = sql.rfind("\n", 0, start) + 1
    line_end = sql.find("\n", start)
    line_end = len(sql) if line_end < 0 else line_end
    first = max(line_start, start - 60)
    shown = sql[first : min(line_end, start + 100)]
    marks = " " * (start - first) + "^" * max(1, min(end + 1, line_end, start + 100) - start)
    return ExpressionRefused(f"{problem}\n  {shown}\n  {marks}", hint=hint)


def tokens_of(sql: str) -> list[Token]:
    """The tokens of ``sql`` after every check that needs no grammar."""
    if not isinstance(sql, str):
        raise ExpressionRefused(f"an expression is text, this is {type(sql).__name__}")
    limits = settings.current()
    if len(sql) > limits.expression_length_max:
        raise ExpressionRefused(
            f"an expression of {len(sql):,} characters; {limits.expression_length_max:,} is the most",
            hint="for a long list of values use references(column, table.column)",
        )
    try:
        tokens = list(DuckDB().tokenize(sql))
    except (SqlglotError, RecursionError) as error:
        raise ExpressionRefused(f"not readable as SQL: {_first_line(error)}") from None
    if not tokens:
        raise ExpressionRefused("the expression is empty")
    _check_tokens(sql, tokens, limits.expression_depth_max)
    return tokens


def _check_tokens(sql: str, tokens: Sequence[Token], depth_max: int) -> None:
    depth = prefixes = 0
    for token in tokens:
        span = (token.start, token.end)
        if token.comments:
            raise refusal(sql, "a comment is not part of an expression", span)
        if token.token_type is TokenType.SEMICOLON:
            raise refusal(sql, "one expression only, no second statement", span)
        if token.token_type is TokenType.TILDE:
            raise refusal(sql, "'~' is not in the language", span, "use regexp_matches(column, 'pattern')")
        if token.token_type is TokenType.VAR and not _PLAIN_WORD.match(token.text):
            raise refusal(
                sql, f"{token.text!r} is not a name", span, "quote a column as \"name\", a text as 'text'"
            )
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        prefixes = prefixes + 1 if token.token_type in _PREFIXES else 0
        if max(depth, prefixes) > depth_max:
            raise refusal(sql, f"nested deeper than {depth_max} levels", span)


def read(sql: str, tokens: Sequence[Token] | None = None) -> exp.Expression:
    """The one expression in ``sql`` as a sqlglot tree (DuckDB dialect).

    Raises `ExpressionRefused` for anything else than one expression within the
    limits of length and depth.
    """
    tokens = tokens_of(sql) if tokens is None else tokens
    try:
        trees = _Parser(dialect=DuckDB()).parse(list(tokens), sql)
    except SqlglotError as error:
        raise _unreadable(sql, error) from None
    except RecursionError:
        raise ExpressionRefused("the expression is nested too deeply") from None
    except Exception as error:  # a parser bug must not become a stack trace
        raise ExpressionRefused(f"not readable as SQL: {_first_line(error)}") from None
    if len(trees) != 1 or trees[0] is None:
        raise ExpressionRefused("one expression only, no second statement")
    tree: Any = trees[0]
    _check_depth(sql, tree)
    return cast(exp.Expression, tree)


def _unreadable(sql: str, error: SqlglotError) -> ExpressionRefused:
    details = getattr(error, "errors", None) or [{}]
    description = str(details[0].get("description") or _first_line(error)).rstrip(".")
    if "Required keyword" in description:
        description = "something is missing"
    line, col, word = details[0].get("line"), details[0].get("col"), details[0].get("highlight") or ""
    if not line or not col:
        return refusal(sql, f"not readable as SQL: {description}")
    line_start = sum(len(text) + 1 for text in sql.split("\n")[: int(line) - 1])
    end = min(line_start + int(col) - 1, max(len(sql) - 1, 0))
    return refusal(sql, f"not readable as SQL: {description}", (max(end - len(word) + 1, 0), end))


def _first_line(error: Exception) -> str:
    return re.sub(r"\x1b\[\d+m", "", str(error)).split("\n")[0][:200]


def _check_depth(sql: str, tree: exp.Expression) -> None:
    """Bounds recursion in everything that walks the tree later. A chain of ANDs is one level."""
    deepest = 4 * settings.current().expression_depth_max
    pending = [(tree, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > deepest:
            raise refusal(sql, f"nested deeper than {deepest} levels", span_of(node))
        for child in node.iter_expressions():
            chained = isinstance(node, exp.And | exp.Or) and type(child) is type(node)
            pending.append((child, depth + (not chained)))


def span_of(node: exp.Expression) -> tuple[int, int] | None:
    """First and last character of a node in its text, as far as the parser kept it."""
    starts: list[int] = []
    ends: list[int] = []
    for part in node.walk():
        if "start" in part.meta and "end" in part.meta:
            starts.append(part.meta["start"])
            ends.append(part.meta["end"])
    return (min(starts), max(ends)) if starts else None
