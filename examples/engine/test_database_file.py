"""The shipped suites run over an engine of somebody else's: ``pytest examples/engine``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.testing import AgreementConformance, EngineConformance

sys.path.insert(0, str(Path(__file__).parent))
from database_file import DatabaseFile


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DatabaseFile]:
    with DatabaseFile(tmp_path / "data.duckdb") as engine:
        yield engine


class TestEngine(EngineConformance):
    looks = 2

    def place(self, name: str) -> str:
        return f'Staged "{name}'

    def there(self, engine: Any, place: str) -> bool:
        return bool(engine.has(place))


class TestAgreement(AgreementConformance):
    tables = 10
