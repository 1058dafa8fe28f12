"""The expression language once more, in plain Python: slow, obvious, sharing no code with the engines.

What an engine says of a constraint is compared with what this says. It reads
the same checked expression (`interlock.constraints`), and evaluates it over
rows that are dictionaries: None is NULL, `Failed` is an evaluation error.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cmp_to_key
from typing import Any

from interlock.constraints.expression import Node
from interlock.constraints.types import Type
from interlock.engines.schema import Kind
from interlock.testing import reference_aggregates as aggregates
from interlock.testing import reference_functions as functions
from interlock.testing.reference_aggregates import compare
from interlock.testing.reference_functions import Failed, half_away, quantized

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Of a row-level constraint: broken and failed rows. Of a table-level one: the value, and failed rows."""

    broken: int = 0
    failed: int = 0
    value: bool | None = None


def rows_answer(node: Node, rows: Sequence[Row]) -> Answer:
    """How many rows break a row-level expression (false or failed), and how many of them failed."""
    broken = failed = 0
    for row in rows:
        try:
            broken += evaluate(node, row) is False
        except Failed:
            broken += 1
            failed += 1
    return Answer(broken, failed)


def partition_answer(node: Node, rows: Sequence[Row]) -> Answer:
    """The value of a table-level expression. ``failed``: rows an aggregate's argument failed for.

    ``broken`` is 1 where the expression around the aggregates failed.
    """
    failed_rows = sum(_fails(node, row) for row in rows)
    try:
        return Answer(failed=failed_rows, value=evaluate(_reduced(node, rows), {}))
    except Failed:
        return Answer(broken=1, failed=failed_rows)


def _fails(node: Node, row: Row) -> bool:
    """Whether an argument of any aggregate fails for this row."""
    if node.op in aggregates.FUNCTIONS:
        for arg in node.args:
            try:
                evaluate(arg, row)
            except Failed:
                return True
        return False
    return any(_fails(arg, row) for arg in node.args)


def _reduced(node: Node, rows: Sequence[Row]) -> Node:
    """The expression with every aggregate replaced by its value."""
    if node.op not in aggregates.FUNCTIONS:
        return Node(node.op, node.type, tuple(_reduced(a, rows) for a in node.args), node.value)
    columns = [[_or_none(arg, row) for row in rows] for arg in node.args]
    value = aggregates.FUNCTIONS[node.op](node, columns, len(rows))
    return Node("literal", node.type, value=value)


def _or_none(node: Node, row: Row) -> Any:
    try:
        return evaluate(node, row)
    except Failed:
        return None


def evaluate(node: Node, row: Row) -> Any:
    """The value for one row. Raises `Failed`."""
    if node.op == "column":
        return row[str(node.value)]
    if node.op == "literal":
        return node.value
    lazy = _LAZY.get(node.op)
    if lazy is not None:
        return lazy(node, row)
    values = _all(node.args, row)
    known = _WITH_NULLS.get(node.op)
    if known is not None:
        return known(*values)
    if any(v is None for v in values):
        return None
    return _STRICT[node.op](node, *values)


def _all(nodes: Sequence[Node], row: Row) -> list[Any]:
    """Every value, so that a failing one fails whatever stands before it."""
    values: list[Any] = []
    failure: Failed | None = None
    for node in nodes:
        try:
            values.append(evaluate(node, row))
        except Failed as error:
            failure = error
    if failure is not None:
        raise failure
    return values


# --- operations that do not need every argument -----------------------------------------


def _connective(node: Node, row: Row, decides: bool) -> bool | None:
    found: list[bool | None] = []
    failure: Failed | None = None
    for arg in node.args:
        try:
            found.append(evaluate(arg, row))
        except Failed as error:
            failure = error
    if decides in found:
        return decides
    if failure is not None:
        raise failure
    return None if None in found else not decides


def _case(node: Node, row: Row) -> Any:
    *branches, default = node.args
    for condition, result in zip(branches[::2], branches[1::2], strict=True):
        if evaluate(condition, row) is True:
            return evaluate(result, row)
    return evaluate(default, row)


