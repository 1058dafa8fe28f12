"""Files and objects nobody prepared are read, or refused in one clear line."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from interlock import settings
from interlock.engines.duckdb import DuckDB
from interlock.engines.protocol import Target
from interlock.errors import (
    ColumnMissing,
    DataNotFound,
    DataTypeUnsupported,
    DataUnreadable,
    InterlockError,
    StorageFailed,
)
from interlock.profiles import compute

FRAME = {"a": [1, 2], "b": ["x", None]}


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as engine:
        yield engine


class OnlyArrow:
    """An object that knows the Arrow PyCapsule interface and nothing else."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return pa.table(FRAME).__arrow_c_stream__(requested_schema)


class Broken:
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        raise KeyError("the stream\nis broken")


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame(FRAME),
        lambda: pl.DataFrame(FRAME),
        lambda: pl.LazyFrame(FRAME),
        lambda: pa.table(FRAME),
        lambda: pa.table(FRAME).to_reader(),
        lambda: pa.record_batch(FRAME),
        OnlyArrow,
        lambda: duckdb.sql("SELECT * FROM (VALUES (1, 'x'), (2, NULL)) t(a, b)"),
    ],
    ids=["pandas", "polars", "lazy", "arrow", "reader", "batch", "capsule", "duckdb"],
)
def test_every_sort_of_table_is_taken_in(engine: DuckDB, make: Any) -> None:
    found = compute(engine, engine.relation(make()))
    assert (found.rows, list(found.columns)) == (2, ["a", "b"])
    assert (found.columns["a"]["max"], found.columns["b"]["nulls"]) == (2, 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "a,b\n1,x\n2,\n"),
        ("a.tsv", "a\tb\n1\tx\n2\t\n"),
        ("a.jsonl", '{"a": 1, "b": "x"}\n{"a": 2, "b": null}\n'),
        ("a.json", '[{"a": 1, "b": "x"}, {"a": 2, "b": null}]'),
        ("no ending", "a,b\n1,x\n2,\n"),
        ("weird [1]*?'\".csv", "a,b\n1,x\n2,\n"),
        ("naïve 表.csv", "a,b\n1,x\n2,\n"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_text_files_are_read_compressed_or_not(
    engine: DuckDB, tmp_path: Path, name: str, text: str, compressed: bool
) -> None:
    path = tmp_path / (name + ".gz" if compressed else name)
    if compressed and "." not in name:
        pytest.skip("a compressed file is told by its ending")
    path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
    found = compute(engine, engine.relation(path))
    assert (found.rows, found.columns["a"]["max"], found.columns["b"]["nulls"]) == (2, 2, 1)


@pytest.mark.parametrize("most", [0, 1 << 20], ids=["as a file", "as a table"])
def test_a_csv_is_the_same_however_it_is_looked_at(
    engine: DuckDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("interlock.engines.duckdb.CSV_TABLE_BYTES_MAX", most)
    lines = "".join(f"{(i * 7919) % 10_000},{10**30 + i},2024-01-0{i % 9 + 1}\n" for i in range(5_000))
    (tmp_path / "a.csv").write_text(f"i,large,day\n{lines}")
    before = len(engine.statements)
    staged = engine.relation(tmp_path / "a.csv")
    reading = [s for s in engine.statements[before:] if "read_csv" in s]
    assert [(s.startswith("CREATE TEMP TABLE"), s.startswith("COPY")) for s in reading] == [
        (most > 0, most == 0)
    ]
    assert [c.type for c in staged.schema] == ["BIGINT", "DECIMAL(38,0)", "DATE"]
    rows = duckdb.read_parquet(str(staged.files[0])).fetchall()
    assert [row[0] for row in rows] == [(i * 7919) % 10_000 for i in range(5_000)]
    assert int(rows[-1][1]) == 10**30 + 4_999


def test_a_glob_and_a_list_of_paths_are_read_together(engine: DuckDB, tmp_path: Path) -> None:
    for day in (1, 2):
        engine.stage(pl.DataFrame({"a": [day]}), tmp_path / f"day={day}.parquet")
    assert engine.relation(str(tmp_path / "*.parquet")).rows == 2
    assert engine.relation(sorted(tmp_path.glob("*.parquet"))).rows == 2


def test_files_whose_columns_differ_are_read_by_name(engine: DuckDB, tmp_path: Path) -> None:
    engine.stage(pl.DataFrame({"a": [1]}), tmp_path / "1.parquet")
    engine.stage(pl.DataFrame({"b": ["x"], "a": [2]}), tmp_path / "2.parquet")
    found = compute(engine, engine.relation(tmp_path / "*.parquet"))
    assert {n: c["nulls"] for n, c in found.columns.items()} == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("empty.parquet", b"", DataUnreadable),
        ("truncated.parquet", None, DataUnreadable),
        ("text.parquet", b"a,b\n1,2\n", DataUnreadable),
        ("footer.parquet", b"PAR1abcd\xff\xff\xff\x7fPAR1", DataUnreadable),
        ("latin.csv", "name\nMüller\n".encode("latin-1") * 50, DataUnreadable),
        ("broken.json", b'{"a": 1', DataUnreadable),
        ("broken.csv.gz", b"\x1f\x8b\x08nonsense", DataUnreadable),
        ("rubbish.csv", bytes(range(256)) * 40, DataUnreadable),
    ],
)
def test_a_broken_file_is_refused_in_one_line(
    engine: DuckDB, tmp_path: Path, name: str, content: bytes | None, error: type[InterlockError]
) -> None:
    path = tmp_path / name
    if content is None:
        engine.stage(pl.DataFrame({"a": range(1000)}), path)
        content = path.read_bytes()[:-100]
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        compute(engine, engine.relation(path))
    assert name in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n", b"\n", b"\xef\xbb\xbfa\n1\n", b"a\n" + b"x" * 1_000_000 + b"\n"]
)
def test_an_odd_csv_is_read_or_refused_but_never_crashes(
    engine: DuckDB, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    said = ""
    try:
        compute(engine, engine.relation(path))
    except InterlockError as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize("data", [None, 3, {}, [], [1, 2], {"a": [1]}, lambda: None])
def test_what_is_no_table_is_refused(engine: DuckDB, data: object) -> None:
    with pytest.raises(InterlockError):
        engine.describe(data)


def test_an_object_that_fails_while_it_is_read_is_unreadable(engine: DuckDB) -> None:
    with pytest.raises(DataUnreadable) as caught:
        engine.relation(Broken())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["", "a\x00b", "x" * 5000, "s3://bucket/a.parquet", "none*.parquet"])
