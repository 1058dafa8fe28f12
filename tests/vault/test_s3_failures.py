"""A store on S3 whose server fails, in every way it can: nothing acknowledged is lost, nothing half done counts."""

from __future__ import annotations

import io
import itertools
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.catalog import s3 as clients
from interlock.errors import ObjectMissing, StoreRefused, StoreUnreachable, UsageError
from interlock.testing.store import some_bytes
from interlock.vault.stores import s3
from interlock.vault.stores.s3 import S3Store
from tests import objectstore
from tests.faulty import Fault, Proxy, Request, times
from tests.vault.on_s3 import (
    BIG,
    a_part,
    a_put,
    by_others,
    keep,
    soon,
    the_last_request_of_parts,
    uploads,
    versions,
    whole,
)


@pytest.fixture
def store(s3_store: S3Store) -> S3Store:
    return s3_store


def everything(store: S3Store) -> list[Callable[[], Any]]:
    return [
        lambda: store.stat("x"),
        lambda: whole(store),
        lambda: list(store.list()),
        lambda: store.put("x", b"data"),
        lambda: keep(store, BIG),
        lambda: store.mend(store.take(io.BytesIO(b"data")), "x"),
        lambda: store.locks,
    ]


def test_a_server_that_cannot_be_reached_is_said(
    object_store: objectstore.Server, proxy: Proxy, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        store = S3Store.of(object_store.address("main-x", url=nowhere), tmp_path)
        for call in everything(store)[:4]:
            with pytest.raises(StoreUnreachable, match="s3://main-x") as told:
                call()
            assert objectstore.secret("main") not in str(told.value)
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_bucket_that_is_not_there_is_no_empty_one(store: S3Store, object_store: objectstore.Server) -> None:
    owner = S3Store.of(object_store.address("main-not-there", who="owner"), store.spool.root)
    for call in everything(owner):
        with pytest.raises(StoreRefused, match="NoSuchBucket"):
            call()


def test_without_rights_everything_is_refused_and_nothing_done(
    store: S3Store, object_store: objectstore.Server
) -> None:
    held = keep(store, b"data", "there")
    address = object_store.address(store.at.bucket, store.at.prefix, who=objectstore.REPLICA)
    stranger = S3Store.of(address, store.spool.root)
    for call in everything(stranger):
        with pytest.raises(StoreRefused):
            call()
    assert list(store.list()) == [held]


@pytest.mark.parametrize("who", ["nobody", "liar"])
def test_credentials_that_are_not_there_or_wrong_are_refused_and_not_repeated(
    object_store: objectstore.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    wrong = tmp_path / "credentials"
    wrong.write_text("[liar]\naws_access_key_id=main\naws_secret_access_key=s3cr3t-but-wrong\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(wrong))
    with pytest.raises(StoreRefused) as told:
        S3Store.of(object_store.address("main-x", who=who), tmp_path).put("x", b"data")
    assert "s3cr3t" not in str(told.value)


@pytest.mark.parametrize(
    "address",
    [
        "s3://key:s3cr3t@bucket/x",
        "s3://bucket/x?secret=s3cr3t",
        "s3://bucket/x?endpoint=https://key:s3cr3t@host",
        "s3://bucket/x?endpoint=s3cr3t",
        "s3://bucket/x?endpoint=https://host/?s3cr3t",
        "s3://bucket/x?region=s3cr3t!",
        "s3://bucket/x?profile=",
        "s3://bucket/x?profile=a&profile=s3cr3t",
        "s3://bucket/../s3cr3t",
        "s3://bucket/x#s3cr3t",
        "https://bucket/s3cr3t",
    ],
)
def test_an_address_with_anything_else_in_it_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(UsageError) as told:
        S3Store.of(address, Path("unused"))
    assert "s3cr3t" not in str(told.value)


def test_an_address_says_how_its_server_is_reached(object_store: objectstore.Server, tmp_path: Path) -> None:
    store = S3Store.of(
        "s3://bucket/a/b?profile=main&endpoint=https://host:9000/s3&region=eu-west-1", tmp_path
    )
    assert store.where == "s3://bucket/a/b"
    assert store.at.client.meta.endpoint_url == "https://host:9000/s3"
    assert store.at.client.meta.region_name == "eu-west-1"


@pytest.mark.parametrize("data", [b"data", BIG])
@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError")])
def test_a_server_that_is_overloaded_for_a_moment_is_asked_again(
    store: S3Store, proxy: Proxy, data: bytes, status: int, code: str
) -> None:
    with proxy.failing(times(1, Fault(status, code), lambda request: a_put(request) or a_part(request))):
        keep(store, data)
    with proxy.failing(times(1, Fault(status, code), lambda request: request.method == "GET")):
        assert whole(store) == data


@pytest.mark.parametrize("data", [b"data", BIG])
def test_a_server_that_stays_overloaded_is_said_and_nothing_is_left(
    store: S3Store, proxy: Proxy, object_store: objectstore.Server, data: bytes
) -> None:
    fault = times(99, Fault(503, "SlowDown"), lambda request: a_put(request) or a_part(request))
    with proxy.failing(fault), pytest.raises(StoreUnreachable, match="SlowDown"):
        keep(store, data)
    assert (versions(object_store, store), uploads(object_store, store)) == ([], [])
    assert keep(store, data).size_bytes == len(data)


def test_a_server_that_says_nothing_is_given_up(
    object_store: objectstore.Server, store: S3Store, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "READ_S", 0.2)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    hasty = S3Store.of(object_store.address(store.at.bucket, url=proxy.url), store.spool.root)
    with (
        proxy.failing(times(1, Fault(wait_s=1), a_put)),
        pytest.raises(StoreUnreachable, match="ReadTimeout"),
    ):
        hasty.put("x", b"data")


@pytest.mark.parametrize(("data", "last"), [(b"data", a_put), (BIG, the_last_request_of_parts)])
def test_a_put_whose_answer_was_lost_is_known_to_be_there(
    store: S3Store,
    proxy: Proxy,
    object_store: objectstore.Server,
    data: bytes,
    last: Callable[[Request], bool],
) -> None:
    with proxy.failing(times(1, Fault(lost=True), last)):
        held = keep(store, data, until=soon(days=1))
    assert [held.version] == versions(object_store, store)
    assert held == store.stat("x")
    assert held.locked_until is not None
    assert uploads(object_store, store) == []


@pytest.mark.parametrize("data", [b"data", BIG])
@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "ConditionalRequestConflict"), (412, "PreconditionFailed"), (404, "NoSuchUpload")],
)
def test_a_put_that_somebody_came_between_is_tried_again(
    store: S3Store, proxy: Proxy, object_store: objectstore.Server, data: bytes, status: int, code: str
) -> None:
    """What was there when the server looked may be gone when we do."""
    last = the_last_request_of_parts if data is BIG else a_put
    with proxy.failing(times(2, Fault(status, code), last)):
        held = keep(store, data)
    assert [held.version] == versions(object_store, store)
    assert uploads(object_store, store) == []


