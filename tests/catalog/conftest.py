"""A catalog in a folder of its own, and real Parquet files to publish in it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pytest

from interlock.catalog import (
    Catalog,
    ColumnStats,
    DataFile,
    PartitionRecord,
    Reader,
    State,
    VerdictRecord,
    lake,
)
from interlock.catalog.types import Field
from tests import places

NOW = dt.datetime(2013, 1, 5, 12, 30, tzinfo=dt.UTC)


@pytest.fixture(params=places.KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return places.of(request.param, tmp_path / "workspace", request)


@pytest.fixture
def catalog(place: str) -> Iterator[Catalog]:
    with Catalog.create(place) as made:
        yield made


class Parquet:
    """Writes Parquet files with the field ids a DuckLake table asks for."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        return self.connection.execute(statement).fetchall()

    def write(self, rx: Reader, table: str, query: str, value: object = None) -> DataFile:
        """One file of a query's rows under the table's folder, with what its footer says."""
        fields = lake.columns(rx, table)
        folder = rx.catalog.folder / lake.folder(rx, table)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid.uuid4()}.parquet"
        self.connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, FIELD_IDS {_ids(fields)})")
        rows, footer = self.rows(f"SELECT num_rows, footer_size FROM parquet_file_metadata('{path}')")[0]
        assert isinstance(rows, int)
        assert isinstance(footer, int)
        columns = {leaf.id: ColumnStats(8 * rows, rows, 0) for f in fields for leaf in f.leaves()}
        columns |= {f.id: self._stats(path, f, rows) for f in fields if not f.children}
        return DataFile(path.name, rows, path.stat().st_size, footer, columns, value)

    def _stats(self, path: Path, field: Field, rows: int) -> ColumnStats:
        name = field.name.replace('"', '""')
        floating = field.type.name.startswith("float")
        nan = f'coalesce(bool_or(isnan("{name}")), false)' if floating else "NULL"
        statement = (
            f'SELECT count("{name}"), min("{name}")::VARCHAR, max("{name}")::VARCHAR, {nan} FROM \'{path}\''
        )
        ((count, low, high, has_nan),) = self.connection.execute(statement).fetchall()
        return ColumnStats(8 * rows, count, rows - count, low, high, has_nan)


def _ids(fields: Sequence[Field]) -> str:
    def of(field: Field) -> str:
        inner = "".join(f", {_quote(child.name)}: {of(child)}" for child in field.children)
        return f"{{__duckdb_field_id: {field.id}{inner}}}" if field.children else str(field.id)

    return "{" + ", ".join(f"{_quote(f.name)}: {of(f)}" for f in fields) + "}"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture
def parquet() -> Iterator[Parquet]:
    writer = Parquet()
    yield writer
    writer.connection.close()


def version(
    label: str = "2013-01-01", *, state: State = State.PUBLISHED, **changes: object
) -> PartitionRecord:
    """A partition version of the table ``flights``."""
    values: dict[str, object] = {
        "table": "flights",
        "label": label,
        "state": state,
        "rows": 900,
        "size_bytes": 50_000,
        "loaded_at": NOW,
        "schema": (("day", "DATE"), ("delay", "DOUBLE")),
        "path": f"data/main/flights/{label}.parquet",
    }
    return PartitionRecord(**(values | changes))  # type: ignore[arg-type]


def verdict(id: str, label: str = "2013-01-01", **changes: object) -> VerdictRecord:
    """A verdict on a partition of the table ``flights``."""
    values: dict[str, object] = {
        "id": id,
        "table": "flights",
        "label": label,
        "gate": "write",
        "outcome": "pass",
        "decision": "published",
        "judged_at": NOW,
        "document": {"id": id, "violations": []},
    }
    return VerdictRecord(**(values | changes))  # type: ignore[arg-type]
