"""Statistics equal their plain-Python meaning, at every size."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections import Counter
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from interlock import settings
from interlock.engines.duckdb import DuckDB
from interlock.profiles import Profile, StatisticClass, compute, compute_by, from_document, to_document

FLOATS = st.one_of(
    st.none(), st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0])
)
WHOLE = st.one_of(st.none(), st.integers(-(2**40), 2**40), st.integers(-3, 3))
TEXTS = st.one_of(st.none(), st.text(alphabet="aZ9 ñ~-", max_size=6))
ROWS = st.lists(st.tuples(FLOATS, WHOLE, TEXTS), max_size=30)
few = hypothesis_settings(max_examples=12)
SCHEMA = {"f": pl.Float64, "i": pl.Int64, "t": pl.String}

# every value counted; aggregates over all rows; a sample of all rows
SIZES = {
    "small": {},
    "medium": {"counted_rows_max": -1, "counted_values_max": 0, "counted_dictionary_bytes": 0},
    "large": {
        "counted_rows_max": -1,
        "exact_rows_max": -1,
        "counted_values_max": 0,
        "counted_dictionary_bytes": 0,
    },
    "large, repeating": {"counted_rows_max": -1, "exact_rows_max": -1, "counted_values_max": 2**60},
}


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def computed(engine: DuckDB, data: object, size: str = "small", **how: Any) -> Profile:
    with settings.override(**SIZES[size]):
        return compute(engine, engine.relation(data), **how)


@pytest.mark.parametrize("size", SIZES)
@few
@given(rows=ROWS)
def test_a_float_column_means_what_python_says(
    engine: DuckDB, size: str, rows: list[tuple[Any, ...]]
) -> None:
    values = [row[0] for row in rows if row[0] is not None]
    finite = sorted(v for v in values if math.isfinite(v))
    found = computed(engine, frame(rows), size).columns["f"]
    assert found["nulls"] == len(rows) - len(values)
    assert found["nans"] == sum(map(math.isnan, values))
    assert found["infinities"] == sum(map(math.isinf, values))
    assert (found["min"], found["max"]) == ((finite[0], finite[-1]) if finite else (None, None))
    assert (found["zeros"], found["negatives"]) == (finite.count(0), sum(v < 0 for v in finite))
    spread = (finite[-1] - finite[0]) if finite else 0
    near = {"rel_tol": 1e-12, "abs_tol": spread * 2**-29 + 1e-9}
    if finite:
        assert math.isclose(found["mean"], statistics.fmean(finite), **near)
    if len(finite) > 1:
        assert math.isclose(found["stddev"], statistics.stdev(finite), **near)
    if finite:
        assert found["quantiles"]["0.5"] == finite[max(0, -(-len(finite) // 2) - 1)]


@pytest.mark.parametrize("size", SIZES)
@few
@given(rows=ROWS)
def test_an_integer_column_means_what_python_says(
    engine: DuckDB, size: str, rows: list[tuple[Any, ...]]
) -> None:
    values = [row[1] for row in rows if row[1] is not None]
    found = computed(engine, frame(rows), size).columns["i"]
    assert found["nulls"] == len(rows) - len(values)
    assert (found["min"], found["max"]) == ((min(values), max(values)) if values else (None, None))
    assert (found["zeros"], found["negatives"]) == (values.count(0), sum(v < 0 for v in values))
    if found.classes["distinct"] is not StatisticClass.ADVISORY:
        assert found["distinct"] == len(set(values))
    if values:
        assert math.isclose(found["mean"], statistics.fmean(values), rel_tol=1e-12, abs_tol=2**12)
    if found["domain"] is not None:
        assert found["domain"] == [list(pair) for pair in sorted(Counter(values).items())]


@pytest.mark.parametrize("size", SIZES)
@few
@given(rows=ROWS)
def test_a_text_column_means_what_python_says(engine: DuckDB, size: str, rows: list[tuple[Any, ...]]) -> None:
    values = [row[2] for row in rows if row[2] is not None]
    found = computed(engine, frame(rows), size).columns["t"]
    lengths = [len(v) for v in values]
    assert found["nulls"] == len(rows) - len(values)
    assert (found["min"], found["max"]) == ((min(values), max(values)) if values else (None, None))
    assert (found["length_min"], found["length_max"]) == (
        (min(lengths), max(lengths)) if values else (None, None)
    )
    assert found["length_mean"] == (statistics.fmean(lengths) if values else None)
    ranked = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
    assert found["top"] == [list(pair) for pair in ranked[:10]]
    assert sum(found["patterns"].values()) == len(values)


@few
@given(rows=ROWS)
def test_sizes_agree_on_what_is_exact(engine: DuckDB, rows: list[tuple[Any, ...]]) -> None:
    exact = ("nulls", "min", "max", "zeros", "negatives", "quantiles", "scale", "length_min", "length_max")
    small, *others = [computed(engine, frame(rows), size) for size in SIZES]
    for other in others:
        for name, column in small.columns.items():
            for statistic in exact:
                assert other.columns[name][statistic] == column[statistic], (name, statistic)


@pytest.mark.parametrize("size", SIZES)
def test_two_runs_agree_to_the_last_bit_whatever_the_threads(size: str, tmp_path: Any) -> None:
    path = tmp_path / "a.parquet"
    made = pl.select(x=(pl.int_range(300_000) * 0.1).sin() * 1e9, i=pl.int_range(300_000) * 7919 % 100_003)
    with DuckDB() as engine:
        engine.stage(made, path)
    limits = {"small": {"counted_rows_max": 10**6}, "medium": {"exact_rows_max": 10**6}}.get(size, {})
    found = []
    for threads in (1, 2, 4):
        with settings.override(threads=threads, **limits), DuckDB() as engine:
            document = to_document(compute(engine, engine.relation(path)))
        for column in document["columns"]:
            advisory = [k for k, c in column.get("classes", {}).items() if c == "advisory"]
            for name in advisory:
                del column["values"][name]
        found.append(document)
    assert found[0] == found[1] == found[2]


def test_a_large_partition_is_sampled_within_its_error(engine: DuckDB) -> None:
    rows = 400_000
    found = compute(engine, engine.relation(pl.select(x=pl.int_range(rows).shuffle(seed=1)))).columns["x"]
    assert found.classes["quantiles"] is StatisticClass.DETERMINISTIC
    assert found.classes["distinct"] is StatisticClass.ADVISORY
    for share, value in found["quantiles"].items():
        assert abs(value / rows - float(share)) < 0.013
    assert (found["mean"], found.classes["mean"]) == ((rows - 1) / 2, StatisticClass.EXACT)


def test_types_of_every_kind_have_a_profile(engine: DuckDB, tmp_path: Any) -> None:
    kinds = {
        "decimal": "1.50::DECIMAL(10,2)",
        "big": "12345678901234567890123456789.5::DECIMAL(38,1)",
        "huge": "170141183460469231731687303715884105727::UHUGEINT % 1000",
        "blob": "'\\xAB'::BLOB",
        "flag": "true",
        "zoned": "TIMESTAMPTZ '2020-01-01 00:00:00+02'",
        "nanos": "TIMESTAMP_NS '2020-01-01 00:00:00.123456789'",
        "clock": "TIME '12:00'",
        "zoned_clock": "'12:00:00+02'::TIMETZ",
        "span": "INTERVAL 1 DAY",
        "list": "[1, 2, 3]",
        "struct": "{'a': 1, 'b': [NULL]}",
        "map": "MAP {'k': 1}",
        "uuid": "'3e0a0000-0000-4000-8000-000000000000'::UUID",
        "json": "'{\"a\": 1}'::JSON",
        "enum": "'x'::ENUM('x', 'y')",
        "forever": "'infinity'::DATE",
        "ancient": "'0044-03-15 (BC)'::DATE",
        "distant": "'20000-01-01'::TIMESTAMP",
        "nothing": "NULL",
        "e": "'the name of a lambda parameter'",
    }
    items = ", ".join(f'{sql} AS "{name}"' for name, sql in kinds.items())
    path = tmp_path / "kinds.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {items} FROM range(3)) TO '{path}'")
    for size in SIZES:
        found = computed(engine, path, size)
        assert set(found.columns) == set(kinds)
        assert from_document(to_document(found)).columns == found.columns
    columns = computed(engine, path).columns
    assert columns["decimal"]["max"] == Decimal("1.50")
    assert columns["zoned"]["max"] == dt.datetime(2019, 12, 31, 22, tzinfo=dt.UTC)
    assert (columns["list"]["length_max"], columns["map"]["length_max"], columns["blob"]["length_max"]) == (
        3,
        1,
        1,
    )
    assert (columns["nothing"]["nulls"], columns["forever"]["infinities"]) == (3, 3)
    assert columns["ancient"]["min"] == "0044-03-15 (BC)"
    assert columns["flag"]["domain"] == [[True, 3]]


def test_wide_tables_take_one_statement_a_batch(engine: DuckDB) -> None:
    wide = pl.DataFrame({f"c{i}": [i, None] for i in range(250)})
    relation = engine.relation(wide)
    before = len(engine.statements)
    found = compute(engine, relation, segments=["c249"])
    assert len(engine.statements) - before == 5
    assert [c["max"] for c in found.columns.values()] == list(range(250))
    assert [(s.value, s.rows, len(s.columns)) for s in found.segments["c249"]] == [
        ("249", 1, 250),
        (None, 1, 250),
    ]


def test_rare_segment_values_are_counted_together(engine: DuckDB) -> None:
    data = pl.DataFrame({"s": ["a", "a", "b", "b", "b", "c", "d", None]})
    with settings.override(segment_values_max=2):
        found = compute(engine, engine.relation(data), segments=["s"])
    assert [(s.value, s.rows) for s in found.segments["s"]] == [("a", 2), ("b", 3), ("(other)", 2), (None, 1)]


@pytest.mark.parametrize("size", SIZES)
def test_segments_hold_the_statistics_of_their_rows(engine: DuckDB, size: str) -> None:
    data = pl.DataFrame({"s": ["a", "b"] * 20, "x": [float(i) for i in range(40)]})
    (a, b) = computed(engine, data, size, segments=["s"]).segments["s"]
    assert (a.rows, b.rows) == (20, 20)
    assert math.isclose(a.columns["x"]["mean"], 19.0, abs_tol=1e-6)
    assert (b.columns["x"]["min"], b.columns["x"]["max"]) == (1.0, 39.0)
    assert math.isclose(b.columns["x"]["stddev"], statistics.stdev(range(1, 40, 2)), abs_tol=1e-6)


@pytest.mark.parametrize("size", ["small", "medium"])
@few
@given(rows=ROWS)
def test_a_segment_has_the_core_statistics_its_rows_have_alone(
    engine: DuckDB, size: str, rows: list[tuple[Any, ...]]
) -> None:
    source = [["a", "b"][i % 2] for i in range(len(rows))]
    data = frame(rows).with_columns(pl.Series("s", source, dtype=pl.String))
    for segment in computed(engine, data, size, segments=["s"], more=False).segments["s"]:
        alone = computed(engine, data.filter(pl.col("s") == segment.value), size, more=False)
        for name, column in segment.columns.items():
            there, here = dict(alone.columns[name].values), dict(column.values)
            assert here.keys() == there.keys()
            for inexact in ("mean", "stddev"):  # added in another order
                assert same(here.pop(inexact, None), there.pop(inexact, None))
            assert here | {"domain": None} == there | {"domain": None}


def same(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9))


def test_a_large_partitions_segments_are_answered_by_its_sample(engine: DuckDB) -> None:
    data = pl.DataFrame({"s": ["a", "b", "b", "b"] * 2_000, "x": list(range(8_000))})
    with settings.override(sample_rows=2_000):
        (a, b) = computed(engine, data, "large", segments=["s"]).segments["s"]
    assert (a.rows, b.rows) == (2_000, 6_000)
    assert abs(a.columns["x"]["quantiles"]["0.5"] - 4_000) < 600
    assert 5_400 < b.columns["x"]["distinct"] < 6_600
    assert b.columns["x"].classes["quantiles"] is StatisticClass.DETERMINISTIC
    assert a.columns["s"]["top"][0][0] == "a"


@pytest.mark.parametrize("size", SIZES)
def test_duplicates_of_keys_and_rows_are_counted(engine: DuckDB, size: str) -> None:
    data = pl.DataFrame({"k": [1, 1, 2, None, None], "v": ["a", "a", "b", "c", "d"]})
    found = computed(engine, data, size, key=["k"])
    assert found.table == {"key_duplicates": 2, "row_duplicates": 1}


@pytest.mark.parametrize("size", ["small", "medium"])
def test_combinations_of_a_key_that_no_row_has_are_counted(engine: DuckDB, size: str) -> None:
    every = pl.DataFrame({"store": ["a", "a", "a", "b", "b", "b"], "hour": [1, 2, 3, 1, 2, 3]})
    some = pl.DataFrame({"store": ["a", "a", "b", "b", "b", None], "hour": [1, 2, 2, 3, 3, None]})
    assert computed(engine, every, size, key=["store", "hour"]).table["key_gaps"] == 0
    assert computed(engine, every[1:], size, key=["store", "hour"]).table["key_gaps"] == 1
    # Two of six are missing; a row with neither store nor hour is in no place of the grid.
    assert computed(engine, some, size, key=["store", "hour"]).table["key_gaps"] == 2
    null = pl.DataFrame({"store": ["a", None], "hour": [None, 4]}, schema=every.schema)
    assert computed(engine, pl.concat([every, null]), size, key=["store", "hour"]).table["key_gaps"] == 2
    assert computed(engine, every[:0], size, key=["store", "hour"]).table["key_gaps"] == 0
    assert "key_gaps" not in computed(engine, every, size, key=["hour"]).table


def test_gaps_in_the_key_of_a_large_partition_are_not_counted(engine: DuckDB) -> None:
    every = pl.DataFrame({"store": ["a", "a", "b", "b"], "hour": [1, 2, 1, 2]})
    assert "key_gaps" not in computed(engine, every, "large", key=["store", "hour"]).table


def test_more_combinations_than_a_whole_number_holds_are_no_error(engine: DuckDB) -> None:
    """Ten columns of 100 values each: 10**20 combinations."""
    data = pl.DataFrame({f"k{i}": range(100) for i in range(10)})
    assert computed(engine, data, key=data.columns).table["key_gaps"] == pytest.approx(1e20)


def test_monotonic_columns_are_known_as_such(engine: DuckDB) -> None:
    data = pl.DataFrame({"up": [1, 2, None, 3, 4], "down": [5, 4, 3, 2, 1], "flat": [1, 1, 1, 1, 1]})
    columns = compute(engine, engine.relation(data)).columns
    assert {n: (c["increasing"], c["decreasing"]) for n, c in columns.items()} == {
        "up": (1.0, 0.0),
        "down": (0.0, 1.0),
        "flat": (0.0, 0.0),
    }


def test_core_statistics_alone_leave_out_the_rest(engine: DuckDB) -> None:
    found = compute(engine, engine.relation(pl.DataFrame({"t": ["a1"]})), more=False)
    assert "patterns" not in found.columns["t"].values
    assert found.table == {}


def test_partitions_beyond_the_exact_limit_are_profiled_alone(engine: DuckDB) -> None:
    data = pl.DataFrame({"p": ["x"] * 30 + ["y"] * 5, "v": list(range(35))})
    with settings.override(counted_rows_max=4, exact_rows_max=10):
        found = compute_by(engine, engine.relation(data), "p")
    assert {label: (one.rows, one.columns["v"]["max"]) for label, one in found.items()} == {
        "x": (30, 29),
        "y": (5, 34),
    }


def test_partitions_of_very_many_rows_take_several_passes(engine: DuckDB) -> None:
    data = engine.relation(pl.DataFrame({"p": ["w", "x", "x", "y", None, "z"], "v": range(6)}))
    together = compute_by(engine, data, "p")
    before = len(engine.statements)
    with settings.override(together_rows_max=3):
        assert compute_by(engine, data, "p") == together
    assert len(engine.statements) - before == 3
    assert list(together) == ["w", "x", "y", "z", "__null__"]
