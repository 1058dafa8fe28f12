"""Functions of numbers, texts and times in plain Python: NULL never comes here."""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from interlock.constraints.expression import Node


class Failed(Exception):
    """Evaluating an expression failed for one row."""


# --- numbers ----------------------------------------------------------------------------


def quotient(node: Node, a: int, b: int) -> int:
    if b == 0:
        raise Failed("division by zero")
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def remainder(node: Node, a: int, b: int) -> int:
    return a - b * quotient(node, a, b)


def divide(node: Node, a: float, b: float) -> float:
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def fmod(node: Node, a: float, b: float) -> float:
    if b == 0 or math.isinf(a) or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.fmod(a, b)


def half_away(x: float) -> float:
    """A whole float: halves go away from zero."""
    if math.isnan(x) or math.isinf(x) or abs(x) >= 2.0**52:
        return x
    whole = math.floor(abs(x))
    return math.copysign(whole + (abs(x) - whole >= 0.5), x)


def round_(node: Node, x: Any) -> Any:
    places = int(node.value[0]) if isinstance(node.value, tuple) else 0
    if isinstance(x, int):
        return x
    if isinstance(x, Decimal):
        return quantized(x, min(places, node.type.scale))
    scaled = half_away(x * 10.0**places) / 10.0**places if places else half_away(x)
    return scaled if math.isfinite(scaled) else x


def quantized(x: Decimal, scale: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    with localcontext() as context:
        context.prec = 100
        return x.quantize(Decimal(1).scaleb(-scale), rounding=rounding)


def to_whole(rounding: str, of_float: Callable[[float], int]) -> Callable[[Node, Any], Any]:
    def whole(node: Node, x: Any) -> Any:
        if isinstance(x, int):
            return x
        if isinstance(x, Decimal):
            return quantized(x, 0, rounding)
        return float(of_float(x)) if math.isfinite(x) else x

    return whole


def logarithm(function: Callable[[float], float]) -> Callable[[Node, float], float]:
    def logarithm(node: Node, x: float) -> float:
        if x == 0:
            return -math.inf
        return math.nan if x < 0 or math.isnan(x) else function(x)

    return logarithm


def sqrt(node: Node, x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


def exp(node: Node, x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def pow_(node: Node, x: float, y: float) -> float:
    try:
        return math.pow(x, y)
    except OverflowError:
        odd = y == math.floor(y) and y % 2 == 1
        return -math.inf if x < 0 and odd else math.inf
    except ValueError:
        if x == 0:  # a pole
            odd = y == math.floor(y) and y % 2 == 1
            return math.copysign(math.inf, x) if odd else math.inf
        return math.nan


def sign(node: Node, x: Any) -> int:
    return 0 if x != x else int(x > 0) - int(x < 0)


def exact(operation: Callable[[Any, Any], Any]) -> Callable[[Node, Any, Any], Any]:
    def apply(node: Node, a: Any, b: Any) -> Any:
        with localcontext() as context:
            context.prec = 100
            return operation(a, b)

    return apply


def product(a: Any, b: Any) -> Any:
    return a * b


# --- text -------------------------------------------------------------------------------


def lower(text: str) -> str:
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def upper(text: str) -> str:
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def like(pattern: str, text: str) -> bool:
    parts = ("." if c == "_" else ".*" if c == "%" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def option(node: Node, index: int = 0) -> Any:
    return node.value[index] if isinstance(node.value, tuple) else None


def substring(node: Node, text: str) -> str:
    start = option(node)
    length = node.value[1] if isinstance(node.value, tuple) and len(node.value) > 1 else len(text) + 1
    return "".join(c for i, c in enumerate(text, 1) if start <= i < start + length)


def replace(node: Node, text: str, old: str, new: str) -> str:
    return text.replace(old, new) if old else text


def right(node: Node, text: str) -> str:
    count = option(node)
    return text[len(text) - count :] if 0 < count <= len(text) else text if count else ""


# --- dates and times --------------------------------------------------------------------

PARTS: dict[str, Callable[[dt.datetime], int]] = {
    "year": lambda t: t.year,
    "quarter": lambda t: (t.month + 2) // 3,
    "month": lambda t: t.month,
    "week": lambda t: t.isocalendar().week,
    "day": lambda t: t.day,
    "hour": lambda t: t.hour,
    "minute": lambda t: t.minute,
    "second": lambda t: t.second,
    "dayofweek": lambda t: t.isoweekday() % 7,
    "isodow": lambda t: t.isoweekday(),
    "dayofyear": lambda t: t.timetuple().tm_yday,
}
_BELOW: dict[str, dict[str, int]] = {
    "year": {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "month": {"day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "day": {"hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "hour": {"minute": 0, "second": 0, "microsecond": 0},
    "minute": {"second": 0, "microsecond": 0},
    "second": {"microsecond": 0},
}


def trunc(node: Node, moment: dt.datetime) -> dt.datetime:
    unit = option(node)
    if unit == "quarter":
        return moment.replace(month=(moment.month - 1) // 3 * 3 + 1, **_BELOW["month"])  # type: ignore[arg-type]
    if unit == "week":
        return moment.replace(**_BELOW["day"]) - dt.timedelta(days=moment.weekday())  # type: ignore[arg-type]
    return moment.replace(**_BELOW[unit])  # type: ignore[arg-type]


_EPOCH = dt.datetime(1, 1, 1)  # noqa: DTZ001


def _units_since_epoch(unit: str, moment: dt.datetime) -> int:
    if unit == "year":
        return moment.year
    if unit == "month":
        return moment.year * 12 + moment.month
    seconds = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}[unit]
    return (moment - _EPOCH) // dt.timedelta(seconds=seconds)


def date_diff(node: Node, a: dt.datetime, b: dt.datetime) -> int:
    return _units_since_epoch(option(node), b) - _units_since_epoch(option(node), a)


def shift(node: Node, moment: dt.datetime) -> dt.datetime:
    amount, unit = node.value if isinstance(node.value, tuple) else (0, "day")
    try:
        if unit in ("year", "month"):
            months = moment.year * 12 + moment.month - 1 + amount * (12 if unit == "year" else 1)
            year, month = divmod(months, 12)
            if not 1 <= year <= 9999:
                raise Failed("outside the years 1 to 9999")
            last = calendar.monthrange(year, month + 1)[1]
            return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
        shifted: dt.datetime = moment + dt.timedelta(**{unit + "s": amount})
        return shifted
    except OverflowError:
        raise Failed("outside the years 1 to 9999") from None
