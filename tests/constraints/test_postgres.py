"""PostgreSQL's verdict equals the plain-Python reference, on random tables and random expressions."""

from __future__ import annotations

import math
import struct
import sys
import unicodedata
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import given

from interlock.constraints import compile, judge, parse
from interlock.constraints.expression import Node
from interlock.constraints.parse import statement_of
from interlock.constraints.postgres import PostgresEmitter, functions, sql_type
from interlock.constraints.postgres.patterns import to_posix
from interlock.constraints.types import DOUBLE, of_column
from interlock.engines.types import column
from interlock.errors import ExpressionRefused
from interlock.names import Outcome
from interlock.testing import expressions, reference_functions
from tests.constraints.by_reference import EXAMPLES, RANDOM, by_the_reference
from tests.constraints.place import NOW, schema
from tests.postgres import Server

COLUMNS = expressions.COLUMNS


@pytest.fixture(scope="module")
def connection(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect() as opened:
        opened.execute("CREATE SCHEMA interlock")
        opened.execute(functions())
        columns = ", ".join(f'"{c.name}" {_type(c)}' for c in COLUMNS)
        opened.execute(f"CREATE TABLE t ({columns})")
        opened.execute("SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu'")
        yield opened
        opened.execute("DROP SCHEMA interlock CASCADE; DROP TABLE t")


def _type(column: Any) -> str:
    if column.type == "FLOAT":
        return "real"
    return sql_type(of_column(column))


def _fill(connection: psycopg.Connection[Any], rows: list[dict[str, Any]]) -> None:
    connection.execute("TRUNCATE t")
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(COLUMNS))
        cursor.executemany(f"INSERT INTO t VALUES ({places})", [[r[c.name] for c in COLUMNS] for r in rows])


def _by_postgres(sql: str, rows: int, connection: psycopg.Connection[Any]) -> tuple[Outcome, int | None]:
    compiled = compile(parse(sql, COLUMNS), COLUMNS, now=NOW, emitter=PostgresEmitter)
    if compiled.inconclusive:
        raise ExpressionRefused(compiled.inconclusive)
    items = ", ".join(check.sql("postgres") for check in compiled.checks)
    values = connection.execute(f"SELECT {items} FROM t").fetchone()
    assert values is not None
    violation = judge(compiled, values, rows)
    return (violation.outcome, violation.rows) if violation else (Outcome.PASS, None)


@EXAMPLES
@given(random=RANDOM)
def test_postgres_says_of_every_valid_expression_what_the_reference_says(
    random: Random, connection: psycopg.Connection[Any]
) -> None:
    rows = expressions.table(random)
    _fill(connection, rows)
    for _ in range(4):
        sql = expressions.expression(random)
        try:
            expected = by_the_reference(sql, rows)
            found = _by_postgres(sql, len(rows), connection)
        except ExpressionRefused:
            continue
        assert found == expected, sql


# --- numbers at the ends of what a float holds ------------------------------------------

_ENDS = [
    *(0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-308, 1e-200, 1e-162, 1e-154, 1e-100, 0.1, 0.5),
    *(1 - 2**-53, 1.0, -1.0, 1 + 2**-52, 2.0, 2.5, 3.0, -3.0, 0.3, 1e15 + 0.5, 2.0**52, 2.0**53, 1e100),
    *(1e153, 1e154, -1e154, 1e155),
    *(1.3407807929942597e154, 1.3407807929942596e154, 1e200, -1e300, 8.98846567431158e307, 1e308, -1e308),
    *(1.7976931348623157e308, -1.7976931348623157e308, 709.78, 710.0, -745.1, -746.0),
    *(math.inf, -math.inf, math.nan),
]  # fmt: skip


def _same(a: float | None, b: float | None) -> bool:
    """Equal to the last bit; the sign of a NaN says nothing."""
    return (
        a == b
        if a is None or b is None
        else struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)
    )


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("add", lambda a, b: a + b),
        ("subtract", lambda a, b: a - b),
        ("multiply", lambda a, b: a * b),
        ("divide", lambda a, b: reference_functions.divide(None, a, b)),
        ("power", lambda a, b: reference_functions.pow_(None, a, b)),
    ],
)
def test_arithmetic_of_floats_ends_where_that_of_ieee_754_does(
    connection: psycopg.Connection[Any], function: str, expected: Callable[[float, float], float]
) -> None:
    found = connection.execute(
        f"SELECT a, b, interlock.{function}(a, b) FROM unnest(%s::float8[]) a, unnest(%s::float8[]) b",
        [_ENDS, _ENDS],
    ).fetchall()
    near = function == "power"  # which may differ in its last digits beyond e^700
    wrong = [
        (a, b, c, expected(a, b))
        for a, b, c in found
        if not _same(c, expected(a, b)) and not (near and math.isclose(c, expected(a, b), rel_tol=1e-12))
    ]
    assert len(found) == len(_ENDS) ** 2
    assert wrong == []


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("square_root(x)", lambda x: reference_functions.sqrt(None, x)),
        ("exponential(x)", lambda x: reference_functions.exp(None, x)),
        ("logarithm(x)", lambda x: reference_functions.logarithm(math.log)(None, x)),
        ("logarithm10(x)", lambda x: reference_functions.logarithm(math.log10)(None, x)),
        ("half_away(x)", reference_functions.half_away),
        ("sign_of(x)", lambda x: float(reference_functions.sign(None, x))),
        ("rounded(x, 100)", lambda x: reference_functions.round_(Node("round", DOUBLE, value=(2,)), x)),
    ],
)
def test_functions_of_floats_have_a_value_everywhere(
    connection: psycopg.Connection[Any], function: str, expected: Callable[[float], float]
) -> None:
    found = connection.execute(
        f"SELECT x, interlock.{function}::float8 FROM unnest(%s::float8[]) x", [_ENDS]
    ).fetchall()
    assert [(x, y, expected(x)) for x, y in found if not _same(y, expected(x))] == []