def _coalesce(node: Node, row: Row) -> Any:
    for arg in node.args:
        value = evaluate(arg, row)
        if value is not None:
            return value
    return None


def _try_cast(node: Node, row: Row) -> Any:
    value = evaluate(node.args[0], row)
    try:
        return None if value is None else _cast(node, value)
    except Failed:
        return None


_LAZY: dict[str, Callable[[Node, Row], Any]] = {
    "and": lambda node, row: _connective(node, row, False),
    "or": lambda node, row: _connective(node, row, True),
    "case": _case,
    "coalesce": _coalesce,
    "try_cast": _try_cast,
}


# --- comparing --------------------------------------------------------------------------


def _in(subject: Any, *members: Any) -> bool | None:
    if subject is None:
        return None
    if any(m is not None and compare(subject, m) == 0 for m in members):
        return True
    return None if None in members else False


def _between(x: Any, low: Any, high: Any) -> bool | None:
    above = None if x is None or low is None else compare(x, low) >= 0
    below = None if x is None or high is None else compare(x, high) <= 0
    if above is False or below is False:
        return False
    return None if above is None or below is None else True


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return compare(a, b) == 0


def _nullif(a: Any, b: Any) -> Any:
    return None if a is not None and b is not None and compare(a, b) == 0 else a


def _best(sign: int) -> Callable[..., Any]:
    def best(*values: Any) -> Any:
        present = [v for v in values if v is not None]
        return max(present, key=cmp_to_key(lambda a, b: sign * compare(a, b))) if present else None

    return best


_WITH_NULLS: dict[str, Callable[..., Any]] = {
    "is_null": lambda a: a is None,
    "is_true": lambda a: a is True,
    "is_false": lambda a: a is False,
    "is_same": _same,
    "is_distinct": lambda a, b: not _same(a, b),
    "in": _in,
    "between": _between,
    "nullif": _nullif,
    "greatest": _best(1),
    "least": _best(-1),
}


# --- casts ------------------------------------------------------------------------------


def _convert(node: Node, value: Any) -> Any:
    kind = node.type.kind
    if kind is Kind.FLOAT:
        return float(value)
    if kind is Kind.DECIMAL:
        return Decimal(value)
    if kind is Kind.TIMESTAMP and isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    if kind is Kind.TIMESTAMP:
        return dt.datetime.combine(value, dt.time())
    return value


def _cast(node: Node, value: Any) -> Any:
    return _CASTS[node.type.kind](node.type, value)  # type: ignore[index]


def _to_integer(type_: Type, value: Any) -> int:
    if isinstance(value, str):
        value = _number_in(value)
    if isinstance(value, Decimal):
        value = int(quantized(value, 0))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Failed("not a number")
        value = round(value)  # halves to even
    if not -(2**type_.size) <= int(value) < 2**type_.size:
        raise Failed("out of range")
    return int(value)


def _number_in(text: str) -> Decimal:
    if not re.fullmatch(r"[ \t]*[+-]?(\d+\.?\d*|\.\d+)[ \t]*", text):
        raise Failed("not a number")
    return Decimal(text.strip())


