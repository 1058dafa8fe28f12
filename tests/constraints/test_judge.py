"""What a constraint says of a partition: rows, shares, words, NULL and errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interlock.constraints import fresh, in_set, matches, not_null, references, unique
from interlock.names import Outcome, Severity
from tests.constraints.place import Place

Make = Callable[..., Place]
AGES = "SELECT * FROM (VALUES (1, 30), (2, -4), (3, NULL), (4, 51)) AS v(id, age)"


def test_a_row_level_violation_carries_rows_share_observed_and_expected(place: Make) -> None:
    violation = place(AGES).judge("age >= 0", severity="ticket")
    assert violation is not None
    assert (violation.rows, violation.share) == (1, 0.25)
    assert violation.observed == "1 of 4 rows (25%)"
    assert violation.expected == "age >= 0"
    assert (violation.column, violation.columns) == ("age", ("age",))
    assert (violation.severity, violation.outcome, violation.blocking) == (
        Severity.TICKET,
        Outcome.FAIL,
        True,
    )


def test_null_breaks_no_row_level_constraint(place: Make) -> None:
    assert place("SELECT CAST(NULL AS INTEGER) AS age").judge("age >= 0") is None


def test_null_breaks_not_null(place: Make) -> None:
    violation = place(AGES).judge(not_null("age"))
    assert violation is not None and violation.rows == 1 and violation.statistic == "nulls"


def test_a_row_whose_evaluation_fails_breaks_it_and_is_counted(place: Make) -> None:
    table = place("SELECT unnest(['7', 'x', NULL, '-1']) AS s")
    violation = table.judge("CAST(s AS INTEGER) > 0")
    assert violation is not None and violation.rows == 2
    assert violation.observed == "2 of 4 rows (50%), 1 of them could not be evaluated"


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("x = 0 OR 10 // x > 3", 1),  # true decides, whatever the other side does
        ("10 // x > 3 OR x = 0", 1),
        ("x <> 0 AND 10 // x > 3", 2),  # false decides; still a violation
        ("NOT (10 // x > 3)", 3),
        ("y > 1 OR 10 // x > 100", 1),  # an error wins over NULL
        ("CASE WHEN x = 0 THEN TRUE ELSE 10 // x > 3 END", 1),
        ("coalesce(x > -1, 10 // x > 3)", 0),
        ("TRY_CAST('a' AS INTEGER) IS NULL OR x > 0", 0),
        ("10 // x IS NULL OR x > 0", 1),
    ],
)
def test_errors_follow_the_rules_of_three_valued_logic(place: Make, sql: str, broken: int) -> None:
    table = place("SELECT * FROM (VALUES (0, NULL::INTEGER), (1, NULL), (2, NULL), (5, NULL)) AS v(x, y)")
    violation = table.judge(sql)
    assert (violation.rows if violation else 0) == broken


def test_where_a_guard_stands_does_not_depend_on_what_the_engine_knows_of_the_data(place: Make) -> None:
    """Statistics let an optimizer drop a branch it knows to be false; the answer must not change."""
    table = place("SELECT range AS x FROM range(100000)")
    violation = table.judge("x >= 0 AND (x > 200000 OR 10 // (x - 5) < 100)")
    assert violation is not None and violation.rows == 1


def test_tolerance_is_a_share_of_rows(place: Make) -> None:
    table = place(AGES)
    assert table.judge("age >= 0", tolerance=0.25) is None
    violation = table.judge("age >= 0", tolerance=0.2)
    assert violation is not None and violation.expected == "age >= 0, at most 20% of rows may break it"


def test_no_rows_break_no_row_level_constraint(place: Make) -> None:
    assert place("SELECT 1 AS x WHERE FALSE").judge("x > 5") is None


def test_a_table_level_violation_shows_the_values_of_its_aggregates(place: Make) -> None:
    violation = place(AGES).judge("count(*) > 500 AND max(age) < 10")
    assert violation is not None
    assert violation.observed == "count(*) = 4, max(age) = 51"
    assert (violation.rows, violation.share) == (None, None)


def test_a_table_level_null_is_inconclusive(place: Make) -> None:
    violation = place("SELECT CAST(NULL AS INTEGER) AS x").judge("avg(x) > 3")
    assert violation is not None and violation.outcome is Outcome.INCONCLUSIVE
    assert "avg(x) = NULL" in violation.observed


def test_an_error_inside_an_aggregate_fails_and_is_counted(place: Make) -> None:
    violation = place("SELECT unnest(['7', 'x']) AS s").judge("sum(CAST(s AS INTEGER)) > 3")
    assert violation is not None and violation.outcome is Outcome.FAIL
    assert violation.observed == "1 rows could not be evaluated" and violation.rows == 1


def test_an_error_outside_the_aggregates_fails(place: Make) -> None:
    violation = place("SELECT 1 AS x").judge("10 // (count(*) - 1) > 3")
    assert violation is not None and violation.outcome is Outcome.FAIL
    assert "could not be evaluated" in violation.observed


def test_values_of_sensitive_columns_are_hidden_but_counts_are_not(place: Make) -> None:
    table = place("SELECT unnest(['ann', 'bob']) AS name")
    violation = table.judge("max(name) < 'a' AND count(name) > 5", sensitive=["Name"])
    assert violation is not None and violation.observed == "max(name) = (hidden), count(name) = 2"


def test_a_missing_column_fails_in_its_own_words(place: Make) -> None:
    from interlock.constraints import parse

    violation = place("SELECT 1 AS y").judge(parse("x > 5"))
    assert violation is not None and violation.observed == "column 'x' is missing"
    assert violation.outcome is Outcome.FAIL


def test_a_column_of_another_type_fails_and_says_so(place: Make) -> None:
    from interlock.constraints import parse

    violation = place("SELECT 'a' AS x").judge(parse("x > 5"))
    assert violation is not None and violation.outcome is Outcome.FAIL
    assert violation.observed == "text and an integer cannot be compared or mixed"


# --- sugar ------------------------------------------------------------------------------


def test_unique_counts_the_rows_that_repeat_an_earlier_one(place: Make) -> None:
    table = place("SELECT * FROM (VALUES (1, 'a'), (1, 'a'), (1, 'b'), (NULL, 'a'), (NULL, 'a')) AS v(i, s)")
    violation = table.judge(unique("i", "s"))
    assert violation is not None and (violation.rows, violation.columns) == (1, ("i", "s"))
    assert violation.observed == "1 of 5 rows repeat an earlier one (20%)"
    assert table.judge("unique(i)") is not None
    assert place("SELECT unnest([1, 2, NULL, NULL]) AS i").judge(unique("i")) is None


def test_in_set_takes_texts_numbers_and_dates(place: Make) -> None:
    table = place("SELECT * FROM (VALUES ('o''x', 2, DATE '2020-01-01'), (NULL, NULL, NULL)) AS v(s, i, d)")
    import datetime as dt

    assert table.judge(in_set("s", ["o'x", "a"])) is None
    assert table.judge(in_set("i", [1, 2])) is None
    assert table.judge(in_set("d", [dt.date(2020, 1, 1)])) is None
    violation = table.judge(in_set("i", [1]))
    assert violation is not None and violation.statistic == "domain"


def test_matches_takes_the_whole_value(place: Make) -> None:
    table = place("SELECT unnest(['N1', 'xN1', NULL]) AS s")
    violation = table.judge(matches("s", "N[0-9]+"))
    assert violation is not None and violation.rows == 1


def test_references_needs_every_value_to_exist_there(place: Make) -> None:
    table = place("SELECT unnest(['a', 'b', NULL, 'c']) AS s", "SELECT unnest(['a', 'b', NULL]) AS code")
    violation = table.judge(references("s", "other", "code"))
    assert violation is not None and violation.rows == 1 and violation.statistic == "references"
    assert table.judge(references("s", "other", "code").with_(tolerance=0.3)) is None


def test_a_reference_to_a_table_without_data_is_inconclusive(place: Make) -> None:
    violation = place("SELECT 1 AS s").judge(references("s", "nowhere", "code"))
    assert violation is not None and violation.outcome is Outcome.INCONCLUSIVE
    assert "nowhere" in violation.observed


@pytest.mark.parametrize(
    ("moment", "within", "holds"),
    [
        ("TIMESTAMP '2020-01-10 10:00:00'", "2 hours", True),
        ("TIMESTAMP '2020-01-10 09:59:59'", "2 hours", False),
        ("TIMESTAMPTZ '2020-01-10 12:00:00+02:00'", "2 hours", True),
        ("TIMESTAMPTZ '2020-01-10 11:59:59+02:00'", "2 hours", False),
        ("DATE '2020-01-10'", "12 hours", True),
        ("DATE '2020-01-09'", "1 day", False),
    ],
)
def test_fresh_compares_the_newest_value_with_the_moment_of_judgement(
    place: Make, moment: str, within: str, holds: bool
) -> None:
    violation = place(f"SELECT {moment} AS at UNION ALL SELECT NULL").judge(fresh("at", within))
    assert (violation is None) == holds
    if violation is not None:
        assert violation.observed.startswith("max(at) = 2020-01-")
        assert "before it was judged" in violation.expected


def test_fresh_of_nothing_is_inconclusive(place: Make) -> None:
    violation = place("SELECT CAST(NULL AS DATE) AS at").judge(fresh("at", "1 day"))
    assert violation is not None and violation.outcome is Outcome.INCONCLUSIVE


# --- samples ----------------------------------------------------------------------------


def test_failing_rows_come_in_the_order_of_what_is_shown(place: Make) -> None:
    table = place("SELECT 100 - range AS id, range AS x FROM range(100)")
    assert table.failing("x < 50", "id", limit=3) == [(1,), (2,), (3,)]


def test_failing_rows_of_a_key_are_all_rows_of_a_repeated_one(place: Make) -> None:
    table = place("SELECT * FROM (VALUES (1, 'a'), (1, 'b'), (2, 'c'), (NULL, 'd'), (NULL, 'e')) AS v(i, s)")
    assert table.failing(unique("i"), "s") == [("a",), ("b",)]


def test_failing_rows_include_those_whose_evaluation_fails(place: Make) -> None:
    assert place("SELECT unnest(['7', 'x']) AS s").failing("CAST(s AS INTEGER) > 0", "s") == [("x",)]


def test_failing_rows_of_a_reference(place: Make) -> None:
    table = place("SELECT unnest(['a', 'c', NULL]) AS s", "SELECT 'a' AS code")
    assert table.failing(references("s", "other", "code"), "s") == [("c",)]


def test_no_row_is_to_blame_for_a_table_level_constraint(place: Make) -> None:
    assert place(AGES).failing("count(*) > 500", "id") == []


def test_float_literals_fit_32_bit_columns(place: Make) -> None:
    table = place("SELECT 0.1::FLOAT AS f")
    assert table.judge("f <= 0.1") is None
    assert table.judge("f = 0.1") is None
    assert table.judge("f IN (0.1, 0.2)") is None


def test_integer_arithmetic_never_overflows(place: Make) -> None:
    table = place(
        "SELECT 2147483647::INTEGER AS i, 9223372036854775807 AS b, (-128)::TINYINT AS t, "
        "99999999.99::DECIMAL(10, 2) AS d"
    )
    for sql in (
        "i + 1 > i",
        "b * 2 > b",
        "abs(t) = 128",
        "-t = 128",
        "t // -1 = 128",
        "d * d > d",
        "sum(b) * 2 > 5",
        "round(d, 0) = 100000000",
    ):
        assert table.judge(sql) is None, sql


def test_enum_uuid_and_nested_columns_work(place: Make) -> None:
    table = place(
        "SELECT 'a'::ENUM('a', 'b') AS e, '00000000-0000-0000-0000-000000000001'::UUID AS u, [1, 2] AS l, "
        "{'x': 1} AS s, 'ab'::BLOB AS z, TIMESTAMP_NS '2020-01-01 00:00:00' AS n"
    )
    for sql in (
        "e IN ('a', 'c')",
        "u LIKE '0000%'",
        "len(l) = 2",
        "s IS NOT NULL",
        "z IS NOT NULL",
        "count(DISTINCT l) = 1",
    ):
        assert table.judge(sql) is None, sql


def test_a_sum_of_floats_is_the_same_whatever_the_threads(place: Make) -> None:
    import duckdb

    from interlock.constraints.compile import _expression
    from tests.constraints.place import schema

    built = _expression("sum(x) > 0 AND avg(x) > 0 AND stddev(x) > 0", schema(x="DOUBLE"))
    seen = set()
    for threads in (1, 4):
        with duckdb.connect(config={"threads": threads}) as connection:
            connection.execute(
                "CREATE TABLE t AS SELECT sin(range) * pow(10, range % 30 - 15) AS x FROM range(500000)"
            )
            for _ in range(2):
                items = ", ".join(check.sql("duckdb") for check in built.checks)
                seen.add(connection.execute(f"SELECT {items} FROM t").fetchone())
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("sql", "close"),
    [
        ("sum(f) <= 0.3", True),  # 0.30000000000000004
        ("0.3 >= sum(f)", True),
        ("sum(f) BETWEEN 0.1 AND 0.3", True),
        ("avg(f) < 0.15 AND count(*) > 0", True),
        ("sum(f) <= 0.29", False),
        ("sum(i) < 3", False),  # whole numbers are exact
        ("max(f) < 0.2", False),
        ("count(*) < 2", False),
    ],
)
def test_a_rounded_value_within_its_bound_of_the_limit_says_so(place: Make, sql: str, *, close: bool) -> None:
    table = place("SELECT * FROM (VALUES (0.1::DOUBLE, 1), (0.2::DOUBLE, 2)) AS v(f, i)")
    violation = table.judge(sql)
    assert violation is not None and violation.outcome is Outcome.FAIL
    assert violation.observed.endswith("within its error bound of the limit") is close


@pytest.mark.parametrize(
    ("sql", "close"),
    [
        ("sum(f) > 0.3", True),  # 0.30000000000000004
        ("sum(f) BETWEEN 0.1 AND 0.30000000000001", True),
        ("sum(f) < 0.31", False),
        ("sum(i) >= 3", False),  # whole numbers are exact
        ("max(f) <= 0.2", False),
        ("sum(f) < 0.3", False),  # a violation says so itself
        ("sum(f) > CASE WHEN count(*) > 5 THEN 0.3 END", False),  # NULL
        ("f < 0.3", False),
    ],
)
def test_a_rule_that_holds_within_its_bound_of_the_limit_is_in_doubt(
    place: Make, sql: str, *, close: bool
) -> None:
    table = place("SELECT * FROM (VALUES (0.1::DOUBLE, 1), (0.2::DOUBLE, 2)) AS v(f, i)")
    assert (table.doubt(sql) is not None) is close


def test_a_doubt_hides_what_is_sensitive(place: Make) -> None:
    table = place("SELECT * FROM (VALUES (0.1::DOUBLE), (0.2::DOUBLE)) AS v(f)")
    rule = "sum(f) > 0.3 AND max(f) < 9"
    assert "max(f) = 0.2," in str(table.doubt(rule))
    assert "max(f) = (hidden)," in str(table.doubt(rule, sensitive=["f"]))
