from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import interlock
from tests.e2e import stories


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace to copy: three days of version 1, and a fourth file in quarantine."""
    folder = tmp_path_factory.mktemp("prepared") / "workspace"
    stories.prepare(folder)
    return folder


@pytest.fixture
def workspace(prepared: Path, tmp_path: Path) -> Path:
    """A copy of `prepared` of the test's own, opened once so that other readers find its files too."""
    folder = Path(shutil.copytree(prepared, tmp_path / "workspace"))
    interlock.open(folder).close()
    return folder
