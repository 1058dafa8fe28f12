"""One engine for a module's tests, and frames as relations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interlock.engines.duckdb import DuckDB


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as engine:
        yield engine
