"""``kill -9`` at every boundary: nothing half, nothing acknowledged lost, the ledger holds."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from interlock.catalog import Catalog
from interlock.ledger import Ledger
from tests import places
from tests.ledger import stories
from tests.ledger.stories import assert_whole, load, prepare
from tests.processes import ENDED, KILLED, Ending, Nursery, every_boundary

ENTRIES_BEFORE = 255  # so that the story's entries cross from one tile into the next


def assert_nothing_lost(ending: Ending, found: dict[str, int]) -> None:
    for label, number in ending.told:
        assert found[label] >= number


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "workspace"
    prepare(folder, ENTRIES_BEFORE)
    return folder


def test_at_every_boundary_of_writing_and_projecting(
    nursery: Nursery, prepared: Path, tmp_path: Path
) -> None:
    loads = [("a", 1), ("a", 2)]
    killed = every_boundary(nursery, prepared, tmp_path, stories.load_each, more_than=60, loads=loads)
    for round_, (folder, ending) in enumerate(killed, 1):
        found = assert_whole(folder)
        assert_nothing_lost(ending, found)
        if round_ % 8 == 0:
            with Catalog.open(folder) as catalog:
                load(catalog, "c", 9)
            assert assert_whole(folder) == {**found, "c": 9}


def test_at_every_boundary_of_making_a_workspace(nursery: Nursery, tmp_path: Path) -> None:
    for folder, ending in every_boundary(nursery, None, tmp_path, stories.make, more_than=30):
        with Catalog.create(folder) as catalog:
            Ledger(folder / "ledger").project(catalog)
        if ending.told:
            assert assert_whole(folder) == {}


def test_at_every_boundary_in_a_database(
    nursery: Nursery, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One workspace for all: what a killed process left is what the next one finds."""
    place = places.of("postgres", tmp_path / "workspace", request)
    prepare(place, ENTRIES_BEFORE)
    at, how = 0, KILLED
    while how == KILLED:
        at += 1 if "INTERLOCK_TEST_KILLS" in os.environ else 3
        loads = [("a", 2 * at), ("a", 2 * at + 1)]
        ending = nursery.run(stories.load_each, kill_at=at, folder=place, loads=loads)
        assert ending.how in (KILLED, ENDED), ending.why
        assert_nothing_lost(ending, assert_whole(place))
        how = ending.how
    assert at > 60, "the story has fewer boundaries than its effects have"


@pytest.mark.parametrize("kind", places.KINDS)
def test_at_random_moments(
    nursery: Nursery, prepared: Path, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    rounds = int(os.environ.get("INTERLOCK_TEST_KILLS", "10"))
    chance = random.Random(7)
    place = places.of(kind, tmp_path / "workspace", request)
    if kind == "sqlite":
        shutil.copytree(prepared, place)
    else:
        prepare(place, ENTRIES_BEFORE)
    found: dict[str, int] = {}
    for round_ in range(rounds):
        loads = [("abc"[number % 3], number) for number in range(round_ * 1000 + 1, round_ * 1000 + 1000)]
        writer = nursery.start(stories.load_each, folder=place, loads=loads)
        writer.until_told(chance.randrange(3))
        time.sleep(chance.uniform(0, 0.03))
        writer.kill()
        ending = writer.wait()
        assert ending.how == KILLED, ending.why
        found = assert_whole(place)
        assert_nothing_lost(ending, found)
    assert found
