"""Every store does what a store must: a folder, and buckets with locks, with versions, with neither."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from interlock.catalog.s3 import S3
from interlock.testing.store import StoreConformance
from interlock.vault.stores import upload
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.s3 import S3Store
from tests import objectstore

SMALL_PARTS = 5 << 20  # the least S3 allows
_prefixes = itertools.count(1)


class TestAFolder(StoreConformance):
    versions = False

    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path / "store")

    def damage(self, store: LocalStore, key: str, change: Callable[[bytes], bytes]) -> None:
        path = store.root / key
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(change(data))

    def remove(self, store: LocalStore, key: str) -> None:
        (store.root / key).unlink()


class OnS3(StoreConformance):
    """``kind`` is the bucket's; each test has a prefix of its own. Twenty MiB go there once only."""

    kind: ClassVar[dict[str, bool]]
    big_bytes = SMALL_PARTS + 5

    @pytest.fixture(scope="class")
    @classmethod
    def bucket(cls, object_store: objectstore.Server) -> Iterator[S3]:
        with pytest.MonkeyPatch.context() as patched:
            if cls.big_bytes < upload.PART_BYTES:
                patched.setattr(upload, "PART_BYTES", SMALL_PARTS)
            name = object_store.bucket(**cls.kind)
            yield S3Store.of(object_store.address(name), Path("unused")).at

    @pytest.fixture
    def store(self, object_store: objectstore.Server, bucket: S3, tmp_path: Path) -> S3Store:
        self.server = object_store
        return S3Store(replace(bucket, prefix=f"team/{next(_prefixes)}/"), tmp_path / "spool")

    def damage(self, store: S3Store, key: str, change: Callable[[bytes], bytes]) -> None:
        self.server.damage(store.at.bucket, f"{store.at.prefix}{key}", change)

    def remove(self, store: S3Store, key: str) -> None:
        self.server.remove(store.at.bucket, f"{store.at.prefix}{key}")

    def test_it_knows_whether_objects_can_be_locked(self, store: S3Store) -> None:
        assert store.locks == self.kind["lock"]


class TestABucketWithLocks(OnS3):
    kind: ClassVar = {"lock": True}
    big_bytes = StoreConformance.big_bytes


class TestABucketWithVersions(OnS3):
    kind: ClassVar = {"lock": False, "versions": True}


class TestABucketWithNeither(OnS3):
    kind: ClassVar = {"lock": False, "versions": False}


del StoreConformance, OnS3  # else they would be run themselves
