"""Spark's verdict equals the plain-Python reference, on random tables and random expressions."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import struct
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings

from interlock.constraints import compile, judge, parse
from interlock.constraints.compile import Compiled
from interlock.constraints.expression import Node
from interlock.constraints.parse import statement_of
from interlock.constraints.spark import SparkEmitter, sql_type
from interlock.constraints.spark.patterns import to_java
from interlock.constraints.types import of_column
from interlock.engines.schema import Schema
from interlock.errors import ExpressionRefused
from interlock.names import Outcome
from interlock.testing import expressions, reference, reference_functions
from tests.constraints.by_reference import EXAMPLES, RANDOM, by_the_reference
from tests.constraints.place import NOW, schema
from tests.constraints.test_postgres import _ENDS, _TEXTS, _pattern

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Row = dict[str, Any]
COLUMNS = tuple(c for c in expressions.COLUMNS if c.name != "tm")
BATCHES = settings(EXAMPLES, max_examples=2)
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
PLAIN = {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": "1"}


@contextlib.contextmanager
def _set(spark: SparkSession, values: dict[str, str]) -> Iterator[None]:
    before = {name: spark.conf.get(name, None) for name in values}
    for name, value in values.items():
        spark.conf.set(name, value)
    yield
    for name, was in before.items():
        spark.conf.unset(name) if was is None else spark.conf.set(name, was)


# --- whole expressions ------------------------------------------------------------------


def _type(column: Any) -> str:
    return "FLOAT" if column.type == "FLOAT" else sql_type(of_column(column))


def _stored(column: Any, value: Any) -> Any:
    return Decimal(value) if value is not None and _type(column).startswith("DECIMAL") else value


def _fill(spark: SparkSession, tables: Sequence[list[Row]]) -> None:
    """All tables as the view t, with a column that says which a row is of."""
    columns = ", ".join(f"`{c.name}` {_type(c)}" for c in COLUMNS)
    rows = [[n, *(_stored(c, r[c.name]) for c in COLUMNS)] for n, table in enumerate(tables) for r in table]
    spark.createDataFrame(rows, f"nr INT, {columns}").createOrReplaceTempView("t")


def _compiled(random: Random, count: int) -> list[tuple[str, Compiled]]:
    made: list[tuple[str, Compiled]] = []
    while len(made) < count:
        sql = expressions.expression(random)
        with contextlib.suppress(ExpressionRefused):
            compiled = compile(parse(sql, COLUMNS), COLUMNS, now=NOW, emitter=SparkEmitter)
            if compiled.checks:
                made.append((sql, compiled))
    return made


def _verdict(compiled: Compiled, values: Sequence[Any], rows: int) -> tuple[Outcome, int | None]:
    violation = judge(compiled, values, rows)
    return (violation.outcome, violation.rows) if violation else (Outcome.PASS, None)


def _wrong(spark: SparkSession, tables: list[list[Row]], made: list[tuple[str, Compiled]]) -> list[Any]:
    """Every expression on every table, in one query; what Spark and the reference do not agree on."""
    items = ", ".join(check.sql("spark") for _, compiled in made for check in compiled.checks)
    wrong = []
    for number, *values in spark.sql(f"SELECT nr, {items} FROM t GROUP BY nr").collect():
        rest = list(values)
        for sql, compiled in made:
            own = [rest.pop(0) for _ in compiled.checks]
            found, expected = (
                _verdict(compiled, own, len(tables[number])),
                by_the_reference(sql, tables[number]),
            )
            if found != expected:
                wrong.append((sql, found, expected, tables[number]))
    return wrong


@pytest.mark.parametrize("ansi", ["true", "false"])
@BATCHES
@given(random=RANDOM)
def test_spark_says_of_every_valid_expression_what_the_reference_says(
    random: Random, spark: SparkSession, ansi: str
) -> None:
    tables = [expressions.table(random) or [dict.fromkeys(c.name for c in COLUMNS)] for _ in range(20)]
    with _set(spark, {**INTERPRETED, **PLAIN, "spark.sql.ansi.enabled": ansi}):
        _fill(spark, tables)
        assert _wrong(spark, tables, _compiled(random, 20)) == []


def test_compiled_by_spark_they_mean_the_same(spark: SparkSession) -> None:
    random = Random(5)
    tables = [[row for _ in range(3) for row in expressions.table(random)] or [{}] for _ in range(20)]
    tables = [table for table in tables if table != [{}]]
    with _set(spark, PLAIN):
        _fill(spark, tables)
        assert _wrong(spark, tables, _compiled(random, 10)) == []


def test_of_no_rows_counts_are_zero_and_the_rest_is_unknown(spark: SparkSession) -> None:
    _fill(spark, [])
    written = ["count(*) > 0", "sum(f) > 0", "avg(d) > 0", "stddev(f) > 0", "median(i) > 0", "max(s) > 'a'"]
    written += ["quantile_disc(s, 0.5) > 'a'", "count(DISTINCT (i, s)) > 0", "bool_and(p)"]
    made = [(sql, compile(parse(sql, COLUMNS), COLUMNS, now=NOW, emitter=SparkEmitter)) for sql in written]
    items = ", ".join(compiled.checks[0].sql("spark") for _, compiled in made)
    (row,) = spark.sql(f"SELECT {items} FROM t").collect()
    unknown = [sql for (sql, _), code in zip(made, row, strict=True) if code == 2]
    assert unknown == [sql for sql in written if not sql.startswith("count")]


# --- single values ----------------------------------------------------------------------


def _node(sql: str, columns: Schema) -> Node:
    """The value that ``sql`` writes, out of a comparison with NULL."""
    statement = statement_of(f"({sql}) IS NULL", columns)
    assert isinstance(statement, Node)
    return statement.args[0]


def _values(
    spark: SparkSession, written: Sequence[str], columns: Schema, rows: Sequence[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """What each of several expressions is for every row, in one query."""
    emitter = SparkEmitter({c.name: c.type for c in columns})
    types = ", ".join(f"`{c.name}` {_type(c)}" for c in columns)
    kept = [[n, *(_stored(c, v) for c, v in zip(columns, row, strict=True))] for n, row in enumerate(rows)]
    spark.createDataFrame(kept, f"nr INT, {types}").createOrReplaceTempView("v")
    items = [emitter.finish(emitter.value(_node(sql, columns))).sql("spark") for sql in written]
    found = spark.sql(f"SELECT {', '.join(items)} FROM v ORDER BY nr").collect()
    return list(zip(*found, strict=True))


def _differences(
    spark: SparkSession,
    written: Sequence[str],
    columns: Schema,
    rows: Sequence[Sequence[Any]],
    near: Sequence[str] = (),
) -> list[Any]:
    """Where Spark and the reference differ; by more than two units in the last place for what is only ``near``."""
    wrong = []
    for sql, values in zip(written, _values(spark, written, columns, rows), strict=True):
        node = _node(sql, columns)
        for row, value in zip(rows, values, strict=True):
            try:
                expected = reference.evaluate(node, dict(zip((c.name for c in columns), row, strict=True)))
            except reference_functions.Failed:
                expected = None
            close = sql in near and math.isclose(value, expected, rel_tol=2**-51)
            if not _same(value, expected) and not close:
                wrong.append((sql, row, value, expected))
    return wrong


def _same(a: Any, b: Any) -> bool:
    """Equal to the last bit; the sign of a NaN says nothing."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)
    return bool(a == b)