def _to_decimal(type_: Type, value: Any) -> Decimal:
    if isinstance(value, str):
        value = _number_in(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Failed("not a number")
        scaled = half_away(value * 10.0**type_.scale)
        if not math.isfinite(scaled):
            raise Failed("out of range")
        exact = Decimal((int(scaled < 0), Decimal(int(abs(scaled))).as_tuple().digits, -type_.scale))
    else:
        exact = quantized(Decimal(value), type_.scale)
    if abs(exact) >= Decimal(10) ** (type_.size - type_.scale):
        raise Failed("out of range")
    return exact


def _to_float(type_: Type, value: Any) -> float:
    return float(_number_in(value)) if isinstance(value, str) else float(value)


def _to_boolean(type_: Type, value: Any) -> bool:
    if not isinstance(value, str):
        return bool(value != 0)
    if value.lower() in ("true", "t", "1", "yes", "y"):
        return True
    if value.lower() in ("false", "f", "0", "no", "n"):
        return False
    raise Failed("not a boolean")


def _to_text(type_: Type, value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _utc(value: dt.datetime) -> dt.datetime:
    return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value


def _to_date(type_: Type, value: Any) -> dt.date:
    if isinstance(value, dt.datetime):
        return _utc(value).date()
    return value if isinstance(value, dt.date) else _iso(dt.datetime.fromisoformat, value).date()


def _to_timestamp(type_: Type, value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return _utc(value)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    moment: dt.datetime = _iso(dt.datetime.fromisoformat, value)
    return moment


def _to_time(type_: Type, value: Any) -> dt.time:
    return value if isinstance(value, dt.time) else _iso(dt.time.fromisoformat, value)


def _iso(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        raise Failed("not a date or time") from None


_CASTS: dict[Kind, Callable[[Type, Any], Any]] = {
    Kind.INTEGER: _to_integer,
    Kind.DECIMAL: _to_decimal,
    Kind.FLOAT: _to_float,
    Kind.BOOLEAN: _to_boolean,
    Kind.TEXT: _to_text,
    Kind.DATE: _to_date,
    Kind.TIMESTAMP: _to_timestamp,
    Kind.TIMESTAMPTZ: lambda type_, value: value,
    Kind.TIME: _to_time,
}

# --- strict operations: NULL in, NULL out -----------------------------------------------

_STRICT: dict[str, Callable[..., Any]] = {
    "not": lambda node, a: not a,
    "=": lambda node, a, b: compare(a, b) == 0,
    "<>": lambda node, a, b: compare(a, b) != 0,
    "<": lambda node, a, b: compare(a, b) < 0,
    "<=": lambda node, a, b: compare(a, b) <= 0,
    ">": lambda node, a, b: compare(a, b) > 0,
    ">=": lambda node, a, b: compare(a, b) >= 0,
    "+": functions.exact(lambda a, b: a + b),
    "-": functions.exact(lambda a, b: a - b),
    "*": functions.exact(functions.product),
    "/": functions.divide,
    "//": functions.quotient,
    "%": functions.remainder,
    "fmod": functions.fmod,
    "neg": lambda node, a: -a,
    "||": lambda node, a, b: a + b,
    "like": lambda node, a: functions.like(str(node.value), a),
    "ilike": lambda node, a: functions.like(functions.lower(str(node.value)), functions.lower(a)),
    "convert": _convert,
    "cast": _cast,
    "shift": functions.shift,
    "days_between": lambda node, a, b: (a - b).days,
    "abs": lambda node, a: abs(a),
    "sign": functions.sign,
    "floor": functions.to_whole(ROUND_FLOOR, math.floor),
    "ceil": functions.to_whole(ROUND_CEILING, math.ceil),
    "round": functions.round_,
    "sqrt": functions.sqrt,
    "exp": functions.exp,
    "ln": functions.logarithm(math.log),
    "log10": functions.logarithm(math.log10),
    "pow": functions.pow_,
    "isnan": lambda node, a: math.isnan(a),
    "isinf": lambda node, a: math.isinf(a),
    "isfinite": lambda node, a: math.isfinite(a),
    "length": lambda node, a: len(a),
    "lower": lambda node, a: functions.lower(a),
    "upper": lambda node, a: functions.upper(a),
    "trim": lambda node, a: a.strip(" "),
    "ltrim": lambda node, a: a.lstrip(" "),
    "rtrim": lambda node, a: a.rstrip(" "),
    "left": lambda node, a: a[: functions.option(node)],
    "right": functions.right,
    "substring": functions.substring,
    "replace": functions.replace,
    "starts_with": lambda node, a, b: a.startswith(b),
    "ends_with": lambda node, a, b: a.endswith(b),
    "contains": lambda node, a, b: b in a,
    "regexp_matches": lambda node, a: re.search(functions.option(node), a) is not None,
    "regexp_full_match": lambda node, a: re.fullmatch(functions.option(node), a) is not None,
    "date_part": lambda node, a: functions.PARTS[functions.option(node)](a),
    "date_trunc": functions.trunc,
    "date_diff": functions.date_diff,
}
