"""A workspace with a vault, a model to put into it, and a store on S3 whose server fails when told to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import interlock
from interlock import Workspace
from interlock.vault.stores.s3 import S3Store
from tests import faulty, objectstore, places
from tests.faulty import Proxy

_prefixes = itertools.count(1)


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


@pytest.fixture(scope="module")
def proxy(object_store: objectstore.Server) -> Iterator[Proxy]:
    with faulty.proxy(object_store.s3) as made, pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_MAX_ATTEMPTS", "2")  # each more takes a second
        yield made


@pytest.fixture(scope="module")
def locking(object_store: objectstore.Server, proxy: Proxy) -> S3Store:
    """Over the proxy, in a bucket that locks."""
    return S3Store.of(object_store.address(object_store.bucket(), url=proxy.url), Path("unused"))


@pytest.fixture
def s3_store(locking: S3Store, tmp_path: Path) -> S3Store:
    """As `locking`, with a prefix of its own."""
    made = S3Store(replace(locking.at, prefix=f"{next(_prefixes)}/"), tmp_path / "spool")
    assert made.locks
    return made
