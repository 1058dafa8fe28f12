"""Canonical JSON: one value, one sequence of bytes (RFC 8785).

RFC 8785 has no NaN, no infinities and no exact integers beyond 2⁵³, so those
become tagged strings, and a real string that starts with ``$`` gets one more:

>>> canonical({"b": float("nan"), "a": [2**53, "$5", 1.0]})
b'{"a":["$int:9007199254740992","$$5",1],"b":"$float:NaN"}'
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from interlock.errors import LedgerError

INTEGER_MAX = 2**53 - 1
TAG = "$"


def canonical(value: Any) -> bytes:
    """The canonical bytes of a plain JSON value (tuples count as arrays)."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode()


def _write(value: Any, parts: list[str]) -> None:
    if value is None or isinstance(value, bool):
        parts.append("null" if value is None else "true" if value else "false")
    elif isinstance(value, str):
        parts.append(_string(value))
    elif isinstance(value, int):
        parts.append(str(int(value)) if abs(value) <= INTEGER_MAX else f'"{TAG}int:{int(value)}"')
    elif isinstance(value, float):
        parts.append(_number(value))
    elif isinstance(value, Mapping):
        _write_object(value, parts)
    elif isinstance(value, list | tuple):
        _write_array(value, parts)
    else:
        raise LedgerError(f"{type(value).__name__} has no canonical JSON")


def _write_array(values: list[Any] | tuple[Any, ...], parts: list[str]) -> None:
    parts.append("[")
    for i, item in enumerate(values):
        if i:
            parts.append(",")
        _write(item, parts)
    parts.append("]")


def _write_object(values: Mapping[Any, Any], parts: list[str]) -> None:
    if not all(isinstance(key, str) for key in values):
        raise LedgerError("a key of a JSON object is not a string")
    plain = all(map(str.isascii, values))
    parts.append("{")
    for i, key in enumerate(sorted(values, key=None if plain else _utf16)):
        if i:
            parts.append(",")
        parts.append(_quoted(key))
        parts.append(":")
        _write(values[key], parts)
    parts.append("}")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _string(text: str) -> str:
    return _quoted(TAG + text if text.startswith(TAG) else text)


def _quoted(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise LedgerError(f"{text[:40]!r} is not Unicode text") from None
    return encode_basestring(text)


def _number(value: float) -> str:
    """ECMAScript's Number::toString, which RFC 8785 asks for."""
    if not math.isfinite(value):
        name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return f'"{TAG}float:{name}"'
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent_text = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + ("" if fraction == "0" else fraction)).lstrip("0")
    point = len(whole.lstrip("0")) + int(exponent_text or 0)
    if not whole.lstrip("0"):
        point = int(exponent_text or 0) - (len(fraction) - len(fraction.lstrip("0")))
    digits = digits.rstrip("0")
    return sign + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    exponent = point - 1
    head = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{head}e{'+' if exponent > 0 else '-'}{abs(exponent)}"


def parse(data: bytes) -> Any:
    """The value behind canonical bytes; `LedgerError` for any other spelling of it."""
    try:
        value = _untag(json.loads(data.decode(), parse_int=_whole))
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"not JSON: {error}") from None
    if canonical(value) != data:
        raise LedgerError("not canonical JSON")
    return value


def _whole(text: str) -> int | float:
    """Integers beyond 2⁵³ are tagged, so a bare literal of that size was a float."""
    number = int(text)
    return number if abs(number) <= INTEGER_MAX else float(text)


def _untag(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untag(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_untag(item) for item in value]
    if not isinstance(value, str) or not value.startswith(TAG):
        return value
    if value.startswith(TAG + TAG):
        return value[1:]
    kind, _, text = value[1:].partition(":")
    if kind == "int":
        return int(text)
    if kind == "float" and text in ("NaN", "Infinity", "-Infinity"):
        return float(text)
    raise LedgerError(f"unknown tag in {value[:40]!r}")