def test_arithmetic_of_floats_is_that_of_ieee_754(spark: SparkSession) -> None:
    written = ["x + y", "x - y", "x * y", "x / y", "x % y", "pow(x, y)"]
    pairs = [(a, b) for a in _ENDS for b in _ENDS]
    assert _differences(spark, written, schema(x="DOUBLE", y="DOUBLE"), pairs, near=["pow(x, y)"]) == []


def test_functions_of_floats_have_the_value_the_language_says(spark: SparkSession) -> None:
    random, near = Random(3), ["exp(x)", "ln(x)", "log10(x)"]
    written = ["abs(x)", "sign(x)", "floor(x)", "ceil(x)", "round(x)", "round(x, 2)", "sqrt(x)", "-x", *near]
    written += ["isnan(x)", "isinf(x)", "isfinite(x)", "TRY_CAST(x AS TINYINT)", "TRY_CAST(x AS BIGINT)"]
    written += [f"TRY_CAST(x AS DECIMAL({size}))" for size in ("38, 0", "38, 9", "10, 2", "18, 17", "38, 38")]
    many = [random.choice([-1, 1]) * random.random() * 10.0 ** random.randint(-6, 38) for _ in range(300)]
    halves = [n / 2 for n in range(-9, 10)] + [n + 0.005 for n in range(20)] + [2.0**63, -(2.0**63), 127.5]
    rows = [[x] for x in (*_ENDS, *many, *halves)]
    assert _differences(spark, written, schema(x="DOUBLE"), rows, near=near) == []


def test_whole_numbers_beyond_64_bits_are_exact(spark: SparkSession) -> None:
    random = Random(4)
    ends = [0, 1, -1, 2**62, 2**63 - 1, -(2**63), 10**18, -7]
    pairs = [(a, b) for a in ends for b in ends]
    pairs += [(random.getrandbits(63), random.getrandbits(random.randint(1, 62)) + 1) for _ in range(100)]
    written = ["x // y", "x % y", "x // 7", "x + y", "x - y", "-x", "abs(x)", "CAST(x AS BIGINT)"]
    written += [sql.replace("x", "(x * 4294967296 + 17)") for sql in written[:-1]]  # 96 bits
    assert _differences(spark, written, schema(x="BIGINT", y="BIGINT"), pairs) == []


