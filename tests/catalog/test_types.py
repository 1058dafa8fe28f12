"""DuckDB types and their DuckLake columns."""

from __future__ import annotations

import duckdb
import pytest

from interlock.catalog.types import LakeType, fits, number, to_lake_type, widens
from interlock.errors import DataTypeUnsupported

SAME = [
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL(10,2)", "DATE", "TIME", "TIME WITH TIME ZONE", "TIMESTAMP",
    "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "INTERVAL", "VARCHAR", "BLOB", "UUID",
    "INTEGER[]", "VARCHAR[][]", "MAP(VARCHAR, INTEGER[])", 'STRUCT("a b" INTEGER, "c""d" STRUCT("x" DATE)[])',
]  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_a_type_comes_back_as_the_same_type(name: str) -> None:
    with duckdb.connect() as con:
        written = to_lake_type(name).duckdb
        described = [
            con.execute(f"DESCRIBE SELECT CAST(NULL AS {t}) AS c").fetchall()[0][1] for t in (name, written)
        ]
        assert described[0] == described[1]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("ENUM('a,)', 'it''s')", "VARCHAR"),
        ("INTEGER[3]", "INTEGER[]"),
        ('"NULL"', "INTEGER"),
        ("STRUCT(c \"NULL\"[], e ENUM('x'))", 'STRUCT("c" INTEGER[], "e" VARCHAR)'),
        ("DECIMAL", "DECIMAL(18,3)"),
    ],
)
def test_what_ducklake_lacks_has_a_stand_in(name: str, stored: str) -> None:
    assert to_lake_type(name).duckdb == stored


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("BIT", "VARCHAR"),
        ("UNION(a INTEGER)", "STRUCT or VARCHAR"),
        ("VARIANT[]", "JSON"),
        ("BIGNUM", "VARCHAR"),
    ],
)
def test_what_has_none_is_refused_with_what_to_cast_to(name: str, hint: str) -> None:
    with pytest.raises(DataTypeUnsupported, match="cannot be stored") as refused:
        to_lake_type(name)
    assert hint in str(refused.value)


@pytest.mark.parametrize("rubbish", ["", "FROB", "STRUCT(", "MAP(INTEGER)", "INTEGER]", "INTEGER; DROP"])
def test_rubbish_is_no_type(rubbish: str) -> None:
    with pytest.raises(DataTypeUnsupported):
        to_lake_type(rubbish)


def test_field_ids_go_to_parents_before_children() -> None:
    field = number("s", to_lake_type("STRUCT(x INTEGER, y VARCHAR[])"), 5)
    assert [(f.id, f.name, f.type.name) for f in field.all()] == [
        (5, "s", "struct"),
        (6, "x", "int32"),
        (7, "y", "list"),
        (8, "element", "varchar"),
    ]
    assert [f.id for f in field.leaves()] == [6, 8]


@pytest.mark.parametrize(
    ("old", "new", "yes"),
    [
        ("int8", "int64", True),
        ("uint32", "int64", True),
        ("float32", "float64", True),
        ("int64", "int32", False),
        ("int64", "float64", False),
        ("uint64", "int64", False),
        ("int32", "int32", False),
        ("varchar", "int32", False),
    ],
)
def test_a_type_widens_only_where_no_value_is_lost(old: str, new: str, yes: bool) -> None:
    assert widens(LakeType(old), LakeType(new)) is yes
    assert fits(LakeType(old), LakeType(old))
