"""Merging profiles is associative and commutative, and the empty profile changes nothing."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.engines.duckdb import DuckDB
from interlock.profiles import Profile, compute, merge
from interlock.profiles.merge import IDENTITY

ROW = st.fixed_dictionaries(
    {
        "f": st.one_of(st.none(), st.floats(-100, 100), st.just(math.nan)),
        "i": st.one_of(st.none(), st.integers(-3, 3)),
        "t": st.one_of(st.none(), st.sampled_from(["a", "bb", "~c"])),
    }
)
PART = st.lists(ROW, min_size=0, max_size=6)
few = settings(max_examples=12)
SCHEMA = {"f": pl.Float64, "i": pl.Int64, "t": pl.String}


def of(engine: DuckDB, rows: list[dict[str, Any]]) -> Profile:
    data = pl.DataFrame(rows, schema=SCHEMA)
    return compute(engine, engine.relation(data), segments=["t"])


def same(a: Profile, b: Profile) -> bool:
    return (
        a.rows == b.rows
        and list(a.columns) == list(b.columns)
        and all(_same(a.columns[n].values, b.columns[n].values) for n in a.columns)
        and [(s.value, s.rows) for s in a.segments["t"]] == [(s.value, s.rows) for s in b.segments["t"]]
    )


def _same(a: Any, b: Any) -> bool:
    return a.keys() == b.keys() and all(_close(a[k], b[k]) for k in a)


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)
    return bool(a == b)


@few
@given(PART, PART)
def test_merge_is_commutative(engine: DuckDB, a: Any, b: Any) -> None:
    left, right = of(engine, a), of(engine, b)
    assert same(merge(left, right), merge(right, left))


@few
@given(PART, PART, PART)
def test_merge_is_associative(engine: DuckDB, a: Any, b: Any, c: Any) -> None:
    x, y, z = of(engine, a), of(engine, b), of(engine, c)
    assert same(merge(merge(x, y), z), merge(x, merge(y, z)))


@few
@given(PART)
def test_the_empty_profile_is_the_identity(engine: DuckDB, a: Any) -> None:
    one = of(engine, a)
    assert merge(one, IDENTITY) == one == merge(IDENTITY, one)


@few
@given(PART, PART)
def test_what_is_merged_is_what_both_together_have(engine: DuckDB, a: Any, b: Any) -> None:
    merged, together = merge(of(engine, a), of(engine, b)), of(engine, a + b)
    assert merged.rows == together.rows
    for name, column in merged.columns.items():
        for statistic, value in column.values.items():
            if value is not None:
                assert _close(value, together.columns[name][statistic]), (name, statistic)


def test_what_cannot_be_merged_is_none(engine: DuckDB) -> None:
    one = of(engine, [{"f": 1.0, "i": 1, "t": "a"}])
    assert merge(one, one).columns["f"]["quantiles"] is None