def test_nothing_divided_by_nothing_is_an_error_not_a_value(spark: SparkSession) -> None:
    columns = schema(x="BIGINT", y="BIGINT")
    assert _values(spark, ["x // y"], columns, [(1, 0), (1, None), (1, 1), (None, 0)]) == [
        (None, None, 1, None)
    ]
    compiled = compile(parse("x // y >= 0", columns), columns, now=NOW, emitter=SparkEmitter)
    items = ", ".join(check.sql("spark") for check in compiled.checks)
    assert tuple(spark.sql(f"SELECT {items} FROM v").first() or ()) == (1, 1)


def test_decimals_are_exact(spark: SparkSession) -> None:
    columns, random = schema(x="DECIMAL(18,9)", y="DECIMAL(18,6)"), Random(6)
    rows = [
        [
            Decimal(random.randrange(-(10**18), 10**18)).scaleb(-9),
            Decimal(random.randrange(10**18)).scaleb(-6),
        ]
        for _ in range(100)
    ]
    written = ["x * y", "x + y", "x - y", "round(x, 3)", "floor(x)", "ceil(x)", "-x", "abs(x)", "sign(x)"]
    written += ["TRY_CAST(x AS DECIMAL(9, 3))", "TRY_CAST(x AS INTEGER)", "CAST(x AS DOUBLE)"]
    assert _differences(spark, written, columns, rows) == []


