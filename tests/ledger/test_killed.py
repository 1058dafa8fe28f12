"""``kill -9`` at every boundary: nothing half, nothing acknowledged lost, the ledger holds."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import alembic.config
import alembic.runtime.environment
import alembic.script  # noqa: F401
import pytest

from interlock.catalog import Catalog
from interlock.ledger import Ledger
from tests.ledger.stories import assert_whole, in_child, killed_at, load, prepare

ENTRIES_BEFORE = 255  # so that the story's entries cross from one tile into the next


def story(folder: Path, acknowledge: Callable[[str], None]) -> None:
    with Catalog.open(folder) as catalog:
        for label, number in (("a", 1), ("a", 2)):
            load(catalog, label, number)
            acknowledge(f"{label} {number}")


def told(acknowledged: list[str]) -> dict[str, int]:
    return {label: int(number) for label, number in (line.split() for line in acknowledged)}


def assert_nothing_lost(acknowledged: list[str], found: dict[str, int]) -> None:
    for label, number in told(acknowledged).items():
        assert found[label] >= number


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "workspace"
    prepare(folder, ENTRIES_BEFORE)
    return folder


def test_at_every_boundary_of_writing_and_projecting(prepared: Path, tmp_path: Path) -> None:
    boundary, finished = 0, False
    while not finished:
        boundary += 1
        folder = tmp_path / str(boundary)
        shutil.copytree(prepared, folder)

        def work(acknowledge: Callable[[str], None], folder: Path = folder, at: int = boundary) -> None:
            with killed_at(at):
                story(folder, acknowledge)

        acknowledged, finished = in_child(work)
        found = assert_whole(folder)
        assert_nothing_lost(acknowledged, found)
        if boundary % 8 == 0:
            with Catalog.open(folder) as catalog:
                load(catalog, "c", 9)
            assert assert_whole(folder) == {**found, "c": 9}
        shutil.rmtree(folder)
    assert boundary > 60, "the story has fewer boundaries than its effects have"


def test_at_every_boundary_of_making_a_workspace(tmp_path: Path) -> None:
    boundary, finished = 0, False
    while not finished:
        boundary += 1
        folder = tmp_path / str(boundary)

        def work(acknowledge: Callable[[str], None], folder: Path = folder, at: int = boundary) -> None:
            with killed_at(at):
                prepare(folder, 3)
                acknowledge("done")

        acknowledged, finished = in_child(work)
        with Catalog.create(folder) as catalog:
            Ledger(folder / "ledger").project(catalog)
        if acknowledged:
            assert assert_whole(folder) == {}
    assert boundary > 30


def test_at_random_moments(prepared: Path, tmp_path: Path) -> None:
    rounds = int(os.environ.get("INTERLOCK_TEST_KILLS", "10"))
    chance = random.Random(7)
    folder = tmp_path / "workspace"
    shutil.copytree(prepared, folder)
    found: dict[str, int] = {}
    for round_ in range(rounds):
        base = round_ * 1000

        def work(acknowledge: Callable[[str], None], base: int = base) -> None:
            with Catalog.open(folder) as catalog:
                for number in range(base + 1, base + 1000):
                    load(catalog, "abc"[number % 3], number)
                    acknowledge(f"{'abc'[number % 3]} {number}")

        moment = (chance.randrange(3), chance.uniform(0, 0.03))
        acknowledged, finished = in_child(work, killed_after=moment)
        assert not finished
        found = assert_whole(folder)
        assert_nothing_lost(acknowledged, found)
    assert found
