"""DuckDB shows the behaviour every engine shows."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

import interlock.testing
from interlock.engines.duckdb import DuckDB
from interlock.errors import ExtraMissing
from interlock.testing import FileEngineConformance


class TestDuckDB(FileEngineConformance):
    @pytest.fixture
    def engine(self) -> Iterator[DuckDB]:
        with DuckDB() as engine:
            yield engine


@pytest.mark.parametrize("lacking", ["hypothesis", "pytest"])
def test_the_suites_say_what_they_need(monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    monkeypatch.setitem(sys.modules, lacking, None)
    for module in ("agreement", "tables"):
        monkeypatch.delitem(sys.modules, f"interlock.testing.{module}", raising=False)
    with pytest.raises(ExtraMissing, match=f"AgreementConformance needs {lacking}"):
        _ = interlock.testing.AgreementConformance
