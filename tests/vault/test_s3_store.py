"""What is particular to a store on S3: locks, versions, where streams wait."""

from __future__ import annotations

import datetime as dt
import io
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from interlock.errors import DataUnreadable, ObjectTaken, StorageFailed, StoreRefused
from interlock.vault.stores.s3 import S3Store
from tests import objectstore
from tests.faulty import Fault, Proxy, Request, times
from tests.processes import ROOT
from tests.vault.on_s3 import BIG, a_put, beside, by_others, keep, soon, versions, whole


@pytest.fixture
def store(s3_store: S3Store) -> S3Store:
    return s3_store


# --- locks ------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"data", BIG])
def test_nobody_can_remove_or_unlock_what_is_locked(
    store: S3Store, object_store: objectstore.Server, data: bytes
) -> None:
    held = keep(store, data, until=soon(days=1))
    which = {"VersionId": held.version}
    for call, more in (
        ("delete_object", {}),
        ("delete_object", {"BypassGovernanceRetention": True}),
        ("put_object_retention", {"Retention": {"Mode": "COMPLIANCE", "RetainUntilDate": soon(hours=1)}}),
        ("put_object_retention", {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": soon(days=9)}}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            by_others(object_store, store, call, **which, **more)
    assert store.stat("x", version=held.version) == held
    assert whole(store) == data


def test_the_request_that_makes_an_object_locks_it(store: S3Store, proxy: Proxy) -> None:
    def no_other(request: Request) -> Fault | None:
        return Fault(500, "InternalError") if "retention" in request.path else None

    with proxy.failing(no_other) as asked:
        keep(store, b"data", until=soon(days=1))
    assert [request.method for request in asked] == ["PUT", "HEAD"]


@pytest.mark.parametrize("data", [b"data", BIG])
def test_a_lock_that_silently_does_nothing_is_refused(store: S3Store, proxy: Proxy, data: bytes) -> None:
    def locks_not(request: Request) -> Fault | None:
        return Fault(without="x-amz-object-lock") if request.method == "HEAD" else None

    with proxy.failing(locks_not), pytest.raises(StoreRefused, match="not locked until"):
        keep(store, data, until=soon(days=1))
    held = keep(store, data)
    with proxy.failing(locks_not), pytest.raises(StoreRefused, match="not locked until"):
        store.retain("x", held.version, soon(days=2))


def test_a_bucket_that_takes_locks_and_forgets_them_is_not_believed(
    store: S3Store, object_store: objectstore.Server
) -> None:
    """This server lets one set and read a lock in a bucket that was made without, and deletes all the same."""
    other = beside(store, object_store.bucket(lock=False))
    held = keep(other, b"data", until=soon(days=1))
    assert (other.locks, held.locked_until) == (False, None)
    assert other.retain("x", held.version, soon(days=1)) is None


def test_whoever_may_not_ask_about_locks_is_refused_rather_than_left_without(
    store: S3Store, proxy: Proxy
) -> None:
    fresh = S3Store(store.at, store.spool.root)
    denied = times(9, Fault(403, "AccessDenied"), lambda request: "object-lock" in request.path)
    with proxy.failing(denied), pytest.raises(StoreRefused, match="GetBucketObjectLockConfiguration"):
        keep(fresh, b"data", until=soon(days=1))
    assert store.stat("x") is None


def test_a_server_that_knows_no_locks_is_a_store_without(store: S3Store, proxy: Proxy) -> None:
    fresh = S3Store(store.at, store.spool.root)
    with proxy.failing(times(9, Fault(501, "NotImplemented"), lambda r: "object-lock" in r.path)):
        assert keep(fresh, b"data", until=soon(days=1)).locked_until is None


def test_a_lock_that_can_be_lifted_is_none_and_made_one_or_refused(
    store: S3Store, object_store: objectstore.Server
) -> None:
    lenient = {"Mode": "GOVERNANCE", "RetainUntilDate": soon(days=3)}
    held = keep(store, b"data")
    by_others(object_store, store, "put_object_retention", Retention=lenient)
    assert store.stat("x") == held
    with pytest.raises(StoreRefused, match="AccessDenied"):
        store.retain("x", held.version, soon(days=1))
    by_others(
        object_store,
        store,
        "put_object_retention",
        Retention={**lenient, "Mode": "COMPLIANCE"},
        BypassGovernanceRetention=True,
    )
    until = store.retain("x", held.version, soon(days=1))
    assert until is not None
    assert until >= soon(days=2)


def test_a_lock_that_somebody_makes_longer_meanwhile_stays_longer(
    store: S3Store, proxy: Proxy, object_store: objectstore.Server
) -> None:
    held = keep(store, b"data")

    def longer(request: Request) -> None:
        if request.method == "PUT" and "retention" in request.path:
            retention = {"Mode": "COMPLIANCE", "RetainUntilDate": soon(days=5)}
            by_others(object_store, store, "put_object_retention", Retention=retention)

    with proxy.failing(longer):
        until = store.retain("x", held.version, soon(days=1))
    assert until is not None
    assert until >= soon(days=4)


def test_a_lock_that_is_over_is_set_again(store: S3Store) -> None:
    held = keep(store, b"data", until=soon(seconds=1))
    assert held.locked_until is not None
    while dt.datetime.now(dt.UTC) <= held.locked_until:
        time.sleep(0.05)
    again = keep(store, b"data", until=soon(days=1))
    assert again.version == held.version
    assert again.locked_until is not None
    assert again.locked_until > soon(hours=1)


def test_a_moment_that_is_past_locks_nothing(store: S3Store) -> None:
    assert keep(store, b"data", until=soon(seconds=-1)).locked_until is None


# --- versions ---------------------------------------------------------------------------


def test_a_delete_marker_hides_no_pinned_version(store: S3Store, object_store: objectstore.Server) -> None:
    held = keep(store, b"data", until=soon(days=1))
    by_others(object_store, store, "delete_object")
    assert store.stat("x") is None
    assert list(store.list()) == []
    assert store.stat("x", version=held.version) == held
    assert whole(store, version=held.version) == b"data"
    assert store.retain("x", held.version, soon(days=2)) is not None
    again = keep(store, b"data")
    assert again.version != held.version
    assert [one.version for one in store.list()] == [again.version]


def test_what_somebody_puts_on_top_changes_no_pinned_version(
    store: S3Store, object_store: objectstore.Server
) -> None:
    held = keep(store, b"data")
    by_others(object_store, store, "put_object", Body=b"atad")
    assert whole(store) == b"atad"
    assert whole(store, version=held.version) == b"data"
    with pytest.raises(ObjectTaken):
        keep(store, b"data")
    mended = store.mend(store.take(io.BytesIO(b"data")), "x")
    assert mended.version not in (held.version, None)
    assert whole(store) == whole(store, version=held.version) == b"data"


@pytest.mark.parametrize("then", ["Enabled", "Suspended"])
def test_a_version_from_before_the_bucket_had_versions_stays_known(
    store: S3Store, object_store: objectstore.Server, then: str
) -> None:
    other = beside(store, object_store.bucket(lock=False, versions=False))
    held = keep(other, b"data")
    assert held.version.startswith('"')

    def switch(status: str) -> None:
        object_store.client().put_bucket_versioning(
            Bucket=other.at.bucket, VersioningConfiguration={"Status": status}
        )

    switch("Enabled")
    by_others(object_store, other, "put_object", Body=b"other")
    switch(then)
    assert other.stat("x", version=held.version) == held
    assert whole(other, version=held.version) == b"data"
    by_others(object_store, other, "delete_object")
    gone = then == "Suspended"  # a delete replaces the version that has no id
    assert other.stat("x", version=held.version) == (None if gone else held)


def test_a_mend_does_not_replace_what_another_one_mended_meanwhile(
    store: S3Store, proxy: Proxy, object_store: objectstore.Server
) -> None:
    keep(store, b"data")
    object_store.damage(store.at.bucket, f"{store.at.prefix}x")
    put = []

    def another(request: Request) -> None:
        if a_put(request) and not put:
            put.append(by_others(object_store, store, "put_object", Body=b"data")["VersionId"])

    with proxy.failing(another):
        mended = store.mend(store.take(io.BytesIO(b"data")), "x")
    assert [mended.version] == put == versions(object_store, store)[:1]


# --- this machine -----------------------------------------------------------------------


def test_a_spool_that_is_full_is_said_and_nothing_is_left(store: S3Store) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, usual[1]))
    try:
        with pytest.raises(StorageFailed):
            store.take(io.BytesIO(bytes(3 << 20)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert [path for path in store.spool.root.rglob("*") if path.is_file()] == []
    assert keep(store, bytes(3 << 20)).size_bytes == 3 << 20


def test_a_file_is_put_from_where_it_lies(store: S3Store, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(BIG)
    taken = store.take(path)
    assert (taken.path, taken.ours) == (path, False)
    store.keep(taken, "x")
    assert not store.spool.root.exists()
    path.chmod(0)
    if os.geteuid() != 0:
        with pytest.raises(DataUnreadable):
            store.keep(taken, "y")


def test_a_server_dies_with_the_tests_that_started_it() -> None:
    code = """if True:
        import os, subprocess, sys
        from tests.objectstore import with_its_parent
        child = subprocess.Popen(["sleep", "600"], preexec_fn=with_its_parent())
        print(child.pid, flush=True)
        os.kill(os.getpid(), 9)"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == -signal.SIGKILL, told.stderr
    until = time.monotonic() + 10
    while Path(f"/proc/{told.stdout.strip()}").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