def test_a_product_with_whole_numbers_ends_where_that_of_ieee_754_does(
    connection: psycopg.Connection[Any],
) -> None:
    whole = [float(n) for n in (0, 1, -1, 3, -7, 2**31, -(2**63), 10**38, -(10**38))] + [-0.0, 1.5]
    found = connection.execute(
        "SELECT a, b, interlock.multiply_many(a, b) FROM unnest(%s::float8[]) a, unnest(%s::float8[]) b",
        [_ENDS, whole],
    ).fetchall()
    assert len(found) == len(_ENDS) * len(whole)
    assert [(a, b, c) for a, b, c in found if not _same(c, a * b)] == []


@pytest.mark.parametrize(
    ("rule", "function"),
    [
        ("price * quantity > 1", "multiply_many"),
        ("quantity * price > 1", "multiply_many"),
        ("price * 2 > 1", "multiply_many"),
        ("price * 0.5 > 1", "multiply"),
        ("price * CAST(price AS REAL) > 1", "multiply"),
    ],
)
def test_a_product_is_written_by_what_its_factors_can_be(rule: str, function: str) -> None:
    columns = (column("price", "DOUBLE"), column("quantity", "BIGINT"))
    node = statement_of(rule, columns)
    assert isinstance(node, Node)
    text = PostgresEmitter({c.name: c.type for c in columns}).violated(node).sql("postgres").lower()
    assert f"interlock.{function}(" in text


def _near(random: Random) -> tuple[float, float]:
    """Two numbers whose sum, product or quotient lies a few last digits from where floats end."""
    end = random.choice([sys.float_info.max, 5e-324, 2.2250738585072014e-308])
    a = random.choice([-1, 1]) * random.uniform(1, 2) * 2.0 ** random.randint(-1060, 1020)
    made = random.choice([lambda: end - abs(a), lambda: end / abs(a), lambda: abs(a) / end])()
    b = made if math.isfinite(made) else random.uniform(-1, 1)
    for _ in range(random.randint(0, 3)):
        b = math.nextafter(b, random.choice([0.0, math.inf]))
    return a, random.choice([-1, 1]) * b


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("add", lambda a, b: a + b),
        ("multiply", lambda a, b: a * b),
        ("divide", lambda a, b: reference_functions.divide(None, a, b)),
    ],
)
def test_arithmetic_is_right_up_to_the_last_digit_before_floats_end(
    connection: psycopg.Connection[Any], function: str, expected: Callable[[float, float], float]
) -> None:
    random = Random(7)
    pairs = [_near(random) for _ in range(20_000)]
    found = connection.execute(
        f"SELECT interlock.{function}(a, b)"
        " FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY t(a, b, n) ORDER BY n",
        [[a for a, _ in pairs], [b for _, b in pairs]],
    ).fetchall()
    results = [expected(a, b) for a, b in pairs]
    wrong = [(a, b, c, e) for (a, b), (c,), e in zip(pairs, found, results, strict=True) if not _same(c, e)]
    assert wrong == []
    ends = sum(math.isinf(e) or e == 0 or abs(e) in (sys.float_info.max, 5e-324) for e in results)
    assert ends > 500


@pytest.mark.parametrize("function", ["add", "subtract", "multiply", "multiply_many", "divide", "power"])
def test_what_is_unknown_stays_unknown(connection: psycopg.Connection[Any], function: str) -> None:
    rows = connection.execute(
        f"SELECT interlock.{function}(a, NULL) IS NULL AND interlock.{function}(NULL, a) IS NULL"
        " FROM unnest(%s::float8[]) a",
        [_ENDS],
    ).fetchall()
    assert {known for (known,) in rows} == {True}


# --- casts, letters, patterns -----------------------------------------------------------

