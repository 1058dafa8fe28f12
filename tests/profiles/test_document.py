"""A profile survives being JSON."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.engines.duckdb import DuckDB
from interlock.errors import WorkspaceVersion
from interlock.profiles import compute, from_document, mask, to_document
from interlock.profiles.document import decode, encode

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC])),
    st.timedeltas(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.binary(),
)


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_every_value_comes_back(value: object) -> None:
    assert decode(json.loads(json.dumps(encode(value), allow_nan=False))) == value


def test_nan_comes_back() -> None:
    assert encode(math.nan) == "~float:nan"
    assert math.isnan(decode(encode(math.nan)))


def test_a_text_that_looks_tagged_stays_text() -> None:
    assert decode(encode("~date:2013-01-01")) == "~date:2013-01-01"


def test_a_profile_comes_back_equal_but_for_its_checks(engine: DuckDB) -> None:
    data = pl.DataFrame(
        {"a": [1.5, None, math.nan], "d": [Decimal("1.20"), None, None], "t": ["~x", "y", None]}
    )
    found = compute(engine, engine.relation(data), segments=["t"], key=["t"])
    document = json.loads(json.dumps(to_document(found), allow_nan=False))
    assert from_document(document) == found


def test_a_newer_document_is_refused() -> None:
    with pytest.raises(WorkspaceVersion):
        from_document({"v": 2})


def test_mask_hides_values_and_keeps_counts(engine: DuckDB) -> None:
    people = pl.DataFrame({"name": ["ann", "bob"], "n": [1, 2]})
    found = compute(engine, engine.relation(people), segments=["name"])
    hidden = mask(found, ["NAME"])
    assert "ann" not in json.dumps(to_document(hidden))
    assert hidden.columns["name"]["distinct"] == 2
    assert hidden.columns["n"] == found.columns["n"]
