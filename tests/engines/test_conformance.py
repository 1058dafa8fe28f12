"""DuckDB shows the behaviour every engine shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interlock.engines.duckdb import DuckDB
from interlock.testing import FileEngineConformance


class TestDuckDB(FileEngineConformance):
    @pytest.fixture
    def engine(self) -> Iterator[DuckDB]:
        with DuckDB() as engine:
            yield engine
