"""For the whole suite: how hard hypothesis looks, and where other processes come from."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import memory, objectstore, places
from tests import s3 as stores
from tests import spark as sparks
from tests.postgres import Server, running
from tests.processes import Nursery

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_slow_machine = [HealthCheck.too_slow]
settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=_slow_machine)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("deep", settings.get_profile("default"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


def pytest_configure(config: pytest.Config) -> None:
    memory.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    memory.end()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder of another file system than all else."""
    where = memory.elsewhere(tmp_path)
    if where is None:
        pytest.skip("all is one file system here")
    folder = Path(tempfile.mkdtemp(prefix="interlock-elsewhere-", dir=where))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def nursery(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where processes come from: each has imported what the test's module imports."""
    made = Nursery(tmp_path_factory.mktemp("nursery"), (request.module.__name__,))
    yield made
    made.close()


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new workspace's; both kinds, one after the other, where a module's `place` has them as parameters."""
    return places.of(getattr(request, "param", places.DEFAULT), tmp_path / "workspace", request)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real server, one for each worker."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[stores.Server]:
    """An S3 server, one for each worker."""
    with stores.running() as server:
        yield server


@pytest.fixture(scope="session")
def object_store() -> Iterator[objectstore.Server]:
    """An S3 server with versions and locks, one for each worker; its users' profiles are known to every client."""
    with objectstore.running() as server, pytest.MonkeyPatch.context() as patched:
        for name, value in server.environment.items():
            patched.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A real session in local mode, one for each worker."""
    with sparks.running(tmp_path_factory.mktemp("spark")) as session:
        yield session
