"""A workspace with a vault, and a model to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock import Workspace
from tests import places


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return places.of(getattr(request, "param", places.DEFAULT), tmp_path / "workspace", request)


@pytest.fixture
def ws(place: str) -> Iterator[Workspace]:
    with interlock.open(place) as workspace:
        yield workspace


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with three files, two of them alike, one empty."""
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 5_000)
    (folder / "sub" / "copy of weights.bin").write_bytes(bytes(range(256)) * 5_000)
    (folder / "empty").touch()
    return folder
