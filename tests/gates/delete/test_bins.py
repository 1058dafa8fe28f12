"""What removes from a store: exactly the bytes it was told of, and nothing that is locked."""

from __future__ import annotations

import datetime as dt
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import StoreRefused
from interlock.gates.delete import bins
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.protocol import Held, Store
from interlock.vault.stores.s3 import S3Store
from tests import objectstore

KINDS = {
    "locks": {"lock": True},
    "versions": {"lock": False},
    "neither": {"lock": False, "versions": False},
}
SHA256 = "ab" * 32
KEY = f"objects/ab/{SHA256}"


def on_s3(server: objectstore.Server, folder: Path, kind: str) -> S3Store:
    return S3Store.of(server.address(server.bucket(**KINDS[kind]), "vault"), folder / "spool")


@pytest.fixture(params=["folder", *KINDS])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return LocalStore(tmp_path / "store")
    return on_s3(request.getfixturevalue("object_store"), tmp_path, request.param)


@pytest.fixture
def locking(object_store: objectstore.Server, tmp_path: Path) -> S3Store:
    return on_s3(object_store, tmp_path, "locks")


def soon(**length: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(**length)


def keep(store: Store, data: bytes, key: str = KEY, **how: Any) -> Held:
    return store.keep(store.take(io.BytesIO(data)), key, **how)


def test_what_is_removed_is_gone_and_nothing_else(store: Store) -> None:
    held, other = keep(store, b"data"), keep(store, b"data", f"{KEY}0")
    assert bins.of(store).remove(KEY, held.version) is True
    assert store.stat(KEY) is None
    assert list(store.list()) == [other]
    assert bins.of(store).remove(KEY, held.version) is True  # it was gone
    assert keep(store, b"data").size_bytes == 4


def test_other_bytes_in_its_place_stay(store: Store) -> None:
    held = keep(store, b"data")
    assert bins.of(store).remove(KEY, held.version)
    time.sleep(0.01)  # a file's version is when it was written
    again = keep(store, b"atad!")
    bins.of(store).remove(KEY, held.version)
    assert store.stat(KEY) == again


@pytest.mark.parametrize("kind", ["locks", "versions"])
def test_of_several_versions_one_is_removed(
    object_store: objectstore.Server, tmp_path: Path, kind: str
) -> None:
    store = on_s3(object_store, tmp_path, kind)
    held = keep(store, b"data")
    object_store.client().put_object(Bucket=store.at.bucket, Key=f"vault/{KEY}", Body=b"on top")
    top = store.stat(KEY)
    assert top is not None
    assert bins.of(store).remove(KEY, held.version)
    assert store.stat(KEY, version=held.version) is None
    assert bins.of(store).remove(KEY, held.version)
    assert store.stat(KEY) == top
    object_store.client().delete_object(Bucket=store.at.bucket, Key=f"vault/{KEY}")
    assert bins.of(store).remove(KEY, top.version)  # a delete marker hides nothing
    assert store.stat(KEY, version=top.version) is None


def test_in_a_bucket_without_versions_the_server_compares(
    object_store: objectstore.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other bytes that arrive between our look and the removal stay."""
    store = on_s3(object_store, tmp_path, "neither")
    held = keep(store, b"data")
    looked = store.facts(KEY, held.version)
    object_store.client().put_object(Bucket=store.at.bucket, Key=f"vault/{KEY}", Body=b"other")
    monkeypatch.setattr(store, "facts", lambda *_: looked)
    assert bins.of(store).remove(KEY, held.version) is False
    assert b"".join(store.read(KEY)) == b"other"


def test_what_lay_there_before_the_bucket_had_versions_goes_without_a_delete_marker(
    object_store: objectstore.Server, tmp_path: Path
) -> None:
    store = on_s3(object_store, tmp_path, "neither")
    held, admin = keep(store, b"data"), object_store.client()
    admin.put_bucket_versioning(Bucket=store.at.bucket, VersioningConfiguration={"Status": "Enabled"})
    assert bins.of(store).remove(KEY, held.version)
    found = admin.list_object_versions(Bucket=store.at.bucket)
    assert (found.get("Versions"), found.get("DeleteMarkers")) == (None, None)


def test_what_is_locked_stays_until_it_is_not(locking: S3Store) -> None:
    held = keep(locking, b"data", until=soon(seconds=2))
    with pytest.raises(StoreRefused, match="locked until"):
        bins.of(locking).remove(KEY, held.version)
    assert locking.stat(KEY) == held
    assert held.locked_until is not None
    while dt.datetime.now(dt.UTC) <= held.locked_until + dt.timedelta(seconds=0.1):
        time.sleep(0.05)
    assert bins.of(locking).remove(KEY, held.version)
    assert locking.stat(KEY, version=held.version) is None


def test_a_legal_hold_of_the_bucket_is_one_here(locking: S3Store, object_store: objectstore.Server) -> None:
    held = keep(locking, b"data")
    object_store.client().put_object_legal_hold(
        Bucket=locking.at.bucket, Key=f"vault/{KEY}", LegalHold={"Status": "ON"}
    )
    with pytest.raises(StoreRefused):
        bins.of(locking).remove(KEY, held.version)
    assert locking.stat(KEY) == held


def test_who_may_not_remove_is_told(locking: S3Store, object_store: objectstore.Server) -> None:
    held = keep(locking, b"data")
    stranger = S3Store.of(object_store.address(locking.at.bucket, "vault", who="replica"), Path("unused"))
    with pytest.raises(StoreRefused):
        bins.of(stranger).remove(KEY, held.version)
    with pytest.raises(StoreRefused):
        bins.of(stranger).sweep_temporary(soon())


def test_uploads_and_copies_of_puts_that_died_are_swept_and_no_others(
    locking: S3Store, object_store: objectstore.Server
) -> None:
    at, admin = locking.at, object_store.client()
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": soon(days=9)}
    for key in (f"vault/{KEY}", "vault/versions/x/v1.json", "vault/theirs", "theirs/objects/x"):
        begun = admin.create_multipart_upload(Bucket=at.bucket, Key=key, **lock)
        admin.upload_part(Bucket=at.bucket, Key=key, UploadId=begun["UploadId"], PartNumber=1, Body=b"x")
    old, new = (locking.take(io.BytesIO(b"data")) for _ in range(2))
    os.utime(old.path, (0, 0))
    assert bins.of(locking).sweep_temporary(soon(hours=-1)) == 1
    assert [old.path.exists(), new.path.exists()] == [False, True]
    assert len(admin.list_multipart_uploads(Bucket=at.bucket)["Uploads"]) == 4
    assert bins.of(locking).sweep_temporary(soon(hours=1)) == 3
    left = admin.list_multipart_uploads(Bucket=at.bucket)["Uploads"]
    assert sorted(one["Key"] for one in left) == ["theirs/objects/x", "vault/theirs"]
