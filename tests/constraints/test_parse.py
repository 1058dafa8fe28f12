"""What a text says: level, columns, kind, name, options; the same through a document."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from interlock.constraints import (
    compile,
    from_dict,
    in_set,
    name_of,
    not_null,
    parse,
    references,
    to_dict,
    unique,
)
from interlock.constraints.constraint import Level
from interlock.errors import ExpressionRefused, UsageError
from tests.constraints.place import NOW, schema


@pytest.mark.parametrize(
    ("sql", "level", "columns", "kind"),
    [
        ("distance BETWEEN 10 AND 6000", Level.ROW, ("distance",), "expression"),
        ("count(*) > 500", Level.TABLE, (), "expression"),
        ("avg(b) > 1 AND max(a) < 3", Level.TABLE, ("b", "a"), "expression"),
        ("count(*) FILTER (WHERE a > 1) > 2", Level.TABLE, ("a",), "expression"),
        ("a IS NOT NULL", Level.ROW, ("a",), "not_null"),
        ("a IN (1, 2)", Level.ROW, ("a",), "in_set"),
        ("regexp_full_match(s, 'x')", Level.ROW, ("s",), "matches"),
        ("unique(a, b)", Level.TABLE, ("a", "b"), "unique"),
        ('references("a b", t.c)', Level.ROW, ("a b",), "references"),
        ("fresh(day, '2 hours')", Level.TABLE, ("day",), "fresh"),
    ],
)
def test_level_columns_and_kind_come_from_the_text(
    sql: str, level: Level, columns: tuple[str, ...], kind: str
) -> None:
    constraint = parse(sql)
    assert (constraint.level, constraint.columns, constraint.kind) == (level, columns, kind)


def test_columns_are_found_whatever_their_case_and_named_as_stored() -> None:
    assert parse("DISTANCE > 0", schema(distance="INTEGER")).columns == ("distance",)
    assert parse("unique(Distance)", schema(distance="INTEGER")).columns == ("distance",)


def test_sugar_is_sql_a_person_can_read_and_says_the_same_as_its_text() -> None:
    for made in (
        not_null("a"),
        unique("a", "odd name"),
        in_set("order", ["x", "o'y"]),
        references("a", "t", "b"),
    ):
        again = parse(made.sql, name=made.name)
        assert again == made
    assert in_set("order", ["x", "o'y"]).sql == "\"order\" IN ('x', 'o''y')"
    assert unique("a", "odd name").sql == 'unique(a, "odd name")'


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("count(*) > 500", "count_star_gt_500"),
        ("distance BETWEEN 10 AND 6000", "distance_between_10_and_6000"),
        ("age >= 0", "age_ge_0"),
        ("x > -1.5", "x_gt_minus_1.5"),
    ],
)
def test_a_name_can_be_read(sql: str, name: str) -> None:
    assert name_of(sql) == name


def test_names_of_different_meanings_differ() -> None:
    texts = [
        "a > 1",
        "a > -1",
        "a >= 1",
        "(a - b) - c > 0",
        "a - (b - c) > 0",
        "s = 'A'",
        "s = 'a'",
        "s = ' a'",
        '"A" > 1',
    ]
    assert len({name_of(t) for t in texts}) == len(texts)
    assert all(len(name_of("a > 1 AND " * 50 + "a > 1")) < 80 for _ in range(1))


@pytest.mark.parametrize("tolerance", [-0.1, 1, 1.5, float("nan"), float("inf"), True, "0.1"])
def test_a_tolerance_is_a_share_below_one(tolerance: float) -> None:
    with pytest.raises(UsageError):
        parse("a > 1", tolerance=tolerance)


def test_a_tolerance_says_nothing_of_a_whole_partition() -> None:
    with pytest.raises(UsageError):
        parse("count(*) > 1", tolerance=0.1)


def test_an_unknown_severity_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'ticket'"):
        parse("a > 1", severity="tickets")


def test_a_document_gives_the_same_constraint_back() -> None:
    import json

    for made in (
        parse("a > 1", tolerance=0.5, severity="info", block=False),
        unique("a"),
        references("a", "t", "b"),
    ):
        assert from_dict(json.loads(json.dumps(to_dict(made)))) == made
        assert from_dict({**to_dict(made), "of a later version": 1}) == made


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("distance + 1", "a constraint is true or false, this is an integer"),
        ("distance > avg(distance)", "column 'distance' stands beside an aggregate"),
        ("1 = 1", "no column and no aggregate"),
        ("foo(distance) > 1", "function foo() is not in the language"),
        ("random() > 1", "random() is refused: it gives another value each time"),
        ("now() > day", "use fresh(column, '2 hours')"),
        ("name > 5", "text and an integer cannot be compared"),
        ("day > 'soon'", "'soon' is not a date"),
        ("big * big * big > 1", "the result may need more than 126 bits"),
        ("regexp_matches(name, '(')", "not a pattern (RE2 syntax)"),
        ("sum(avg(distance)) > 1", "an aggregate inside sum()"),
        ("distance < 1 < 2", "chained comparisons"),
        ("tz > ts", "a timestamp with time zone and a timestamp cannot be compared"),
        ("unique(distance) AND distance > 1", "unique() must be the whole constraint"),
        ("EXISTS (SELECT 1)", "a subquery is not in the language"),
        ("sum(distance) OVER () > 1", "a window function is not in the language"),
    ],
)
def test_a_refusal_says_why(sql: str, says: str) -> None:
    columns = schema(
        distance="INTEGER",
        name="VARCHAR",
        day="DATE",
        big="BIGINT",
        ts="TIMESTAMP",
        tz="TIMESTAMP WITH TIME ZONE",
    )
    with pytest.raises(ExpressionRefused) as refused:
        parse(sql, columns)
    assert says in refused.value.message


def test_fifty_constraints_of_a_known_table_compile_in_under_thirty_milliseconds() -> None:
    columns = schema(**{f"c{i}": "DOUBLE" for i in range(60)})
    made = [parse(f"c{i} BETWEEN {i} AND 100 AND c{i + 1} > 0") for i in range(50)]

    def compile_all() -> float:
        started = time.process_time()
        for constraint in made:
            compile(constraint, columns, now=NOW)
        return time.process_time() - started

    compile_all()
    assert min(compile_all() for _ in range(5)) < 0.030


def test_constraints_import_neither_pydantic_nor_yaml_nor_duckdb() -> None:
    heavy = {"pydantic", "ruamel", "duckdb", "numpy"}
    code = f"import sys, interlock.constraints; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