def test_a_text_is_read_as_duckdb_reads_it(spark: SparkSession) -> None:
    texts = [*_TEXTS, "5d", "5f", "0x1p3", "2020-01", "2020", "2020-01-01T", "\t7", "７"]
    types = ["TINYINT", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL(10, 2)", "BOOLEAN", "DATE", "TIMESTAMP"]
    written = [f"TRY_CAST(s AS {type_})" for type_ in types]
    found = _values(spark, written, schema(s="VARCHAR"), [[t] for t in texts])
    with duckdb.connect() as beside:
        read = f"SELECT {', '.join(written)} FROM (SELECT unnest(?) AS s)"
        expected = list(zip(*beside.execute(read, [texts]).fetchall(), strict=True))
    wrong = [
        (sql, text, f, e)
        for sql, ours, theirs in zip(written, found, expected, strict=True)
        for text, f, e in zip(texts, ours, theirs, strict=True)
        if f != e and (f == f or e == e)
    ]
    assert wrong == []


def test_letters_change_one_for_one(spark: SparkSession) -> None:
    letters = [
        chr(c) for c in range(1, 0x1_0500) if unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Cs", "Lo")
    ]
    assert _differences(spark, ["lower(s)", "upper(s)"], schema(s="VARCHAR"), [[c] for c in letters]) == []


HOSTILE = [
    "o'x",
    '"',
    "\\",
    "\\'",
    "a\\nb",
    "%",
    "_",
    "${spark.app.name}",
    "; DROP TABLE t",
    "\n",
    "日本",
    "🦆",
    "--",
]


def test_a_constant_text_is_what_was_written_whatever_the_parser_is_set_to(spark: SparkSession) -> None:
    columns = schema(s="VARCHAR")
    for literal in ("true", "false"):
        with _set(spark, {"spark.sql.parser.escapedStringLiterals": literal}):
            written = ["s = '" + text.replace("'", "''") + "'" for text in HOSTILE]
            found = _values(spark, written, columns, [[t] for t in HOSTILE])
            assert found == [tuple(t == text for t in HOSTILE) for text in HOSTILE]


def test_like_knows_no_escape(spark: SparkSession) -> None:
    texts = ["a%", "a\\%", "a\\b", "ab", "a_", "a\nb", "🦆", ""]
    columns, patterns = schema(s="VARCHAR"), ["a\\%", "a_b", "_", "%\\_", "a%", "", "%"]
    written = [f"s LIKE '{pattern}'" for pattern in patterns] + ["s ILIKE 'A\\%'"]
    assert _differences(spark, written, columns, [[t] for t in texts]) == []


def test_a_column_may_have_any_name(spark: SparkSession) -> None:
    for name in ("order", "größe x", "a`b", 'a"b', "a.b", "x", "bound", "a'; DROP TABLE t --", "ä" * 31):
        columns = schema(**{name: "DOUBLE"})
        written = '"' + name.replace('"', '""') + '"'
        node = _node(f"round(round({written} * 2.0, 1) + {written}, 1)", columns)
        emitter = SparkEmitter({name: "DOUBLE"})
        spark.createDataFrame([[1.26]], "c DOUBLE").toDF(name).createOrReplaceTempView("v")
        (row,) = spark.sql(f"SELECT {emitter.value(node).sql('spark')} FROM v").collect()
        assert row[0] == 3.8


# --- moments ----------------------------------------------------------------------------

_HOURS = [dt.datetime(2020, 3, 8, 0, 30) + dt.timedelta(minutes=30 * n) for n in range(10)]  # noqa: DTZ001
_HOURS += [dt.datetime(2020, 11, 1, 0, 15) + dt.timedelta(minutes=30 * n) for n in range(10)]  # noqa: DTZ001
_FAR = expressions.VALUES["ts"]


_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_OF_MOMENTS = [
    *(f"date_trunc('{unit}', t)" for unit in _UNITS),
    *(f"date_part('{unit}', t)" for unit in (*_UNITS, "dayofweek", "isodow", "dayofyear")),
    *(f"date_diff('{u}', TIMESTAMP '2020-03-08 02:30:00', t)" for u in ("year", "month", "day", "hour")),
    *(f"date_diff('{u}', t, TIMESTAMP '2020-11-01 06:00:00')" for u in ("minute", "second")),
    "CAST(t AS DATE)",
]
_SHIFTED = [
    f"date_part('{u}', t {by})"
    for u in ("day", "hour")
    for by in ("+ INTERVAL '1 hours'", "- INTERVAL '1 month'")
]


@pytest.mark.parametrize("type_", ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"])
def test_moments_are_computed_in_utc_whatever_the_sessions_zone_is(spark: SparkSession, type_: str) -> None:
    columns, plain = schema(t=type_), type_ == "TIMESTAMP"
    moments = [[m if plain else m.replace(tzinfo=dt.UTC)] for m in _HOURS]
    assert (
        _differences(spark, _OF_MOMENTS, columns, [*moments, *([[m] for m in _FAR] if plain else [])]) == []
    )
    if plain:
        assert _differences(spark, _SHIFTED, columns, moments) == []


# --- patterns ---------------------------------------------------------------------------


def test_a_pattern_matches_what_it_matches_in_duckdb(spark: SparkSession) -> None:
    random = Random(9)
    patterns = [_pattern(random) for _ in range(150)] + [
        r"\bab",
        r"a\B",
        r"\Aa",
        r"b\z",
        "[a&&b]",
        "[&]",
        r"\v|\x"[:2],
    ]
    texts = [
        "".join(random.choices("abcx5_-[&. \n\r\t\v\\é\u2028", k=random.randint(0, 6))) for _ in range(60)
    ]
    columns, emitter = schema(s="VARCHAR"), SparkEmitter({"s": "VARCHAR"})
    spark.createDataFrame([[n, t] for n, t in enumerate(texts)], "nr INT, s STRING").createOrReplaceTempView(
        "v"
    )
    items, kept = [], []
    for pattern in patterns:
        quoted = pattern.replace("'", "''")
        for name in ("regexp_matches", "regexp_full_match"):
            items.append(emitter.value(_node(f"{name}(s, '{quoted}')", columns)).sql("spark"))
            kept.append((name, pattern))
    found = spark.sql(f"SELECT {', '.join(items)} FROM v ORDER BY nr").collect()
    with duckdb.connect() as beside:
        for (name, pattern), answers in zip(kept, zip(*found, strict=True), strict=True):
            expected = beside.execute(f"SELECT {name}(s, ?) FROM (SELECT unnest(?) AS s)", [pattern, texts])
            assert list(answers) == [row[0] for row in expected.fetchall()], (name, pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?i)a", "a(?=b)", "(?!a)", "[[:alpha:]]", r"\pL", r"\x41", "(?s).", r"a\Q", r"[\W]", r"[a-\d]"),
        *("[a-b-z]", "^*a", "a$+", "a|*", r"\b+", r"[\d-x-z]", r"\G", r"\R", r"(?<=a)b", "a++"),
    ],
)
def test_a_pattern_that_may_mean_something_else_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionRefused, match="Spark"):
        to_java(pattern, whole=False)


# --- refusals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "columns", "why"),
    [
        ("t > TIME '10:00:00'", schema(t="TIME"), "a time of day is refused on Spark: it has no type for it"),
        ("x * y > 0.0", schema(x="DECIMAL(19,10)", y="DECIMAL(19,10)"), "it drops digits after the point"),
        ("length(s) > 1", schema(s="STRUCT(a INTEGER)"), "the length of what is no list is refused on Spark"),
    ],
)
def test_what_cannot_be_sure_to_mean_the_same_is_inconclusive_and_says_why(
    sql: str, columns: Schema, why: str
) -> None:
    compiled = compile(parse(sql), columns, now=NOW, emitter=SparkEmitter)
    assert compiled.checks == ()
    assert why in (compiled.inconclusive or "")
