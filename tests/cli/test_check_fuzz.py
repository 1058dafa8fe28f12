"""Random bytes, random CSV, random tables: a verdict or a clear error, never anything else."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.cli import main

ENDINGS = ("csv", "tsv", "json", "jsonl", "parquet", "txt", "csv.gz", "")
FEWER = settings(max_examples=25, deadline=None)


def checked(content: bytes, ending: str, history: bytes | None = None) -> dict[str, object]:
    """The document of ``check`` on a file, against eight copies of ``history`` (itself if left out)."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"new.{ending}" if ending else "new"
        new = Path(folder, name)
        new.write_bytes(content)
        for day in range(1, 9):
            Path(folder, f"2024-01-0{day}.{ending}" if ending else f"2024-01-0{day}").write_bytes(
                history or content
            )
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main(["check", str(new), "--against", f"{folder}/2024*", "--json"])
        assert err.getvalue() == ""
        document = json.loads(out.getvalue())
        assert ended.value.code in (0, 2), document
        assert document.get("error") not in ("IL000", "IL310"), document
        assert ("error" in document) == (ended.value.code == 2)
        return document


@FEWER
@given(st.binary(max_size=300), st.sampled_from(ENDINGS))
def test_random_bytes(content, ending):
    checked(content, ending)


cells = st.one_of(
    st.text(max_size=8),
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(
        ["", "NULL", "true", '"', "'", "\\N", "nan", "1e999", "-0", "0001-01-01", "12:30", "1,5", "#"]
    ),
)


@FEWER
@given(st.lists(st.lists(cells, min_size=1, max_size=5), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_random_csv(rows, delimiter):
    checked("\n".join(delimiter.join(row) for row in rows).encode("utf-8", "surrogatepass"), "csv")


@FEWER
@given(
    st.recursive(
        cells | st.none() | st.integers() | st.floats() | st.booleans(),
        lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=4), x, max_size=3),
        max_leaves=12,
    )
)
def test_random_json(value):
    checked(json.dumps(value).encode("utf-8", "surrogatepass"), "json")


TYPES = (
    "TINYINT", "BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL(38,5)", "DECIMAL(4,1)", "VARCHAR", "BLOB",
    "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_NS", "INTERVAL", "UUID", "INTEGER[]", "BIT",
    "STRUCT(a INTEGER, b VARCHAR[])", "MAP(VARCHAR, INTEGER)", "TIMETZ", "VARCHAR[3]",
)  # fmt: skip
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
tables = st.lists(
    st.tuples(names, st.sampled_from(TYPES)), min_size=1, max_size=6, unique_by=lambda c: c[0].casefold()
)


def parquet(columns: list[tuple[str, str]], rows: int, seed: int) -> bytes:
    """A Parquet file with these columns, most values random, some NULL."""
    items = []
    for i, (name, kind) in enumerate(columns):
        quoted = '"' + name.replace('"', '""') + '"'
        drawn = f"hash(i, {seed}, {i})"
        moments = f"'2024-01-0' || (1 + {drawn} % 9), '12:00:0' || ({drawn} % 10)"
        texts = f"[({drawn} % 100)::VARCHAR, {moments}, 'true', '[1, 2, 3]']"
        items.append(f"TRY_CAST({texts}[1 + ({drawn} % 5)::INTEGER] AS {kind}) AS {quoted}")
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder, "t.parquet")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY (SELECT {', '.join(items)} FROM range({rows}) t(i)) TO '{path}'")
        return path.read_bytes()


@FEWER
@given(tables, tables, st.integers(0, 40), st.integers(0, 40))
def test_random_tables(columns, before, rows, rows_before):
    document = checked(parquet(columns, rows, 1), "parquet", parquet(before, rows_before, 2))

    assert document.get("rows") == rows


@FEWER
@given(st.data())
def test_parquet_with_flipped_bytes(data):
    content = bytearray(parquet([("a", "BIGINT"), ("b", "VARCHAR")], 50, 1))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[at] ^= data.draw(st.integers(1, 255))
    checked(bytes(content), "parquet", parquet([("a", "BIGINT"), ("b", "VARCHAR")], 50, 2))