def test_a_put_that_somebody_comes_between_again_and_again_is_given_up(store: S3Store, proxy: Proxy) -> None:
    fault = times(99, Fault(409, "ConditionalRequestConflict"), a_put)
    with proxy.failing(fault) as asked, pytest.raises(StoreUnreachable, match="writing x"):
        keep(store, b"data")
    assert sum(map(a_put, asked)) == s3.TRIES


def test_a_server_that_is_killed_amid_the_parts_leaves_nothing_that_counts(
    store: S3Store, proxy: Proxy, object_store: objectstore.Server
) -> None:
    held = store.put("before", b"data", until=soon(days=1))
    seen = itertools.count()

    def kill(request: Request) -> None:
        if a_part(request) and next(seen) == 1:
            object_store.kill()

    try:
        with proxy.failing(kill), pytest.raises(StoreUnreachable):
            keep(store, BIG, until=soon(days=1))
    finally:
        object_store.start()
    assert store.stat("before") == held
    assert store.stat("x") is None
    assert keep(store, BIG).size_bytes == len(BIG)
    assert whole(store) == BIG


def test_a_read_that_breaks_off_goes_on_in_the_same_version(
    store: S3Store, proxy: Proxy, object_store: objectstore.Server
) -> None:
    data = some_bytes(3 << 20)
    keep(store, data)
    reading = store.read("x")
    with proxy.failing(times(2, Fault(sent_bytes=(1 << 20) + 5), lambda r: r.method == "GET")) as asked:
        first = next(reading)
        by_others(object_store, store, "put_object", Body=some_bytes(3 << 20, seed=1))
        assert first + b"".join(reading) == data
    assert len(asked) == 3
    part = data[1 << 20 : 3 << 20]
    with proxy.failing(times(1, Fault(sent_bytes=(1 << 20) + 5), lambda r: r.method == "GET")):
        mine = versions(object_store, store)[1]
        assert whole(store, version=mine, start=1 << 20, length=2 << 20) == part


def test_a_read_that_breaks_off_again_and_again_where_it_stood_is_given_up(
    store: S3Store, proxy: Proxy
) -> None:
    keep(store, b"data")
    with (
        proxy.failing(times(99, Fault(sent_bytes=0), lambda r: r.method == "GET")) as asked,
        pytest.raises(StoreUnreachable),
    ):
        whole(store)
    assert len(asked) >= s3.TRIES


def test_a_version_that_goes_while_it_is_read_is_missing(
    store: S3Store, proxy: Proxy, object_store: objectstore.Server
) -> None:
    keep(store, some_bytes(3 << 20))
    reading = store.read("x")
    with proxy.failing(times(1, Fault(sent_bytes=(1 << 20) + 5), lambda r: r.method == "GET")):
        next(reading)
        object_store.remove(store.at.bucket, f"{store.at.prefix}x")
        with pytest.raises(ObjectMissing):
            list(reading)
