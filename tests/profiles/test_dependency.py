"""What a dependency counts is what its words say of the rows, read in plain Python."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from interlock import settings
from interlock.engines.duckdb import DuckDB
from interlock.engines.parquet import quoted
from interlock.engines.schema import Column, Kind
from interlock.profiles import compute, compute_by
from interlock.profiles.dependency import EXACT, LOOSE, QUOTING, Dependency, Form

few = hypothesis_settings(max_examples=40)

# Names as tables really have them: quotes, blanks, keywords, other alphabets.
A, B, C, WHOLE, TEXT, OTHER, DAY, NEXT, AT, THEN = (
    'a "quoted"', "b'", "sélect c", "order", "text; --", "Text %s", "day", "next day", "at 時", "then"
)  # fmt: skip
SCHEMA = {
    **dict.fromkeys((A, B, C), pl.Float64),
    WHOLE: pl.Int64,
    **dict.fromkeys((TEXT, OTHER), pl.String),
    **dict.fromkeys((DAY, NEXT), pl.Date),
    **dict.fromkeys((AT, THEN), pl.Datetime("us")),
}
FLOATS = st.one_of(
    st.none(),
    st.integers(-3, 3).map(float),
    st.floats(-1e6, 1e6),
    st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.1, 1e-300]),
)
WHOLES = st.one_of(st.none(), st.integers(-30, 30), st.integers(-(2**60), 2**60))
TEXTS = st.one_of(st.none(), st.text(alphabet="aZ9 'ñÑ\\~\t", max_size=4))
FIRST, LAST = dt.datetime(1901, 1, 1), dt.datetime(2199, 1, 1)  # noqa: DTZ001
DATES = st.one_of(st.none(), st.dates(FIRST.date(), LAST.date()))
ROUND = st.datetimes(FIRST, LAST).map(lambda t: t.replace(minute=0, second=0, microsecond=0))
MOMENTS = st.one_of(st.none(), st.datetimes(FIRST, LAST), ROUND)
ROWS = st.lists(
    st.tuples(FLOATS, FLOATS, FLOATS, WHOLES, TEXTS, TEXTS, DATES, DATES, MOMENTS, MOMENTS), max_size=25
)
Row = Mapping[str, Any]
Reading = Callable[[Row], bool | None]  # None where the row is no evidence


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _of(*columns: str) -> Callable[[Callable[..., bool | None]], Reading]:
    """A reading of rows in which all of these columns have a value."""

    def of_values(says: Callable[..., bool | None]) -> Reading:
        def read(row: Row) -> bool | None:
            values = [row[c] for c in columns]
            values = [_number(v) if isinstance(v, int | float) else v for v in values]
            return None if None in values else says(*values)

        return read

    return of_values


def _decimals(digits: int) -> Callable[[float], bool]:
    def says(value: float) -> bool:
        scaled = value * 10.0**digits
        return abs(scaled - math.floor(scaled + 0.5)) <= 1e-3

    return says


def _apart(text: str) -> str:
    return text.strip(" ")


ROW_FORMS: list[tuple[Dependency, Reading]] = [
    (Dependency(Form.EQUAL, (TEXT, OTHER)), _of(TEXT, OTHER)(lambda a, b: a == b)),
    (Dependency(Form.EQUAL, (DAY, NEXT)), _of(DAY, NEXT)(lambda a, b: a == b)),
    (Dependency(Form.ORDER, (A, B)), _of(A, B)(lambda a, b: a <= b)),
    (Dependency(Form.ORDER, (WHOLE, A)), _of(WHOLE, A)(lambda a, b: a <= b)),
    (Dependency(Form.BEFORE, (DAY, NEXT)), _of(DAY, NEXT)(lambda a, b: a <= b)),
    (Dependency(Form.BEFORE, (AT, THEN)), _of(AT, THEN)(lambda a, b: a <= b)),
    (
        Dependency(Form.LINEAR, (C, A, B), (1.0, -2.0, 0.5, 3.0)),
        _of(C, A, B)(lambda c, a, b: abs(c - (1.0 * a + -2.0 * b + 0.5)) <= 3.0),
    ),
    (
        Dependency(Form.LINEAR, (B, A), (1e-05, 32.0, 0.05)),
        _of(B, A)(lambda b, a: abs(b - (1e-05 * a + 32.0)) <= 0.05),
    ),
    (
        Dependency(Form.PRODUCT, (C, A, B), (2.0, 0.5)),
        _of(C, A, B)(lambda c, a, b: abs(c - 2.0 * a * b) <= 0.5 + 1e-6 * abs(2.0 * a * b)),
    ),
    (
        Dependency(Form.RATIO, (C, A, B), (3.0, 0.5)),
        _of(C, A, B)(
            lambda c, a, b: None if b == 0 else abs(c - 3.0 * a / b) <= 0.5 + 1e-6 * abs(3.0 * a / b)
        ),
    ),
    (
        Dependency(Form.NEAR, (B, A), (0.5, -1.0, 2.0)),
        _of(B, A)(lambda b, a: abs(b - (0.5 * a + -1.0)) <= 2.0),
    ),
    (Dependency(Form.ALIKE, (A, B), (0.0, 1.0)), _of(A, B)(lambda a, b: (a > 0.0) == (b > 1.0))),
    *(
        (Dependency(Form.PART, (WHOLE, AT), (part,)), _of(WHOLE, AT)(lambda a, t, p=part: a == getattr(t, p)))
        for part in ("year", "month", "day", "hour", "minute")
    ),
    (Dependency(Form.PART, (WHOLE, DAY), ("day",)), _of(WHOLE, DAY)(lambda a, t: a == t.day)),
    (Dependency(Form.PART, (WHOLE, AT), ("month", -1.0)), _of(WHOLE, AT)(lambda a, t: a == t.month - 1)),
    (
        Dependency(Form.PART, (WHOLE, AT), ("quarter",)),
        _of(WHOLE, AT)(lambda a, t: a == (t.month + 2) // 3),
    ),
    (
        Dependency(Form.PART, (WHOLE, DAY), ("isodow",)),
        _of(WHOLE, DAY)(lambda a, t: a == t.isoweekday()),
    ),
    (
        Dependency(Form.PART, (WHOLE, AT), ("dow",)),
        _of(WHOLE, AT)(lambda a, t: a == t.isoweekday() % 7),
    ),
    (
        Dependency(Form.ELAPSED, (WHOLE, DAY, NEXT), ("day", 0.001)),
        _of(WHOLE, DAY, NEXT)(lambda a, t, u: a == (u - t).days),
    ),
    (
        Dependency(Form.ELAPSED, (A, AT, THEN), ("minute", 1.0)),
        _of(A, AT, THEN)(lambda a, t, u: abs(a - (u - t).total_seconds() / 60) <= 1.0),
    ),
    (
        Dependency(Form.WHOLE, (AT,), ("hour",)),
        _of(AT)(lambda t: (t.minute, t.second, t.microsecond) == (0, 0, 0)),
    ),
    (Dependency(Form.WHOLE, (AT,), ("day",)), _of(AT)(lambda t: t.time() == dt.time())),
    (Dependency(Form.UPPER, (TEXT,)), _of(TEXT)(lambda t: t == t.upper())),
    (Dependency(Form.LOWER, (TEXT,)), _of(TEXT)(lambda t: t == t.lower())),
    (Dependency(Form.TRIMMED, (TEXT,)), _of(TEXT)(lambda t: t == _apart(t))),
    (Dependency(Form.PLAIN, (TEXT,)), _of(TEXT)(lambda t: all(" " <= c <= "~" for c in t))),
    (Dependency(Form.DECIMALS, (A,), (0,)), _of(A)(_decimals(0))),
    (Dependency(Form.DECIMALS, (A,), (2,)), _of(A)(_decimals(2))),
    (Dependency(Form.MULTIPLE, (WHOLE,), (5,)), lambda r: None if r[WHOLE] is None else r[WHOLE] % 5 == 0),
    (
        Dependency(Form.EMPTY, (TEXT, A)),
        lambda r: None if r[TEXT] is not None else r[A] is None,
    ),
    (
        Dependency(Form.GROUPED, (A, TEXT), (2.0, "a", 1.0, "'", -1.0)),
        _of(A, TEXT)(lambda a, t: abs(a - {"a": 1.0, "'": -1.0}[t]) <= 2.0 if t in ("a", "'") else None),
    ),
    (
        Dependency(Form.GROUPED, (A, WHOLE), (1.0, 1.0, 1.0, 2.0, -1.0)),
        _of(A, WHOLE)(lambda a, w: abs(a - {1: 1.0, 2: -1.0}[w]) <= 1.0 if w in (1, 2) else None),
    ),
    (
        Dependency(Form.MAPPED, (OTHER, TEXT), ("a", "Z", "'", "\\")),
        _of(OTHER, TEXT)(lambda o, t: o == {"a": "Z", "'": "\\"}[t] if t in ("a", "'") else None),
    ),
    (
        Dependency(Form.MAPPED, (TEXT, A), (0.0, "a", 1.0, "Z")),
        _of(TEXT, A)(lambda t, a: t == {0.0: "a", 1.0: "Z"}[a] if a in (0.0, 1.0) else None),
    ),
    (
        Dependency(Form.MAPPED, (A, TEXT), ("a", 0.0, "Z", 1.0)),
        _of(A, TEXT)(lambda a, t: a == {"a": 0.0, "Z": 1.0}[t] if t in ("a", "Z") else None),
    ),
    (
        Dependency(Form.BANDED, (TEXT, A), ("a", -1.0, 0.0, "'", 1.0, 2.0)),
        _of(TEXT, A)(lambda t, a: t == "a" if -1 <= a <= 0 else t == "'" if 1 <= a <= 2 else None),
    ),
    (
        Dependency(Form.BANDED, (WHOLE, A), (1.0, -1.0, 0.0, 2.0, 1.0, 2.0)),
        _of(WHOLE, A)(lambda w, a: w == 1 if -1 <= a <= 0 else w == 2 if 1 <= a <= 2 else None),
    ),
]
DETERMINING = [
    Dependency(Form.DETERMINES, (TEXT, OTHER)),
    Dependency(Form.DETERMINES, (TEXT, DAY, WHOLE)),
    Dependency(Form.DETERMINES, (WHOLE, TEXT)),
]
ALL = [*(d for d, _ in ROW_FORMS), *DETERMINING]


def _determined(dependency: Dependency, rows: Sequence[Row]) -> tuple[int, int]:
    """Groups, and values that a group has beyond its first."""
    groups = defaultdict(set)
    for row in rows:
        *by, of = (row[c] for c in dependency.columns)
        if None not in (*by, of):
            groups[tuple(by)].add(of)
    return len(groups), sum(len(values) - 1 for values in groups.values())


def _counted(engine: DuckDB, rows: Sequence[Sequence[Any]], asked: Sequence[Dependency]) -> dict[Any, Any]:
    relation = engine.relation(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    assert all(d.fits(relation.schema) for d in asked)
    return compute(engine, relation, dependencies=asked, more=False).dependencies


@few
@given(rows=ROWS)
def test_rows_are_counted_as_a_person_would_read_the_form(engine: DuckDB, rows: list[Any]) -> None:
    found = _counted(engine, rows, [d for d, _ in ROW_FORMS])
    as_rows = [dict(zip(SCHEMA, row, strict=True)) for row in rows]
    for dependency, reading in ROW_FORMS:
        said = [reading(row) for row in as_rows]
        expected = (sum(s is not None for s in said), sum(s is False for s in said))
        assert found[dependency] == expected, dependency


@few
@given(
    rows=st.lists(
        st.tuples(
            *[st.none()] * 3,
            st.integers(0, 2) | st.none(),
            st.sampled_from(["a", "b", None]),
            st.sampled_from(["x", "y", None]),
            st.sampled_from([FIRST.date(), LAST.date(), None]),
            *[st.none()] * 3,
        ),
        max_size=25,
    )
)
def test_groups_of_rows_and_the_values_too_many_are_counted(engine: DuckDB, rows: list[Any]) -> None:
    found = _counted(engine, rows, DETERMINING)
    as_rows = [dict(zip(SCHEMA, row, strict=True)) for row in rows]
    for dependency in DETERMINING:
        assert found[dependency] == _determined(dependency, as_rows), dependency


def test_nan_is_a_value_where_values_are_only_the_same_or_not(engine: DuckDB) -> None:
    rows = [(a, b, *[None] * 8) for a, b in [(math.nan, math.nan), (math.nan, 1.0), (2.0, 2.0), (2.0, None)]]
    equal, determines = Dependency(Form.EQUAL, (A, B)), Dependency(Form.DETERMINES, (A, B))
    assert _counted(engine, rows, [equal, determines]) == {equal: (3, 1), determines: (2, 1)}


def test_every_form_is_tried_here() -> None:
    assert {d.form for d, _ in ROW_FORMS} | {d.form for d in DETERMINING} == set(Form)
    assert LOOSE.isdisjoint(EXACT) and {*LOOSE, *EXACT, Form.EMPTY} == set(Form)


@pytest.mark.parametrize("dependency", ALL, ids=lambda d: d.form.value)
def test_it_is_written_down_and_read_again(dependency: Dependency) -> None:
    assert Dependency.parse(dependency.text) == dependency
    assert str(dependency) and "\n" not in str(dependency)


@pytest.mark.parametrize("rows", [[], [(None,) * 10] * 3], ids=["no rows", "nothing but nulls"])
def test_without_evidence_nothing_was_tested_and_nothing_broke(engine: DuckDB, rows: list[Any]) -> None:
    asked = [d for d, _ in ROW_FORMS if d.form is not Form.EMPTY] + DETERMINING
    assert set(_counted(engine, rows, asked).values()) == {(0, 0)}


def test_huge_numbers_and_the_ends_of_time_are_counted_without_an_error(engine: DuckDB) -> None:
    numbers = [1.7e308, -1.7e308, 5e-324, math.nan, math.inf, 0.0]
    rows = [(a, b, a, 2**63 - 1, "a", None, None, None, None, None) for a in numbers for b in numbers]
    asked = [d for d, _ in ROW_FORMS]
    for tested, broken in _counted(engine, rows, asked).values():
        assert 0 <= broken <= tested <= len(rows)
    values = {AT: "'infinity'::TIMESTAMP", DAY: "'-infinity'::DATE", WHOLE: "'18446744073709551615'::UBIGINT"}
    endless = engine.relation(duckdb.sql(_select(values)))
    fitting = [d for d in asked if d.fits(endless.schema)]
    assert {Form.PART, Form.WHOLE, Form.MULTIPLE} <= {d.form for d in fitting}
    assert compute(engine, endless, dependencies=fitting, more=False).rows == 1


# --- partitions and sizes ---------------------------------------------------------------


def _days(rows: int) -> pl.DataFrame:
    """Three partitions; in the second every tenth ``c`` is off by one, and the fourth group has two names."""
    part = [i % 3 for i in range(rows)]
    a = [float(i % 97) for i in range(rows)]
    off = [1.0 if p == 1 and i % 10 == 0 else 0.0 for i, p in enumerate(part)]
    name = ["other" if p == 1 and i % 8 == 3 and i % 16 == 3 else f"n{i % 8}" for i, p in enumerate(part)]
    return pl.DataFrame(
        {
            "part": part,
            "a": a,
            "c": [2 * x + o for x, o in zip(a, off, strict=True)],
            "code": [i % 8 for i in range(rows)],
            "name": name,
        }
    )


ASKED = (
    Dependency(Form.LINEAR, ("c", "a"), (2.0, 0.0, 0.01)),
    Dependency(Form.DETERMINES, ("code", "name")),
    Dependency(Form.GROUPED, ("a", "code"), (100.0, 1.0, 48.0)),
)
SIZES = {
    "small": {},
    "medium": {"counted_rows_max": -1, "counted_values_max": 0, "counted_dictionary_bytes": 0},
    "large": {
        "counted_rows_max": -1,
        "exact_rows_max": -1,
        "counted_values_max": 0,
        "counted_dictionary_bytes": 0,
    },
    "a column to a statement": {"columns_per_statement": 1},
    "a partition to a statement": {"together_rows_max": 1},
}


@pytest.mark.parametrize("size", SIZES)
def test_every_way_to_profile_counts_the_same(engine: DuckDB, size: str) -> None:
    relation = engine.relation(_days(2_400))
    with settings.override(**SIZES[size]):
        found = compute_by(engine, relation, "part", dependencies=ASKED)
    linear, determined, grouped = ([p.dependencies[d] for p in found.values()] for d in ASKED)
    assert linear == [(800, 0), (800, 80), (800, 0)]
    assert determined == [(8, 0), (8, 1), (8, 0)]
    assert grouped == [(100, 0)] * 3


def test_of_a_very_large_partition_some_of_the_groups_are_counted(engine: DuckDB) -> None:
    """Every row of a group still is: groups are chosen by their value."""
    rows = 450_000
    relation = engine.relation(
        pl.select(code=pl.arange(0, rows) // 3, i=pl.arange(0, rows)).with_columns(
            name=pl.col("code") * 7, broken=pl.when(pl.col("i") < 3_000).then("i").otherwise("code")
        )
    )
    asked = [Dependency(Form.DETERMINES, ("code", "name")), Dependency(Form.DETERMINES, ("code", "broken"))]
    found = compute(engine, relation, dependencies=asked, more=False).dependencies
    (groups, none), (same, broken) = (found[d] for d in asked)
    assert groups == same == pytest.approx(150_000 / 3, rel=0.05)
    assert none == 0
    assert broken == pytest.approx(2 * 1_000 / 3, rel=0.25)


# --- what a schema allows ---------------------------------------------------------------


def _schema(**types: str) -> tuple[Column, ...]:
    kinds = {
        "BIGINT": Kind.INTEGER,
        "DOUBLE": Kind.FLOAT,
        "VARCHAR": Kind.TEXT,
        "DATE": Kind.DATE,
        "TIMESTAMP": Kind.TIMESTAMP,
        "BOOLEAN": Kind.BOOLEAN,
        "INTEGER[]": Kind.NESTED,
    }
    return tuple(Column(name, text, kinds[text]) for name, text in types.items())


VALUES = {
    "BIGINT": "3::BIGINT",
    "DOUBLE": "0.5::DOUBLE",
    "VARCHAR": "'a'",
    "DATE": "DATE '2024-02-29'",
    "TIMESTAMP": "TIMESTAMP '2024-02-29 12:30:00.5'",
    "BOOLEAN": "true",
    "INTEGER[]": "[1]",
}


TYPES = {
    **dict.fromkeys((A, B, C), "DOUBLE"),
    WHOLE: "BIGINT",
    **dict.fromkeys((TEXT, OTHER), "VARCHAR"),
    **dict.fromkeys((DAY, NEXT), "DATE"),
    **dict.fromkeys((AT, THEN), "TIMESTAMP"),
}


def _select(values: Mapping[str, str]) -> str:
    return "SELECT " + ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())


@pytest.mark.parametrize("dependency", ALL, ids=str)
def test_whatever_type_a_column_has_become_what_fits_is_counted_without_an_error(
    engine: DuckDB, dependency: Dependency
) -> None:
    for changed in dependency.columns:
        for type_, value in VALUES.items():
            values = {c: VALUES[TYPES[c]] for c in dependency.columns} | {changed: value}
            relation = engine.relation(duckdb.sql(_select(values)))
            if dependency.fits(relation.schema):
                (found,) = compute(engine, relation, dependencies=[dependency]).dependencies.values()
                assert 0 <= found[1] <= found[0] <= 1
            else:
                assert type_ != TYPES[changed]


def test_a_column_that_is_gone_fits_nothing() -> None:
    for dependency, _ in ROW_FORMS:
        assert not dependency.fits(())


@pytest.mark.parametrize("form", sorted(QUOTING))
def test_a_text_does_not_fit_where_numbers_were_written_down(form: Form) -> None:
    widths = (1.0,) if form is Form.GROUPED else ()
    told = Dependency(form, ("x", "by"), (*widths, 1.0, 2.0))
    assert told.fits(_schema(x="DOUBLE", by="BIGINT"))
    assert not told.fits(_schema(x="DOUBLE", by="VARCHAR"))
    assert not told.fits(_schema(x="VARCHAR", by="BIGINT"))
