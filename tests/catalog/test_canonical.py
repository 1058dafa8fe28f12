"""Canonical JSON: RFC 8785, and what it leaves out."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.catalog.canonical import canonical, parse
from interlock.errors import LedgerError

# Samples from RFC 8785, sections 3.2.2, 3.2.3 and appendix B.
NUMBERS = {
    0.0: "0",
    5e-324: "5e-324",
    1.7976931348623157e308: "1.7976931348623157e+308",
    9007199254740992.0: "9007199254740992",
    295147905179352830000.0: "295147905179352830000",
    9.999999999999997e22: "9.999999999999997e+22",
    1e23: "1e+23",
    999999999999999700000.0: "999999999999999700000",
    1e21: "1e+21",
    9.999999999999997e-7: "9.999999999999997e-7",
    0.000001: "0.000001",
    333333333.33333329: "333333333.3333333",
    -0.0000033333333333333333: "-0.0000033333333333333333",
    1424953923781206.2: "1424953923781206.2",
    1e30: "1e+30",
    4.50: "4.5",
    2e-3: "0.002",
    1e-27: "1e-27",
}


@pytest.mark.parametrize(("number", "text"), NUMBERS.items())
def test_numbers_are_written_as_ecmascript_writes_them(number: float, text: str) -> None:
    assert canonical(number).decode() == text


def test_zero_has_no_sign() -> None:
    assert canonical(-0.0) == b"0"


def test_strings_escape_only_what_they_must() -> None:
    assert (
        canonical('\u20ac$\u000f\nA\'B"\\\\"/\x7f').decode() == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'
    )


def test_keys_are_ordered_by_utf16() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = json.loads(canonical(dict.fromkeys(keys, 0)), object_pairs_hook=list)
    assert [key for key, _ in ordered] == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, '"$float:NaN"'),
        (-math.inf, '"$float:-Infinity"'),
        (2**53, '"$int:9007199254740992"'),
        (2**53 - 1, "9007199254740991"),
        ("$float:NaN", '"$$float:NaN"'),
        ((1, None, True), "[1,null,true]"),
    ],
)
def test_what_json_cannot_say_is_tagged(value: object, text: str) -> None:
    assert canonical(value).decode() == text


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)


@given(_values)
def test_a_value_has_one_spelling_and_comes_back(value: object) -> None:
    data = canonical(value)
    assert canonical(parse(data)) == data


@given(st.integers() | st.text() | st.lists(st.booleans() | st.text()))
def test_integers_and_texts_come_back_exactly(value: object) -> None:
    assert parse(canonical(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" 1",
        b"1.0",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'"\\u0041"',
        b'"$x"',
        b'"$int:1"',
        b"NaN",
        b"\xff",
        b"1e3",
    ],
)
def test_another_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(LedgerError):
        parse(data)


@pytest.mark.parametrize("value", [b"bytes", {1: 2}, object(), "\ud800"])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(LedgerError):
        canonical(value)