def test_an_impossible_path_is_refused(engine: DuckDB, place: str) -> None:
    with pytest.raises((DataNotFound, DataTypeUnsupported)):
        engine.relation(place)


def test_a_folder_suggests_its_files(engine: DuckDB, tmp_path: Path) -> None:
    with pytest.raises(DataNotFound) as caught:
        engine.relation(tmp_path)
    assert "*.parquet" in str(caught.value.hint)


@pytest.mark.parametrize(
    "names",
    [
        ["select", "from", "table", "group"],
        ["ünï", "表", "a b", 'qu"ote', "it's", "semi;colon", "{x}", "%s", "\\"],
        ["a", "A"],
        ["", "b"],
        [
            "interlock_element",
            "interlock_hash",
            "n",
            "about",
            "partition",
            "segment",
            "c0",
            "g",
            "p",
            "h0",
            "s0",
            "k0",
            "a0",
        ],
        ["file_row_number", "file_index", "x", "v", "e", "sample"],
    ],
)
def test_any_column_name_will_do(engine: DuckDB, names: list[str]) -> None:
    table = pa.Table.from_arrays([pa.array([i, i, None]) for i in range(len(names))], names=names)
    relation = engine.relation(table)
    assert len(relation.schema) == len(names)
    segment = relation.schema[0].name
    for limits in ({}, {"counted_rows_max": -1, "exact_rows_max": -1}):
        with settings.override(**limits):
            found = compute(engine, relation, segments=[segment], key=[segment])
        assert [c["max"] for c in found.columns.values()] == list(range(len(names)))


def test_two_thousand_columns_are_profiled(engine: DuckDB) -> None:
    wide = pl.DataFrame({f"column {i}": [i, i + 1] for i in range(2000)})
    found = compute(engine, engine.relation(wide))
    assert len(found.columns) == 2000
    assert found.columns["column 1999"]["max"] == 2000


def test_pandas_objects_of_mixed_types_are_read_or_refused(engine: DuckDB) -> None:
    mixed = pd.DataFrame({"m": [1, "a", None, 2.5, b"x"]})
    said = ""
    try:
        engine.relation(mixed)
    except InterlockError as error:
        said = str(error)
    assert "\n" not in said


def test_a_place_that_cannot_be_written_is_storage_failed(engine: DuckDB, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        engine.stage(pl.DataFrame({"a": [1]}), tmp_path / "no folder" / "a.parquet")


def test_partitions_are_staged_a_file_each(engine: DuckDB, tmp_path: Path) -> None:
    data = pl.DataFrame({"day": ["b", "a", None, "b"], "n": [1, 2, 3, 4]})
    staged = engine.stage_partitions(data, tmp_path / "out", "day")
    assert list(staged) == ["a", "b", "__null__"]
    assert {label: r.rows for label, r in staged.items()} == {"a": 1, "b": 2, "__null__": 1}
    assert engine._fetch(f"SELECT n FROM '{staged['b'].files[0]}'") == [(1,), (4,)]
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_missing_partition_column_is_named(engine: DuckDB, tmp_path: Path) -> None:
    with pytest.raises(ColumnMissing):
        engine.stage_partitions(pl.DataFrame({"a": [1]}), tmp_path / "out", "day")


def test_field_ids_are_written_nested_too(engine: DuckDB, tmp_path: Path) -> None:
    data = pa.table({"s": [{"x": 1, "l": [1, 2]}]})
    inner = (Target("x", "", 2), Target("l", "", 3, (Target("element", "", 4),)))
    engine.stage(
        data, tmp_path / "a.parquet", columns=[Target("s", "STRUCT(x BIGINT, l BIGINT[])", 1, inner)]
    )
    leaves = engine.parquet_facts([tmp_path / "a.parquet"])[0].columns
    assert [(leaf.path[0], leaf.path[-1], leaf.field_id) for leaf in leaves] == [
        ("s", "x", 2),
        ("s", "element", 4),
    ]


def test_file_facts_tell_what_the_catalog_records(engine: DuckDB, tmp_path: Path) -> None:
    data = pl.DataFrame({"i": [9, 10, None], "t": ["b", "a", None], "f": [1.5, float("nan"), 2.0]})
    engine.stage(data, tmp_path / "a.parquet")
    (facts,) = engine.parquet_facts([tmp_path / "a.parquet"])
    assert (facts.rows, facts.file_size) == (3, (tmp_path / "a.parquet").stat().st_size)
    i, t, f = facts.columns
    assert (i.min, i.max, i.null_count, i.value_count, i.contains_nan) == ("9", "10", 1, 3, None)
    assert (t.min, t.max) == ("a", "b")
    assert f.contains_nan is not False
