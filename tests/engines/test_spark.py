"""Spark shows the behaviour every engine shows, and says of the same rows what DuckDB says, in one job."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("pyspark")

from interlock import settings
from interlock.engines.protocol import Engine
from interlock.engines.schema import Kind
from interlock.engines.spark import Folder, Slot, Spark, Table, publish
from interlock.engines.spark.session import as_one_job, prepared
from interlock.errors import DataNotFound, DataTypeUnsupported, InterlockError, QueryFailed, UsageError
from interlock.profiles import compute
from interlock.profiles.profile import StatisticClass
from interlock.testing import AgreementConformance, EngineConformance

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NUMBERS = itertools.count()


@pytest.fixture
def engine(spark: SparkSession) -> Iterator[Spark]:
    with Spark(spark) as engine:
        yield engine


class TestSpark(EngineConformance):
    def place(self, name: str) -> Any:
        return self.folder / f"{name}.parquet"

    def there(self, engine: Engine, place: Any) -> bool:
        return any(p for p in Path(place).parent.iterdir() if Path(place).name in p.name)


class TestAgreement(AgreementConformance):
    tables = 4
    expressions = 8
    unreadable = (Kind.TIME,)  # switched off in Spark's settings unless somebody wants it


# --- one look is one job ----------------------------------------------------------------


def _jobs(spark: SparkSession) -> int:
    """How many jobs the session has run."""
    return int(spark._jsc.sc().dagScheduler().nextJobId())  # type: ignore[union-attr]


@pytest.fixture
def many(spark: SparkSession, tmp_path: Path) -> Path:
    """5,000 rows with a key, in seven files."""
    rows = spark.range(5_000).selectExpr(
        "id AS k",
        "CAST(id % 17 AS INT) AS small",
        "CASE WHEN id % 10 <> 0 THEN id / 3 END AS x",
        "CAST(id * 1.5 AS DECIMAL(12, 2)) AS d",
        "concat('n', id % 100) AS s",
        "timestamp_seconds(id) AS at",
        "array(id) AS l",
    )
    rows.repartition(7).write.parquet(str(tmp_path / "many"))
    return tmp_path / "many"


def test_a_profile_is_one_statement_and_one_job(spark: SparkSession, engine: Spark, many: Path) -> None:
    relation = engine.relation(many)
    for limits in ({}, {"exact_rows_max": 100, "sample_rows": 50}):
        with settings.override(**limits):
            jobs, statements = _jobs(spark), len(engine.statements)
            found = compute(engine, relation, key=["k"], segments=["small"])
        assert (_jobs(spark) - jobs, len(engine.statements) - statements) == (1, 1)
        assert (found.rows, found.table["key_duplicates"]) == (5_000, 0)


def test_an_expectation_that_was_wrong_costs_one_more_job(engine: Spark, many: Path) -> None:
    from dataclasses import replace

    relation = engine.relation(many)
    with settings.override(exact_rows_max=100, sample_rows=50):
        expected = compute(engine, relation, key=["k"])
        statements = len(engine.statements)
        assert compute(engine, replace(relation, rows=1), key=["k"]) == expected
    assert len(engine.statements) - statements == 2
    assert compute(engine, replace(relation, rows=10**9)).columns["k"]["distinct"] == 5_000


def test_no_row_comes_here_but_the_sample(engine: Spark, many: Path) -> None:
    found = engine.gather(engine.relation(many), ["sum(k)"], key=["k"], whole_max=100, sample_rows=50)
    assert (found.values, found.sample.rows, found.whole) == ((5_000, 12_497_500), 50, False)


@pytest.mark.parametrize("key", [["k"], []])
def test_the_same_rows_give_the_same_sample_however_they_are_spread(
    spark: SparkSession, engine: Spark, many: Path, key: list[str]
) -> None:
    frame = spark.read.parquet(str(many))
    with settings.override(exact_rows_max=100, sample_rows=50):
        profiles = [
            compute(engine, engine.relation(made), key=key)
            for made in (frame, frame.repartition(3), frame.orderBy("x"), frame.coalesce(1))
        ]
    for profile in profiles[1:]:
        for name, column in profile.columns.items():
            decides = [n for n, c in column.classes.items() if c is not StatisticClass.ADVISORY]
            assert {n: column[n] for n in decides} == {n: profiles[0].columns[name][n] for n in decides}, name


def test_the_session_is_as_it_was_also_after_a_failure(
    spark: SparkSession, engine: Spark, many: Path
) -> None:
    from sqlglot import exp

    before = {name: spark.conf.get(name) for name in ("spark.sql.ansi.enabled", "spark.sql.session.timeZone")}
    with pytest.raises(QueryFailed):
        engine.run(exp.select("nothing").from_(engine.source(engine.relation(many))))
    assert {name: spark.conf.get(name) for name in before} == before
    assert spark.conf.get("spark.sql.variable.substitute") == "true"


# --- what data may be -------------------------------------------------------------------


def test_columns_have_the_kinds_of_other_engines(spark: SparkSession, engine: Spark) -> None:
    frame = spark.sql(
        "SELECT 1Y AS a, 1S AS b, 1 AS c, 1L AS d, 1F AS e, 1D AS f, 1.5BD AS g, true AS h, 't' AS i, X'00' AS j,"
        " DATE'2020-01-01' AS k, TIMESTAMP_NTZ'2020-01-01' AS l, TIMESTAMP'2020-01-01 00:00:00Z' AS m, array(1) AS n,"
        " map('a', 1) AS o, struct(1 AS z) AS p, NULL AS q, INTERVAL '1' DAY AS r"
    )
    kinds = (
        [Kind.INTEGER] * 4
        + [Kind.FLOAT] * 2
        + [Kind.DECIMAL, Kind.BOOLEAN, Kind.TEXT, Kind.BINARY, Kind.DATE]
    )
    kinds += [Kind.TIMESTAMP, Kind.TIMESTAMPTZ] + [Kind.NESTED] * 3 + [Kind.NULL, Kind.OTHER]
    relation = engine.relation(frame)
    assert [c.kind for c in relation.schema] == kinds
    with settings.override(exact_rows_max=0, sample_rows=1):
        found = compute(engine, relation)
    assert found.columns["m"]["max"] == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert (found.columns["n"]["length_max"], found.columns["j"]["length_max"]) == (1, 1)
    assert found == pytest.approx(found)


def test_a_table_of_the_catalog_is_data(spark: SparkSession, engine: Spark, many: Path) -> None:
    name = f"tables_{next(_NUMBERS)}"
    spark.sql(f"CREATE TABLE {name} USING parquet PARTITIONED BY (small) AS SELECT * FROM parquet.`{many}`")
    assert compute(engine, engine.relation(Table(name)), key=["k"]).table["key_duplicates"] == 0
    with pytest.raises(DataNotFound, match="nowhere"):
        engine.relation(Table("nowhere.at_all"))


def test_names_of_columns_are_only_names(spark: SparkSession, engine: Spark) -> None:
    names = ["a`b", 'a"b', "a.b", "o'x", "order", "größe x", "${env:HOME}", "a\\b", ";--", "ä" * 31]
    frame = spark.createDataFrame([[n] * len(names) for n in range(20)], [f"c{i}" for i in range(len(names))])
    relation = engine.relation(frame.toDF(*names))
    for limits in ({}, {"exact_rows_max": 5, "sample_rows": 5}):
        with settings.override(**limits):
            found = compute(engine, relation, key=names)
        assert {n: found.columns[n]["max"] for n in names} == dict.fromkeys(names, 19)


def test_columns_that_differ_in_case_only_are_refused(spark: SparkSession, engine: Spark) -> None:
    with pytest.raises(DataTypeUnsupported, match="differ in case"):
        engine.relation(spark.range(1).selectExpr("id AS a", "id AS A"))


def test_texts_of_another_collation_are_compared_by_code_point(spark: SparkSession, engine: Spark) -> None:
    frame = spark.sql("SELECT s COLLATE UTF8_LCASE AS s FROM VALUES ('a'), ('B') AS t(s)")
    with settings.override(exact_rows_max=1, sample_rows=1):
        assert compute(engine, engine.relation(frame)).columns["s"]["max"] == "a"


def test_a_password_in_an_address_is_in_no_message(engine: Spark) -> None:
    with pytest.raises(InterlockError) as caught:
        engine.relation("nosuch://somebody:hunter2@bucket/path")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in caught.value.message


# --- write, audit, publish --------------------------------------------------------------


def _numbers(spark: SparkSession, path: Path, *values: int) -> str:
    spark.createDataFrame([[v] for v in values], "x INT").write.parquet(str(path))
    return str(path)


def _found(spark: SparkSession, what: str) -> list[int]:
    return sorted(row[0] for row in spark.sql(f"SELECT x FROM {what}").collect())


def test_a_folder_takes_the_place_of_another_and_leaves_nothing_behind(
    spark: SparkSession, tmp_path: Path
) -> None:
    place = tmp_path / "table" / "day=2020-01-01"
    publish(spark, Folder(_numbers(spark, tmp_path / "a", 1, 2)), Folder(str(place)))
    publish(spark, Folder(_numbers(spark, tmp_path / "b", 3)), Folder(str(place)))
    assert _found(spark, f"parquet.`{place}`") == [3]
    assert [p.name for p in tmp_path.iterdir()] == ["table"]
    assert [p.name for p in place.parent.iterdir() if not p.name.endswith(".crc")] == [place.name]


def test_what_is_not_staged_takes_nobodys_place(spark: SparkSession, tmp_path: Path) -> None:
    place = Folder(_numbers(spark, tmp_path / "a", 1))
    with pytest.raises(DataNotFound):
        publish(spark, Folder(str(tmp_path / "none")), place)
    with pytest.raises(UsageError):
        publish(spark, Table("t"), place)
    assert _found(spark, f"parquet.`{place.path}`") == [1]


def test_a_slot_of_a_table_is_overwritten_and_its_others_are_not(spark: SparkSession, tmp_path: Path) -> None:
    name = f"slots_{next(_NUMBERS)}"
    spark.sql(f"CREATE TABLE {name} (x INT, `the day` STRING) USING parquet PARTITIONED BY (`the day`)")
    for number, day in enumerate(["a'b", "2020-01-02", "a'b"]):
        staged = Folder(_numbers(spark, tmp_path / str(number), number))
        publish(spark, staged, Slot(Table(name), {"the day": day}))
    found = spark.sql(f"SELECT x, `the day` FROM {name} ORDER BY x").collect()
    assert [tuple(row) for row in found] == [(1, "2020-01-02"), (2, "a'b")]


def test_a_slot_takes_only_what_has_the_tables_columns(spark: SparkSession, tmp_path: Path) -> None:
    name = f"slots_{next(_NUMBERS)}"
    spark.sql(f"CREATE TABLE {name} (y INT) USING parquet")
    with pytest.raises(UsageError, match="different columns: y, x"):
        publish(spark, Folder(_numbers(spark, tmp_path / "a", 1)), Slot(Table(name)))


def test_stage_overwrites_nothing(spark: SparkSession, engine: Spark, tmp_path: Path) -> None:
    name = f"staged_{next(_NUMBERS)}"
    for into in (tmp_path / "staged", Table(name)):
        engine.stage(spark.range(3), into)
        with pytest.raises(UsageError):
            engine.stage(spark.range(5), into)
        assert engine.run(_count(engine, into)).rows() == [(3,)]


def _count(engine: Spark, data: object) -> Any:
    from sqlglot import exp

    return exp.select(exp.Count(this=exp.Star())).from_(engine.source(engine.relation(data)))


def test_whole_numbers_of_64_bits_have_an_exact_mean_and_deviation(
    spark: SparkSession, engine: Spark
) -> None:
    far = "(id % 2 * -2 + 1) * (9223372036854775807 - id)"  # both signs
    frame = spark.range(10).selectExpr(
        "9223372036854775807 - id AS big", f"{far} AS far", "2147483648 - id AS mid"
    )
    with settings.override(exact_rows_max=1, sample_rows=1):
        found = compute(engine, engine.relation(frame)).columns
    for name, values in {
        "big": [2**63 - 1 - i for i in range(10)],
        "far": [(-1) ** i * (2**63 - 1 - i) for i in range(10)],
        "mid": [2**31 - i for i in range(10)],
    }.items():
        mean = Fraction(sum(values), 10)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / 9)
        assert (found[name]["mean"], found[name]["stddev"]) == (float(mean), deviation)


def test_a_wide_table_is_compiled_in_parts_and_still_one_job(spark: SparkSession, engine: Spark) -> None:
    columns = [f"id + {n} AS c{n}" for n in range(30)] + ["CAST(id AS STRING) AS s"]
    relation = engine.relation(spark.range(100).selectExpr(*columns))
    with settings.override(exact_rows_max=1, sample_rows=1):
        jobs = _jobs(spark)
        found = compute(engine, relation).columns
    assert _jobs(spark) - jobs == 1
    assert [found[f"c{n}"]["max"] for n in range(30)] == list(range(99, 129))
    with prepared(spark, as_one_job(spark, 100)):
        plan = spark.sql(engine.statements[-1])._jdf.queryExecution().executedPlan().toString()
    loops = [line for line in plan.splitlines() if "HashAggregate" in line]
    assert len(loops) > 2, "in parts"
    assert all("*(" in line for line in loops), "each compiled"


def test_history_is_learned_from_partitions_profiled_there(
    spark: SparkSession, engine: Spark, tmp_path: Path
) -> None:
    from interlock.names import Outcome
    from interlock.workspace.afar import check, past_of

    days = "date_add(DATE'2020-01-01', CAST(id DIV 40 AS INT)) AS day"
    values = (
        "id % 40 AS k",
        "CAST(id % 7 AS DOUBLE) + 1 AS x",
        "element_at(array('a', 'b'), CAST(id % 2 + 1 AS INT)) AS s",
    )
    spark.range(40 * 8).selectExpr(days, *values).write.partitionBy("day").parquet(str(tmp_path / "past"))
    past = past_of(engine, str(tmp_path / "past"), "day")
    assert list(past) == [f"2020-01-0{n}" for n in range(1, 9)]
    assert {p.rows for p in past.values()} == {40}
    good = spark.range(40).selectExpr(*values)
    bad = good.selectExpr("k", "CASE WHEN k < 20 THEN NULL ELSE x END AS x", "IF(k = 3, 'zzz', s) AS s")
    asked = {"table": "t", "partition": "2020-01-09", "past": past, "require": ["unique(k)"], "key": ["k"]}
    assert check(engine, good, **asked).alerts == ()
    found = check(engine, bad, **asked)
    assert found.outcome is Outcome.PASS
    assert {c for a in found.alerts for c in a.columns} >= {"x"}
    broken = check(engine, bad, **{**asked, "require": ["s <> 'zzz'"]})
    assert broken.outcome is Outcome.FAIL
    assert [dict(row) for row in broken.violations[0].sample] == [{"k": 3}]