_TEXTS = [
    *("", " ", "5", " 5 ", "+5", "-7.5", ".5", "5.", ".", "5e2", "5e", "1e400", "1e-400", "9" * 30, "0x10x"),
    *("five", "nan", "127", "128", "-128", "-129", "127.5", "2147483648", "9223372036854775807"),
    *("9223372036854775808", "99999999.995"),
    *("2020-02-29", "2021-02-29", "2020-13-01", "2020-1-5", "1900-02-29", "2000-02-29", "2020-04-31", "2020/03/04"),
    *("2020-02-29 23:59:59.9999999", "2020-02-29T10:00", "2020-02-29 10:60", "12:30", "12:30:15.25", "12:61", "noon"),
    *("true", "T", "yes", "no", "0", "1", "on", "maybe", "\n6\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    "target",
    ["TINYINT", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL(10, 2)", "BOOLEAN", "DATE", "TIMESTAMP", "TIME"],
)
def test_a_text_is_read_as_duckdb_reads_it(connection: psycopg.Connection[Any], target: str) -> None:
    columns = schema(s="VARCHAR")
    node = statement_of(f"TRY_CAST(s AS {target}) IS NOT NULL", columns)
    assert isinstance(node, Node)
    value = node.args[0].args[0]  # NOT (… IS NULL)
    ours = PostgresEmitter({"s": "VARCHAR"}).value(value).sql("postgres")
    found = connection.execute(f"SELECT s, {ours} FROM unnest(%s::text[]) t(s)", [_TEXTS]).fetchall()
    with duckdb.connect() as beside:
        expected = beside.execute(
            f"SELECT TRY_CAST(s AS {target}) FROM (SELECT unnest(?) AS s)", [_TEXTS]
        ).fetchall()
    wrong = [(s, v, e) for (s, v), (e,) in zip(found, expected, strict=True) if v != e and (v == v or e == e)]
    assert wrong == []


def test_letters_change_one_for_one_whatever_the_locale_is(connection: psycopg.Connection[Any]) -> None:
    letters = [
        chr(c) for c in range(1, 0x1_0000) if unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Cs", "Lo")
    ]
    rows = connection.execute(
        "SELECT s, interlock.lower(s), interlock.upper(s) FROM unnest(%s::text[]) t(s)", [letters]
    ).fetchall()
    wrong = [
        s for s, low, up in rows if low != reference_functions.lower(s) or up != reference_functions.upper(s)
    ]
    assert wrong == []


def _pattern(random: Random, depth: int = 3) -> str:
    atoms = [
        *("a", "b", "x", "5", " ", "_", "-", r"\d", r"\w", r"\s", r"\D", ".", r"\.", r"\t", "[.]"),
        *(
            "[a-c]",
            "[^a-c]",
            r"[\d_]",
            "[-a]",
            r"[\w-]",
            r"[\d-]",
            r"[a\-c]",
            r"[\\[x]",
            r"[\[.]",
            r"[^\s-]",
            "[[]",
        ),
    ]
    if depth == 0:
        return random.choice(atoms)
    inner = [_pattern(random, depth - 1) for _ in range(random.randint(1, 3))]
    made = "".join(inner) if random.random() < 0.7 else "|".join(inner)
    if random.random() < 0.5:
        made = (
            random.choice(["(", "(?:"]) + made + ")" + random.choice(["", "*", "+", "?", "{1,2}", "*?", "+?"])
        )
    return random.choice(["", "", "^"]) + made + random.choice(["", "", "$"]) if depth == 3 else made


@EXAMPLES
@given(random=RANDOM)
def test_a_pattern_matches_what_it_matches_in_duckdb(
    random: Random, connection: psycopg.Connection[Any]
) -> None:
    pattern = _pattern(random)
    texts = ["".join(random.choices("abcx5_-[. \n\t\\é", k=random.randint(0, 6))) for _ in range(30)]
    with duckdb.connect() as beside:
        expected = beside.execute(
            "SELECT regexp_matches(s, $1), regexp_full_match(s, $1) FROM (SELECT unnest($2) AS s)",
            [pattern, texts],
        ).fetchall()
    found = connection.execute(
        "SELECT s ~ %s, s ~ %s FROM unnest(%s::text[]) t(s)",
        [to_posix(pattern, whole=False), to_posix(pattern, whole=True), texts],
    ).fetchall()
    assert found == expected, pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bword",
        "(?i)a",
        "a(?=b)",
        "(?!a)",
        "[[:alpha:]]",
        r"\pL",
        r"\x41",
        "a{1,300}",
        r"\Aa",
        "(?s).",
        *(r"[\W]", r"[a-\d]", "[a-b-z]", "^*a", "a$+", "a|*", "(*)", "[[=a=]]", r"[\d-x-z]"),
    ],
)
def test_a_pattern_that_may_mean_something_else_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionRefused, match="PostgreSQL"):
        to_posix(pattern, whole=False)


def test_what_has_no_counterpart_cannot_be_judged_and_says_why() -> None:
    compiled = compile(parse("f % 2.5 = 0"), schema(f="DOUBLE"), now=NOW, emitter=PostgresEmitter)
    why = "a remainder (%) of floats is refused on PostgreSQL: it has no such operator; CAST both sides to DECIMAL"
    assert (compiled.inconclusive, compiled.checks) == (why, ())
